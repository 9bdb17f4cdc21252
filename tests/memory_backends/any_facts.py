"""Strategies for whatever a store may hold; importable by every file of this folder."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

from hypothesis import strategies as st

from lamlam.memory_backends.model.early_moments import FIRST_DATETIME, EarlyMoment
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import AddAlias, Assert, DefineRelation
from lamlam.memory_backends.model.relation_rules import Cardinality, RelationRule
from lamlam.memory_backends.model.values import EntityRef, PartialDate, Quantity, Value, ValueType
from tests.memory_backends.stores import fact_text

_MOMENTS = (
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
    | st.dates().map(lambda day: datetime(day.year, day.month, day.day, tzinfo=UTC))
    | st.integers(-377_000_000_000_000_000, FIRST_DATETIME - 1).map(EarlyMoment)
)
_NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=4) | st.sampled_from(
    [Decimal("1.50"), Decimal("-0.0"), Decimal("1E+30"), Decimal("1e-30"), Decimal(0)]
)
_UNITS = fact_text() | st.sampled_from(["m", " m", "m ", "5 x", "e5", ",5", "{}", '{"date": "1"}'])
_ENTITIES = fact_text() | st.sampled_from(
    ["{", "{}", '{"entity": "x"}', "1867", "a/b", "%2F", "_:b0", "<x>", 'a\\u0022 "b"', "\\\\u0060"]
)


@st.composite
def _dates(draw: st.DrawFn) -> PartialDate:
    year = draw(st.integers(-9999, 9999))
    month = draw(st.none() | st.integers(1, 12))
    return PartialDate(year, month, month and draw(st.none() | st.integers(1, 28)))


def values() -> st.SearchStrategy[Value]:
    """A value of any type."""
    return st.one_of(
        fact_text(),
        st.integers(-(2**63), 2**63 - 1),
        _NUMBERS,
        st.booleans(),
        _dates(),
        st.builds(Quantity, _NUMBERS, _UNITS),
        st.builds(EntityRef, _ENTITIES),
    )


def namespaces() -> st.SearchStrategy[tuple[str, ...]]:
    """A namespace: the usual one, or any other."""
    return st.sampled_from([(), (), ("users", "7"), ("ä b",), ("%", "ü"), ("urn:x", "a.b")])


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    """A fact with any of its fields filled."""
    more: dict[str, Any] = {}
    for name, strategy in {
        "surface": fact_text(),
        "sources": st.lists(fact_text(), max_size=3),
        "confidence": st.floats(0, 1),
        "namespace": namespaces(),
    }.items():
        if draw(st.booleans()):
            more[name] = draw(strategy)
    begin, end = sorted(draw(st.lists(_MOMENTS, min_size=2, max_size=2, unique=True)))
    more["valid_from"] = draw(st.sampled_from([None, None, begin]))
    more["valid_to"] = draw(st.sampled_from([None, None, end]))
    return Fact(entity=draw(_ENTITIES), relation=draw(fact_text()), value=draw(values()), **more)


def aliases() -> st.SearchStrategy[AddAlias]:
    """An alias of any entity."""
    return st.builds(AddAlias, _ENTITIES, fact_text(), namespaces())


@st.composite
def rules(draw: st.DrawFn) -> DefineRelation:
    """A rule of any relation."""
    inverse = draw(st.none() | fact_text())
    kind = ValueType.ENTITY if inverse else draw(st.none() | st.sampled_from(ValueType))
    cardinality: Cardinality = draw(st.sampled_from(get_args(Cardinality)))
    return DefineRelation(RelationRule(draw(fact_text()), cardinality, kind, inverse))


def contents() -> st.SearchStrategy[list[Assert | AddAlias | DefineRelation]]:
    """What a store may hold, in the order in which a file of it is read."""
    return st.tuples(
        st.lists(rules(), max_size=2, unique_by=lambda one: one.rule.name),
        st.lists(facts(), max_size=4, unique_by=lambda one: (one.entity, one.relation)).map(
            lambda some: [Assert(fact) for fact in some]
        ),
        st.lists(aliases(), max_size=2),
    ).map(lambda parts: [*parts[0], *parts[1], *parts[2]])
