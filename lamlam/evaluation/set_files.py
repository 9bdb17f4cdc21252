"""Files of items that other people made: a JSON object a line, plain or packed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamlam.errors import BadDocument
from lamlam.packed_files import UNPACKING_ERRORS

_DAMAGED: tuple[type[Exception], ...] = (UnicodeDecodeError, *UNPACKING_ERRORS)


@dataclass(frozen=True, slots=True)
class ItemLine:
    """The fields of one item, and where it stands."""

    fields: dict[str, Any]
    where: str
    """File and line, for messages."""

    def text(self, name: str) -> str:
        """Return a field that must hold a text.

        Raises:
            BadDocument: it is missing, empty or not a text.
        """
        found = self.fields.get(name)
        if not isinstance(found, str) or not found.strip():
            raise self._wrong(name, "a text that is not empty")
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a field that may hold a list of texts; empty where it is missing.

        Raises:
            BadDocument: it holds anything else.
        """
        found = self.fields.get(name)
        if found is None:
            return ()
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise self._wrong(name, "a list of texts")
        return tuple(found)

    def _wrong(self, name: str, expected: str) -> BadDocument:
        found = self.fields.get(name)
        got = "nothing" if found is None else json.dumps(found)[:40]
        return BadDocument(f"{self.where}: {name} must be {expected}, got {got}")


def read_items(path: Path | str) -> Iterator[ItemLine]:
    """Yield the items of a ``.jsonl`` file, which may be packed; ``-`` is standard input.

    Raises:
        BadDocument: the file cannot be read, or a line is not a JSON object.
    """
    from lamlam.trainer.documents import name_of, open_text

    name = name_of(path)
    number = 0
    try:
        with open_text(path) as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield ItemLine(
                        _object(line, f"{name}, line {number}"), f"{name}, line {number}"
                    )
    except OSError as problem:
        raise BadDocument(f"cannot read {name}: {problem.strerror or problem}") from None
    except _DAMAGED:
        raise BadDocument(f"{name} is damaged, or not a text file, after line {number}") from None


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise BadDocument(f"{where}: it is not JSON ({str(problem)[:60]})") from None
    if not isinstance(found, dict):
        raise BadDocument(
            f"{where}: an item must be a JSON object, got {type(found).__name__}",
            hint="a set file has one JSON object a line",
        )
    return found
