"""Scan a store in memory: facts of one entity or of all, as of now or as of a revision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from lamlam.memory_backends.commits.validation import check_reached, check_since
from lamlam.memory_backends.model.commit_info import CommitInfo
from lamlam.memory_backends.model.entity_reader import EntityReader
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.lookups import Identify, check_as_of
from lamlam.memory_backends.model.namespaces import scoped, split
from lamlam.memory_backends.model.operations import KnownEntity, PastFact
from lamlam.memory_backends.model.values import is_text
from lamlam.memory_backends.networkx_graph.file import FileContents
from lamlam.memory_backends.networkx_graph.state import GraphState
from lamlam.memory_backends.resolution.entity_facts import facts_of, named_record, past_facts
from lamlam.memory_backends.resolution.views import PastView

Locked = Callable[[], AbstractContextManager[FileContents]]
"""Gives what the store holds, under its lock."""


@dataclass(frozen=True, slots=True)
class GraphScan:
    """Which facts are wanted."""

    identify: Identify
    relation: str | None = None
    namespace: Namespace | None = None
    as_of: int | None = None
    batch: int = 1000
    hiding_from: int | None = None
    """Facts whose period has ended by this moment, in microseconds, are left out."""

    def facts(self, locked: Locked, entity: str | None) -> Iterator[Fact]:
        """Yield facts; each entity is read as it is when its turn comes."""
        wanted = _relation(self.relation)
        if (entity is not None and not is_text(entity)) or wanted == "":
            return
        with locked() as store:
            reader, _ = reader_at(store.state, store.revision, self.as_of)
            if entity is not None:
                found = named_record(reader, scoped(self.namespace or (), canonical_key(entity)))
                keys = [found.key] if found is not None else []
            else:
                keys = self._keys(store.state)
        for start in range(0, len(keys), self.batch):
            facts: list[Fact] = []
            with locked():
                for key in keys[start : start + self.batch]:
                    if (record := reader.record(key)) is not None:
                        facts += facts_of(record, wanted, self.identify, self.hiding_from)
            yield from facts

    def _keys(self, state: GraphState) -> list[str]:
        keys = state.keys()
        if self.as_of is not None:
            keys = list(dict.fromkeys((*keys, *state.past)))
        return [key for key in keys if self.namespace is None or split(key)[0] == self.namespace]


def reader_at(state: GraphState, revision: int, as_of: int | None) -> tuple[EntityReader, int]:
    """Return what lookups ask, and its revision.

    Raises:
        Conflict: the store has not reached the revision asked for.
    """
    if as_of is None:
        return state, revision
    check_as_of(as_of)
    check_reached(as_of, revision)
    return PastView(state, as_of), as_of


def known_commits(store: FileContents, since: int | None) -> list[CommitInfo]:
    """Return the commits after a revision.

    Raises:
        Conflict: the store has not reached it.
    """
    check_since(since)
    check_reached(since, store.revision)
    return [one.info for one in store.log.after(since or 0)]


def known_entities(
    state: GraphState, namespace: Namespace | None, name: str | None
) -> list[KnownEntity]:
    """Return every entity with facts or with a past, or those of one name."""
    wanted = None if name is None else canonical_key(name)
    found = []
    for key in dict.fromkeys((*state.keys(), *state.past)):
        space, plain = split(key)
        if namespace in (None, space) and wanted in (None, plain):
            spelt, now, past = state.history(key)
            found.append(KnownEntity(spelt or plain, space, len(now), len(past)))
    return found


def history_of(
    store: FileContents,
    entity: str,
    relation: str | None,
    namespace: Namespace,
    identify: Identify,
) -> list[PastFact]:
    """Return facts and versions of facts that have ended, oldest first."""
    wanted = _relation(relation)
    if not is_text(entity) or wanted == "":
        return []
    state = store.state
    key = scoped(namespace, canonical_key(entity))
    if key not in state.names and key not in state.past:
        key = state.alias(key) or key
    return past_facts(key, state.history(key), wanted, identify, store.log.of)


def aliases_of(state: GraphState, entity: str, namespace: Namespace) -> list[str]:
    """Return the other names of an entity as canonical keys, sorted."""
    if not is_text(entity):
        return []
    found = named_record(state, scoped(namespace, canonical_key(entity)))
    names = state.aliases(found.key) if found is not None else ()
    return sorted(split(alias)[1] for alias in names)


def _relation(relation: str | None) -> str | None:
    """Return the key of a relation that is asked for; empty where nothing can have that name."""
    if relation is None:
        return None
    return canonical_key(relation) if is_text(relation) else ""
