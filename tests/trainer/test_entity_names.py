"""A text's own name for an entity is found, and changed everywhere or nowhere."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.trainer.entity_names import (
    Renaming,
    _places_in_any_case,
    _spread_name,
    bare_title,
    called_before,
    find_name,
    is_same_entity,
    name_in_text,
)


@pytest.mark.parametrize(
    ("title", "text", "name"),
    [
        ("James Patterson (skier)", "James Patterson skis.", "James Patterson"),
        ("Kevin Barron", "Sir Kevin John Barron (born 1946)", "Kevin John Barron"),
        ("Leonia, New Jersey", "Leonia is a borough", "Leonia"),
        ("ING Direct", "The ING Group is a bank", None),
        ("The Girls and Daddy[1]", "The Girls and Daddy is a film", "The Girls and Daddy"),
        ("The Dorn Show", 'On The "Jim Dorn Show" he sang', None),
        ("Kev Barron", 'Kev "Bo" Barron sang', 'Kev "Bo" Barron'),
        ("Ada", "Adamant was a ship", None),
        ("Ada", "Adamant Ada", "Ada"),
        ("ada quill", "Later Ada Quill left", "Ada Quill"),
        ("The Girls", "all the girls sang", None),
        ("東京", "東京は首都である", "東京"),
    ],
)
def test_the_name_by_which_a_text_calls_its_entity(title: str, text: str, name: str | None) -> None:
    assert name_in_text(title, text) == name


def slow_spread_name(first: str, last: str, text: str) -> str | None:
    """What `_spread_name` finds, by a pattern."""
    first, last = re.escape(first), re.escape(last)
    found = re.search(rf"\b{first}\b[^,;()\d]{{1,40}}?\b{last}\b", text)
    return None if found is None else found.group()


_LETTERS = 'aAb_ ,(1é"s\u017f\u212ak-'
"""Few, so that names occur; two of them are ``s`` and ``k`` in another letter case."""


@given(
    st.text(_LETTERS, min_size=1, max_size=2),
    st.text(_LETTERS, min_size=1, max_size=2),
    st.lists(st.text(_LETTERS, max_size=3) | st.just("a" * 39), max_size=20).map(" ".join),
)
def test_a_name_with_words_between_is_that_of_a_pattern(first: str, last: str, text: str) -> None:
    for whole in (text, f"{first} {text} {last}"):
        assert _spread_name(first, last, whole) == slow_spread_name(first, last, whole)


@given(st.text(_LETTERS, min_size=1, max_size=3), st.text(_LETTERS, max_size=60))
def test_places_in_any_letter_case_are_those_of_a_pattern(name: str, text: str) -> None:
    for whole in (text, f"{text}{name.upper()}{name}"):
        expected = [m.span() for m in re.finditer(re.escape(name), whole, re.IGNORECASE)]
        assert list(_places_in_any_case(name, whole)) == expected


@given(st.text(max_size=30))
def test_a_bare_title_is_never_empty_unless_the_title_is(title: str) -> None:
    assert bool(bare_title(title)) == bool(title)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("Acme Robotics", "acme robotics", True),
        ("Acme_Robotics", "Acme Robotics (company)", True),
        ("Acme Robotics [2]", "Acme Robotics", True),
        ("Mercury (planet)", "Mercury (element)", False),
        ("Acme Robotics Foundation", "Acme Robotics", False),
        ("Quill", "Ada Quill", False),
    ],
)
def test_names_of_one_entity(first: str, second: str, same: bool) -> None:
    assert is_same_entity(first, second) is same
    assert is_same_entity(second, first) is same


def test_another_entity_is_called_as_the_text_before_calls_it() -> None:
    text = "Acme was founded by Ada Mary Quill, born in 1907. Ada Quill died in 1970."
    assert called_before("Ada Quill", text, text.index("1907")) == "Ada Mary Quill"
    assert called_before("Ada Quill", text, text.index("1970")) == "Ada Quill"
    assert called_before("Bo Ferrin", text, len(text)) == "Bo Ferrin"


def rename(text: str, name: str, new: str, *kept: str, is_person: bool = True) -> str:
    renaming = Renaming.of(text, name, new, is_person=is_person, kept=kept)
    return renaming.between(0, len(text))


@pytest.mark.parametrize(
    ("text", "name", "new", "kept", "expected"),
    [
        (
            "Ada Quill sang. Quill's brother Bo Quill did not. Ada wept.", "Ada Quill", "Ib Dorn",
            ["Bo Quill"], "Ib Dorn sang. Dorn's brother Bo Quill did not. Ib wept.",
        ),
        ("Ada Quill Jr. sang. Quill left.", "Ada Quill Jr.", "Ib Dorn", [],
         "Ib Dorn sang. Dorn left."),
        ("Ada Quill sang. Quill left.", "Ada Quill", "Zaza", [], "Zaza sang. Zaza left."),
        # The given name of somebody else, a month and a longer word stay.
        ("May Quill sang in May 1901. May Dorn left Quillton.", "May Quill", "Ib Dorn", [],
         "Ib Dorn sang in May 1901. May Dorn left Quillton."),
        ("Ada of Lowmere sang. Bo left Lowmere. All loved Ada very much.", "Ada of Lowmere",
         "Ib Dorn", [], "Ib Dorn sang. Bo left Lowmere. All loved Ib very much."),
        ("Quill House is old.", "Quill House", "Dorn Hall", [], "Dorn Hall is old."),
    ],
)  # fmt: skip
def test_a_person_is_renamed_everywhere(
    text: str, name: str, new: str, kept: list[str], expected: str
) -> None:
    assert rename(text, name, new, *kept) == expected


def test_a_thing_keeps_the_last_word_of_its_name() -> None:
    text = "Quill House is a house. The House is old."
    assert rename(text, "Quill House", "Dorn Hall", is_person=False) == (
        "Dorn Hall is a house. The House is old."
    )


def test_a_changed_place_that_cuts_into_a_value_is_noticed() -> None:
    text = "The 1956 Lowmere election was held in 1956."
    renaming = Renaming.of(text, "1956 Lowmere election", "Dorn Hall", is_person=False)
    assert renaming.cuts_into([(4, 8)])
    assert not renaming.cuts_into([(38, 42)])


names = st.text("abQ", min_size=1, max_size=3)


@given(names, st.text("abQ .", max_size=30))
def test_places_found_are_those_of_a_slow_search(name: str, text: str) -> None:
    def is_place(at: int) -> bool:
        end = at + len(name)
        around = text[max(0, at - 1) : at] + text[end : end + 1]
        return text[at:end] == name and not any(c.isalnum() for c in around)

    expected = next((at for at in range(len(text)) if is_place(at)), -1)
    assert find_name(name, text) == expected


@given(st.lists(st.sampled_from(["Ada Quill", "Quill", "Bo Quill", "Quillon", " ", ". ", "x"])))
def test_places_renamed_are_those_of_a_pattern(parts: list[str]) -> None:
    text = "".join(parts)
    renaming = Renaming.of(text, "Ada Quill", "Zaza Dorn", is_person=True, kept=["Bo Quill"])
    swaps = {"Ada Quill": "Zaza Dorn", "Quill": "Dorn", "Bo Quill": "Bo Quill"}
    slow = re.sub(r"\b(Ada Quill|Bo Quill|Quill)\b", lambda m: swaps[m.group()], text)
    assert renaming.between(0, len(text)) == slow
    # In pieces it is the same, where no border cuts into a name.
    borders = [i for i in range(len(text) + 1) if not renaming.cuts_into([(i - 1, i), (i, i + 1)])]
    ends = [0, *borders, len(text)]
    pieces = [renaming.between(a, b) for a, b in itertools.pairwise(sorted(set(ends)))]
    assert "".join(pieces) == slow
    slow_cuts = [
        any(a < j and i < b and (i, j) != (a, b) for a, b, _ in renaming.places)
        for i in range(len(text))
        for j in (i + 1, i + 5)
    ]
    fast_cuts = [renaming.cuts_into([(i, j)]) for i in range(len(text)) for j in (i + 1, i + 5)]
    assert fast_cuts == slow_cuts
