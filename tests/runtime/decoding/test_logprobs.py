"""Each token of the text, how likely the model found it, and what else it found likely."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.cli.output import as_json
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.logprobs import score
from lamlam.runtime.decoding.sampling import Logits
from lamlam.runtime.decoding.spans import LookupRecord
from lamlam.runtime.llama.context import open_context, open_model
from lamlam.runtime.llama.model_file import check_file
from lamlam.runtime.sync import SyncEngine
from tests.runtime.decoding.test_decoder_properties import Wild, answers
from tests.runtime.fake_store import FakeStore, as_store
from tests.runtime.scheduling.scripted import BORN, CURIE, Continuations, run
from tests.runtime.support import BYTES, answered, drive, make_decoder, pick_from
from tests.tiny_model import ScriptedModel

E, R, A, END = "<|db_entity|>", "<|db_relationship|>", "<|db_return|>", "<|db_end|>"
ROWS = st.lists(
    st.one_of(st.floats(-60, 60, width=32), st.sampled_from([0.0, 1.0, -np.inf])),
    min_size=1,
    max_size=40,
).filter(lambda row: max(row) > -np.inf)


def slow_logprobs(logits: Logits) -> list[float]:
    """The logarithm of the softmax in plain double precision, number by number."""
    highest = float(max(logits))
    total = math.fsum(math.exp(float(x) - highest) for x in logits)
    return [float(x) - highest - math.log(total) for x in logits]


@given(ROWS, st.integers(0, 20), st.data())
def test_scores_are_those_of_the_slow_way(row: list[float], n_top: int, data: Any) -> None:
    """The token's own, and the likeliest in order, of equals the lower number first."""
    logits = np.array(row, np.float32)
    token = data.draw(st.integers(0, len(row) - 1))
    expected = slow_logprobs(logits)
    scored = score(logits, token, n_top)
    assert scored.logprob == pytest.approx(expected[token], abs=1e-9)
    order = sorted(range(len(row)), key=lambda n: (-float(logits[n]), n))[:n_top]
    order = [n for n in order if logits[n] > -np.inf]
    assert [n for n, _ in scored.top] == order
    assert [logprob for _, logprob in scored.top] == pytest.approx(
        [expected[n] for n in order], abs=1e-9
    )


def test_far_numbers_do_not_overflow() -> None:
    """Neither huge scores nor a sum that single floats cannot hold."""
    logits = np.array([3e38, 3e38, -3e38], np.float32)
    assert score(logits, 0, 1).logprob == pytest.approx(-math.log(2))
    flat = np.zeros(2_000_000, np.float32)
    assert score(flat, 0, 0).logprob == pytest.approx(-math.log(2_000_000), abs=1e-12)


def texts_of(done: Completion) -> list[tuple[str, bool, str]]:
    """The list as (text, is scored, origin)."""
    assert done.logprobs is not None
    return [(one.text, one.logprob is not None, one.origin) for one in done.logprobs]


def test_values_stand_in_the_list_without_a_number() -> None:
    """What was written from memory lines up with the text, and the model's words are scored."""
    model = ScriptedModel(Continuations(BORN))
    done = run(model, FakeStore(CURIE), "Marie Curie was born in", logprobs=2).result
    assert "".join(text for text, *_ in texts_of(done)) == " Warsaw, Poland."
    # The space before the value is written with it, and is not part of the fact.
    assert texts_of(done)[:3] == [(" ", False, "parametric"), ("W", False, "fact"),
                                  ("a", False, "fact")]  # fmt: skip
    assert texts_of(done)[7:9] == [(",", True, "parametric"), (" ", True, "parametric")]
    assert done.logprobs is not None
    comma = done.logprobs[7]
    assert [one.token for one in comma.top] == [comma.token, 1]
    assert comma.top[0].logprob == comma.logprob
    assert comma.top[0].text == ","


def test_a_value_that_the_model_writes_is_scored_and_a_fact() -> None:
    """Under ``verbalise="model"``."""
    model = ScriptedModel(Continuations(BORN))
    done = run(
        model, FakeStore(CURIE), "Marie Curie was born in", verbalise="model", logprobs=0
    ).result
    assert texts_of(done)[:2] == [(" ", True, "parametric"), ("W", True, "fact")]
    assert all(one.top == () for one in done.logprobs or ())


def test_the_likeliest_may_be_a_lookup_token() -> None:
    """The model's own distribution knows no masks: a forbidden token shows by its name."""
    done = run(
        ScriptedModel(Continuations(BORN)),
        None,
        "Marie Curie was born in",
        max_tokens=1,
        logprobs=1,
    ).result
    assert done.logprobs is not None
    (first,) = done.logprobs
    assert first.top[0].text == E and first.top[0].token == BYTES.entity
    assert first.logprob is not None and first.logprob < first.top[0].logprob


def test_what_was_taken_back_is_not_listed() -> None:
    """A miss under ``continue`` leaves text alone, and no token of the lookup."""
    missed = f"Ada was born in{E} Ada{R} birth place{A}"
    texts = Continuations(missed), Continuations("Ada was born in London.")

    def script(tokens: list[int]) -> int:
        return next((t for t in (text(tokens) for text in texts) if t != 1 + ord("?")), 0)

    done = run(ScriptedModel(script), FakeStore(CURIE), "Ada was", max_tokens=9, logprobs=0).result
    assert [record.status for record in done.lookups] == ["miss"]
    assert done.logprobs is not None and len(done.logprobs) == done.n_text_tokens
    assert "".join(one.text for one in done.logprobs) == done.text[len("Ada was") :]


def test_characters_of_several_tokens_and_stop_strings() -> None:
    """A character belongs to its last token; what a stop string cuts off is not listed."""
    decoder = make_decoder("x", logprobs=0, stop="STOP")
    done = drive(decoder, pick_from(BYTES.encode("é§STOP")), lambda query: answered("miss"))
    assert done.reason == "stop_string"
    assert [text for text, *_ in texts_of(decoder.completion())] == ["", "é", "", "§"]
    half = make_decoder("x", logprobs=0)
    drive(half, pick_from([1 + 0xC3, 0]), lambda query: answered("miss"))
    assert [text for text, *_ in texts_of(half.completion())] == ["\ufffd"]


@settings(max_examples=200)
@given(
    draws=st.lists(st.integers(0, 3000), min_size=1, max_size=40),
    replies=st.lists(answers, min_size=1, max_size=6),
    policy=st.sampled_from(["continue", "ask_again", "unknown", "nearest", "stop"]),
    verbalise=st.sampled_from(["copy", "model"]),
    stop=st.sampled_from([(), ("a",), ("é", "bc"), ("unkn",)]),
    context=st.integers(48, 400),
)
def test_the_list_is_the_text(
    draws: list[int],
    replies: list[LookupRecord],
    policy: str,
    verbalise: str,
    stop: tuple[str, ...],
    context: int,
) -> None:
    """Whatever happened on the way: joined, it is the text after the prompt."""
    decoder = make_decoder(
        "P",
        context=context,
        policy=policy,
        verbalise=verbalise,
        stop=stop,
        max_tokens=50,
        logprobs=1,
    )
    drive(decoder, Wild(draws), lambda query: replies[len(query.entity) % len(replies)])
    done = decoder.completion()
    assert done.logprobs is not None
    assert "".join(one.text for one in done.logprobs) == done.text[1:]
    at = 1
    for one in done.logprobs:
        of_facts = [s for s in done.spans if s.origin == "fact" and s.start < at + len(one.text)]
        if one.text:
            assert (one.origin == "fact") == any(s.end > at for s in of_facts)
        at += len(one.text)
    if not stop:
        assert len(done.logprobs) == done.n_text_tokens


def test_nothing_is_listed_unless_asked_for(tiny_model: Path) -> None:
    """And what is listed is plain data."""
    with SyncEngine(tiny_model, None, threads=1) as engine:
        assert engine.generate("a", max_tokens=2).logprobs is None
        done = engine.generate("a", max_tokens=2, ignore_eos=True, logprobs=3)
    listed = json.loads(as_json(done.as_dict()))["logprobs"]
    assert [len(one["top"]) for one in listed] == [3, 3]
    assert set(listed[0]) == {"text", "token", "logprob", "origin", "top"}


@pytest.mark.parametrize("options", [{}, {"temperature": 1.3, "seed": 4, "repeat_penalty": 1.3}])
def test_numbers_are_those_of_a_fresh_evaluation(tiny_model: Path, options: dict[str, Any]) -> None:
    """On a real model: the tokens of the text, scored all at once by llama.cpp."""
    with SyncEngine(tiny_model, None, threads=1) as engine:
        done = engine.generate("Ada", max_tokens=24, ignore_eos=True, logprobs=5, **options)
    assert done.logprobs is not None and len(done.logprobs) == 24
    with (
        open_model(check_file(tiny_model)) as model,
        open_context(
            model, context=128, n_sequences=1, n_batch=64, threads=1, all_outputs=True
        ) as context,
    ):
        prompt = [model.bos, *model.tokenize(b"Ada", special=False)]
        expected = context.score([*prompt, *(one.token for one in done.logprobs)])
    found = [one.logprob or 0.0 for one in done.logprobs]
    np.testing.assert_allclose(found, expected[len(prompt) - 1 :], atol=2e-2)
    for one in done.logprobs:
        assert one.logprob is not None
        assert sorted((a.logprob for a in one.top), reverse=True) == [a.logprob for a in one.top]
        if not options:  # greedy: nothing that may come is likelier
            assert one.top[0].token == one.token or one.top[0].text in {"", E, R, A, END}


def test_the_numbers_stand_beside_facts_of_a_real_model(tiny_model: Path) -> None:
    """With lookups on: forced tokens have none, and all lines up."""
    memory = FakeStore({"marie curie": {"birth place": ["Warsaw"]}})
    with SyncEngine(tiny_model, as_store(memory), lookup_bias=1000.0, threads=1) as engine:
        done = engine.generate(
            "Marie Curie was", max_tokens=12, max_lookups=2, policy="unknown", logprobs=1
        )
    assert done.lookups and done.logprobs is not None
    assert "".join(one.text for one in done.logprobs) == done.text[len("Marie Curie was") :]
    assert any(one.logprob is None for one in done.logprobs)
