"""Facts that are read as far as they are asked for: generation waits for each lookup."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import overload

from lamlam.memory_backends.model.stored_facts import StoredFact

MOST_AT_ONCE = 64
"""Facts of a relation that are found before any is asked for."""


class LazyFacts(Sequence[StoredFact]):
    """Facts without a period of which only the values were read: most questions ask no more.

    Never empty.
    """

    __slots__ = ("_facts", "_places", "_sources", "_text", "_unpack", "values")

    def __init__(
        self,
        values: tuple[str, ...],
        text: str,
        places: Sequence[int],
        sources: Sequence[tuple[str, ...]],
        unpack: Callable[[str, int, tuple[str, ...]], StoredFact],
    ) -> None:
        """Hold the facts as they are kept.

        Args:
            values: their surfaces.
            text: what its backend keeps of an entity.
            places: where each fact is in it.
            sources: of each.
            unpack: gives the fact at a place of the text.
        """
        self.values = values
        self._text = text
        self._places = places
        self._sources = sources
        self._unpack = unpack
        self._facts: list[StoredFact] | None = None

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, index: int) -> StoredFact: ...
    @overload
    def __getitem__(self, index: slice) -> list[StoredFact]: ...
    def __getitem__(self, index: int | slice) -> StoredFact | list[StoredFact]:
        if self._facts is None:
            self._facts = [
                self._unpack(self._text, place, sources)
                for place, sources in zip(self._places, self._sources, strict=True)
            ]
        return self._facts[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as of a list


class LongFacts(Sequence[StoredFact]):
    """Very many facts of one relation, each read when it is first asked for; from any thread."""

    __slots__ = ("__weakref__", "_lock", "_read", "_rest", "is_timeless")

    def __init__(self, facts: Iterator[StoredFact], *, is_timeless: bool) -> None:
        """Begin with none of them read.

        Args:
            facts: in stored order.
            is_timeless: none of them is bound to a period.
        """
        self.is_timeless = is_timeless
        self._read: list[StoredFact] = []
        self._rest: Iterator[StoredFact] | None = facts
        self._lock = threading.RLock()

    def finish(self) -> None:
        """Read all of them: what they are read from is about to go."""
        with self._lock:
            if self._rest is not None:
                self._read.extend(self._rest)
                self._rest = None

    def _reaches(self, index: int) -> bool:
        """Return whether there is a fact of this number, which is read then."""
        while len(self._read) <= index:
            with self._lock:
                fact = next(self._rest, None) if self._rest is not None else None
                if fact is None:
                    self._rest = None
                    return index < len(self._read)
                self._read.append(fact)
        return True

    def __bool__(self) -> bool:
        return self._reaches(0)

    def __len__(self) -> int:
        self.finish()
        return len(self._read)

    def __iter__(self) -> Iterator[StoredFact]:
        index = 0
        while self._reaches(index):
            yield self._read[index]
            index += 1

    @overload
    def __getitem__(self, index: int) -> StoredFact: ...
    @overload
    def __getitem__(self, index: slice) -> list[StoredFact]: ...
    def __getitem__(self, index: int | slice) -> StoredFact | list[StoredFact]:
        if isinstance(index, int) and index >= 0:
            self._reaches(index)
        else:
            self.finish()
        return self._read[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as of a list
