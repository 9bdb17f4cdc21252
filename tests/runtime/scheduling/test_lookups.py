"""What a lookup does to its text: hits, misses, several values, a memory that fails or is slow."""

from __future__ import annotations

from typing import Any

import pytest

from lamlam.errors import LookupFailed
from lamlam.memory_backends.model.candidates import Candidate
from lamlam.runtime.decoding.events import (
    Finished,
    LookupAnswered,
    LookupMissed,
    LookupStarted,
    Text,
)
from lamlam.runtime.decoding.settings import text_settings
from tests.runtime.fake_store import FAST, SLOW, FakeStore, answer_of
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

    model.truncate = truncate  # type: ignore[method-assign]  # notes the calls
    store = FakeStore(CURIE)
    # The scripted logits give the lookup 10 and all else 0: after the rewind it is forbidden,
    # so the first of all other tokens is taken, and from there no text fits.
    done = run(model, store, "Ada was born in", max_tokens=1).result
    assert kept == [[0, *BYTES.encode("Ada was born in")]]
    assert [record.status for record in done.lookups] == ["miss"]
    assert [span.origin for span in done.spans] == ["prompt", "parametric"]


@pytest.mark.parametrize("copied", ["copy", "model"])
def test_a_miss_may_be_written_as_unknown(copied: str) -> None:
    """`unknown`: the paper's word stands in, and is not a fact."""
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
        return BYTES.return_ if len(tokens) > len(base) else 1 + ord("z")

    done = run(
        ScriptedModel(script), store, "Marie Curie lived in", policy="ask_again", max_tokens=1
    ).result
    relations = [record.relation for record in done.lookups]
    assert len(relations) == len(set(relations)) == 3
    assert relations[0] == "z"


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


def test_a_failing_memory_ends_its_text_only() -> None:
    """An error of the store reaches the caller; the next text runs."""
    store = FakeStore(CURIE, error=RuntimeError("down"))
    model = ScriptedModel(Continuations(BORN))
    asked = run(model, store, "Marie Curie was born in")
    assert isinstance(asked.error, RuntimeError)
    store.error = None
    assert run(model, store, "Marie Curie was born in").result.lookups


def test_budgets_of_lookups() -> None:
    """No lookup opens once the budgets are spent."""
    model = ScriptedModel(Continuations(BORN))
    budgets: list[dict[str, Any]] = [{"max_lookups": 0}, {"max_lookup_tokens": 0}]
    for budget in budgets:
        done = run(model, FakeStore(CURIE), "Marie Curie was born in", max_tokens=2, **budget)
        assert not done.result.lookups


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
