"""What memory means by the names of one text: asked again only where it has changed since."""

from __future__ import annotations

from typing import Protocol

from lamlam.memory_backends.model.lookups import EntityView
from lamlam.memory_backends.model.meanings import Meanings, meanings_of

_MOST_KEPT = 64
"""Names: a text speaks of few, and comes back to them."""


class Describer(Protocol):
    """The part of a store that names are compared with."""

    def describe_nowait(
        self, entity: str, *, fuzzy: bool = True, as_of: int | None = None
    ) -> EntityView | None:
        """Return what the store holds of an entity, or held at a revision, or none."""
        ...


class TextMeanings:
    """The meanings of names in one text, kept while the state of memory is the same.

    A text asks about the same few names before every lookup. What is kept is a preference for
    keys and what words are compared with; each value comes from a lookup of its own.
    """

    def __init__(self, store: Describer, as_of: int | None = None) -> None:
        """Begin with nothing asked.

        Args:
            store: one that cannot tell its state (`state_nowait`) is asked every time.
            as_of: the revision that is asked about; ``None``: the newest.
        """
        self._store = store
        self._as_of = as_of
        self._state_nowait = getattr(store, "state_nowait", None)
        self._state: object = None
        self._kept: dict[tuple[str, bool], Meanings] = {}

    def of(self, name: str, *, fuzzy: bool) -> Meanings:
        """Return what memory means by a name; arguments and errors as for `meanings_nowait`."""
        state = self._state_nowait() if self._state_nowait is not None else None
        if state is None or state != self._state or len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
            self._state = state
        found = self._kept.get((name, fuzzy))
        if found is None:
            found = meanings_of(self._store, name, fuzzy=fuzzy, as_of=self._as_of)
            if state is not None:
                self._kept[name, fuzzy] = found
        return found
