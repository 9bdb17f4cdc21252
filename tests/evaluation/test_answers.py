"""What counts as an answer, and as the right one."""

from __future__ import annotations

import pytest

from lamlam.evaluation.answers import answer_of, first_sentence, is_contained, is_right
from lamlam.memory_backends.model.lookup_status import LookupStatus
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.spans import LookupRecord

PROMPT = "What is the seat of Lowmere?"


def completion(written: str, *values: str | None) -> Completion:
    """Return a completion of the prompt whose lookups were answered with these values."""
    lookups = tuple(
        LookupRecord(
            "Lowmere", "seat", LookupStatus.MISS if value is None else LookupStatus.HIT, value
        )
        for value in values
    )
    return Completion(PROMPT + written, (), lookups, "stop", 1, 1, 1)


@pytest.mark.parametrize(
    ("written", "values", "answer"),
    [
        (" Ostrand. It lies on the Vell.", [], "Ostrand"),
        ("\n\nAnswer: Ostrand\nQuestion: What", [], "Ostrand"),
        (" Port B. Sarn! Or not", [], "Port B. Sarn"),
        (" Ostrand, of course", [None, "Ostrand", "Vell"], "Ostrand"),
        (" nothing of it", [None], "nothing of it"),
        ("", [], ""),
    ],
)
def test_the_answer_is_the_first_value_or_else_the_first_sentence(
    written: str, values: list[str | None], answer: str
) -> None:
    assert answer_of(PROMPT, completion(written, *values)) == answer


def test_a_label_within_the_sentence_is_no_label() -> None:
    assert first_sentence("the answer: Ostrand") == "the answer: Ostrand"


@pytest.mark.parametrize(
    ("answer", "values", "right"),
    [
        ("port b sarn", ["Port B. Sarn"], True),
        ("the mint", ["Ostrand", "The Mint"], True),
        ("Ostrand is", ["Ostrand"], False),
        ("", ["€"], False),
        ("€", ["€"], True),
        ("", [], False),
    ],
)
def test_right_is_equal_but_for_case_and_marks(answer: str, values: list[str], right: bool) -> None:
    assert is_right(answer, values) is right


def test_a_value_is_contained_as_whole_words() -> None:
    assert is_contained("It is in Port B. Sarn, now", ["port b sarn"])
    assert not is_contained("It is in Portland", ["Port"])
    assert not is_contained("anything", ["€"])
