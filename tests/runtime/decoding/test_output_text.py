"""Spaces before values, characters of several tokens, and what counts as the value."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.runtime.decoding.decoder import Decoder
from lamlam.runtime.decoding.output_text import OutputText
from lamlam.runtime.decoding.sampling import Choice
from tests.runtime.support import answered, drive, make_decoder, pick_from


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


_SCRIPTS = "añß€日本語한국어עברית😀👩‍👩‍👧🇳🇴e\u0301𝔘"


@pytest.mark.parametrize("limit", range(len(_SCRIPTS.encode()) + 1))
def test_a_text_that_is_cut_at_any_byte_ends_in_a_whole_character(limit: int) -> None:
    """In text, spans and the stream alike; what was whole before is kept."""
    decoder = make_decoder("", max_tokens=max(1, limit), may_look=False, logprobs=0)
    pieces = iter(_SCRIPTS.encode())
    streamed = ""

    def pick(decoder: Decoder, _: Choice) -> int:
        nonlocal streamed
        streamed += "".join(t.text for t in decoder.output.take_unsent())
        assert "\ufffd" not in streamed
        return next(pieces, -1) + 1

    assert drive(decoder, pick, lambda _: answered("miss")).reason in ("length", "stop")
    streamed += "".join(t.text for t in decoder.output.take_unsent(final=True))
    whole = _SCRIPTS.encode()[: max(1, limit)].decode(errors="ignore")
    completion = decoder.completion()
    assert completion.text == streamed == whole
    assert "".join(whole[span.start : span.end] for span in completion.spans) == whole
    assert completion.logprobs is not None
    assert "".join(one.text for one in completion.logprobs) == whole


@given(st.lists(st.binary(min_size=1, max_size=3), max_size=12), st.text(max_size=3))
def test_no_text_ends_in_a_broken_character(pieces: list[bytes], prompt: str) -> None:
    """Whatever bytes a model writes: the beginning of a character at the end is dropped."""
    written, streamed = OutputText(prompt), prompt
    for piece in pieces:
        written.add_bytes(piece)
        streamed += "".join(one.text for one in written.take_unsent())
    written.end_cut()
    streamed += "".join(one.text for one in written.take_unsent(final=True))
    assert written.text == streamed
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    assert written.text == prompt + decoder.decode(b"".join(pieces))


def test_a_value_that_ends_in_a_replacement_character_is_kept() -> None:
    written = OutputText("a")
    written.add_value(" ", "b\ufffd", answered("hit", value="b\ufffd"))
    written.add_bytes(b"\xf0\x9f")
    written.end_cut()
    assert written.text == "a b\ufffd"


def test_a_model_that_ends_amid_a_character_wrote_a_broken_one() -> None:
    """That is not the runtime's cut, and stays visible."""
    decoder = make_decoder("", may_look=False)
    drive(decoder, pick_from([1 + 0xC3, 0]), lambda _: answered("miss"))
    assert decoder.completion().text == "\ufffd"


def test_a_full_context_ends_in_a_whole_character() -> None:
    for context in range(3, 20):
        decoder = make_decoder("", context=context, may_look=False, max_tokens=500)
        pieces = iter(_SCRIPTS.encode())
        done = drive(decoder, lambda *_: next(pieces) + 1, lambda _: answered("miss"))  # noqa: B023
        assert done.reason == "context"
        text = decoder.completion().text
        assert text
        assert _SCRIPTS.startswith(text)
