"""How fast a search finds facts by a part of a name, and what its index costs, on invented names."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamlam.benchmarks.invented_facts import invented_facts
from lamlam.benchmarks.lookup import filled_store, percentiles, questions_about, timed
from lamlam.errors import BadStore, UsageError

if TYPE_CHECKING:
    from lamlam.memory_backends.sync import SyncFactStore

_N_TIMED = 1_000
_N_TIMED_ELSEWHERE = 100
_N_WARM = 20
_N_SCANS = 3
"""Searches of each kind without an index: each reads every fact."""


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
            build_s = _build_s(store)
        size = Path(folder, "facts.db").stat().st_size
        with SyncFactStore(url, read_only=True) as store:
            texts = _texts(store, facts, seed, _N_TIMED)
            times = {f"{kind}_ms": _ms(timed(store.search, asked)) for kind, asked in texts.items()}
    return {
        "facts": facts,
        **times,
        "index_bytes_per_fact": round((size - before) / facts, 1),
        "build_s": round(build_s, 1),
    }


def search_elsewhere_benchmark(url: str, facts: int, seed: int = 0) -> dict[str, Any]:
    """Return how long searches take in another store, with its index and without, in one run.

    Args:
        url: of an empty store, which is filled.
        facts: how many facts it is filled with.
        seed: of the names and of the choice of texts.

    Returns:
        For each kind of text what `search_benchmark` returns; the same with ``scan`` before
        ``_ms``, of three texts without an index; ``faster``, the ratio of these medians;
        ``write_ms`` and ``write_without_index_ms``, of a commit of one fact; ``build_s``.

    Raises:
        BadStore: the store holds facts.
        NotSupported: it cannot keep an index.
    """
    from lamlam.memory_backends.sync import SyncFactStore

    if facts < 1:
        raise UsageError("a benchmark needs at least one fact")
    with SyncFactStore(url) as store:
        if store.info().facts:
            raise BadStore("the store already holds facts", hint="name an empty store")
        store.load(invented_facts(facts, seed))
        texts = _texts(store, facts, seed, _N_TIMED_ELSEWHERE)
        write_without_ms = _write_ms(store, "plain")
        scans = {kind: _once_each(store, asked[:_N_SCANS]) for kind, asked in texts.items()}
        build_s = _build_s(store)
        for asked in texts.values():
            _once_each(store, asked[:_N_WARM])
        times = {kind: _once_each(store, asked) for kind, asked in texts.items()}
        write_ms = _write_ms(store, "indexed")
        store.set_search_index(False)
    return {
        "facts": facts,
        **{f"{kind}_ms": one for kind, one in times.items()},
        **{f"{kind}_scan_ms": one for kind, one in scans.items()},
        "faster": {kind: round(scans[kind]["p50"] / times[kind]["p50"], 1) for kind in texts},
        "write_ms": write_ms,
        "write_without_index_ms": write_without_ms,
        "build_s": round(build_s, 1),
    }


def _texts(store: SyncFactStore, facts: int, seed: int, most: int) -> Mapping[str, Sequence[str]]:
    """Return texts to search for, by kind."""
    rng = random.Random(seed + 1)
    names = [one.entity for one in questions_about(facts, seed, rng)[:most]]
    if not store.search(names[0]).facts:
        raise BadStore("the store does not find what was put into it")
    return {
        "two_letters": [_part(name, 2, rng) for name in names],
        "three_letters": [_part(name, 3, rng) for name in names],
        "five_letters": [_part(name, 5, rng) for name in names],
        "whole_name": names,
        "question": [f"Where was {name} born, and what did they do?" for name in names],
    }


def _build_s(store: SyncFactStore) -> float:
    began = time.perf_counter()
    store.set_search_index()
    return time.perf_counter() - began


def _once_each(store: SyncFactStore, texts: Sequence[str]) -> dict[str, float]:
    """Return how long searches take, each text once."""
    return _ms(percentiles([_us(partial(store.search, text)) for text in texts]))


def _write_ms(store: SyncFactStore, value: str) -> dict[str, float]:
    """Return how long a commit of one fact takes."""
    from lamlam.memory_backends.model.facts import Fact
    from lamlam.memory_backends.model.operations import Assert

    written = [Fact(entity=f"Writer {n}", relation="note", value=value) for n in range(50)]
    return _ms(percentiles([_us(partial(store.apply, [Assert(fact)])) for fact in written]))


def _us(work: Callable[[], object]) -> float:
    began = time.perf_counter_ns()
    work()
    return (time.perf_counter_ns() - began) / 1000


def _part(name: str, length: int, rng: random.Random) -> str:
    word = max(name.split(), key=len)
    at = rng.randrange(max(1, len(word) - length + 1))
    return word[at : at + length]


def _ms(times: dict[str, float]) -> dict[str, float]:
    return {name: round(value / 1000, 2) for name, value in times.items()}
