"""The example of a backend of one's own keeps every law of what it declares."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

from lamlam.memory_backends import open as opening
from lamlam.memory_backends.conformance import AllLaws, Backend
from lamlam.memory_backends.protocol import Capability, FactStore
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.stores import put
from tests.paths import ROOT

_FILE = ROOT / "examples" / "jsonl_backend.py"
_NAME = "lamlam_example_jsonl_backend"
_BEGINNING = "jsonl:///"


def _example() -> ModuleType:
    if _NAME not in sys.modules:
        spec = importlib.util.spec_from_file_location(_NAME, _FILE)
        assert spec is not None and spec.loader is not None  # the file is there
        module = importlib.util.module_from_spec(spec)
        sys.modules[_NAME] = module
        spec.loader.exec_module(module)
    return sys.modules[_NAME]


class JsonlBackend(Backend):
    url = "jsonl:///{folder}/facts.jsonl"
    capabilities = frozenset(
        {
            Capability.WRITE, Capability.TRANSACTIONS, Capability.CAS, Capability.NAMESPACES,
            Capability.VALID_TIME,
        Capability.EXPIRY, Capability.FUZZY, Capability.FAST_LOOKUP, Capability.ERASE,
        }
    )  # fmt: skip

    def connect(self, url: str, *, create: bool = True, read_only: bool = False) -> FactStore:
        store: FactStore = _example().open_jsonl(url, create=create, read_only=read_only)
        return store

    def files(self, url: str) -> Sequence[Path]:
        path = Path(url.removeprefix(_BEGINNING))
        return [path, path.with_name(f"{path.name}.part")]


class TestJsonl(AllLaws):
    backend = JsonlBackend()


def test_its_url_is_opened_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry point named after the scheme is all that a user of the backend needs."""
    _example()
    entry = EntryPoint("jsonl", f"{_NAME}:open_jsonl", opening.ENTRY_POINTS)

    def entries(*, group: str, name: str) -> list[EntryPoint]:
        return [entry] if (group, name) == (entry.group, entry.name) else []

    monkeypatch.setattr(opening, "entry_points", entries)
    url = f"{_BEGINNING}{tmp_path}/facts.jsonl"
    with SyncFactStore(url) as store:
        put(store, ("Ada", "work", "x"))
    with SyncFactStore(url, read_only=True) as store:
        assert store.lookup("ada", "work").value == "x"
