"""Thoughts of models: no stop string, call or citation counts in them, and they come apart."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.runtime.chat.call_grammar import BARE_FORM, TAGGED_FORM
from lamlam.runtime.chat.tool_calls import find_calls
from lamlam.runtime.decoding.events import Text, Thought
from lamlam.runtime.decoding.thoughts import ThoughtReader, opened_by
from tests.runtime.chat.chat_support import CHATML, CONTROL, make_form
from tests.runtime.chat.test_tool_calls import TAGGED, converse, write
from tests.runtime.support import BYTES

OSS = "<|start|>assistant<|channel|>"
CASES = {
    # text, mark of the thought that the prompt opened: thought, answer
    ("Hello", ""): ("", "Hello"),
    ("  a <b> c", ""): ("", "  a <b> c"),
    ("<think>\nhm</think>\n\nA", ""): ("\nhm", "A"),
    ("<|think|>hm<|/think|>A", ""): ("hm", "A"),
    ("<thinking>hm</thinking>A", ""): ("hm", "A"),
    ("[THINK]hm[/THINK]A", ""): ("hm", "A"),
    ("<seed:think>hm</seed:think>A", ""): ("hm", "A"),
    ("<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>A<|END_RESPONSE|>", ""): ("hm", "A"),
    ("hm</think>\nA", "<think>"): ("hm", "A"),
    ("hm", "<think>"): ("hm", ""),
    ("<think>hm", ""): ("hm", ""),
    ("<think>hm</thi", ""): ("hm</thi", ""),
    ("<think>a</think>\n<think>b</think>A", ""): ("ab", "A"),
    ("A\n<think>b</think>\nC", ""): ("b", "A\nC"),
    ("<think>a <think>b</think> c</think>A", ""): ("a <think>b</think> c", "A"),
    ("<think>I open <think> here</think>A", ""): ("I open <think> here", "A"),
    ("<think>say `</think>` so</think>A", ""): ("say `</think>` so", "A"),
    ("<think>```\n<think>\n</think>\n```</think>A", ""): ("```\n<think>\n</think>\n```", "A"),
    ("The mark `<think>` opens one.", ""): ("", "The mark `<think>` opens one."),
    ("```\n<think>\n```\nA", ""): ("", "```\n<think>\n```\nA"),
    (f"<|channel|>analysis<|message|>hm<|end|>{OSS}final<|message|>A", ""): ("hm", "A"),
    (f"hm<|end|>{OSS}final<|message|>A", "<|channel|>"): ("hm", "A"),
    ("<|channel|>final<|message|>A<|return|>", ""): ("", "A"),
    ("<|channel|>commentary<|message|>First A.<|end|>", ""): ("", "First A."),
}


def divided(text: str, inside: str = "", steps: list[int] | None = None) -> tuple[str, str]:
    """The thoughts and the answer, where the text arrives in these steps."""
    reader, at = ThoughtReader(inside), 0
    for step in steps or [1] * len(text):
        at += step
        reader.read(text[:at])
    reader.read(text, final=True)
    return (
        "".join(text[part.start : part.end] for part in reader.parts if part.is_thought),
        "".join(text[part.start : part.end] for part in reader.parts if not part.is_thought),
    )


@pytest.mark.parametrize(("given_", "expected"), CASES.items())
def test_thoughts_and_answers_are_told_apart(
    given_: tuple[str, str], expected: tuple[str, str]
) -> None:
    """However the text arrives."""
    text, inside = given_
    for step in (1, 2, 3, 7, len(text)):
        assert divided(text, inside, [step] * (len(text) // step + 1)) == expected


@settings(max_examples=200)
@given(
    pieces=st.lists(
        st.sampled_from(
            ["<think>", "</think>", "<think", "`", "```", "\n", " ", "a", "<|channel|>", "final"]
            + ["<|message|>", "<|end|>", "[THINK]", "[/THINK]", '"']
        ),
        max_size=14,
    ),
    steps=st.lists(st.integers(1, 9), max_size=40),
    inside=st.sampled_from(["", "<think>"]),
)
def test_how_a_text_arrives_changes_nothing(
    pieces: list[str], steps: list[int], inside: str
) -> None:
    text = "".join(pieces)
    assert divided(text, inside, steps) == divided(text, inside, [len(text) + 1])


def test_a_prompt_may_open_the_thought() -> None:
    """Where the template writes the mark, and not where a message holds it."""
    opening = CHATML.replace("assistant\n", "assistant\n<think>\n")
    said = [{"role": "user", "content": "x<think>"}]
    assert make_form(opening).prompt(said).thought == "<think>"
    assert make_form(CHATML).prompt(said).thought == ""
    assert make_form("{{ messages[0].content }}").prompt(said).thought == ""
    assert opened_by("<|start|>assistant<|channel|>analysis<|message|>") == "<|channel|>"
    assert opened_by("<think>\n\n</think>\n\n") == ""


def test_a_thought_is_no_part_of_the_answer() -> None:
    """It comes apart, whole and streamed, and the conversation goes on without it."""
    done, events, _ = converse(["<think>\nhm Warsaw\n</think>\n\nIn Warsaw."])
    assert (done.text, done.reasoning) == ("In Warsaw.", "hm Warsaw")
    assert "".join(e.text for e in events if isinstance(e, Thought)).strip() == "hm Warsaw"
    assert done.message["content"] == "In Warsaw."


@pytest.mark.parametrize(
    "call",
    [TAGGED, TAGGED[len("<tool_call>") : -len("</tool_call>")]]
    + ["<TOOLCALL>[" + TAGGED[len("<tool_call>") : -len("</tool_call>")] + "]</TOOLCALL>"],
)
@pytest.mark.parametrize("opens", [False, True])
def test_a_call_behind_a_thought_is_one(call: str, opens: bool) -> None:
    """In any form, and nothing of it is shown."""
    template = CHATML.replace("assistant\n", "assistant\n<think>\n") if opens else CHATML
    first = ("" if opens else "<think>") + f"a {TAGGED}? Warsaw?</think>\n\n{call}"
    again = ("" if opens else "<think>") + "Warsaw</think>In Warsaw."
    done, _, _ = converse([first, again], template)
    assert done.text == "In Warsaw." and len(done.lookups) == 1
    facts = [done.text[s.start : s.end] for s in done.spans if s.origin == "fact"]
    assert facts == ["Warsaw"] and "Warsaw?" in done.reasoning


def test_a_call_in_a_thought_is_none() -> None:
    done, _, _ = converse([f"<think>I could write {TAGGED}, or not.</think>I do not know."])
    assert (done.text, done.lookups) == ("I do not know.", ())
    done, _, _ = converse([f"<think>never closed {TAGGED}"])
    assert (done.text, done.lookups) == ("", ())


def chat_with(text: str, stop: str, inside: str = "", **options: Any) -> tuple[str, str]:
    """What is written of a text beside a stop string, and why it ended."""
    done = write(
        BYTES.encode(text), TAGGED_FORM, is_required=False, stop=stop, inside=inside, **options
    )
    return done.text, done.finish_reason


@pytest.mark.parametrize(
    ("text", "inside", "written"),
    [
        ("<think>Question: a</think>B Question: c", "", "<think>Question: a</think>B "),
        ("Question: a</think>B Question: c", "<think>", "Question: a</think>B "),
        ("[THINK]Question:[/THINK]B", "", None),
        ("<think>Question: never", "", None),
        ("<think>a <think>b</think> Question:</think>B Question:", "", "…B "),
        ("<think>`</think>` Question:</think>B Question: c", "", "…B "),
        ("<think>I open <think> here</think>B Question: c", "", "…B "),
        (
            f"<|channel|>analysis<|message|>Question:<|end|>{OSS}final<|message|>B Question:",
            "",
            "…B ",
        ),
        ("B Question: c", "", "B "),
    ],
)
def test_a_stop_string_counts_in_the_answer_alone(
    text: str, inside: str, written: str | None
) -> None:
    got, reason = chat_with(text, "Question:", inside)
    if written is None:
        assert (got, reason) == (text, "stop")
    else:
        assert reason == "stop_string"
        assert got.endswith(written[1:]) if written[0] == "…" else got == written


def test_a_stop_string_of_white_space_waits_for_the_answer() -> None:
    assert chat_with("<think>a\n</think>\n\nB\nC", "\n") == (
        "<think>a\n</think>\n\nB",
        "stop_string",
    )


def test_a_stop_string_in_a_call_of_any_family_ends_nothing() -> None:
    call = '<TOOLCALL>[{"name":\n"look_up_fact"}]</TOOLCALL>'
    assert chat_with(call, "\n") == (call, "stop")
    assert chat_with("Write `<TOOLCALL>` so.\nB", "\n")[1] == "stop_string"


def test_no_call_is_forced_in_a_thought() -> None:
    """The mark of a call is only a word there; behind it, it is constrained as ever."""
    text = "<think>a <tool_call> b</think>No."
    assert chat_with(text, "never") == (text, "stop")
    done = write(
        BYTES.encode("<think>a <tool_call> b</think><tool_call>x"), TAGGED_FORM, is_required=False
    )
    assert divided(done.text)[0] == "a <tool_call> b"
    found = find_calls(divided(done.text)[1])
    assert found is not None and found.problem is None


@pytest.mark.parametrize("form", [TAGGED_FORM, BARE_FORM])
def test_a_required_call_leaves_the_thought_that_the_prompt_opened(form: Any) -> None:
    done = write(BYTES.encode("hm"), form, is_required=True, inside="<think>")
    found = find_calls(divided(done.text, "<think>")[1])
    assert found is not None and found.problem is None and len(found.calls) == 1


def test_facts_in_a_thought_are_no_spans_of_the_answer() -> None:
    """Of a model with lookup tokens too, whose facts come while it writes."""
    from lamlam.runtime.chat.turn_text import TurnText
    from lamlam.runtime.decoding.completion import Completion
    from lamlam.runtime.decoding.spans import Span

    text = TurnText("")
    told = [
        *text.add(Text("<think>", "parametric")),
        *text.add(Text("Warsaw", "fact", "f1")),
        *text.add(Text("</think>In ", "parametric")),
        *text.add(Text("Paris", "fact", "f2")),
        *text.end(),
    ]
    spans = (
        Span(0, 7, "parametric"),
        Span(7, 13, "fact", fact_id="f1"),
        Span(13, 24, "parametric"),
        Span(24, 29, "fact", fact_id="f2"),
    )
    whole = Completion("<think>Warsaw</think>In Paris", spans, (), "stop", 5, 5, 5)
    done = text.without_thoughts(whole)
    assert done.text == "In Paris" and text.thoughts == "Warsaw"
    assert [(s.start, s.end, s.fact_id) for s in done.spans] == [(0, 3, None), (3, 8, "f2")]
    assert [(type(e), e.text) for e in told] == [
        (Thought, "Warsaw"),
        (Text, "In "),
        (Text, "Paris"),
    ]
    assert CONTROL, "marks of the form over letters"
