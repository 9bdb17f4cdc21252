"""`LamlamStore`: what graphs remember, as facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from threading import Lock
from typing import Any

import anyio.to_thread
from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    TTLConfig,
    get_text_at_path,
    validate_op_namespace,
)

from lamlam.errors import UsageError
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.stored_documents.document import StoredDocument
from lamlam.stored_documents.document_store import DocumentStore


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
        self._documents = DocumentStore(facts, root)
        self._fields, self._erase = fields, erase
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
        read: dict[tuple[Namespace, str], StoredDocument] = {}
        with self._lock:
            for op in ops:
                validate_op_namespace(op)
                found: list[StoredDocument] = []
                if isinstance(op, PutOp):
                    writes[op.namespace, op.key] = op
                    results.append(None)
                elif isinstance(op, ListNamespacesOp):
                    results.append(self._namespaces(op))
                elif isinstance(op, SearchOp):
                    items = self._documents.search(op.namespace_prefix, op.query, op.filter)
                    scored = list(islice(items, op.offset, op.offset + op.limit))
                    found = [one for one, _ in scored]
                    results.append(
                        [SearchItem(**_parts(one), score=score) for one, score in scored]
                    )
                elif isinstance(op, GetOp):
                    one = self._documents.get(op.namespace, op.key)
                    found = [one] if one else []
                    results.append(Item(**_parts(one)) if one else None)
                else:
                    raise ValueError(f"unknown operation: {type(op).__name__}")
                if getattr(op, "refresh_ttl", False):
                    read |= {one.at: one for one in found if one.minutes is not None}
            put = [self._document(op) for op in writes.values() if op.value is not None]
            put += [one for at, one in read.items() if at not in writes]
            removed = [at for at, op in writes.items() if op.value is None]
            self._documents.write(put, removed, erase=self._erase)
        return results

    def sweep_ttl(self) -> int:
        """Retract what has expired; return how many items that were."""
        with self._lock:
            return self._documents.sweep()

    def _document(self, op: PutOp) -> StoredDocument:
        value = op.value or {}
        paths = self._fields if op.index is None else op.index or ()
        text = " ".join(text for path in paths for text in get_text_at_path(value, path))
        return self._documents.new(op.namespace, op.key, value, text, op.ttl)

    def _namespaces(self, op: ListNamespacesOp) -> list[Namespace]:
        matched = {
            one[: op.max_depth]
            for one in self._documents.labels()
            if all(_matches(condition, one) for condition in op.match_conditions or ())
        }
        return sorted(matched)[op.offset : op.offset + op.limit]


def _parts(one: StoredDocument) -> dict[str, Any]:
    """Return what items of both kinds are made of."""
    return {"namespace": one.labels} | {
        name: getattr(one, name) for name in ("key", "value", "created_at", "updated_at")
    }


def _matches(condition: MatchCondition, labels: tuple[str, ...]) -> bool:
    """Return whether a namespace has the labels of a condition; ``*`` stands for any one."""
    path = condition.path
    part = labels[: len(path)] if condition.match_type == "prefix" else labels[-len(path) :]
    return len(part) == len(path) and all(
        wanted in ("*", one) for one, wanted in zip(part, path, strict=True)
    )
