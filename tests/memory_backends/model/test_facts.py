"""`Fact` checks what it is given, and says which field is wrong."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from lamlam.errors import BadFact
from lamlam.memory_backends.commits.entity_edit import stored_form
from lamlam.memory_backends.model.facts import Fact, check_namespace
from lamlam.memory_backends.model.lookups import as_fact
from lamlam.memory_backends.model.timestamps import as_moment, from_us, holds_at, overlap, to_us
from lamlam.memory_backends.model.values import EntityRef, PartialDate
from tests.memory_backends.any_facts import facts


class Box(BaseModel):
    fact: Fact
    more: list[Fact] = []


MOMENTS = st.datetimes(timezones=st.just(UTC))
POINTS = st.none() | st.integers(-4, 4)


@given(facts())
def test_what_a_store_keeps_is_the_fact(fact: Fact) -> None:
    """Nothing is lost between a fact and its stored form, except how an entity was spelt."""
    again = as_fact(fact.entity, stored_form(fact, None), None, fact.namespace)
    others = {"value", "revision"}
    assert again.model_dump(exclude=others) == fact.model_dump(exclude=others)
    assert again.type is fact.type
    if not isinstance(fact.value, EntityRef):
        assert again.value == fact.value


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"entity": ""}, "entity must not be empty"),
        ({"entity": "x" * 1001}, "entity must have at most 1,000 characters, got 1,001"),
        ({"relation": " \n"}, "relation must not be empty"),
        ({"entity": 7}, "entity"),
        ({"value": "a\0"}, "value must not contain the character NUL"),
        ({"surface": " "}, "surface must not be empty"),
        ({"source": ""}, "sources"),
        ({"sources": "page"}, "sources must be a list of strings, got a single one"),
        ({"sources": [str(n) for n in range(101)]}, "sources must be at most 100, got 101"),
        ({"sources": [[]]}, "invalid fact"),
        ({"sources": None}, "sources must be a list of strings, got NoneType"),
        ({"sources": 5}, "sources must be a list of strings, got int"),
        (
            {"entity": "\ufdfa" * 100},
            "entity must have a key of at most 1,000 characters, got 1,800",
        ),
        ({"confidence": 1.1}, "confidence"),
        ({"confidence": float("nan")}, "confidence"),
        ({"namespace": "users"}, "namespace must be a tuple of strings, got a single string"),
        ({"namespace": ("a/b",)}, "slash"),
        ({"namespace": (" a",)}, "space"),
        ({"namespace": ("\x1d",)}, "namespace"),
        ({"namespace": tuple("123456789")}, "at most 8"),
        ({"valid_from": datetime(2020, 1, 1)}, "has no zone"),
        ({"valid_from": "2020", "valid_to": "2020"}, "valid_to must be after valid_from"),
        ({"valid_from": "2020", "valid_to": PartialDate(-4)}, "valid_to must be after valid_from"),
    ],
)
def test_a_bad_field_is_named(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadFact, match=complaint):
        Fact(**{"entity": "e", "relation": "r", "value": "v", **fields})


@given(facts())
def test_a_dumped_fact_is_the_fact_again(fact: Fact) -> None:
    """By itself and inside another model, as JSON and as Python has it."""
    box = Box(fact=fact, more=[fact])
    for again in (
        Fact.model_validate_json(fact.model_dump_json()),
        Fact.model_validate(fact.model_dump()),
        Box.model_validate_json(box.model_dump_json()).fact,
        Box.model_validate(box.model_dump()).more[0],
    ):
        assert again == fact
        assert type(again.value) is type(fact.value)
    assert Fact.model_validate(fact) is fact


@pytest.mark.parametrize(
    ("given_", "complaint"),
    [
        ({"entity": "e"}, "relation"),
        ({"entity": "e", "relation": "r", "value": "v", "zz": 1}, "zz"),
        ({"zz": 1, **Fact(entity="e", relation="r", value=True).model_dump()}, "zz"),
        (7, "fact"),
    ],
)
def test_what_lacks_a_key_or_has_another_is_no_fact(given_: Any, complaint: str) -> None:
    """Pydantic's own error inside another model, which tells it with those of its other fields."""
    with pytest.raises(BadFact, match=complaint):
        Fact.model_validate(given_)
    with pytest.raises(BadFact, match=complaint):
        Fact.model_validate_json(json.dumps(given_))
    with pytest.raises(ValidationError) as refused:
        Box.model_validate({"fact": given_, "more": 5})
    places = [error["loc"] for error in refused.value.errors()]
    assert places[-1] == ("more",)
    assert places[0] == (("fact",) if complaint == "fact" else ("fact", complaint))


def test_json_of_no_value_is_refused() -> None:
    with pytest.raises(BadFact, match="value"):
        Fact.model_validate({"entity": "e", "relation": "r", "value": {"date": 1867}})
    with pytest.raises(BadFact, match="value"):
        Fact(entity="e", relation="r", value={"date": "1867"})  # type: ignore[arg-type]
    assert Fact.model_validate({"entity": "e", "relation": "r", "value": 1, "source": "s"}).source


def test_sources_come_once_and_the_first_is_the_source() -> None:
    fact = Fact(entity="e", relation="r", value="v", source="a", sources=["b", "a"])
    assert fact.sources == ("a", "b")
    assert fact.source == "a"
    assert Fact(entity="e", relation="r", value="v").source is None


def test_a_day_a_month_and_a_year_begin_periods() -> None:
    first = datetime(2024, 1, 1, tzinfo=UTC)
    for given_ in ("2024", "2024-01", "2024-01-01", date(2024, 1, 1), PartialDate(2024), first):
        assert as_moment(given_) == first
    assert as_moment("2024-01-01T02:00:00+02:00") == first
    with pytest.raises(BadFact):
        as_moment("one day")
    with pytest.raises(BadFact):
        as_moment(7)
    with pytest.raises(BadFact, match="out of range"):
        as_moment(datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2))))


@given(MOMENTS)
def test_moments_are_kept_to_the_microsecond(moment: datetime) -> None:
    assert from_us(to_us(moment)) == moment
    assert as_moment(moment.isoformat()) == moment


@given(POINTS, POINTS, POINTS, POINTS)
def test_periods_overlap_where_they_share_a_moment(
    a: int | None, b: int | None, c: int | None, d: int | None
) -> None:
    """Against the sets of whole moments that the periods cover."""
    if (a is not None and b is not None and a >= b) or (c is not None and d is not None and c >= d):
        return
    first = {t for t in range(-6, 7) if holds_at(a, b, t)}
    second = {t for t in range(-6, 7) if holds_at(c, d, t)}
    assert overlap(a, b, c, d) == bool(first & second)


def test_namespaces_are_checked_as_they_are_used() -> None:
    assert check_namespace(["users", "7"]) == ("users", "7")
    with pytest.raises(BadFact):
        check_namespace("users")
