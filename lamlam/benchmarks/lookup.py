"""How fast facts are found, and what they cost in bytes, on invented names."""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from lamlam.benchmarks.invented_facts import invented_facts, invented_triples
from lamlam.benchmarks.peak_memory import peak_rss_mb
from lamlam.benchmarks.peers import installed_peers
from lamlam.benchmarks.rounds import in_turns, median_ratio
from lamlam.errors import BadStore, UsageError
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.protocol import FactStore

_N_TIMED = 20_000
_N_FUZZY = 2_000
_N_ROUND = 5_000
_FEWEST = 50
_ROUND_S = 2.0
_N_COLD = 200
_N_PROMPTS = 500
_PROMPT_WORDS = 60
_LONGEST_NAME = 8
_BETWEEN = "the of in and was which is by a to".split()


def lookup_benchmark(
    facts: int, url: str | None = None, seed: int = 0, *, peers: int = 0
) -> dict[str, Any]:
    """Return how long lookups take in a store of so many invented facts.

    Names recombine a small vocabulary, so that nearly every name has close neighbours:
    harder than real names. Progress goes to standard error.

    Args:
        facts: how many facts the store is filled with.
        url: an empty store; by default a temporary file.
        seed: of the names and of the choice of questions.
        peers: so many rounds in which other stores of the same facts answer the same questions
            by turns (`peers.PEERS`, as far as they are installed); 0: none.

    Returns:
        ``peers``: for ours and for each other store ``p50_us``, ``p99_us`` (medians of the
        rounds), ``bytes_per_fact``, and for the others ``p50_ratio`` and ``p99_ratio``, the medians
        of how many times as long ours took in the same round; and
        ``exact_us``, ``fuzzy_us`` (one typing error), ``absent_us`` (a name that memory does
        not know, probed without fuzziness), ``names_us`` and ``names_loosely_us`` (which names a
        prompt of 60 words has, about 250 stretches of words in one question), ``cold_us`` (the file evicted from the cache of
        the system; ``None`` where that cannot be done), each with ``p50`` and ``p99``;
        ``fuzzy_found`` (share); ``bytes_per_fact``; ``anonymous_mb`` of this process;
        ``load_facts_per_s``, ``load_peak_rss_mb``.
    """
    if facts < 1:
        raise UsageError("a benchmark needs at least one fact")
    with filled_store(facts, url, seed) as (store, path, loaded):
        rng = random.Random(seed + 1)
        questions = questions_about(facts, seed, rng)
        result: dict[str, Any] = {"facts": facts}
        _say("timing exact lookups")
        found = sum(bool(store.lookup_nowait(query).value) for query in questions[:1000])
        if found < len(questions[:1000]):
            raise BadStore("the store does not find what was put into it")
        result["exact_us"] = timed(store.lookup_nowait, questions)
        _say("timing misspelt names")
        misspelt = [Lookup(_misspelt(q.entity, rng), q.relation) for q in questions[:_N_FUZZY]]
        answers = [store.lookup_nowait(query) for query in misspelt]
        result["fuzzy_us"] = timed(store.lookup_nowait, misspelt)
        result["fuzzy_found"] = round(sum(bool(a.value) for a in answers) / len(answers), 4)
        _say("timing absent names")
        absent = [f"{q.entity.split()[-1]} {q.entity.split()[0]}ux" for q in questions]
        result["absent_us"] = timed(lambda name: store.describe_nowait(name, fuzzy=False), absent)
        _say("timing the names of prompts")
        prompts = [_stretches(_prompt(questions, rng)) for _ in range(_N_PROMPTS)]
        result["names_us"] = timed(store.known_names_nowait, prompts)
        loosely = partial(store.known_names_nowait, loosely=True)
        result["names_loosely_us"] = timed(loosely, prompts)
        result["anonymous_mb"] = anonymous_mb()
        result["bytes_per_fact"] = round(path.stat().st_size / facts, 1) if path else None
        if peers:
            result["peers"] = _beside_peers(store, result["bytes_per_fact"], facts, seed, peers)
        # Last: what it evicts from the cache of the system would be read again beside the others.
        result["cold_us"] = cold(path, questions[:_N_COLD]) if path else None
        return {**result, **loaded}


def _beside_peers(
    store: FactStore, bytes_per_fact: float | None, facts: int, seed: int, rounds: int
) -> dict[str, dict[str, float | None]]:
    """Return figures of ours and of other stores, which are asked by turns."""
    rng = random.Random(seed + 2)
    figures: dict[str, dict[str, float | None]] = {"lamlam": {"bytes_per_fact": bytes_per_fact}}
    asked: dict[str, Callable[[Lookup], object]] = {
        "lamlam": lambda query: store.lookup_nowait(query).value
    }
    questions = questions_about(facts, seed, rng)
    with tempfile.TemporaryDirectory(prefix="lamlam-bench-") as folder, ExitStack() as opened:
        for peer in installed_peers(Path(folder)):
            _say(f"writing {facts:,} facts into {peer.name}")
            peer.fill(invented_triples(facts, seed))
            figures[peer.name] = {"bytes_per_fact": round(peer.n_bytes() / facts, 1)}
            peer.open()
            opened.callback(peer.close)
            asked[peer.name] = partial(_ask, peer.lookup)
            if any(asked[peer.name](query) is None for query in questions[:1000]):
                raise BadStore(f"{peer.name} does not find what was put into it")
        times: dict[str, list[dict[str, float]]] = {name: [] for name in asked}
        n_asked = {name: _affordable(ask, questions) for name, ask in asked.items()}
        for name, ask in asked.items():  # what a round asks is in the caches, as far as they reach
            for query in questions[: n_asked[name] * _N_TIMED // _N_ROUND]:
                ask(query)
        for n in range(rounds):
            _say(f"round {n + 1} of {rounds}")
            for name in in_turns(asked, n):
                asked_now = rng.choices(questions, k=n_asked[name])
                times[name].append(timed(asked[name], asked_now))
    ours = times["lamlam"]
    for name, theirs in times.items():
        for cut in ("p50", "p99"):
            figures[name][f"{cut}_us"] = round(statistics.median([one[cut] for one in theirs]), 2)
            if name != "lamlam":
                pairs = [one[cut] for one in ours], [one[cut] for one in theirs]
                figures[name][f"{cut}_ratio"] = median_ratio(*pairs)
    return figures


def _affordable(ask: Callable[[Lookup], object], questions: Sequence[Lookup]) -> int:
    """Return how many questions a round has time for: a slow store is asked fewer."""
    few = questions[:_FEWEST]
    began = time.perf_counter()
    for question in few:
        ask(question)
    seconds = (time.perf_counter() - began) / len(few)
    return max(_FEWEST, min(_N_ROUND, int(_ROUND_S / seconds)))


def _ask(lookup: Callable[[str, str], object], query: Lookup) -> object:
    return lookup(query.entity, query.relation)


@contextmanager
def filled_store(
    facts: int, url: str | None, seed: int
) -> Iterator[tuple[FactStore, Path | None, dict[str, Any]]]:
    """Yield an open store with the facts, its file if it has one, and the figures of loading."""
    from lamlam.memory_backends.sync import SyncFactStore

    with tempfile.TemporaryDirectory(prefix="lamlam-bench-") as folder:
        chosen = url or f"sqlite:///{Path(folder, 'facts.db')}"
        with SyncFactStore(chosen) as store:
            info = store.info()
            if info.facts:
                raise BadStore(f"{chosen} already holds facts", hint="name an empty store")
            _say(f"writing {facts:,} facts")
            began = time.perf_counter()
            store.load(invented_facts(facts, seed))
            seconds = time.perf_counter() - began
            loaded = {
                "load_facts_per_s": round(facts / seconds),
                "load_peak_rss_mb": peak_rss_mb(),
            }
            if info.backend != "sqlite":
                yield store._opened(), None, loaded
                return
        with SyncFactStore(chosen, create=False, read_only=True) as reopened:
            yield reopened._opened(), Path(info.location), loaded


def questions_about(n_facts: int, seed: int, rng: random.Random) -> list[Lookup]:
    """Return questions that facts of `filled_store` answer."""
    share = min(1.0, 3 * _N_TIMED / n_facts)
    picked = [Lookup(e, r) for e, r, _ in invented_triples(n_facts, seed) if rng.random() < share]
    picked = picked or [Lookup(e, r) for e, r, _ in invented_triples(n_facts, seed)]
    return rng.choices(picked, k=_N_TIMED)


def _misspelt(name: str, rng: random.Random) -> str:
    """Return the name with one letter of its last word doubled, left out, replaced or swapped."""
    *words, word = name.split()
    at = rng.randrange(1, len(word) - 1)
    slip = rng.choice(
        (
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1 :],
            word[:at] + rng.choice("aeioubdfgklmnprstvwz") + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        )
    )
    return " ".join([*words, slip])


def _prompt(questions: Sequence[Lookup], rng: random.Random) -> list[str]:
    """Return words of names between words that belong to none, and a whole name among them."""
    words = [
        rng.choice(_BETWEEN)
        if rng.random() < 0.3
        else rng.choice(rng.choice(questions).entity.split())
        for _ in range(_PROMPT_WORDS)
    ]
    name = rng.choice(questions).entity.split()
    at = rng.randrange(_PROMPT_WORDS - len(name))
    return [*words[:at], *name, *words[at + len(name) :]]


def _stretches(words: Sequence[str]) -> list[str]:
    """Return all runs of up to eight words that neither begin nor end with one that no name has."""
    return [
        " ".join(words[begin:end])
        for begin in range(len(words))
        for end in range(begin + 1, min(begin + _LONGEST_NAME, len(words)) + 1)
        if words[begin] not in _BETWEEN and words[end - 1] not in _BETWEEN
    ]


def cold(path: Path, questions: Sequence[Lookup]) -> dict[str, float] | None:
    """Return lookup times while neither SQLite nor the system caches the file."""
    if not hasattr(os, "posix_fadvise"):
        return None
    from lamlam.memory_backends.sqlite.store import SqliteStore

    _say("timing cold lookups")
    times = []
    for query in questions:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        store = SqliteStore(path, read_only=True, is_frozen=True)
        store.lookup_nowait(Lookup("Nobody At All", "birth date"))  # root pages and imports
        began = time.perf_counter_ns()
        store.lookup_nowait(query)
        times.append((time.perf_counter_ns() - began) / 1000)
        store.close_nowait()
    return percentiles(times)


def timed(ask: Callable[[Any], object], questions: Sequence[Any]) -> dict[str, float]:
    """Return microseconds per call."""
    for question in questions[:500]:
        ask(question)
    times = []
    clock = time.perf_counter_ns
    for question in questions:
        began = clock()
        ask(question)
        times.append((clock() - began) / 1000)
    return percentiles(times)


def percentiles(times: Sequence[float]) -> dict[str, float]:
    if len(times) < 2:
        return {"p50": round(times[0], 2), "p99": round(times[0], 2)}
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {"p50": round(cuts[49], 2), "p99": round(cuts[98], 2)}


def anonymous_mb() -> float | None:
    """Return the memory of this process that no file is behind, in MiB; None where nothing tells."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    for line in status.splitlines():
        if line.startswith("RssAnon:"):
            return round(int(line.split()[1]) / 1024, 1)
    return None


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
