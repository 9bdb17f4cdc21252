"""Draws annotated facts to be read by a person, and counts what was found.

``python -m tests.trainer.annotation.judgements.draw CORPUS ANNOTATED --seed 1 --show`` prints 200
facts that ANNOTATED has and CORPUS has not, and 200 of CORPUS, each with its sentence; without
``--show`` the rows of ``judgements.csv`` beside this file, with empty verdicts, or those that are
there. ``--shares`` counts the verdicts. The draw depends on the seed and the facts alone: the
facts with the smallest hashes are drawn.

``judgements.csv`` has no sentence: a document is the beginning of its text's SHA-256.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import heapq
import json
import lzma
import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

JUDGEMENTS = Path(__file__).with_name("judgements.csv")
COLUMNS = ("seed", "kind", "document", "offset", "relation", "verdict", "reason")
VERDICTS = ("right", "wrong", "cut short", "weak relation")
_AROUND = 200


@dataclass(frozen=True, slots=True, order=True)
class DrawnFact:
    """One fact that was drawn, and the text around its value."""

    rank: bytes
    kind: str
    document: str
    offset: int
    relation: str
    shown: str = ""

    @property
    def row(self) -> tuple[str, ...]:
        """The row's beginning, without seed and verdict."""
        return (self.kind, self.document, str(self.offset), self.relation)


def draw(
    pairs: Iterable[tuple[dict[str, Any], dict[str, Any]]], seed: int, n: int
) -> list[DrawnFact]:
    """Return n new and n old facts, by the hashes of seed, document, offset and relation.

    Args:
        pairs: each document before and after it was annotated.
        seed: of the draw.
        n: facts of each kind.
    """
    every = (fact for before, after in pairs for fact in _facts(before, after, seed))
    smallest: dict[str, list[tuple[int, DrawnFact]]] = {"new": [], "old": []}
    for fact in every:
        heap = smallest[fact.kind]
        item = (-int.from_bytes(fact.rank), fact)
        if len(heap) < n:
            heapq.heappush(heap, item)
        elif item > heap[0]:
            heapq.heapreplace(heap, item)
    return sorted(fact for heap in smallest.values() for _, fact in heap)


def _facts(before: dict[str, Any], after: dict[str, Any], seed: int) -> Iterator[DrawnFact]:
    text = after["text"]
    document = hashlib.sha256(text.encode()).hexdigest()[:16]
    had = {(at, *fact) for at, fact in zip(before["at"], before["facts"], strict=True)}
    for at, (entity, relation, value) in zip(after["at"], after["facts"], strict=True):
        kind = "old" if (at, entity, relation, value) in had else "new"
        key = f"{seed}\0{document}\0{at}\0{relation}".encode()
        rank = hashlib.blake2b(key, digest_size=8).digest()
        end = at + len(value)
        around = f"{text[max(0, at - _AROUND) : at]}[[{value}]]{text[end : end + 60]}".replace(
            "\n", " "
        )
        yield DrawnFact(rank, kind, document, at, relation, f"{entity} | {relation} | {around}")


def wilson(right: int, n: int) -> tuple[float, float]:
    """Return Wilson's interval of a share, at 95%.

    >>> [round(limit, 3) for limit in wilson(190, 200)]
    [0.91, 0.973]
    """
    z = 1.96
    share = right / n
    middle = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def judged(path: Path = JUDGEMENTS) -> list[dict[str, str]]:
    """Return the rows of a file of judgements."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def shares(rows: Iterable[dict[str, str]]) -> Iterator[str]:
    """Yield a line for each seed and kind: the share that is right, its interval, the verdicts."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for row in rows:
        counts.setdefault((row["seed"], row["kind"]), Counter())[row["verdict"]] += 1
    for (seed, kind), found in sorted(counts.items()):
        n = found.total()
        low, high = wilson(found["right"], n)
        others = ", ".join(f"{found[one]} {one}" for one in VERDICTS[1:])
        yield (
            f"seed {seed}, {kind}: {found['right']} of {n} right, {found['right'] / n:.3f}"
            f" ({low:.3f}-{high:.3f}); {others}"
        )


def _open(path: str) -> IO[str]:
    return (
        lzma.open(path, "rt", encoding="utf-8")
        if path.endswith(".xz")
        else open(path, encoding="utf-8")
    )


def _pairs(before: str, after: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    with _open(before) as old, _open(after) as new:
        for first, second in zip(old, new, strict=True):
            yield json.loads(first), json.loads(second)


def main(arguments: list[str]) -> int:
    """Draw, or count; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("corpus", nargs="?", help="the documents before")
    parser.add_argument("annotated", nargs="?", help="what lamlam annotate made of them")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--n", type=int, default=200, help="facts of each kind")
    parser.add_argument("--show", action="store_true", help="with the sentences, to read them")
    parser.add_argument("--shares", action="store_true", help="count the verdicts that are there")
    options = parser.parse_args(arguments)
    if options.shares or not options.annotated:
        sys.stdout.writelines(f"{line}\n" for line in shares(judged()))
        return 0
    known = {tuple(row[name] for name in COLUMNS[:5]): row for row in judged()}
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for n, fact in enumerate(
        draw(_pairs(options.corpus, options.annotated), options.seed, options.n), 1
    ):
        if options.show:
            sys.stdout.write(f"{n} {fact.kind} {fact.document} {fact.offset}: {fact.shown}\n")
            continue
        row = known.get((str(options.seed), *fact.row), {})
        writer.writerow([options.seed, *fact.row, row.get("verdict", ""), row.get("reason", "")])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
