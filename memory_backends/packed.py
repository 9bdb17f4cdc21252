"""All facts of an entity as one string: one page read answers a lookup.

A fact is ``RS relation-key US value US source,revision[,confidence] [US spelling]``, the
numbers in hexadecimal. Relations are written out rather than numbered: about ten bytes a
fact more, but a row explains itself, erasing it leaves no name behind in a dictionary, a
reader needs no second step, and any number of different relations costs no memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from lamlam.memory_backends.lookups import StoredFact

RECORD = "\x1e"
FIELD = "\x1f"
_ESCAPE = "\x1b"
_ESCAPED = {_ESCAPE: _ESCAPE + "e", RECORD: _ESCAPE + "r", FIELD: _ESCAPE + "u"}
_PLAIN = {escaped[1]: char for char, escaped in _ESCAPED.items()}
_NEEDS_ESCAPE = re.compile("[\x1b\x1e\x1f]")
_IS_ESCAPED = re.compile("\x1b([eru])")

_TITLE_CASE = "^"  # "Birth Date" for the key "birth date": the most common other spelling
_SPELT_OUT = "="


def pack(facts: Sequence[StoredFact], id_of: Callable[[str], int]) -> str:
    """Return the facts as one string, in their order.

    Args:
        id_of: gives the number, 1 or more, under which the text of a source is kept.
    """
    return "".join([_packed(fact, id_of) for fact in facts])


def unpack(text: str, source_of: Callable[[int], str | None]) -> list[StoredFact]:
    """Return the facts of a string that `pack` made; ``source_of`` undoes its ``id_of``."""
    return [_unpacked(record, source_of) for record in text.split(RECORD)[1:]]


def find(text: str, key: str, source_of: Callable[[int], str | None]) -> list[StoredFact]:
    """Return the facts of one relation: as a filter over `unpack`, but touching only these."""
    wanted = _beginning(key)
    at = text.find(wanted)
    found = []
    while at >= 0:
        end = text.find(RECORD, at + 1)
        found.append(_unpacked(text[at + 1 : end] if end >= 0 else text[at + 1 :], source_of))
        at = text.find(wanted, end) if end >= 0 else -1
    return found


def relation_keys(text: str) -> list[str]:
    """Return the relation keys of a row in stored order, each once."""
    keys = [record[: record.index(FIELD)] for record in text.split(RECORD)[1:]]
    return [unescape(key) for key in dict.fromkeys(keys)]


@lru_cache(maxsize=1024)
def _beginning(key: str) -> str:
    return f"{RECORD}{escape(key)}{FIELD}"


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


def _packed(fact: StoredFact, id_of: Callable[[str], int]) -> str:
    relation, key, value, source, revision, confidence = fact
    numbers = f"{id_of(source) if source is not None else 0:x},{revision:x}"
    if confidence != 1.0:
        numbers += f",{confidence!r}"
    record = f"{RECORD}{escape(key)}{FIELD}{escape(value)}{FIELD}{numbers}"
    if relation == key:
        return record
    if relation == key.title():
        return f"{record}{FIELD}{_TITLE_CASE}"
    return f"{record}{FIELD}{_SPELT_OUT}{escape(relation)}"


def _unpacked(record: str, source_of: Callable[[int], str | None]) -> StoredFact:
    parts = record.split(FIELD)
    key, value = parts[0], parts[1]
    if _ESCAPE in record:
        key, value = unescape(key), unescape(value)
    source, revision, *rest = parts[2].split(",")
    relation = key
    if len(parts) > 3:
        spelling = parts[3]
        relation = key.title() if spelling == _TITLE_CASE else unescape(spelling[1:])
    return StoredFact(
        relation,
        key,
        value,
        source_of(int(source, 16)) if source != "0" else None,
        int(revision, 16),
        float(rest[0]) if rest else 1.0,
    )
