"""`plan_commit` against a slow and obvious version, and periods against the sets of their moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.errors import BadFact, Conflict, FactStoreError, TooManyValues
from lamlam.memory_backends.commits.commit_plan import named_keys, plan_commit
from lamlam.memory_backends.commits.entity_edit import EntityEdit, stored_form
from lamlam.memory_backends.model.early_moments import Instant
from lamlam.memory_backends.model.entity_reader import StoredEntity
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.lookups import StoredFact
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
from lamlam.memory_backends.model.synonyms import same_relation
from lamlam.memory_backends.model.timestamps import from_us, holds_at
from lamlam.memory_backends.model.values import Value, ValueType, code_of
from lamlam.memory_backends.networkx_graph.state import GraphState
from lamlam.memory_backends.networkx_graph.store import GraphStore
from tests.memory_backends.stores import answered

RELATIONS = ("birth place", "place of birth", "work")
VALUES: tuple[Value, ...] = ("x", "y", 7)
POINTS = range(-1, 7)
FAR = 10_000_000  # a moment after every period's end, and before every open one's

points = st.none() | st.integers(0, 5)


def _moment(point: int | None) -> Instant | None:
    return from_us(point)


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    begin, end = draw(points), draw(points)
    if begin is not None and end is not None and begin >= end:
        begin = None
    return Fact(
        entity="Ada",
        relation=draw(st.sampled_from(RELATIONS)),
        value=draw(st.sampled_from(VALUES)),
        sources=draw(st.lists(st.sampled_from("ab"), max_size=2)),
        confidence=draw(st.sampled_from([1.0, 0.5])),
        valid_from=_moment(begin),
        valid_to=_moment(end),
    )


def _held(facts: Sequence[StoredFact], point: int) -> set[tuple[str, str]]:
    """What holds at a moment: groups of relations, and values with their types."""
    return {
        ("work" if fact.key == "work" else "birth place", fact.code or fact.value)
        for fact in facts
        if holds_at(fact.valid_from, fact.valid_to, point)
    }


def _said(fact: Fact) -> tuple[str, str]:
    group = "work" if fact.relation == "work" else "birth place"
    return group, code_of(fact.value) or fact.surface


@given(st.lists(facts(), max_size=6), facts())
def test_replace_changes_its_own_period_and_relation_only(before: list[Fact], new: Fact) -> None:
    """At each moment of the new fact's period it alone holds; at any other what held before."""
    edit = EntityEdit("ada", "Ada", (), 1)
    for fact in before:
        edit.assert_(stored_form(fact, None), None)
    old = edit.after
    edit = EntityEdit("ada", "Ada", old, 2)
    stored = stored_form(new, None)
    edit.replace(stored, None)
    group, _ = _said(new)
    for point in (-FAR, *POINTS, FAR):
        others = {one for one in _held(old, point) if one[0] != group}
        own = {one for one in _held(old, point) if one[0] == group}
        covered = holds_at(stored.valid_from, stored.valid_to, point)
        expected = {_said(new)} if covered else own
        now = _held(edit.after, point)
        # The same value with the same begin is the same fact: the later end is its end.
        longer = {_said(new)} if not covered else set[tuple[str, str]]()
        assert expected | others <= now <= expected | others | longer, point


@given(st.lists(facts(), max_size=8))
def test_one_value_at_a_time_is_one_at_every_moment(given_: list[Fact]) -> None:
    rule = RelationRule("birth place", cardinality="one")
    edit = EntityEdit("ada", "Ada", (), 1)
    for fact in given_:
        bound = rule if same_relation(canonical_key(fact.relation), "birth place") else None
        held = [_held(edit.after, point) for point in (-FAR, *POINTS, FAR)]
        stored = stored_form(fact, None)
        clashes = bound is not None and any(
            group == "birth place" and (group, value) != _said(fact)
            for point, holding in zip((-FAR, *POINTS, FAR), held, strict=True)
            if holds_at(stored.valid_from, stored.valid_to, point)
            for group, value in holding
        )
        if clashes:
            with pytest.raises(TooManyValues):
                edit.assert_(stored, bound)
        else:
            edit.assert_(stored, bound)


@given(st.lists(facts(), max_size=6), st.lists(facts(), min_size=1, max_size=4), st.data())
def test_what_began_and_ended_is_the_difference(
    first: list[Fact], then: list[Fact], data: st.DataObject
) -> None:
    """Before, minus what ended, plus what began, is what holds; in the order of ``seq``."""
    edit = EntityEdit("ada", None, (), 1)
    for fact in first:
        edit.assert_(stored_form(fact, None), None)
    before = edit.after
    edit = EntityEdit("ada", "Ada", before, 2)
    for fact in then:
        what = data.draw(st.sampled_from(["assert", "replace", "retract", "exact"]))
        if what == "assert":
            edit.assert_(stored_form(fact, None), None)
        elif what == "replace":
            edit.replace(stored_form(fact, None), None)
        else:
            edit.retract(Retract("Ada", fact.relation, fact.value, exact=what == "exact"))
    after = edit.after
    assert [f for f in before if f not in edit.ended] == [f for f in after if f.revision == 1]
    assert edit.started == [f for f in after if f.revision == 2]
    assert all(fact.revision == 1 for fact in edit.ended)
    assert [fact.seq for fact in after] == sorted({fact.seq for fact in after})
    assert bool(edit.changed) or after == before


# Names: against dictionaries of sets ----------------------------------------------------------------


@dataclass
class Slow:
    """Entities as sets of triples, names as a dictionary; merges keep whole copies."""

    facts: dict[str, dict[tuple[str, str], None]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    merges: list[tuple[str, str, set[tuple[str, str]], list[str]]] = field(default_factory=list)

    def meant(self, name: str) -> str:
        key = canonical_key(name)
        return key if self.facts.get(key) else self.aliases.get(key, key)

    def do(self, op: Op) -> None:
        match op:
            case Assert(fact):
                self.facts.setdefault(self.meant(fact.entity), {})[_pair(fact)] = None
            case Replace(fact):
                held = self.facts.setdefault(self.meant(fact.entity), {})
                for pair in [p for p in held if p[0] == fact.relation and p != _pair(fact)]:
                    del held[pair]
                held[_pair(fact)] = None
            case Retract(entity, relation, value):
                held = self.facts.get(self.meant(entity), {})
                for pair in [p for p in held if p[0] == relation and value in (None, p[1])]:
                    del held[pair]
            case AddAlias(entity, name):
                key, alias = self.meant(entity), canonical_key(name)
                if not self.facts.get(key):
                    raise BadFact("unknown")
                holder = self.aliases.get(alias)
                if alias == key or holder == key:
                    return
                if holder is not None or self.facts.get(alias):
                    raise BadFact("taken")
                self.aliases[alias] = key
            case RemoveAlias(entity, name):
                if self.aliases.get(canonical_key(name)) == self.meant(entity):
                    del self.aliases[canonical_key(name)]
            case MergeEntities(kept_name, merged_name):
                kept, merged = self.meant(kept_name), self.meant(merged_name)
                if kept == merged:
                    return
                if not (self.facts.get(kept) and self.facts.get(merged)):
                    raise BadFact("unknown")
                names = [alias for alias, holder in self.aliases.items() if holder == merged]
                self.merges.append((kept, merged, set(self.facts[merged]), names))
                shared = set(self.facts[merged]) & set(self.facts[kept])
                self.merges[-1] = (kept, merged, set(self.facts[merged]) - shared, names)
                self.shared[kept, merged] = shared
                self.facts[kept] |= self.facts.pop(merged)
                self.aliases |= dict.fromkeys([*names, merged], kept)
            case SplitEntities(kept_name, merged_name):
                kept, merged = self.meant(kept_name), canonical_key(merged_name)
                found = [m for m in self.merges if m[:2] == (kept, merged)]
                if not found:
                    raise BadFact("no such merge")
                _, _, moved, names = found[0]
                self.merges.remove(found[0])
                held = self.facts[kept]
                back = [p for p in held if p in moved or p in self.shared[kept, merged]]
                self.facts[merged] = {**self.facts.get(merged, {}), **dict.fromkeys(back)}
                for pair in back:
                    if pair in moved:
                        del held[pair]
                if self.aliases.get(merged) == kept:
                    del self.aliases[merged]
                for name in names:
                    if self.aliases.get(name) == kept:
                        del self.aliases[name]
                        if self.facts[merged]:
                            self.aliases[name] = merged
            case DefineRelation():
                pass

    shared: dict[tuple[str, str], set[tuple[str, str]]] = field(default_factory=dict)

    def tidy(self) -> None:
        """At the end of a commit: what has no facts has no names and no merges."""
        empty = [key for key, held in self.facts.items() if not held]
        gone = [*empty, *(m[1] for m in self.merges if m[1] not in self.facts)]
        for key in empty:
            del self.facts[key]
        self.aliases = {a: key for a, key in self.aliases.items() if key in self.facts}
        self.merges = [m for m in self.merges if m[0] not in gone or m[0] in self.facts]


def _pair(fact: Fact) -> tuple[str, str]:
    return fact.relation, fact.surface


def operations() -> st.SearchStrategy[Op]:
    names = st.sampled_from(["Ada", "Bob", "Cleo"])
    others = st.sampled_from(["Ada", "Bob", "Cleo", "A.", "B."])
    plain = st.builds(
        lambda entity, relation, value: Fact(entity=entity, relation=relation, value=value),
        others,
        st.sampled_from(["work", "hobby"]),
        st.sampled_from("xyz"),
    )
    return st.one_of(
        st.builds(Assert, plain),
        st.builds(Assert, plain),
        st.builds(Replace, plain),
        st.builds(
            Retract, others, st.sampled_from(["work", "hobby"]), st.sampled_from([None, "x"])
        ),
        st.builds(AddAlias, names, others),
        st.builds(RemoveAlias, others, others),
        st.builds(MergeEntities, names, names),
        st.builds(SplitEntities, names, names),
    )


@settings(max_examples=150)
@given(st.lists(operations(), max_size=14))
def test_names_and_merges_are_as_the_obvious_version_says(ops: list[Op]) -> None:
    """One operation a commit; what one refuses the other does too, and changes nothing."""
    store, slow = GraphStore(), Slow()
    for op in ops:
        try:
            slow.do(op)
        except BadFact:
            with pytest.raises(BadFact):
                store.apply_nowait([op])
        else:
            store.apply_nowait([op])
            slow.tidy()
        state = store._state
        held = {key: [(f.key, f.value) for f in state.history(key).now] for key in state.keys()}
        assert {key: set(pairs) for key, pairs in held.items()} == {
            key: set(pairs) for key, pairs in slow.facts.items() if pairs
        }
        assert state.holders == slow.aliases


@settings(max_examples=60)
@given(st.lists(operations(), max_size=8), st.lists(operations(), min_size=1, max_size=5))
def test_nothing_is_changed_before_it_is_written(first: list[Op], then: list[Op]) -> None:
    """Working out, refused or not, leaves the store as it was, and asks of named keys only."""
    store = GraphStore()
    for op in first:
        try:
            store.apply_nowait([op])
        except FactStoreError:
            continue
    seen: set[str] = set()

    class Watched(GraphState):
        def record(self, key: str) -> StoredEntity | None:
            seen.add(key)
            return super().record(key)

    before = list(store.changes_nowait(None))
    named = set(named_keys(then))
    watched = Watched(FactIds(b"secret"))
    watched.__dict__.update(store._state.__dict__)
    try:
        plan_commit(then, watched, 99, FactIds(b"secret"))
    except FactStoreError:
        pass
    assert list(store.changes_nowait(None)) == before
    loaded = named | {store._state.holders.get(key, key) for key in named}
    assert seen <= loaded


def _apply(*ops: Op) -> GraphStore:
    store = GraphStore()
    store.apply_nowait(ops)
    return store


def test_a_relation_bound_to_a_type_reads_text_as_it() -> None:
    rule = DefineRelation(RelationRule("born", value_type=ValueType.DATE))
    store = _apply(rule, Assert(Fact(entity="Ada", relation="born", value="10 December 1815")))
    (fact,) = store.scan_nowait()
    assert fact.type is ValueType.DATE
    for value in ("yesterday", 7):
        with pytest.raises(BadFact):
            store.apply_nowait([Assert(Fact(entity="Ada", relation="born", value=value))])


def test_expected_values_are_those_of_the_relation() -> None:
    store = _apply(
        Assert(Fact(entity="Ada", relation="birth place", value="x")),
        Assert(Fact(entity="Ada", relation="place of birth", value="y")),
    )
    new = Fact(entity="Ada", relation="birth place", value="z")
    with pytest.raises(Conflict):
        store.apply_nowait([Replace(new, expected=("x",))])
    store.apply_nowait([Replace(new, expected=("y", "x"))])
    assert [fact.value for fact in store.scan_nowait()] == ["z"]


def _ended(store: GraphStore, *ops: Op) -> list[tuple[str, str, str]]:
    return [(one.entity, one.relation, one.surface) for one in store.apply_nowait(ops).ended]


def test_a_commit_names_what_it_ended() -> None:
    """As it was; not what a merge moved, what the same commit began, or what holds after it."""
    held = [
        Assert(Fact(entity="Ada", relation="born in", value="x")),
        Assert(Fact(entity="Ada", relation="birth place", value="y")),
        Assert(Fact(entity="Ada", relation="job", value="miller")),
        Assert(Fact(entity="Adah", relation="job", value="baker")),
    ]
    store = _apply(*held)
    new = Fact(entity="ada", relation="place of birth", value="z")
    assert _ended(store, Replace(new)) == [("Ada", "born in", "x"), ("Ada", "birth place", "y")]
    assert _ended(store, Replace(new), Assert(new)) == []
    assert _ended(store, Assert(Fact(entity="Ada", relation="pob", value="w"))) == []
    assert _ended(store, MergeEntities("Ada", "Adah"), SplitEntities("Ada", "Adah")) == []
    other = Fact(entity="Bea", relation="job", value="cook")
    assert _ended(store, Assert(other), Retract("Bea", "job")) == []
    baker = Fact(entity="Ada", relation="occupation", value="baker")
    back = Fact(entity="Ada", relation="job", value="miller")
    assert _ended(store, Replace(baker), Replace(back)) == []
    assert _ended(store, Retract("Ada", "profession", "nothing")) == []
    assert _ended(store, Retract("Ada", "profession")) == [("Ada", "job", "miller")]


def test_a_fact_that_is_cut_short_is_named() -> None:
    """As it was before, and not where its period is another one."""
    store = _apply(Assert(Fact(entity="Mill", relation="owned by", value="Ada")))
    later = Fact(entity="Mill", relation="owner", value="Bob", valid_from="2020")
    (ended,) = store.apply_nowait([Replace(later)]).ended
    assert (ended.relation, ended.value, ended.valid_to) == ("owned by", "Ada", None)
    before = Fact(entity="Mill", relation="owner", value="Eve", valid_from="1900", valid_to="1910")
    assert [one.value for one in store.apply_nowait([Replace(before)]).ended] == ["Ada"]
    beside = Fact(entity="Mill", relation="mayor", value="Eve")
    assert _ended(store, Replace(beside)) == []


def test_a_repeated_key_names_nothing() -> None:
    """What has ended may have been erased since, and stays nowhere."""
    store = _apply(Assert(Fact(entity="Mill", relation="owner", value="Ada")))
    ops = [Replace(Fact(entity="Mill", relation="owner", value="Bob"))]
    first = store.apply_nowait(ops, idempotency_key="k")
    again = store.apply_nowait(ops, idempotency_key="k")
    assert (len(first.ended), again.ended) == (1, ())
    assert first == again


def test_the_rule_of_a_synonym_is_replaced() -> None:
    store = _apply(
        DefineRelation(RelationRule("birth place", cardinality="one")),
        DefineRelation(RelationRule("place of birth", cardinality="many")),
    )
    assert [rule.cardinality for rule in answered(store.rules())] == ["many"]


@pytest.mark.parametrize("op", ["text", None, Fact(entity="e", relation="r", value="v"), 7])
def test_what_is_no_operation_is_refused(op: object) -> None:
    with pytest.raises(BadFact, match="not an operation"):
        _apply(op)  # type: ignore[arg-type]
