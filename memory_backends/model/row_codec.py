"""All facts of an entity as one string: one page read answers a lookup.

A fact is ``RS relation-key US value US sources,revision[,confidence]``, then fields that are
there only where they say something, each with its tag: the relation's spelling, the code of a
value that is not a text, the period (after an empty field, so that a row without any is seen at
once), and the place among the facts where it is not the next one. Numbers are hexadecimal. Relations are written out rather than numbered: about ten bytes a
fact more, but a row explains itself, erasing it leaves no name behind in a dictionary, a
reader needs no second step, and any number of different relations costs no memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

from lamlam.errors import BadStore
from lamlam.memory_backends.model.lazy_facts import MOST_AT_ONCE, LazyFacts, LongFacts
from lamlam.memory_backends.model.stored_facts import StoredFact

RECORD = "\x1e"
FIELD = "\x1f"
ESCAPE = "\x1b"
_ESCAPED = {ESCAPE: ESCAPE + "e", RECORD: ESCAPE + "r", FIELD: ESCAPE + "u"}
_PLAIN = {escaped[1]: char for char, escaped in _ESCAPED.items()}
_NEEDS_ESCAPE = re.compile("[\x1b\x1e\x1f]")
_IS_ESCAPED = re.compile("\x1b([eru])")
_KEY = re.compile("\x1e([^\x1e\x1f]*)")

_TITLE_CASE = "^"  # "Birth Date" for the key "birth date": the most common other spelling
_SPELT_OUT = "="
_CODE = "c"
_BEGIN = "f"
_END = "t"
_SEQ = "n"
# The rest of a code is most often the value itself, or its lower case.
_AS_VALUE = "~"
_AS_FOLDED = "^"
_JOIN = "+"
DAMAGED = "the memory is damaged: a row of facts cannot be read"
PERIOD = FIELD + FIELD
"""Only in rows of which a fact has a period: no name and no value is empty."""


def pack(facts: Iterable[StoredFact], id_of: Callable[[str], int]) -> str:
    """Return the facts as one string, in their order.

    Args:
        facts: in stored order.
        id_of: gives the number, 1 or more, under which the text of a source is kept.
    """
    records = []
    expected = 0
    for fact in facts:
        records.append(_packed(fact, id_of, expected))
        expected = fact.seq + 1
    return "".join(records)


def unpack(text: str, source_of: Callable[[int], str | None], most: int = -1) -> list[StoredFact]:
    """Return the facts of a string that `pack` made; ``source_of`` undoes its ``id_of``.

    Args:
        most: how many of the first facts; negative: all.

    Raises:
        BadStore: the string is damaged.
    """
    facts = []
    expected = 0
    records = text.split(RECORD, most + 1 if most >= 0 else -1)
    for record in records[1 : most + 1] if most >= 0 else records[1:]:
        fact = _unpacked(record, source_of, expected)
        facts.append(fact)
        expected = fact.seq + 1
    return facts


def each_of(records: Iterable[str], source_of: Callable[[int], str | None]) -> Iterator[StoredFact]:
    """Yield the facts that `unpack` returns, one by one: for a row of very many.

    Args:
        records: of the row, each begins with its separator.
    """
    expected = 0
    for record in records:
        fact = _unpacked(record[1:], source_of, expected)
        yield fact
        expected = fact.seq + 1


def values(text: str) -> list[str]:
    """Return the values of all facts of a row, in stored order.

    Raises:
        BadStore: the string is damaged.
    """
    try:
        found = [record.split(FIELD, 2)[1] for record in text.split(RECORD)[1:]]
    except IndexError:
        raise BadStore(DAMAGED) from None
    return list(map(unescape, found)) if ESCAPE in text else found


def is_plain(text: str) -> bool:
    """Return whether a row holds its values as they are, without escapes."""
    return ESCAPE not in text


def find(
    text: str,
    key: str,
    source_of: Callable[[int], str | None],
    kept: dict[str, tuple[str, ...]],
    later: Callable[[str], tuple[str, ...]] | None = None,
) -> Sequence[StoredFact]:
    """Return the facts of one relation: as a filter over `unpack`, but touching only these.

    Their ``seq`` is not filled in. Where no fact of the row has a period, they are unpacked
    when first looked at; where they are very many, each of them.

    Args:
        kept: what the caller keeps of sources, by the numbers as they are written.
        later: returns sources by their numbers as written, at any later time. Without it all facts
            are found at once.
    """
    wanted = _beginning(key)
    at = text.find(wanted)
    if at < 0:
        return ()
    values, places, sources = [], [], []
    n_wanted = len(wanted)
    while at >= 0:
        begin = at + n_wanted
        end = text.find(FIELD, begin)
        comma = text.find(",", end)
        if comma < 0 or end < 0:
            raise BadStore(DAMAGED)
        ids = text[end + 1 : comma]
        named = kept.get(ids)
        if named is None:
            named = kept[ids] = _sources(ids, source_of)
        value = text[begin:end]
        values.append(value if ESCAPE not in value else unescape(value))
        sources.append(named)
        places.append(at)
        at = text.find(wanted, end)
        if len(places) == MOST_AT_ONCE and at >= 0 and later is not None:
            facts = _each(text, wanted, places[0], later)
            return LongFacts(facts, is_timeless=PERIOD not in text)
    found = LazyFacts(tuple(values), text, places, sources, unpacked_at)
    return found if PERIOD not in text else list(found)


def _each(
    text: str, wanted: str, at: int, later: Callable[[str], tuple[str, ...]]
) -> Iterator[StoredFact]:
    while at >= 0:
        value_end = text.find(FIELD, at + len(wanted))
        comma = text.find(",", value_end)
        if comma < 0 or value_end < 0:
            raise BadStore(DAMAGED)
        yield unpacked_at(text, at, later(text[value_end + 1 : comma]))
        at = text.find(wanted, value_end)


def sources_of(written: str, source_of: Callable[[int], str | None]) -> tuple[str, ...]:
    """Return the sources of a fact by their numbers as a row has them."""
    return _sources(written, source_of)


def relation_keys(text: str) -> list[str]:
    """Return the relation keys of a row in stored order, each once."""
    keys = list(dict.fromkeys(_KEY.findall(text)))
    return list(map(unescape, keys)) if ESCAPE in text else keys


def keys_of_facts(text: str) -> list[str]:
    """Return the relation key of each fact of a row."""
    return list(map(unescape, _KEY.findall(text)))


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
    if ESCAPE not in text:
        return text
    return _IS_ESCAPED.sub(lambda found: _PLAIN[found[1]], text)


def join(fields: Iterable[str]) -> str:
    """Return texts as one, a record of a table that keeps few of them."""
    return FIELD.join(map(escape, fields))


def parts(text: str) -> list[str]:
    """Undo `join`."""
    return list(map(unescape, text.split(FIELD)))


def _packed(fact: StoredFact, id_of: Callable[[str], int], expected: int) -> str:
    relation, key, value, sources, revision, confidence, code, begin, end, seq = fact
    if len(sources) == 1:
        ids = f"{id_of(sources[0]):x}"
    else:
        ids = _JOIN.join([f"{id_of(source):x}" for source in sources]) or "0"
    record = f"{RECORD}{escape(key)}{FIELD}{escape(value)}{FIELD}{ids},{revision:x}"
    if confidence != 1.0:
        record += f",{confidence!r}"
    if relation != key:
        is_title = relation == key.title()
        record += f"{FIELD}{_TITLE_CASE if is_title else _SPELT_OUT + escape(relation)}"
    if code:
        record += f"{FIELD}{_CODE}{escape(_short_code(code, value))}"
    if begin is not None or end is not None:
        record += FIELD
    if begin is not None:
        record += f"{FIELD}{_BEGIN}{begin:x}"
    if end is not None:
        record += f"{FIELD}{_END}{end:x}"
    if seq != expected:
        record += f"{FIELD}{_SEQ}{seq:x}"
    return record


def unpacked_at(text: str, place: int, sources: tuple[str, ...]) -> StoredFact:
    """Return the fact at a place of a row, with these sources, but for its place among others."""
    end = text.find(RECORD, place + 1)
    record = text[place + 1 : end] if end >= 0 else text[place + 1 :]
    return unpacked_record(record, sources)


def unpacked_record(record: str, sources: tuple[str, ...]) -> StoredFact:
    """Return the fact of a record, with these sources, but for its place among others."""
    return _unpacked(record, _no_source, 0, sources)


def _no_source(_: int) -> None:
    return None


def _unpacked(
    record: str,
    source_of: Callable[[int], str | None],
    expected: int,
    sources: tuple[str, ...] | None = None,
) -> StoredFact:
    try:
        fields = record.split(FIELD)
        key, value = fields[0], fields[1]
        if ESCAPE in record:
            key, value = unescape(key), unescape(value)
        ids, revision, *rest = fields[2].split(",")
        relation, code, begin, end, seq = key, "", None, None, expected
        for field in fields[3:]:
            if not field:
                continue
            tag, content = field[0], field[1:]
            if tag == _TITLE_CASE:
                relation = key.title()
            elif tag == _SPELT_OUT:
                relation = unescape(content)
            elif tag == _CODE:
                code = _whole_code(unescape(content), value)
            elif tag == _BEGIN:
                begin = int(content, 16)
            elif tag == _END:
                end = int(content, 16)
            elif tag == _SEQ:
                seq = int(content, 16)
        return StoredFact(
            relation,
            key,
            value,
            _sources(ids, source_of) if sources is None else sources,
            int(revision, 16),
            float(rest[0]) if rest else 1.0,
            code,
            begin,
            end,
            seq if sources is None else 0,
        )
    except (ValueError, IndexError, KeyError) as error:
        raise BadStore(DAMAGED) from error


def _sources(ids: str, source_of: Callable[[int], str | None]) -> tuple[str, ...]:
    if ids == "0":
        return ()
    try:
        texts = [source_of(int(ident, 16)) for ident in ids.split(_JOIN)]
    except ValueError as error:
        raise BadStore(DAMAGED) from error
    return tuple([text for text in texts if text is not None])


def _short_code(code: str, value: str) -> str:
    kind, rest = code[:1], code[2:]
    if rest == value:
        return kind + _AS_VALUE
    return kind + _AS_FOLDED if rest == value.casefold() else code


def _whole_code(short: str, value: str) -> str:
    if len(short) != 2:
        return short
    kind, how = short[0], short[1]
    if how == _AS_VALUE:
        return f"{kind}:{value}"
    return f"{kind}:{value.casefold()}" if how == _AS_FOLDED else short
