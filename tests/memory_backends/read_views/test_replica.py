"""A replica fed by the changes of a store answers as the store does, from wherever it begins."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.errors import FactStoreError
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.lookups import Lookup, LookupResult
from lamlam.memory_backends.model.namespaces import scoped, split
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    Change,
    DefineRelation,
    MergeEntities,
    Op,
    RemoveAlias,
    Replace,
    Retract,
    SplitEntities,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef, PartialDate, Value
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.read_views.replica import Replica
from lamlam.memory_backends.resolution.code_index import CodeIndex
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.stores import BACKENDS, answered, url_of
from tests.reachable import texts_in

NAMES = ("Ada Lovelace", "ADA LOVELACE", "Bob", "Ada Byron", "Countess")
RELATIONS = ("birth place", "place of birth", "child", "parent", "Work")
VALUES: tuple[Value, ...] = (
    "x",
    "y",
    EntityRef("Bob"),
    EntityRef("ada lovelace"),
    7,
    PartialDate(1815, 12),
)
SPACES: tuple[Namespace, ...] = ((), (), (), (), (), ("users", "7"))
YEARS = (None, None, datetime(1900, 1, 1, tzinfo=UTC), datetime(1950, 1, 1, tzinfo=UTC))

names, relations = map(st.sampled_from, (NAMES, RELATIONS))
spaces = st.sampled_from(SPACES)
few, aliases = map(st.sampled_from, (NAMES[1:3], NAMES[3:]))

FIRST: list[Op] = [
    *(Assert(Fact(entity=name, relation=r, value="x")) for name in NAMES[1:3] for r in RELATIONS),
    AddAlias("Bob", "Countess"),
    AddAlias("Ada Lovelace", "Ada Byron"),
]
"""So that most of what is drawn afterwards has something to change."""


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    begin, end = draw(st.sampled_from(YEARS)), draw(st.sampled_from(YEARS))
    if begin and end and begin >= end:
        begin = None
    return Fact(
        entity=draw(few | names),
        relation=draw(relations),
        value=draw(st.sampled_from(VALUES)),
        surface=draw(st.sampled_from([None, None, None, "as written"])),
        sources=draw(st.lists(st.sampled_from("ab"), max_size=2)),
        confidence=draw(st.sampled_from([1.0, 0.5])),
        valid_from=begin,
        valid_to=end,
        namespace=draw(spaces),
    )


def operations() -> st.SearchStrategy[Op]:
    return st.one_of(
        st.builds(Assert, facts()),
        st.builds(Assert, facts()),
        st.builds(Replace, facts()),
        st.builds(Retract, names, relations, st.sampled_from([None, "x", 7]), spaces),
        st.builds(AddAlias, few, aliases, spaces),
        st.builds(RemoveAlias, few | aliases, aliases, spaces),
        st.builds(MergeEntities, few, few | aliases, spaces),
        st.builds(SplitEntities, few, few, spaces),
        st.builds(
            lambda name, inverse: DefineRelation(RelationRule(name, inverse=inverse)),
            st.sampled_from(["child", "spouse"]),
            st.sampled_from([None, "parent"]),
        ),
    )


Erase = tuple[str, str | None, tuple[str, ...]]


def steps() -> st.SearchStrategy[list[list[Op] | Erase]]:
    erase = st.tuples(names, st.none() | relations, spaces)
    commit = st.lists(operations(), min_size=1, max_size=4)
    return st.lists(st.one_of(commit, commit, commit, erase), min_size=3, max_size=12)


def answer(result: LookupResult) -> tuple[object, ...]:
    return (
        result.status, result.values, result.sources, result.match, result.candidates,
        result.facts, result.fact_ids, result.revision, result.namespace,
    )  # fmt: skip


def assert_same(store: GraphStore, replica: Replica, revision: int) -> None:
    assert replica.revision == revision
    assert list(replica.rules.all()) == answered(store.rules())
    assert sorted(replica.keys()) == sorted(store._state.keys())
    assert len(replica) == store.graph.number_of_edges()
    for space in dict.fromkeys(SPACES):
        for name in (*NAMES, "Ada Lovelase"):
            for relation in RELATIONS:
                query = Lookup(name, relation, space)
                assert answer(replica.lookup_nowait(query)) == answer(store.lookup_nowait(query))
            mine = replica.describe_nowait(name, namespace=space)
            its = store.describe_nowait(name, namespace=space)
            assert repr(mine) == repr(its)
            key = scoped(space, canonical_key(name))
            held = [alias for alias, one in store._state.holders.items() if one == key]
            assert replica.aliases(key) == sorted(held)


def revision_after(store: GraphStore, step: list[Op] | Erase) -> int:
    try:
        if isinstance(step, tuple):
            return store.erase_nowait(step[0], step[1], namespace=step[2]).revision
        return store.apply_nowait(step).revision
    except FactStoreError:
        return store.apply_nowait([]).revision


@settings(max_examples=60)
@given(steps(), st.data())
def test_a_replica_answers_as_its_store(steps: list[list[Op] | Erase], data: st.DataObject) -> None:
    """Begun from a state in the middle, or from the first commit and stopped at any one."""
    store = GraphStore()
    store.apply_nowait(FIRST)
    begun = data.draw(st.integers(0, len(steps)), label="begun after")
    paused = data.draw(st.integers(0, len(steps)), label="paused after")
    whole, late = Replica(store.secret), Replica(store.secret)
    revision = 1
    for n in range(len(steps) + 1):
        if n:
            revision = revision_after(store, steps[n - 1])
        if n == begun:
            late.apply_changes(store.changes_nowait(None), reached=revision)
            assert_same(store, late, revision)
        if n == paused:
            whole.apply_changes(store.changes_nowait(0), reached=revision)
    for replica in (whole, late):
        replica.apply_changes(store.changes_nowait(replica.revision), reached=revision)
        assert_same(store, replica, revision)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_alias_outlives_erasures_of_what_other_facts_beside_it_were(
    backend: str, tmp_path: Path
) -> None:
    """A copy from the first commit on never sees what was erased later; the name stays one."""
    with SyncFactStore(url_of(backend, tmp_path)) as store:
        store.apply([Assert(Fact(entity="Bob", relation=r, value="x")) for r in ("work", "child")])
        store.apply([AddAlias("Bob", "Countess")])
        store.erase("Bob", "work")
        store.apply([Assert(Fact(entity="Bob", relation="parent", value="y"))])
        store.erase("Bob", "child")
        replica = Replica(b"secret")
        replica.apply_changes(store.changes(0))
        assert replica.aliases("bob") == store.aliases("Bob") == ["countess"]
        assert replica.lookup_nowait(Lookup("Countess", "parent")).values == ("y",)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("is_late", [True, False])
def test_the_names_of_an_entity_that_an_erasure_empties_go(
    backend: str, is_late: bool, tmp_path: Path
) -> None:
    """The change log says so, and copies answer no more by them once it has facts again."""
    with SyncFactStore(url_of(backend, tmp_path)) as store:
        store.apply([Assert(Fact(entity="Bob", relation=r, value="x")) for r in ("work", "child")])
        store.apply([AddAlias("Bob", "Countess"), Retract("Bob", "work")])
        replica = Replica(b"secret")
        if is_late:
            replica.apply_changes(store.changes(None))
        revision = store.erase("Bob", "child").revision
        told = [(one.kind, one.entity, one.alias) for one in store.changes(revision - 1)]
        assert told == [("no_alias", "Bob", "countess"), ("erased", None, None)]
        store.apply([Assert(Fact(entity="Bob", relation="work", value="y"))])
        replica.apply_changes(store.changes(replica.revision))
        assert replica.aliases("bob") == store.aliases("Bob") == []
        assert not replica.lookup_nowait(Lookup("Countess", "work")).values
        store.erase("Bob")
        assert not any(one.alias for one in store.changes(0))


def test_a_fact_that_ends_and_comes_again_in_one_commit_moves_to_the_end() -> None:
    """In the replica as in the store, which gives it a new place."""
    store = GraphStore()
    replica = Replica(store.secret)
    first, second = (Assert(Fact(entity="Bob", relation="work", value=v)) for v in "xy")
    store.apply_nowait([first, second])
    replica.apply_changes(store.changes_nowait(0))
    store.apply_nowait([Retract("Bob", "work", "x"), first])
    replica.apply_changes(store.changes_nowait(replica.revision))
    for one in (store, replica):
        assert one.lookup_nowait(Lookup("Bob", "work")).values == ("y", "x")


def test_an_erased_name_is_nowhere_in_a_replica() -> None:
    """No row, source, index or alias of it is left; sources that other facts have stay."""
    store = GraphStore()
    replica = Replica(store.secret)
    store.apply_nowait(
        [
            DefineRelation(RelationRule("child", inverse="parent")),
            Assert(
                Fact(entity="Zyx Canary", relation="child", value=EntityRef("Bob"), source="s1")
            ),
            Assert(Fact(entity="Bob", relation="work", value="mill", source="s2")),
            AddAlias("Zyx Canary", "Canary Bird"),
        ]
    )
    replica.apply_changes(store.changes_nowait(0))
    assert replica.lookup_nowait(Lookup("Bob", "parent")).values == ("Zyx Canary",)
    store.erase_nowait("Zyx Canary")
    replica.apply_changes(store.changes_nowait(replica.revision))
    assert not replica.lookup_nowait(Lookup("Bob", "parent")).values
    assert replica.lookup_nowait(Lookup("Bob", "work")).sources == ("s2",)
    kept = set(texts_in(replica))
    assert "s2" in kept
    assert not [text for text in kept if "canary" in text.casefold() or text == "s1"]


def test_readers_see_whole_commits() -> None:
    """Both values of a pair change together, so no reader ever sees one of each commit."""
    store = GraphStore()
    replica = Replica(store.secret)
    torn: list[tuple[str, ...]] = []
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            values = replica.lookup_nowait(Lookup("pair", "is")).values
            if values and len({value[1:] for value in values}) != 1:
                torn.append(values)

    def pair(n: int) -> list[Op]:
        return [
            Retract("pair", "is"),
            *(Assert(Fact(entity="pair", relation="is", value=f"{side}{n}")) for side in "ab"),
        ]

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(200):
        store.apply_nowait(pair(n))
        replica.apply_changes(store.changes_nowait(replica.revision))
    is_over.set()
    reader.join()
    assert not torn
    assert replica.lookup_nowait(Lookup("pair", "is")).values == ("a199", "b199")


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=60), st.integers(1, 8))
def test_near_names_are_those_that_are_held(changes: list[tuple[bool, int]], every: int) -> None:
    """Whatever was added, removed and sorted in before."""
    from lamlam.memory_backends.resolution.blocking_codes import index_codes

    near, held = CodeIndex(), set[str]()
    for n, (is_added, number) in enumerate(changes):
        key = f"grace hopper{number}"
        if is_added and key not in held:
            near.add(key)
            held.add(key)
        elif not is_added and key in held:
            near.remove(key)
            held.discard(key)
        if n % every == 0:
            near.compact()
    for number in range(31):
        key = f"grace hopper{number}"
        codes = index_codes(key)
        expected = {one for one in held if codes & index_codes(one)}
        found = near.of(codes)
        assert set(found) == expected
        assert len(found) == len(expected)
    assert all(split(key)[0] == () for key in held)


def test_a_feed_that_breaks_off_in_a_commit_is_taken_up_before_it() -> None:
    """Wherever it breaks off, and in whatever parts it comes: nothing is missed."""
    store = GraphStore()
    store.apply_nowait([Assert(Fact(entity="Ada", relation="work", value="first"))])
    many = [Fact(entity=f"Name {n}", relation="work", value="x") for n in range(2500)]
    store.apply_nowait([Assert(fact) for fact in many])
    store.apply_nowait([Retract("Ada", "work")])
    whole = list(store.changes_nowait(0))
    for n_given in (0, 1, 2, 1500, 2501, 2502):

        def broken(n_given: int = n_given) -> Iterator[Change]:
            yield from whole[:n_given]
            raise ConnectionError("gone")

        replica = Replica(store.secret)
        with pytest.raises(ConnectionError):
            replica.apply_changes(broken())
        assert replica.revision <= whole[n_given - 1].revision if n_given else not replica.revision
        replica.apply_changes(store.changes_nowait(replica.revision))
        assert (len(replica), replica.revision) == (2500, 3)
        with pytest.raises(ConnectionError):
            replica.apply_changes(
                broken(min(n_given, 1))
            )  # begun again from the start, and in vain
        replica.apply_changes(store.changes_nowait(0))
        assert (len(replica), replica.revision) == (2500, 3)
        again = Replica(store.secret)
        for n in (n_given, min(n_given, 1)):
            with pytest.raises(ConnectionError):
                again.apply_changes(broken(n))
        again.apply_changes(store.changes_nowait(again.revision))
        assert (len(again), again.revision) == (2500, 3)
        parts = Replica(store.secret)
        for start in range(0, n_given, 700):
            parts.apply_changes(whole[start : min(start + 700, n_given)], is_whole=False)
        parts.apply_changes(store.changes_nowait(parts.revision), reached=3)
        assert (len(parts), parts.revision) == (2500, 3)
