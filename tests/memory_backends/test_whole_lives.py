"""Erasures of values, of namespaces, of facts that name an entity: on stores of others, by copies."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from lamlam.errors import NotSupported
from lamlam.memory_backends.commits.mentions import Mentions
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.operations import AddAlias, Assert, ErasureReceipt, Op, Retract
from lamlam.memory_backends.model.values import EntityRef
from lamlam.memory_backends.networkx_graph.file import write_file
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.protocol import Capability, FactStore
from lamlam.memory_backends.read_views.replica import Replica
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.stores import put, triples

SPACE = ("users", "7")


class Older(GraphStore):
    """A backend that was written before `erase` took a value or mentions."""

    capabilities = frozenset[Capability]()

    def __init__(self, *, has_history: bool = False) -> None:
        super().__init__()
        if not has_history:
            self.capabilities -= {Capability.HISTORY}

    def erase_nowait(  # type: ignore[override]  # as it was
        self,
        entity: str,
        relation: str | None = None,
        *,
        namespace: Namespace = (),
        reason: str | None = None,
        authority: str | None = None,
    ) -> ErasureReceipt:
        return super().erase_nowait(
            entity, relation, namespace=namespace, reason=reason, authority=authority
        )


class OlderServer(FactStore):
    """The same, one that has to wait: it hands all on to another store."""

    def __init__(self, inner: Older) -> None:
        self.inner = inner
        self.capabilities = inner.capabilities
        for name in ("lookup_many", "scan", "apply", "changes", "info", "migrate", "aclose"):
            setattr(self, name, getattr(inner, name))

    lookup_many = scan = apply = changes = info = migrate = aclose = None  # type: ignore[assignment]

    async def erase(  # type: ignore[override]  # as it was
        self,
        entity: str,
        relation: str | None = None,
        *,
        namespace: Namespace = (),
        reason: str | None = None,
        authority: str | None = None,
    ) -> ErasureReceipt:
        return self.inner.erase_nowait(entity, relation, namespace=namespace, reason=reason)


def filled(store: SyncFactStore) -> None:
    """A few facts, some of which name others."""
    put(store, ("Ada", "job", "x"), ("Ada", "job", "y"), ("B", "friend", "ADA"), ("B", "note", "z"))
    store.apply([Assert(Fact(entity="B", relation="spouse", value=EntityRef("Ada"), source="s"))])
    store.apply([Assert(Fact(entity="B", relation="friend", value="Ada", namespace=SPACE))])


@pytest.mark.parametrize("make", [Older, lambda: OlderServer(Older())])
def test_a_backend_without_history_needs_no_new_erase(make: Any) -> None:
    """Values and facts that name an entity are erased over `apply`; the receipt says how far."""
    with SyncFactStore(make()) as store:
        filled(store)
        receipt = store.erase("ada", "job", "x", reason="asked")
        assert (receipt.facts, receipt.covered, receipt.reason) == (1, ("facts",), "asked")
        assert "no erasure of single values" in receipt.pending[0] and not receipt.verified
        assert store.erase("Ada", "job", "x").is_empty
        receipt = store.erase("Ada", mentions="replace", placeholder="someone", authority="she")
        assert (receipt.facts, receipt.as_value) == (4, 2)  # with what the memory inside kept
        assert triples(store) == {
            ("B", "friend", "someone"), ("B", "note", "z"), ("B", "spouse", "someone"),
            ("B", "friend", "Ada"),
        }  # fmt: skip
        (spouse,) = store.scan("B", "spouse")
        assert (spouse.value, spouse.sources) == (EntityRef("someone"), ("s",))
        assert store.erase("Ada", namespace=SPACE, mentions="retract").as_value == 1
        assert store.erase("B", "note").facts == 1  # as before


def test_a_backend_with_history_says_that_it_cannot() -> None:
    """What it keeps of the past would still have the value; nothing is changed."""
    with SyncFactStore(Older(has_history=True)) as store:
        filled(store)
        before = triples(store)
        for options in ({"relation": "job", "value": "x"}, {"mentions": "retract"}):
            with pytest.raises(NotSupported, match="erases no single values"):
                store.erase("Ada", **options)  # type: ignore[arg-type]
        assert triples(store) == before
        assert store.erase("Ada", "job").facts == 2


def test_a_backend_of_others_erases_a_namespace_by_entities() -> None:
    """Its receipts become one; facts are found by their ids, namespaces are counted."""
    with SyncFactStore(OlderServer(Older())) as store:
        filled(store)
        assert [one.namespace for one in store.namespaces()] == [(), SPACE]
        (one,) = store.scan("B", namespace=SPACE)
        assert one.id is not None and store.fact(one.id) == one
        receipt = store.erase_namespace(SPACE)
        assert (receipt.facts, receipt.namespace) == (1, SPACE)
        assert store.fact(one.id) is None


def test_a_memory_is_looked_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """For mentions each entity that stays once, and the file is written once."""
    seen: list[str] = []
    writes: list[object] = []
    add_entity = Mentions.add_entity

    def noting(self: Mentions, key: str, *more: Any) -> None:
        seen.append(key)
        add_entity(self, key, *more)

    def writing(*given: Any) -> Any:
        writes.append(given)
        return write_file(*given)

    monkeypatch.setattr(Mentions, "add_entity", noting)
    monkeypatch.setattr("lamlam.memory_backends.networkx_graph.store.write_file", writing)
    with SyncFactStore(f"memory:///{tmp_path}/facts.json") as store:
        for n in range(20):
            store.apply([Assert(Fact(entity=f"A {n}", relation="r", value="x", namespace=SPACE))])
            put(store, (f"B {n}", "r", "x"))
        n_writes = len(writes)
        assert store.erase_namespace(SPACE).facts == 20
        assert sorted(seen) == sorted(f"b {n}" for n in range(20))
        assert len(writes) - n_writes == 1


def test_a_copy_forgets_a_namespace_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """It learns of every entity by an id; each of its rows is compared once for all of them."""
    memory = GraphStore()
    with SyncFactStore(memory) as store:
        ops: list[Op] = [
            Assert(Fact(entity=f"A {n}", relation="r", value="x", namespace=space))
            for n in range(50)
            for space in (SPACE, ("users", "70"), ())
        ]
        store.apply([*ops, AddAlias("A 0", "Alpha", SPACE), AddAlias("A 1", "Alpha")])
        copy = Replica(memory.secret)
        copy.apply_changes(store.changes(None))
        before = copy.revision
        store.erase_namespace(SPACE)
        calls: list[str] = []
        of_entity = FactIds.of_entity

        def noting(self: FactIds, key: str) -> str:
            calls.append(key)
            return of_entity(self, key)

        monkeypatch.setattr(FactIds, "of_entity", noting)
        copy.apply_changes(list(store.changes(before)))
        assert len(calls) <= 150 + 4  # rows, aliases and their holders
        assert len(copy) == 100
        assert copy.known_names_nowait(["A 1", "Alpha"], namespace=SPACE) == frozenset()
        assert copy.known_names_nowait(["A 1", "Alpha"]) == {"A 1", "Alpha"}


@pytest.mark.parametrize("choice", ["retract", "replace"])
def test_a_copy_learns_what_others_lose(choice: Any) -> None:
    """Facts that named an entity, and their placeholders, are in the copy as in the store."""
    memory = GraphStore()
    with SyncFactStore(memory) as store:
        filled(store)
        store.apply([AddAlias("B", "Beta"), Retract("B", "note")])
        copy = Replica(memory.secret)
        copy.apply_changes(store.changes(None))
        before = copy.revision
        store.erase("Ada", mentions=choice)
        copy.apply_changes(store.changes(before))
        for key in ("b", "ada", "users/7\x1db"):
            record = memory._state.record(key)
            held = record.stored() if record is not None else ()
            assert _said(copy.read(key)[1]) == _said(held)
        assert copy.aliases("b") == [*memory._state.aliases("b")]


def _said(facts: Iterable[Any]) -> list[tuple[Any, ...]]:
    return [(fact.relation, fact.value, fact.code, fact.sources) for fact in facts]
