"""What a scripted model and a fake memory make of each other."""

from __future__ import annotations

from typing import Any

import pytest

from lamlam.errors import PromptTooLong
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.events import (
    Text,
)
from lamlam.runtime.decoding.settings import TextSettings, text_settings
from lamlam.runtime.scheduling.scheduler import Scheduler
from tests.runtime.fake_store import SLOW, FakeStore, answer_of
from tests.runtime.scheduling.scripted import (
    BORN,
    CURIE,
    END,
    A,
    Continuations,
    E,
    R,
    run,
    scheduler_of,
)
from tests.runtime.support import BYTES, Asked
from tests.tiny_model import ScriptedModel


def test_a_value_goes_in_as_one_batch_and_nothing_is_evaluated_twice() -> None:
    """From <|db_return|> to the copied value: one batch, then the model writes on."""
    model = ScriptedModel(Continuations(BORN))
    done = run(model, FakeStore(CURIE), "Marie Curie was born in").result
    assert done.text == "Marie Curie was born in Warsaw, Poland."
    assert [
        (s.origin, done.text[s.start : s.end], s.fact_id, s.source, s.revision) for s in done.spans
    ] == [
        ("prompt", "Marie Curie was born in", None, None, None),
        ("parametric", " ", None, None, None),
        ("fact", "Warsaw", "marie curie/birth place/Warsaw", "source of Warsaw", 7),
        ("parametric", ", Poland.", None, None, None),
    ]
    assert done.finish_reason == "stop"
    assert BYTES.encode(f"{A} Warsaw{END} Warsaw") in model.batches
    evaluated = [token for batch in model.batches for token in batch]
    assert evaluated == [0, *BYTES.encode(BORN)]
    (record,) = done.lookups
    assert (record.entity, record.relation) == ("Marie Curie", "birth place")
    assert (record.status, record.value, record.at) == ("hit", "Warsaw", 23)


def test_a_stop_string_is_cut_off_and_facts_may_hold_it() -> None:
    """The text ends before the stop string; a value is data and never stops a text."""
    text = BORN.replace(", Poland.", "#STOP and on")
    store = FakeStore({"marie curie": {"birth place": ["Warsaw"]}})
    done = run(
        ScriptedModel(Continuations(text)),
        store,
        "Marie Curie was born in",
        stop=["STOP", "Wars"],
        is_streamed=True,
    )
    assert done.result.text == "Marie Curie was born in Warsaw#"
    assert done.result.finish_reason == "stop_string"
    told = "".join(event.text for event in done.events if isinstance(event, Text))
    assert told == " Warsaw#"


def test_a_slow_memory_parks_one_text_and_the_others_run_on() -> None:
    """Two texts in one context: one waits, one ends; the answer resumes the first."""
    store = FakeStore(CURIE, capabilities=SLOW)
    model = ScriptedModel(Continuations(BORN, "The sea is wide."))
    scheduler = scheduler_of(model, store, n_sequences=2)
    settings = text_settings({}, verbalise="copy", lookup_bias=0.0)
    waits, runs = Asked("Marie Curie was born in", settings), Asked("The sea", settings)
    scheduler.submit(waits)
    scheduler.submit(runs)
    while scheduler.has_work:
        scheduler.step()
    assert runs.result.text == "The sea is wide."
    assert waits.completion is None
    (question,) = waits.questions
    scheduler.answer(question, answer_of(store, question))
    while scheduler.has_work:
        scheduler.step()
    assert waits.result.text == "Marie Curie was born in Warsaw, Poland."


def test_limits_of_the_context() -> None:
    """Too long a prompt is refused; a text that fills the context says so, its value whole."""
    prompt = "Marie Curie was born in"
    short = ScriptedModel(Continuations(BORN), n_context=len(prompt))
    assert isinstance(run(short, FakeStore(CURIE), prompt).error, PromptTooLong)
    lookup = len(BYTES.encode(f"{E} Marie Curie{R} birth place{A}"))
    tight = ScriptedModel(Continuations(BORN), n_context=1 + len(prompt) + lookup + 3)
    done = run(tight, FakeStore(CURIE), prompt).result
    assert (done.text, done.finish_reason) == (f"{prompt} Warsaw", "context")
    inside = ScriptedModel(Continuations(BORN), n_context=1 + len(prompt) + 4)
    done = run(inside, FakeStore(CURIE), prompt).result
    assert (done.text, done.finish_reason) == (prompt, "context")


def test_each_text_reads_the_memory_as_it_stands_when_it_begins() -> None:
    """The store is refreshed before each text, and once more when no text runs."""
    store = FakeStore(CURIE)
    model = ScriptedModel(Continuations(BORN))
    for n in (1, 2):
        run(model, store, "Marie Curie was born in")
        assert store.n_refreshed == 2 * n


def test_the_memory_is_let_go_when_the_last_text_is_over() -> None:
    """Not before, since a text reads one state; and before the last caller hears of its end."""
    store = FakeStore(CURIE)
    model = ScriptedModel(Continuations(BORN, "The sea is wide."))
    scheduler = scheduler_of(model, store, n_sequences=2)
    refreshed_when_over: list[int] = []

    class Noting(Asked):
        def finish(self, completion: Completion) -> None:
            refreshed_when_over.append(store.n_refreshed)

    settings = text_settings({}, verbalise="copy", lookup_bias=0.0)
    scheduler.submit(Noting("Marie Curie was born in", settings))
    scheduler.submit(Noting("The sea", settings))
    while scheduler.has_work:
        scheduler.step()
    assert refreshed_when_over == [2, 3]
    scheduler.rest()
    assert store.n_refreshed == 3, "it is let go once"


def test_a_memory_that_cannot_be_let_go_harms_no_text() -> None:
    """The error of a store's refresh belongs to the next text, which begins with one."""

    class Broken(FakeStore):
        def refresh_nowait(self) -> None:
            super().refresh_nowait()
            if self.n_refreshed > 1:
                raise OSError("gone")

    store = Broken(CURIE)
    model = ScriptedModel(Continuations(BORN))
    assert run(model, store, "Marie Curie was born in").result.lookups
    assert isinstance(run(model, store, "Marie Curie was born in").error, OSError)


def test_a_cancelled_text_is_freed_at_a_token_boundary() -> None:
    """The sequence goes, nothing is reported, the next text runs."""
    model = ScriptedModel(Continuations("The sea is wide."))
    scheduler = scheduler_of(model, None)
    settings = text_settings({}, verbalise="copy", lookup_bias=0.0)
    first, second = Asked("The", settings), Asked("The", settings)
    scheduler.submit(first)
    scheduler.submit(second)
    scheduler.step()
    scheduler.step()
    first.is_cancelled = True
    while scheduler.has_work:
        scheduler.step()
    assert first.completion is None and first.error is None
    assert second.result.text == "The sea is wide."
    assert not model.cells


def _submit_all(scheduler: Scheduler, *texts: str, **keywords: Any) -> list[Asked]:
    settings = text_settings(keywords, verbalise="copy", lookup_bias=0.0)
    asked = [Asked(text, settings) for text in texts]
    for one in asked:
        scheduler.submit(one)
    return asked


def test_texts_take_turns_where_a_batch_holds_one_token() -> None:
    """The second text gets a token for each of the first's, its prompt included."""
    model = ScriptedModel(Continuations("The sea is wide.", "A hill is high."), n_batch=1)
    scheduler = scheduler_of(model, None, n_sequences=2)
    first, second = _submit_all(scheduler, "The", "A hill")
    for _ in range(8):
        scheduler.step()
    assert len(model.cells[0]) == len(model.cells[1]) == 4
    while scheduler.has_work:
        scheduler.step()
    assert first.result.text == "The sea is wide."
    assert second.result.text == "A hill is high."


def test_a_text_that_is_written_does_not_wait_for_a_prompt() -> None:
    """Its token is in every batch, and the prompt takes what room is left."""
    prompt = "A hill is " + "very " * 12
    model = ScriptedModel(Continuations("The sea is wide and deep.", f"{prompt}high."), n_batch=8)
    scheduler = scheduler_of(model, None, n_sequences=2)
    first, second = _submit_all(scheduler, "The")[0], Asked(prompt, _settings())
    scheduler.step()
    scheduler.submit(second)
    n_batches = len(model.batches)
    for n in range(1, 8):
        scheduler.step()
        assert len(model.cells[0]) == 4 + n, "a token of the first in every batch"
        assert len(model.batches[n_batches + n - 1]) == 8, "and the prompt beside it"
    while scheduler.has_work:
        scheduler.step()
    assert first.result.text == "The sea is wide and deep."
    assert second.result.text == f"{prompt}high."


@pytest.mark.parametrize("n_batch", [1, 2, 3, 5])
def test_many_texts_in_small_batches_are_the_same_texts(n_batch: int) -> None:
    """Whatever the room: all of them end, with what each says alone, and their lookups."""
    others = ("The sea is wide.", "A hill is high.")
    model = ScriptedModel(Continuations(BORN, *others), n_batch=n_batch)
    scheduler = scheduler_of(model, FakeStore(CURIE), n_sequences=3)
    asked = _submit_all(scheduler, "Marie Curie was born in", "The", "A", "The sea")
    while scheduler.has_work:
        scheduler.step()
    assert [one.result.text for one in asked] == [
        "Marie Curie was born in Warsaw, Poland.", *others, "The sea is wide.",
    ]  # fmt: skip
    assert not model.cells


class _Unreachable(Asked):
    """The caller is gone, and telling it raises."""

    def fail(self, error: BaseException) -> None:
        super().fail(error)
        raise RuntimeError("nobody is there")


def test_who_cannot_be_told_keeps_no_other_waiting() -> None:
    """Running or queued, each request gets the error."""
    scheduler = scheduler_of(ScriptedModel(Continuations("The sea.")), None, n_sequences=2)
    asked: list[Asked] = []
    for kind in (_Unreachable, Asked, _Unreachable, Asked):
        asked.append(kind("The", _settings()))
        scheduler.submit(asked[-1])
    scheduler.step()
    scheduler.fail_all(OSError("gone"))
    assert all(isinstance(one.error, OSError) for one in asked)
    assert not scheduler.has_work


def test_a_context_that_cannot_forget_fails_its_text() -> None:
    """The text whose end fails gets the error, and its slot is free again."""

    class Stubborn(ScriptedModel):
        def free(self, sequence: int) -> None:
            super().free(sequence)
            if len(self.batches) < 10:
                raise OSError("stuck")

    model = Stubborn(Continuations("The sea."))
    scheduler = scheduler_of(model, None)
    first, second = _submit_all(scheduler, "The", "The", max_tokens=5)
    while scheduler.has_work:
        scheduler.step()
    assert isinstance(first.error, OSError)
    assert second.result.text == "The sea."


def _settings() -> TextSettings:
    return text_settings({}, verbalise="copy", lookup_bias=0.0)
