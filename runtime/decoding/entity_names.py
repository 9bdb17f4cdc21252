"""The names of all entities of a memory, for a strict constraint.

Names only, and never for longer than until the next text: it begins with a look at the memory's
revision, and what has changed is read again, so a name that was erased is gone from here, too.
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
class _Read:
    revision: int
    names: tuple[str, ...]


class EntityNames:
    """What the names were when a text last began; read by tasks, used by the owner thread."""

    def __init__(self, most: int = MOST_ENTITIES) -> None:
        self._most = most
        self._reading = anyio.Lock()
        self._read = _Read(-1, ())
        self._table: tuple[_Read, PackedTrie] | None = None

    async def refresh(self, store: FactStore) -> None:
        """The names are those that the memory holds now.

        Raises:
            TooManyEntities: they are too many to keep at hand.
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
                if isinstance(facts, AsyncGenerator):  # one that is left early must be closed
                    await facts.aclose()
            self._read = _Read(revision, tuple(names))

    def table(self, vocabulary: Vocabulary) -> PackedTrie:
        """Return the names as token paths; built once for each revision."""
        read, held = self._read, self._table
        if held is None or held[0] is not read:
            assert vocabulary.lookup is not None
            paths = (vocabulary.tokens(f" {name}") for name in read.names)
            table = PackedTrie(
                (path for path in paths if len(path) <= MAX_ENTITY_TOKENS),
                vocabulary.lookup.relation,
            )
            held = self._table = (read, table)
        return held[1]
