"""A project of a user, as `docs/testing.md` tells one to set it up, with a Python of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

from lamlam.testing.neo4j_containers import IMAGE, has_image
from tests.limits import HANG_S
from tests.neo4j_server.container_image import tag_of
from tests.neo4j_server.jdks import LTS
from tests.pages import fences, page
from tests.paths import ROOT

PAGE = page("testing.md")
_VARIABLES = ("LAMLAM_", "NEO4J_", "PYTEST_", "PYTHONPATH", "COLUMNS")


@dataclass(frozen=True, slots=True)
class PytestRun:
    """How pytest ended."""

    text: str
    outcomes: dict[str, int]
    """Numbers of tests by outcome: passed, skipped, failed, errors."""


@dataclass(frozen=True, slots=True)
class UserProject:
    """A folder with the settings and the tests of the page."""

    folder: Path

    def write(self, name: str, text: str) -> None:
        """Add a file."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start pytest, with the variables of a machine where nothing of lamlam is set."""
        kept = {name: value for name, value in os.environ.items() if _is_foreign(name)}
        return subprocess.Popen(
            [str(self.folder / ".venv" / "bin" / "python"), "-m", "pytest", *arguments],
            cwd=self.folder,
            env={**kept, **_image(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> PytestRun:
        """Run pytest to its end."""
        return ended(self.start(*arguments, **environment))


def ended(process: subprocess.Popen[str]) -> PytestRun:
    """Return how pytest ended."""
    try:
        text, _ = process.communicate(timeout=HANG_S)
    finally:
        process.kill()
    closing = text.strip().splitlines()[-1]
    found = re.findall(r"(\d+) (passed|failed|skipped|error)s?\b", closing)
    return PytestRun(text, {kind: int(number) for number, kind in found})


def new_project(folder: Path) -> UserProject:
    """Make the project of the page in a folder: its settings, and its example as the tests."""
    folder.mkdir(parents=True)
    venv.create(folder / ".venv", symlinks=True)
    (libraries,) = (folder / ".venv" / "lib").glob("python*/site-packages")
    # Stands for `pip install`: lamlam from this tree, all else from where it is installed.
    places = [str(ROOT), sysconfig.get_path("purelib")]
    (libraries / "lamlam.pth").write_text("\n".join(places) + "\n", encoding="utf-8")
    made = UserProject(folder)
    made.write("pyproject.toml", fences(PAGE, "toml")[0])
    made.write("test_page.py", fences(PAGE)[0])
    return made


def _is_foreign(name: str) -> bool:
    return not name.startswith(_VARIABLES)


def _image() -> dict[str, str]:
    """In an engine of the user, the usual name means an image from a registry."""
    return {} if has_image(IMAGE) else {"LAMLAM_NEO4J_IMAGE": tag_of(LTS)}
