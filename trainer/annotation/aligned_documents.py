"""Documents with known facts aligned to them, by one process or several."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from lamlam.ending_signals import leave_to_parent
from lamlam.trainer.annotation.alignment import Aligner, Alignment
from lamlam.trainer.annotation.known_facts import KnownFacts
from lamlam.trainer.documents import Document

_CHUNK = 200
"""Documents that a worker process gets at a time."""
_aligner: Aligner | None = None


def align_documents(
    documents: Iterable[Document], known: KnownFacts, *, workers: int = 1
) -> Iterator[tuple[Document, Document, Alignment]]:
    """Yield each document as it was, with its facts, and how it was aligned; in order.

    The result does not depend on the number of workers.

    Args:
        documents: facts that they have already stay.
        known: the facts to align.
        workers: processes; each holds the facts in memory.
    """
    if workers <= 1:
        aligner = Aligner(known)
        for document in documents:
            yield _with_facts(document, aligner.align(document))
        return
    # Not forked: the process may have threads, and other systems cannot.
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, _begin, (known,)) as pool:
        for done in pool.imap(_align_chunk, _chunks(documents)):
            yield from done


def _chunks(documents: Iterable[Document]) -> Iterator[list[Document]]:
    iterator = iter(documents)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk


def _begin(known: KnownFacts) -> None:
    global _aligner
    leave_to_parent()
    _aligner = Aligner(known)


def _align_chunk(documents: list[Document]) -> list[tuple[Document, Document, Alignment]]:
    assert _aligner is not None
    return [_with_facts(document, _aligner.align(document)) for document in documents]


def _with_facts(document: Document, alignment: Alignment) -> tuple[Document, Document, Alignment]:
    stated = set(alignment.stated)
    others = tuple(fact for fact in document.other_facts if fact not in stated)
    return document, replace(document, facts=alignment.facts, other_facts=others), alignment
