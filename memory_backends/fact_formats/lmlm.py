"""The database of the LMLM reference implementation: one JSON object of four lists.

``{"entities": […], "relationships": […], "return_values": […], "triplets": [[E, R, V], …]}``, as
its ``save_database`` writes it. Kept are entity, relation and the text of the value; a fact of
another namespace than the usual one is left out: the format could not tell it from the others.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import IO, Any

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats.format import (
    Faults,
    Format,
    Item,
    LossReport,
    without_mark,
)
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.model.values import ValueType

KEYS = ("entities", "relationships", "return_values", "triplets")
_SPACE = re.compile(r"[ \t\n\r]*")
_ENOUGH = 65_536
"""Characters that are kept in hand, so that most values are read at the first try."""
_MOST_IN_ONE = 16_000_000
"""Characters of one element of a list."""


def read(lines: Iterable[bytes], faults: Faults) -> Iterator[Item]:
    """Give a fact for each triplet; the file is never in memory as a whole."""
    text = _JsonStream(lines, faults)
    text.expect("{")
    missing = set(KEYS)
    while not text.skip("}"):
        if len(missing) < len(KEYS):
            text.expect(",")
        key = text.value()
        text.expect(":")
        if key not in missing:
            raise faults.stop(
                f"{str(key)[:40]!r} is not a key of an LMLM database, or stands there twice",
                f"it has {', '.join(KEYS)}",
            )
        missing.remove(key)
        for element in text.elements():
            if key == "triplets":
                try:
                    yield Assert(_fact(element))
                except BadFact as error:
                    faults.reject(error)
    if missing:
        raise faults.stop(f"the LMLM database lacks {', '.join(sorted(missing))}")
    if not text.is_over():
        raise faults.stop("something follows the database")


def write(items: Iterable[Item], file: IO[bytes], lost: LossReport) -> None:
    """Write the texts of all facts, each triplet once for each entity."""
    names: dict[str, dict[str, None]] = {key: {} for key in KEYS[:3]}
    seen: set[tuple[str, str, str]] = set()
    entity = ""
    file.write(b'{\n    "triplets": [')
    mark = b"\n"
    for item in items:
        if not isinstance(item, Assert):
            lost.note_beside(item)
            continue
        fact = item.fact
        if fact.namespace:
            lost.note("facts of other namespaces")
            continue
        _note_what_is_lost(fact, lost)
        triplet = fact.entity, fact.relation, fact.surface
        if fact.entity != entity:
            entity = fact.entity
            seen.clear()
        if triplet in seen:
            lost.note("facts that differ in their period alone")
            continue
        seen.add(triplet)
        for key, text in zip(KEYS[:3], triplet, strict=True):
            names[key][text] = None
        file.write(mark + b"        " + _json(triplet))
        mark = b",\n"
    file.write(b"\n    ]")
    for key, texts in names.items():
        file.write(b",\n    " + _json(key) + b": " + _json(list(texts)))
    file.write(b"\n}\n")


LMLM = Format("lmlm", read, write, is_one_text=True)


def _note_what_is_lost(fact: Fact, lost: LossReport) -> None:
    if fact.type is not ValueType.TEXT:
        lost.note("types of values")
    if fact.sources:
        lost.note("facts' sources")
    if fact.confidence != 1.0:
        lost.note("confidences")
    if fact.valid_from is not None or fact.valid_to is not None:
        lost.note("periods")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _fact(triplet: object) -> Fact:
    if not isinstance(triplet, list) or len(triplet) != 3:
        raise BadFact("invalid fact: a triplet must be a list of three strings")
    entity, relation, value = triplet
    if not isinstance(value, str):
        raise BadFact(f"invalid fact: value must be a string, got {type(value).__name__}")
    return Fact(entity=entity, relation=relation, value=value)


class _JsonStream:
    """JSON that is read value by value from lines."""

    def __init__(self, lines: Iterable[bytes], faults: Faults) -> None:
        self._lines = iter(lines)
        self._faults = faults
        self._decode = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder()
        self._text = ""
        self._at = 0
        self._is_first = True
        self._faults.line = 1

    def expect(self, mark: str) -> None:
        if not self.skip(mark):
            raise self._broken()

    def skip(self, mark: str) -> bool:
        """Return whether the mark is what comes next, and pass it if so."""
        self._to_next()
        if not self._text.startswith(mark, self._at):
            return False
        self._at += 1
        return True

    def is_over(self) -> bool:
        self._to_next()
        return self._at == len(self._text)

    def value(self) -> Any:  # Any: JSON
        self._to_next()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except (ValueError, RecursionError):
                if len(self._text) - self._at > _MOST_IN_ONE or not self._more():
                    raise self._broken() from None
            else:
                self._pass(end)
                return value

    def elements(self) -> Iterator[Any]:  # Any: JSON
        """Give the elements of a list."""
        self.expect("[")
        if self.skip("]"):
            return
        while True:
            yield self.value()
            if self.skip("]"):
                return
            self.expect(",")

    def _to_next(self) -> None:
        """Pass white space, and read on until more than a little is at hand."""
        while True:
            match = _SPACE.match(self._text, self._at)
            assert match is not None  # it matches nothing, too
            self._pass(match.end())
            if self._at < len(self._text) or not self._more():
                return

    def _pass(self, end: int) -> None:
        self._faults.line += self._text.count("\n", self._at, end)
        self._at = end

    def _more(self) -> bool:
        """Read on; return false where the file is at its end."""
        parts = [self._text[self._at :]]
        # Twice as much each time: a value that needs many tries costs no more than two of them.
        wanted = max(_ENOUGH, len(parts[0]))
        self._at = 0
        try:
            while wanted > 0 and (line := next(self._lines, b"")):
                if self._is_first:
                    line, self._is_first = without_mark(line), False
                parts.append(self._decode.decode(line))
                wanted -= len(line)
        except UnicodeDecodeError:
            raise self._faults.stop("the file is not UTF-8 text") from None
        finally:
            self._text = "".join(parts)
        return len(parts) > 1

    def _broken(self) -> BadFact:
        return self._faults.stop("the file is not a JSON object of an LMLM database")
