"""The fast way of an exact lookup against the one of any other."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest

from lamlam.memory_backends.model.exact_hits import ExactHit
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import Lookup, LookupResult
from lamlam.memory_backends.model.operations import Assert, Replace
from lamlam.memory_backends.resolution.resolver import look_up
from lamlam.memory_backends.sqlite.store import SqliteStore

FACTS = [
    Fact(entity="Ada Quill", relation="Birth Place", value="Lowmere", source="parish"),
    Fact(entity="Ada Quill", relation="award", value="Prize 1", sources=("parish", "letter")),
    Fact(entity="Ada Quill", relation="award", value="Prize 2"),
    Fact(entity="Ada Quill", relation="age", value=9, confidence=0.5),
    Fact(entity="Ada Quill", relation="x", value="z"),
    Fact(entity="Ada Quill", relation="office", value="clerk", valid_from="1840"),
    Fact(entity="Bob Ferris", relation="work", value="a\x1eb\x1fc"),
    Fact(entity="Bob Ferris", relation="place of work", value="mill", source="letter"),
    Fact(entity="Zoë", relation="work", value="mill"),
]
QUESTIONS = [
    Lookup(entity, relation)
    for entity in ("Ada Quill", "ADA quill", " ada  Quill ", "Ada_Quill", "Bob Ferris", "Zoë", "No")
    for relation in ("birth place", "Birth_Place", "born in", "award", "age", "x", "office", "work")
]
FIELDS = (
    "status", "revision", "value", "values", "facts", "fact_ids", "sources", "match", "candidates",
    "namespace",
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A file of these facts, in several commits."""
    opened = SqliteStore(tmp_path / "facts.db")
    opened.apply_nowait([Assert(fact) for fact in FACTS])
    opened.apply_nowait(
        [Replace(Fact(entity="Ada Quill", relation="Birth Place", value="Highmere"))]
    )
    yield opened
    opened.close_nowait()


def slowly(store: SqliteStore, query: Lookup) -> LookupResult:
    """Return the answer of the way that any lookup can take."""
    with store._reading() as reader:
        return look_up(reader, query, reader.revision, store.identify)


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_is_that_of_the_slow_way(store: SqliteStore, field: str) -> None:
    """Whichever is asked for first."""
    fast = 0
    for query in QUESTIONS:
        result = store.lookup_nowait(query)
        fast += isinstance(result, ExactHit)
        assert getattr(result, field) == getattr(slowly(store, query), field), query
        assert result.answer(0) == slowly(store, query).answer(0)
        assert result.owner(1) == slowly(store, query).owner(1)
    assert fast >= 5


def test_a_hit_outlives_its_snapshot(store: SqliteStore) -> None:
    """Also where the fact is another one by then, and its source is gone."""
    hit = store.lookup_nowait(Lookup("Bob Ferris", "place of work"))
    assert isinstance(hit, ExactHit)
    store.apply_nowait(
        [Replace(Fact(entity="Bob Ferris", relation="place of work", value="ferry"))]
    )
    assert store.lookup_nowait(Lookup("Bob Ferris", "place of work")).value == "ferry"
    (fact,) = hit.facts
    assert (hit.value, fact.surface, fact.sources) == ("mill", "mill", ("letter",))
    assert copy.copy(hit).values == ("mill",)
    assert hit.elapsed_ns > 0
    with pytest.raises(AttributeError):
        _ = hit.nothing
