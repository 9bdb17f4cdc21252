"""`lamlam.memory_backends.authoring` has what an author of a backend needs, loaded on first use."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys

import pytest

from lamlam.memory_backends import authoring
from tests.paths import ROOT

_FILE = ROOT / "memory_backends" / "authoring.py"


def test_all_is_sorted_and_complete() -> None:
    """``__all__`` has each name that type checkers see, but for two of typing's, and no other."""
    tree = ast.parse(_FILE.read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    lazy = {
        alias.name
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert authoring.__all__ == sorted(authoring.__all__)
    assert lazy == set(authoring._HOMES)
    assert lazy < set(authoring.__all__)


@pytest.mark.parametrize("name", authoring.__all__)
def test_every_name_is_documented(name: str) -> None:
    thing = getattr(authoring, name)
    if callable(thing) and inspect.getmodule(thing) is not None:
        assert inspect.getdoc(thing)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'LocalStor'"):
        _ = authoring.LocalStor


def test_a_store_that_is_only_read_loads_neither_plans_nor_an_event_loop() -> None:
    """A process that only asks writes its first token earlier."""
    program = (
        "import lamlam, sys\n"
        "with lamlam.SyncFactStore('bundled') as store:\n"
        "    store.lookup_nowait(lamlam.Lookup('Ada Lovelace', 'born in'))\n"
        "print({'lamlam.memory_backends.commits.commit_plan', 'asyncio'} & set(sys.modules))\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_example_needs_nothing_else() -> None:
    """The small backend imports from `lamlam`, this module, and the standard library."""
    tree = ast.parse((ROOT / "examples" / "jsonl_backend.py").read_text(encoding="utf-8"))
    modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    ours = {name for name in modules if name.partition(".")[0] == "lamlam"}
    assert ours <= {"lamlam", "lamlam.memory_backends.authoring"}


def test_the_guide_imports_what_exists() -> None:
    """Every import in the code of the guide works."""
    page = (ROOT / "docs" / "writing-a-backend.md").read_text(encoding="utf-8")
    fences = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    imports = [line for fence in fences for line in fence.splitlines() if line.startswith("from ")]
    assert len(imports) > 3
    exec("\n".join(imports), {})  # our own page
