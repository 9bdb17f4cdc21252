"""The answer that nearly every lookup gets: one value of a stored relation of a stored name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from lamlam.memory_backends.model.lazy_facts import LazyFacts
from lamlam.memory_backends.model.lookups import (
    Identify,
    LookupResult,
    LookupStatus,
    StoredFact,
)


class ExactPlace(NamedTuple):
    """Where one fact was found, as plain as a tuple, which is what is made for a lookup."""

    entity: str
    """As stored."""
    key: str
    identify: Identify
    sources: tuple[str, ...]
    unpack: Callable[[str, int, tuple[str, ...]], StoredFact]
    """Gives the fact at a place of a row."""
    row: str
    begins: str
    """How the fact begins in the row, and no other one."""


class ExactHit(LookupResult):
    """A `LookupResult` whose fields are filled in when they are first asked for.

    It is made per written fact, and most are asked for their value alone: whoever makes one sets
    ``revision``, ``value`` and ``found``, the fields of a `ExactPlace`, and calls no `__init__`.
    """

    __slots__ = ("found", "value")

    value: str  # a field in place of a property
    found: tuple[Any, ...]

    def __getattr__(self, name: str) -> Any:  # Any: fields of several types
        """Return a field that was not filled in yet; who asks for one mostly asks for others."""
        if name not in LookupResult.__slots__:
            raise AttributeError(name)
        if name == "elapsed_ns":
            self.elapsed_ns = 0
            return 0
        self._fill()
        return object.__getattribute__(self, name)

    def _fill(self) -> None:
        entity, key, identify, sources, unpack, row, begins = self.found
        self.status = LookupStatus.HIT
        self.candidates = ()
        self.namespace = ()
        self._match = None
        self._owned = None
        self._facts = None
        self._fact_ids = None
        self._values = (self.value,)
        self._entity = entity
        self._key = key
        self._identify = identify
        self._stored = LazyFacts(self._values, row, (row.find(begins),), (sources,), unpack)
