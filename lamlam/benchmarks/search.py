"""How fast a search finds facts by a part of a name, and what its index costs, on invented names."""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from typing import Any

from lamlam.benchmarks.lookup import filled_store, questions_about, timed
from lamlam.errors import BadStore

_N_TIMED = 1_000


def search_benchmark(facts: int, seed: int = 0) -> dict[str, Any]:
    """Return how long searches take in a file of so many invented facts with a search index.

    Progress goes to standard error.

    Args:
        facts: how many facts the file is filled with.
        seed: of the names and of the choice of texts.

    Returns:
        ``three_letters_ms``, ``five_letters_ms``, ``whole_name_ms``, ``question_ms``,
        ``two_letters_ms``, each with ``p50`` and ``p99``; ``index_bytes_per_fact``; ``build_s``.
    """
    from lamlam.memory_backends.sync import SyncFactStore

    with tempfile.TemporaryDirectory(prefix="lamlam-bench-") as folder:
        url = f"sqlite:///{Path(folder, 'facts.db')}"
        with filled_store(facts, url, seed):
            pass
        with SyncFactStore(url) as store:
            before = store.info().bytes or 0
            began = time.perf_counter()
            store.set_search_index()
            build_s = time.perf_counter() - began
        size = Path(folder, "facts.db").stat().st_size
        with SyncFactStore(url, read_only=True) as store:
            rng = random.Random(seed + 1)
            names = [one.entity for one in questions_about(facts, seed, rng)[:_N_TIMED]]
            if not store.search(names[0]).facts:
                raise BadStore("the store does not find what was put into it")
            texts = {
                "two_letters": [_part(name, 2, rng) for name in names],
                "three_letters": [_part(name, 3, rng) for name in names],
                "five_letters": [_part(name, 5, rng) for name in names],
                "whole_name": names,
                "question": [f"Where was {name} born, and what did they do?" for name in names],
            }
            times = {f"{kind}_ms": _ms(timed(store.search, asked)) for kind, asked in texts.items()}
    return {
        "facts": facts,
        **times,
        "index_bytes_per_fact": round((size - before) / facts, 1),
        "build_s": round(build_s, 1),
    }


def _part(name: str, length: int, rng: random.Random) -> str:
    word = max(name.split(), key=len)
    at = rng.randrange(max(1, len(word) - length + 1))
    return word[at : at + length]


def _ms(times: dict[str, float]) -> dict[str, float]:
    return {name: round(value / 1000, 2) for name, value in times.items()}
