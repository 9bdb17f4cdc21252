"""Documents with known facts aligned to them, by one process or several."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator

from lamlam.ending_signals import leave_to_parent
from lamlam.trainer.annotation.alignment import Aligner, Alignment
from lamlam.trainer.annotation.fact_finder import FactFinder, chunks
from lamlam.trainer.annotation.known_facts import KnownFacts
from lamlam.trainer.documents import Document

_finder: FactFinder | None = None


def align_documents(
    documents: Iterable[Document],
    known: KnownFacts,
    *,
    workers: int = 1,
    by_rules: bool = False,
) -> Iterator[tuple[Document, Document, Alignment]]:
    """Yield each document as it was, with its facts, and how it was aligned; in order.

    The result does not depend on the number of workers.

    Args:
        documents: facts that they have already stay.
        known: the facts to align.
        by_rules: also take what sentences state plainly.
        workers: processes; each holds the facts in memory.
    """
    if workers <= 1:
        yield from map(FactFinder(Aligner(known), by_rules).find, documents)
        return
    # Not forked: the process may have threads, and other systems cannot.
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, _begin, (known, by_rules)) as pool:
        for done in pool.imap(_find_in_chunk, chunks(documents)):
            yield from done


def _begin(known: KnownFacts, by_rules: bool) -> None:
    global _finder
    leave_to_parent()
    _finder = FactFinder(Aligner(known), by_rules)


def _find_in_chunk(documents: list[Document]) -> list[tuple[Document, Document, Alignment]]:
    assert _finder is not None
    return list(map(_finder.find, documents))
