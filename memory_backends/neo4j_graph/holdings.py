"""`ServerHoldings`: what a store in Neo4j tells of all that it ever held, and its erasures."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Unpack

from lamlam.background_loop import BackgroundLoop
from lamlam.memory_backends.commits.erasure_request import ErasureRequest
from lamlam.memory_backends.model.facts import Fact, Namespace, check_namespace, check_text
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.model.operations import (
    Commit,
    EraseOptions,
    ErasureReceipt,
    KnownEntity,
    KnownNamespace,
)
from lamlam.memory_backends.model.values import Value
from lamlam.memory_backends.neo4j_graph.reader import Neo4jReader
from lamlam.memory_backends.protocol import FactStore

if TYPE_CHECKING:
    from lamlam.memory_backends.neo4j_graph.writer import Neo4jWriter


class ServerHoldings(FactStore):
    """The part of `Neo4jStore` that is about whole lives of facts, entities and namespaces."""

    _loop: BackgroundLoop
    _reader: Neo4jReader
    _writer: Neo4jWriter

    async def entities(
        self, *, namespace: Namespace | None = None, name: str | None = None
    ) -> AsyncIterator[KnownEntity]:
        """Yield every entity with facts or only with ended ones."""
        self._check_open()
        space = None if namespace is None else check_namespace(namespace)
        after = ""
        while rows := await self._loop.run(self._reader.known_after, after, name, 1000):
            after = rows[-1][0]
            for _, key, spelt, n_facts, n_ended in rows:
                if space is None or split(key)[0] == space:
                    yield KnownEntity(spelt, split(key)[0], n_facts, n_ended)

    async def namespaces(self, prefix: Namespace = ()) -> AsyncIterator[KnownNamespace]:
        """Yield every namespace in which anything is or was known, with counts, in order."""
        self._check_open()
        space = check_namespace(prefix)
        for one in await self._loop.run(self._reader.namespaces):
            if one.namespace[: len(space)] == space:
                yield one

    async def fact(self, fact_id: str) -> Fact | None:
        """Return the fact with this id; of one that ended the last version, with ``retracted``."""
        self._check_open()
        check_text(fact_id=fact_id)
        return await self._loop.run(self._reader.fact, fact_id)

    async def erase(
        self,
        entity: str,
        relation: str | None = None,
        value: Value | None = None,
        **options: Unpack[EraseOptions],
    ) -> ErasureReceipt:
        """Erase the facts from all that the database can read; the receipt says what may be left."""
        return await self._erase(ErasureRequest(entity, relation, value=value, **options))

    async def erase_namespace(
        self, namespace: Namespace, *, reason: str | None = None, authority: str | None = None
    ) -> ErasureReceipt:
        """Erase all of a namespace in one transaction, which the server keeps in memory."""
        request = ErasureRequest(None, None, namespace, reason, authority, is_whole=True)
        return await self._erase(request)

    async def _erase(self, request: ErasureRequest) -> ErasureReceipt:
        from lamlam.memory_backends.neo4j_graph.erasure import COVERED, PENDING, erase

        self._check_writable()
        erased = await self._loop.run(erase, self._writer, request)
        commit = self._noted(erased.commit)
        return request.receipt(
            commit.facts,
            commit.revision,
            covered=COVERED,
            pending=PENDING if commit.facts or erased.log_entries else (),
            log_entries=erased.log_entries,
            mentions=erased.mentions,
            as_value=erased.as_value,
        )

    # Of the store ---------------------------------------------------------------------------------

    @abstractmethod
    def _noted(self, commit: Commit) -> Commit: ...

    @abstractmethod
    def _check_open(self) -> None: ...

    @abstractmethod
    def _check_writable(self) -> None: ...
