"""What was written, as servers and frameworks show it."""

from __future__ import annotations

import pytest

from lamlam.answering.written_text import Reason, written_text
from lamlam.memory_backends.model.lookup_status import LookupStatus
from lamlam.runtime.decoding.completion import ChatCompletion, ChatUsage, Completion, FinishReason
from lamlam.runtime.decoding.spans import LookupRecord, Span

PROMPT = "Ada was born in"
FOUND = LookupRecord("Ada", "birth place", LookupStatus.HIT, "Lowmere", "f1", at=15)


def completion(source: str | None = None, reason: FinishReason = "stop") -> Completion:
    """Return a text of which one word is from memory."""
    spans = (
        Span(0, 15, "prompt"),
        Span(15, 16, "parametric"),
        Span(16, 23, "fact", "f1", source),
    )
    return Completion(PROMPT + " Lowmere", spans, (FOUND,), reason, 3, 2, 4)


@pytest.mark.parametrize(("is_trimmed", "text"), [(False, " Lowmere"), (True, "Lowmere")])
def test_places_are_those_of_the_text_without_its_prompt(is_trimmed: bool, text: str) -> None:
    """Of spans, citations and lookups, also where an answer loses the space it begins with."""
    written = written_text(completion(), PROMPT, is_trimmed=is_trimmed)
    assert written.text == text
    assert "".join(text[one.start : one.end] for one in written.spans) == text
    (cited,) = written.citations()
    assert text[cited.start : cited.end] == "Lowmere" and cited.fact_id == "f1"
    assert written.lookups[0].at == 0
    assert written.provenance()["spans"][-1]["fact_id"] == "f1"


def test_a_citation_says_what_was_looked_up() -> None:
    """And where nobody knows it, nothing."""
    (cited,) = written_text(completion(), PROMPT).citations()
    assert (cited.asked, cited.statement) == ("Ada: birth place", "Ada: birth place: Lowmere")
    unknown = completion()
    (cited,) = written_text(
        Completion(unknown.text, unknown.spans, (), "stop", 3, 2, 4), PROMPT
    ).citations()
    assert (cited.asked, cited.statement) == ("", "")


@pytest.mark.parametrize(
    ("source", "is_page"),
    [
        ("https://example.org/a", True),
        ("http://example.org", True),
        ("https://example.org/ and more", False),
        ("a letter", False),
        (None, False),
    ],
)
def test_a_source_that_is_an_address_is_a_page(source: str | None, is_page: bool) -> None:
    """Programs make a link of it."""
    (cited,) = written_text(completion(source), PROMPT).citations()
    assert cited.page == (source if is_page else None)


@pytest.mark.parametrize(
    ("reason", "told"),
    [("stop", "stop"), ("miss", "stop"), ("context", "length"), ("max_lookups", "length")],
)
def test_an_end_is_told_in_three_words(reason: FinishReason, told: Reason) -> None:
    """Which all protocols of chats share."""
    assert written_text(completion(reason=reason), PROMPT).reason == told


def test_tokens_of_a_chat_are_those_of_all_its_turns() -> None:
    """As they are counted for who pays by the token."""
    chat = ChatCompletion(
        "Hello", (Span(0, 5, "parametric"),), (), "stop", 1, 1, 9, {}, (),
        usage=ChatUsage(20, 7, 2),
    )  # fmt: skip
    written = written_text(chat)
    assert (written.n_prompt_tokens, written.n_tokens) == (20, 7)
