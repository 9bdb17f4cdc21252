"""Every line of the tables in ``docs/names.md`` is what a store answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import LookupResult
from lamlam.memory_backends.model.operations import Assert, Retract
from lamlam.memory_backends.model.values import EntityRef, Value
from lamlam.memory_backends.sync import SyncFactStore
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "names.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[tuple[str, ...]]:
    """Return the cells of the first table below a heading, without its header."""
    table = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in table.split("\n") if line.startswith("| ")][2:]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]


def kept(store: SyncFactStore, entity: str, relation: str, value: Value = "x") -> None:
    store.apply([Assert(Fact(entity=entity, relation=relation, value=value))])


def outcome(result: LookupResult, part: str) -> str:
    """Return how the store took a name, in the words of the page."""
    if result.status == "hit":
        kind: str = getattr(result.match, part).kind
        return kind
    return "candidate" if result.candidates else "nothing"


@pytest.mark.parametrize(("stored", "asked", "answer"), rows("Entities"))
def test_entities(stored: str, asked: str, answer: str) -> None:
    with SyncFactStore("memory:") as store:
        kept(store, stored, "kind")
        result = store.lookup(asked, "kind")
        assert outcome(result, "entity") == answer
        assert not result.candidates or result.candidates[0].entity == stored


def of_relation(store: SyncFactStore, stored: str, asked: str) -> str:
    kept(store, "Ada", stored)
    return outcome(store.lookup("Ada", asked), "relation")


def of_text(store: SyncFactStore, stored: str, given: str) -> str:
    kept(store, "Ada", "kind", stored)
    kept(store, "Ada", "kind", given)
    return {1: "one value", 2: "two values"}[len(store.lookup("Ada", "kind").values)]


def of_retracted_text(store: SyncFactStore, stored: str, given: str) -> str:
    kept(store, "Ada", "kind", stored)
    store.apply([Retract("Ada", "kind", given)])
    return "not retracted" if store.lookup("Ada", "kind").values else "retracted"


def of_entity_value(store: SyncFactStore, stored: str, given: str) -> str:
    kept(store, "Ada", "kind", EntityRef(stored))
    kept(store, "Ada", "kind", EntityRef(given))
    return {1: "one value", 2: "two values"}[len(store.lookup("Ada", "kind").values)]


def of_erasure(store: SyncFactStore, stored: str, given: str) -> str:
    kept(store, stored, "kind")
    return "erased" if store.erase(given).facts else "not erased"


def of_namespace(store: SyncFactStore, stored: str, given: str) -> str:
    store.apply([Assert(Fact(entity="Ada", relation="kind", value="x", namespace=(stored,)))])
    return outcome(store.lookup("Ada", "kind", namespace=(given,)), "entity")


HOW: dict[str, Callable[[SyncFactStore, str, str], str]] = {
    "relation": of_relation,
    "text as a value": of_text,
    "text to retract": of_retracted_text,
    "entity as a value": of_entity_value,
    "entity to erase": of_erasure,
    "namespace": of_namespace,
}


@pytest.mark.parametrize(
    ("where", "form", "stored", "given", "result"), rows("Relations, values, namespaces")
)
def test_the_rest(where: str, form: str, stored: str, given: str, result: str) -> None:
    assert form
    with SyncFactStore("memory:") as store:
        assert HOW[where](store, stored, given) == result


def test_the_page_has_its_tables() -> None:
    """Without lines the tests above would be skipped."""
    assert len(rows("Entities")) > 30 and len(rows("Relations, values, namespaces")) > 10
