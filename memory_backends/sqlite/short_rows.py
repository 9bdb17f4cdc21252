"""The short form in which a file keeps a row of facts: half of the text that `row_codec` makes.

A short row is ``US head``, then ``RS code value`` for each fact. The head is what most facts of the
row have in common, their sources and revision; another fact has its own after its value, ``US @own``,
and the optional fields of `row_codec` follow as they are. A code is one character for the key of a
relation that many facts have; any other relation is written out, between two ``US``. Values stand
as they are: an erasure searches the bytes of the file for them, and a lookup unpacks nothing. Behind
a very short one stands a ``US``, so that it can be searched for with what is beside it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from lamlam.errors import BadStore
from lamlam.memory_backends.model import row_codec
from lamlam.memory_backends.model.lazy_facts import MOST_AT_ONCE, LazyFacts, LongFacts
from lamlam.memory_backends.model.row_codec import (
    DAMAGED,
    ESCAPE,
    FIELD,
    RECORD,
    escape,
    unescape,
)
from lamlam.memory_backends.model.stored_facts import StoredFact

SHORTEST_PLAIN = 4
"""Characters from which on a value is searched for without what stands beside it."""
OWN = "@"
"""Begins a field with what a fact has instead of the head."""
_HAS_OWN = FIELD + OWN
_VALUE = re.compile("[^\x1e\x1f]*")
_KEY = re.compile("\x1e(?:\x1f([^\x1e\x1f]*)|([^\x1f]))")
_CODE = re.compile("\x1e[^\x1f]")
_LONGEST_ESCAPED = 2 * SHORTEST_PLAIN
# One byte each in UTF-8, then two: neither a control character nor one that text seldom has.
_CHARACTERS = (*map(chr, range(0x21, 0x7F)), *map(chr, range(0xA1, 0x800)))
MOST_CODES = len(_CHARACTERS)


class RelationCodes:
    """The codes of relations at one revision of a file, and the rows that are written with them."""

    __slots__ = ("_by_key", "_keys", "version")

    def __init__(self, numbers: Mapping[str, int] | None = None, version: int = 0) -> None:
        """Take the numbers of relation keys, each below `MOST_CODES`.

        Args:
            numbers: by key; no two have one.
            version: of the table that they were read from.
        """
        self.version = version
        self._by_key = {escape(key): _CHARACTERS[n] for key, n in (numbers or {}).items()}
        self._keys = {char: key for key, char in self._by_key.items()}

    def __contains__(self, key: str) -> bool:
        return escape(key) in self._by_key

    def __len__(self) -> int:
        return len(self._keys)

    def prefix(self, key: str) -> str:
        """Return what stands before a value of a relation: its code, or the relation written out."""
        return self._prefix(escape(key))

    def beginning(self, key: str) -> str:
        """Return how a fact of the relation begins in a row that was written with these codes."""
        return RECORD + self._prefix(escape(key))

    def marks(self, keys: Iterable[str]) -> list[str]:
        """Return how facts of these relations begin, of those that have a code."""
        escaped = [escape(key) for key in keys]
        return [RECORD + self._by_key[key] for key in escaped if key in self._by_key]

    def keys(self) -> list[str]:
        """Return the keys of the relations that have a code."""
        return [unescape(key) for key in self._by_key]

    def keys_by_code(self) -> dict[str, str]:
        """Return the keys of relations, escaped, by their codes."""
        return dict(self._keys)

    def used_in(self, text: str) -> set[str]:
        """Return the keys of the relations whose codes a short row has."""
        records = text.split(RECORD)[1:] if text.startswith(FIELD) else ()
        return {unescape(self._keys[one[0]]) for one in records if one[:1] in self._keys}

    def shorten(self, text: str) -> str:
        """Return the short form of a row that `row_codec.pack` made."""
        if not text:
            return text
        facts = [record.split(FIELD, 3) for record in text.split(RECORD)[1:]]
        heads = [fact[2] for fact in facts]
        head = heads[0]
        if heads.count(head) < len(heads):
            head = Counter(heads).most_common(1)[0][0]
        parts = [FIELD, head]
        for key, value, own, *rest in facts:
            parts += (RECORD, self._prefix(key), value)
            if own != head:
                parts += (FIELD, OWN, own)
            if rest:
                parts += (FIELD, rest[0])
            elif own == head and is_ended(value):
                parts.append(FIELD)
        return "".join(parts)

    def expand(self, text: str, most: int = -1) -> str:
        """Return the row as `row_codec` reads it; one that was never shortened as it is.

        Args:
            most: how many of the first facts; negative: all.

        Raises:
            BadStore: the row is damaged.
        """
        if not is_short(text):
            return text
        head, *records = text.split(RECORD, most + 1 if most >= 0 else -1)
        head = head[1:]
        if most >= 0:
            del records[most:]
        return "".join([self._expanded(record, head) for record in records])

    def each(self, text: str) -> Iterator[str]:
        """Yield the records of a row as `expand` joins them, one by one."""
        head = head_of(text) if is_short(text) else None
        begin = text.find(RECORD)
        while begin >= 0:
            end = text.find(RECORD, begin + 1)
            record = text[begin:end] if end >= 0 else text[begin:]
            yield record if head is None else self._expanded(record[1:], head)
            begin = end

    def relation_keys(self, text: str) -> list[str]:
        """Return the relation keys of a row in stored order, each once."""
        if not is_short(text):
            return row_codec.relation_keys(text)
        try:
            found = [
                written or self._keys[code] for written, code in dict.fromkeys(_KEY.findall(text))
            ]
        except KeyError:
            raise BadStore(DAMAGED) from None
        return [unescape(key) for key in dict.fromkeys(found)]

    def find(
        self,
        text: str,
        key: str,
        source_of: Callable[[int], str | None],
        kept: dict[str, tuple[str, ...]],
        later: Callable[[str], tuple[str, ...]] | None = None,
    ) -> Sequence[StoredFact]:
        """Return the facts of one relation, as `row_codec.find` does, touching only these."""
        if not is_short(text):
            return row_codec.find(text, key, source_of, kept, later)
        begins = self.beginning(key)
        at = text.find(begins)
        if at < 0:  # its code may be younger than the row
            begins = f"{RECORD}{FIELD}{escape(key)}{FIELD}"
            at = text.find(begins)
            if at < 0:
                return ()
        head = head_of(text)
        values, places, sources = [], [], []
        while at >= 0:
            value, ids, end = _fact_at(text, at + len(begins), head)
            named = kept.get(ids)
            if named is None:
                named = kept[ids] = row_codec.sources_of(ids, source_of)
            values.append(unescape(value))
            sources.append(named)
            places.append(at)
            at = text.find(begins, end)
            if len(places) == MOST_AT_ONCE and at >= 0 and later is not None:
                facts = self._each_of(text, begins, places[0], later)
                return LongFacts(facts, is_timeless=row_codec.PERIOD not in text)
        found = LazyFacts(tuple(values), text, places, sources, self.fact_at)
        return found if row_codec.PERIOD not in text else list(found)

    def fact_at(self, text: str, place: int, sources: tuple[str, ...]) -> StoredFact:
        """Return the fact at a place of a short row, but for its place among the others."""
        end = text.find(RECORD, place + 1)
        record = text[place + 1 : end] if end >= 0 else text[place + 1 :]
        return row_codec.unpacked_record(self._expanded(record, head_of(text))[1:], sources)

    def _each_of(
        self, text: str, begins: str, at: int, later: Callable[[str], tuple[str, ...]]
    ) -> Iterator[StoredFact]:
        head = head_of(text)
        while at >= 0:
            _, ids, end = _fact_at(text, at + len(begins), head)
            yield self.fact_at(text, at, later(ids))
            at = text.find(begins, end)

    def _prefix(self, escaped: str) -> str:
        return self._by_key.get(escaped) or f"{FIELD}{escaped}{FIELD}"

    def _expanded(self, record: str, head: str) -> str:
        if record[:1] == FIELD:
            key, _, record = record[1:].partition(FIELD)
        else:
            known = self._keys.get(record[:1])
            if known is None:
                raise BadStore(DAMAGED)
            key, record = known, record[1:]
        value, separator, rest = record.partition(FIELD)
        if rest[:1] == OWN:
            head, separator, rest = rest[1:].partition(FIELD)
        elif not rest:  # what ends a very short value
            separator = ""
        return f"{RECORD}{key}{FIELD}{value}{FIELD}{head}{separator}{rest}"


def is_short(text: str) -> bool:
    """Return whether a row has the short form: otherwise it is empty, or of an older file.

    Raises:
        BadStore: the row is damaged.
    """
    if text[:1] == FIELD:
        return True
    if not text or text[0] == RECORD:
        return False
    raise BadStore(DAMAGED)


def head_of(text: str) -> str:
    """Return what most facts of a short row have in common."""
    return text[1 : text.find(RECORD)]


def text_of_values(text: str) -> str:
    """Return the values of a row, without escapes in it, as one text of words, and more."""
    return _CODE.sub(RECORD, text)


def _fact_at(text: str, begin: int, head: str) -> tuple[str, str, int]:
    """Return the value at a place of a short row, its sources by their numbers, and where it ends."""
    found = _VALUE.match(text, begin)
    assert found is not None  # it may be empty
    end = found.end()
    if text.startswith(_HAS_OWN, end):
        comma = text.find(",", end)
        ids = text[end + 2 : comma]
    else:
        comma = head.find(",")
        ids = head[:comma]
    if comma < 0:
        raise BadStore(DAMAGED)
    return found[0], ids, end


def is_ended(value: str) -> bool:
    """Return whether a ``US`` stands behind this value, escaped, where nothing else does."""
    n_characters = len(value)
    if ESCAPE in value and n_characters < _LONGEST_ESCAPED:
        n_characters = len(unescape(value))
    return n_characters < SHORTEST_PLAIN


def pack_plain(head: str, facts: Iterable[tuple[str, str]]) -> str:
    """Return the short row of facts that have nothing of their own but a relation and a value.

    Args:
        head: sources and revision of all of them, as `row_codec.head_of` writes them.
        facts: what `RelationCodes.prefix` gives for the relation, and the value; neither relation
            nor value may need an escape, and each relation is spelt as its key.
    """
    records = [
        f"{RECORD}{prefix}{value}"
        if len(value) >= SHORTEST_PLAIN
        else f"{RECORD}{prefix}{value}{FIELD}"
        for prefix, value in facts
    ]
    return f"{FIELD}{head}{''.join(records)}"
