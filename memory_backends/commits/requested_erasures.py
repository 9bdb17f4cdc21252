"""`RequestedErasures`: the erasures of a store in this process, each as one `ErasureRequest`."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from lamlam.memory_backends.commits.erasure_request import ErasureRequest
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.operations import ErasureReceipt, MentionChoice
from lamlam.memory_backends.model.values import Value


class RequestedErasures(Protocol):
    """`erase_nowait` and `erase_namespace_nowait` of a store that carries out any request."""

    def erase_nowait(
        self,
        entity: str,
        relation: str | None = None,
        value: Value | None = None,
        *,
        namespace: Namespace = (),
        reason: str | None = None,
        authority: str | None = None,
        mentions: MentionChoice = "leave",
        placeholder: str | None = None,
    ) -> ErasureReceipt:
        """Remove facts, as `FactStore.erase` does."""
        return self.erase_requested(
            ErasureRequest(
                entity, relation, namespace, reason, authority, value, mentions, placeholder
            )
        )

    def erase_namespace_nowait(
        self, namespace: Namespace, *, reason: str | None = None, authority: str | None = None
    ) -> ErasureReceipt:
        """Remove all of a namespace, as one erasure: one commit, one clean-up of the bytes."""
        return self.erase_requested(
            ErasureRequest(None, None, namespace, reason, authority, is_whole=True)
        )

    @abstractmethod
    def erase_requested(self, request: ErasureRequest) -> ErasureReceipt:
        """Remove what is asked for, or nothing."""
        ...
