"""The memory of an engine: opens its store, and checks what it can do."""

from __future__ import annotations

from contextlib import AsyncExitStack
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from lamlam.errors import NotSupported, UsageError
from lamlam.lookup_tokens import LOOKUP_TOKENS
from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.text_memory import memory_of
from lamlam.runtime.llama.model_file import check_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

    from lamlam.memory_backends.model.facts import Namespace
    from lamlam.memory_backends.model.facts_about import AboutOptions, FactsAbout
    from lamlam.memory_backends.protocol import FactStore
    from lamlam.runtime.decoding.entity_names import EntityNames
    from lamlam.runtime.decoding.settings import TextSettings


class DefaultMemory(Enum):
    """The memory of an engine for which none was named."""

    OWN = "the bundled facts for a model with lookup tokens, none for a plain one"


class AskedAboutTexts:
    """What an engine is asked about a text without generating any: what its memory holds."""

    _memory: EngineMemory

    def _open_here(self) -> object:
        raise NotImplementedError

    async def facts_about(self, text: str, **options: Unpack[AboutOptions]) -> FactsAbout:
        """Return what memory holds about the names in a text, for the prompt of a model.

        Args:
            text: a message or a paragraph, of at most 100,000 characters.
            options: as for `FactStore.facts_about`: ``namespace``, ``shared_namespace``, ``me``,
                ``max_facts``, ``max_characters``, ``as_of``.

        Raises:
            UsageError: the engine has no memory.
            UnknownOption: an option that does not exist.
            BadFact: an argument is not valid, or the text is too long.
            EngineClosed: the engine is not open.
        """
        from lamlam.memory_backends.model.facts_about import AboutOptions
        from lamlam.runtime.decoding.option_checks import check_names

        self._open_here()
        check_names(options, AboutOptions.__annotations__)
        store = self._memory.store
        if store is None:
            raise UsageError("facts_about needs a memory", hint="open the engine with memory=URL")
        return await store.facts_about(text, **options)


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
        self.entity_names = _all_names() if is_whole else None
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

    async def refresh_names(self, namespaces: Sequence[Namespace] = ((),)) -> None:
        """Read the names for a strict constraint again, if the store has changed."""
        if self.entity_names and self.store is not None and self._has_lookup_tokens:
            await self.entity_names.refresh(self.store, namespaces)

    async def prepare(self, settings: TextSettings) -> None:
        """Raise unless memory can answer a text; read what it needs.

        Raises:
            UsageError: ``as_of`` or a namespace, and there is no memory.
            NotSupported, Conflict: as for `check_as_of`; or the store has no namespaces.
            TooManyEntities: the names are too many for a strict constraint.
        """
        self._check_namespaces(settings)
        self.view(settings)  # refuses what cannot be read as one
        await self.check_as_of(settings.as_of)
        await self.refresh_names(settings.namespaces)

    def view(self, settings: TextSettings) -> FactStore | None:
        """Return the store as a text reads it: its own namespace, and the shared one."""
        return memory_of(self.store, settings)

    def _check_namespaces(self, settings: TextSettings) -> None:
        if settings.namespaces == ((),):
            return
        if self.store is None:
            raise UsageError("namespace needs a memory", hint="open the engine with memory=URL")
        if "namespaces" not in self.store.capabilities:
            raise NotSupported(
                f"{type(self.store).__name__} has no namespaces, so no text can read one",
                hint="store.capabilities says what it can do",
            )

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


def _all_names() -> EntityNames:
    from lamlam.runtime.decoding.entity_names import EntityNames  # loads NumPy

    return EntityNames()
