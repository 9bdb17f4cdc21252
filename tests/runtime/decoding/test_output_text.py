"""Spaces before values, characters of several tokens, and what counts as the value."""

from __future__ import annotations

import pytest

from lamlam.runtime.decoding.output_text import OutputText
from tests.runtime.support import answered


@pytest.mark.parametrize(
    ("text", "space"),
    [
        ("", ""),
        ("was born in", " "),
        ("was born in ", ""),
        ("Marie Curie (", ""),
        ("(1867–", ""),
        ("(7 November 1867 –", " "),
        ("born 1867-", ""),
        ("and/", ""),
        ("for $", ""),
        ("a sum of €", ""),
        ('the film "', ""),
        ('the "great"', " "),
        ("the film “", ""),
        ("was,", " "),
    ],
)
def test_a_space_stands_before_a_value_where_one_belongs(text: str, space: str) -> None:
    """Words are parted; brackets, quotes, dashes and currency signs lean on what follows."""
    assert OutputText(text).space_before_value() == space


def test_characters_of_several_tokens() -> None:
    """Bytes that are half a character wait for the other half, or become U+FFFD."""
    written = OutputText("a")
    written.add_bytes("é".encode()[:1])
    assert (written.text, written.has_partial_character) == ("a", True)
    written.add_bytes("é".encode()[1:])
    assert (written.text, written.has_partial_character) == ("aé", False)
    written.add_bytes(b"\xc3")
    written.settle()
    assert written.text == "aé\ufffd"


@pytest.mark.parametrize(
    ("pieces", "is_fact"),
    [
        ([" War", "saw", "."], True),
        (["Warsaw"], True),
        ([" Warsaw"], True),
        ([" Warsawa"], False),
        ([" the", " Warsaw"], False),
        ([" warsaw"], False),
        ([" War"], False),
        ([], False),
    ],
)
def test_a_value_that_the_model_writes(pieces: list[str], is_fact: bool) -> None:
    """Only what equals it to the letter, as a whole word, is the fact."""
    written = OutputText("in")
    written.expect_value("Warsaw", answered("hit", value="Warsaw"))
    for piece in pieces:
        written.add_bytes(piece.encode())
    written.settle()
    facts = [written.text[s.start : s.end] for s in written.spans() if s.origin == "fact"]
    assert facts == (["Warsaw"] if is_fact else [])


def test_text_is_held_back_while_it_may_still_change_its_meaning() -> None:
    """The beginning of a stop string, and a value that is not complete."""
    written = OutputText("")
    written.add_bytes(b"one ST")
    assert [t.text for t in written.take_unsent(("STOP",))] == ["one "]
    written.add_bytes(b"AR")
    assert [t.text for t in written.take_unsent(("STOP",))] == ["STAR"]
    written.expect_value("Warsaw", answered("hit", value="Warsaw"))
    written.add_bytes(b" War")
    assert written.take_unsent() == []
    written.add_bytes(b"saw,")
    assert [(t.text, t.origin) for t in written.take_unsent()] == [
        (" ", "parametric"),
        ("Warsaw", "fact"),
        (",", "parametric"),
    ]
