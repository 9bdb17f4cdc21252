"""The names of all entities of a memory, for a strict constraint.

They are read again before a generation if memory has a new revision, so an erased name is removed
here, too.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from lamlam.errors import TooManyEntities
from lamlam.runtime.decoding.packed_trie import PackedTrie
from lamlam.runtime.decoding.trie import MAX_ENTITY_TOKENS
from lamlam.runtime.decoding.vocabulary import Vocabulary

if TYPE_CHECKING:
    from lamlam.memory_backends.protocol import FactStore

MOST_ENTITIES = 100_000


@dataclass(frozen=True, slots=True)
class _RevisionNames:
    revision: int
    names: tuple[str, ...]


class EntityNames:
    """The names when the latest generation began; read by tasks, used by the owner thread."""

    def __init__(self, most: int = MOST_ENTITIES) -> None:
        self._most = most
        self._reading = anyio.Lock()
        self._read = _RevisionNames(-1, ())
        self._trie: tuple[_RevisionNames, PackedTrie] | None = None

    async def refresh(self, store: FactStore) -> None:
        """Read the names again if the memory has changed.

        Raises:
            TooManyEntities: they are too many to keep in memory.
        """
        from lamlam.memory_backends.model.lookups import Lookup

        async with self._reading:
            (probe,) = await store.lookup_many([Lookup("x", "x")])
            revision = int(probe.revision)
            if revision == self._read.revision:
                return
            names: dict[str, None] = {}
            facts = store.scan(namespace=())
            try:
                async for fact in facts:
                    names[fact.entity] = None
                    if len(names) > self._most:
                        raise TooManyEntities(self._most)
            finally:
                if isinstance(
                    facts, AsyncGenerator
                ):  # a generator that is left early must be closed
                    await facts.aclose()
            self._read = _RevisionNames(revision, tuple(names))

    def trie(self, vocabulary: Vocabulary) -> PackedTrie:
        """Return the names as token paths; built once for each revision."""
        read, built = self._read, self._trie
        if built is None or built[0] is not read:
            assert vocabulary.lookup is not None
            paths = (vocabulary.tokenize(f" {name}") for name in read.names)
            trie = PackedTrie(
                (path for path in paths if len(path) <= MAX_ENTITY_TOKENS),
                vocabulary.lookup.relationship,
            )
            built = self._trie = (read, trie)
        return built[1]
