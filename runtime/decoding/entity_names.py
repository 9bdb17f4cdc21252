"""The names of all entities of the namespaces that texts read, for a strict constraint.

They are read again before a generation if memory has a new revision, so an erased name is removed
here, too.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from lamlam.errors import TooManyEntities
from lamlam.runtime.decoding.packed_trie import PackedTrie
from lamlam.runtime.decoding.trie import MAX_ENTITY_TOKENS
from lamlam.runtime.decoding.vocabulary import Vocabulary

if TYPE_CHECKING:
    from lamlam.memory_backends.model.facts import Namespace
    from lamlam.memory_backends.protocol import FactStore

MOST_ENTITIES = 100_000
_MOST_NAMESPACES = 4096
"""Of which the names are kept: as many texts may wait for their turn."""


@dataclass(frozen=True, slots=True)
class _RevisionNames:
    revision: int
    names: tuple[str, ...]


class EntityNames:
    """The names when the latest generation began; read by tasks, used by the owner thread."""

    def __init__(self, most: int = MOST_ENTITIES) -> None:
        self._most = most
        self._reading = anyio.Lock()
        self._read: OrderedDict[Namespace, _RevisionNames] = OrderedDict()
        self._tries: dict[Namespace, tuple[_RevisionNames, PackedTrie]] = {}

    async def refresh(self, store: FactStore, namespaces: Sequence[Namespace] = ((),)) -> None:
        """Read the names of some namespaces again if the memory has changed.

        Raises:
            TooManyEntities: they are too many to keep in memory.
        """
        from lamlam.memory_backends.model.lookups import Lookup

        async with self._reading:
            (probe,) = await store.lookup_many([Lookup("x", "x")])
            revision = int(probe.revision)
            left = self._most
            for space in namespaces:
                read = self._read.get(space)
                if read is None or read.revision != revision:
                    names = await self._names(store, space, left)
                    self._read[space] = read = _RevisionNames(revision, names)
                left -= len(read.names)
                if left < 0:
                    raise TooManyEntities(self._most)
                self._read.move_to_end(space)
            self._forget(namespaces)

    async def _names(self, store: FactStore, namespace: Namespace, most: int) -> tuple[str, ...]:
        names: dict[str, None] = {}
        facts = store.scan(namespace=namespace)
        try:
            async for fact in facts:
                names[fact.entity] = None
                if len(names) > most:
                    raise TooManyEntities(self._most)
        finally:
            if isinstance(facts, AsyncGenerator):  # a generator left early must be closed
                await facts.aclose()
        return tuple(names)

    def _forget(self, kept: Sequence[Namespace]) -> None:
        """Forget the namespaces that no text has read for longest, if the names are too many."""
        n_names = sum(len(read.names) for read in self._read.values())
        for space in list(self._read):
            if space in kept or (n_names <= self._most and len(self._read) <= _MOST_NAMESPACES):
                return
            n_names -= len(self._read.pop(space).names)

    def tries(
        self, vocabulary: Vocabulary, namespaces: Sequence[Namespace] = ((),)
    ) -> list[PackedTrie]:
        """Return the names of each namespace as token paths; built once for each revision.

        A namespace that was forgotten since has none: names in the text are allowed all the same.
        """
        found = []
        for space in namespaces:
            read, built = self._read.get(space), self._tries.get(space)
            if read is None:
                self._tries.pop(space, None)
                continue
            if built is None or built[0] is not read:
                assert vocabulary.lookup is not None
                paths = (vocabulary.tokenize(f" {name}") for name in read.names)
                trie = PackedTrie(
                    (path for path in paths if len(path) <= MAX_ENTITY_TOKENS),
                    vocabulary.lookup.relationship,
                )
                if len(self._tries) > 2 * _MOST_NAMESPACES:
                    self._tries.clear()
                built = self._tries[space] = (read, trie)
            found.append(built[1])
        return found
