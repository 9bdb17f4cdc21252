"""The packed row against the obvious one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lamlam.memory_backends import packed
from lamlam.memory_backends.keys import canonical_key
from lamlam.memory_backends.lookups import StoredFact
from tests.memory_backends.stores import HOSTILE, fact_text


@st.composite
def stored_facts(draw: st.DrawFn) -> StoredFact:
    relation = draw(fact_text() | st.sampled_from(["Birth Date", "birth date", "BIRTH date"]))
    return StoredFact(
        relation,
        canonical_key(relation),
        draw(fact_text()),
        draw(st.none() | fact_text()),
        draw(st.integers(0, 2**40)),
        draw(st.floats(0, 1) | st.just(1.0)),
    )


class Sources:
    """The slow and obvious table of sources."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def id_of(self, text: str) -> int:
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1

    def text_of(self, number: int) -> str:
        return self.texts[number - 1]


@given(st.lists(stored_facts(), max_size=8))
def test_packing_round_trips(facts: list[StoredFact]) -> None:
    """Any text comes back, separators and escapes included."""
    sources = Sources()
    row = packed.pack(facts, sources.id_of)
    assert packed.unpack(row, sources.text_of) == facts


@given(st.lists(stored_facts(), max_size=8), st.text(max_size=3))
def test_finding_equals_filtering(facts: list[StoredFact], other: str) -> None:
    """The fast way to one relation gives what the slow way gives."""
    sources = Sources()
    row = packed.pack(facts, sources.id_of)
    for key in {other, *(fact.key for fact in facts)}:
        slow = [fact for fact in facts if fact.key == key]
        assert packed.find(row, key, sources.text_of) == slow
    assert packed.relation_keys(row) == list(dict.fromkeys(fact.key for fact in facts))


def test_escaped_text_holds_no_separator() -> None:
    """Separators of a value cannot end its field."""
    for text in HOSTILE:
        escaped = packed.escape(text)
        assert packed.RECORD not in escaped
        assert packed.FIELD not in escaped
        assert packed.unescape(escaped) == text


def test_common_spellings_cost_little() -> None:
    """A relation in title case is not written out twice."""
    fact = StoredFact("Birth Date", "birth date", "1815", None, 1, 1.0)
    lower = fact._replace(relation="birth date")

    def length(one: StoredFact) -> int:
        return len(packed.pack([one], lambda _: 1))

    assert length(fact) == length(lower) + 2
