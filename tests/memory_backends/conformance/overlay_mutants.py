"""Memories with one fault each in their namespaced reads, and the law of overlays about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.lookups import EntityView, Lookup, LookupResult
from lamlam.memory_backends.model.meanings import Meanings
from lamlam.memory_backends.model.operations import Commit, Op, PastFact, RemoveAlias
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.protocol import FactStore

_LONG_AGO = datetime(1995, 1, 1, tzinfo=UTC)


class FallsBackByItself(GraphStore):
    """What a namespace lacks is answered from the unnamed one."""

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        found = await super().lookup_many(queries)
        usual = await super().lookup_many([replace(one, namespace=()) for one in queries])
        pairs = zip(found, usual, strict=True)
        return [mine if mine.values else theirs for mine, theirs in pairs]


class MixesAnswers(GraphStore):
    """The answers to several questions are one place off."""

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        found = await super().lookup_many(queries)
        return found if len(found) < 3 else [*found[1:], found[0]]


class AsksFirstNamespaceOnly(GraphStore):
    """All questions are asked in the namespace of the first."""

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        first = queries[0].namespace if queries else ()
        return await super().lookup_many([replace(one, namespace=first) for one in queries])


def _asked_in(namespace: Namespace | None, options: dict[str, Any]) -> dict[str, Any]:
    return {**options, "namespace": namespace}


class DescribesTheUnnamed(GraphStore):
    def describe_nowait(self, entity: str, **options: Any) -> EntityView | None:
        return super().describe_nowait(entity, **_asked_in((), options))


class AllowsTheUnnamed(GraphStore):
    def possible_names_nowait(self, names: Sequence[str], **options: Any) -> frozenset[str]:
        return super().possible_names_nowait(names, **_asked_in((), options))


class MarksNoCommit(GraphStore):
    def state_nowait(self) -> int:
        return 0


class MeansTheUnnamed(GraphStore):
    def meanings_nowait(self, name: str, **options: Any) -> Meanings:
        return super().meanings_nowait(name, **_asked_in((), options))


class MeansOthersToo(GraphStore):
    def meanings_nowait(self, name: str, **options: Any) -> Meanings:
        found = super().meanings_nowait(name, **options)
        other = super().meanings_nowait("Orb (film)", namespace=("users", "8")).view
        if other is None or not found.homonyms:
            return found
        return Meanings(None, (*found.homonyms, other))


class KnowsNamesOfAll(GraphStore):
    def known_names_nowait(self, names: Sequence[str], **options: Any) -> frozenset[str]:
        known = super().known_names_nowait(names, **options)
        for space in ((), ("users", "7"), ("users", "8")):
            known |= super().known_names_nowait(names, **_asked_in(space, options))
        return known


class ScansTheUnnamedToo(GraphStore):
    async def scan(self, *names: Any, **options: Any) -> AsyncIterator[Fact]:
        for space in dict.fromkeys((options.get("namespace"), ())):
            async for fact in super().scan(*names, **_asked_in(space, options)):
                yield fact


class RemembersForAll(GraphStore):
    async def history(self, *names: Any, **options: Any) -> list[PastFact]:
        other = await super().history(*names, namespace=("users", "8"))
        return [*await super().history(*names, **options), *other]


class HomonymsOfAll(GraphStore):
    def homonyms_nowait(self, name: str, **options: Any) -> tuple[EntityView, ...]:
        found = super().homonyms_nowait(name, **options)
        other = super().describe_nowait(name, namespace=("users", "8"))
        return found if other is None or not found else (*found, other)


class AliasesOfAll(GraphStore):
    async def aliases(self, entity: str, **options: Any) -> list[str]:
        return await super().aliases(entity)


class AnswersWithTheEnded(GraphStore):
    """A fact that is over is answered where nothing else is."""

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        found = await super().lookup_many(queries)
        return [
            (await super().lookup_many([replace(query, as_of=None, valid_at=_LONG_AGO)]))[0]
            if one.status == "not_valid_at"
            else one
            for query, one in zip(queries, found, strict=True)
        ]


class NearNamesFirst(GraphStore):
    """A misspelling is told to be the very name."""

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        return [_as_exact(one) for one in await super().lookup_many(queries)]


def _as_exact(found: LookupResult) -> LookupResult:
    part = found.match.entity
    if part.kind != "fuzzy":
        return found
    told = replace(found.match, entity=replace(part, kind="exact", score=1.0))
    return LookupResult(
        found.status, told, found.revision, entity=part.matched or "",
        namespace=found.namespace, stored=found._stored,
    )  # fmt: skip


class TakesAliasesEverywhere(GraphStore):
    """An alias that is removed in one namespace is removed in the unnamed one too."""

    async def apply(self, ops: Sequence[Op], **options: Any) -> Commit:
        done = await super().apply(ops, **options)
        for op in ops:
            if isinstance(op, RemoveAlias) and op.namespace:
                await super().apply([replace(op, namespace=())])
        return done


class RecallsOneNamespace(GraphStore):
    """`recall` does not see what is shared."""

    async def recall(self, model: type[Any], entity: str, **options: Any) -> Any:
        return await super().recall(model, entity, **{**options, "shared_namespace": None})


OVERLAY_MUTANTS: dict[Callable[..., FactStore], str] = {
    FallsBackByItself: "test_a_user_hides_what_is_shared",
    MixesAnswers: "test_many_users_in_one_question",
    AsksFirstNamespaceOnly: "test_an_overlay_is_both_layers",
    DescribesTheUnnamed: "test_a_meaning_is_a_description_or_homonyms",
    AllowsTheUnnamed: "test_what_means_something_is_possible",
    MarksNoCommit: "test_a_mark_tells_that_answers_may_have_changed",
    MeansTheUnnamed: "test_an_overlay_is_both_layers",
    KnowsNamesOfAll: "test_an_overlay_is_both_layers",
    ScansTheUnnamedToo: "test_an_overlay_is_both_layers",
    RemembersForAll: "test_an_overlay_has_a_past",
    HomonymsOfAll: "test_a_meaning_is_a_description_or_homonyms",
    MeansOthersToo: "test_homonyms_of_an_overlay",
    AliasesOfAll: "test_an_alias_of_a_layer_names_the_entity_of_both",
    AnswersWithTheEnded: "test_what_is_over_hides_nothing",
    NearNamesFirst: "test_a_near_name_is_behind_an_exact_one",
    RecallsOneNamespace: "test_a_model_is_filled_as_the_user_sees_it",
    TakesAliasesEverywhere: "test_a_namespace_is_as_if_it_were_alone",
}
"""By fault: the law that is about it."""
