"""Many texts in one context: each is what it would be alone, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.errors import DecodeFailed, EngineBusy
from lamlam.memory_backends.protocol import Capability
from lamlam.runtime.decoding.lookup_answers import PendingLookup
from lamlam.runtime.decoding.settings import text_settings
from lamlam.runtime.scheduling.scheduler import Scheduler
from lamlam.runtime.scheduling.sequence import RunningSequence
from tests.runtime.fake_store import FAST, SLOW, FakeStore, answer_of, as_store
from tests.runtime.scheduling.scripted import END, A, Continuations, E, R
from tests.runtime.support import BYTES, Asked, byte_vocabulary
from tests.tiny_model import Script, ScriptedModel

FACTS = {"ab": {"c": ["value one", "two"], "d": ["x"]}, "ba": {"c": ["a long value, " * 9]}}
SHARED = "You are one of many agents, and all of you are told the same before you begin. " * 2


def script(tokens: list[int]) -> int:
    """A model of which nothing but the tokens so far decides what comes next; it asks often."""
    last = tokens[-1]
    mixed = hash((len(tokens), *tokens[-5:])) % 97
    if last == BYTES.entity or last == BYTES.relationship:
        return 1 + ord(" ")
    opened = [
        t for t in tokens if t in (BYTES.entity, BYTES.relationship, BYTES.return_, BYTES.end)
    ]
    if opened and opened[-1] == BYTES.entity:
        return BYTES.relationship if mixed < 40 else 1 + ord("ab"[mixed % 2])
    if opened and opened[-1] == BYTES.relationship:
        return BYTES.return_ if mixed < 60 else 1 + ord("cd"[mixed % 2])
    return BYTES.entity if mixed < 12 else 1 + ord("abcdefgh "[mixed % 9])


@dataclass
class Case:
    """A text to be written, and when it begins, leaves and gets answers."""

    prompt: str
    options: dict[str, Any]
    begins: int
    cancelled_at: int | None = None
    waits: int = 0
    """Steps that a slow memory takes."""
    asked: Asked = field(init=False)
    answers: list[tuple[int, PendingLookup]] = field(default_factory=list)

    def __post_init__(self) -> None:
        chosen = text_settings(self.options, verbalise="copy", lookup_bias=0.0)
        self.asked = Asked(self.prompt, chosen)


@st.composite
def cases(draw: st.DrawFn, *, cancels: bool = True) -> Case:
    start = draw(st.sampled_from(["", SHARED, SHARED[:70], "ab"]))
    return Case(
        start + draw(st.text("abc ", max_size=12)),
        {
            "max_tokens": draw(st.integers(1, 30)),
            "policy": draw(st.sampled_from(["continue", "unknown", "ask_again", "stop"])),
            "temperature": draw(st.sampled_from([0.0, 1.0])),
            "seed": draw(st.integers(0, 5)),
        },
        draw(st.integers(0, 25)),
        draw(st.none() | st.integers(0, 60)) if cancels else None,
        draw(st.integers(0, 6)),
    )


def run(model: ScriptedModel, texts: list[Case], store: FakeStore, **options: Any) -> Scheduler:
    scheduler = Scheduler(
        model,
        byte_vocabulary(),
        as_store(store),
        is_fast=store.capabilities == FAST,
        constraint=None,
        **options,
    )
    for now in range(5000):
        for text in texts:
            if text.begins == now:
                scheduler.submit(text.asked)
            if text.cancelled_at == now:
                text.asked.is_cancelled = True
            while text.asked.questions:
                text.answers.append((now + text.waits, text.asked.questions.pop(0)))
            for due, question in list(text.answers):
                if due <= now:
                    text.answers.remove((due, question))
                    scheduler.answer(question, answer_of(store, question))
        if scheduler.has_work:
            scheduler.step()
        if now > 60 and all(_is_over(text.asked) for text in texts):
            return scheduler
    raise AssertionError("a text does not end")


def _is_over(asked: Asked) -> bool:
    return bool(asked.completion or asked.error or asked.is_cancelled)


def _never_asking(tokens: list[int]) -> int:
    """The same model without lookups: none that recurs can look up."""
    token = script(tokens)
    return 1 + ord("a") if token == BYTES.entity else token


def _alone(case: Case, model: Script = script) -> str:
    twin = Case(case.prompt, case.options, 0)
    run(ScriptedModel(model), [twin], FakeStore(FACTS), n_sequences=1)
    return twin.asked.result.text


@settings(max_examples=60)
@given(
    st.lists(cases(), min_size=1, max_size=8),
    st.integers(1, 6),
    st.sampled_from([3, 16, 64, 512]),
    st.sampled_from([None, 512, 700]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_texts_are_what_they_are_alone(
    texts: list[Case],
    n_sequences: int,
    n_batch: int,
    n_cells: int | None,
    keeps_prefixes: bool,
    is_fast: bool,
    is_reproducible: bool,
) -> None:
    """Whatever begins, waits or leaves beside them, shares cells or is paused: the same text,
    and no cell is left but those of kept beginnings."""
    model = ScriptedModel(script, n_batch=n_batch, n_cells=n_cells)
    store = FakeStore(FACTS, capabilities=FAST if is_fast else SLOW)
    scheduler = run(
        model,
        texts,
        store,
        n_sequences=n_sequences,
        keeps_prefixes=keeps_prefixes,
        is_reproducible=is_reproducible,
    )
    for text in texts:
        if text.asked.completion:
            assert text.asked.completion.text == _alone(text)
        else:
            assert text.asked.error is None and text.asked.is_cancelled
    if not keeps_prefixes or is_reproducible:
        assert not model.cells
    scheduler.fail_all(OSError())
    assert not model.cells, "what is kept can be let go"
    assert not scheduler.has_work


@settings(max_examples=25)
@given(st.lists(cases(cancels=False), min_size=2, max_size=8))
def test_sharing_beginnings_changes_no_text_and_saves_work(texts: list[Case]) -> None:
    """With and without: equal texts, and never more tokens evaluated."""
    twins = [Case(t.prompt, t.options, t.begins, None, t.waits) for t in texts]
    plain, shared = ScriptedModel(script, n_batch=512), ScriptedModel(script, n_batch=512)
    run(plain, texts, FakeStore(FACTS), n_sequences=4)
    run(shared, twins, FakeStore(FACTS), n_sequences=4, keeps_prefixes=True)
    assert [t.asked.result.text for t in texts] == [t.asked.result.text for t in twins]


def _case(prompt: str, begins: int = 0, **options: Any) -> Case:
    return Case(prompt, {"max_tokens": 12, "max_lookups": 0, **options}, begins)


def _n_evaluated(model: ScriptedModel) -> int:
    return sum(map(len, model.batches))


@pytest.mark.parametrize("n_cells", [None, 2048])
def test_a_common_beginning_is_evaluated_once(n_cells: int | None) -> None:
    """Also by texts that begin at the same moment: they wait for the first."""
    texts = [
        _case(SHARED + letter, begins) for letter, begins in zip("abcd", (0, 0, 0, 40), strict=True)
    ]
    model = ScriptedModel(script, n_batch=512, n_cells=n_cells)
    run(model, texts, FakeStore(FACTS), n_sequences=4, keeps_prefixes=True)
    n_shared = len(SHARED)
    assert _n_evaluated(model) < n_shared + 4 * 20
    assert _n_evaluated(model) > n_shared


def test_a_conversation_goes_on_where_it_was() -> None:
    """A prompt that repeats the last one and its answer adds what is new alone."""
    model = ScriptedModel(script, n_batch=512)
    first = _case(SHARED)
    scheduler = run(model, [first], FakeStore(FACTS), n_sequences=4, keeps_prefixes=True)
    n_before = _n_evaluated(model)
    second = Asked(first.asked.result.text + " and?", first.asked.settings)
    scheduler.submit(second)
    while scheduler.has_work:
        scheduler.step()
    assert second.result.text.startswith(second.prompt)
    assert _n_evaluated(model) - n_before < 30


def test_values_of_memory_are_not_kept() -> None:
    """What a text leaves in the cells ends before its first lookup."""
    model = ScriptedModel(script, n_batch=512)
    text = Case("ab", {"max_tokens": 60}, 0)
    run(model, [text], FakeStore(FACTS), n_sequences=2, keeps_prefixes=True)
    assert text.asked.result.lookups
    (kept,) = model.cells.values()
    assert BYTES.entity not in kept and BYTES.return_ not in kept


def test_a_model_that_cannot_forget_in_part_shares_nothing() -> None:
    """Its texts are written all the same, those beside it too that leave a gap between them."""

    class Recurrent(ScriptedModel):
        def truncate(self, sequence: int, n_tokens: int) -> None:
            # As llama.cpp does: nothing to forget is nothing to fail at.
            if n_tokens < len(self.cells[sequence]):
                raise DecodeFailed("only all of it")

        def copy(self, source: int, target: int, n_tokens: int) -> None:
            raise DecodeFailed("only all of it")

    model = Recurrent(_never_asking, n_batch=512)
    model.can_truncate = False
    texts = [
        _case(SHARED + letter, begins) for letter, begins in zip("abc", (0, 0, 40), strict=True)
    ]
    run(model, texts, FakeStore(FACTS), n_sequences=3, keeps_prefixes=True)
    assert [t.asked.result.text for t in texts] == [_alone(t, _never_asking) for t in texts]
    assert not model.cells


def test_a_place_that_cannot_be_filled_is_free_again() -> None:
    """Where a beginning cannot be taken over, the text fails by itself and the next one runs."""

    class Failing(ScriptedModel):
        def copy(self, source: int, target: int, n_tokens: int) -> None:
            raise DecodeFailed("no copies today")

    model = Failing(_never_asking, n_batch=512)
    first, second = _case(SHARED + "a", 0, max_tokens=30), _case(SHARED + "b", 4)
    third = _case("c", 8)
    run(model, [first, second, third], FakeStore(FACTS), n_sequences=2, keeps_prefixes=True)
    assert isinstance(second.asked.error, DecodeFailed)
    assert first.asked.result.text and third.asked.result.text


def test_a_slow_memory_that_answers_nonsense_fails_its_own_text() -> None:
    """Those beside it go on."""
    model = ScriptedModel(script)
    scheduler = Scheduler(
        model,
        byte_vocabulary(),
        as_store(FakeStore(FACTS, capabilities=SLOW)),
        is_fast=False,
        constraint=None,
        n_sequences=2,
    )
    asker, other = (_case(prompt, max_tokens=40, max_lookups=9).asked for prompt in ("ab", "ba"))
    scheduler.submit(asker)
    scheduler.submit(other)
    while not asker.questions:
        scheduler.step()
    nonsense: Any = None
    scheduler.answer(asker.questions[0], nonsense)
    while scheduler.has_work:
        scheduler.step()
        while other.questions:
            question = other.questions.pop(0)
            scheduler.answer(question, answer_of(FakeStore(FACTS), question))
    assert isinstance(asker.error, AttributeError)
    assert other.result.text.startswith("ba")


@pytest.mark.parametrize("late", range(5, 12))
def test_a_long_value_pauses_whoever_has_just_begun(late: int) -> None:
    """The oldest gets its cells from a text that holds none yet, but was about to take some."""
    value, prompt = "v" * 100, "b" * 72
    asks = ScriptedModel(
        Continuations(f"aa{E} ab{R} c{A} {value}{END} {value} and so on", prompt + "c" * 16),
        n_cells=160,
        n_context=160,
        n_batch=160,
    )
    first = _case("aa", 0, max_tokens=20, max_lookups=1, verbalise="model")
    second = _case(prompt, late, max_tokens=16)
    run(asks, [first, second], FakeStore({"ab": {"c": [value]}}), n_sequences=2)
    assert first.asked.result.lookups
    assert second.asked.result.text == prompt + "c" * 16


def test_more_short_texts_than_contexts_fit_in_a_common_store() -> None:
    """Six texts of some forty tokens run together in cells for one context."""
    model = ScriptedModel(script, n_cells=512)
    texts = [_case(f"ab{n}", max_tokens=30) for n in range(6)]
    widest = 0
    for text in texts:
        text.begins = 0
    decode = model.decode

    def watched() -> None:
        nonlocal widest
        widest = max(widest, len(model.cells))
        decode()

    model.decode = watched  # type: ignore[method-assign]
    run(model, texts, FakeStore(FACTS), n_sequences=6)
    assert widest == 6


def test_a_text_waits_for_cells_and_none_overtakes_it() -> None:
    """A long one in front of short ones: they begin after it, in order."""
    model = ScriptedModel(script, n_cells=512)
    texts = [_case("a" * 300), _case("b" * 300), _case("c"), _case("d")]
    order: list[str] = []
    add = model.add

    def watched(sequence: int, tokens: list[int], position: int, *, is_last: bool) -> int | None:
        if position == 0:
            order.append(chr(tokens[1] - 1))
        return add(sequence, tokens, position, is_last=is_last)

    model.add = watched  # type: ignore[method-assign, assignment]
    run(model, texts, FakeStore(FACTS), n_sequences=4)
    assert order == ["a", "b", "c", "d"]


@pytest.mark.parametrize("capabilities", [FAST, SLOW])
def test_a_full_store_pauses_the_youngest(
    capabilities: frozenset[Capability], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values are longer than was expected: cells change hands, and no text is another."""
    n_paused = 0
    pause = RunningSequence.pause

    def watched(self: RunningSequence) -> None:
        nonlocal n_paused
        n_paused += 1
        pause(self)

    monkeypatch.setattr(RunningSequence, "pause", watched)
    long = {"ab": {"c": ["v" * 100], "d": ["w" * 90]}, "ba": {"e": ["x" * 80]}}
    store = FakeStore(long, capabilities=capabilities)

    def texts() -> list[Case]:
        options = {"max_tokens": 20, "max_lookups": 5, "verbalise": "model"}
        return [Case(letter * 3, options, n) for n, letter in enumerate("abcde")]

    together, alone = texts(), texts()
    for n, text in enumerate(together):
        text.waits = n
    model = ScriptedModel(asks_of_everything, n_cells=512)
    run(model, together, store, n_sequences=5)
    for text in alone:
        run(ScriptedModel(asks_of_everything), [text], FakeStore(long), n_sequences=1)
    assert n_paused > 0
    assert [t.asked.result.text for t in together] == [t.asked.result.text for t in alone]
    assert not model.cells


def asks_of_everything(tokens: list[int]) -> int:
    """A model that looks up a known thing, writes a little, and looks up the next."""
    marks = (BYTES.entity, BYTES.relationship, BYTES.return_, BYTES.end)
    places = [n for n, token in enumerate(tokens) if token in marks]
    since = len(tokens) - places[-1] - 1 if places else len(tokens)
    last = tokens[places[-1]] if places else None
    n_asked = tokens.count(BYTES.entity)
    if last == BYTES.entity:
        key = " ab" if n_asked % 2 else " ba"
        return 1 + ord(key[since]) if since < len(key) else BYTES.relationship
    if last == BYTES.relationship:
        key = " c" if n_asked < 3 else " d"
        return 1 + ord(key[since]) if since < len(key) else BYTES.return_
    return BYTES.entity if since % 5 == 4 else 1 + ord("mnopq"[len(tokens) % 5])


def test_too_many_waiting_texts_are_refused_by_name() -> None:
    """Those that run do not count, those that have left make room."""
    scheduler = Scheduler(
        ScriptedModel(script), byte_vocabulary(), None,
        is_fast=False, constraint=None, n_sequences=2, max_waiting=3,
    )  # fmt: skip
    asked = [Asked("a", text_settings({}, verbalise="copy", lookup_bias=0.0)) for _ in range(8)]
    for one in asked[:5]:
        scheduler.submit(one)
    scheduler.submit(asked[5])
    assert isinstance(asked[5].error, EngineBusy) and asked[5].error.retryable
    scheduler.step()
    asked[3].is_cancelled = True
    scheduler.submit(asked[6])
    scheduler.submit(asked[7])
    assert asked[6].error is None
    assert isinstance(asked[7].error, EngineBusy)
    while scheduler.has_work:
        scheduler.step()
    assert sum(one.completion is not None for one in asked) == 5


def test_a_long_prompt_does_not_stall_others() -> None:
    """While a text is being written, each batch takes a piece of it, no more."""
    model = ScriptedModel(script, n_batch=512)
    first, second = _case("a", max_tokens=60), _case("b" * 400, begins=3)
    run(model, [first, second], FakeStore(FACTS), n_sequences=2)
    assert max(map(len, model.batches)) <= 66
    assert second.asked.result.n_prompt_tokens == 401


def test_numbers_in_use_lie_close_together_in_a_batch() -> None:
    """llama.cpp evaluates those together that follow each other: a parked one leaves no gap."""
    orders: list[list[int]] = []

    class Watching(ScriptedModel):
        order: list[int] = []

        def add(
            self, sequence: int, tokens: Sequence[int], position: int, *, is_last: bool
        ) -> int | None:
            self.order = [*self.order, sequence]
            return super().add(sequence, tokens, position, is_last=is_last)

        def decode(self) -> None:
            super().decode()
            orders.append(self.order)
            self.order = []

    texts = [Case("ab", {"max_tokens": 40, "seed": n, "temperature": 1.0}, 0) for n in range(5)]
    for n, text in enumerate(texts):
        text.waits = 2 * n
    model = Watching(script, n_batch=64)
    run(model, texts, FakeStore(FACTS, capabilities=SLOW), n_sequences=5)
    assert all(order == sorted(set(order)) for order in orders)
    gaps = {b - a for order in orders for a, b in zip(order, order[1:], strict=False)}
    assert gaps <= {1, 4}, "with three or more in a row missing, nothing is filled"
    assert not model.cells
