"""The command: the laws, on any backend by its URL."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest

import lamlam.memory_backends.conformance
from lamlam.errors import LamLamError
from lamlam.memory_backends.conformance import AllLaws, Backend, report
from lamlam.memory_backends.conformance.known_backends import described

_HERE = Path(lamlam.memory_backends.conformance.__file__).with_name("command_line_laws.py")


class _Chosen:
    """Sets the backend of the class that is collected."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            suite = getattr(item, "cls", None)
            if isinstance(suite, type) and issubclass(suite, AllLaws):
                suite.backend = self.backend


def main(arguments: list[str] | None = None) -> int:
    """Run the laws; return pytest's exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lamlam.memory_backends.conformance",
        description="The laws that every memory keeps, on the backend behind a URL. Each law "
        "gets an empty store: {folder} in the URL is a new folder, {name} a new name.",
        epilog="Examples: memory:   sqlite:///{folder}/facts.db   neo4j://user:password@host:7687",
    )
    parser.add_argument("url", metavar="URL")
    parser.add_argument("--json", metavar="FILE", help="write which laws are kept, as JSON")
    parser.add_argument("-k", metavar="EXPRESSION", help="only laws whose names match")
    parser.add_argument("-q", action="store_true", help="no line per law")
    given = parser.parse_args(arguments)
    try:
        backend = described(given.url)
    except LamLamError as error:
        hint = f"; {error.hint}" if error.hint else ""
        print(f"error: {error}{hint}", file=sys.stderr)  # noqa: T201 (a command)
        return 2
    options = [str(_HERE), "-p", "no:cacheprovider", "-rfs", "--import-mode=importlib"]
    options += ["-c", "/dev/null", "--rootdir", str(_HERE.parent)]
    options += ["-q"] if given.q else ["-v"]
    options += ["-k", given.k] if given.k else []
    options += [report.OPTION, given.json] if given.json else []
    return int(pytest.main(options, plugins=[report, _Chosen(backend)]))
