"""Starts the owner thread: only then is loaded what a model computes with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

    from lamlam.memory_backends.protocol import FactStore
    from lamlam.runtime.decoding.constraint import Constraint
    from lamlam.runtime.decoding.entity_names import EntityNames
    from lamlam.runtime.scheduling.model_settings import LoadedModel, ModelSettings
    from lamlam.runtime.scheduling.owner_thread import OwnerThread


def start(
    path: Path,
    settings: ModelSettings,
    store: Future[FactStore | None],
    constraint: Constraint | None,
    on_ready: Callable[[LoadedModel | BaseException], None],
    entity_names: EntityNames | None,
) -> OwnerThread:
    """Return the thread that owns the model, started."""
    from lamlam.runtime.scheduling.owner_thread import OwnerThread

    return OwnerThread(path, settings, store, constraint, on_ready, entity_names)
