"""How the house is kept: few entries a folder, modules of a readable length, one name a thing."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.modules import modules, tree
from tests.paths import ROOT

MOST_LINES = 450
LONG = {"runtime.decoding.decoder", "memory_backends.neo4j_graph.queries"}
VERBS = frozenset((Path(__file__).parent / "imperative_verbs.txt").read_text("utf-8").split())
NOT_ACTIONS = ("property", "overload", "setter")


@pytest.mark.parametrize(("folder", "most"), [("memory_backends", 14), ("runtime", 9)])
def test_a_folder_is_taken_in_at_a_glance(folder: str, most: int) -> None:
    """So many entries, the package's own files not counted."""
    entries = {path.name for path in (ROOT / folder).iterdir()} - {"__init__.py", "__pycache__"}
    assert len(entries) <= most, sorted(entries)


def test_no_module_is_too_long() -> None:
    """But for two that are tables and states of one thing."""
    lengths = {name: path.read_text("utf-8").count("\n") for name, path in modules().items()}
    long = {name: lines for name, lines in lengths.items() if lines > MOST_LINES}
    assert long.keys() <= LONG, long


def test_no_two_classes_share_a_name() -> None:
    """Private ones included; a class inside a function is that function's own."""
    names = Counter(
        node.name
        for name in modules()
        for node in tree(name).body
        if isinstance(node, ast.ClassDef)
    )
    assert not [name for name, times in names.items() if times > 1]


def test_docstrings_of_functions_are_imperative() -> None:
    """Each begins with a verb of the list, which grows with the code."""
    others = {
        f"{name}:{node.lineno} {node.name}: {ast.get_docstring(node)}".partition("\n")[0]
        for name in modules()
        for node in _actions(tree(name))
        if (ast.get_docstring(node) or "").split()[0].rstrip(".,:;") not in VERBS
    }
    assert not others, "\n".join(sorted(others))


def test_the_verbs_are_sorted() -> None:
    """One a line, in order, so that a new one has one place."""
    lines = (Path(__file__).parent / "imperative_verbs.txt").read_text("utf-8").splitlines()
    assert lines == sorted(set(lines))


def _actions(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions and methods that say what they do: not properties, overloads and laws."""
    for child in ast.walk(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(child):
            decorators = [ast.unparse(one) for one in child.decorator_list]
            is_exempt = any(word in one for one in decorators for word in NOT_ACTIONS)
            if not is_exempt and not child.name.startswith("test_"):
                yield child
