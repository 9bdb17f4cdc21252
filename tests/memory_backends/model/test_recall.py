"""Typed recall: which relation fills which field, with which value, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field
from typing_extensions import TypedDict  # of `typing` pydantic takes it from Python 3.12 on

from lamlam.errors import RecallFailed, UsageError
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, DefineRelation
from lamlam.memory_backends.model.recall import Relation, fields_of
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef, PartialDate, Quantity, Value
from lamlam.memory_backends.sync import SyncFactStore


class Person(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    birth_date: date
    birth_place: str
    work: list[str] = []
    height: Quantity | None = None
    spouse: EntityRef | None = None
    children: Annotated[tuple[EntityRef, ...], Relation("child")] = ()
    languages: int = Field(default=0, alias="number of languages")
    is_famous: Annotated[bool, Relation("famous")] = False
    died: PartialDate | None = None


@pytest.fixture
def store() -> Iterator[SyncFactStore]:
    values: list[tuple[str, Value]] = [
        ("birth date", PartialDate(1815, 12, 10)),
        ("place of birth", "London"),
        ("work", "mathematics"),
        ("work", "poetry"),
        ("height", Quantity(Decimal("1.65"), "m")),
        ("spouse", EntityRef("William King")),
        ("child", EntityRef("Byron")),
        ("child", EntityRef("Anne")),
        ("number of languages", 3),
        ("famous", True),
        ("died", PartialDate(1852, 11)),
    ]
    with SyncFactStore("memory:") as store:
        store.apply([Assert(Fact(entity="Ada", relation=r, value=v)) for r, v in values])
        yield store


def test_every_field_takes_the_value_of_its_type(store: SyncFactStore) -> None:
    recalled = store.recall(Person, "ada")
    assert recalled.model == Person.model_validate(
        {
            "birth_date": date(1815, 12, 10),
            "birth_place": "London",
            "work": ["mathematics", "poetry"],
            "height": Quantity(Decimal("1.65"), "m"),
            "spouse": EntityRef("William King"),
            "children": (EntityRef("Byron"), EntityRef("Anne")),
            "number of languages": 3,
            "is_famous": True,
            "died": PartialDate(1852, 11),
        }
    )
    assert recalled.missing == ()
    assert [fact.value for fact in recalled.facts["work"]] == ["mathematics", "poetry"]
    assert recalled.facts["birth_place"][0].relation == "place of birth"


def test_a_text_field_takes_what_is_written(store: SyncFactStore) -> None:
    class AsText(BaseModel):
        birth_date: str
        height: str
        child: list[str]

    read = store.recall(AsText, "Ada").model
    assert (read.birth_date, read.height, read.child) == (
        "10 December 1815", "1.65 m", ["Byron", "Anne"],
    )  # fmt: skip


def test_the_other_side_of_a_relation_fills_a_field(store: SyncFactStore) -> None:
    class Child(BaseModel):
        parent: str
        work: str

    store.apply(
        [
            DefineRelation(RelationRule("child", inverse="parent")),
            Assert(Fact(entity="Anne", relation="work", value="horses")),
        ]
    )
    assert store.recall(Child, "Anne").model.parent == "Ada"


def test_what_memory_lacks_is_missing_or_refused(store: SyncFactStore) -> None:
    class Known(BaseModel):
        work: str
        shoe_size: int | None = None

    assert store.recall(Known, "Ada").missing == ("shoe_size",)

    class Wanted(BaseModel):
        shoe_size: int

    with pytest.raises(RecallFailed, match="shoe_size") as refused:
        store.recall(Wanted, "Ada")
    assert "shoe_size" in str(refused.value.hint)

    class Wrong(BaseModel):
        birth_place: int

    with pytest.raises(RecallFailed, match="birth_place"):
        store.recall(Wrong, "Ada")


def test_moments_and_revisions_are_passed_on(store: SyncFactStore) -> None:
    class Job(BaseModel):
        employer: str

    first, last = datetime(2000, 1, 1, tzinfo=UTC), datetime(2010, 1, 1, tzinfo=UTC)
    made = store.apply(
        [
            Assert(Fact(entity="Ada", relation="employer", value="A", valid_to=first)),
            Assert(Fact(entity="Ada", relation="employer", value="B", valid_from=first)),
        ]
    )
    assert store.recall(Job, "Ada", valid_at=last).model.employer == "B"
    assert store.recall(Job, "Ada", valid_at=datetime(1999, 1, 1, tzinfo=UTC)).model.employer == "A"
    with pytest.raises(RecallFailed):
        store.recall(Job, "Ada", as_of=made.revision - 1)
    with pytest.raises(RecallFailed):
        store.recall(Job, "Ada", namespace=("other",), shared_namespace=None)


def test_a_field_of_any_type_takes_the_value_itself(store: SyncFactStore) -> None:
    class Anything(BaseModel):
        birth_date: Any
        height: Any = None
        spouse: Any | None = None
        birth_place: object = None
        child: list[Any] = []
        work: list = []  # type: ignore[type-arg]  # as people write it

    read = store.recall(Anything, "Ada").model
    assert (read.birth_date, read.height, read.spouse) == (
        PartialDate(1815, 12, 10), Quantity(Decimal("1.65"), "m"), EntityRef("William King"),
    )  # fmt: skip
    assert (read.birth_place, read.work) == ("London", ["mathematics", "poetry"])
    assert read.child == [EntityRef("Byron"), EntityRef("Anne")]


def test_a_type_that_nothing_is_an_instance_of_is_refused_by_name(store: SyncFactStore) -> None:
    class Day(TypedDict):
        year: int

    class Born(BaseModel):
        birth_date: Day

    with pytest.raises(RecallFailed, match="birth_date"):
        store.recall(Born, "Ada")


def test_an_alias_for_validation_keeps_no_field_empty(store: SyncFactStore) -> None:
    """The model holds what the facts say that it does."""

    class Aliased(BaseModel):
        birth_place: str = Field(validation_alias="geburtsort")
        work: list[str] = Field(default=[], validation_alias=AliasPath("works", 0))
        died: PartialDate | None = Field(
            default=None, validation_alias=AliasChoices("birth_place", "gestorben")
        )
        languages: int = Field(alias="number of languages", validation_alias="sprachen")
        model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    recalled = store.recall(Aliased, "Ada")
    read = recalled.model
    assert (read.birth_place, read.work) == ("London", ["mathematics", "poetry"])
    assert (read.died, read.languages) == (PartialDate(1852, 11), 3)
    assert set(recalled.facts) == set(Aliased.model_fields)
    assert recalled.missing == ()


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(UsageError):
        fields_of(dict)  # type: ignore[arg-type]
