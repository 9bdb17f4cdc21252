"""The public names are what they claim to be: sorted, complete, documented, cheap to import."""

from __future__ import annotations

import ast
import inspect

import pytest

import lamlam
from lamlam import errors
from tests.paths import ROOT
from tests.programs import output_of


def test_all_is_sorted_and_complete() -> None:
    """``__all__`` lists each name that type checkers see, in order, and nothing else."""
    tree = ast.parse((ROOT / "lamlam" / "__init__.py").read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen_by_checkers = {
        alias.asname or alias.name
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert lamlam.__all__ == sorted(lamlam.__all__)
    assert set(lamlam.__all__) == seen_by_checkers


@pytest.mark.parametrize("name", lamlam.__all__)
def test_every_public_name_resolves_and_is_documented(name: str) -> None:
    """A public name loads and its docstring begins with a sentence."""
    thing = getattr(lamlam, name)
    documentation = inspect.getdoc(thing)
    assert documentation, f"lamlam.{name} has no docstring"
    assert len(documentation.splitlines()[0]) > 10


@pytest.mark.parametrize("name", lamlam.__all__)
def test_every_public_method_is_documented(name: str) -> None:
    """Each method of a public class that a user may call has a docstring."""
    thing = getattr(lamlam, name)
    if not inspect.isclass(thing):
        assert callable(thing)
        return
    undocumented = [
        method
        for method, function in vars(thing).items()
        if not method.startswith("_")
        and inspect.isfunction(function)
        and not inspect.getdoc(function)
    ]
    assert not undocumented


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A mistaken name fails as on any module."""
    with pytest.raises(AttributeError, match="has no attribute 'Fcat'"):
        _ = lamlam.Fcat


def test_import_loads_nothing_heavy() -> None:
    """``import lamlam`` leaves numpy, pydantic, llama_cpp, typer and the backends alone."""
    program = "import sys, lamlam; print(' '.join(sys.modules))"
    modules = output_of(program).split()
    heavy = {"numpy", "pydantic", "llama_cpp", "typer", "rich", "networkx", "torch", "sqlite3"}
    assert heavy.isdisjoint(modules)
    assert [name for name in modules if name.startswith("lamlam")] == ["lamlam.version", "lamlam"]


def test_every_error_stands_in_the_tree_drawing() -> None:
    """The drawing in ``lamlam/errors.py`` shows each class below its base, and no other."""
    classes = {
        name: thing
        for name, thing in vars(errors).items()
        if inspect.isclass(thing) and issubclass(thing, errors.LamLamError)
    }
    drawn: dict[str, str] = {}  # class name -> name of the class it hangs from
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        name = line.lstrip("│├└─ ").split(" ")[0]
        if name not in classes:
            continue
        depth = (len(line) - len(line.lstrip("│├└─ "))) // 4
        del above[depth:]
        if above:
            drawn[name] = above[-1]
        above.append(name)
    assert drawn == {
        name: thing.__bases__[0].__name__
        for name, thing in classes.items()
        if thing is not errors.LamLamError
    }


def test_a_hint_is_shown_with_the_traceback() -> None:
    """``hint`` is an attribute and a note, so that a traceback shows it too."""
    error = errors.LamLamError("no such thing", hint="try another")
    assert (str(error), error.hint, error.__notes__) == (
        "no such thing",
        "try another",
        ["try another"],
    )
