"""The product's modules, and what each imports: read from the source, so that lazy imports and
those for type checkers count as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.paths import ROOT

LINKED = ("runtime", "memory_backends", "trainer", "quant")


@cache
def modules() -> dict[str, Path]:
    """Return the file of every module, by its name without ``lamlam.``."""
    files = [path for path in (ROOT / "lamlam").rglob("*.py") if not _is_linked(path)]
    found = {_name(path.relative_to(ROOT / "lamlam")): path for path in files}
    for folder in LINKED:
        found |= {_name(path.relative_to(ROOT)): path for path in (ROOT / folder).rglob("*.py")}
    return found


@cache
def tree(name: str) -> ast.Module:
    """Return what the source of a module says."""
    return ast.parse(modules()[name].read_text(encoding="utf-8"))


@cache
def imports(name: str) -> frozenset[str]:
    """Return the modules of the product that a module imports, anywhere in its source."""
    return frozenset(one for one in _imports(name) if one in modules() and one != name)


def _imports(name: str) -> Iterator[str]:
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            yield from (_short(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                part = _short(f"{node.module}.{alias.name}")
                yield part if part in modules() else _short(node.module)


def _short(dotted: str) -> str:
    return "" if dotted == "lamlam" else dotted.removeprefix("lamlam.")


def _name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix("__init__").removesuffix(".")


def _is_linked(path: Path) -> bool:
    return path.relative_to(ROOT / "lamlam").parts[0] in LINKED
