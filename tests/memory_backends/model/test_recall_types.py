"""Recall into fields of every kind: the value as it is, or a named refusal; never another value."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal, NamedTuple, NewType

import pytest
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model, field_validator

from lamlam.errors import RecallFailed
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.model.values import EntityRef, PartialDate, Quantity, Value
from lamlam.memory_backends.sync import SyncFactStore

Title = NewType("Title", str)
Day = NewType("Day", date)


class Genre(StrEnum):
    NOVEL = "novel"


class Size(Enum):
    SMALL = 3


class Home(BaseModel):
    town: str


class Pair(NamedTuple):
    a: str
    b: str


DAY, YEAR, MONTH = PartialDate(1867, 11, 7), PartialDate(1867), PartialDate(1867, 11)
METRES = Quantity(Decimal("1.65"), "m")
_FILLED: list[tuple[Value, Any, Any]] = [
    (DAY, date, date(1867, 11, 7)), (DAY, datetime, datetime(1867, 11, 7)),
    (DAY, date | str, date(1867, 11, 7)), (DAY, str | date, date(1867, 11, 7)),
    (DAY, date | None, date(1867, 11, 7)), (DAY, Day, date(1867, 11, 7)),
    (DAY, date | str | None, date(1867, 11, 7)), (DAY, str, "7 November 1867"),
    (DAY, Annotated[date, Field(gt=date(1800, 1, 1))], date(1867, 11, 7)),
    (DAY, PartialDate | str, DAY), (DAY, PartialDate | date, DAY), (DAY, Any, DAY),
    (DAY, list[date | str], [date(1867, 11, 7)]), (DAY, datetime | str, "7 November 1867"),
    (YEAR, str, "1867"), (YEAR, date | str, "1867"), (YEAR, datetime | str, "1867"),
    (YEAR, int, 1867), (PartialDate(67), int, 67), (YEAR, PartialDate, YEAR),
    (MONTH, date | str, "November 1867"), (PartialDate(-43), date | str, "44 BC"),
    (1867, int, 1867), (1867, str, "1867"), (1867, date | int, 1867), (1867, datetime | str, "1867"),
    (1867, Decimal, Decimal(1867)), (3, Size, Size.SMALL), (3, int | str, 3), (3, list[int], [3]),
    ("1867", str, "1867"), ("1867", int, 1867), ("1867", datetime | str, "1867"),
    ("1867-11-07", date, date(1867, 11, 7)), ("novel", Genre, Genre.NOVEL),
    ("novel", Literal["novel", "poem"], "novel"), ("novel", Title, "novel"),
    ("novel", Genre | None, Genre.NOVEL), ("novel", Sequence[str], ["novel"]),
    ("novel", Annotated[str, Field(min_length=3)], "novel"), ("novel", set[str], {"novel"}),
    ("novel", list[str] | None, ["novel"]), ("novel", Any, "novel"),
    (True, bool, True), (True, str, "yes"), (True, bool | str, True), (True, int | str, "yes"),
    (Decimal("1.50"), Decimal, Decimal("1.50")), (Decimal("1.5"), float, 1.5),
    (Decimal("1.50"), str, "1.50"), (METRES, Quantity, METRES), (METRES, str, "1.65 m"),
    (METRES, Quantity | str, METRES), (METRES, float | str, "1.65 m"),
    (EntityRef("Ada"), EntityRef, EntityRef("Ada")), (EntityRef("Ada"), str, "Ada"),
    (EntityRef("Ada"), EntityRef | str, EntityRef("Ada")),
]  # fmt: skip


@pytest.fixture(scope="module")
def store() -> Any:
    with SyncFactStore("memory:") as store:
        yield store


def _recalled(store: SyncFactStore, value: Value, annotation: Any) -> Any:
    store.erase("A")
    store.apply([Assert(Fact(entity="A", relation="r", value=value))])
    model = create_model("M", __config__=ConfigDict(arbitrary_types_allowed=True), r=(annotation, ...))  # fmt: skip
    recalled: Any = store.recall(model, "A").model
    return recalled.r


@pytest.mark.parametrize(("value", "annotation", "expected"), _FILLED, ids=str)
def test_a_field_takes_the_value_in_its_own_form(
    store: SyncFactStore, value: Value, annotation: Any, expected: object
) -> None:
    read = _recalled(store, value, annotation)
    assert read == expected
    assert type(read) is type(expected)


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (YEAR, datetime), (YEAR, date), (MONTH, date), (MONTH, datetime), (YEAR, timedelta),
        (PartialDate(-43, 3, 15), date), (1867, datetime), (1867, date), (0, date),
        (86400, date), (1867, timedelta), (1867, time), (1867, datetime | None),
        (Decimal("1867.5"), datetime), ("1867", datetime), ("86400", date), ("1867", timedelta),
        (" 1867 ", datetime), ("1e3", datetime), (1867, list[datetime]), ("x", date | int),
        (True, int), (True, float), (True, Decimal), (True, date), (METRES, float), (METRES, int),
        (METRES, Decimal), (EntityRef("Ada"), int), (Decimal("1e400"), float), ("1e400", float),
        ("a", Genre), ("a", Literal["b"]), ("a", Home), ("a", Pair), (DAY, Home), (DAY, int),
        (DAY, time), ("3,14", Decimal), ("3,14", float), (Decimal("1.5"), int),
    ],
    ids=str,
)  # fmt: skip
def test_what_would_become_another_value_is_refused_by_its_field(
    store: SyncFactStore, value: Value, annotation: Any
) -> None:
    """Above all, no number is seconds since 1970."""
    with pytest.raises(RecallFailed, match=r"M of 'A': r"):
        _recalled(store, value, annotation)


def test_a_model_that_converts_for_itself_is_given_the_value(store: SyncFactStore) -> None:
    def begin_of(given: object) -> object:
        return datetime(given, 1, 1) if isinstance(given, int) else given

    class Own(BaseModel):
        r: datetime

        @field_validator("r", mode="before")
        @classmethod
        def _begin(cls, given: object) -> object:
            return begin_of(given)

    class Noted(BaseModel):
        r: Annotated[datetime, BeforeValidator(begin_of)]

    store.erase("A")
    store.apply([Assert(Fact(entity="A", relation="r", value=1867))])
    for model in (Own, Noted):
        assert store.recall(model, "A").model.r == datetime(1867, 1, 1)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("annotation", "of_two", "of_one"),
    [
        (list[str] | str, ["miller", "baker"], "miller"),
        (str | list[str], ["miller", "baker"], "miller"),
        (list[str] | tuple[str, ...], ["miller", "baker"], ["miller"]),
        (str | list[str] | None, ["miller", "baker"], "miller"),
    ],
    ids=str,
)
def test_a_union_with_a_collection_takes_every_value(
    store: SyncFactStore, annotation: Any, of_two: object, of_one: object
) -> None:
    assert _recalled(store, "miller", annotation) == of_one
    store.apply([Assert(Fact(entity="A", relation="r", value="baker"))])
    model = create_model("M", r=(annotation, ...))
    recalled: Any = store.recall(model, "A")
    assert recalled.model.r == of_two
    assert len(recalled.facts["r"]) == 2
