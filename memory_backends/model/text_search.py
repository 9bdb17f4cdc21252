"""`TextSearch`: the questions of a store that ask by a part of a text, not by a name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

from lamlam.errors import BadFact, UnknownOption
from lamlam.memory_backends.model.capabilities import Capability, unsupported
from lamlam.memory_backends.model.facts import Namespace, check_namespace
from lamlam.memory_backends.model.search_by_scan import (
    ScannedStore,
    names_by_scan,
    search_by_scan,
)
from lamlam.memory_backends.model.search_rules import (
    MAX_LIMIT,
    MAX_TEXT_CHARACTERS,
    SearchQuery,
    SearchResult,
    search_query,
)
from lamlam.memory_backends.model.shared_search import SearchedStore, search_both

WITHOUT_SOURCES = "names, values"
WITH_SOURCES = "names, values, sources"
OnProgress = Callable[[int, int], None]
"""Takes how many entities are indexed, and of how many."""

_OPTIONS = {
    "on": (True, False),
    "off": (False, False),
    "sources": (True, True),
    "true": (True, False),
    "false": (False, False),
}


def index_option(value: str) -> tuple[bool, bool]:
    """Return whether there is an index, and of sources too, as the option of a URL says.

    Raises:
        UnknownOption: it says what does not exist.
    """
    try:
        return _OPTIONS[value]
    except KeyError:
        raise UnknownOption(
            f"search_index={value[:40]!r} does not exist", hint=f"{', '.join(_OPTIONS)} do"
        ) from None


def indexed_fields(sources: bool | None) -> str:
    """Return what `StoreInfo` says of a search index: with sources or without; ``None``: of none."""
    if sources is None:
        return "off"
    return WITH_SOURCES if sources else WITHOUT_SOURCES


class TextSearch(Protocol):
    """Search and listing of names; the bodies read all facts, in turns with other tasks."""

    capabilities: frozenset[Capability] = frozenset()

    async def search(
        self,
        text: str,
        *,
        namespace: Namespace | None = (),
        shared_namespace: Namespace | None = None,
        limit: int = 20,
        sources: bool = False,
        include_expired: bool = False,
    ) -> SearchResult:
        """Return facts that a text finds: by names, aliases and values, the best first.

        First come the facts of the entity that the text names, then those of entities with the
        text in a name, then those with it in the value, then those with words of it, the more the
        better: of a whole question, function words apart. Case, accents and punctuation play no
        role.

        Args:
            text: a part of a name or of a value, or a question; at most 4,000 characters.
            namespace: where to look; ``None``: everywhere.
            shared_namespace: where to look too: what ``namespace`` says of the same relation of
                an entity of the same name hides what is said there. ``None``: nowhere else.
            limit: most facts.
            sources: look in the sources of facts, too.
            include_expired: find facts whose period has ended, too.

        Raises:
            BadFact: an argument is of another type or size.
            StoreClosed: the store is closed.
            Unavailable: a server did not answer.
        """
        own = search_query(text, namespace, limit, sources, include_expired)
        if shared_namespace is None or namespace is None:
            return await self.search_one(own)
        shared = search_query(text, shared_namespace, limit, sources, include_expired)
        if shared.namespace == own.namespace:
            return await self.search_one(own)
        return await search_both(cast("SearchedStore", self), own, shared)

    async def search_one(self, query: SearchQuery) -> SearchResult:
        """Return what a checked search finds; a backend with an index writes its own."""
        return await search_by_scan(cast("ScannedStore", self), query)

    async def names(
        self, prefix: str = "", *, namespace: Namespace | None = (), limit: int = 100
    ) -> list[str]:
        """Return names of entities with facts that begin with a text, in the order of the alphabet.

        Case, accents and punctuation play no role, for the order neither.

        Args:
            prefix: what they begin with; empty: all names.
            namespace: where to look; ``None``: everywhere.
            limit: most names.

        Raises:
            BadFact: an argument is of another type or size.
        """
        if not isinstance(prefix, str):
            raise BadFact(f"prefix must be a string, got {type(prefix).__name__}")
        if len(prefix) > MAX_TEXT_CHARACTERS:
            raise BadFact(
                f"prefix must have at most {MAX_TEXT_CHARACTERS:,} characters, got {len(prefix):,}"
            )
        if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
            raise BadFact(
                f"limit must be a whole number from 1 to {MAX_LIMIT:,}, got {limit!r}"[:120]
            )
        space = None if namespace is None else check_namespace(namespace)
        return await self.names_with(prefix, space, limit)

    async def names_with(self, prefix: str, namespace: Namespace | None, limit: int) -> list[str]:
        """Return what `names` does; the arguments are checked."""
        return await names_by_scan(cast("ScannedStore", self), prefix, namespace, limit)

    async def set_search_index(
        self,
        is_on: bool = True,
        *,
        sources: bool = False,
        on_progress: OnProgress | None = None,
    ) -> None:
        """Turn the search index on or off, for every process that uses the store (`SEARCH_INDEX`).

        Without it a search reads every fact. Turned on, it is made of what is there and kept in
        step by every later write; what is erased goes from it, too.

        Args:
            is_on: whether there is an index from now on.
            sources: index the sources of facts, too; they are searched only where asked for.
            on_progress: called while it is made.

        Raises:
            BadFact: ``is_on`` or ``sources`` is neither True nor False.
            NotSupported: the store cannot keep an index.
            ReadOnly: the store was opened for reading.
        """
        raise unsupported(self, "set_search_index", Capability.SEARCH_INDEX)
