"""The short form of a row against the long one, which `row_codec` reads and writes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.errors import BadStore
from lamlam.memory_backends.model import row_codec
from lamlam.memory_backends.model.lazy_facts import LazyFacts, LongFacts
from lamlam.memory_backends.model.lookups import StoredFact
from lamlam.memory_backends.resolution.valid_time import is_timeless
from lamlam.memory_backends.sqlite import short_rows
from lamlam.memory_backends.sqlite.short_rows import (
    MOST_CODES,
    RelationCodes,
    is_ended,
    pack_plain,
    text_of_values,
)
from tests.memory_backends.stored_pages import Sources, pages


@st.composite
def rows(draw: st.DrawFn) -> tuple[list[StoredFact], Sources, str, RelationCodes]:
    """Facts, their sources, their long row, and codes of some of their relations and of others."""
    facts, is_of_one_commit = draw(st.tuples(pages(), st.booleans()))
    if facts and is_of_one_commit:  # most rows are of one commit
        facts = [fact._replace(sources=facts[0].sources, revision=7) for fact in facts]
    sources = Sources()
    keys = draw(st.lists(st.sampled_from(["another", *[f.key for f in facts]]), unique=True))
    numbers = draw(
        st.lists(
            st.integers(0, MOST_CODES - 1), min_size=len(keys), max_size=len(keys), unique=True
        )
    )
    codes = RelationCodes(dict(zip(keys, numbers, strict=True)))
    return facts, sources, row_codec.pack(facts, sources.id_of), codes


@settings(max_examples=30)
@given(rows())
def test_short_rows_round_trip(row: tuple[list[StoredFact], Sources, str, RelationCodes]) -> None:
    """Whatever has a code; rows of older files are read as they are."""
    facts, sources, long, codes = row
    short = codes.shorten(long)
    assert codes.expand(short) == codes.expand(long) == long
    assert "".join(codes.each(short)) == "".join(codes.each(long)) == long
    assert list(row_codec.each_of(codes.each(short), sources.text_of)) == facts
    for most in range(len(facts) + 2):
        first = codes.expand(short, most)
        assert row_codec.unpack(first, sources.text_of, most) == facts[:most]
    assert codes.relation_keys(short) == codes.relation_keys(long) == row_codec.relation_keys(long)
    assert codes.used_in(short) == {fact.key for fact in facts if fact.key in codes}
    assert (row_codec.PERIOD in short) == (row_codec.PERIOD in long)


@settings(max_examples=30)
@given(rows(), st.text(max_size=3), st.booleans())
def test_finding_in_a_short_row_equals_filtering(
    row: tuple[list[StoredFact], Sources, str, RelationCodes], other: str, is_coded_later: bool
) -> None:
    """Also where a relation got its code when the row was written already."""
    facts, sources, long, codes = row
    short = (RelationCodes() if is_coded_later else codes).shorten(long)
    for key in {other, *(fact.key for fact in facts)}:
        slow = [fact._replace(seq=0) for fact in facts if fact.key == key]
        found = codes.find(short, key, sources.text_of, {})
        assert list(found) == slow
        if isinstance(found, LazyFacts):
            assert found.values == tuple(fact.value for fact in slow)
            assert is_timeless(slow)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(short_rows, "MOST_AT_ONCE", 1)
            later = codes.find(
                short,
                key,
                sources.text_of,
                {},
                lambda ids: row_codec.sources_of(ids, sources.text_of),
            )
        assert isinstance(later, LongFacts) == (len(slow) > 1)
        assert list(later) == slow


@settings(max_examples=30)
@given(rows())
def test_values_stand_in_a_short_row_as_they_are(
    row: tuple[list[StoredFact], Sources, str, RelationCodes],
) -> None:
    """So an erasure finds them in the bytes: a very short one between its relation and a mark."""
    facts, _, long, codes = row
    short = codes.shorten(long)
    for fact in facts:
        value = row_codec.escape(fact.value)
        assert f"{codes.prefix(fact.key)}{value}" in short
        if len(fact.value) < 4:
            assert is_ended(value)
            assert f"{codes.beginning(fact.key)}{value}{row_codec.FIELD}" in short
        assert value in text_of_values(short)


@given(st.lists(st.tuples(st.sampled_from(["work", "age", "x"]), st.text("abc 9", min_size=1))))
def test_plain_facts_are_packed_as_any(facts: list[tuple[str, str]]) -> None:
    """The fast way of a bulk load writes the bytes of the other."""
    stored = [
        StoredFact(key, key, value, ("a source",), 5, 1.0, seq=n)
        for n, (key, value) in enumerate(facts)
    ]
    codes = RelationCodes({"work": 0, "age": MOST_CODES - 1})
    if stored:
        packed = pack_plain("1,5", [(codes.prefix(key), value) for key, value in facts])
        assert packed == codes.shorten(row_codec.pack(stored, lambda _: 1))


def test_a_fact_of_one_commit_costs_two_bytes_beside_its_value() -> None:
    """A separator and a code; what it shares with the others stands once."""
    codes = RelationCodes({"birth place": 0})
    fact = StoredFact("birth place", "birth place", "Lowmere", (), 1, 1.0)
    one, two = [
        codes.shorten(row_codec.pack([fact] * n, lambda _: 1).replace("\x1fn0", "")) for n in (1, 2)
    ]
    assert len(two.encode()) - len(one.encode()) == len("Lowmere") + 2


@pytest.mark.parametrize("row", ["work", "\x1f1,1\x1eZx", "\x1f1\x1e!xxxx", "\x1f1,1\x1e"])
def test_damaged_short_rows_are_named(row: str) -> None:
    """Nothing but an error of ours leaves."""
    codes = RelationCodes({"work": 0})
    with pytest.raises(BadStore, match="damaged"):
        row_codec.unpack(codes.expand(row), lambda _: None)
