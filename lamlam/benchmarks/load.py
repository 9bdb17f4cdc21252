"""How fast a file of facts is imported, beside other stores that take the same facts as they are.

The import is the whole command: its start, reading the file, the spelling index and the log. The
others get tuples that are ready, and have neither; what making the tuples takes is not counted.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from operator import add, sub
from pathlib import Path
from typing import Any, NamedTuple

from lamlam.benchmarks.invented_facts import invented_triples
from lamlam.benchmarks.lookup import filled_store
from lamlam.benchmarks.peers import Peer, Triple, installed_peers
from lamlam.benchmarks.served_file import serving_figures
from lamlam.errors import Unavailable
from lamlam.memory_backends.model.lookups import Lookup

_AT_ONCE = 200_000
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_SAMPLE_S = 0.02
_QUESTIONS = 20_000


class _Seconds(NamedTuple):
    """How long something took."""

    wall: float
    processor: float
    """Of all processes together."""


class _Import(NamedTuple):
    """What an import took."""

    seconds: _Seconds
    largest: int
    """Bytes of memory of the largest process."""
    together: int
    """Bytes of memory of all processes."""


def load_benchmark(
    facts: int, url: str | None = None, pairs: int = 3, seed: int = 0
) -> dict[str, Any]:
    """Return how fast so many invented facts are written.

    Args:
        facts: how many.
        url: an empty store, which is filled once from Python; by default a file of JSON lines is
            imported into new fact files, by turns with other stores, as far as they are installed.
        pairs: rounds; the medians are returned. With 0 the file is imported once, beside nothing.
        seed: of the facts.

    Returns:
        ``facts_per_s``, ``seconds``, ``processor_s`` of all processes, ``bytes_per_fact``,
        ``peak_rss_mb`` of the largest process and ``peak_rss_of_all_mb`` of all together, shared pages
        counted for each; for each other store ``NAME_facts_per_s``, ``NAME_times``: how many times
        its speed the import has, and ``NAME_processor_s``; and of lookups in the last store that was
        made, in a process of their own, ``exact_us``, ``cold_us`` and ``anonymous_mb``.
    """
    if url is not None:
        return _into_store(facts, url, seed)
    with tempfile.TemporaryDirectory(prefix="lamlam-bench-") as name:
        folder = Path(name)
        file, store = folder / "facts.jsonl", folder / "facts.db"
        _say(f"writing a file of {facts:,} facts")
        questions = _written(file, facts, seed)
        environment = _with_bytecode(folder)
        imports: list[_Import] = []
        others: dict[str, list[_Seconds]] = {}
        for n in range(max(pairs, 1)):
            for peer in installed_peers(folder) if pairs else ():
                _say(f"round {n + 1} of {pairs}: {peer.name}")
                others.setdefault(peer.name, []).append(_seconds_of(peer, file))
            store.unlink(missing_ok=True)
            _say(f"round {n + 1} of {pairs or 1}: lamlam facts import")
            imports.append(_imported(file, store, environment))
        seconds = statistics.median([one.seconds.wall for one in imports])
        figures: dict[str, Any] = {
            "facts": facts,
            "facts_per_s": round(facts / seconds),
            "seconds": round(seconds, 2),
            "processor_s": _processor_s([one.seconds for one in imports]),
            "peak_rss_mb": max(one.largest for one in imports) >> 20,
            "peak_rss_of_all_mb": max(one.together for one in imports) >> 20,
            "bytes_per_fact": round(store.stat().st_size / facts, 1),
        }
        for name, times in others.items():
            figures[f"{name}_facts_per_s"] = round(
                facts / statistics.median([one.wall for one in times])
            )
            pairs_of = zip(times, imports, strict=True)
            ratios = [theirs.wall / ours.seconds.wall for theirs, ours in pairs_of]
            figures[f"{name}_times"] = round(statistics.median(ratios), 2)
            figures[f"{name}_processor_s"] = _processor_s(times)
        return {**figures, **serving_figures(store, questions)}


def _written(file: Path, facts: int, seed: int) -> list[Lookup]:
    """Write a file of JSON lines, and return questions that some of its facts answer."""
    questions: list[Lookup] = []
    step = max(1, facts // _QUESTIONS)
    with file.open("w", encoding="utf-8") as lines:
        for n, (entity, relation, value) in enumerate(invented_triples(facts, seed)):
            # The texts are letters, digits and spaces, which JSON has as they are.
            lines.write(f'{{"entity": "{entity}", "relation": "{relation}", "value": "{value}"}}\n')
            if not n % step:
                questions.append(Lookup(entity, relation))
    random.Random(seed + 1).shuffle(questions)
    return questions


def _processor_s(times: Iterable[_Seconds]) -> float:
    return round(statistics.median([one.processor for one in times]), 2)


def _into_store(facts: int, url: str, seed: int) -> dict[str, Any]:
    with filled_store(facts, url, seed) as (_, path, loaded):
        size = round(path.stat().st_size / facts, 1) if path else None
        return {
            "facts": facts,
            "facts_per_s": loaded["load_facts_per_s"],
            "peak_rss_mb": loaded["load_peak_rss_mb"],
            "bytes_per_fact": size,
        }


class _ReadyFacts:
    """Facts of a file as tuples, some at a time, with the time that making them takes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.making = _Seconds(0.0, 0.0)

    def __iter__(self) -> Iterator[Triple]:
        with self._file.open(encoding="utf-8") as lines:
            while True:
                began = _now()
                ready = [tuple(json.loads(line).values()) for line in islice(lines, _AT_ONCE)]
                taken = _since(began)
                self.making = _Seconds(*map(add, self.making, taken))
                if not ready:
                    return
                yield from ready


def _now() -> _Seconds:
    return _Seconds(time.perf_counter(), time.process_time())


def _since(began: _Seconds) -> _Seconds:
    return _Seconds(*map(sub, _now(), began))


def _seconds_of(peer: Peer, file: Path) -> _Seconds:
    """Return how long a store takes for the facts of a file, and remove it."""
    facts = _ReadyFacts(file)
    began = _now()
    peer.fill(facts)
    seconds = _Seconds(*map(sub, _since(began), facts.making))
    shutil.rmtree(peer.folder)
    return seconds


def _with_bytecode(folder: Path) -> dict[str, str]:
    """Return the environment of the command, with byte code as an installation has it.

    Without, as in a source tree that may not be written, each process would compile its modules
    anew.
    """
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    facts = "".join(f'{{"entity": "{n}", "relation": "r", "value": "{n}"}}\n' for n in range(3))
    (folder / "few.jsonl").write_text(facts + "\n" * (8 << 20))  # in parts, by all processes
    _imported(folder / "few.jsonl", folder / "few.db", environment)
    return environment


def _imported(file: Path, store: Path, environment: dict[str, str]) -> _Import:
    """Import a file by the command.

    Raises:
        Unavailable: the command failed.
    """
    command = [sys.executable, "-m", "lamlam", "facts", "import", str(file)]
    began, before = time.perf_counter(), _children_s()
    process = subprocess.Popen(
        [*command, "--memory", f"sqlite:///{store}", "--json"],
        stdout=subprocess.DEVNULL,
        env=environment,
    )
    watch = _MemoryWatch(process.pid)
    status = process.wait()
    seconds = _Seconds(time.perf_counter() - began, _children_s() - before)
    watch.end()
    if status:
        raise Unavailable(f"lamlam facts import ended with status {status}")
    return _Import(seconds, watch.largest, watch.together)


def _children_s() -> float:
    """Return the processor time of all processes that this one, and its own, waited for."""
    times = os.times()
    return times.children_user + times.children_system


class _MemoryWatch:
    """Looks at the resident memory of a process and its children, where the system shows it."""

    def __init__(self, process: int) -> None:
        self.largest = self.together = 0
        self._process = process
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop looking."""
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_SAMPLE_S):
            sizes = [_resident(one) for one in (self._process, *_children(self._process))]
            self.largest = max(self.largest, *sizes)
            self.together = max(self.together, sum(sizes))


def _children(process: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
