"""What cannot be written is an error of its text, by name, and the engine lives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from lamlam.errors import BadLogits, PromptTooLong, UnknownToken, UsageError
from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.sampler_settings import SamplerSettings
from lamlam.runtime.decoding.sampling import Choice, Logits, Sampler
from lamlam.runtime.decoding.settings import text_settings
from lamlam.runtime.decoding.vocabulary import Vocabulary
from lamlam.runtime.llama.checksum import seal
from lamlam.runtime.scheduling.scheduler import Scheduler
from lamlam.runtime.sync import SyncEngine
from tests.runtime.fake_store import FakeStore, as_store
from tests.runtime.support import BYTES, Asked
from tests.tiny_model import ByteTokens, ScriptedModel, write_tiny_model

STRICT = Constraint(strict=True, only_named=True)
DRAWN: dict[str, Any] = {"temperature": 1.0, "seed": 0}


def damaged(path: Path, value: float) -> Path:
    """A sealed model file in which one norm is not a number, as a broken converter writes it."""
    write_tiny_model(path)
    (tensor,) = (t for t in gguf.GGUFReader(str(path)).tensors if t.name == "output_norm.weight")
    with path.open("r+b") as file:
        file.seek(tensor.data_offset)
        file.write(np.full(tensor.n_elements, value, np.float32).tobytes())
    seal(path)
    return path


@pytest.mark.parametrize("options", [{}, DRAWN, {"repeat_penalty": 1.2}, {"logprobs": 2}])
def test_a_damaged_model_file_is_named_by_every_text(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    """By real weights that are not numbers: nothing is written, nothing hangs, all closes."""
    path = damaged(tmp_path / "nan.gguf", np.nan)
    with SyncEngine(path, None, threads=1) as engine:
        for _ in range(2):
            with pytest.raises(BadLogits, match="numbers") as caught:
                engine.generate("Ada", max_tokens=4, **options)
            assert caught.value.hint
        with pytest.raises(BadLogits), engine.stream("Ada", **options) as events:
            list(events)


@pytest.mark.parametrize("settings", [{}, DRAWN, {"repeat_penalty": 1.3}, {**DRAWN, "top_p": 0.5}])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_no_way_of_choosing_takes_what_is_no_number(settings: dict[str, Any], wrong: float) -> None:
    """Greedy, drawn, penalised, in a key, among preferred or allowed ones."""
    logits: Logits = np.zeros(6, np.float32)
    if wrong == -np.inf:
        logits[:] = wrong
    else:
        logits[3] = wrong
    none, some = np.array([], np.int64), np.array([1, 3], np.int64)
    for choice in (
        Choice(none),
        Choice(none, is_key=True),
        Choice(none, preferred=some, is_key=True),
        Choice(none, allowed=some, is_key=True),
        Choice(none, bias=((2, 1.0), (4, 1.0))),
    ):
        with pytest.raises(BadLogits):
            Sampler(SamplerSettings(**settings), 6).pick(logits, choice, [1])


class _OneBadRow(ScriptedModel):
    """Gives no numbers for texts that hold a "!"."""

    def logits(self, row: int) -> Logits:
        logits = super().logits(row)
        if 1 + ord("!") in self._rows[row]:
            logits[:] = np.nan
        return logits


def together(model: ScriptedModel, vocabulary: Vocabulary, *prompts: str) -> list[Asked]:
    """All texts, written beside each other."""
    scheduler = Scheduler(
        model, vocabulary, None, is_fast=False, constraint=None, n_sequences=len(prompts)
    )
    settings = text_settings({"max_tokens": 4}, verbalise="copy", lookup_bias=0.0)
    texts = [Asked(prompt, settings) for prompt in prompts]
    for text in texts:
        scheduler.submit(text)
    while scheduler.has_work:
        scheduler.step()
    assert not model.cells
    return texts


def test_numbers_fail_one_text_and_not_those_beside_it() -> None:
    """Each has separate logits."""
    model = _OneBadRow(lambda tokens: BYTES.encode("x")[0])
    good, bad, other = together(model, Vocabulary(BYTES), "a", "b!", "c")
    assert isinstance(bad.error, BadLogits)
    assert (good.result.text, other.result.text) == ("axxxx", "cxxxx")


class _Damaged(ByteTokens):
    """Its tokenizer gives a token that does not exist."""

    wrong = 999

    def tokenize(self, text: bytes, *, special: bool) -> list[int]:
        tokens = super().tokenize(text, special=special)
        return [self.wrong if token == 1 + ord("!") else token for token in tokens]


@pytest.mark.parametrize("wrong", [-1, 261, 2**31 - 1])
def test_a_token_that_there_is_none_of_fails_its_text(wrong: int) -> None:
    """Before it could fail the whole batch; names and values of memory are checked as well."""
    source = _Damaged()
    source.wrong = wrong
    vocabulary = Vocabulary(source)
    good, bad = together(ScriptedModel(lambda tokens: BYTES.encode("x")[0]), vocabulary, "a", "b!")
    assert isinstance(bad.error, UnknownToken)
    assert (bad.error.token, bad.error.n_tokens) == (wrong, 261)
    assert good.result.text == "axxxx"
    for read in (vocabulary.tokenize, vocabulary.relation_tokens, vocabulary.prompt_tokens):
        with pytest.raises(UnknownToken):
            read("no!")


def test_prompts_and_values_over_the_context(tiny_model: Path) -> None:
    """A prompt is refused with both numbers; a value is written and the text is over."""
    value = "Warsaw " * 40 + "end"
    memory = FakeStore({"marie curie": {"birth place": [value]}})
    with SyncEngine(
        tiny_model, as_store(memory), context=64, lookup_bias=1000.0, threads=1, batch=7
    ) as engine:
        with pytest.raises(PromptTooLong) as caught:
            engine.generate("x" * 64)
        assert (caught.value.n_tokens, caught.value.context) == (65, 64)
        nearly = engine.generate("x" * 63, max_tokens=5)
        assert (nearly.finish_reason, nearly.n_text_tokens) == ("context", 0)
        plain = engine.generate("zz", max_tokens=4, max_lookups=0, ignore_eos=True)
        assert plain.n_text_tokens == 4
    with SyncEngine(
        tiny_model, as_store(memory), context=64, lookup_bias=1000.0, constrain=STRICT
    ) as engine:
        for verbalise in ("copy", "model"):
            done = engine.generate(
                "Marie Curie", policy="unknown", verbalise=verbalise, max_tokens=60, logprobs=0
            )
            assert done.logprobs is not None
            assert "".join(one.text for one in done.logprobs) == done.text[len("Marie Curie") :]
            assert [record.status for record in done.lookups] == ["hit"]
            assert done.text == f"Marie Curie {value}" and done.finish_reason == "context"


@pytest.mark.parametrize("batch", [1, 3, 64, 65_536])
def test_any_batch_that_is_taken_works(tiny_model: Path, batch: int) -> None:
    """llama.cpp would end the process at a batch over its limit: none gets there."""
    with SyncEngine(tiny_model, None, batch=batch, threads=1, context=256) as engine:
        done = engine.generate("x" * 200, max_tokens=3, ignore_eos=True)
    assert done.n_text_tokens == 3


def test_batches_that_are_not_taken() -> None:
    """Refused by the option's name, before anything opens."""
    for batch in (0, -1, 65_537, 1.5, "512", True):
        with pytest.raises(UsageError, match="batch"):
            SyncEngine("none.gguf", None, batch=batch)  # type: ignore[arg-type]  # the mistake


def test_a_prompt_of_no_token_is_refused() -> None:
    """By a model whose texts begin with nothing: there is nothing to go on from."""

    class NoBeginning(ByteTokens):
        bos = -1

    model = ScriptedModel(lambda tokens: BYTES.encode("x")[0])
    empty, other = together(model, Vocabulary(NoBeginning()), "", "a")
    assert isinstance(empty.error, UsageError) and "empty" in str(empty.error)
    assert other.result.text == "axxxx"


def test_a_prompt_that_cannot_fit_is_refused_unread() -> None:
    """Reading millions of letters would hold up every other text."""
    longest = 0

    class Watched(ByteTokens):
        def tokenize(self, text: bytes, *, special: bool) -> list[int]:
            nonlocal longest
            longest = max(longest, len(text))
            return super().tokenize(text, special=special)

    model = ScriptedModel(lambda tokens: BYTES.encode("x")[0])
    endless, other = together(model, Vocabulary(Watched()), "word " * 1_000_000, "a")
    assert isinstance(endless.error, PromptTooLong) and "at least" in str(endless.error)
    assert longest < 10_000 and other.result.text == "axxxx"
