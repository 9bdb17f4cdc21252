"""A slow memory is asked as soon as a question may be complete, and told apart from what is."""

from __future__ import annotations

import pytest

from lamlam.errors import Unavailable
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.runtime.decoding.lookup_answers import PendingLookup
from lamlam.runtime.decoding.settings import text_settings
from lamlam.runtime.scheduling.scheduler import Scheduler
from tests.runtime.fake_store import SLOW, FakeStore, answer_of
from tests.runtime.scheduling.scripted import END, A, Continuations, E, R, scheduler_of
from tests.runtime.support import BYTES, Asked
from tests.tiny_model import ScriptedModel

SHORT, LONG = Lookup("ab", "c"), Lookup("ab", "cd")
STORE = FakeStore({"ab": {"c": ["V"], "cd": ["W"]}}, capabilities=SLOW)
ASKS_SHORT = f"q{E} ab{R} c{A} V{END} V."
ASKS_LONG = f"r{E} ab{R} cd{A} W{END} W."


def begun(*, knows: tuple[Lookup, ...]) -> Scheduler:
    """A scheduler whose texts have asked these questions before."""
    scheduler = scheduler_of(ScriptedModel(Continuations(ASKS_SHORT, ASKS_LONG)), STORE)
    for query in knows:
        text = submitted(scheduler, "q" if query == SHORT else "r")
        while text.completion is None:
            scheduler.step()
            answer_all(scheduler, text)
    return scheduler


def submitted(scheduler: Scheduler, prompt: str) -> Asked:
    text = Asked(prompt, text_settings({}, verbalise="copy", lookup_bias=0.0))
    scheduler.submit(text)
    return text


def answer_all(scheduler: Scheduler, text: Asked) -> list[Lookup]:
    """LookupRecord what a text asks; return the questions."""
    asked, text.questions = text.questions, []
    for question in asked:
        scheduler.answer(question, answer_of(STORE, question))
    return [question.lookup for question in asked]


def stepped(scheduler: Scheduler, text: Asked) -> PendingLookup:
    """Go on until the text asks; return what."""
    for _ in range(100):
        if text.questions:
            return text.questions.pop(0)
        scheduler.step()
    raise AssertionError("nothing is asked")


def is_written(scheduler: Scheduler) -> bool:
    """The one running text has written that its question is complete."""
    (sequence,) = scheduler._running
    return BYTES.return_ in sequence.decoder.tokens


def test_a_relation_that_nobody_asked_about_is_asked_when_it_is_complete() -> None:
    scheduler = begun(knows=())
    text = submitted(scheduler, "q")
    assert stepped(scheduler, text).lookup == SHORT
    assert is_written(scheduler)


@pytest.mark.parametrize("is_early", [False, True])
def test_a_known_one_is_asked_before_the_model_says_so(is_early: bool) -> None:
    """Answered before it does, its text never waits; else the same question is waited for."""
    scheduler = begun(knows=(SHORT,))
    text = submitted(scheduler, "q")
    question = stepped(scheduler, text)
    assert question.lookup == SHORT and not is_written(scheduler)
    if is_early:
        scheduler.answer(question, answer_of(STORE, question))
    while scheduler.has_work:
        scheduler.step()
    assert (text.completion is not None) == is_early
    if not is_early:
        scheduler.answer(question, answer_of(STORE, question))
        while scheduler.has_work:
            scheduler.step()
    assert text.result.text == "q V." and not text.questions
    (record,) = text.result.lookups
    assert (record.entity, record.relation, record.value) == ("ab", "c", "V")


@pytest.mark.parametrize("is_early", [False, True])
def test_an_answer_to_less_than_was_asked_is_nobodys(is_early: bool) -> None:
    """The relation went on: its own question counts, whenever the other one's answer comes."""
    scheduler = begun(knows=(SHORT,))
    text = submitted(scheduler, "r")
    less = stepped(scheduler, text)
    assert less.lookup == SHORT
    if is_early:
        scheduler.answer(less, answer_of(STORE, less))
    whole = stepped(scheduler, text)
    assert whole.lookup == LONG and is_written(scheduler)
    if not is_early:
        scheduler.answer(less, answer_of(STORE, less))
        assert not scheduler.has_work, "another question's answer ended the waiting"
    scheduler.answer(whole, answer_of(STORE, whole))
    while scheduler.has_work:
        scheduler.step()
    assert [(record.relation, record.value) for record in text.result.lookups] == [("cd", "W")]


class _Gone(BaseException):
    """No error of a program's, such as the one that ends a loop."""


@pytest.mark.parametrize("error", [Unavailable("gone"), _Gone()])
def test_only_an_error_of_a_question_that_was_put_ends_its_text(error: BaseException) -> None:
    """That of a question ahead counts when the text comes to it."""
    scheduler = begun(knows=(SHORT, LONG))
    asks_less = submitted(scheduler, "q")
    scheduler.answer(stepped(scheduler, asks_less), error)
    assert asks_less.error is None
    while scheduler.has_work:
        scheduler.step()
    assert asks_less.error is error
    asks_all = submitted(scheduler, "r")
    scheduler.answer(stepped(scheduler, asks_all), error)
    while asks_all.completion is None:
        scheduler.step()
        answer_all(scheduler, asks_all)
    assert asks_all.result.text == "r W."


def test_a_memory_that_answers_at_once_is_asked_once() -> None:
    """Nothing could be gained; counted where it would show."""
    fast = FakeStore(STORE.facts)
    scheduler = scheduler_of(ScriptedModel(Continuations(ASKS_SHORT)), fast)
    for _ in range(2):
        text = submitted(scheduler, "q")
        while scheduler.has_work:
            scheduler.step()
        assert text.result.text == "q V." and not text.questions
    assert fast.asked == [("ab", "c")] * 2


def test_an_answer_from_before_is_not_kept_for_later() -> None:
    """The question was given up; where the text puts it again, memory says what holds by then."""
    store = FakeStore({"ba": {"c": ["U"]}, "ab": {"d": ["x"]}}, capabilities=SLOW)
    first = Continuations(f"t{E} ba{R}C{A} U{END} U.", f"s{E} ab{R} c{A}")
    # The same words in other tokens are given up; the text goes on, and asks once more.
    # Where it did, no lookup may open: the first byte of all is as likely as the next.
    then = Continuations(f"s\0 and{E} ab{R}C{A} V{END} V.", f"s{E} ab{R}C{A}")
    has_missed = False
    model = ScriptedModel(lambda tokens: (then if has_missed else first)(tokens))
    scheduler = scheduler_of(model, store)
    for prompt in ("t", "s"):
        settings = text_settings({"policy": "ask_again"}, verbalise="copy", lookup_bias=0.0)
        text = Asked(prompt, settings)
        scheduler.submit(text)
        queries = []
        while text.completion is None:
            question = stepped(scheduler, text)
            queries.append(question.lookup)
            scheduler.answer(question, answer_of(store, question))
            has_missed = has_missed or question.lookup.relation == "c"
            if question.lookup == Lookup("ab", "C"):
                store.facts["ab"]["c"] = ["V"]
            while scheduler.has_work and not text.questions:
                scheduler.step()
    assert queries == [Lookup("ab", "c"), Lookup("ab", "C"), Lookup("ab", "C")]
    assert text.result.text == "s\0 and V."
    assert [record.value for record in text.result.lookups] == [None, "V"]


def test_names_under_which_memory_has_nothing_are_not_asked_ahead() -> None:
    """What models make up would be asked for ever."""
    model = ScriptedModel(Continuations(f"u{E} ab{R} e{A}"))
    scheduler = scheduler_of(model, STORE)
    for _ in range(2):
        text = submitted(scheduler, "u")
        question = stepped(scheduler, text)
        assert question.lookup == Lookup("ab", "e") and is_written(scheduler)
        scheduler.answer(question, answer_of(STORE, question))
        text.is_cancelled = True
        scheduler.step()


def test_a_text_that_gave_its_cells_away_asks_again() -> None:
    """It may have to wait long for them, and memory may have changed."""
    scheduler = begun(knows=(SHORT,))
    text = submitted(scheduler, "q")
    ahead = stepped(scheduler, text)
    scheduler.answer(ahead, answer_of(STORE, ahead))
    (sequence,) = scheduler._running
    scheduler._evaluator.free(sequence.slot)
    sequence.pause()
    sequence.is_preempted = False
    again = stepped(scheduler, text)
    assert again is not ahead and again.lookup == SHORT and is_written(scheduler)
