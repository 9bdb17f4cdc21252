"""Every dependency has an oldest version, and `make test-floors` installs exactly that one."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from lamlam.cli.app import run
from lamlam.errors import OutdatedPackage
from lamlam.extras import OLDEST, is_outdated
from tests.limits import HANG_S
from tests.paths import ROOT

SCRIPT = ROOT / "build_support" / "floors.py"
TEXT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT = tomllib.loads(TEXT)


def _module(path: Path) -> ModuleType:
    """Run a file as a module of another name."""
    spec = importlib.util.spec_from_file_location(f"{path.stem}_again", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FLOORS: Any = _module(SCRIPT)


def _stated(*, with_linters: bool) -> Iterator[Requirement]:
    """What pyproject.toml requires, as the packaging library reads it."""
    lists = [PROJECT["project"]["dependencies"]]
    extras = PROJECT["project"]["optional-dependencies"]
    lists += [extras[name] for name in extras if name not in FLOORS.APART]
    lists += [PROJECT["dependency-groups"]["test"]]
    if with_linters:
        lists += [PROJECT["dependency-groups"]["dev"]]
    for requirement in (one for each in lists for one in each if isinstance(one, str)):
        parsed = Requirement(requirement)
        if parsed.name != "lamlam":
            yield parsed


def _floor(requirement: Requirement) -> str:
    (floor,) = [one.version for one in requirement.specifier if one.operator == ">="]
    return floor


@pytest.mark.parametrize("requirement", list(_stated(with_linters=False)), ids=str)
def test_each_dependency_has_a_floor_and_it_is_met_here(requirement: Requirement) -> None:
    """No version below it is installed where the tests run, whichever environment that is."""
    assert Version(version(requirement.name)) >= Version(_floor(requirement))


def test_linters_have_a_floor() -> None:
    """They are in no run of the tests, and not in the environment of the floors."""
    stated = {one.name: _floor(one) for one in _stated(with_linters=True)}
    assert stated.keys() >= {"mypy", "pyright", "ruff"}
    assert FLOORS.floors(PROJECT, with_linters=True) == stated


@pytest.mark.parametrize("name", sorted({one.name for one in _stated(with_linters=False)}))
def test_each_dependency_says_what_it_is_for(name: str) -> None:
    """A comment stands beside it, at least where it is named first."""
    (line, *_) = [line for line in TEXT.splitlines() if re.match(rf'.*"{name}>=', line)]
    in_testing = any(name in one for one in PROJECT["project"]["optional-dependencies"]["testing"])
    assert re.search(r"# \w", line) or in_testing, line


def test_the_script_pins_what_pyproject_states() -> None:
    """One pin for each package, at the stated floor; nothing else and nothing twice."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], capture_output=True, text=True, timeout=HANG_S, check=True
    )
    expected = {f"{one.name.lower()}=={_floor(one)}" for one in _stated(with_linters=False)}
    assert sorted(done.stdout.splitlines()) == sorted(expected)


@pytest.mark.parametrize(
    ("dependencies", "message"),
    [
        (["rich"], "'rich' has no floor"),
        (["rich<15"], "'rich<15' has no floor"),
        (["rich==14"], "'rich==14' has no floor"),
        (["rich>=13.8", "rich>=14"], "rich has two floors, 13.8 and 14"),
    ],
)
def test_a_floor_that_is_not_clear_is_refused(dependencies: list[str], message: str) -> None:
    """The requirement is named."""
    project = {
        "project": {"name": "x", "dependencies": dependencies, "optional-dependencies": {}},
        "dependency-groups": {},
    }
    with pytest.raises(ValueError, match=re.escape(message)):
        FLOORS.floors(project)


@pytest.mark.parametrize(
    ("installed", "floor", "same"),
    [
        ("4.0.0", "4", True),
        ("2.4.0+cu121", "2.4", True),
        ("5.26.0.0", "5.26", True),
        ("2.4.1", "2.4", False),
        ("0.3.36", "0.3.16", False),
        ("5.0.0rc1", "5.0", False),
        ("missing", "5.0", False),
    ],
)
def test_what_counts_as_the_floor_itself(installed: str, floor: str, same: bool) -> None:
    """The stated release, however many zeros end it, and no other."""
    assert FLOORS.is_floor(installed, floor) is same


def test_an_environment_with_other_versions_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Each package that is not at its floor is named, so that the wrong environment tests nothing."""
    assert FLOORS._compare({"pytest": "1.0", "no-such-package": "2"}) == 1
    shown = capsys.readouterr()
    assert f"pytest {version('pytest')}" in shown.out
    assert shown.err.splitlines() == [
        "[floors] no-such-package is missing, its floor is 2",
        f"[floors] pytest is {version('pytest')}, its floor is 1.0",
    ]


def test_what_is_refused_at_run_time_is_refused_by_pip_too() -> None:
    """The code's oldest releases are those of pyproject.toml."""
    stated = {one.name: _floor(one) for one in _stated(with_linters=False)}
    assert OLDEST.items() <= stated.items()


@pytest.mark.parametrize(
    ("found", "outdated"),
    [
        ("4.57.6", True),
        ("4.999", True),
        ("5.0.0", False),
        ("5", False),
        ("5.0.0rc1", False),
        ("5.0.0.dev0", False),
        ("10.0", False),
    ],
)
def test_releases_are_compared_as_numbers(found: str, outdated: bool) -> None:
    """As the packaging library does, save that a trial of the oldest release counts as it."""
    assert is_outdated("transformers", found) is outdated


@pytest.mark.parametrize("line", [["--version"], ["facts", "get", "Ada", "age"], []])
def test_the_command_refuses_a_parser_that_would_misread_it(
    line: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line and status 2, whatever was asked for: never nothing and status 0."""
    monkeypatch.setattr("typer.__version__", "0.12.5")
    assert run(line) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == (
        f"error: typer 0.12.5 is too old for lamlam: it needs {OLDEST['typer']} or newer "
        f"(run: python -m pip install --upgrade 'typer>={OLDEST['typer']}')\n"
    )


def test_the_trainer_refuses_releases_that_ignore_its_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As it is imported, before a document is read."""
    monkeypatch.setattr("transformers.__version__", "4.57.6")
    with pytest.raises(OutdatedPackage, match=r"transformers 4\.57\.6 is too old") as refused:
        _module(ROOT / "trainer" / "model.py")
    assert refused.value.hint == "run: python -m pip install --upgrade 'transformers>=5.0'"
