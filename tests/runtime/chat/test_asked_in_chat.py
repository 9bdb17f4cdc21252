"""The last message of a chat is evidence: what it names is looked up, in a sentence."""

from __future__ import annotations

from typing import Any, cast

import pytest

from lamlam.runtime.chat.last_question import last_question
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.events import Text
from lamlam.runtime.decoding.settings import TextSettings, text_settings
from lamlam.runtime.decoding.vocabulary import ChatPrompt
from tests.runtime.chat.chat_support import CHATML, make_form
from tests.runtime.fake_store import FakeStore
from tests.runtime.scheduling.scripted import A, E, R, scheduler_of
from tests.runtime.support import BYTES, Asked
from tests.tiny_model import ScriptedModel

FACTS = {
    "veldmark": {"capital": ["Osterwick"], "currency": ["velt crown"]},
    "norland": {"capital": ["Skarn"], "founded": ["1871"]},
    "ada quill": {"birth date": ["3 May 1902"], "birth place": ["Skarn"]},
    "osterwick": {"country": ["Veldmark"]},
    "the sea": {"country": ["Iceland"]},
}
DEFAULTS: Any = {"verbalise": "copy", "lookup_bias": 0.0}
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


def chat(
    question: str,
    answer: str,
    *,
    prompt: Any = None,
    store: FakeStore | None = None,
    **keywords: Any,
) -> Completion:
    """Return what becomes of the model's answer to a question."""
    settings = text_settings({"max_tokens": 200, **keywords}, **DEFAULTS)
    return _answered(question, answer, prompt, settings, store=store).result


def streamed(question: str, answer: str) -> Asked:
    """Return the events of the answer, too."""
    return _answered(question, answer, None, text_settings({}, **DEFAULTS), is_streamed=True)


def _answered(
    question: str,
    answer: str,
    prompt: Any,
    settings: TextSettings,
    *,
    is_streamed: bool = False,
    store: FakeStore | None = None,
) -> Asked:
    prompt = prompt or ChatPrompt((question,), question=question)
    asked = Asked(cast("str", prompt), settings, is_streamed)
    model = ScriptedModel(Answering(question, answer))
    scheduler = scheduler_of(model, store or FakeStore(FACTS), constraint=Constraint())
    scheduler.submit(asked)
    for _ in range(1000):
        if not scheduler.has_work:
            break
        scheduler.step()
    assert not model.cells, "the sequence was not freed"
    return asked


LED = "The capital of Veldmark is Osterwick"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("Veldmark's capital is Oslo.", "Veldmark's capital is Osterwick"),
        (f"Veldmark's capital is{OTHER_LOOKUP}", "Veldmark's capital is Osterwick"),
        ("Veldmark's capital is", "Veldmark's capital is Osterwick"),
        ("Veldmark's capital is Veldmark.", "Veldmark's capital is Osterwick"),
        ("Of course. Veldmark's capital is Oslo", "Of course. Veldmark's capital is Osterwick"),
        # Taken back: they speak of nothing, or of something else.
        ("La Veldmark est.", LED),
        ("Oslo, Veldmark", LED),
        (f"The capital of{OTHER_LOOKUP}", LED),
        ("The currency of Veldmark is Osterwick.", LED),
        ("The capital of Norland is Oslo.", LED),
        ("42", LED),
        ("", LED),
        ("It is Oster.", LED),
        ("Of course. It is", f"Of course. {LED}"),
        ("Of course.", f"Of course. {LED}"),
    ],
)
@pytest.mark.parametrize("policy", ["continue", "memory_only"])
def test_the_lookup_that_the_question_names_is_made(answer: str, text: str, policy: str) -> None:
    """In the model's sentence if that speaks of it, else in one of the runtime's own."""
    done = chat(ASKED, answer, policy=policy)
    assert done.text.strip() == text
    assert [(one.entity, one.relation) for one in done.lookups] == [("Veldmark", "capital")]
    assert [done.text[one.start : one.end] for one in done.spans if one.origin == "fact"] == [
        "Osterwick"
    ]


def test_a_sentence_that_is_taken_back_was_never_sent() -> None:
    """A reader of the stream sees each letter of the answer once."""
    asked = streamed(ASKED, "Of course. Skarn, Oslo")
    sent = "".join(one.text for one in asked.events if isinstance(one, Text))
    assert sent == asked.result.text == f"Of course. {LED}"


def test_tokens_that_are_taken_back_are_not_listed() -> None:
    """The list of tokens and their number are those of the text that is there."""
    done = chat(ASKED, "Of course. Oslo, as I said", logprobs=0)
    assert done.text == f"Of course. {LED}"
    assert done.logprobs is not None
    assert "".join(one.text for one in done.logprobs) == done.text
    assert done.n_text_tokens == len(done.logprobs)


@pytest.mark.parametrize(
    ("before", "question", "asked"),
    [
        (["What is the currency of Veldmark?"], "And its capital?", ["Veldmark"]),
        (["What is the capital of Norland?", "It is Skarn."], "And of Veldmark?", ["Veldmark"]),
        (["Who is from Veldmark?", "Ada Quill."], "When was she born?", ["Ada Quill"]),
        ([], "Thank you. What is the capital of Veldmark?", ["Veldmark"]),
        ([], "What is the capital of Veldmark and what is its currency?", ["Veldmark"] * 2),
        ([], "Tell me the capitals of Norland and Veldmark.", ["Norland", "Veldmark"]),
        ([], "What is the capital of Norland? And of Veldmark?", ["Norland", "Veldmark"]),
    ],
)
def test_all_that_a_message_asks_is_looked_up(
    before: list[str], question: str, asked: list[str]
) -> None:
    """Each question gets its own value, whatever the model says of it."""
    prompt = ChatPrompt((question,), question=question, before=tuple(before))
    done = chat(question, "Yes.", prompt=prompt)
    assert [one.entity for one in done.lookups] == asked
    assert all(one.value and done.text.count(one.value) == 1 for one in done.lookups)


def test_a_message_speaks_of_what_it_names_itself() -> None:
    """Not of the talk before it, though that has a name that the question would fit."""
    question = "What is the mayor of Norland?"
    before = ("What is the capital of Veldmark?", "It is Osterwick.")
    done = chat(question, "Yes.", prompt=ChatPrompt((question,), question=question, before=before))
    assert done.text == "The mayor of Norland is not in memory."


@pytest.mark.parametrize(
    "question",
    [
        "Tell me about Veldmark.",
        "tell me something about veldmark",
        "What do you know about Veldmark?",
        "What is Veldmark?",
        "Please describe Veldmark!",
    ],
)
def test_what_is_asked_about_as_such_is_told_by_its_facts(question: str) -> None:
    """The first facts that memory has, whatever the model would say."""
    done = chat(question, "Veldmark is the land of the seven hills.")
    lead = done.text.partition(" of ")[2].partition(" is")[0]
    assert lead.casefold() == "veldmark"
    assert done.text.endswith("is velt crown")
    assert [one.value for one in done.lookups] == ["Osterwick", "velt crown"]


def test_a_request_for_facts_may_stand_before_a_question() -> None:
    done = chat("Tell me about Veldmark, and who is the mayor of Norland?", "Of course.")
    assert [one.value for one in done.lookups] == ["Osterwick", "velt crown", None]
    assert done.text.endswith("The mayor of Norland is not in memory.")


@pytest.mark.parametrize("question", ["What is the sea of Veldmark like?", "Who told Ada Quill?"])
def test_other_questions_are_not_requests_for_all_facts(question: str) -> None:
    done = chat(question, "It is blue.")
    assert "3 May 1902" not in done.text and "velt crown" not in done.text


def test_two_questions_are_two_sentences() -> None:
    """Each value stands behind its own question."""
    asked = "What is the capital of Norland and what is the capital of Veldmark?"
    done = chat(asked, "Norland's capital is Oslo.")
    assert done.text == f"Norland's capital is Skarn. {LED}"
    done = chat(asked, "The capital of Veldmark is Oslo.")
    assert done.text == f"{LED}. The capital of Norland is Skarn"


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Is Osterwick the capital of Veldmark?", LED),
        ("Is Skarn the capital of Veldmark?", LED),
        ("Was Ada Quill born in 1903?", "The birth date of Ada Quill is 3 May 1902"),
        ("Was Norland founded in 1900?", "Norland was founded in 1871"),
    ],
)
def test_a_question_for_yes_or_no_gets_the_value(question: str, text: str) -> None:
    """Whatever it proposes."""
    assert chat(question, "Yes.").text == text


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Who is the mayor of Veldmark?", "The mayor of Veldmark is not in memory."),
        ("What is the capital of Norrland?", "The capital of Norrland is not in memory."),
        (
            "What is the capital of Veldmark Minor?",
            "The capital of Veldmark Minor is not in memory.",
        ),
        (
            "Who is the mayor of Veldmark, and what is its capital?",
            "The mayor of Veldmark is not in memory. The capital of Veldmark is Osterwick",
        ),
    ],
)
@pytest.mark.parametrize("policy", ["continue", "memory_only", "ask_again", "nearest"])
def test_what_memory_lacks_is_said_in_a_sentence(question: str, text: str, policy: str) -> None:
    """Nothing is made up in its place; the lookup that missed is in the record."""
    done = chat(question, "The mayor is Ada Quill.", policy=policy)
    assert done.text == text
    assert done.lookups[0].status == "miss"
    assert done.finish_reason == ("stop" if "Osterwick" in text else "miss")


def test_a_name_that_several_have_is_said_to_be_unclear() -> None:
    """It is not missing: memory has more than one answer."""
    store = FakeStore({}, ambiguous=frozenset({"Norrland"}))
    done = chat("What is the capital of Norrland?", "Oslo.", store=store)
    assert done.text == ("The capital of Norrland is not clear: memory holds several of this name.")
    assert done.lookups[0].status == "ambiguous"


@pytest.mark.parametrize(("policy", "reason"), [("stop", "miss"), ("unknown", "stop")])
def test_other_policies_hold_in_a_chat(policy: str, reason: str) -> None:
    """They say what follows a miss, as in any text."""
    done = chat("Who is the mayor of Veldmark?", "", policy=policy)
    assert done.finish_reason == reason
    assert "not in memory" not in done.text
    assert ("unknown" in done.text) == (policy == "unknown")


def test_a_statement_of_the_answer_gets_its_value_of_memory() -> None:
    """Also where the message asks nothing, and wants another value."""
    done = chat("Say that the capital of Veldmark is Skarn.", "The capital of Veldmark is Skarn.")
    assert done.text.startswith(LED)
    assert done.text.count("Osterwick") == 1


def test_a_polite_message_gets_one_sentence_and_no_lookup() -> None:
    """So does one without words, to which a model may write the same sign for ever."""
    done = chat("Hello!", f"Hello! Who is{OTHER_LOOKUP}")
    assert (done.text, done.lookups) == ("Hello!", ())
    assert chat("🙂", "=" * 50).text == "===="


def test_thanks_behind_an_answer_ask_nothing() -> None:
    """Though the talk before names what memory knows."""
    before = (ASKED, "It is Osterwick.")
    prompt = ChatPrompt(("Thanks!",), question="Thanks!", before=before)
    done = chat("Thanks!", f"Any time. Who is{OTHER_LOOKUP}", prompt=prompt)
    assert (done.text, done.lookups) == ("Any time.", ())


@pytest.mark.parametrize("policy", ["continue", "memory_only"])
def test_words_of_every_text_are_no_guess_where_nothing_is_asked(policy: str) -> None:
    before = (ASKED, "It is Osterwick.")
    question = "I like it."
    prompt = ChatPrompt((question,), question=question, before=before)
    assert chat(question, "Any time.", prompt=prompt, policy=policy).text == "Any time."


@pytest.mark.parametrize(
    "question",
    [
        "Write two sentences about the sea.",
        "What shall I cook?",
        "Why is the sea of Veldmark blue?",
    ],
)
def test_an_answer_stays_the_model_s_where_memory_is_not_asked(question: str) -> None:
    done = chat(question, "Of course. The sea is 5 km wide.")
    assert done.text == "Of course. The sea is 5 km wide."
    assert not done.lookups


def test_a_limit_of_no_lookups_holds() -> None:
    done = chat(ASKED, "The capital is Oslo.", max_lookups=0)
    assert (done.text, done.lookups) == ("The capital is Oslo.", ())


def test_memory_alone_leaves_no_half_sentence() -> None:
    """What a miss cuts off is taken back, and something is said all the same."""
    asked = "Who is your friend?"
    assert chat(asked, "I like it. My friend is Ada Quill.", policy="memory_only").text == (
        "I like it."
    )
    done = chat(asked, "My friend is Ada Quill.", policy="memory_only")
    assert (done.text, done.finish_reason) == ("That is not in memory.", "miss")


def test_a_text_to_go_on_with_is_read_as_before() -> None:
    """A question that is no chat gets the value alone."""
    done = chat(ASKED, "The capital is Oslo.", prompt=ASKED)
    assert done.text == f"{ASKED} Osterwick"


def test_a_stop_string_ends_the_text_before_the_lookup() -> None:
    done = chat(ASKED, "The capital is Oslo.", stop="capital is")
    assert (done.text, done.finish_reason) == ("The ", "stop_string")


USER, ANSWER = {"role": "user", "content": "a?"}, {"role": "assistant", "content": "b"}


@pytest.mark.parametrize(
    ("messages", "question", "before"),
    [
        ([USER], "a?", ()),
        ([{"role": "user", "content": "c"}, USER, ANSWER, USER], "a?", ("a?", "b")),
        ([USER, USER], "a?", ("a?",)),
        ([USER, ANSWER], "", ()),
        ([{"role": "user", "content": " "}], "", ()),
        ([{"role": "user", "content": None}], "", ()),
        ([], "", ()),
    ],
)
def test_the_last_message_is_the_question(
    messages: list[Any], question: str, before: tuple[str, ...]
) -> None:
    assert last_question(messages) == (question, before)


def test_the_end_of_a_long_message_is_read_from_a_whole_word_on() -> None:
    """And an answer up to one."""
    long = "Veldmark " * 10_000
    asked: list[Any] = [{"role": one, "content": long} for one in ("user", "assistant", "user")]
    read = last_question(asked)
    assert all(len(one) <= 2_000 for one in (read.text, *read.before))
    assert {word for one in (read.text, *read.before) for word in one.split()} == {"Veldmark"}


def test_the_format_of_a_model_keeps_the_question() -> None:
    """As it was written: marks in a message are words there too."""
    prompt = make_form(CHATML).prompt([{"role": "user", "content": "<|im_end|> a?"}])
    assert prompt.question == "<|im_end|> a?"


def test_a_sentence_that_the_runtime_began_is_completed() -> None:
    """Also where the answer is at its limit: half of it would say nothing."""
    done = chat("Is Skarn the capital of Veldmark?", "", max_tokens=1)
    assert (done.text, done.finish_reason) == (LED, "length")
    done = chat("Who is the mayor of Veldmark?", "", max_tokens=1)
    assert done.text == "The mayor of Veldmark is not in memory."
