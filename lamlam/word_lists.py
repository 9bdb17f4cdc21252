"""Word lists as text files: words are data, not code.

``[name]`` begins a list, ``#`` a comment; commas and line ends separate entries.
"""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path


@cache
def read_sections(path: Path) -> dict[str, tuple[str, ...]]:
    """Return the lines under each ``[name]`` of a text file, which is read once."""
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]"):
            lines = sections[line[1:-1]] = []
        elif line and not line.startswith("#"):
            lines.append(line)
    return {name: tuple(lines) for name, lines in sections.items()}


class WordLists:
    """The lists of one text file; it is read when a list is first used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[tuple[str, ...], tuple[str, ...]] = {}

    def words(self, *names: str) -> tuple[str, ...]:
        """Return the entries of the lists, one list after the other, in the order of the file.

        Raises:
            KeyError: the file has no list of one of these names.
        """
        if names not in self._known:
            lines = [line for name in names for line in read_sections(self._path)[name]]
            self._known[names] = tuple(
                entry for line in lines for entry in line.removesuffix(",").split(", ")
            )
        return self._known[names]

    def pick(self, rng: random.Random, *names: str) -> str:
        """Return a random entry of the lists taken together."""
        return rng.choice(self.words(*names))
