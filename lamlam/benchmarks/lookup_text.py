"""How fast is running text with lookups, with the reading of its words and without?"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamlam.benchmarks.rounds import in_turns, median_ratio
from lamlam.runtime.llama.probe import check_model

if TYPE_CHECKING:
    from lamlam.runtime.sync import SyncEngine

_TOKENS = 40
_ENTITY = "Ada Quill"
_FACTS = (
    ("birth date", "4 May 1871", "Ada Quill was born on"),
    ("birth place", "Lowmere", "Ada Quill was born in"),
    ("death date", "2 June 1940", "Ada Quill died on"),
    ("death place", "Highmere", "Ada Quill died in"),
    ("occupation", "botanist", "Ada Quill was a"),
    ("nationality", "Welsh", "Ada Quill is a"),
    ("education", "Lowmere College", "Ada Quill graduated from"),
    ("spouse", "Tom Ferry", "Ada Quill married"),
)
_PLAIN = "It was a warm day in the middle of the summer, and the"


def lookup_text_benchmark(
    model: Path,
    *,
    lookups: int,
    pairs: int = 9,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Return medians of alternating runs.

    Args:
        model: a GGUF file with lookup tokens.
        lookups: sentences in each run that begin where a fact is due.
        pairs: how often each runs.
        on_progress: called with (rounds done, rounds in all).

    Returns:
        Tokens per second, sampled and forced, of texts that look up, ``lookup_text_tokens_per_s``
        and ``..._without_words`` (the choice by words turned off), of texts that name nothing,
        ``plain_text_tokens_per_s`` and ``..._without_words``, and the medians of each round's
        ratios, ``lookup_text_to_without_words`` and ``plain_text_to_without_words``.

    Raises:
        BadModelFile: the file cannot be loaded.
    """
    from lamlam.memory_backends.model.facts import Fact
    from lamlam.memory_backends.model.operations import Assert
    from lamlam.memory_backends.sync import SyncFactStore
    from lamlam.runtime.decoding.constraint import Constraint
    from lamlam.runtime.sync import SyncEngine

    check_model(model)
    prompts = [_FACTS[n % len(_FACTS)][2] for n in range(lookups)]
    rates: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/facts.db"
        with SyncFactStore(url) as store:
            store.apply(
                [
                    Assert(Fact(entity=_ENTITY, relation=relation, value=value))
                    for relation, value, _ in _FACTS
                ]
            )
        with (
            SyncEngine(model=str(model), memory=url) as by_words,
            SyncEngine(
                model=str(model), memory=url, constrain=Constraint(by_words=False)
            ) as without,
        ):
            engines = {"with": by_words, "without": without}
            for engine in engines.values():
                _rate(engine, prompts)
            for n in range(pairs):
                for name in in_turns(engines, n):
                    for kind, texts in (("lookup", prompts), ("plain", [_PLAIN] * lookups)):
                        rate = _rate(engines[name], texts)
                        rates.setdefault((kind, name), []).append(rate)
                if on_progress:
                    on_progress(n + 1, pairs)
    result: dict[str, Any] = {"lookups": lookups, "pairs": pairs}
    for kind in ("lookup", "plain"):
        ours, theirs = rates[kind, "with"], rates[kind, "without"]
        result[f"{kind}_text_tokens_per_s"] = round(statistics.median(ours), 1)
        result[f"{kind}_text_tokens_per_s_without_words"] = round(statistics.median(theirs), 1)
        result[f"{kind}_text_to_without_words"] = median_ratio(ours, theirs)
    return result


def _rate(engine: SyncEngine, prompts: list[str]) -> float:
    began = time.perf_counter()
    n_tokens = 0
    for prompt in prompts:
        done = engine.generate(prompt, max_tokens=_TOKENS, ignore_eos=True)
        n_tokens += done.n_tokens + done.n_prompt_tokens
    return n_tokens / (time.perf_counter() - began)
