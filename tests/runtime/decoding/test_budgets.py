"""Budgets of text and of lookups hold, and a fetched value is written all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.memory_backends.model.lookups import Lookup
from lamlam.runtime.decoding.lookup_answers import GivenOut
from lamlam.runtime.decoding.spans import LookupRecord
from lamlam.runtime.decoding.trie import MAX_ENTITY_TOKENS, MAX_RELATION_TOKENS
from lamlam.runtime.sync import SyncEngine
from tests.runtime.decoding.test_decoder_properties import Wild, answers
from tests.runtime.fake_store import FakeStore, as_store
from tests.runtime.support import BYTES, drive, make_decoder, parse

LONGEST_KEY = MAX_ENTITY_TOKENS + MAX_RELATION_TOKENS + 3
"""Both parts and the three tokens around them."""


def n_tokens(text: str) -> int:
    return len(text.encode())  # the tests' vocabulary is of bytes


@settings(max_examples=400)
@given(
    draws=st.lists(st.integers(0, 3000), min_size=1, max_size=40),
    replies=st.lists(answers, min_size=1, max_size=6),
    policy=st.sampled_from(["continue", "ask_again", "unknown", "nearest"]),
    max_tokens=st.integers(1, 20),
    max_lookups=st.integers(0, 4),
    max_lookup_tokens=st.integers(0, 90),
)
def test_budgets_hold_whatever_the_model_wants(
    draws: list[int],
    replies: list[LookupRecord],
    policy: str,
    max_tokens: int,
    max_lookups: int,
    max_lookup_tokens: int,
) -> None:
    """Each is passed by the one value that is being written at most."""
    decoder = make_decoder(
        "P",
        context=4096,
        policy=policy,
        max_tokens=max_tokens,
        max_lookups=max_lookups,
        max_lookup_tokens=max_lookup_tokens,
        ignore_eos=True,
    )
    spent: list[int] = []

    def reply(query: Lookup) -> LookupRecord:
        spent.append(decoder.n_lookup_tokens)
        return replies[len(spent) % len(replies)]

    done = drive(decoder, Wild(draws), reply)
    assert done.reason == "length"
    completion = decoder.completion()
    n_longest = max([n_tokens(f" {r.value or 'unknown'}") for r in completion.lookups], default=0)
    # A slow count of the visible tokens, from the tokens themselves.
    parsed = parse(decoder.tokens[1:], is_cut=True)
    assert completion.text == parsed.text
    depth, n_visible = 0, -1  # the prompt's one token is not counted
    for token in decoder.tokens[1:]:
        depth += token == BYTES.entity
        n_visible += not depth
        depth -= token == BYTES.end
    assert completion.n_text_tokens == n_visible
    assert max_tokens <= n_visible <= max_tokens + n_longest
    assert len(completion.lookups) <= max_lookups
    # A lookup that is opened within the budget is written to its end, and no other is opened.
    assert decoder.n_lookup_tokens <= max_lookup_tokens + LONGEST_KEY + n_longest + 1
    assert all(before <= max_lookup_tokens + LONGEST_KEY for before in spent)
    for record in completion.lookups:
        if record.value is not None:
            assert record.value.strip() in {value for *_, value in parsed.lookups}
            assert record.value in completion.text


@pytest.mark.parametrize("budget", ["max_tokens", "max_lookup_tokens", "max_lookups"])
def test_a_value_is_written_at_the_limit_by_a_real_model(tiny_model: Path, budget: str) -> None:
    """Each budget at its least that lets one lookup open: the value is whole."""
    memory = FakeStore({"marie curie": {"birth place": ["Warsaw, Poland"]}})
    options: dict[str, Any] = {"max_tokens": 3, budget: 1, "ignore_eos": True}
    with SyncEngine(tiny_model, as_store(memory), lookup_bias=1000.0, threads=1) as engine:
        done = engine.generate("Marie Curie", policy="unknown", **options)
        assert len(done.lookups) == 1
        assert done.text.startswith("Marie Curie unknown")
        assert done.n_text_tokens >= done.text.count("unknown")
        if budget != "max_tokens":  # a text of no tokens is refused
            options[budget] = 0
            assert not engine.generate("Marie Curie", **options).lookups


LOOKUP = Lookup("Ada", "child")


@given(
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3, unique=True),
    st.integers(1, 5),
)
def test_every_value_is_given_once_in_order_then_none(held: list[str], n_asked: int) -> None:
    """`exhausted` is not a hit, and says that there was something."""
    store = FakeStore({"ada": {"child": held}})
    given_out = GivenOut()
    found = [
        given_out.next_record(LOOKUP, store.lookup_nowait(LOOKUP), "ada", 0.0)
        for _ in range(n_asked)
    ]
    assert [a.value for a in found] == [*held, *[None] * n_asked][:n_asked]
    assert [a.status for a in found] == [*["hit"] * len(held), *["exhausted"] * n_asked][:n_asked]
    other = GivenOut().next_record(LOOKUP, store.lookup_nowait(LOOKUP), "ada", 0.0)
    assert other.value == held[0], "another text begins anew"
