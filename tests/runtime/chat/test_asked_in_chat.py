"""The last message of a chat is evidence: what it names is looked up, in a sentence."""

from __future__ import annotations

from typing import Any, cast

import pytest

from lamlam.runtime.chat.last_question import last_question
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.settings import text_settings
from lamlam.runtime.decoding.vocabulary import ChatPrompt
from tests.runtime.chat.chat_support import CHATML, make_form
from tests.runtime.fake_store import FakeStore
from tests.runtime.scheduling.scripted import A, E, R, scheduler_of
from tests.runtime.support import BYTES, Asked
from tests.tiny_model import ScriptedModel

FACTS = {
    "veldmark": {"capital": ["Osterwick"], "currency": ["velt crown"]},
    "osterwick": {"country": ["Veldmark"]},
    "the sea": {"country": ["Iceland"]},
}
ASKED = "What is the capital of Veldmark?"
OTHER_LOOKUP = f"{E} Osterwick{R} country{A}"


class Answering:
    """A model with one answer, which it ends behind a lookup that was made."""

    def __init__(self, question: str, answer: str) -> None:
        self.n_prompt = len(BYTES.encode(question)) + 1
        self.answer = [*BYTES.encode(answer), 0]

    def __call__(self, tokens: list[int]) -> int:
        written = tokens[self.n_prompt :]
        if BYTES.end in written or len(written) >= len(self.answer):
            return 0
        return self.answer[len(written)]


def chat(question: str, answer: str, *, prompt: Any = None, **keywords: Any) -> Completion:
    """Return what becomes of the model's answer to a question."""
    asked = Asked(
        cast("str", prompt or ChatPrompt((question,), question=question)),
        text_settings(keywords, verbalise="copy", lookup_bias=0.0),
    )
    model = ScriptedModel(Answering(question, answer))
    scheduler = scheduler_of(model, FakeStore(FACTS), constraint=Constraint())
    scheduler.submit(asked)
    for _ in range(1000):
        if not scheduler.has_work:
            break
        scheduler.step()
    assert not model.cells, "the sequence was not freed"
    return asked.result


@pytest.mark.parametrize(
    ("question", "answer", "text"),
    [
        (ASKED, f"The capital is{OTHER_LOOKUP}", "The capital is Osterwick"),
        (ASKED, "The capital is Oslo.", "The capital is Osterwick"),
        (ASKED, "The capital is", "The capital is Osterwick"),
        (ASKED, "42", "Osterwick"),
        (ASKED, "", "Osterwick"),
        ("And its capital?", "The capital is Oslo.", "The capital is Osterwick"),
    ],
)
def test_the_lookup_that_the_question_names_is_made(question: str, answer: str, text: str) -> None:
    """In the place of another lookup, of a name or number that nobody gave, and of the end."""
    earlier = "" if question == ASKED else "What is the currency of Veldmark?\n"
    prompt = ChatPrompt((question,), question=earlier + question)
    done = chat(question, answer, prompt=prompt)
    assert done.text.strip() == text
    assert [(one.entity, one.relation) for one in done.lookups] == [("Veldmark", "capital")]
    assert [done.text[one.start : one.end] for one in done.spans if one.origin == "fact"] == [
        "Osterwick"
    ]


def test_a_sentence_about_another_relation_gets_the_value_of_that() -> None:
    """A true sentence beside the question is better than a false one that seems to answer it."""
    done = chat(ASKED, "The currency of Veldmark is Osterwick.")
    assert done.text == "The currency of Veldmark is velt crown"
    assert [one.relation for one in done.lookups] == ["currency"]


def test_a_name_that_is_half_written_is_not_mended() -> None:
    """What was sent cannot be taken back, and the value behind it would be a second one."""
    done = chat("What is the capital of Veldmark, Ost?", "It is Oster.")
    assert done.text == "It is Oster."
    assert not done.lookups


@pytest.mark.parametrize(
    "question",
    [
        "Write two sentences about the sea.",
        "Hello!",
        "What shall I cook?",
        "What is the mayor of Veldmark like?",
        "What is the capital of Norrland?",
        "What is the capital of Veldmark Minor?",
        "What is the capital of Nether Veldmark?",
    ],
)
def test_an_answer_stays_the_model_s_where_memory_is_not_asked(question: str) -> None:
    done = chat(question, "Of course. The sea is 5 km wide.")
    assert done.text == "Of course. The sea is 5 km wide."
    assert not done.lookups


def test_a_limit_of_no_lookups_holds() -> None:
    done = chat(ASKED, "The capital is Oslo.", max_lookups=0)
    assert (done.text, done.lookups) == ("The capital is Oslo.", ())


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("The capital is Oslo.", "The capital is Osterwick"),
        ("42", "Osterwick"),
        ("", "Osterwick"),
    ],
)
def test_memory_alone_answers_in_a_sentence_too(answer: str, text: str) -> None:
    assert chat(ASKED, answer, policy="memory_only").text.strip() == text


def test_memory_alone_states_no_name_that_is_half_written() -> None:
    asked = "What is the capital of Veldmark, Ost?"
    done = chat(asked, "It is Oster.", policy="memory_only")
    assert (done.text, done.finish_reason) == ("It is", "miss")


def test_a_text_to_go_on_with_is_read_as_before() -> None:
    """A question that is no chat gets the value alone."""
    done = chat(ASKED, "The capital is Oslo.", prompt=ASKED)
    assert done.text == f"{ASKED} Osterwick"


def test_a_stop_string_ends_the_text_before_the_lookup() -> None:
    done = chat(ASKED, "The capital is Oslo.", stop="capital is")
    assert (done.text, done.finish_reason) == ("The ", "stop_string")


USER, ANSWER = {"role": "user", "content": "a?"}, {"role": "assistant", "content": "b"}


@pytest.mark.parametrize(
    ("messages", "question"),
    [
        ([USER], "a?"),
        ([{"role": "user", "content": "c"}, USER, ANSWER, USER], "a?\na?"),
        ([USER, ANSWER], ""),
        ([{"role": "user", "content": " "}], ""),
        ([{"role": "user", "content": None}], ""),
        ([], ""),
    ],
)
def test_the_last_message_is_the_question(messages: list[Any], question: str) -> None:
    assert last_question(messages) == question


def test_the_end_of_a_long_message_is_read_from_a_whole_word_on() -> None:
    read = last_question([{"role": "user", "content": "Veldmark " * 10_000}])
    assert len(read) <= 2_000
    assert set(read.split()) == {"Veldmark"}


def test_the_format_of_a_model_keeps_the_question() -> None:
    """As it was written: marks in a message are words there too."""
    prompt = make_form(CHATML).prompt([{"role": "user", "content": "<|im_end|> a?"}])
    assert prompt.question == "<|im_end|> a?"
