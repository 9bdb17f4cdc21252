"""How a completion is shown to people: what is coloured, numbered and listed."""

from __future__ import annotations

from lamlam.cli.marking import FACT_STYLE, lookup_notes, marked_text
from lamlam.memory_backends.model.lookup_status import LookupStatus
from lamlam.memory_backends.model.lookups import Match, MatchPart
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.spans import LookupRecord, Span

EXACT = Match(entity=MatchPart("exact", 1.0, "Ada Quill"), relation=MatchPart("exact", 1.0, "x"))
NEAR = Match(entity=MatchPart("fuzzy", 0.9, "Ada Quill"), relation=MatchPart("synonym", 1.0, "x"))


def _record(
    relation: str,
    value: str | None,
    *,
    fact_id: str | None = None,
    status: LookupStatus = LookupStatus.HIT,
    match: Match | None = EXACT,
) -> LookupRecord:
    return LookupRecord(
        entity="Ada Quill",
        relation=relation,
        status=status,
        value=value,
        fact_id=fact_id,
        source="parish register" if fact_id == "a" else None,
        elapsed_s=0.0,
        match=match,
        at=9,
    )


def _completion(*lookups: LookupRecord) -> Completion:
    text = "Ada Quill was born in Lowmere. She moved to Highmere."
    spans = (
        Span(0, 21, "prompt"),
        Span(21, 29, "fact", fact_id="a"),
        Span(29, 43, "parametric"),
        Span(43, 52, "fact", fact_id="b"),
        Span(52, 53, "parametric"),
    )
    return Completion(text, spans, lookups, "length", 12, 8, 5)


TWO = _completion(
    _record("birth place", "Lowmere", fact_id="a"),
    _record("residence", "Highmere", fact_id="b", match=NEAR),
)


def test_the_marked_text_is_the_text() -> None:
    """Without numbers, nothing is added to the text or lost from it."""
    assert marked_text(TWO, notes=False).plain == TWO.text


def test_values_are_coloured_and_numbered_without_their_blank() -> None:
    """Colour begins at the value, not at the blank before it, and the number follows it."""
    marked = marked_text(TWO)
    assert marked.plain == "Ada Quill was born in Lowmere[1]. She moved to Highmere[2]."
    coloured = [marked.plain[s.start : s.end] for s in marked.spans if s.style == FACT_STYLE]
    assert coloured == ["Lowmere", "Highmere"]


def test_a_text_may_be_shown_in_part() -> None:
    """``end`` cuts at that offset of the text, whatever numbers were added before."""
    assert marked_text(TWO, end=30).plain == "Ada Quill was born in Lowmere[1]."


def test_notes_name_source_and_match() -> None:
    """Each hit's line has number, key, value, source and how names were matched."""
    assert [note.plain for note in lookup_notes(TWO)] == [
        "[1] Ada Quill · birth place → Lowmere  parish register; match: exact",
        "[2] Ada Quill · residence → Highmere  no source given; "
        "match: name fuzzy, relation synonym",
    ]


def test_a_miss_is_listed_as_one() -> None:
    """A lookup without an answer has a line and no number."""
    missed = _completion(_record("spouse", None, status=LookupStatus.MISS, match=None))
    assert [note.plain for note in lookup_notes(missed)] == [
        "[–] Ada Quill · spouse → no answer (miss)"
    ]


def test_a_key_asked_again_in_vain_has_one_line() -> None:
    """Equal misses are counted, and stand after the hits."""
    miss = _record("spouse", None, status=LookupStatus.MISS, match=None)
    hit = _record("birth place", "Lowmere", fact_id="a")
    lines = [note.plain for note in lookup_notes(_completion(miss, hit, miss))]
    assert [line[:3] for line in lines] == ["[1]", "[–]"]
    assert lines[1].endswith("no answer (miss, asked 2 times)")


def test_misses_can_be_left_out() -> None:
    """With ``misses=False`` only answered keys have lines."""
    assert not list(
        lookup_notes(_completion(_record("spouse", None, status=LookupStatus.MISS)), misses=False)
    )


def test_control_characters_of_a_value_do_not_reach_the_terminal() -> None:
    """An escape sequence in memory is shown as text, not obeyed."""
    hostile = _completion(_record("birth place", "\x1b[2JLowmere\x07", fact_id="a"))
    (note,) = lookup_notes(hostile)
    assert "\x1b" not in note.plain and "\x07" not in note.plain
    assert "Lowmere" in note.plain
