"""`Meanings`: what a store means by a name, in one question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from lamlam.memory_backends.model.lookups import EntityView


class Meanings(NamedTuple):
    """The entity that a name means, or those that it may mean."""

    view: EntityView | None = None
    """As `describe_nowait` gives it."""
    homonyms: tuple[EntityView, ...] = ()
    """As `homonyms_nowait` gives them: only where the name is ambiguous."""


def meanings_of(store: object, name: str, *, fuzzy: bool, **options: Any) -> Meanings:
    """Return what a store means by a name; one that lacks `meanings_nowait` is asked in two steps.

    Args:
        store: answers at once: `describe_nowait` and, by and by, `homonyms_nowait`.
        name: as a text wrote it.
        fuzzy: as for `describe_nowait`.
        options: ``as_of`` and ``namespace``, as for `describe_nowait`.
    """
    at_once: Callable[..., Meanings] | None = getattr(store, "meanings_nowait", None)
    if at_once is not None:
        return at_once(name, fuzzy=fuzzy, **options)
    describe: Callable[..., EntityView | None] = store.describe_nowait  # type: ignore[attr-defined]
    view = describe(name, fuzzy=fuzzy, **options)
    if view is not None or not hasattr(store, "homonyms_nowait"):
        return Meanings(view)
    return Meanings(None, store.homonyms_nowait(name, fuzzy=fuzzy, **options))
