"""Read a fact of a store in memory by its id."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager

from lamlam.memory_backends.authoring import LocalStore
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.fact_places import FactPlaces, is_fact_id
from lamlam.memory_backends.model.facts import Fact, check_text
from lamlam.memory_backends.model.lookups import as_fact
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.networkx_graph.file import FileContents
from lamlam.memory_backends.networkx_graph.state import GraphState

_AT_ONCE = 200
"""Entities that are looked at under the lock: between two turns others may read and write."""


class GraphFactsById(LocalStore):
    """The part of `GraphStore` that reads by id; stands before `LocalStore`."""

    _identify: FactIds
    _places: FactPlaces | None = None
    _place_keys: Sequence[str] = ()
    """Keys of entities: a place is a number of one."""

    @abstractmethod
    def _locked(self) -> AbstractContextManager[FileContents]: ...

    def fact_nowait(self, fact_id: str) -> Fact | None:
        """Return the fact with this id; of one that ended the last version, with ``retracted``."""
        check_text(fact_id=fact_id)
        if not is_fact_id(fact_id):
            return None
        with self._locked() as store:
            revision = store.revision
            if (found := self._noted(store.state, fact_id)) is not None:
                return found
        if self._places is None or self._places.revision != revision:
            self._note(revision)
        with self._locked() as store:
            found = self._noted(store.state, fact_id)
            return found if found is not None else self._ended(store.state, fact_id)

    def _noted(self, state: GraphState, fact_id: str) -> Fact | None:
        for place in self._places.of(fact_id) if self._places is not None else ():
            record = state.record(self._place_keys[place])
            for fact in record.facts if record is not None else ():
                if record is not None and self._identify(record.key, fact) == fact_id:
                    return as_fact(record.name, fact, fact_id, split(record.key)[0])
        return None

    def _note(self, revision: int) -> None:
        """Note where every fact is, a few entities at a time."""
        with self._locked() as store:
            keys = list(store.state.keys())
        noted: list[tuple[str, int]] = []
        for start in range(0, len(keys), _AT_ONCE):
            with self._locked() as store:
                for number, key in enumerate(keys[start : start + _AT_ONCE], start):
                    record = store.state.record(key)
                    facts = record.facts if record is not None else ()
                    noted += [(self._identify(key, fact), number) for fact in facts]
        places = FactPlaces(revision, noted)
        with self._locked():
            self._places, self._place_keys = places, keys

    def _ended(self, state: GraphState, fact_id: str) -> Fact | None:
        found: Fact | None = None
        for key, (name, past) in state.past.items():
            for one in past:
                is_later = found is None or (found.retracted or 0) < one.retracted
                if is_later and self._identify(key, one.fact) == fact_id:
                    found = as_fact(name, one.fact, fact_id, split(key)[0], one.retracted)
        return found
