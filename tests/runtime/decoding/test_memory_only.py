"""The policy `memory_only`: no value but those of memory, whatever the model wants to write."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.errors import UsageError
from lamlam.evaluation.invented import load_invented
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.decoder import NOT_IN_MEMORY
from lamlam.runtime.decoding.events import Text
from lamlam.runtime.decoding.settings import text_settings
from lamlam.runtime.sync import SyncEngine
from tests.runtime.fake_store import SLOW, FakeStore
from tests.runtime.scheduling.scripted import BORN, CURIE, A, Continuations, E, R, run
from tests.runtime.support import BYTES, Asked
from tests.tiny_model import ScriptedModel

LINK = "Marie Curie lived near"
MISSED = f"{LINK}{E} Marie Curie{R} home{A}"


def ask(prompt: str, *scripts: str, store: Any = None, **keywords: Any) -> Asked:
    """Run a model that knows how texts go on."""
    model = ScriptedModel(Continuations(*scripts))
    keywords = {"policy": "memory_only", **keywords}
    return run(model, store or FakeStore(CURIE), prompt, **keywords)


def written(asked: Asked) -> tuple[str, str]:
    """The text and why it ends; a stream has sent the same, with the same origins."""
    done = asked.result
    if asked.is_streamed:
        sent = [
            (letter, e.origin) for e in asked.events if isinstance(e, Text) for letter in e.text
        ]
        assert sent == [
            (letter, span.origin)
            for span in done.spans
            if span.origin != "prompt"
            for letter in done.text[span.start : span.end]
        ]
    return done.text, done.finish_reason


both = pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
stores = pytest.mark.parametrize(
    "store", [FakeStore(CURIE), FakeStore(CURIE, capabilities=SLOW)], ids=["fast", "slow"]
)


@both
def test_a_missed_lookup_ends_an_open_sentence(is_streamed: bool) -> None:
    """The text stays as it is."""
    asked = ask("Marie", MISSED, is_streamed=is_streamed)
    assert written(asked) == ("Marie", "miss"), "'Curie' is nowhere in the prompt"
    asked = ask("Marie Curie", MISSED, is_streamed=is_streamed)
    assert written(asked) == (LINK, "miss")
    assert [one.status for one in asked.result.lookups] == ["miss"]


@both
def test_a_hit_is_written_and_the_text_goes_on_up_to_a_guess(is_streamed: bool) -> None:
    """The value's words may be written from then on; another name may not."""
    asked = ask("Marie Curie was born in", BORN, is_streamed=is_streamed)
    assert written(asked) == ("Marie Curie was born in Warsaw,", "miss")


@both
def test_ambiguous_and_exhausted_are_misses(is_streamed: bool) -> None:
    """No value is chosen, and none is given twice."""
    store = FakeStore(CURIE, ambiguous=frozenset({"Marie Curie"}))
    asked = ask("Marie Curie was born in", BORN, store=store, is_streamed=is_streamed)
    assert written(asked) == ("Marie Curie was born in", "miss")
    again = BORN.replace(", Poland.", f" and{E} Marie Curie{R} birth place{A}")
    asked = ask("Marie Curie was born in", again, is_streamed=is_streamed)
    assert written(asked) == ("Marie Curie was born in Warsaw and", "miss")
    assert [one.status for one in asked.result.lookups] == ["hit", "exhausted"]


@pytest.mark.parametrize("word", ["Paris", "1867", "P"])
@both
def test_names_and_numbers_are_not_written(word: str, is_streamed: bool) -> None:
    """Also where the limit would cut them off."""
    prompt = "Marie Curie lived"
    asked = ask(prompt, f"{prompt} in {word}.", is_streamed=is_streamed)
    assert written(asked) == (f"{prompt} in", "miss")
    cut = ask(prompt, f"{prompt} in {word}.", is_streamed=is_streamed, max_tokens=5)
    assert written(cut) == (f"{prompt} in", "miss")


def test_a_likely_lookup_is_made_though_another_token_is_likelier() -> None:
    """A guess in small letters cannot be told from other text."""
    prompt = "Marie Curie was a"
    model = ScriptedModel(Continuations(f"{prompt} singer."))
    plain = model.logits

    def logits(row: int) -> Any:
        scores = plain(row)
        if scores.argmax() == BYTES.encode(" ")[0] and len(model.batches) == 1:
            scores[BYTES.entity] = scores.max() - 0.5
        return scores

    model.logits = logits  # type: ignore[method-assign]  # a lookup is nearly as likely
    keys = Continuations(f"{prompt}{E} Marie Curie{R} job{A}")
    texts = model.script
    model.script = lambda tokens: keys(tokens) if BYTES.entity in tokens else texts(tokens)
    done = run(model, FakeStore(CURIE), prompt, policy="memory_only").result
    assert (done.text, done.finish_reason) == (prompt, "miss")
    assert [one.relation for one in done.lookups] == ["job"]


@pytest.mark.parametrize(
    ("prompt", "lead"),
    [
        ("What is the capital of Marie Curie?", " "),
        ("What is the capital of Atlantis?", " "),
        ("Who is it?", " "),
        ("____ is the capital of Marie Curie.", " "),
        ("Capital of Atlantis: ", ""),
        ("Question: Where is Atlantis?\nAnswer:", " "),
    ],
)
@both
def test_what_is_to_be_answered_gets_words(prompt: str, lead: str, is_streamed: bool) -> None:
    """Whatever it names; nothing is left to the model, and the words are no fact."""
    asked = ask(
        prompt, f"{prompt} a guess", constraint=Constraint(), is_streamed=is_streamed, logprobs=0
    )
    assert written(asked) == (f"{prompt}{lead}{NOT_IN_MEMORY}", "miss")
    assert [span.origin for span in asked.result.spans] == ["prompt", "parametric"]
    assert asked.result.logprobs is not None
    listed = "".join(one.text for one in asked.result.logprobs)
    assert listed == f"{lead}{NOT_IN_MEMORY}"


def test_what_memory_has_is_answered() -> None:
    """By the value alone, with its source."""
    prompt = "Where was Marie Curie born?"
    done = ask(prompt, f"{prompt} a guess", constraint=Constraint()).result
    assert (done.text, done.finish_reason) == (f"{prompt} Warsaw", "stop")
    assert [span.origin for span in done.spans][-1] == "fact"


@stores
def test_a_question_without_a_reader_of_words_is_a_lookup(store: Any) -> None:
    """The model writes its keys; what it would say without asking is never said."""
    prompt = "Where was Marie Curie born?"
    hit = f"{prompt}{E} Marie Curie{R} birth place{A}"
    assert _answer(prompt, store, hit) == (f"{prompt} Warsaw", "stop")
    miss = f"{prompt}{E} Marie Curie{R} zone{A}"
    assert _answer(prompt, store, miss) == (f"{prompt} {NOT_IN_MEMORY}", "miss")


def _answer(prompt: str, store: Any, script: str) -> tuple[str, str]:
    from lamlam.memory_backends.model.lookups import Lookup
    from tests.runtime.fake_store import as_store
    from tests.runtime.scheduling.scripted import scheduler_of

    asked = Asked(prompt, text_settings({"policy": "memory_only"}, verbalise="copy", lookup_bias=0))
    fast = as_store(store)
    scheduler = scheduler_of(ScriptedModel(Continuations(script)), store)
    scheduler.submit(asked)
    for _ in range(300):
        if asked.completion or asked.error:
            break
        scheduler.step()
        for question in asked.questions:
            key = Lookup(question.lookup.entity, question.lookup.relation)
            scheduler.answer(question, fast.lookup_nowait(key))
        asked.questions.clear()
    return written(asked)


@pytest.mark.parametrize("after", [" Warsaw, a city.", " warsaw, a city.", " Warsaws", " Wa"])
@both
def test_a_value_that_the_model_writes_is_the_fetched_one(after: str, is_streamed: bool) -> None:
    """Letter by letter; else the text ends before it."""
    script = BORN.replace(" Warsaw, Poland.", after)
    prompt = "Marie Curie was born in"
    asked = ask(prompt, script, verbalise="model", is_streamed=is_streamed)
    is_right = after.startswith(" Warsaw,")
    assert written(asked) == ((prompt + after, "stop") if is_right else (prompt, "miss"))


@both
def test_stop_strings_do_not_let_a_part_of_a_guess_through(is_streamed: bool) -> None:
    """A text that stops amid a name ends before the name."""
    prompt = "Marie Curie lived"
    asked = ask(prompt, f"{prompt} in Marie. Go", stop="ie", is_streamed=is_streamed)
    assert written(asked) == (f"{prompt} in", "miss")
    asked = ask(prompt, f"{prompt} in peace. Go", stop=". ", is_streamed=is_streamed)
    assert written(asked) == (f"{prompt} in peace", "stop_string")


def test_the_limits_of_lookups_end_the_text() -> None:
    """Where a fact is wanted and may not be asked for."""
    asked = ask("Marie Curie was born in", BORN, max_lookups=0)
    assert written(asked) == ("Marie Curie was born in", "miss")
    assert not asked.result.lookups


def test_errors_of_a_store_reach_the_caller() -> None:
    """A memory that fails is not a memory without the fact."""
    store = FakeStore(CURIE, error=RuntimeError("broken"))
    asked = ask("Where was Marie Curie born?", "x", store=store, constraint=Constraint())
    assert isinstance(asked.error, RuntimeError) and asked.completion is None


def test_without_memory_the_policy_is_refused() -> None:
    """By name, with what to do."""
    model = ScriptedModel(Continuations(BORN))
    asked = run(model, None, "Marie Curie was born in", policy="memory_only")
    assert isinstance(asked.error, UsageError) and "memory_only" in str(asked.error)


class Drawn:
    """A script that writes drawn tokens."""

    def __init__(self, draws: list[int]) -> None:
        self.draws = draws

    def __call__(self, tokens: list[int]) -> int:
        return self.draws[len(tokens) % len(self.draws)]


DRAWN = [*(1 + letter for letter in b"ab A1. ,(I"), *BYTES.encode("é東")]
DRAWN += [BYTES.entity, BYTES.relationship, BYTES.return_, 0]


@settings(max_examples=120)
@given(
    draws=st.lists(st.sampled_from(DRAWN), min_size=1, max_size=23),
    values=st.lists(st.sampled_from(["Ab", "1a", "b. A", "東"]), max_size=2),
    prompt=st.sampled_from(["a", "A b", "Who is a?", "a: ", "é1"]),
    verbalise=st.sampled_from(["copy", "model"]),
    stop=st.sampled_from([None, "a", ". ", "b1"]),
    ignore_eos=st.booleans(),
    max_tokens=st.integers(1, 30),
)
def test_no_model_gets_a_name_or_number_through(
    draws: list[int],
    values: list[str],
    prompt: str,
    verbalise: str,
    stop: str | None,
    ignore_eos: bool,
    max_tokens: int,
) -> None:
    """Outside of values, each word with a capital or a digit stands in the prompt or a value."""
    facts = {"a": {"b": values}, "b": {"a": values}}
    asked = run(
        ScriptedModel(Drawn(draws)),
        FakeStore(facts),
        prompt,
        is_streamed=True,
        policy="memory_only",
        verbalise=verbalise,
        stop=stop,
        ignore_eos=ignore_eos,
        max_tokens=max_tokens,
        logprobs=0,
    )
    text, reason = written(asked)
    assert reason != "lookup_failed" and text.startswith(prompt)
    done = asked.result
    assert done.logprobs is not None
    assert "".join(one.text for one in done.logprobs) == text[len(prompt) :]
    given_words = set(re.findall(r"\w+", prompt))
    for span in done.spans:
        words = re.findall(r"\w+", text[span.start : span.end])
        if span.origin == "fact":
            assert text[span.start : span.end] in values
            given_words.update(words)
            continue
        for word in words:
            is_small = all(letter.islower() for letter in word)
            assert is_small or word in given_words or word in ("A", "I"), (word, text)


# With the bundled model -------------------------------------------------------------------


def test_erased_values_and_guesses_do_not_come_back(tmp_path: Path) -> None:
    """Over items of the shipped invented set, each with its own fact erased."""
    facts, items = load_invented()
    chosen = items[:: len(items) // 24]
    url = f"sqlite:///{tmp_path}/facts.db"
    wanted = {(item.fact.entity, item.fact.relation) for item in chosen}
    named = {entity for entity, _ in wanted}
    with SyncFactStore(url) as store, SyncEngine(memory=url, threads=1) as engine:
        store.apply(
            [
                Assert(Fact(entity=one.entity, relation=one.relation, value=one.value))
                for one in facts
                if one.entity in named
            ]
        )
        for entity, relation in sorted(wanted):
            store.erase(entity, relation, reason="test")
        for item in chosen:
            done = engine.generate(item.prompt, policy="memory_only", max_tokens=40)
            assert done.finish_reason in ("miss", "stop")
            assert item.fact.value.casefold() not in done.text[len(item.prompt) :].casefold()
            _check_own_words(done.text, [(s.start, s.end, s.origin) for s in done.spans])


def _check_own_words(text: str, spans: list[tuple[int, int, str]]) -> None:
    """Fail where a word of the model has a capital or a digit and was not given before."""
    known: set[str] = set()
    for start, end, origin in spans:
        words = set(re.findall(r"\w+", text[start:end]))
        if origin != "parametric":
            known |= words
            continue
        own = {word for word in words if not word.islower()} - known
        assert own <= {"He", "She", "It", "The", "In", "His", "Her"}, text


def test_a_question_in_the_words_of_a_user() -> None:
    """With facts that the bundled memory cannot have."""
    with SyncEngine(threads=1) as engine:
        done = engine.generate("What is the capital of Quillonia?", policy="memory_only")
    assert (done.text.partition("?")[2], done.finish_reason) == (" not in memory", "miss")
    with (
        SyncEngine(threads=1, plain=True) as engine,
        pytest.raises(UsageError, match="memory_only"),
    ):
        engine.generate("What is the capital of Quillonia?", policy="memory_only")
