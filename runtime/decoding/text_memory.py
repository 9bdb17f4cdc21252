"""The memory as one text reads it: its user's namespace, and the shared one behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamlam.runtime.decoding.settings import TextSettings

if TYPE_CHECKING:
    from lamlam.memory_backends.protocol import FactStore


def memory_of(store: FactStore | None, settings: TextSettings) -> FactStore | None:
    """Return a store as a text reads it."""
    if store is None or settings.namespaces == ((),):
        return store
    from lamlam.memory_backends.read_views.overlay import Overlay  # late: pydantic comes with it

    return Overlay(store, settings.namespace, settings.shared_namespace)
