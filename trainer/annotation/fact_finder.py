"""The facts of one document after the other, by alignment and by rules; and chunks of documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from lamlam.trainer.annotation.alignment import Aligner, Alignment
from lamlam.trainer.annotation.sentence_facts import read_facts
from lamlam.trainer.documents import Document

_CHUNK = 200
"""Documents that a worker gets at a time."""


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


def chunks(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Yield the documents in lists of a size that is worth a message to a worker."""
    iterator = iter(documents)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk
