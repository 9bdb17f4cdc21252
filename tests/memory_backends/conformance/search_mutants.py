"""Memories with one fault each in what they find by a text, and the law that is about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lamlam.memory_backends.model.operations import ErasureReceipt, StoreInfo
from lamlam.memory_backends.model.search_rules import SearchQuery, SearchResult
from lamlam.memory_backends.model.text_search import OnProgress
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.protocol import FactStore


class TellsCasesApart(GraphStore):
    async def search_one(self, query: SearchQuery) -> SearchResult:
        found = await super().search_one(query)
        facts = [f for f in found.facts if query.text in f"{f.entity} {f.surface} {f.sources}"]
        return replace(found, facts=tuple(facts))


class PutsTheBestLast(GraphStore):
    async def search_one(self, query: SearchQuery) -> SearchResult:
        found = await super().search_one(query)
        return replace(found, facts=found.facts[::-1])


class PassesOverWords(GraphStore):
    async def search_one(self, query: SearchQuery) -> SearchResult:
        return await super().search_one(replace(query, words=()))


class KnowsNoRelations(GraphStore):
    async def search_one(self, query: SearchQuery) -> SearchResult:
        return await super().search_one(replace(query, roots=frozenset()))


class IsAlwaysComplete(GraphStore):
    async def search_one(self, query: SearchQuery) -> SearchResult:
        return replace(await super().search_one(query), is_complete=True)


class TakesAnyText(GraphStore):
    async def search(self, text: str, **options: Any) -> SearchResult:
        return await super().search(str(text or "x")[:100], **options)


class ReadsOperators(GraphStore):
    async def search_one(self, query: SearchQuery) -> SearchResult:
        if '"' in query.text or "*" in query.text:
            return SearchResult((), is_complete=True)
        return await super().search_one(query)


class SeesNoAliases(GraphStore):
    async def search_one(self, query: SearchQuery) -> SearchResult:
        state = self._state
        aliases, state.aliases = state.aliases, lambda key: []  # type: ignore[method-assign]
        try:
            return await super().search_one(query)
        finally:
            state.aliases = aliases  # type: ignore[method-assign]


class SearchesEverywhere(GraphStore):
    async def search_one(self, query: SearchQuery) -> SearchResult:
        return await super().search_one(replace(query, namespace=None))


class ShowsWhatIsHidden(GraphStore):
    async def search(self, text: str, **options: Any) -> SearchResult:
        shared = options.pop("shared_namespace", None)
        found = await super().search(text, **options)
        if shared is None:
            return found
        more = await super().search(text, **{**options, "namespace": shared})
        return replace(found, facts=found.facts + more.facts)


class ListsNamesAsStored(GraphStore):
    async def names_with(self, prefix: str, namespace: Any, limit: int) -> list[str]:
        names = [one.name async for one in self.entities(namespace=namespace)]
        found = [name for name in names if name.casefold().startswith(prefix.casefold())]
        return found[:limit]


class NeverSearchesSources(GraphStore):
    async def search_one(self, query: SearchQuery) -> SearchResult:
        return await super().search_one(replace(query, sources=False))


class LetsTheIndexAge(GraphStore):
    async def search_one(self, query: SearchQuery) -> SearchResult:
        index = self._state.text_index
        if index is not None:
            index.refresh(self._state.record, self._state.aliases, index.n_waiting)
            index.mark = lambda key: None  # type: ignore[method-assign]
        return await super().search_one(query)


class RemembersResults(GraphStore):
    """What was erased was found before."""

    async def erase(
        self, entity: str, relation: Any = None, value: Any = None, **options: Any
    ) -> ErasureReceipt:
        self.before = [await super().search(one, sources=True) for one in ("quetz", "zebed")]
        return await super().erase(entity, relation, value, **options)

    async def search_one(self, query: SearchQuery) -> SearchResult:
        found = await super().search_one(query)
        before = [fact for one in getattr(self, "before", []) for fact in one.facts]
        return replace(found, facts=found.facts or tuple(before))


class HidesItsIndex(GraphStore):
    async def info(self) -> StoreInfo:
        return replace(await super().info(), search_index="names, values")


class TakesAnySwitch(GraphStore):
    def set_search_index_nowait(
        self, is_on: bool, *, sources: bool = False, on_progress: OnProgress | None = None
    ) -> None:
        super().set_search_index_nowait(bool(is_on), sources=bool(sources), on_progress=on_progress)


SEARCH_MUTANTS: dict[Callable[..., FactStore], str] = {
    TellsCasesApart: "test_a_part_of_a_name_or_value_finds_facts",
    PutsTheBestLast: "test_a_part_of_a_name_or_value_finds_facts",
    PassesOverWords: "test_a_question_finds_what_it_asks_for_first",
    KnowsNoRelations: "test_a_question_finds_what_it_asks_for_first",
    IsAlwaysComplete: "test_a_search_says_whether_it_is_complete",
    TakesAnyText: "test_what_is_searched_for_is_checked",
    ReadsOperators: "test_hostile_texts_are_only_searched_for",
    SeesNoAliases: "test_aliases_are_names_to_a_search",
    SearchesEverywhere: "test_searches_keep_to_their_namespace",
    ShowsWhatIsHidden: "test_searches_keep_to_their_namespace",
    ListsNamesAsStored: "test_names_are_listed_by_what_they_begin_with",
    NeverSearchesSources: "test_sources_are_searched_where_asked_for",
    LetsTheIndexAge: "test_every_write_keeps_the_index_in_step",
    RemembersResults: "test_what_is_erased_is_found_no_more",
    HidesItsIndex: "test_the_index_is_of_the_store",
    TakesAnySwitch: "test_a_switch_is_on_or_off",
}
"""By fault: the law that is about it."""
