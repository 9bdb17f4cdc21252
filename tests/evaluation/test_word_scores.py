"""Answers to other people's words count as the docs say, at the edges too."""

from __future__ import annotations

import pytest

from lamlam.evaluation.word_items import WordFact, WordItem
from lamlam.evaluation.word_priors import commonest_values, prior_figures
from lamlam.evaluation.word_scores import (
    WordScore,
    details_of,
    own_values_stated,
    score_first_words,
    score_line,
    score_next,
    value_near,
    word_figures,
    wrote_any,
)
from lamlam.memory_backends.model.lookup_status import LookupStatus
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.spans import LookupRecord

PROMPT = "The capital of Orlandia is"


def item(*values: str) -> WordItem:
    """Return an item about Orlandia's capital."""
    return WordItem(PROMPT, WordFact("Orlandia", "capital", values, "capital", (PROMPT,)))


def written(text: str, *lookups: tuple[str | None, int]) -> Completion:
    """Return a completion with lookups of (value, characters behind the prompt)."""
    records = tuple(
        LookupRecord(
            "Orlandia",
            "capital",
            LookupStatus.MISS if value is None else LookupStatus.HIT,
            value,
            at=len(PROMPT) + behind,
        )
        for value, behind in lookups
    )
    return Completion(PROMPT + text, (), records, "length", 1, 1, 1)


@pytest.mark.parametrize(
    ("text", "is_exact"),
    [
        (" Vessmark.", True),
        (" a Vessmark", True),
        (" an old Vessmark", False),
        (" vessmark", False),
    ],
)
def test_an_open_sentence_goes_on_with_the_value(text: str, is_exact: bool) -> None:
    assert score_next(item("Vessmark"), written(text)).exact is is_exact


@pytest.mark.parametrize(
    ("text", "is_exact"),
    [
        (" It is, as all know, old VESSMARK, a port.", True),
        ("\n\nVessmark", True),
        (" It is a port.\nVessmark", False),
        ("", False),
    ],
)
def test_a_question_is_answered_in_the_first_line(text: str, is_exact: bool) -> None:
    """Any answer, letter case apart."""
    assert score_line(item("Quellin", "Vessmark"), written(text)).exact is is_exact


def test_lookups_of_later_lines_do_not_count_for_a_question() -> None:
    answer = written(" Old.\nVessmark", (None, 2), ("Vessmark", 6))
    score = score_line(item("Vessmark"), answer)
    assert (score.lookup_issued, score.missed, score.right_value) == (True, True, False)
    assert not score_line(item("Vessmark"), written(" Old.\nVess", ("Vess", 6))).lookup_issued
    assert score_line(item("vessmark"), written(" Vessmark", ("Vessmark", 0))).right_value


@pytest.mark.parametrize(
    ("text", "is_exact"),
    [
        (" the\nold port town Vessmark", True),
        (" the very old port town Vessmark", False),
        (" vessmark", False),
        (" Vessmarkians", True),
    ],
)
def test_the_paper_looks_among_five_words(text: str, is_exact: bool) -> None:
    """As a substring, letter case included."""
    assert score_first_words(item("Vessmark"), written(text)).exact is is_exact


def test_a_value_is_near_up_to_twelve_characters() -> None:
    """The first one that was answered; a miss is no answer."""
    assert value_near(PROMPT, written("", (None, 0), ("Quellin", 12), ("Hoskeld", 12))) == "Quellin"
    assert value_near(PROMPT, written("", ("Quellin", 13))) is None
    assert value_near(PROMPT, written("", (None, 0))) is None


def test_any_of_several_values_was_written() -> None:
    answer = written(" Hoskeld")
    assert wrote_any(score_next, item("Vessmark"), ["Quellin", "Hoskeld"], answer)
    assert not wrote_any(score_next, item("Vessmark"), ["Quellin"], answer)
    assert not wrote_any(score_next, item("Hoskeld"), [], answer)


def scored(held: Completion, absent: Completion | None = None) -> WordScore:
    """Return the score of an item whose value is Vessmark."""
    one = item("Vessmark")
    return WordScore(one, score_next(one, held), held, absent)


FOUR = [
    scored(written(" Vessmark", ("Vessmark", 0)), written(" a port", (None, 0))),
    scored(written(" Quellin", ("Quellin", 0)), written(" Quellin", ("Quellin", 0))),
    scored(written(" a port", (None, 0)), written(" Hoskeld", ("Hoskeld", 3))),
    scored(written(" a port"), written(" a port")),
]


def test_figures_are_shares_of_all_items() -> None:
    figures = word_figures(FOUR)
    assert figures["n"] == 4
    names = ("exact", "right_value", "missed", "asked_nothing", "false_when_absent")
    assert [figures[name] for name in names] == [0.25, 0.25, 0.25, 0.25, 0.5]
    assert figures["low"] < 0.25 < figures["high"]
    assert figures["false_low"] < 0.5 < figures["false_high"]


def test_another_fact_of_the_entity_is_told_apart() -> None:
    """A value that the set has of the entity is another reading; an added one is not."""
    assert own_values_stated(FOUR, {"Orlandia": {"Vessmark", "Quellin"}}) == {
        "false_own_fact": 0.25,
        "wrong_own_fact": 0.25,
    }


def test_details_list_what_was_wrong_or_false() -> None:
    listed = details_of(FOUR)
    assert len(listed) == 3
    assert listed[0]["held"]["written"] == " Quellin"
    assert listed[0]["absent"]["lookups"][0]["at"] == 0
    assert [one["false_value"] for one in listed] == ["Quellin", "Hoskeld", None]


def test_the_prior_is_the_commonest_value_of_the_set() -> None:
    """Of equals the first by name; right items of another value are beyond it."""
    values = ["Vessmark", "Vessmark", "Quellin", "Quellin", "Hoskeld"]
    facts = [WordFact(f"E{n}", "r", (value,), "capital", ()) for n, value in enumerate(values)]
    assert commonest_values(facts) == {"capital": "Quellin"}
    assert prior_figures(FOUR, facts) == {"class_prior": 0.0, "exact_beyond_prior": 0.25}
    more = [*facts, facts[0]]
    assert prior_figures(FOUR, more) == {"class_prior": 1.0, "exact_beyond_prior": 0.0}
