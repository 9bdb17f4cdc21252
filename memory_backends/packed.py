"""All facts of an entity as one string: one page read answers a lookup.

A fact is ``RS relation-key US value US source,revision[,confidence] [US spelling]``, the
numbers in hexadecimal. Relations are written out rather than numbered: about ten bytes a
fact more, but a row explains itself, erasing it leaves no name behind in a dictionary, a
reader needs no second step, and any number of different relations costs no memory.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

RECORD = "\x1e"
FIELD = "\x1f"
_ESCAPE = "\x1b"
_ESCAPED = {_ESCAPE: _ESCAPE + "e", RECORD: _ESCAPE + "r", FIELD: _ESCAPE + "u"}
_PLAIN = {escaped[1]: char for char, escaped in _ESCAPED.items()}
_NEEDS_ESCAPE = re.compile("[\x1b\x1e\x1f]")
_IS_ESCAPED = re.compile("\x1b([eru])")

_TITLE_CASE = "^"  # "Birth Date" for the key "birth date": the most common other spelling
_SPELT_OUT = "="


class PackedFact(NamedTuple):
    """One fact of a row; the entity is the row's."""

    relation: str
    key: str
    value: str
    source_id: int
    """0 where no source is known."""
    revision: int
    confidence: float


def pack(facts: Sequence[PackedFact]) -> str:
    """Return the facts as one string, in their order."""
    return "".join([_packed(fact) for fact in facts])


def unpack(text: str) -> list[PackedFact]:
    """Return the facts of a string that `pack` made."""
    return [_unpacked(record) for record in text.split(RECORD)[1:]]


def find(text: str, key: str) -> list[PackedFact]:
    """Return the facts of one relation: as a filter over `unpack`, but touching only these."""
    wanted = f"{RECORD}{escape(key)}{FIELD}"
    at = text.find(wanted)
    found = []
    while at >= 0:
        end = text.find(RECORD, at + 1)
        found.append(_unpacked(text[at + 1 : end] if end >= 0 else text[at + 1 :]))
        at = text.find(wanted, end) if end >= 0 else -1
    return found


def relation_keys(text: str) -> list[str]:
    """Return the relation keys of a row in stored order, each once."""
    keys = [record[: record.index(FIELD)] for record in text.split(RECORD)[1:]]
    return [unescape(key) for key in dict.fromkeys(keys)]


def escape(text: str) -> str:
    """Return the text without separators."""
    if _NEEDS_ESCAPE.search(text) is None:
        return text
    return _NEEDS_ESCAPE.sub(lambda found: _ESCAPED[found[0]], text)


def unescape(text: str) -> str:
    """Undo `escape`."""
    if _ESCAPE not in text:
        return text
    return _IS_ESCAPED.sub(lambda found: _PLAIN[found[1]], text)


def _packed(fact: PackedFact) -> str:
    numbers = f"{fact.source_id:x},{fact.revision:x}"
    if fact.confidence != 1.0:
        numbers += f",{fact.confidence!r}"
    record = f"{RECORD}{escape(fact.key)}{FIELD}{escape(fact.value)}{FIELD}{numbers}"
    if fact.relation == fact.key:
        return record
    if fact.relation == fact.key.title():
        return f"{record}{FIELD}{_TITLE_CASE}"
    return f"{record}{FIELD}{_SPELT_OUT}{escape(fact.relation)}"


def _unpacked(record: str) -> PackedFact:
    parts = record.split(FIELD)
    key, value = parts[0], parts[1]
    if _ESCAPE in record:
        key, value = unescape(key), unescape(value)
    numbers = parts[2].split(",")
    relation = key
    if len(parts) > 3:
        spelling = parts[3]
        relation = key.title() if spelling == _TITLE_CASE else unescape(spelling[1:])
    return PackedFact(
        relation,
        key,
        value,
        int(numbers[0], 16),
        int(numbers[1], 16),
        float(numbers[2]) if len(numbers) > 2 else 1.0,
    )
