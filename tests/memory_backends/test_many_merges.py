"""Chains of merges, and names by the thousand: commits and erasures take no more than they must."""

from __future__ import annotations

import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.memory_backends.commits import mentions
from lamlam.memory_backends.commits.entity_edit import EntityEdit
from lamlam.memory_backends.commits.mentions import Mentions
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    MergeEntities,
    Op,
    SplitEntities,
)
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.read_views.replica import Replica
from lamlam.memory_backends.sqlite import erasure as sqlite_erasure
from lamlam.memory_backends.sqlite.commit_log import unpack_events
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.stores import BACKENDS, triples, url_of
from tests.reachable import texts_in

SQLITE = "lamlam.memory_backends.sqlite"
N = 120
LAST = f"Person {N - 1}"


def people(n: int = N) -> list[Op]:
    """So many people, each with one fact of its own and one that all have."""
    return [
        Assert(Fact(entity=f"Person {i}", relation=relation, value=value))
        for i in range(n)
        for relation, value in (("job", f"job {i}"), ("planet", "Earth"))
    ]


def chain(n: int = N) -> list[Op]:
    """Each is merged into the next one."""
    return [MergeEntities(f"Person {i + 1}", f"Person {i}") for i in range(n - 1)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_chain_in_one_commit_ends_as_one_merge_after_another(
    backend: str, tmp_path: Path
) -> None:
    """The same facts, the same names, and splits undo it in the same way."""
    together, one_by_one = tmp_path / "a", tmp_path / "b"
    for folder in (together, one_by_one):
        folder.mkdir()
    with (
        SyncFactStore(url_of(backend, together)) as fast,
        SyncFactStore(url_of(backend, one_by_one)) as slow,
    ):
        n = 12
        fast.apply([*people(n), AddAlias("Person 0", "The first")])
        slow.apply([*people(n), AddAlias("Person 0", "The first")])
        fast.apply(chain(n))
        for op in chain(n):
            slow.apply([op])
        last = f"Person {n - 1}"
        for name in (*(f"Person {i}" for i in range(n)), "the first"):
            for relation in ("job", "planet"):
                found = [store.lookup(name, relation) for store in (fast, slow)]
                assert found[0].values == found[1].values and found[0].match == found[1].match
        assert fast.aliases(last) == slow.aliases(last)
        for i in reversed(range(n - 1)):
            for store in (fast, slow):
                store.apply([SplitEntities(f"Person {i + 1}", f"Person {i}")])
            assert triples(fast) == triples(slow)
        assert {entity for entity, _, _ in triples(fast)} == {f"Person {i}" for i in range(n)}


def star(n: int) -> list[Op]:
    """Each is merged into the first one."""
    return [MergeEntities("Person 0", f"Person {i}") for i in range(1, n)]


def stars_of_stars(n: int) -> list[Op]:
    """In pairs, then pairs of pairs, and so on: as many facts on both sides each time."""
    ops: list[Op] = []
    step = 1
    while step < n:
        ops += [
            MergeEntities(f"Person {i + step}", f"Person {i}")
            for i in range(step - 1, n - step, 2 * step)
        ]
        step *= 2
    return ops


def work_of(
    backend: str, folder: Path, make: Callable[[int], list[Op]], n: int, work: Counter[str]
) -> tuple[Counter[str], int]:
    """What it takes to do the merges of so many people in one commit, and the changes it counts."""
    folder.mkdir()
    with SyncFactStore(url_of(backend, folder)) as store:
        store.apply(people(n))
        work.clear()
        commit = store.apply(make(n))
        done = Counter(work)
        last = {fact.entity for fact in store.scan()}
        assert len(last) == 1  # all is one
    if backend == "sqlite":
        with closing(sqlite3.connect(folder / "facts.db")) as file:
            (done["bytes"],) = file.execute(
                "SELECT (SELECT sum(length(record)) FROM merge)"
                " + (SELECT sum(length(facts)) FROM ent) + (SELECT sum(length(facts)) FROM past)"
            ).fetchone()
    return done, commit.facts


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("make", [chain, star, stars_of_stars])
def test_merges_in_one_commit_take_what_they_must(
    backend: str, make: Callable[[int], list[Op]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of twice as many about twice as much is done and written: each fact moves once."""
    work = Counter[str]()

    def counted(owner: type, name: str) -> None:
        done: Callable[..., object] = getattr(owner, name)

        def counting(*args: object, **named: object) -> object:
            work[name] += 1
            return done(*args, **named)

        monkeypatch.setattr(owner, name, counting)

    counted(EntityEdit, "_put")
    counted(EntityEdit, "_remember")
    counted(FactIds, "_hash")
    few, n_few = work_of(backend, tmp_path / "few", make, 64, work)
    many, n_many = work_of(backend, tmp_path / "many", make, 128, work)
    # Of each that is merged two facts end, one goes on, and the merge itself counts.
    assert (n_few, n_many) == (4 * 63, 4 * 127)
    assert few["_put"] == 63 and few["_remember"] == 2 * 63
    assert few.keys() == many.keys()
    for what, amount in many.items():
        assert amount <= 2.4 * few[what], what


def texts_of(store: SyncFactStore) -> list[str]:
    """What records of merges and the log say, in lower case."""
    graph = store._store
    if isinstance(graph, GraphStore):
        return [
            one.casefold() for one in texts_in((graph._state.merge_records, graph._log.commits))
        ]
    with closing(sqlite3.connect(str(store._url).removeprefix("sqlite:///"))) as file:
        rows = file.execute("SELECT record FROM merge UNION ALL SELECT events FROM log").fetchall()
    return [text.casefold() for (text,) in rows if text]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("make", [chain, stars_of_stars])
def test_of_what_is_merged_in_one_commit_one_is_erased(
    backend: str, make: Callable[[int], list[Op]], tmp_path: Path
) -> None:
    """Once they are split, nothing is left of it, and the records of the others are whole."""
    n = 8
    stores = []
    with ExitStack() as stack:
        for place in ("together", "one by one"):
            (tmp_path / place).mkdir()
            stores.append(stack.enter_context(SyncFactStore(url_of(backend, tmp_path / place))))
        together, one_by_one = stores
        ops = make(n)
        for store in stores:
            store.apply([*people(n), AddAlias("Person 3", "Third"), AddAlias("Person 1", "First")])
        together.apply(ops)
        for op in ops:
            one_by_one.apply([op])
        undone = [SplitEntities(op.kept, op.merged) for op in reversed(ops)]  # type: ignore[union-attr]
        again = [op for op in ops if "Person 3" not in (op.kept, op.merged)]  # type: ignore[union-attr]
        for store in stores:
            for op in undone:
                store.apply([op])
            store.erase("Person 3")
            assert not [text for text in texts_of(store) if "person 3" in text or "third" in text]
            assert not [change for change in store.changes(0) if change.entity == "Person 3"]
            store.apply(again)
            for op in reversed(again):
                store.apply([SplitEntities(op.kept, op.merged)])  # type: ignore[union-attr]
        assert triples(together) == triples(one_by_one)
        assert {one for one, _, _ in triples(together)} == {
            f"Person {i}" for i in range(n) if i != 3
        }
        for i in range(n):
            name = f"Person {i}"
            assert together.aliases(name) == one_by_one.aliases(name)
            assert not [one for one in together.history(name) if one.fact.surface == "job 3"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_relation_of_what_is_merged_in_one_commit_is_erased(backend: str, tmp_path: Path) -> None:
    """All that one of them had goes, its name stays, and the others come back with a split."""
    with SyncFactStore(url_of(backend, tmp_path)) as store:
        store.apply([Assert(Fact(entity="Ada", relation="job", value="miller"))])
        store.apply(
            [
                *(Assert(Fact(entity=name, relation="pet", value=name)) for name in "BCD"),
                MergeEntities("B", "Ada"),
                MergeEntities("C", "B"),
                MergeEntities("D", "C"),
            ]
        )
        store.erase("D", "job")
        store.apply([Assert(Fact(entity="D", relation="job", value="miller"))])  # its own now
        for kept, merged in (("D", "C"), ("C", "B")):
            store.apply([SplitEntities(kept, merged)])
        assert triples(store) == {
            ("B", "pet", "B"), ("C", "pet", "C"), ("D", "pet", "D"), ("D", "job", "miller"),
        }  # fmt: skip
        assert store.aliases("B") == ["ada"]


def test_what_comes_while_another_of_the_same_number_goes_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two names may have one number; the row of the second is behind that of the first."""
    users = [m for name, m in sys.modules.items() if name.startswith(SQLITE)]
    for module in (one for one in users if hasattr(one, "row_id")):
        monkeypatch.setattr(module, "row_id", lambda key: 7)
    with SyncFactStore(url_of("sqlite", tmp_path)) as store:
        store.apply([Assert(Fact(entity="Ada", relation="job", value="miller"))])
        store.apply(
            [Assert(Fact(entity="Bob", relation="pet", value="cat")), MergeEntities("Bob", "Ada")]
        )
        store.apply([AddAlias("Bob", "Bobby")])
        assert store.lookup("Bob", "job").values == ("miller",)
        store.apply([SplitEntities("Bob", "Ada")])
        assert triples(store) == {("Ada", "job", "miller"), ("Bob", "pet", "cat")}


@pytest.mark.parametrize("backend", BACKENDS)
def test_names_in_a_chain_of_one_commit_are_those_of_where_they_are(
    backend: str, tmp_path: Path
) -> None:
    """Named by what was merged already, by aliases old and new, and with other work between."""
    with SyncFactStore(url_of(backend, tmp_path)) as store:
        store.apply([*people(5), AddAlias("Person 0", "The first")])
        store.apply(
            [
                MergeEntities("Person 1", "the first"),
                MergeEntities("Person 2", "Person 0"),
                MergeEntities("Person 3", "THE FIRST"),
                AddAlias("Person 1", "One"),
                MergeEntities("Person 4", "one"),
                MergeEntities("Person 4", "Person 2"),  # is that already
            ]
        )
        assert store.aliases("Person 4") == sorted(
            ["one", "the first", *(f"person {i}" for i in range(4))]
        )
        assert len(store.lookup("Person 0", "job").values) == 5
        store.apply([SplitEntities("Person 4", "Person 3")])
        assert store.lookup("The first", "job").match.entity.matched == "Person 3"
        assert store.lookup("One", "job").match.entity.matched == "Person 3"
        store.apply([SplitEntities("Person 3", "Person 2"), SplitEntities("Person 2", "Person 1")])
        assert store.lookup("The first", "job").values == ("job 1", "job 0")


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_name_of_a_chain_is_told_once(backend: str, tmp_path: Path) -> None:
    """In the change log: where it ends up, not each entity that it came by; copies agree."""
    with SyncFactStore(url_of(backend, tmp_path)) as store:
        revision = store.apply(people()).revision
        store.apply(chain())
        changes = list(store.changes(revision))
        kinds = Counter(change.kind for change in changes)
        assert kinds["merged"] == N - 1 and kinds["alias"] <= N
        assert len(changes) < 8 * N
        replica = Replica(b"secret")
        replica.apply_changes(store.changes(0))
        assert replica.aliases(LAST.casefold()) == store.aliases(LAST)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_a_chain_has_brought_together_is_erased(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it, looking at the log a few times, not once for each name."""
    unpacked = Counter[str]()

    def counting(text: str) -> object:
        unpacked["events"] += 1
        return unpack_events(text)

    monkeypatch.setattr(sqlite_erasure, "unpack_events", counting)
    with SyncFactStore(url_of(backend, tmp_path)) as store:
        store.apply([*people(), Assert(Fact(entity="Bystander", relation="job", value="miller"))])
        store.apply(chain())
        receipt = store.erase("Person 3")
        assert receipt.facts == 2 * (N - 1) + N + 1  # as they were, and as they are
        assert triples(store) == {("Bystander", "job", "miller")}
        assert [one.name for one in store.entities()] == ["Bystander"]
        assert not any(change.alias for change in store.changes(0))
        assert receipt.verified == (backend == "sqlite")
        assert unpacked["events"] <= 4


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("is_merged", [True, False])
def test_an_entity_of_very_many_names_is_erased(
    backend: str, is_merged: bool, tmp_path: Path
) -> None:
    """More of them than a statement of SQL may compare; what mentions one is found."""
    n = 1100
    names = [f"Zqx {i} Quill" for i in range(n)]
    with SyncFactStore(url_of(backend, tmp_path)) as store:
        store.apply(
            [
                Assert(Fact(entity="Ada Quill", relation="job", value="miller")),
                Assert(Fact(entity="Bob", relation="friend", value="the late Zqx 7 Quill")),
                Assert(Fact(entity="Cy", relation="friend", value="Zqx 7 Quillson")),
            ]
        )
        if is_merged:
            store.apply([Assert(Fact(entity=name, relation="job", value="x")) for name in names])
            store.apply([MergeEntities("Ada Quill", name) for name in names])
        else:
            store.apply([AddAlias("Ada Quill", name) for name in names])
        receipt = store.erase("Ada Quill")
        assert [one.entity for one in receipt.mentions] == ["Bob"]
        assert {entity for entity, _, _ in triples(store)} == {"Bob", "Cy"}
        assert not any(store.lookup(name, "job").values for name in names[::100])


@given(
    st.lists(st.text("ab 1é中", min_size=1, max_size=5), max_size=12),
    st.text("ab 1é中-", max_size=20),
)
def test_many_names_are_found_as_one_after_another(names: list[str], text: str) -> None:
    """The fast way to compare a text with many names is that of comparing it with each."""
    found = Mentions(names, FactIds(b"secret"))
    key = canonical_key(text)
    slow = any(mentions._stands_in(name, key) for name in found.names)
    assert mentions._any_stands_in(found.names, found._lengths, key) == slow
    assert found.are_in(text) == slow
