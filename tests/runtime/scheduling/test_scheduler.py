"""What a scripted model and a fake memory make of each other."""

from __future__ import annotations

from typing import Any

import pytest

from lamlam.errors import LookupFailed, PromptTooLong
from lamlam.memory_backends.model.lookups import Candidate
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.events import (
    Finished,
    LookupAnswered,
    LookupMissed,
    LookupStarted,
    Text,
)
from lamlam.runtime.decoding.key_constraint import Constraint
from lamlam.runtime.decoding.settings import TextSettings, text_settings
from lamlam.runtime.scheduling.scheduler import Scheduler
from tests.runtime.fake_store import FAST, SLOW, FakeStore, answer_of, as_store
from tests.runtime.support import BYTES, Asked, byte_vocabulary
from tests.tiny_model import ScriptedModel

E, R, A, END = "<|db_entity|>", "<|db_relationship|>", "<|db_return|>", "<|db_end|>"
CURIE = {"marie curie": {"birth place": ["Warsaw"], "child": ["Irène", "Ève"]}}


class Continuations:
    """A model that knows how texts go on: the longest beginning that fits decides."""

    def __init__(self, *texts: str) -> None:
        self.texts = [[0, *BYTES.encode(text), 0] for text in texts]

    def __call__(self, tokens: list[int]) -> int:
        for text in self.texts:
            if text[: len(tokens)] == tokens and len(tokens) < len(text):
                return text[len(tokens)]
        return 1 + ord("?")


def scheduler_of(model: ScriptedModel, store: FakeStore | None, **options: Any) -> Scheduler:
    return Scheduler(
        model,
        byte_vocabulary(),
        as_store(store) if store else None,
        is_fast=store is not None and store.capabilities == FAST,
        constraint=options.get("constraint"),
        n_sequences=options.get("n_sequences", 1),
    )


def run(
    model: ScriptedModel,
    store: FakeStore | None,
    prompt: str,
    *,
    is_streamed: bool = False,
    constraint: Constraint | None = None,
    **keywords: Any,
) -> Asked:
    settings = text_settings(keywords, verbalise="copy", lookup_bias=0.0)
    asked = Asked(prompt, settings, is_streamed)
    scheduler = scheduler_of(model, store, constraint=constraint)
    scheduler.submit(asked)
    for _ in range(1000):
        if not scheduler.has_work:
            break
        scheduler.step()
    assert not model.cells, "the sequence was not freed"
    return asked


BORN = f"Marie Curie was born in{E} Marie Curie{R} birth place{A} Warsaw{END} Warsaw, Poland."


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


def test_no_memory_no_lookup() -> None:
    """Without a memory the token that opens a lookup is out of reach."""
    done = run(ScriptedModel(Continuations(BORN)), None, "Marie Curie was born in", max_tokens=3)
    assert not done.result.lookups
    assert done.result.n_text_tokens == 3


def test_a_fetched_value_is_written_also_at_the_limit() -> None:
    """max_tokens counts visible tokens and never cuts a value."""
    model = ScriptedModel(Continuations(BORN))
    done = run(model, FakeStore(CURIE), "Marie Curie was born in", max_tokens=2).result
    assert done.text == "Marie Curie was born in Warsaw"
    assert (done.finish_reason, done.n_text_tokens) == ("length", 7)


def test_the_model_may_write_the_value_itself() -> None:
    """What equals the value is a fact; what was rewritten is not."""
    as_is = ScriptedModel(Continuations(BORN))
    done = run(as_is, FakeStore(CURIE), "Marie Curie was born in", verbalise="model").result
    assert [done.text[s.start : s.end] for s in done.spans if s.origin == "fact"] == ["Warsaw"]
    rewritten = BORN.replace(" Warsaw, Poland.", " Warsawa.")
    model = ScriptedModel(Continuations(rewritten))
    done = run(model, FakeStore(CURIE), "Marie Curie was born in", verbalise="model").result
    assert done.text == "Marie Curie was born in Warsawa."
    assert [s.origin for s in done.spans] == ["prompt", "parametric"]
    assert done.lookups[0].status == "hit"


def test_a_key_asked_again_gives_the_next_value_then_a_miss() -> None:
    """Several values of one key come in order, each once."""
    lookup = f"{E} Marie Curie{R} child{A}"
    first, second = f"{lookup} Irène{END} Irène and", f"{lookup} Ève{END} Ève and"
    text = f"Marie Curie had{first}{second}"
    model = ScriptedModel(Continuations(f"{text}{lookup}", f"{text} others."))

    def script(tokens: list[int]) -> int:
        base = [0, *BYTES.encode(text)]
        if tokens[: len(base)] == base and len(tokens) > len(base):
            asked = BYTES.encode(lookup)
            rest = tokens[len(base) :]
            if rest[0] != BYTES.entity or len(rest) >= len(asked):
                return 0
            return asked[len(rest)]
        return Continuations(f"{text}{lookup}")(tokens)

    model.script = script
    done = run(model, FakeStore(CURIE), "Marie Curie had").result
    assert [record.value for record in done.lookups] == ["Irène", "Ève", None]
    assert done.lookups[2].status == "exhausted"
    assert done.text.startswith("Marie Curie had Irène and Ève and")


MISSED = f"Ada was born in{E} Ada{R} birth place{A}"


def test_a_miss_rewinds_and_the_model_writes_on() -> None:
    """`continue`: the lookup leaves no trace in text or cache, and none opens there again."""
    on = "Ada was born in London."
    model = ScriptedModel(Continuations(on))
    texts = Continuations(MISSED), Continuations(on)

    def script(tokens: list[int]) -> int:
        return next((t for t in (text(tokens) for text in texts) if t != 1 + ord("?")), 0)

    model.script = script
    kept: list[list[int]] = []
    original = model.truncate

    def truncate(sequence: int, n_tokens: int) -> None:
        original(sequence, n_tokens)
        kept.append(list(model.cells[sequence]))

    model.truncate = truncate  # type: ignore[method-assign]
    store = FakeStore(CURIE)
    # The scripted logits give the lookup 10 and all else 0: after the rewind it is forbidden,
    # so the first of all other tokens is taken, and from there no text fits.
    done = run(model, store, "Ada was born in", max_tokens=1).result
    assert kept == [[0, *BYTES.encode("Ada was born in")]]
    assert [record.status for record in done.lookups] == ["miss"]
    assert [span.origin for span in done.spans] == ["prompt", "parametric"]


@pytest.mark.parametrize("copied", ["copy", "model"])
def test_a_miss_may_be_written_as_unknown(copied: str) -> None:
    """`unknown`: the paper's word stands in, and is no fact."""
    after = " unknown" if copied == "copy" else " unknown"
    text = f"{MISSED} unknown{END}{after}."
    model = ScriptedModel(Continuations(text))
    done = run(
        model, FakeStore(CURIE), "Ada was born in", policy="unknown", verbalise=copied
    ).result
    assert done.text == "Ada was born in unknown."
    assert {span.origin for span in done.spans} == {"prompt", "parametric"}
    assert done.lookups[0].status == "miss"


def test_a_miss_may_take_the_nearest_candidate() -> None:
    """`nearest`: the candidate's value is written, marked with its score."""
    text = f"{MISSED} Warsaw{END} Warsaw."
    store = FakeStore(CURIE, candidates=(Candidate("Marie Curie", "birth place", 0.3),))
    done = run(
        ScriptedModel(Continuations(text)), store, "Ada was born in", policy="nearest"
    ).result
    assert done.text == "Ada was born in Warsaw."
    (record,) = done.lookups
    assert (record.status, record.value) == ("nearest", "Warsaw")
    assert record.match is not None and record.match.entity.score == 0.3


def test_a_miss_may_end_the_text_or_raise() -> None:
    """`stop` ends before the lookup; `raise` names what was asked."""
    model = ScriptedModel(Continuations(MISSED))
    done = run(model, FakeStore(CURIE), "Ada was", policy="stop").result
    assert (done.text, done.finish_reason) == ("Ada was born in", "miss")
    error = run(model, FakeStore(CURIE), "Ada was", policy="raise").error
    assert isinstance(error, LookupFailed)
    assert (error.entity, error.relation) == ("Ada", "birth place")


def test_ambiguous_counts_as_a_miss() -> None:
    """Several entities fit: no value is guessed."""
    store = FakeStore(CURIE, ambiguous=frozenset({"Marie Curie"}))
    model = ScriptedModel(Continuations(BORN))
    done = run(model, store, "Marie Curie was born in", policy="stop").result
    assert [record.status for record in done.lookups] == ["ambiguous"]


def test_another_question_excludes_the_tried_one() -> None:
    """`ask_again`: from the relation on, with another first token, three times at most."""
    first = f"Marie Curie lived in{E} Marie Curie{R}"
    store = FakeStore({"marie curie": {"zone": ["Paris"]}})

    def script(tokens: list[int]) -> int:
        base = [0, *BYTES.encode(first)]
        if len(tokens) < len(base):
            return base[len(tokens)]
        return BYTES.answer if len(tokens) > len(base) else 1 + ord("z")

    done = run(
        ScriptedModel(script), store, "Marie Curie lived in", policy="ask_again", max_tokens=1
    ).result
    relations = [record.relation for record in done.lookups]
    assert len(relations) == len(set(relations)) == 3
    assert relations[0] == "z"


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


def test_events_tell_the_lookup_in_order() -> None:
    """Started, answered, the value with its source, finished."""
    done = run(
        ScriptedModel(Continuations(BORN)),
        FakeStore(CURIE),
        "Marie Curie was born",
        is_streamed=True,
    )
    kinds = [type(event) for event in done.events]
    order = [k for k in kinds if k is not Text]
    assert order == [LookupStarted, LookupAnswered, Finished]
    fact = next(e for e in done.events if isinstance(e, Text) and e.origin == "fact")
    assert (fact.text, fact.source) == ("Warsaw", "source of Warsaw")
    missed = run(
        ScriptedModel(Continuations(MISSED)),
        FakeStore(CURIE),
        "Ada was",
        policy="stop",
        is_streamed=True,
    )
    assert any(isinstance(event, LookupMissed) for event in missed.events)


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


def test_a_failing_memory_ends_its_text_only() -> None:
    """An error of the store reaches whoever asked; the next text runs."""
    store = FakeStore(CURIE, error=RuntimeError("down"))
    model = ScriptedModel(Continuations(BORN))
    asked = run(model, store, "Marie Curie was born in")
    assert isinstance(asked.error, RuntimeError)
    store.error = None
    assert run(model, store, "Marie Curie was born in").result.lookups


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


def test_budgets_of_lookups() -> None:
    """No lookup opens once the budgets are spent."""
    model = ScriptedModel(Continuations(BORN))
    budgets: list[dict[str, Any]] = [{"max_lookups": 0}, {"max_lookup_tokens": 0}]
    for budget in budgets:
        done = run(model, FakeStore(CURIE), "Marie Curie was born in", max_tokens=2, **budget)
        assert not done.result.lookups


def test_each_text_reads_the_memory_as_it_stands_when_it_begins() -> None:
    """The store is told to refresh before each text, and once more when no text runs."""
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
    """Whoever asked is gone in a way that raises."""

    def fail(self, error: BaseException) -> None:
        super().fail(error)
        raise RuntimeError("nobody is there")


def test_who_cannot_be_told_keeps_no_other_waiting() -> None:
    """Running or queued, each request is told of the failure."""
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
    """The text whose end fails is told so, and its place is free again."""

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


def test_nearest_gives_the_next_value_where_the_key_comes_again() -> None:
    """As a hit does, until there is none left."""
    near = FakeStore({"ab": {"c": ["V", "W"]}}, candidates=(Candidate("ab", "c", 0.5),))
    asks = f"{E} az{R} c{A}"
    script = f"q{asks} V{END} V{asks} W{END} W{asks}"
    done = run(ScriptedModel(Continuations(script, "q V W.")), near, "q", policy="nearest").result
    assert [(record.status, record.value) for record in done.lookups] == [
        ("nearest", "V"),
        ("nearest", "W"),
        ("exhausted", None),
    ]


@pytest.mark.parametrize("is_slow", [False, True])
def test_another_name_is_tried_where_nobody_knows_what_memory_holds(is_slow: bool) -> None:
    """Without guidance: one that begins otherwise than the name that was not found."""
    store = FakeStore({"ab": {"c": ["V"]}}, SLOW if is_slow else FAST)
    first, then = Continuations(f"ab{E} zz{R} c{A}"), Continuations(f"ab{E}ab{R} c{A} V{END} V")
    model = ScriptedModel(lambda tokens: (then if store.asked else first)(tokens))
    scheduler = scheduler_of(model, store)
    settings = text_settings({"policy": "ask_again"}, verbalise="copy", lookup_bias=0.0)
    asked = Asked("ab", settings)
    scheduler.submit(asked)
    while scheduler.has_work:
        scheduler.step()
        while asked.questions:
            question = asked.questions.pop()
            scheduler.answer(question, answer_of(store, question))
    assert store.asked == [("zz", "c"), ("ab", "c")]


def test_no_lookup_stands_behind_the_end_of_its_text() -> None:
    """A stop string that begins before the lookup cuts the text off there."""
    model = ScriptedModel(Continuations(f"ab in{E} ab{R} c{A} V{END} Paris and"))
    store = FakeStore({"ab": {"c": ["V"]}})
    done = run(model, store, "ab", stop="in Par", verbalise="model").result
    assert (done.text, done.finish_reason) == ("ab ", "stop_string")
    assert [record.at for record in done.lookups] == [3]
