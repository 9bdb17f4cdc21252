"""Documents with known facts aligned to them, by one process or several."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from lamlam.ending_signals import leave_to_parent
from lamlam.trainer.annotation.alignment import Aligner, Alignment
from lamlam.trainer.annotation.known_facts import KnownFacts
from lamlam.trainer.annotation.sentence_facts import read_facts
from lamlam.trainer.documents import Document

_CHUNK = 200
"""Documents that a worker process gets at a time."""


@dataclass(frozen=True, slots=True)
class FactFinder:
    """Finds the facts of one document after the other."""

    aligner: Aligner
    by_rules: bool = False
    """Also take what sentences state plainly, where no known value is."""

    def find(self, document: Document) -> tuple[Document, Document, Alignment]:
        """Return the document as it was, with its facts, and how it was aligned."""
        alignment = self.aligner.align(document)
        facts = alignment.facts
        if self.by_rules:
            taken = [(fact.at, fact.at + len(fact.value)) for fact in facts]
            read = [
                fact
                for fact in read_facts(document)
                if not any(a < fact.at + len(fact.value) and fact.at < b for a, b in taken)
            ]
            facts = tuple(sorted([*facts, *read], key=lambda fact: fact.at))
        stated = set(alignment.stated)
        others = tuple(fact for fact in document.other_facts if fact not in stated)
        return document, replace(document, facts=facts, other_facts=others), alignment


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
        for done in pool.imap(_find_in_chunk, _chunks(documents)):
            yield from done


def _chunks(documents: Iterable[Document]) -> Iterator[list[Document]]:
    iterator = iter(documents)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk


def _begin(known: KnownFacts, by_rules: bool) -> None:
    global _finder
    leave_to_parent()
    _finder = FactFinder(Aligner(known), by_rules)


def _find_in_chunk(documents: list[Document]) -> list[tuple[Document, Document, Alignment]]:
    assert _finder is not None
    return list(map(_finder.find, documents))
