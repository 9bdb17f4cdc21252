"""The memory of an engine: opens its store, and checks what it can do."""

from __future__ import annotations

from contextlib import AsyncExitStack
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from lamlam.errors import NotSupported, UsageError
from lamlam.lookup_tokens import LOOKUP_TOKENS
from lamlam.runtime.decoding.entity_names import EntityNames
from lamlam.runtime.decoding.key_constraint import Constraint
from lamlam.runtime.llama.model_file import check_file

if TYPE_CHECKING:
    from lamlam.memory_backends.protocol import FactStore


class DefaultMemory(Enum):
    """The memory of an engine for which none was named."""

    OWN = "the bundled facts for a model with lookup tokens, none for a plain one"


class EngineMemory:
    """The store of an engine, and its entity names for a strict constraint."""

    def __init__(
        self, memory: str | FactStore | None | DefaultMemory, constraint: Constraint | None
    ) -> None:
        """Store the arguments; open nothing yet.

        Raises:
            UsageError: not a URL, a store or ``None``.
        """
        is_named = isinstance(memory, str | DefaultMemory) or hasattr(memory, "capabilities")
        if memory is not None and not is_named:
            raise UsageError(f"memory must be a URL, an open store or None, got {memory!r}")
        self._memory = memory
        self._is_strict = constraint is not None and constraint.strict
        is_whole = constraint is not None and constraint.strict and not constraint.only_named
        self.entity_names = EntityNames() if is_whole else None
        """All names of the store, if a strict constraint needs them."""
        self.store: FactStore | None = None
        self._has_lookup_tokens = False

    @property
    def name(self) -> str | None:
        """Its URL without secrets, the class of a store that was given open, or ``bundled``."""
        if self.store is None:
            return None
        if isinstance(self._memory, DefaultMemory):
            return "bundled"
        if not isinstance(self._memory, str):
            return type(self._memory).__name__
        from lamlam.memory_backends.open import without_secrets

        return without_secrets(self._memory)

    async def open(self, model: Path, stack: AsyncExitStack, *, is_plain: bool | None) -> None:
        """Open the store, if there is one; the stack closes it, unless it was given open.

        Args:
            is_plain: the model has no lookup tokens; ``None``: unknown. By default a plain
                model has no memory.

        Raises:
            FactStoreError: the store cannot be used; see its subclasses.
        """
        memory = self._memory
        if isinstance(memory, DefaultMemory):
            if is_plain is None:
                is_plain = await anyio.to_thread.run_sync(_is_plain, model)
            memory = None if is_plain else "bundled"
        if isinstance(memory, str):
            from lamlam.memory_backends.open import open_store

            opened = open_store(memory, create=False, read_only=True)
            memory = await stack.enter_async_context(opened)
        self.store = memory

    async def check_strict(self, *, has_lookup_tokens: bool) -> None:
        """Raise unless this memory can enforce a strict constraint; read its names.

        Raises:
            NotSupported: the store has no fast lookups.
            TooManyEntities: it holds too many names.
        """
        self._has_lookup_tokens = has_lookup_tokens
        if self.store is None or not has_lookup_tokens or not self._is_strict:
            return
        if "fast_lookup" not in self.store.capabilities:
            raise NotSupported(
                "a strict constraint needs a memory with fast lookups",
                hint="leave out strict, or use a memory with the capability fast_lookup",
            )
        await self.refresh_names()

    async def refresh_names(self) -> None:
        """Read the names for a strict constraint again, if the store has changed."""
        if self.entity_names and self.store is not None and self._has_lookup_tokens:
            await self.entity_names.refresh(self.store)

    async def check_as_of(self, as_of: int | None) -> None:
        """Raise unless memory can be asked as it stood at a revision.

        Raises:
            UsageError: there is no memory.
            NotSupported: it keeps no history, or cannot enforce a strict constraint.
            Conflict: it has not reached the revision.
        """
        if as_of is None:
            return
        store = self.store
        if store is None:
            raise UsageError("as_of needs a memory", hint="open the engine with memory=URL")
        if "history" not in store.capabilities:
            raise NotSupported(
                f"{type(store).__name__} keeps no history, so it cannot answer as_of a revision",
                hint="store.capabilities says what it can do",
            )
        if self._is_strict and "server" in store.capabilities:
            raise NotSupported(
                "a strict constraint does not work with as_of and a memory on a server",
                hint="leave out strict or as_of",
            )
        from lamlam.memory_backends.model.lookups import Lookup

        await store.lookup_many([Lookup("", "", as_of=as_of)])  # else it is a Conflict


def _is_plain(path: Path) -> bool:
    texts = check_file(path).metadata["tokenizer.ggml.tokens"]
    return set(LOOKUP_TOKENS).isdisjoint(texts)
