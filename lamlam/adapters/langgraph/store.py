"""`LamlamStore`: what graphs remember, as facts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from threading import Lock
from typing import Any

import anyio.to_thread
from langgraph.store.base import (
    BaseStore,
    GetOp,
    ListNamespacesOp,
    Op,
    PutOp,
    Result,
    SearchOp,
    TTLConfig,
    get_text_at_path,
    validate_op_namespace,
)

from lamlam.adapters.langgraph import stored_items as stored
from lamlam.adapters.langgraph.filters import fits, matches
from lamlam.adapters.langgraph.stored_items import StoredItem, encoded
from lamlam.errors import UsageError
from lamlam.memory_backends.model.clock import now
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.operations import Op as Change
from lamlam.memory_backends.sync import SyncFactStore

_MOST_FOUND, _MOST_ASKED = 10_000, 4_000


class LamlamStore(BaseStore):
    """A `BaseStore` over a fact store: ``graph.compile(store=LamlamStore(facts))``.

    An item is an entity of the namespace ``(*root, *labels)``, its value JSON text. Keys are encoded,
    so that "Note_A" and "note a", which are one name in a memory, stay two items. What has expired is
    hidden at once. A deleted or replaced item stays in the history of the store, unless it is to be
    erased.
    """

    supports_ttl = True

    def __init__(
        self,
        facts: SyncFactStore,
        *,
        root: Namespace = ("langgraph",),
        fields: Sequence[str] = ("$",),
        ttl: TTLConfig | None = None,
        erase: bool = False,
    ) -> None:
        """Store where items are kept.

        Args:
            facts: an open store, which stays open. Async methods work on it in a thread.
            root: of the namespaces of items, which keeps them apart from other facts.
            fields: paths of what a query searches, such as ``memory`` or ``notes[*].text``.
            ttl: ``default_ttl`` in minutes, and ``refresh_on_read`` (by default true).
            erase: delete for good, with the history; takes much longer (`SyncFactStore.erase`).

        Raises:
            UsageError: not an open store of code without ``async``.
        """
        if not isinstance(facts, SyncFactStore):
            raise UsageError(
                f"LamlamStore needs a SyncFactStore, got {type(facts).__name__}",
                hint="open one by: with lamlam.SyncFactStore(URL) as facts",
            )
        self.ttl_config = ttl
        self._facts, self._root, self._fields, self._erase = facts, root, fields, erase
        self._lock = Lock()

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do what `batch` does, in a thread."""
        return await anyio.to_thread.run_sync(self.batch, list(ops))

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Return the answers, in order, and then write everything in one commit.

        Raises:
            InvalidNamespaceError: a label is not valid.
            BadFact: a namespace is too deep, or a key or value too long for a fact.
            TypeError: a value is not JSON.
        """
        results: list[Any] = []
        writes: dict[tuple[Namespace, str], PutOp] = {}
        read: dict[tuple[Namespace, str], StoredItem] = {}
        with self._lock:
            for op in ops:
                validate_op_namespace(op)
                found: list[StoredItem] = []
                if isinstance(op, PutOp):
                    writes[op.namespace, op.key] = op
                    results.append(None)
                elif isinstance(op, ListNamespacesOp):
                    results.append(self._namespaces(op))
                elif isinstance(op, SearchOp):
                    found = self._search(op)
                    results.append([one.item for one in found])
                elif isinstance(op, GetOp):
                    found = self._get(op.namespace, op.key)
                    results.append(found[0].plain() if found else None)
                else:
                    raise ValueError(f"unknown operation: {type(op).__name__}")
                if getattr(op, "refresh_ttl", False):
                    read |= {(one.item.namespace, one.item.key): one for one in found}
            self._write(writes, [one for at, one in read.items() if at not in writes])
        return results

    def sweep_ttl(self) -> int:
        """Retract what has expired; return how many items that were."""
        with self._lock:
            ended = [
                fact
                for known in self._facts.namespaces(self._root)
                for fact in self._facts.sweep(namespace=known.namespace).ended
            ]
        return sum(fact.relation == stored.ITEM for fact in ended)

    def _write(
        self, writes: dict[tuple[Namespace, str], PutOp], read: Iterable[StoredItem]
    ) -> None:
        changes: list[Change] = []
        for (labels, key), op in writes.items():
            values = {} if op.value is None else self._values(op)
            changes += stored.changes_of(key, self._place(labels), values, op.ttl)
        for one in read:
            changes += one.refreshed()
        if changes:
            self._facts.apply(changes)
        for (labels, key), op in writes.items():
            if op.value is None and self._erase:
                self._facts.erase(encoded(key), namespace=self._place(labels))

    def _values(self, op: PutOp) -> dict[str, str]:
        """Return the values of the facts of an item that is put."""
        value, at = dict(op.value or {}), now().isoformat()
        before = self._get(op.namespace, op.key)
        created = before[0].item.created_at.isoformat() if before else at
        paths = self._fields if op.index is None else op.index or ()
        texts = [text for path in paths for text in get_text_at_path(value, path)]
        return {
            stored.ITEM: json.dumps(value, ensure_ascii=False),
            stored.TIMES: json.dumps({"created": created, "updated": at, "minutes": op.ttl}),
            stored.TEXT: " ".join(" ".join(texts).replace("\0", " ").split()),
        }

    def _get(self, labels: Namespace, key: str) -> list[StoredItem]:
        return self._items(self._facts.scan(encoded(key), namespace=self._place(labels)))

    def _items(self, facts: Iterable[Fact]) -> list[StoredItem]:
        return stored.items_of(facts, len(self._root))

    def _search(self, op: SearchOp) -> list[StoredItem]:
        places = [one.namespace for one in self._facts.namespaces(self._place(op.namespace_prefix))]
        if op.query and op.query.strip():
            found = self._asked(op.query[:_MOST_ASKED], places)
        else:
            scans = (self._facts.scan(namespace=place) for place in places)
            listed = [one for scan in scans for one in self._items(scan)]
            found = iter(sorted(listed, key=lambda one: one.item.updated_at, reverse=True))
        kept = (one for one in found if fits(one.item.value, op.filter or {}))
        return list(islice(kept, op.offset, op.offset + op.limit))

    def _asked(self, query: str, places: list[Namespace]) -> Iterator[StoredItem]:
        """Yield what a query finds, the best of each namespace first."""
        ranked = []
        for n, place in enumerate(places):
            facts = self._facts.search(query, namespace=place, limit=_MOST_FOUND).facts
            names = dict.fromkeys(fact.entity for fact in facts if fact.relation == stored.TEXT)
            ranked += [(rank, n, name) for rank, name in enumerate(names)]
        for rank, n, name in sorted(ranked):
            for one in self._items(self._facts.scan(name, namespace=places[n])):
                one.item.score = 1 / (1 + rank)
                yield one

    def _namespaces(self, op: ListNamespacesOp) -> list[Namespace]:
        known = (one.namespace for one in self._facts.namespaces(self._root))
        labels = {
            tuple(map(stored.decoded, place[len(self._root) :]))
            for place in known
            if any(self._facts.scan(relation=stored.ITEM, namespace=place))
        }
        matched = {
            one[: op.max_depth]
            for one in labels
            if all(matches(condition, one) for condition in op.match_conditions or ())
        }
        return sorted(matched)[op.offset : op.offset + op.limit]

    def _place(self, labels: Namespace) -> Namespace:
        return (*self._root, *map(encoded, labels))
