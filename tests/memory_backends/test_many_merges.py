"""Chains of merges, and names by the thousand: commits and erasures take no more than they must."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.memory_backends.commits import mentions
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
from lamlam.memory_backends.replica import Replica
from lamlam.memory_backends.sqlite import erasure as sqlite_erasure
from lamlam.memory_backends.sqlite.commit_log import unpack_events
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.stores import BACKENDS, triples, url_of

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
