"""`LocalHoldings`: bodies of `Holdings` for a store that answers in the calling thread."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Protocol

from lamlam.inline_calls import iterate_inline, run_inline
from lamlam.memory_backends.commits.holdings import Holdings
from lamlam.memory_backends.commits.whole_namespace import NamespaceErasure
from lamlam.memory_backends.model.capabilities import Capability
from lamlam.memory_backends.model.expiry import with_expired
from lamlam.memory_backends.model.facts import Fact, Namespace, check_text
from lamlam.memory_backends.model.operations import ErasureReceipt


class LocalHoldings(Holdings, Protocol):
    """The same as `Holdings`, without waiting; a backend may write its own, faster."""

    def erase_namespace_nowait(
        self, namespace: Namespace, *, reason: str | None = None, authority: str | None = None
    ) -> ErasureReceipt:
        """Remove all of a namespace, as `erase_namespace` does; the body does it by entities."""
        revision = run_inline(self.info()).revision
        erasure = NamespaceErasure(namespace, reason, authority, revision)
        with erasure.noting_what_is_done():
            while names := erasure.names(iterate_inline(self.entities(namespace=namespace))):
                for name in names:
                    erasure.add(self.erase_nowait(name, namespace=namespace))
        return erasure.receipt()

    def fact_nowait(self, fact_id: str) -> Fact | None:
        """Return the fact with this id, as `fact` does."""
        check_text(fact_id=fact_id)
        for fact in self.scan_nowait(**with_expired(self)):
            if fact.id == fact_id:
                return fact
        if Capability.HISTORY not in self.capabilities:
            return None
        for entity in iterate_inline(self.entities()):
            past = run_inline(self.history(entity.name, namespace=entity.namespace))
            for one in reversed(past):
                if one.fact.id == fact_id:
                    return one.fact
        return None

    # Of the store ---------------------------------------------------------------------------------

    @abstractmethod
    def scan_nowait(self, *, include_expired: bool = False) -> Iterator[Fact]: ...

    @abstractmethod
    def erase_nowait(
        self, entity: str, relation: str | None = None, *, namespace: Namespace = ()
    ) -> ErasureReceipt: ...
