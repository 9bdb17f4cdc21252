"""Scoped keys: no two namespaces ever share one, whatever the names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.model.namespaces import only, parsed, salted, scoped, split, written
from lamlam.memory_backends.model.operations import AddAlias, Assert, DefineRelation, Retract
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef
from lamlam.memory_backends.networkx_graph.store import GraphStore
from tests.memory_backends.any_facts import namespaces
from tests.memory_backends.stores import fact_text


@given(namespaces(), fact_text())
def test_a_scoped_key_is_split_again(namespace: Namespace, name: str) -> None:
    key = canonical_key(name)
    assert split(scoped(namespace, key)) == (namespace, key)
    assert parsed(written(namespace)) == namespace


@given(namespaces(), fact_text(), namespaces(), fact_text())
def test_scoped_keys_are_equal_only_in_one_namespace(
    a: Namespace, name: str, b: Namespace, other: str
) -> None:
    first, second = scoped(a, canonical_key(name)), scoped(b, canonical_key(other))
    assert (first == second) == (a == b and canonical_key(name) == canonical_key(other))
    assert only(a, [first, second])[0] == canonical_key(name)


@given(st.sets(st.integers(-(2**31), 2**31 - 1), max_size=5), namespaces())
def test_salted_codes_are_as_many_and_stay_in_four_bytes(
    codes: set[int], namespace: Namespace
) -> None:
    kept = set(salted(namespace, codes))
    assert len(kept) == len(codes)
    assert all(-(2**31) <= code < 2**31 for code in kept)


def test_nothing_passes_from_one_namespace_to_another() -> None:
    """Neither names, misspellings, aliases and inverse relations nor retractions."""
    store = GraphStore()
    here, there = ("users", "7"), ("users", "8")
    fact = Fact(entity="Ada Lovelace", relation="child", value=EntityRef("Byron"), namespace=here)
    store.apply_nowait(
        [
            DefineRelation(RelationRule("child", inverse="parent")),
            Assert(fact),
            AddAlias("Ada Lovelace", "Countess", here),
        ]
    )
    for namespace, values in ((here, ("Byron",)), (there, ()), ((), ()), (("users",), ())):
        for name in ("Ada Lovelace", "Ada Lovelase", "Countess"):
            found = store.lookup_nowait(Lookup(name, "child", namespace))
            assert found.values == values, (namespace, name)
            assert not [c for c in found.candidates if namespace != here]
        parents = store.lookup_nowait(Lookup("Byron", "parent", namespace)).values
        # Byron has no facts of its own: it answers from the other side, in its own namespace.
        assert parents == (("Ada Lovelace",) if namespace == here else ())
    store.apply_nowait([Retract("Ada Lovelace", "child", namespace=there)])
    assert store.lookup_nowait(Lookup("Ada Lovelace", "child", here)).values == ("Byron",)
    assert [f for f in store.scan_nowait(namespace=there)] == []
    assert [f.namespace for f in store.scan_nowait()] == [here]
    assert [c.kind for c in store.changes_nowait(0, namespace=there)] == ["rule"]
