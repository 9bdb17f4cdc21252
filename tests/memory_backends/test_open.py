"""Which store a URL opens, and what messages say of one that opens none."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from lamlam.errors import (
    BadStore,
    LamLamError,
    MissingExtra,
    StoreMissing,
    UnknownBackend,
    UnknownOption,
)
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.open import connect, without_secrets
from lamlam.memory_backends.sync import SyncFactStore

NEO4J = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")


@pytest.mark.parametrize("url", ["memory:", "memory://"])
def test_a_memory_without_a_file(url: str) -> None:
    store = connect(url)
    assert isinstance(store, GraphStore)
    assert store.path is None


def test_a_memory_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three slashes for a path from here, four for one from the root."""
    monkeypatch.chdir(tmp_path)
    with SyncFactStore("memory:///world.json") as store:
        store.apply([Assert(Fact(entity="Ada", relation="work", value="x"))])
    with SyncFactStore(f"memory:///{tmp_path}/world.json", create=False) as store:
        assert store.lookup("Ada", "work").value == "x"
    with pytest.raises(StoreMissing), SyncFactStore("memory:///other.json", create=False):
        pass


@pytest.mark.parametrize("name", ["a\0b", "x" * 300, "\ud800"], ids=["NUL", "long", "no text"])
def test_what_no_file_can_be_called_is_told(tmp_path: Path, name: str) -> None:
    for given in (f"sqlite:///{tmp_path}/{name}", f"memory:///{tmp_path}/{name}", tmp_path / name):
        for options in ({}, {"create": False}, {"read_only": True}):
            with pytest.raises(BadStore, match="no file can be called"):
                connect(given, **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("scheme", ["sqlite", "memory"])
def test_options_of_a_file_are_refused_by_name(tmp_path: Path, scheme: str) -> None:
    """Nothing is made that has the option in its name."""
    with pytest.raises(UnknownOption, match="'mode'"):
        connect(f"{scheme}:///{tmp_path}/facts.db?mode=ro&cache=shared")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://ada:s3cret@host/facts",
        "neo4j:/ada:s3cret@host",
        "neo4j:s3cret",
        "mongodb://host/facts?password=s3cret",
        "mongodb://ada:s3/cr@et:s3cret@host/",
        "mongodb://a\nda:s3cret@host/",
        "sqlite:///?password=s3cret",
        "memory:///?password=s3cret",
        "sqlite://ada:s3cret@host/facts.db",
    ],
)
def test_no_message_holds_a_password(url: str) -> None:
    with pytest.raises(LamLamError) as refused:
        connect(url)
    said = f"{refused.value} {refused.value.hint}"
    assert "s3cret" not in said
    assert "s3/cr@et" not in said


def test_urls_as_messages_show_them() -> None:
    assert without_secrets("neo4j://host:7687/db") == "neo4j://host:7687/db"
    assert without_secrets("neo4j://a:b@host/db?x=y") == "neo4j://…@host/db?…"


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("facts.db", "sqlite:///facts.db"),
        ("sqlite:facts.db", "sqlite:///relative.db"),
        ("memory:world.json", "memory:///relative.json"),
        ("bolt:host", "bolt://user:password@host"),
        ("nonsense", "known are"),
    ],
)
def test_what_opens_nothing_says_what_would(url: str, hint: str) -> None:
    with pytest.raises(UnknownBackend) as refused:
        connect(url)
    assert hint in str(refused.value.hint)


@pytest.mark.parametrize("scheme", NEO4J)
def test_without_its_driver_neo4j_names_the_extra(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine without the package: Python finds none of that name."""
    monkeypatch.setitem(sys.modules, "neo4j", None)
    with pytest.raises(MissingExtra) as refused:
        connect(f"{scheme}://ada:s3cret@host")
    assert refused.value.extra == "neo4j"
    assert "in a clone: .venv/bin/python -m pip install neo4j" in str(refused.value.hint)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("name", ["create", "read_only"])
@pytest.mark.parametrize("flag", ["no", 0, None])
def test_a_switch_of_opening_is_on_or_off(name: str, flag: Any) -> None:
    """A store is not opened with a switch that is neither True nor False: "no" would count as on."""
    with pytest.raises(UnknownOption, match=f"{name} must be True or False, got {flag!r}"):
        SyncFactStore("memory:", **{name: flag}).__enter__()
