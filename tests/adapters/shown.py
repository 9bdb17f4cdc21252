"""What pages and examples say that they print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.pages import fences, page
from tests.paths import ROOT
from tests.programs import run_python


def section(heading: str) -> str:
    """Return what docs/frameworks.md says under a heading of the second level."""
    (found,) = re.findall(
        rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)",
        page("frameworks.md"),
        re.DOTALL | re.MULTILINE,
    )
    return str(found)


def programs(heading: str) -> list[tuple[str, str]]:
    """Return each program of a section, with what stands behind it."""
    text = section(heading)
    return list(zip(fences(text), fences(text, "text"), strict=True))


def printed(program: str, folder: Path) -> str:
    """Return what a program of a page prints, in an empty folder."""
    (folder / "program.py").write_text(program, encoding="utf-8")
    done = run_python("-W", "error", "program.py", folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_example(name: str, folder: Path) -> None:
    """Run an example, and compare what it prints with its docstring."""
    path = ROOT / "examples" / "frameworks" / name
    done = run_python("-W", "error", str(path), folder=folder)
    assert done.returncode == 0, done.stderr
    documented = path.read_text(encoding="utf-8").split('"""')[1]
    shown = [line.strip() for line in documented.splitlines() if line.startswith("    ")]
    assert done.stdout.splitlines() == shown


def check_versions(heading: str, package: str) -> None:
    """Compare the version that a section names with the one that is installed."""
    from importlib.metadata import version

    (named,) = re.findall(r"^Tested with \S+ (\S+?)\. ", section(heading), re.MULTILINE)
    if named != version(package):
        pytest.fail(f"docs/frameworks.md names {package} {named}, here is {version(package)}")
