"""What each policy does with a miss: as token lists, and with a real, tiny model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.main import get_command

from lamlam.cli.app import app
from lamlam.errors import LookupFailed
from lamlam.memory_backends.model.candidates import Candidate
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.runtime.decoding.actions import Done, Force, Look, Rewind, Sample
from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.decoder import MAX_QUESTIONS, Decoder
from lamlam.runtime.decoding.miss_policies import MISS_POLICIES, PolicyName
from lamlam.runtime.decoding.settings import text_settings
from lamlam.runtime.decoding.spans import LookupRecord
from lamlam.runtime.decoding.trie import KeyTrie
from lamlam.runtime.sync import SyncEngine
from tests.runtime.decoding.test_decoder_properties import Wild
from tests.runtime.fake_store import SLOW, FakeStore, as_store
from tests.runtime.support import BYTES, answered, drive, make_decoder, pick_from

E, R, A, END = BYTES.entity, BYTES.relationship, BYTES.return_, BYTES.end
LOOKUP = [E, *BYTES.encode(" Ada"), R, *BYTES.encode(" birth place"), A]
PROMPT = [0, *BYTES.encode("Ada was born")]
MISS = answered("miss")


def missed(**options: Any) -> Decoder:
    """A decoder that has written " in", asked memory, and got a miss."""
    decoder = make_decoder("Ada was born", **options)
    for token in [*BYTES.encode(" in"), *LOOKUP]:
        decoder.sampled(token)
        if decoder.key_to_guide:
            decoder.guide(None)
    assert decoder.action == Look(Lookup("Ada", "birth place"))
    decoder.answered(options.pop("answer", MISS))
    return decoder


def test_continue_takes_the_lookup_back() -> None:
    """The tokens are those before it; there, and only there, none may open."""
    decoder = missed(policy="continue")
    assert decoder.action == Rewind(len(PROMPT) + 3)
    decoder.rewound()
    assert decoder.tokens == [*PROMPT, *BYTES.encode(" in")]
    assert isinstance(decoder.action, Sample) and E in decoder.action.choice.forbidden
    decoder.sampled(BYTES.encode(" ")[0])
    assert isinstance(decoder.action, Sample) and E not in decoder.action.choice.forbidden


def test_unknown_writes_the_word_as_a_value() -> None:
    """Inside the lookup and, under ``copy``, in the text, where it is not a fact."""
    decoder = missed(policy="unknown")
    word = BYTES.encode(" unknown")
    assert decoder.action == Force((*word, END, *word))
    decoder.forced()
    assert decoder.output.text == "Ada was born in unknown"
    assert [span.origin for span in decoder.output.spans()] == ["prompt", "parametric"]
    by_model = missed(policy="unknown", verbalise="model")
    assert by_model.action == Force((*word, END))


def test_nearest_writes_what_was_near_and_goes_on_where_nothing_is() -> None:
    """A value below the threshold is marked; without one the lookup is taken back."""
    decoder = make_decoder("Ada was born", policy="nearest")
    done = drive(
        decoder,
        pick_from([*LOOKUP, *BYTES.encode(".")]),
        lambda query: answered("nearest", value="London"),
    )
    assert done == Done("stop") and decoder.output.text == "Ada was born London."
    assert [record.status for record in decoder.records] == ["nearest"]
    assert missed(policy="nearest").action == Rewind(len(PROMPT) + 3)


def test_stop_ends_before_the_lookup_and_raise_says_so() -> None:
    """Neither writes anything of it."""
    decoder = missed(policy="stop")
    assert decoder.action == Done("miss")
    assert decoder.completion().text == "Ada was born in"
    failed = missed(policy="raise")
    assert failed.action == Done("lookup_failed") and failed.last_lookup == Lookup(
        "Ada", "birth place"
    )


def knowing(entity: str) -> LookupRecord:
    """A miss of a memory that knows the entity."""
    from lamlam.memory_backends.model.lookups import NO_MATCH, Match, MatchPart

    return answered("miss", match=Match(MatchPart("exact", 1.0, entity), NO_MATCH))


def test_ask_again_goes_back_to_the_part_that_memory_lacks() -> None:
    """To the relation of an entity that it knows, with another first token; else to the entity."""
    decoder = make_decoder("Ada was born", policy="ask_again")
    for token in LOOKUP:
        decoder.sampled(token)
    decoder.answered(knowing("ada"))
    begin = len(PROMPT) + LOOKUP.index(R) + 1
    assert decoder.action == Rewind(begin)
    decoder.rewound()
    assert decoder.tokens[-1] == R and decoder.key_to_guide == "relation"
    decoder.guide(None)
    assert isinstance(decoder.action, Sample)
    assert BYTES.encode(" ")[0] in decoder.action.choice.forbidden
    other = missed(policy="ask_again")
    assert other.action == Rewind(len(PROMPT) + 4)
    other.rewound()
    assert other.tokens[-1] == E and other.key_to_guide == "entity"
    other.guide(KeyTrie.of([tuple(BYTES.encode(" Bob"))], R))
    for letter in BYTES.encode(" Bob"):
        assert isinstance(other.action, Sample)
        assert list(
            other.action.choice.allowed if other.action.choice.allowed is not None else ()
        ) == [letter]
        other.sampled(letter)


def test_ask_again_without_another_name_takes_the_lookup_back() -> None:
    """Nothing that memory knows is left to ask about."""
    decoder = missed(policy="ask_again")
    decoder.rewound()
    decoder.guide(None)
    assert decoder.action == Rewind(len(PROMPT) + 3)


@settings(max_examples=150)
@given(
    draws=st.lists(st.integers(0, 3000), min_size=1, max_size=40),
    max_lookups=st.integers(0, 5),
    max_lookup_tokens=st.integers(0, 60),
    knows=st.booleans(),
)
def test_ask_again_ends_and_asks_nothing_twice_at_one_place(
    draws: list[int], max_lookups: int, max_lookup_tokens: int, knows: bool
) -> None:
    """Whatever the model wants: few questions, all different, within the budget of lookups."""
    decoder = make_decoder(
        "P",
        policy="ask_again",
        max_tokens=12,
        max_lookups=max_lookups,
        max_lookup_tokens=max_lookup_tokens,
    )
    asked: dict[int, list[tuple[str, str]]] = {}

    def reply(query: Lookup) -> LookupRecord:
        at = len(decoder.output.text)
        key = (query.entity.casefold(), query.relation.casefold())
        asked.setdefault(at, []).append(key)
        return knowing(query.entity) if knows else MISS

    drive(decoder, Wild(draws), reply)
    assert len(decoder.records) <= max_lookups
    for keys in asked.values():
        assert len(keys) <= MAX_QUESTIONS and len(set(keys)) == len(keys)


def bias_of(decoder: Decoder, token: int) -> float:
    """What is added to the logit of a token that may come next."""
    assert isinstance(decoder.action, Sample)
    return dict(decoder.action.choice.bias).get(token, 0.0)


def test_the_papers_settings() -> None:
    """+4 on opening a lookup, everywhere; +2 on closing its parts; 1.2; "unknown"; by the model."""
    taken = text_settings({"policy": "paper"}, verbalise="copy", lookup_bias=0.0)
    assert (taken.policy, taken.verbalise, taken.sampler.repeat_penalty) == (
        "unknown", "model", 1.2,
    )  # fmt: skip
    decoder = make_decoder("Ada was born", policy="paper")
    assert bias_of(decoder, E) == 4.0
    for token in LOOKUP[:5]:
        decoder.sampled(token)
        decoder.guide(None)
    assert bias_of(decoder, R) == 2.0
    for token in LOOKUP[5:-1]:
        decoder.sampled(token)
        decoder.guide(None)
    assert bias_of(decoder, A) == 2.0
    decoder.sampled(A)
    decoder.answered(MISS)
    assert decoder.action == Force((*BYTES.encode(" unknown"), END))
    decoder.forced()
    assert bias_of(decoder, E) == 4.0, "also right after a miss"
    named = text_settings(
        {"policy": "paper", "lookup_bias": 1.0, "repeat_penalty": 1.0, "verbalise": "copy"},
        verbalise="copy",
        lookup_bias=0.0,
    )
    assert (named.lookup_bias, named.sampler.repeat_penalty, named.verbalise) == (1.0, 1.0, "copy")


def test_the_favour_of_other_policies_depends_on_the_place() -> None:
    """More right after the prompt, none for some words after a miss."""
    decoder = make_decoder("Ada was born", lookup_bias=3.0)
    assert bias_of(decoder, E) == 5.0
    decoder.sampled(BYTES.encode(" ")[0])
    assert bias_of(decoder, E) == 3.0
    after = missed(lookup_bias=3.0)
    after.rewound()
    after.sampled(BYTES.encode(" ")[0])
    assert bias_of(after, E) == 0.0


# With a real model ---------------------------------------------------------------------------

FACTS = {"marie curie": {"birth place": ["Warsaw"]}}
ALWAYS = 1000.0
PROMPTED = "Marie Curie and Ada"


def write(tiny_model: Path, policy: Any, capabilities: Any = None, **options: Any) -> Any:
    """A text of a random model that looks up wherever it may, in a memory of one fact."""
    store = FakeStore(
        FACTS,
        candidates=(Candidate("Marie Curie", "birth place", 0.3),),
        **({} if capabilities is None else {"capabilities": capabilities}),
    )
    with SyncEngine(
        tiny_model, as_store(store), lookup_bias=ALWAYS, threads=1, constrain=False
    ) as engine:
        options = {"max_tokens": 8, "max_lookups": 3, "policy": policy, **options}
        return engine.generate(PROMPTED, ignore_eos=True, **options)


CHECKS: dict[str, Callable[[Any], bool]] = {
    "continue": lambda done: done.n_text_tokens == 8 and "unknown" not in done.text,
    "ask_again": lambda done: done.n_text_tokens == 8,
    "unknown": lambda done: done.text.startswith(f"{PROMPTED} unknown"),
    "nearest": lambda done: done.text.startswith(f"{PROMPTED} Warsaw"),
    "stop": lambda done: (done.text, done.finish_reason) == (PROMPTED, "miss"),
    "paper": lambda done: done.n_text_tokens >= 8,
}


@pytest.mark.parametrize("capabilities", [None, SLOW], ids=["fast", "slow"])
@pytest.mark.parametrize("policy", CHECKS)
def test_every_policy_with_a_real_model(tiny_model: Path, policy: str, capabilities: Any) -> None:
    """A memory that answers at once and one that must be waited for: the same effect."""
    extra = {"lookup_bias": ALWAYS} if policy == "paper" else {}
    done = write(tiny_model, policy, capabilities, **extra)
    assert 1 <= len(done.lookups) <= 3
    assert CHECKS[policy](done), done.text
    assert done.text.startswith(PROMPTED)
    wanted = "nearest" if policy == "nearest" else "miss"
    assert done.lookups[0].status == wanted


def test_raise_with_a_real_model_ends_that_text_alone(tiny_model: Path) -> None:
    """The error names the question; the engine writes on."""
    store = FakeStore(FACTS)
    with SyncEngine(tiny_model, as_store(store), lookup_bias=ALWAYS, constrain=False) as engine:
        with pytest.raises(LookupFailed) as caught:
            engine.generate(PROMPTED, policy="raise")
        assert caught.value.entity and caught.value.relation
        assert engine.generate(PROMPTED, policy="stop").finish_reason == "miss"


def test_several_values_come_one_by_one_with_a_real_model(tiny_model: Path) -> None:
    """The same key again gives the next value, each once; then it is exhausted."""
    store = FakeStore({"marie curie": {"child": ["Irène", "Ève"]}})
    strict = Constraint(skip_stated=False, strict=True, only_named=True)
    with SyncEngine(tiny_model, as_store(store), lookup_bias=ALWAYS, constrain=strict) as engine:
        done = engine.generate("Marie Curie", max_tokens=60, max_lookups=4, ignore_eos=True)
    assert [(r.status, r.value) for r in done.lookups[:3]] == [
        ("hit", "Irène"),
        ("hit", "Ève"),
        ("exhausted", None),
    ]
    facts = [done.text[s.start : s.end] for s in done.spans if s.origin == "fact"]
    assert facts == ["Irène", "Ève"]


def test_a_policy_stands_in_one_table() -> None:
    """Type checkers know every policy of the table, and the help of the command names it."""
    assert get_args(PolicyName) == tuple(MISS_POLICIES)
    command: Any = get_command(app)
    (option,) = (one for one in command.commands["ask"].params if one.name == "policy")
    assert all(name in option.help for name in (*MISS_POLICIES, "paper"))
