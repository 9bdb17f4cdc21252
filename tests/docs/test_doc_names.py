"""Every name and file that the documentation shows exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from lamlam.errors import MissingExtra
from tests.pages import DOCS, fences
from tests.paths import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "DECISIONS.md")),
    ROOT / "lamlam" / "bundled" / "MODEL_CARD.md",
    *DOCS,
]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
# Names of metadata in GGUF files, of attributes of spans, and of a file.
NOT_PYTHON = re.compile(
    r"lamlam\.(json$|format_version|verbalise|lookup_bias|training$|normalizer|text_start|\w+_blake2b|delta\."
    r"|policy|lookup\.|lookups|usage\.)"
)
DOTTED = re.compile(r"(?<![\w/@-])lamlam(?:\.[A-Za-z_]\w*)+")
FILE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|toml|sh|cmake|jsonl|gguf|xz|md|txt))`")


def _imports(page: str) -> Iterator[str]:
    for fence in fences(page):
        for node in ast.walk(ast.parse(fence)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lamlam"):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _resolves(name: str) -> bool:
    parts = name.split(".")
    found: object = import_module("lamlam")
    for i, part in enumerate(parts[1:], 2):
        if hasattr(found, part):
            found = getattr(found, part)
        elif hasattr(found, "__path__") and find_spec(".".join(parts[:i])):
            try:
                found = import_module(".".join(parts[:i]))
            except MissingExtra:  # `make test-adapters` runs the page that names it
                return parts[1] == "adapters"
        else:
            return False
    return True


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_names_import(path: Path) -> None:
    """Each name that begins with ``lamlam.``, and each import, leads to something."""
    page = path.read_text(encoding="utf-8")
    names = {*DOTTED.findall(page), *_imports(page)}
    assert not [name for name in names if not NOT_PYTHON.match(name) and not _resolves(name)]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_files_exist(path: Path) -> None:
    """Each file with a folder before it is in the repository, or on GitHub under another name."""
    named = FILE.findall(path.read_text(encoding="utf-8"))
    assert not [name for name in named if not (ROOT / name).exists()]


@pytest.mark.parametrize(("kind", "least"), [("module", 100), ("name", 50)])
def test_the_changelog_names_successors(kind: str, least: int) -> None:
    """Of each module, and each name in one, the new place imports and the old one does not."""
    table = CHANGELOG.partition(f"| old {kind} | new {kind} |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `([\w.]+)` \| `([\w.]+)` \|$", table, re.MULTILINE)
    assert len(rows) > least
    for old, new in rows:
        assert _resolves(f"lamlam.{new}"), new
        assert new.startswith(f"{old}.") or not _resolves(f"lamlam.{old}"), old
