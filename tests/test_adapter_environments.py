"""The environments of `make test-adapters` are complete: nothing is left out of them in silence."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.paths import ROOT

_NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENDMARKER,
}  # fmt: skip
FOLDER = ROOT / "build_support" / "adapters"
ROWS = tomllib.loads((FOLDER / "environments.toml").read_text("utf-8"))
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
    "optional-dependencies"
]


def test_each_folder_of_tests_is_run_by_one_environment() -> None:
    """`make test` leaves tests/adapters out, so each part of it must be somewhere else."""
    folders = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests" / "adapters").iterdir()
        if path.is_dir() and path.name != "__pycache__"
    }
    run = [row["tests"] for row in ROWS.values()]
    assert folders <= set(run) and len(run) == len(set(run))
    assert all(list((ROOT / tests).rglob("test_*.py")) for tests in run)


def test_each_adapter_has_an_environment_with_its_extra() -> None:
    """Module, extra and environment have one name; the extras are not in `all`."""
    modules = [
        path
        for path in (ROOT / "lamlam" / "adapters").iterdir()
        if path.name not in ("__init__.py", "__pycache__")
    ]
    for path in modules:
        name = path.stem
        extra = name.replace("_", "-")
        assert extra in ROWS[extra]["extras"]
        assert extra not in EXTRAS["all"][0]
        assert f"lamlam/adapters/{path.name}" in ROWS[extra]["types"]


@pytest.mark.parametrize("name", ROWS)
def test_each_environment_has_a_version_for_all_that_it_installs(name: str) -> None:
    """What is tested today is what is tested tomorrow."""
    lines = (FOLDER / f"{name}.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins), pins
    pinned = {pin.partition("==")[0].lower().replace("_", "-"): pin for pin in pins}
    wanted = [one for extra in ROWS[name]["extras"] for one in EXTRAS[extra]]
    for one in map(Requirement, [*wanted, *ROWS[name]["packages"], "pytest"]):
        if one.name != "llama-cpp-python":  # build_support/constraints.txt has it
            pin = pinned[one.name.lower()]
            assert one.specifier.contains(pin.partition("==")[2]), pin


def test_continuous_integration_runs_them() -> None:
    """After the tests of the whole, in the same log."""
    assert "make test-adapters" in (ROOT / ".ci" / "run").read_text("utf-8")


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "lamlam" / "adapters").rglob("*.py")),
    ids=lambda path: str(path.parent.name) + "/" + path.name,
)
def test_an_adapter_is_thin(path: Path) -> None:
    """A module of one has at most 150 lines of code: what is more belongs to lamlam itself."""
    assert lines_of_code(path) <= 150


@pytest.mark.parametrize(("name", "most"), [("langgraph", 150), ("pydantic_ai", 182)])
def test_the_modules_of_an_adapter_are_thin_together(name: str, most: int) -> None:
    """What needs no framework is elsewhere: `stored_documents`, `answering`."""
    modules = (ROOT / "lamlam" / "adapters" / name).rglob("*.py")
    assert 0 < sum(map(lines_of_code, modules)) <= most


def lines_of_code(path: Path) -> int:
    """Return how many lines of a module are neither blank nor comments or docstrings."""
    source = path.read_text("utf-8")
    documented = {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = {
        line
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in _NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(lines - documented)
