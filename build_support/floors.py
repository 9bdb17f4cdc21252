"""Prints the floors of pyproject.toml as pins for pip: ``name==oldest``, one a line.

``floors.py --installed`` compares them with the packages beside this Python instead: `make
test-floors` runs it before the tests, so that what passed is what pyproject.toml promises.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
# The extras with environments of their own: `make test-cluster`, `make test-adapters`.
APART = frozenset({"cluster", "langgraph", "pydantic-ai"})
LINTERS = "dev"  # the group whose tools run no test
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*])?>=([0-9.]+)[^;]*(;.*)?")


def requirements(project: dict[str, Any], *, with_linters: bool = False) -> list[str]:
    """Return what the base, every extra and the groups require.

    Args:
        project: pyproject.toml, parsed.
        with_linters: the tools that only read the code, too.
    """
    lists = [
        project["project"]["dependencies"],
        *(
            extra
            for name, extra in project["project"]["optional-dependencies"].items()
            if name not in APART
        ),
        *(
            group
            for name, group in project["dependency-groups"].items()
            if with_linters or name != LINTERS
        ),
    ]
    own = f"{project['project']['name']}["  # an extra of our own; so is a group that is included
    return [
        one for each in lists for one in each if isinstance(one, str) and not one.startswith(own)
    ]


def floors(project: dict[str, Any], *, with_linters: bool = False) -> dict[str, str]:
    """Return the oldest version of each package that pyproject.toml lets in.

    Raises:
        ValueError: a requirement states no floor, or two of one package state different ones.
    """
    found: dict[str, str] = {}
    for requirement in requirements(project, with_linters=with_linters):
        match = _REQUIREMENT.fullmatch(requirement)
        if not match:
            raise ValueError(f"pyproject.toml: {requirement!r} has no floor: write name>=version")
        name, floor = match[1].lower(), match[2]
        if found.setdefault(name, floor) != floor:
            raise ValueError(f"pyproject.toml: {name} has two floors, {found[name]} and {floor}")
    return found


def is_floor(installed: str, floor: str) -> bool:
    """Return whether a version is the floor itself, zeros at the end aside."""
    return _numbers(installed) == _numbers(floor)


def _numbers(text: str) -> list[int]:
    release = text.partition("+")[0]  # "2.4.0+cu121": what it was built for
    numbers = [int(part) if part.isdigit() else -1 for part in release.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers


def _compare(wanted: dict[str, str]) -> int:
    shown, wrong = [], []
    for name, floor in sorted(wanted.items()):
        try:
            here = version(name)
        except PackageNotFoundError:
            here = "missing"
        shown.append(f"{name} {here}")
        if not is_floor(here, floor):
            wrong.append(f"{name} is {here}, its floor is {floor}")
    python = ".".join(map(str, sys.version_info[:3]))
    sys.stdout.write(f"[floors] Python {python}, {', '.join(shown)}\n")
    for line in wrong:
        sys.stderr.write(f"[floors] {line}\n")
    return 1 if wrong else 0


def main(arguments: list[str]) -> int:
    """Print the pins, or compare the installed versions with them; return the exit status."""
    wanted = floors(tomllib.loads(PROJECT.read_text(encoding="utf-8")))
    if arguments == ["--installed"]:
        return _compare(wanted)
    for name, floor in sorted(wanted.items()):
        sys.stdout.write(f"{name}=={floor}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
