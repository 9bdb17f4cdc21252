"""The lines of a public set: JSON objects whose fields are checked when they are read."""

from __future__ import annotations

import json
import lzma
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamlam.errors import BadDocument
from lamlam.trainer.documents import name_of, open_text


@dataclass(frozen=True, slots=True)
class SetLine:
    """One object of a set and where it stands."""

    raw: dict[str, Any]  # Any: checked field by field
    number: int

    def has(self, name: str) -> bool:
        """Return whether the line has this field."""
        return name in self.raw

    def text(self, name: str) -> str:
        """Return a field that must be a string with something in it."""
        value = self.raw.get(name)
        if not isinstance(value, str) or not value.strip():
            raise self._refusal(name, "a string that is not empty", value)
        return value

    def text_or_none(self, name: str) -> str | None:
        """Return a field that may be null or absent."""
        return None if self.raw.get(name) is None else self.text(name)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a field that must be a list of strings."""
        value = self.raw.get(name)
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise self._refusal(name, "a list of strings", value)
        return tuple(value)

    def _refusal(self, name: str, expected: str, value: object) -> BadDocument:
        found = "nothing" if value is None else type(value).__name__
        if isinstance(value, str):
            found = "an empty string"
        elif isinstance(value, list):
            found = "a list with something else in it"
        return BadDocument(
            f"line {self.number}: {name} must be {expected}, got {found}",
            hint="docs/evaluation.md has the fields of each set",
        )


def read_set_lines(path: Path | str) -> Iterator[SetLine]:
    """Yield the objects of a ``.jsonl``, ``.gz`` or ``.xz`` file; ``-`` is standard input.

    Raises:
        BadDocument: the file cannot be read, or a line is not a JSON object.
    """
    try:
        with open_text(path) as lines:
            for number, line in enumerate(lines, 1):
                if number == 1:
                    line = line.removeprefix("\ufeff")  # the mark that some editors write
                if line.strip():
                    yield SetLine(_object(line, number), number)
    except (OSError, EOFError, lzma.LZMAError, zlib.error, UnicodeDecodeError) as problem:
        # A system's own message names the file again.
        why = (problem.strerror if isinstance(problem, OSError) else None) or problem
        raise BadDocument(f"cannot read {name_of(path)}: {why}") from None


def _object(line: str, number: int) -> dict[str, Any]:
    try:
        raw: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise BadDocument(f"line {number} is not JSON") from None
    if not isinstance(raw, dict):
        raise BadDocument(f"line {number}: expected an object, got {type(raw).__name__}")
    return raw
