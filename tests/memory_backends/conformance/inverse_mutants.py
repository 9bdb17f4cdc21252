"""Memories with one fault each in what they answer about values of others, and the laws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from lamlam.memory_backends.model.lookups import EntityView, Lookup, LookupResult
from lamlam.memory_backends.model.operations import (
    Assert,
    Commit,
    ErasureReceipt,
    Op,
    SplitEntities,
)
from lamlam.memory_backends.model.values import EntityRef
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.protocol import FactStore


class AsksAnother(GraphStore):
    """A memory that is asked something else than it was."""

    def instead(self, query: Lookup) -> Lookup:
        return query

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        return await super().lookup_many([self.instead(query) for query in queries])


class StoresTexts(GraphStore):
    async def apply(self, ops: Sequence[Op], **options: Any) -> Commit:
        texts = [
            Assert(op.fact.model_copy(update={"value": op.fact.surface}))
            if isinstance(op, Assert)
            else op
            for op in ops
        ]
        return await super().apply(texts, **options)


class SeesOneSide(AsksAnother):
    def instead(self, query: Lookup) -> Lookup:
        return replace(query, relation="x") if query.relation == "spouse" else query


class KnowsNoValueNames(GraphStore):
    async def known_names(self, names: Sequence[str], **options: Any) -> frozenset[str]:
        found = await super().known_names(names, **options)
        return frozenset([one for one in found if [fact async for fact in self.scan(one)]])


class DescribesOwnFacts(GraphStore):
    def describe_nowait(self, entity: str, **options: Any) -> EntityView | None:
        view = super().describe_nowait(entity, **options)
        return view if view is not None and "child" not in view.relations else None


class MixesValues(AsksAnother):
    def instead(self, query: Lookup) -> Lookup:
        return replace(query, namespace=("a",))


class LastsForEver(AsksAnother):
    def instead(self, query: Lookup) -> Lookup:
        return replace(query, valid_at=None)


class AnswersForNow(AsksAnother):
    def instead(self, query: Lookup) -> Lookup:
        return replace(query, as_of=None)


class ErasesWhoNamesIt(GraphStore):
    async def erase(self, entity: str, *args: Any, **options: Any) -> ErasureReceipt:
        for fact in [fact async for fact in self.scan()]:
            if fact.value == EntityRef(entity):
                await super().erase(fact.entity)
        return await super().erase(entity, *args, **options)


class StaysMerged(GraphStore):
    async def apply(self, ops: Sequence[Op], **options: Any) -> Commit:
        kept = [op for op in ops if not isinstance(op, SplitEntities)]
        return await super().apply(kept, **options)


class TakesRelationsAtTheirWord(AsksAnother):
    def instead(self, query: Lookup) -> Lookup:
        return replace(query, relation="x") if " " in query.relation else query


class TypesOneSide(GraphStore):
    async def apply(self, ops: Sequence[Op], **options: Any) -> Commit:
        texts = [
            Assert(op.fact.model_copy(update={"relation": f"{op.fact.relation} known"}))
            if isinstance(op, Assert) and op.fact.relation == "children"
            else op
            for op in ops
        ]
        return await super().apply(texts, **options)


INVERSE_MUTANTS: dict[Callable[..., FactStore], str] = {
    StoresTexts: "test_an_inverse_answers_for_facts_before_its_rule",
    TypesOneSide: "test_a_text_names_the_entity_on_either_side",
    SeesOneSide: "test_a_symmetric_relation_answers_for_a_value",
    KnowsNoValueNames: "test_a_value_is_a_known_name",
    DescribesOwnFacts: "test_a_value_is_described",
    MixesValues: "test_a_value_stays_in_its_namespace",
    LastsForEver: "test_a_value_is_answered_for_while_it_holds",
    AnswersForNow: "test_a_value_is_answered_for_as_of_a_revision",
    ErasesWhoNamesIt: "test_erasing_either_side_of_an_inverse",
    StaysMerged: "test_a_value_is_answered_for_through_merges",
    TakesRelationsAtTheirWord: "test_an_inverse_is_asked_for_in_other_words",
}
"""By fault: the law that is about it."""
