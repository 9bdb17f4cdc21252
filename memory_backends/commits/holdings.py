"""`Holdings`: what a store tells of all that it ever held, and how all of a namespace goes.

Bodies over the core of a store, so that every store has these; a backend writes faster ones.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import Protocol, runtime_checkable

from lamlam.memory_backends.commits.whole_namespace import (
    EntityCounts,
    NamespaceCounts,
    NamespaceErasure,
)
from lamlam.memory_backends.model.capabilities import Capability
from lamlam.memory_backends.model.expiry import with_expired
from lamlam.memory_backends.model.facts import Fact, Namespace, check_namespace, check_text
from lamlam.memory_backends.model.operations import (
    ErasureReceipt,
    KnownEntity,
    KnownNamespace,
    PastFact,
    StoreInfo,
)


@runtime_checkable
class Holdings(Protocol):
    """Entities, namespaces and facts, also of the past; the erasure of a namespace."""

    capabilities: frozenset[Capability]

    async def entities(
        self, *, namespace: Namespace | None = None, name: str | None = None
    ) -> AsyncIterator[KnownEntity]:
        """Yield entities with facts, or only ended ones: of one namespace, of one name, or all.

        The body takes those with facts from `scan`; a backend with `HISTORY` writes its own.
        """
        counts = EntityCounts(name)
        async for fact in self.scan(namespace=namespace, **with_expired(self)):
            counts.add(fact)
        for entity in counts.all():
            yield entity

    async def namespaces(self, prefix: Namespace = ()) -> AsyncIterator[KnownNamespace]:
        """Yield every namespace in which anything is or was known, with counts, in order.

        Args:
            prefix: only those that begin with these parts: ``("users",)`` gives
                ``("users", "7")`` too. ``()`` gives all, the usual namespace among them.

        Raises:
            BadFact: there can be no such namespace.
        """
        counts = NamespaceCounts(check_namespace(prefix))
        async for entity in self.entities():
            counts.add(entity)
        for one in counts.all():
            yield one

    async def fact(self, fact_id: str) -> Fact | None:
        """Return the fact with this id; of one that ended the last version, with ``retracted``.

        Ids stand in lookups, spans, traces and receipts; what was erased is ``None``. The body
        looks at every fact; the backends that come with lamlam note where facts are (in memory,
        eight bytes a fact, with the second look) or have an index of ids (Neo4j).

        Raises:
            BadFact: the id is not a string.
        """
        check_text(fact_id=fact_id)
        async for fact in self.scan(**with_expired(self)):
            if fact.id == fact_id:
                return fact
        if Capability.HISTORY not in self.capabilities:
            return None
        async for entity in self.entities():
            past = await self.history(entity.name, namespace=entity.namespace)
            for one in reversed(past):
                if one.fact.id == fact_id:
                    return one.fact
        return None

    async def erase_namespace(
        self, namespace: Namespace, *, reason: str | None = None, authority: str | None = None
    ) -> ErasureReceipt:
        """Erase all of a namespace, history included; the usual one, ``()``, is `BadFact`.

        Facts, their past, aliases, merges, index keys, entries of the change log, what idempotency
        keys were used for, and its names as actors of commits: one receipt for all. Rules of
        relations belong to every namespace, and stay. The backends that come with lamlam do it in
        one commit; the body erases entity by entity.

        Raises:
            BadFact: it is the usual namespace, or there can be none of this name.
            ReadOnly: the store was opened for reading.
        """
        info = await self.info()
        erasure = NamespaceErasure(namespace, reason, authority, info.revision)
        with erasure.noting_what_is_done():
            while names := erasure.names([e async for e in self.entities(namespace=namespace)]):
                for name in names:
                    erasure.add(await self.erase(name, namespace=namespace))
        return erasure.receipt()

    # Of the core ----------------------------------------------------------------------------------

    @abstractmethod
    def scan(
        self,
        entity: str | None = None,
        relation: str | None = None,
        *,
        namespace: Namespace | None = None,
        include_expired: bool = False,
    ) -> AsyncIterator[Fact]:
        """Yield facts."""
        ...

    @abstractmethod
    async def history(
        self, entity: str, relation: str | None = None, *, namespace: Namespace = ()
    ) -> list[PastFact]:
        """Return facts and versions of facts that have ended, oldest first."""
        ...

    @abstractmethod
    async def erase(
        self, entity: str, relation: str | None = None, *, namespace: Namespace = ()
    ) -> ErasureReceipt:
        """Remove the facts with all that is kept of them."""
        ...

    @abstractmethod
    async def info(self) -> StoreInfo:
        """Return what the store is and how much it holds."""
        ...
