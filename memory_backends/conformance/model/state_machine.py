"""Random operations on a store and on the `Oracle`, which must always give the same answers."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from typing import Any, ClassVar

from anyio.from_thread import BlockingPortal
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from lamlam.errors import BadFact, CannotUndo, Conflict, FactStoreError, TooManyValues
from lamlam.memory_backends.conformance.backend import Backend
from lamlam.memory_backends.conformance.model.oracle import Oracle
from lamlam.memory_backends.conformance.model.oracle_commit import FOREVER, Name, OracleRow
from lamlam.memory_backends.conformance.model.search_steps import SearchSteps
from lamlam.memory_backends.conformance.samples import listed
from lamlam.memory_backends.model.early_moments import Instant
from lamlam.memory_backends.model.expiry import ExpiryOptions, with_expired
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    DefineRelation,
    MergeEntities,
    Op,
    RemoveAlias,
    Replace,
    Retract,
    SplitEntities,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.timestamps import as_moment, to_us
from lamlam.memory_backends.model.values import EntityRef, PartialDate, Value, code_of
from lamlam.memory_backends.protocol import Capability, FactStore

STEPS_VARIABLE = "LAMLAM_CONFORMANCE_STEPS"
STEPS = int(os.environ.get(STEPS_VARIABLE, "15"))

# Names that resemble each other in nothing: the model knows no misspellings.
STORED = ("Ada", "Bob Ferris", "Łódź", "a\x1eb", "The Salt (novel)", "x" * 40)
ALL_NAMES = (*STORED, "Countess", "ADA", "bob_ferris", "Qwertz 77")
ENTITIES, NAMES = st.sampled_from(STORED), st.sampled_from(ALL_NAMES)
RELATIONS = st.sampled_from(
    ["birth place", "born in", "place of birth", "award", "a\x1fb", "parent", "child"]
)
VALUES: st.SearchStrategy[Value] = st.sampled_from(
    ["one", "two", "<|db_end|>", "three\nfour", "7", 7, True, PartialDate(1900)]
    + [EntityRef("Ada"), EntityRef("Łódź")]
)
MOMENTS = st.sampled_from(["-0044", "1890", "1900", "1910", "1920", "1930"]).map(as_moment)
SPACES = st.sampled_from([(), (), (), ("a",)])
FRACTIONS = st.floats(0, 1)


@st.composite
def made_facts(draw: st.DrawFn) -> Fact:
    """Draw a fact; every third is valid for a period."""
    begin, end = None, None
    if draw(st.integers(0, 2)) == 0:
        begin, end = draw(st.none() | MOMENTS), draw(st.none() | MOMENTS)
        if begin is not None and end is not None and begin >= end:
            begin, end = end, begin if end < begin else None
    return Fact(
        entity=draw(ENTITIES), relation=draw(RELATIONS), value=draw(VALUES),
        sources=draw(st.lists(st.sampled_from("st"), max_size=1)),
        confidence=draw(st.sampled_from([1.0, 1.0, 0.5])), valid_from=begin, valid_to=end,
        namespace=draw(SPACES),
    )  # fmt: skip


FACTS = made_facts()
RULES = st.builds(
    RelationRule, st.sampled_from(["birth place", "award"]), st.sampled_from(["one", "many"])
) | st.just(RelationRule("parent", inverse="child"))
OPS: st.SearchStrategy[Op] = st.one_of(
    st.builds(Assert, FACTS),
    st.builds(Assert, FACTS),
    st.builds(Replace, FACTS),
    st.builds(Replace, FACTS, st.just(("one",))),
    st.builds(Retract, NAMES, RELATIONS, st.none() | VALUES, SPACES),
    st.builds(Retract, NAMES, RELATIONS, st.none(), SPACES, st.just(True), st.none() | MOMENTS),
    st.builds(AddAlias, NAMES, NAMES, SPACES),
    st.builds(RemoveAlias, NAMES, NAMES, SPACES),
    st.builds(MergeEntities, NAMES, NAMES, SPACES),
    st.builds(SplitEntities, NAMES, NAMES, SPACES),
    st.builds(DefineRelation, RULES),
)


def capability_of(op: Op) -> Iterator[Capability]:
    """Return the capability that an operation needs besides writing."""
    match op:
        case Assert(fact) | Replace(fact):
            if fact.valid_from is not None or fact.valid_to is not None:
                yield Capability.VALID_TIME
            if isinstance(op, Replace) and op.expected is not None:
                yield Capability.CAS
            if fact.namespace:
                yield Capability.NAMESPACES
        case DefineRelation():
            yield Capability.RULES
        case Retract():
            if op.namespace:
                yield Capability.NAMESPACES
        case _:
            yield Capability.ALIASES
            if op.namespace:
                yield Capability.NAMESPACES


class StoreMachine(SearchSteps, RuleBasedStateMachine):
    """One store, and the oracle for it."""

    backend: ClassVar[Backend]
    portal: ClassVar[BlockingPortal]

    @initialize()
    def begin(self) -> None:
        self.stack = ExitStack()
        url = self.stack.enter_context(self.backend.fresh())
        opened = self.portal.wrap_async_context_manager(self.backend.open(url))
        self.store: FactStore = self.stack.enter_context(opened)
        self.can = self.store.capabilities
        self.model = Oracle()
        self.base = self.portal.call(self.store.info).revision
        self.is_erased = False
        self.n_keys = 0

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.stack.close()

    # What is done ---------------------------------------------------------------------------------

    @rule(
        ops=st.lists(OPS, min_size=1, max_size=3),
        is_sent_twice=st.sampled_from([False, False, True]),
    )
    def commit(self, ops: list[Op], is_sent_twice: bool) -> None:
        ops = [op for op in ops if self.can.issuperset(capability_of(op))]
        self.n_keys += 1
        key = f"key {self.n_keys}" if Capability.IDEMPOTENCY in self.can else None
        for _ in range(2 if is_sent_twice and key else 1):
            expected: Any
            try:
                expected = self.model.apply(ops, key)
            except (BadFact, Conflict, TooManyValues) as error:
                expected = type(error)
            assert self._result(ops, key) == expected

    @rule(
        kept=ENTITIES,
        merged=ENTITIES,
        space=SPACES,
        facts=st.lists(FACTS, min_size=1, max_size=3),
        meanwhile=st.lists(OPS, max_size=3),
        is_split=st.sampled_from([True, True, False]),
    )
    def merge(
        self,
        kept: str,
        merged: str,
        space: tuple[str, ...],
        facts: list[Fact],
        meanwhile: list[Op],
        is_split: bool,
    ) -> None:
        """Merge two entities that exist, and split them again: chance alone seldom does."""
        for name in (kept, merged):
            own = [fact.model_copy(update={"entity": name, "namespace": space}) for fact in facts]
            self.commit([Assert(fact) for fact in own], False)
        self.commit([MergeEntities(kept, merged, space)], False)
        self.commit(meanwhile, False)
        end = SplitEntities if is_split else RemoveAlias
        self.commit([end(kept, merged, space)], False)

    @rule(
        names=st.lists(ENTITIES, min_size=3, max_size=5, unique=True),
        facts=st.lists(FACTS, min_size=1, max_size=3),
        cuts=st.sets(st.integers(1, 5)),
        meanwhile=st.lists(OPS, max_size=3),
        is_branched=st.booleans(),
    )
    def merge_in_turn(
        self,
        names: list[str],
        facts: list[Fact],
        cuts: set[int],
        meanwhile: list[Op],
        is_branched: bool,
    ) -> None:
        """Merge each into the next, in one commit or more, and split them again."""
        own = [
            Assert(fact.model_copy(update={"entity": name, "namespace": ()}))
            for number, name in enumerate(names)
            for fact in (facts if number % 2 else facts[:1])
        ]
        own += [Assert(Fact(entity=name, relation="award", value=name)) for name in names]
        pairs = list(pairwise(names))
        if is_branched:
            pairs = [*pairs[::2], *pairs[1::2]]
        ops: list[list[Op]] = [[*own]]
        for number, (merged, kept) in enumerate(pairs):
            if number in cuts:
                ops.append([])
            ops[-1].append(MergeEntities(kept, merged))
        for part in ops:
            self.commit(part, False)
        self.commit(meanwhile, False)
        for number, (merged, kept) in enumerate(reversed(pairs)):
            if number + 1 not in cuts:
                self.commit([SplitEntities(kept, merged)], False)

    @rule(
        when=st.sampled_from([0, 0, 0, 1, 2]), later=st.sampled_from(["refuse", "skip", "restore"])
    )
    def undo(self, when: int, later: str) -> None:
        """Take back the last commit, or one before it: what it changed is as it was, in its order."""
        revision = self.model.revision - when
        if revision < 1 or not self.can.issuperset({Capability.CHANGES, Capability.HISTORY}):
            return
        before = self.model.states[revision - 1]
        try:
            report = self._call(self.store.undo, revision + self.base, later=later)
        except (CannotUndo, BadFact, TooManyValues):
            return
        done = self.model.apply(report.ops)
        assert report.commit is not None
        assert done == (report.commit.revision - self.base, report.commit.facts)
        if when == 0 and not report.left:
            now = self.model.now
            # What merges bring together comes behind what was there.
            is_ordered = not any(isinstance(op, MergeEntities) for op in report.ops)
            found, wanted = (state.contents(is_ordered) for state in (now, before))
            assert found == wanted
            assert not is_ordered or now.aliases == before.aliases

    def _result(self, ops: list[Op], key: str | None) -> Any:
        async def apply() -> Any:
            try:
                commit = await self.store.apply(ops, idempotency_key=key)
            except FactStoreError as error:
                return type(error)
            return commit.revision - self.base, commit.facts

        return self.portal.call(apply)

    # What is asked --------------------------------------------------------------------------------

    @rule(entity=NAMES, relation=RELATIONS, space=SPACES, at=MOMENTS, when=st.none() | FRACTIONS)
    def look_up(
        self, entity: str, relation: str, space: tuple[str, ...], at: Instant, when: float | None
    ) -> None:
        if (
            space and Capability.NAMESPACES not in self.can
        ) or Capability.VALID_TIME not in self.can:
            return
        as_of = None if when is None or Capability.HISTORY not in self.can else self._revision(when)
        moment = to_us(at)
        assert moment is not None
        expected = self.model.lookup(
            (space, canonical_key(entity)), relation, at=moment, as_of=as_of
        )
        result = self._call(
            self.store.lookup, entity, relation, namespace=space, valid_at=at,
            as_of=None if as_of is None else as_of + self.base,
        )  # fmt: skip
        assert (result.status.value, list(result.values)) == expected
        assert len(result.facts) == len(result.values)

    @rule(space=SPACES, when=st.none() | FRACTIONS)
    def know_names(self, space: tuple[str, ...], when: float | None) -> None:
        if space and Capability.NAMESPACES not in self.can:
            return
        as_of = None if when is None or Capability.HISTORY not in self.can else self._revision(when)
        found = self._call(
            self.store.known_names, ALL_NAMES, namespace=space,
            as_of=None if as_of is None else as_of + self.base,
        )  # fmt: skip
        assert found == {
            name for name in ALL_NAMES if self.model.knows((space, canonical_key(name)), as_of)
        }

    @rule(when=FRACTIONS)
    def look_back(self, when: float) -> None:
        if Capability.HISTORY in self.can:
            revision = self._revision(when)
            state = self.model.states[revision]
            assert self._scanned(as_of=revision + self.base) == {
                name: [self._row(row) for row in rows] for name, rows in state.facts.items() if rows
            }

    @rule(entity=ENTITIES, space=SPACES)
    def remember(self, entity: str, space: tuple[str, ...]) -> None:
        if Capability.HISTORY in self.can and (not space or Capability.NAMESPACES in self.can):
            past = self._call(self.store.history, entity, namespace=space)
            ends = [one.retracted for one in past]
            assert ends == sorted(ends)
            found = Counter((self._seen(one.fact), one.retracted - self.base) for one in past)
            given = self.model.history((space, canonical_key(entity)))
            assert found == Counter({(self._row(row), end): n for (row, end), n in given.items()})

    @rule(when=FRACTIONS)
    def follow(self, when: float) -> None:
        if Capability.CHANGES not in self.can:
            return
        since = self._revision(when)
        given = self.portal.call(listed, self.store.changes(since + self.base))
        found = [
            (
                one.revision - self.base,
                one.kind,
                (one.namespace, canonical_key(one.fact.entity)),
                self._seen(one.fact),
            )
            for one in given
            if one.fact is not None
        ]
        expected = [(*change[:3], self._row(change[3])) for change in self.model.changes(since)]
        assert Counter(found) == Counter(expected)
        assert [one.revision for one in given] == sorted(one.revision for one in given)
        if not self.is_erased:
            kinds = [one.kind for one in given if one.fact is None]
            assert kinds == [e[0] for events in self.model.events[since + 1 :] for e in events]

    @invariant()
    def holds_the_same(self) -> None:
        if not hasattr(self, "model"):
            return
        now = self.model.now
        held = {name: rows for name, rows in now.facts.items() if rows}
        assert self._scanned() == {n: [self._row(row) for row in rows] for n, rows in held.items()}
        if Capability.EXPIRY in self.can:
            standing = {n: [r for r in rows if r.end == FOREVER] for n, rows in held.items()}
            shown = {n: [self._row(row) for row in rows] for n, rows in standing.items() if rows}
            assert self._read({}) == shown
        info = self.portal.call(self.store.info)
        assert info.revision - self.base == self.model.revision
        assert (info.facts, info.entities) == (sum(map(len, held.values())), len(held))
        if Capability.ALIASES in self.can:
            for name in held:
                aliases = self._call(self.store.aliases, now.spelt[name], namespace=name[0])
                assert aliases == sorted(a[1] for a, e in now.aliases.items() if e == name)

    # ----------------------------------------------------------------------------------------------

    def _call(self, call: Any, *arguments: Any, **named: Any) -> Any:
        async def awaited() -> Any:
            return await call(*arguments, **named)

        return self.portal.call(awaited)

    def _revision(self, fraction: float) -> int:
        return round(fraction * self.model.revision)

    def _scanned(self, **where: Any) -> dict[Name, list[Any]]:
        return self._read(with_expired(self.store), **where)

    def _read(self, shown: ExpiryOptions, **where: Any) -> dict[Name, list[Any]]:
        held: dict[Name, list[Any]] = {}
        for fact in self.portal.call(listed, self.store.scan(batch=2, **where, **shown)):
            name = fact.namespace, canonical_key(fact.entity)
            held.setdefault(name, []).append(self._seen(fact))
            assert where or fact.entity == self.model.now.spelt[name]
        return held

    def _seen(self, fact: Fact) -> tuple[Any, ...]:
        begin, end = to_us(fact.valid_from), to_us(fact.valid_to)
        return (
            fact.relation, code_of(fact.value), fact.surface, fact.sources, fact.confidence,
            -FOREVER if begin is None else begin, FOREVER if end is None else end,
            (fact.revision or 0) - self.base,
        )  # fmt: skip

    def _row(self, row: OracleRow) -> tuple[Any, ...]:
        return (
            row.relation, code_of(row.value), row.surface, row.sources, row.confidence,
            row.begin, row.end, row.since,
        )  # fmt: skip
