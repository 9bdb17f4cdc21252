"""`SyncTextSearch`: the blocking twin of `TextSearch`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.search_rules import SearchResult
from lamlam.memory_backends.model.text_search import OnProgress, TextSearch

T = TypeVar("T")


class SyncTextSearch:
    """The part of `SyncFactStore` that searches."""

    _local: Any  # a store that does its work in this thread

    @abstractmethod
    def _opened(self) -> TextSearch: ...

    @abstractmethod
    def _call(self, method: Callable[[], Coroutine[Any, Any, T]]) -> T: ...

    def search(
        self,
        text: str,
        *,
        namespace: Namespace | None = (),
        shared_namespace: Namespace | None = None,
        limit: int = 20,
        sources: bool = False,
        include_expired: bool = False,
    ) -> SearchResult:
        """Return facts that a text finds: by names, aliases and values, the best first."""
        return self._call(
            partial(
                self._opened().search,
                text,
                namespace=namespace,
                shared_namespace=shared_namespace,
                limit=limit,
                sources=sources,
                include_expired=include_expired,
            )
        )

    def names(
        self, prefix: str = "", *, namespace: Namespace | None = (), limit: int = 100
    ) -> list[str]:
        """Return names of entities with facts that begin with a text, in the order of the alphabet."""
        return self._call(partial(self._opened().names, prefix, namespace=namespace, limit=limit))

    def set_search_index(
        self,
        is_on: bool = True,
        *,
        sources: bool = False,
        on_progress: OnProgress | None = None,
    ) -> None:
        """Turn the search index on or off, for every process that uses the store."""
        store = self._opened()
        if self._local is not None:
            self._local.set_search_index_nowait(is_on, sources=sources, on_progress=on_progress)
        else:
            self._call(
                partial(store.set_search_index, is_on, sources=sources, on_progress=on_progress)
            )
