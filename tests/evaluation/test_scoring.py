"""An item is exact when its value stands where it is due, and only then."""

from __future__ import annotations

import pytest

from lamlam.evaluation.scoring import Score, score, shares
from lamlam.memory_backends.model.lookup_status import LookupStatus
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.spans import LookupRecord

PROMPT = "Zub was born in"


def completion(written: str, *lookups: LookupRecord) -> Completion:
    return Completion(
        text=PROMPT + written,
        spans=(),
        lookups=lookups,
        finish_reason="length",
        n_tokens=3,
        n_text_tokens=3,
        n_prompt_tokens=4,
    )


def lookup(value: str | None, at: int = len(PROMPT)) -> LookupRecord:
    return LookupRecord(
        entity="Zub",
        relation="birth place",
        status=LookupStatus.MISS if value is None else LookupStatus.HIT,
        value=value,
        fact_id=None,
        source=None,
        elapsed_s=0.0,
        match=None,
        at=at,
    )


@pytest.mark.parametrize(
    ("written", "is_exact"),
    [
        (" Llanfoss, a town", True),
        ("Llanfoss", True),
        (' "Llanfoss"', True),
        (" a Llanfoss", True),
        (" in Llanfoss", False),  # three characters before it: too late
        (" the town of Llanfoss", False),
        (" llanfoss", False),
        (" Llanfos", False),
        ("", False),
    ],
)
def test_the_value_may_start_two_characters_late(written: str, is_exact: bool) -> None:
    assert score(PROMPT, completion(written), "Llanfoss").exact is is_exact


def test_a_value_in_the_prompt_does_not_count() -> None:
    """Only what was written after the prompt is looked at."""
    assert not score(PROMPT, completion(" nowhere"), "Zub").exact


def test_the_first_lookup_decides() -> None:
    hit_first = score(PROMPT, completion(" x", lookup("Llanfoss"), lookup(None)), "Llanfoss")
    miss_first = score(PROMPT, completion(" x", lookup(None), lookup("Llanfoss")), "Llanfoss")
    wrong = score(PROMPT, completion(" x", lookup("Oulu")), "Llanfoss")
    assert (hit_first.right_value, hit_first.missed) == (True, False)
    assert (miss_first.right_value, miss_first.missed) == (False, True)
    assert (wrong.lookup_issued, wrong.right_value, wrong.missed) == (True, False, False)


def test_a_lookup_far_behind_the_place_does_not_count() -> None:
    late = lookup("Llanfoss", at=len(PROMPT) + 60)
    assert score(PROMPT, completion(" x" * 40, late), "Llanfoss") == Score(
        exact=False, lookup_issued=False, right_value=False, missed=False
    )


def test_shares_are_means() -> None:
    scores = [Score(True, True, True, False), Score(False, True, False, True)]
    assert shares(scores) == {
        "exact": 0.5, "lookup_issued": 1.0, "right_value": 0.5, "missed": 0.5,
    }  # fmt: skip
    assert shares([])["exact"] == 0.0
