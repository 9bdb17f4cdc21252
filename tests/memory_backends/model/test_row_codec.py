"""The packed row against the obvious one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.errors import BadStore
from lamlam.memory_backends.model import row_codec
from lamlam.memory_backends.model.lazy_facts import LazyFacts, LongFacts
from lamlam.memory_backends.model.lookups import StoredFact
from lamlam.memory_backends.resolution.valid_time import is_timeless
from tests.memory_backends.stored_pages import Sources, pages
from tests.memory_backends.stores import HOSTILE, fact_text


@given(pages())
def test_packing_round_trips(facts: list[StoredFact]) -> None:
    """Any text comes back, separators and escapes included."""
    sources = Sources()
    row = row_codec.pack(facts, sources.id_of)
    assert row_codec.unpack(row, sources.text_of) == facts


@given(pages())
def test_versions_in_any_order_round_trip(facts: list[StoredFact]) -> None:
    """What ended keeps its place, also where a later one ended first."""
    sources = Sources()
    ended = facts[::-1]
    assert row_codec.unpack(row_codec.pack(ended, sources.id_of), sources.text_of) == ended


@given(pages(), st.text(max_size=3))
def test_finding_equals_filtering(facts: list[StoredFact], other: str) -> None:
    """The fast way to one relation gives what the slow way gives, but for the places."""
    sources = Sources()
    row = row_codec.pack(facts, sources.id_of)
    kept: dict[str, tuple[str, ...]] = {}
    for key in {other, *(fact.key for fact in facts)}:
        slow = [fact._replace(seq=0) for fact in facts if fact.key == key]
        found = row_codec.find(row, key, sources.text_of, kept)
        assert list(found) == slow
        assert len(found) == len(slow)
        if isinstance(found, LazyFacts):
            assert found.values == tuple(fact.value for fact in slow)
            assert is_timeless(slow)
        else:
            assert not slow or not is_timeless(facts)
    assert row_codec.relation_keys(row) == list(dict.fromkeys(fact.key for fact in facts))


@given(pages(), st.lists(st.integers(-30, 30), max_size=4))
def test_facts_that_are_read_later_are_the_same(facts: list[StoredFact], places: list[int]) -> None:
    """One by one, in whatever order they are asked for."""
    sources = Sources()
    row = row_codec.pack(facts, sources.id_of)
    for key in {fact.key for fact in facts}:
        slow = [fact._replace(seq=0) for fact in facts if fact.key == key]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(row_codec, "MOST_AT_ONCE", 1)
            found = row_codec.find(
                row,
                key,
                sources.text_of,
                {},
                lambda ids: row_codec.sources_of(ids, sources.text_of),
            )
        assert isinstance(found, LongFacts) == (len(slow) > 1)
        for place in places:
            if -len(slow) <= place < len(slow):
                assert found[place] == slow[place]
            else:
                with pytest.raises(IndexError):
                    found[place]
        assert found and list(found) == list(iter(found)) == slow and len(found) == len(slow)
        assert is_timeless(found) <= is_timeless(slow)


def test_rows_of_the_first_version_are_read() -> None:
    """One source, no code, no period, places in order."""
    row = "\x1ebirth date\x1f1815\x1f2,a\x1f^\x1ework\x1fx\x1by\x1bu\x1f0,1f,0.5\x1f=WORK"
    assert row_codec.unpack(row, lambda number: f"source {number}") == [
        StoredFact("Birth Date", "birth date", "1815", ("source 2",), 10, 1.0, seq=0),
        StoredFact("WORK", "work", "x\x1by\x1f", (), 31, 0.5, seq=1),
    ]


@pytest.mark.parametrize(
    "row",
    [
        "\x1ework",
        "\x1ework\x1fx",
        "\x1ework\x1fx\x1f",
        "\x1ew\x1fx\x1fz,1",
        "\x1ew\x1fx\x1f1,1\x1fnz",
    ],
)
def test_damaged_rows_are_named(row: str) -> None:
    """Nothing but an error of ours leaves."""
    with pytest.raises(BadStore, match="damaged"):
        row_codec.unpack(row, lambda _: None)
    if row_codec.FIELD in row:
        with pytest.raises(BadStore, match="damaged"):
            list(row_codec.find(row, row[1:].partition("\x1f")[0], lambda _: None, {}))


@given(st.lists(st.lists(fact_text() | st.just(""), min_size=1, max_size=3), max_size=3))
def test_joined_texts_round_trip(lists: list[list[str]]) -> None:
    """Also where one of them was joined from others."""
    joined = [row_codec.join(texts) for texts in lists]
    assert [row_codec.parts(one) for one in joined] == lists
    if joined:
        assert row_codec.parts(row_codec.join(joined)) == joined


def test_escaped_text_holds_no_separator() -> None:
    """Separators of a value cannot end its field."""
    for text in HOSTILE:
        escaped = row_codec.escape(text)
        assert row_codec.RECORD not in escaped
        assert row_codec.FIELD not in escaped
        assert row_codec.unescape(escaped) == text


def test_common_spellings_cost_little() -> None:
    """A relation in title case is not written out twice."""
    fact = StoredFact("Birth Date", "birth date", "1815", (), 1, 1.0)
    lower = fact._replace(relation="birth date")

    def length(one: StoredFact) -> int:
        return len(row_codec.pack([one], lambda _: 1))

    assert length(fact) == length(lower) + 2


def test_typed_values_cost_little() -> None:
    """A code that the value says already is not written out again."""
    text = StoredFact("spouse", "spouse", "Ada Lovelace", (), 1, 1.0)
    entity = text._replace(code="e:ada lovelace")
    assert (
        len(row_codec.pack([entity], lambda _: 1)) == len(row_codec.pack([text], lambda _: 1)) + 4
    )
