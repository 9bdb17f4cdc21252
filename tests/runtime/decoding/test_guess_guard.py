"""Which words of a text nobody has given."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.runtime.decoding.guess_guard import GuessGuard

PROMPT = "Ada Quill of Lowmere was born on 3 May. She"


def kept(written: str, *, prompt: str = PROMPT, values: tuple[str, ...] = ()) -> str:
    """What is left of a text that a model writes, letter by letter, behind a prompt."""
    guard = GuessGuard(prompt)
    for value in values:
        guard.learn(value)
    begin = len(prompt)
    for n in range(len(written) + 1):
        is_complete = n == len(written)
        found = guard.search(prompt + written[:n], begin, is_complete=is_complete)
        if found.guess is not None:
            assert found.guess >= begin, "text was settled and is taken back"
            return (prompt + written)[len(prompt) : found.guess]
        begin = found.settled
    return written


@pytest.mark.parametrize(
    ("written", "left"),
    [
        (" lived in Lowmere, by the sea.", " lived in Lowmere, by the sea."),
        (" lived in Highmere.", " lived in"),
        (" lived in Low", " lived in"),
        (" lived in Lowmeres", " lived in"),
        (" died in 1867.", " died in"),
        (" died on 3 May.", " died on 3 May."),
        (" died on 30 May.", " died on"),
        (" had three sons.", " had"),
        (" had threefold luck.", " had threefold luck."),
        (" had three", " had"),
        (" lived at Lowmere Castle.", " lived at"),
        (" wrote (Old Songs)", " wrote"),
        (' wrote "Old Songs"', " wrote"),
        (" sang. The sea was near. In", " sang. The sea was near. In"),
        (" sang. The Beatles", " sang."),
        (" saw The sea", " saw"),
        (" used an iPhone", " used an"),
        (" est née à Żary", " est née à"),
        (" 住在东京", ""),
        (" paid $5", " paid"),
        (" x² was", ""),
        (" was_5", ""),
        ("'s", "'s"),
        ("s", ""),
    ],
)
def test_text_ends_before_what_was_not_given(written: str, left: str) -> None:
    """Names whole, numbers in digits and words, other scripts; common words may begin sentences."""
    assert kept(written) == left


def test_a_word_that_the_prompt_began_is_judged_whole() -> None:
    """The rest of a name or of a number is a guess as the whole is."""
    assert kept("67", prompt="in 18") == ""
    assert kept("way", prompt="in Nor") == ""
    assert kept("way", prompt="Norway: in Nor") == "way"


def test_values_may_be_repeated() -> None:
    """But not longer ones that begin with them."""
    assert kept(" in Ely, 1867.", values=("Ely", "1867")) == " in Ely, 1867."
    assert kept(" in Elyton", values=("Ely",)) == " in"


@settings(max_examples=400)
@given(
    st.text(alphabet="aBé1 .'-(东\nI", max_size=30),
    st.lists(st.sampled_from(["B", "a1", "I"]), max_size=2),
)
def test_what_is_left_does_not_depend_on_how_it_was_read(text: str, values: list[str]) -> None:
    """Read letter by letter or at once, it is the same, and nothing settled is taken back."""
    prompt = "x. "
    guard = GuessGuard(prompt)
    for value in values:
        guard.learn(value)
    at_once = guard.search(prompt + text, len(prompt), is_complete=True).guess
    left = kept(text, prompt=prompt, values=tuple(values))
    assert left == ((prompt + text)[len(prompt) : at_once] if at_once is not None else text)
