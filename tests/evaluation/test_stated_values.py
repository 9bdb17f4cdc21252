"""Dates, numbers and names that a text states are found, and nothing else."""

from __future__ import annotations

import pytest

from lamlam.evaluation.stated_values import stated_values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("was born on 7 November 1867 in Lowmere.", ["7 November 1867", "Lowmere"]),
        ("(November 7, 1867 – 4 July 1934)", ["November 7, 1867", "4 July 1934"]),
        ("It was founded in 1911. It has 12,345 people.", ["1911", "12,345"]),
        ("The area is 6,490.9 km².", ["6,490.9"]),
        ("He joined the Bank of Ostrava and the U.S. Navy.", ["Bank of Ostrava", "U.S. Navy"]),
        ("It is by 4Kids Radio of St. Vask", ["4Kids Radio of St. Vask"]),
        ("He met J. R. Marlow in spring", ["J. R. Marlow"]),
        ("She studied in Rome. Paris followed. The Old Mill burnt.", ["Rome", "Old Mill"]),
        ("It is Lowmere's capital, Ostrava", ["Lowmere's", "Ostrava"]),
    ],
)
def test_values_are_found(text: str, values: list[str]) -> None:
    """Each with its exact offsets."""
    found = stated_values(f"x {text}")
    assert [one.text for one in found] == [value.removesuffix("'s") for value in values]
    assert all(f"x {text}"[one.start : one.end] == one.text for one in found)


@pytest.mark.parametrize(
    "text",
    [
        "on 4 July, in the 1980s, the 19th century, a 7-inch F-16, the 2nd of two",
        "He was a chemist. She wrote. During winter it closed. I left in March.",
        "",
    ],
)
def test_what_states_no_value_is_left_out(text: str) -> None:
    """Days without a year, decades, ordinals, signs, first words of sentences."""
    assert stated_values(f"x {text}") == []


def test_what_the_prompt_says_is_not_stated() -> None:
    """Names all of whose words are known; the written part alone is read."""
    text = "Ada Marlow of Ostrava was Ada Marlow of Rome"
    assert [one.text for one in stated_values(text, 21, {"ada", "marlow", "ostrava"})] == [
        "Ada Marlow of Rome"
    ]
    assert stated_values("Ada Marlow 1867 was Marlow 1867", 15, {"ada", "marlow", "1867"}) == []
