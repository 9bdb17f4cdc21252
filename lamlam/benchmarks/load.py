"""How fast a file of facts is imported, beside other stores that take the same facts as they are.

The import is the whole command: its start, reading the file, the spelling index and the log. The
others get tuples that are ready, and have neither; what making the tuples takes is not counted.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from lamlam.benchmarks.invented_facts import invented_triples
from lamlam.benchmarks.lookup import filled_store
from lamlam.benchmarks.peers import Peer, Triple, installed_peers
from lamlam.errors import Unavailable

_AT_ONCE = 200_000
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_SAMPLE_S = 0.02


def load_benchmark(
    facts: int, url: str | None = None, pairs: int = 3, seed: int = 0
) -> dict[str, Any]:
    """Return how fast so many invented facts are written.

    Args:
        facts: how many.
        url: an empty store, which is filled once from Python; by default a file of JSON lines is
            imported into new fact files, by turns with other stores, as far as they are installed.
        pairs: rounds; the medians are returned.
        seed: of the facts.

    Returns:
        ``facts_per_s``, ``seconds``, ``bytes_per_fact``, ``peak_rss_mb`` of the largest process and
        ``peak_rss_of_all_mb`` of all together, shared pages counted for each; and for each other store
        ``NAME_facts_per_s`` and ``NAME_times``: how many times its speed the import has.
    """
    if url is not None:
        return _into_store(facts, url, seed)
    with tempfile.TemporaryDirectory(prefix="lamlam-bench-") as name:
        folder = Path(name)
        file = folder / "facts.jsonl"
        _say(f"writing a file of {facts:,} facts")
        with file.open("w", encoding="utf-8") as lines:
            for entity, relation, value in invented_triples(facts, seed):
                record = {"entity": entity, "relation": relation, "value": value}
                lines.write(json.dumps(record, ensure_ascii=False) + "\n")
        imports: list[tuple[float, int, int]] = []
        others: dict[str, list[float]] = {}
        n_bytes = 0
        for n in range(pairs):
            for peer in installed_peers(folder):
                _say(f"round {n + 1} of {pairs}: {peer.name}")
                others.setdefault(peer.name, []).append(_seconds_of(peer, file))
            _say(f"round {n + 1} of {pairs}: lamlam facts import")
            store = folder / "facts.db"
            imports.append(_imported(file, store))
            n_bytes = store.stat().st_size
            store.unlink()
    seconds = statistics.median([one[0] for one in imports])
    figures: dict[str, Any] = {
        "facts": facts,
        "facts_per_s": round(facts / seconds),
        "seconds": round(seconds, 2),
        "peak_rss_mb": max(one[1] for one in imports) >> 20,
        "peak_rss_of_all_mb": max(one[2] for one in imports) >> 20,
        "bytes_per_fact": round(n_bytes / facts, 1),
    }
    for name, times in others.items():
        figures[f"{name}_facts_per_s"] = round(facts / statistics.median(times))
        ratios = [theirs / ours[0] for theirs, ours in zip(times, imports, strict=True)]
        figures[f"{name}_times"] = round(statistics.median(ratios), 2)
    return figures


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
        self.making_s = 0.0

    def __iter__(self) -> Iterator[Triple]:
        with self._file.open(encoding="utf-8") as lines:
            while True:
                began = time.perf_counter()
                ready = [tuple(json.loads(line).values()) for line in islice(lines, _AT_ONCE)]
                self.making_s += time.perf_counter() - began
                if not ready:
                    return
                yield from ready


def _seconds_of(peer: Peer, file: Path) -> float:
    """Return how long a store takes for the facts of a file, and remove it."""
    facts = _ReadyFacts(file)
    began = time.perf_counter()
    peer.fill(facts)
    seconds = time.perf_counter() - began - facts.making_s
    shutil.rmtree(peer.folder)
    return seconds


def _imported(file: Path, store: Path) -> tuple[float, int, int]:
    """Import a file by the command; return seconds, and bytes of memory at the most.

    Raises:
        Unavailable: the command failed.
    """
    command = [sys.executable, "-m", "lamlam", "facts", "import", str(file)]
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--memory", f"sqlite:///{store}", "--json"], stdout=subprocess.DEVNULL
    )
    watch = _MemoryWatch(process.pid)
    status = process.wait()
    seconds = time.perf_counter() - began
    watch.end()
    if status:
        raise Unavailable(f"lamlam facts import ended with status {status}")
    return seconds, watch.largest, watch.together


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
