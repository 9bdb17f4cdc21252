"""`Meanings`: what a store means by a name, in one question."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from lamlam.memory_backends.model.lookups import EntityView


class Meanings(NamedTuple):
    """The entity that a name means, or those that it may mean."""

    view: EntityView | None = None
    """As `describe_nowait` gives it."""
    homonyms: tuple[EntityView, ...] = ()
    """As `homonyms_nowait` gives them: only where the name is ambiguous."""


def meanings_of(store: object, name: str, *, fuzzy: bool, as_of: int | None = None) -> Meanings:
    """Return what a store means by a name; one that lacks `meanings_nowait` is asked in two steps.

    Args:
        store: answers at once: `describe_nowait` and, by and by, `homonyms_nowait`.
        name: as a text wrote it.
        fuzzy: as for `describe_nowait`.
        as_of: the revision that is asked about.
    """
    at_once: Callable[..., Meanings] | None = getattr(store, "meanings_nowait", None)
    if at_once is not None:
        return at_once(name, fuzzy=fuzzy, as_of=as_of)
    describe: Callable[..., EntityView | None] = store.describe_nowait  # type: ignore[attr-defined]
    view = describe(name, fuzzy=fuzzy, as_of=as_of)
    if view is not None or not hasattr(store, "homonyms_nowait"):
        return Meanings(view)
    return Meanings(None, store.homonyms_nowait(name, fuzzy=fuzzy, as_of=as_of))
