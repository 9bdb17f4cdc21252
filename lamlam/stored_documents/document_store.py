"""Documents of a fact store: written in one commit, read by key, query, filter and age."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lamlam.memory_backends.model.clock import now
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.operations import Op
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.stored_documents.document import (
    ITEM,
    TEXT,
    StoredDocument,
    changes_of,
    documents_of,
    removal_of,
)
from lamlam.stored_documents.encoded_names import decoded, encoded
from lamlam.stored_documents.filters import fits

_MOST_FOUND, _MOST_ASKED = 10_000, 4_000


class DocumentStore:
    """Documents in the namespaces ``(*root, *labels)`` of an open fact store.

    Labels and keys are encoded, so that "Note_A" and "note a", which are one name in a memory, stay
    two. What has expired is hidden at once. One thread at a time.
    """

    def __init__(self, facts: SyncFactStore, root: Namespace) -> None:
        """Store where documents are; ``root`` keeps them apart from other facts."""
        self._facts, self._root = facts, root

    def get(self, labels: Namespace, key: str) -> StoredDocument | None:
        """Return the document of a key."""
        return self._read(encoded(key), self._place(labels))

    def new(
        self,
        labels: Namespace,
        key: str,
        value: Mapping[str, Any],
        text: str,
        minutes: float | None,
    ) -> StoredDocument:
        """Return a document as it is to be written now, as old as the one that it replaces.

        Args:
            labels: of its namespace.
            key: of it there.
            value: of JSON.
            text: what queries search.
            minutes: that it lives after it was last used.
        """
        before, at = self.get(labels, key), now()
        created = before.created_at if before else at
        return StoredDocument(labels, key, dict(value), created, at, text, minutes)

    def write(
        self,
        written: Iterable[StoredDocument],
        removed: Sequence[tuple[Namespace, str]] = (),
        *,
        erase: bool = False,
    ) -> None:
        """Write and remove documents in one commit.

        Args:
            written: documents, whose time to live begins anew.
            removed: labels and keys.
            erase: remove for good, with the history; takes much longer (`SyncFactStore.erase`).

        Raises:
            BadFact: a namespace is too deep, or a key or value too long for a fact.
            TypeError: a value is not JSON.
        """
        changes: list[Op] = []
        for one in written:
            changes += changes_of(one, self._place(one.labels))
        for labels, key in removed:
            changes += removal_of(key, self._place(labels))
        if changes:
            self._facts.apply(changes)
        for labels, key in removed if erase else ():
            self._facts.erase(encoded(key), namespace=self._place(labels))

    def search(
        self, labels: Namespace, query: str | None, wanted: Mapping[str, Any] | None
    ) -> Iterator[tuple[StoredDocument, float | None]]:
        """Yield what is under labels, with its score, the best of each namespace first.

        Args:
            labels: that those of each document begin with.
            query: words to search for; without any, the newest come first and have no score.
            wanted: a filter of values (`filters.fits`).

        Raises:
            ValueError: the filter has an operator that is not known.
        """
        places = [one.namespace for one in self._facts.namespaces(self._place(labels))]
        found: Iterable[tuple[StoredDocument, float | None]]
        if query and query.strip():
            found = self._asked(query[:_MOST_ASKED], places)
        else:
            scans = (self._facts.scan(namespace=place) for place in places)
            listed = [one for scan in scans for one in documents_of(scan, len(self._root))]
            newest = sorted(listed, key=lambda one: one.updated_at, reverse=True)
            found = ((one, None) for one in newest)
        return ((one, score) for one, score in found if fits(one.value, wanted or {}))

    def labels(self) -> set[Namespace]:
        """Return the labels that documents have."""
        return {
            tuple(map(decoded, one.namespace[len(self._root) :]))
            for one in self._facts.namespaces(self._root)
            if any(self._facts.scan(relation=ITEM, namespace=one.namespace))
        }

    def sweep(self) -> int:
        """Retract what has expired; return how many documents that were."""
        ended = [
            fact
            for known in self._facts.namespaces(self._root)
            for fact in self._facts.sweep(namespace=known.namespace).ended
        ]
        return sum(fact.relation == ITEM for fact in ended)

    def _asked(self, query: str, places: list[Namespace]) -> Iterator[tuple[StoredDocument, float]]:
        ranked = []
        for n, place in enumerate(places):
            facts = self._facts.search(query, namespace=place, limit=_MOST_FOUND).facts
            names = dict.fromkeys(fact.entity for fact in facts if fact.relation == TEXT)
            ranked += [(rank, n, name) for rank, name in enumerate(names)]
        for rank, n, name in sorted(ranked):
            if one := self._read(name, places[n]):
                yield one, 1 / (1 + rank)

    def _read(self, name: str, place: Namespace) -> StoredDocument | None:
        facts = self._facts.scan(name, namespace=place)
        return next(documents_of(facts, len(self._root)), None)

    def _place(self, labels: Namespace) -> Namespace:
        return (*self._root, *map(encoded, labels))
