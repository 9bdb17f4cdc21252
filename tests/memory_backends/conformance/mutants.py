"""Memories with one fault each, and the law that is about it."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio.lowlevel

from lamlam.memory_backends.commits.mentions import Mentions
from lamlam.memory_backends.conformance import Backend
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.lookups import EntityView, Lookup, LookupResult
from lamlam.memory_backends.model.operations import (
    Assert,
    Change,
    Commit,
    DefineRelation,
    ErasureReceipt,
    KnownEntity,
    KnownNamespace,
    MigrationReport,
    Op,
    PastFact,
    Replace,
    Retract,
    SplitEntities,
)
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.protocol import Capability, FactStore
from tests.memory_backends.conformance.about_mutants import ABOUT_MUTANTS
from tests.memory_backends.conformance.inverse_mutants import INVERSE_MUTANTS
from tests.memory_backends.conformance.lifetime_mutants import LIFETIME_MUTANTS
from tests.memory_backends.conformance.overlay_mutants import OVERLAY_MUTANTS
from tests.memory_backends.conformance.search_mutants import SEARCH_MUTANTS


class Changed(GraphStore):
    """A memory whose operations are changed before they are done."""

    async def apply(self, ops: Sequence[Op], **options: Any) -> Commit:
        return await super().apply([self.change(op) for op in ops], **options)

    def change(self, op: Op) -> Op:
        return op


class LosesSiblings(Changed):
    def change(self, op: Op) -> Op:
        return Replace(op.fact) if isinstance(op, Assert) else op


class StripsText(Changed):
    def change(self, op: Op) -> Op:
        if isinstance(op, Assert) and isinstance(op.fact.value, str) and op.fact.value.strip():
            text = op.fact.value.strip()
            return Assert(op.fact.model_copy(update={"value": text, "surface": text}))
        return op


class ForgetsTypes(Changed):
    def change(self, op: Op) -> Op:
        if isinstance(op, Assert):
            return Assert(op.fact.model_copy(update={"value": op.fact.surface}))
        return op


class ForgetsSources(Changed):
    def change(self, op: Op) -> Op:
        return Assert(op.fact.model_copy(update={"sources": ()})) if isinstance(op, Assert) else op


class ForgetsRules(Changed):
    def change(self, op: Op) -> Op:
        if isinstance(op, DefineRelation):
            return DefineRelation(replace(op.rule, cardinality="many"))
        return op


class SplitsNothing(Changed):
    def change(self, op: Op) -> Op:
        return Retract("Nobody", "x") if isinstance(op, SplitEntities) else op


class IgnoresExpectedValues(Changed):
    def change(self, op: Op) -> Op:
        return Replace(op.fact) if isinstance(op, Replace) else op


class EndsWithoutAWord(GraphStore):
    async def apply(self, ops: Sequence[Op], **options: Any) -> Commit:
        return replace(await super().apply(ops, **options), ended=())


class TurnsRelationsRound(Changed):
    def change(self, op: Op) -> Op:
        if isinstance(op, Assert):
            relation = op.fact.relation.removesuffix(" of")
            return Assert(op.fact.model_copy(update={"relation": relation}))
        return op


class KnowsNoValues(GraphStore):
    async def lookup(self, entity: str, relation: str, **options: Any) -> LookupResult:
        found = await super().lookup(entity, relation, **options)
        if found.match.relation.kind == "inverse" and not [f async for f in self.scan(entity)]:
            return await super().lookup(entity, "another relation", **options)
        return found


class RetractsEverything(Changed):
    def change(self, op: Op) -> Op:
        return replace(op, value=None) if isinstance(op, Retract) else op


class IgnoresExpectedRevision(GraphStore):
    async def apply(self, ops: Sequence[Op], **options: Any) -> Commit:
        return await super().apply(ops, **(options | {"expected": None}))


class DuplicatesOnRetry(GraphStore):
    async def apply(self, ops: Sequence[Op], **options: Any) -> Commit:
        return await super().apply(ops, **(options | {"idempotency_key": None}))


class CommitsOneByOne(GraphStore):
    async def apply(self, ops: Sequence[Op], **options: Any) -> Commit:
        commit = Commit((await self.info()).revision, 0)
        for op in ops:
            await anyio.lowlevel.checkpoint()
            commit = await super().apply([op])
        return commit


class LosesConcurrentWrites(GraphStore):
    async def apply(self, ops: Sequence[Op], **options: Any) -> Commit:
        before = (await self.info()).revision
        await anyio.lowlevel.checkpoint()
        if (await self.info()).revision != before:
            return Commit(before, 0)
        return await super().apply(ops, **options)


class ForgetsHistory(GraphStore):
    async def history(self, *names: Any, **where: Any) -> list[PastFact]:
        return []


class IgnoresAsOf(GraphStore):
    def lookup_nowait(self, query: Lookup) -> LookupResult:
        return super().lookup_nowait(replace(query, as_of=None))


class IncludesTheEnd(GraphStore):
    def lookup_nowait(self, query: Lookup) -> LookupResult:
        if query.valid_at is not None:
            query = replace(query, valid_at=query.valid_at - timedelta(microseconds=1))  # type: ignore[operator]
        return super().lookup_nowait(query)


class MixesNamespaces(GraphStore):
    def lookup_nowait(self, query: Lookup) -> LookupResult:
        return super().lookup_nowait(replace(query, namespace=()))


class SwallowsNotSupported(GraphStore):
    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.capabilities -= {Capability.CHANGES}

    async def changes(self, since: int | None = None, **where: Any) -> AsyncIterator[Change]:
        for change in list[Change]():
            yield change


class RepeatsTheFeed(GraphStore):
    async def changes(self, since: int | None = None, **where: Any) -> AsyncIterator[Change]:
        async for change in super().changes(max(since - 1, 0) if since else since, **where):
            yield change


class FeedKnowsNoEnds(GraphStore):
    async def changes(self, since: int | None = None, **where: Any) -> AsyncIterator[Change]:
        async for change in super().changes(since, **where):
            if change.kind != "ended":
                yield change


class ErasesByRetracting(GraphStore):
    async def erase(
        self, entity: str, relation: str | None = None, *value: Any, **options: Any
    ) -> ErasureReceipt:
        facts = [one async for one in self.scan(entity, relation)]
        await self.apply([Retract(entity, one.relation) for one in facts])
        return ErasureReceipt(
            len(facts), entity, relation, ("facts",), (), False, (await self.info()).revision
        )


class ConfirmsWithoutLooking(GraphStore):
    async def erase(self, *names: Any, **options: Any) -> ErasureReceipt:
        return replace(await super().erase(*names, **options), verified=True)


class ErasesSimilarNames(GraphStore):
    async def erase(self, entity: str, *names: Any, **options: Any) -> ErasureReceipt:
        view = self.describe_nowait(entity)
        return await super().erase(view.name if view else entity, *names, **options)


class KeepsActors(GraphStore):
    async def erase(self, *names: Any, **options: Any) -> ErasureReceipt:
        before = list(self._log.commits)
        receipt = await super().erase(*names, **options)
        now = self._log.commits
        for n, commit in enumerate(before):
            now[n] = replace(now[n], actor=commit.actor)
        return receipt


class ForgetsActorsOfOthers(GraphStore):
    async def erase(self, entity: str, *names: Any, **options: Any) -> ErasureReceipt:
        receipt = await super().erase(entity, *names, **options)
        mentions = Mentions([canonical_key(entity)], FactIds(b""))
        n_more = self._log.forget_actors(mentions, None)
        return replace(receipt, log_entries=receipt.log_entries + n_more)


class CountsForNobody(GraphStore):
    async def erase(self, *names: Any, **options: Any) -> ErasureReceipt:
        return replace(await super().erase(*names, **options), unlisted=())


class ListsNoMentions(GraphStore):
    async def erase(self, *names: Any, **options: Any) -> ErasureReceipt:
        return replace(await super().erase(*names, **options), mentions=(), n_mentions=0)


class TakesAnyRepeat(GraphStore):
    async def apply(self, ops: Sequence[Op], **options: Any) -> Commit:
        self._log.operations.clear()
        return await super().apply(ops, **options)


class LetsGuess(GraphStore):
    async def erase(self, *names: Any, **options: Any) -> ErasureReceipt:
        before = dict(self._log.operations)
        receipt = await super().erase(*names, **options)
        self._log.operations.update(before)
        return receipt


class ListsThePresentAlone(GraphStore):
    async def entities(self, **where: Any) -> AsyncIterator[KnownEntity]:
        async for one in super().entities(**where):
            if one.facts:
                yield one


class KeepsWhatEnded(GraphStore):
    def erase_namespace_nowait(self, namespace: Namespace, **options: Any) -> ErasureReceipt:
        before = {key: past for key, past in self._state.past.items() if key.startswith("users")}
        receipt = super().erase_namespace_nowait(namespace, **options)
        self._state.past.update(before)
        return receipt


class ErasesTheNamespacesBeside(GraphStore):
    async def erase_namespace(self, namespace: Namespace, **options: Any) -> ErasureReceipt:
        last: ErasureReceipt | None = None
        for one in [one async for one in self.namespaces(namespace[:1])]:
            last = await super().erase_namespace(one.namespace, **options)
        assert last is not None
        return last


class ErasesSiblings(GraphStore):
    async def erase(self, entity: str, *names: Any, **options: Any) -> ErasureReceipt:
        return await super().erase(entity, *names[:1], **options)


class LeavesPastValues(GraphStore):
    async def erase(
        self, entity: str, relation: str | None = None, value: Any = None, **options: Any
    ) -> ErasureReceipt:
        past = dict(self._state.past)
        receipt = await super().erase(entity, relation, value, **options)
        if value is not None:
            self._state.past.update(past)
        return receipt


class LeavesFactsThatNameIt(GraphStore):
    async def erase(self, *names: Any, **options: Any) -> ErasureReceipt:
        return await super().erase(*names, **(options | {"mentions": "leave", "placeholder": None}))


class TakesFactsUnasked(GraphStore):
    async def erase(self, entity: str, *names: Any, **options: Any) -> ErasureReceipt:
        if not any(names):
            options.setdefault("mentions", "retract")
        return await super().erase(entity, *names, **options)


class PlaceholdersLoseSources(GraphStore):
    async def erase(self, *names: Any, **options: Any) -> ErasureReceipt:
        receipt = await super().erase(*names, **options)
        for one in [one async for one in self.scan() if one.surface == options.get("placeholder")]:
            bare = one.model_copy(update={"sources": ()})
            await self.apply([Retract(one.entity, one.relation, one.value), Assert(bare)])
        return receipt


class FindsTheFirstVersion(GraphStore):
    async def fact(self, fact_id: str) -> Fact | None:
        found = await super().fact(fact_id)
        if found is not None and found.retracted is not None:
            past = await self.history(found.entity, namespace=found.namespace)
            return next(one.fact for one in past if one.fact.id == fact_id)
        return found


class ForgetsEndedFacts(GraphStore):
    def fact_nowait(self, fact_id: str) -> Fact | None:
        return next((one for one in self.scan_nowait() if one.id == fact_id), None)


class ListsPrefixesOfLetters(GraphStore):
    async def namespaces(self, prefix: Namespace = ()) -> AsyncIterator[KnownNamespace]:
        async for one in super().namespaces():
            if "/".join(one.namespace).startswith("/".join(prefix)):
                yield one


class MigratesForEver(GraphStore):
    async def migrate(self, *, dry_run: bool = False) -> MigrationReport:
        return replace(await super().migrate(dry_run=dry_run), steps=("again",))


class ScansOutOfOrder(GraphStore):
    async def scan(self, *names: Any, **where: Any) -> AsyncIterator[Fact]:
        for fact in sorted(
            [one async for one in super().scan(*names, **where)], key=lambda f: f.surface
        ):
            yield fact


class UnifiesForms(Changed):
    def change(self, op: Op) -> Op:
        if isinstance(op, Assert):
            name = unicodedata.normalize("NFKC", op.fact.entity)
            return Assert(op.fact.model_copy(update={"entity": name}))
        return op


class DropsSigns(GraphStore):
    async def lookup(self, entity: str, relation: str, **options: Any) -> LookupResult:
        found = await super().lookup(entity, relation, **options)
        if found.status != "miss" or not found.candidates:
            return found
        near = found.candidates[0].entity
        is_same = "".join(filter(str.isalnum, near)) == "".join(filter(str.isalnum, entity))
        return await super().lookup(near, relation, **options) if is_same else found


class NamesHomonymsOnly(GraphStore):
    async def lookup(self, *names: Any, **options: Any) -> LookupResult:
        found = await super().lookup(*names, **options)
        found.candidates = tuple(replace(one, facts=()) for one in found.candidates)
        return found


class KnowsNoAliases(GraphStore):
    def known_names_nowait(self, names: Sequence[str], **options: Any) -> frozenset[str]:
        found = super().known_names_nowait(names, **options)
        others = self._state.holders
        return frozenset(name for name in found if canonical_key(name) not in others)


class KnowsMisspeltNames(GraphStore):
    def known_names_nowait(self, names: Sequence[str], **options: Any) -> frozenset[str]:
        where = {name: options[name] for name in ("namespace", "as_of") if name in options}
        found = super().known_names_nowait(names, **options)
        return found | {name for name in names if self.describe_nowait(name, **where)}


class GivesOneHomonym(GraphStore):
    def homonyms_nowait(self, *names: Any, **options: Any) -> tuple[EntityView, ...]:
        return super().homonyms_nowait(*names, **options)[:1]


MUTANTS: dict[Callable[..., FactStore], str] = {
    LosesSiblings: "test_values_keep_their_order",
    StripsText: "test_hostile_text_in_every_field_of_a_fact",
    ForgetsTypes: "test_every_type_of_value_comes_back",
    ForgetsSources: "test_a_store_is_what_the_model_is",
    ForgetsRules: "test_a_single_value_is_kept_single",
    SplitsNothing: "test_a_split_undoes_a_merge",
    IgnoresExpectedValues: "test_the_expected_values_have_one_winner",
    EndsWithoutAWord: "test_what_ended_is_named",
    TurnsRelationsRound: "test_a_relation_turned_round_is_another_one",
    KnowsNoValues: "test_an_inverse_answers_for_a_value",
    RetractsEverything: "test_one_sibling_goes_the_others_stay",
    IgnoresExpectedRevision: "test_the_expected_revision_has_one_winner",
    DuplicatesOnRetry: "test_a_change_is_done_once",
    CommitsOneByOne: "test_a_cancelled_commit_is_whole_or_absent",
    LosesConcurrentWrites: "test_fifty_writers_of_fifty_facts",
    ForgetsHistory: "test_what_ended_is_in_the_history",
    IgnoresAsOf: "test_every_earlier_state_is_read",
    IncludesTheEnd: "test_a_period_is_half_open",
    MixesNamespaces: "test_namespaces_are_apart",
    SwallowsNotSupported: "test_the_feed_tells_what_was_committed",
    RepeatsTheFeed: "test_the_feed_resumes_anywhere",
    FeedKnowsNoEnds: "test_a_copy_converges",
    ErasesByRetracting: "test_no_read_finds_what_was_erased",
    ConfirmsWithoutLooking: "test_nothing_erased_is_nothing_confirmed",
    ErasesSimilarNames: "test_nothing_erased_is_nothing_confirmed",
    KeepsActors: "test_an_actor_goes_with_its_name",
    ForgetsActorsOfOthers: "test_a_tenant_erases_actors_of_its_own_commits_alone",
    CountsForNobody: "test_many_mentions_are_counted_by_namespace",
    ListsNoMentions: "test_the_receipt_lists_what_mentions_the_name",
    TakesAnyRepeat: "test_other_operations_are_refused",
    LetsGuess: "test_an_erasure_leaves_no_way_to_guess",
    ListsThePresentAlone: "test_every_entity_is_listed",
    KeepsWhatEnded: "test_a_namespace_is_erased_whole",
    ErasesTheNamespacesBeside: "test_an_erased_namespace_is_not_listed",
    ErasesSiblings: "test_one_value_is_erased_alone",
    LeavesPastValues: "test_a_value_goes_from_what_a_merge_brought",
    LeavesFactsThatNameIt: "test_who_loses_all_facts_loses_the_names",
    TakesFactsUnasked: "test_facts_that_name_it_stay_unless_asked",
    PlaceholdersLoseSources: "test_a_placeholder_stands_for_it",
    FindsTheFirstVersion: "test_a_fact_is_read_by_its_id",
    ForgetsEndedFacts: "test_a_fact_is_read_by_its_id",
    ListsPrefixesOfLetters: "test_namespaces_are_listed",
    MigratesForEver: "test_a_store_of_this_version_needs_no_step",
    UnifiesForms: "test_characters_that_say_more_are_kept_apart",
    DropsSigns: "test_signs_tell_names_apart",
    NamesHomonymsOnly: "test_several_that_fit_are_ambiguous",
    KnowsNoAliases: "test_an_alias_is_a_known_name",
    KnowsMisspeltNames: "test_names_of_the_same_letters_are_known_loosely",
    GivesOneHomonym: "test_homonyms_are_the_entities_of_an_ambiguous_name",
    ScansOutOfOrder: "test_a_scan_keeps_the_order_of_values",
    **LIFETIME_MUTANTS,
    **ABOUT_MUTANTS,
    **SEARCH_MUTANTS,
    **INVERSE_MUTANTS,
    **OVERLAY_MUTANTS,
}
"""By fault: the law that is about it."""


class MutantBackend(Backend):
    """A mutant, or the memory that all of them are made from."""

    url = "memory:"
    is_persistent = False
    is_shrunk = False

    def __init__(self, make: Callable[..., FactStore]) -> None:
        super().__init__(name=getattr(make, "__name__", "mutant"))
        self._make = make

    @property
    def examples(self) -> int:
        """So many that a fault is not missed by chance; the first that shows it ends the run."""
        return 150

    def connect(self, url: str, *, create: bool = True, read_only: bool = False) -> FactStore:
        return self._make(read_only=read_only)
