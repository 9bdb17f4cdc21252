"""``python -m lamlam.bundled.draw_facts STORE``: facts drawn by a seed, to be read by a person.

What was found in two draws of 200 is kept in ``tests/bundled/read_facts.csv``: of the facts before
they were mended with seed 19, and of those that ship with seed 20, which nothing was mended by.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.sqlite.store import SqliteStore

SEED = 20
ITEMS = 200


def draw(facts: Iterable[Fact], items: int = ITEMS, seed: int = SEED) -> list[Fact]:
    """Return some of the facts, the same ones whatever the order in which they come."""
    found = sorted(facts, key=lambda fact: (fact.entity, fact.relation, fact.surface))
    return random.Random(seed).sample(found, min(items, len(found)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line of CSV for each fact; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lamlam.bundled.draw_facts",
        description="Draw facts of an SQLite store, to be read by a person.",
    )
    parser.add_argument("store", type=Path, help="the SQLite file")
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--seed", type=int, default=SEED)
    chosen = parser.parse_args(arguments)
    store = SqliteStore(chosen.store, read_only=True)
    try:
        drawn = draw(store.scan_nowait(include_expired=True), chosen.items, chosen.seed)
    finally:
        store.close_nowait()
    writer = csv.writer(sys.stdout)
    writer.writerow(("entity", "relation", "value", "source"))
    writer.writerows(
        (fact.entity, fact.relation, fact.surface, "; ".join(fact.sources)) for fact in drawn
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
