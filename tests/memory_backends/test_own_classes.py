"""Text and numbers of classes of their own: stored as what they are, by every way into a store."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from lamlam.errors import BadFact
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    DefineRelation,
    MergeEntities,
    Op,
    RemoveAlias,
    Replace,
    Retract,
    SplitEntities,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.timestamps import as_moment
from lamlam.memory_backends.model.values import (
    EntityRef,
    PartialDate,
    Quantity,
    Value,
    as_value,
    surface_of,
)
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.stores import BACKENDS, url_of


class Kind(str, enum.Enum):  # noqa: UP042  # prints as "Kind.MOVIE", which is the point
    MOVIE = "movie"


class Genre(enum.StrEnum):
    NOVEL = "novel"


class Size(int, enum.Enum):
    SMALL = 1


class Level(enum.IntEnum):
    LOW = 2


class Ratio(float, enum.Enum):
    HALF = 0.5


def _loud(self: object) -> str:
    return "WRONG"


def _loud_format(self: object, format_spec: str, /) -> str:
    return "WRONG"


class Loud(str):
    """Prints otherwise than it compares."""

    __str__ = __repr__ = _loud
    __format__ = _loud_format


class Count(int):
    __str__ = _loud
    __format__ = _loud_format


class Money(Decimal):
    __str__ = _loud


class Day(date):
    __str__ = _loud


class OwnDate(PartialDate):
    __str__ = _loud


class OwnQuantity(Quantity):
    __str__ = _loud


class OwnRef(EntityRef):
    __str__ = _loud


class Plain(enum.Enum):
    ONE = "one"


_TAKEN: list[tuple[object, Value]] = [
    (Kind.MOVIE, "movie"), (Genre.NOVEL, "novel"), (Loud("loud"), "loud"), (np.str_("np"), "np"),
    (Size.SMALL, 1), (Level.LOW, 2), (Count(3), 3), (np.int64(4), 4), (np.uint8(5), 5),
    (True, True), (np.bool_(True), True), (np.bool_(False), False),
    (Ratio.HALF, Decimal("0.5")), (np.float64(0.1), Decimal("0.1")),
    (np.float32(0.1), Decimal("0.1")), (np.float16(0.1), Decimal("0.1")), (Money("1.50"), Decimal("1.50")),
    (Day(1867, 11, 7), PartialDate(1867, 11, 7)), (OwnDate(1867), PartialDate(1867)),
    (np.datetime64("1867"), PartialDate(1867)), (np.datetime64("1867-11"), PartialDate(1867, 11)),
    (np.datetime64("1867-11-07"), PartialDate(1867, 11, 7)),
    (np.datetime64("-0043-03-15"), PartialDate(-43, 3, 15)),
    (np.datetime64("1867-11-07", "ns"), PartialDate(1867, 11, 7)),
    (np.datetime64("1867-11-07T00:00"), PartialDate(1867, 11, 7)),
    (Fraction(1, 4), Decimal("0.25")), (Fraction(-6, 2), Decimal(-3)),
    (Fraction(7, 160), Decimal("0.04375")),
    (OwnQuantity(Money("1.5"), Loud("m")), Quantity(Decimal("1.5"), "m")),
    (Quantity(np.float32(0.1), "m"), Quantity(Decimal("0.1"), "m")),  # type: ignore[arg-type]
    (Quantity(Decimal(1), Kind.MOVIE), Quantity(Decimal(1), "movie")),
    (OwnRef("Ada"), EntityRef("Ada")), (EntityRef(Kind.MOVIE), EntityRef("movie")),
    (PartialDate(Count(1867), Level.LOW), PartialDate(1867, 2)),
]  # fmt: skip
_REFUSED: list[object] = [
    Plain.ONE, b"bytes", bytearray(b"x"), Fraction(1, 3), Path("/x"), UUID(int=1), 1j, object(),
    datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 1), np.datetime64("2020-01-01T12:00"),
    np.datetime64("NaT"), np.datetime64("2020-01-01", "W"), np.timedelta64(1, "D"), np.float32("nan"),
    np.float64("inf"), np.bytes_(b"x"), np.complex64(1), np.array([1]), np.array(1), np.uint64(2**64 - 1),
    (1, 2), {"a"}, range(3), lambda: None, int, float("nan"), Count(2**63), Loud(""), None,
]  # fmt: skip


@pytest.mark.parametrize(("given", "value"), _TAKEN, ids=lambda one: type(one).__name__)
def test_a_value_of_its_own_class_is_the_plain_value(given: object, value: Value) -> None:
    kept = as_value(given)
    assert kept == value
    assert type(kept) is type(value)
    assert surface_of(kept) == surface_of(value)
    assert "WRONG" not in repr(kept)


@pytest.mark.parametrize("given", _REFUSED, ids=lambda one: type(one).__name__)
def test_what_has_no_plain_value_is_refused(given: object) -> None:
    with pytest.raises(BadFact, match="value|number|integer"):
        Fact(entity="e", relation="r", value=given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.datetime64("NaT"), "NaT"), (float("nan"), "must be finite, got nan"),
        (np.float32("inf"), "must be finite, got inf"), (Fraction(1, 3), "the fraction 1/3"),
        (UUID(int=1), "a UUID"), (Plain.ONE, "a member of Plain"),
        (np.datetime64("2020-01-01T12:00"), "a time of day"),
    ],
)  # fmt: skip
def test_what_is_refused_is_called_by_its_name(given: object, said: str) -> None:
    with pytest.raises(BadFact, match=said):
        Fact(entity="e", relation="r", value=given)  # type: ignore[arg-type]


def _of_pandas(name: str, **given: object) -> object:
    """Return what looks like a scalar of pandas, which is not installed here."""
    made = type(name, (), {"__module__": "pandas._libs.tslibs", **given})
    return made()


def test_scalars_of_pandas_are_days_or_refused() -> None:
    """A timestamp at the begin of a day is that day; what is missing is called by its name."""
    day = {"year": 1867, "month": 11, "day": 7, "__eq__": lambda *_: True, "__hash__": None}
    day["normalize"] = lambda self: self
    assert as_value(_of_pandas("Timestamp", **day)) == PartialDate(1867, 11, 7)
    for name, said in (("NaTType", "NaT"), ("NAType", "NA")):
        with pytest.raises(BadFact, match=f"must not be {said}"):
            as_value(_of_pandas(name))
    with pytest.raises(BadFact, match="NaT"):
        as_moment(_of_pandas("NaTType"))


@pytest.mark.parametrize(
    ("given", "begin"),
    [
        (np.datetime64("1867-11-07"), "1867-11-07"), (np.datetime64("1867"), "1867"),
        (np.datetime64("-0043-03-15"), "-0043-03-15"), (np.str_("1867"), "1867"),
        (Loud("1867"), "1867"), (Day(1867, 11, 7), "1867-11-07"),
    ],
)  # fmt: skip
def test_days_of_numpy_begin_periods(given: object, begin: str) -> None:
    assert as_moment(given) == as_moment(begin)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.datetime64("2020-01-01T12:00"), "has no zone"), (np.datetime64("NaT"), "NaT"),
        (np.int64(2020), "must be a date"), (np.float64(1.5), "must be a date"),
    ],
)  # fmt: skip
def test_what_begins_no_period_is_refused(given: object, said: str) -> None:
    with pytest.raises(BadFact, match=said):
        as_moment(given)


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_way_in_stores_the_plain_value(backend: str, tmp_path: Path) -> None:
    """Nothing is committed that breaks a scan."""
    with SyncFactStore(url_of(backend, tmp_path)) as store:
        for n, (given, value) in enumerate(_TAKEN):
            fact = Fact(entity=f"e{n}", relation="r", value=given)  # type: ignore[arg-type]
            store.apply([Assert(fact)] if n % 2 else [Replace(fact)])
            (read,) = store.scan(f"e{n}")
            assert (read.value, read.surface) == (value, surface_of(value))
            assert type(read.value) is type(value)
        assert len(list(store.scan())) == len(_TAKEN)
        for n, (given, _) in enumerate(_TAKEN):
            store.apply([Retract(f"e{n}", "r", given)])  # type: ignore[arg-type]
        assert list(store.scan()) == []


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "update",
    [
        {"value": Kind.MOVIE}, {"value": Size.SMALL}, {"value": 1.5}, {"value": date(2020, 1, 1)},
        {"entity": Kind.MOVIE}, {"relation": Loud("r")}, {"surface": Loud("s")},
        {"sources": (Kind.MOVIE,)}, {"namespace": (Loud("n"),)},
    ],
    ids=str,
)  # fmt: skip
def test_a_fact_that_was_changed_past_its_checks_is_refused(
    backend: str, update: dict[str, object], tmp_path: Path
) -> None:
    fact = Fact(entity="e", relation="r", value="v").model_copy(update=update)
    with SyncFactStore(url_of(backend, tmp_path)) as store:
        for op in (Assert(fact), Replace(fact)):
            with pytest.raises(BadFact):
                store.apply([op])
        with pytest.raises(BadFact):
            store.load([fact])
        assert list(store.scan()) == []


def _told(store: SyncFactStore, text: Callable[[str], str]) -> list[str]:
    """Return all that a store says, where every name and text is made by a function."""
    said: list[object] = []
    ada, born, space = text("Ada Quill"), text("birth place"), (text("users"), text("7"))

    def fact(value: Any, entity: str = ada, relation: str = born) -> Fact:
        return Fact(
            entity=entity, relation=relation, value=value, source=text("register"), namespace=space
        )

    ops: list[list[Op]] = [
        [Assert(fact(text("Lowmere"))), Replace(fact(text("Highmere")))],
        [AddAlias(ada, text("AQ"), space), AddAlias(ada, text("the miller"), space)],
        [RemoveAlias(ada, text("AQ"), space)],
        [Assert(fact(EntityRef(text("Bob")), text("A. Quill"), text("friend")))],
        [MergeEntities(ada, text("A. Quill"), space)],
        [DefineRelation(RelationRule(text("spouse"), text("one"), None, text("spouse")))],  # type: ignore[arg-type]
    ]
    said += [store.apply(batch, actor=text("me")) for batch in ops]
    for entity, relation in (
        (ada, born), (text("the miller"), text("born in")), (text("Adda Quil"), born),
        (text("Nobody"), text("nothing")), (ada, text("nothing")),
    ):  # fmt: skip
        found = store.lookup(entity, relation, namespace=space)
        said += [found.status, found.values, found.match, found.candidates, found.sources]
        view = store.describe_nowait(entity, namespace=space)
        said.append(view and view.name)
    said += [list(store.scan(ada, born, namespace=space)), store.history(ada, namespace=space)]
    said += [store.aliases(ada, namespace=space), store.rules()]
    store.apply([SplitEntities(ada, text("A. Quill"), space), Retract(ada, born, None, space)])
    said.append(store.apply([Retract(text("A. Quill"), text("friend"), text("Bob"), space)]))
    receipt = store.erase(ada, born, namespace=space, reason=text("asked"), authority=text("she"))
    said += [receipt.facts, receipt.entity, receipt.relation, receipt.reason, receipt.authority]
    said += list(store.changes())
    return [repr(one) for one in said]


@pytest.mark.parametrize("backend", BACKENDS)
def test_names_of_their_own_class_are_the_plain_names(backend: str, tmp_path: Path) -> None:
    told = []
    for folder, text in (("a", str), ("b", Loud)):
        (tmp_path / folder).mkdir()
        with SyncFactStore(url_of(backend, tmp_path / folder)) as store:
            told.append(_told(store, text))
    plain, own = told
    assert "WRONG" not in "".join(own)
    assert len(own) == len(plain)
    pairs = zip(plain, own, strict=True)
    assert [(a, b) for a, b in pairs if "id=" not in a and "_id" not in a and a != b] == []


def test_parts_of_a_date_may_be_numbers_of_numpy() -> None:
    date_ = PartialDate(np.int64(1867), np.uint8(11))  # type: ignore[arg-type]  # as arrays give
    assert date_ == PartialDate(1867, 11)
    assert {type(date_.year), type(date_.month)} == {int}
    for year in (1867.0, np.float64(1867), "1867", True, np.bool_(True)):
        with pytest.raises(BadFact, match="the year .* is not a whole number"):
            PartialDate(year)  # type: ignore[arg-type]  # that is the point
