"""Which facts answer for a relation: by direction, by sense, and from the other side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, DefineRelation, Replace
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.stores import BACKENDS, put, url_of


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SyncFactStore]:
    with SyncFactStore(url_of(request.param, tmp_path)) as store:
        yield store


@pytest.mark.parametrize(
    ("held", "value", "asked", "is_hit"),
    [
        ("born in", "Lowmere", "birth place", True), ("born in", "1867", "birth place", False),
        ("born in", "3 May 1867", "place of birth", False), ("born in", "May 1867", "birth place", False),
        ("born in", "c. 1860s", "birth place", False), ("born in", "Paris 7e", "birth place", True),
        ("died in", "1902-05-03", "death place", False), ("died in", "Mayfair", "death place", True),
        ("founded in", "1867", "founded", True), ("founded in", "Leith", "founded", False),
        ("founded", "Acme Ltd", "founding date", False), ("founded", "1867", "founding date", True),
        ("built in", "Leith", "year built", False), ("born", "Lowmere", "date of birth", False),
        ("founded in", "Leith", "founded in", True), ("end date", "present", "until", True),
        ("released", "May", "release year", True), ("opened in", "19th century", "opened", True),
    ],
)  # fmt: skip
def test_a_place_is_not_a_time(
    store: SyncFactStore, held: str, value: str, asked: str, is_hit: bool
) -> None:
    """Names that both may follow answer with what was asked for; else it is a miss."""
    put(store, ("Ada Quill", held, value))
    assert store.lookup("Ada Quill", asked).values == ((value,) if is_hit else ())


def test_the_fitting_one_of_several_values_answers(store: SyncFactStore) -> None:
    """Whatever stands first."""
    put(store, ("Ada", "born in", "1867"), ("Ada", "born in", "Lowmere"))
    assert store.lookup("Ada", "birth place").values == ("Lowmere",)
    assert store.lookup("Ada", "born in").values == ("1867", "Lowmere")
    put(store, ("Ada", "pob", "Highmere"))
    assert store.lookup("Ada", "birthplace").values == ("Lowmere",)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("owner of", "owner"), ("previous club", "plays for"), ("was married to", "spouse"),
        ("land area", "area"), ("religion", "denomination"), ("citizenship", "nationality"),
        ("wife", "spouse"), ("author", "screenwriter"), ("author", "writer"), ("worked for", "works for"),
        ("founded in", "founded"), ("year", "release year"), ("is owner", "owner"), ("cast", "starring"),
        ("country of origin", "country"), ("native language", "official language"),
    ],
)  # fmt: skip
def test_another_relation_is_not_replaced(store: SyncFactStore, first: str, then: str) -> None:
    """In neither order, and the commit says that nothing ended."""
    for one, other in ((first, then), (then, first)):
        name = f"{one} {other}"
        put(store, (name, one, "x"))
        assert store.apply([Replace(Fact(entity=name, relation=other, value="y"))]).ended == ()
        assert (store.lookup(name, one).values, store.lookup(name, other).values) == (
            ("x",),
            ("y",),
        )


@pytest.mark.parametrize("written", ["Birth-Place", "birthPlace", "place of birth", "BIRTH PLACE"])
def test_the_same_relation_is_replaced_and_named(store: SyncFactStore, written: str) -> None:
    """Under whatever name it stood."""
    put(store, ("Ada Quill", "birth place", "Lowmere"))
    (ended,) = store.apply([Replace(Fact(entity="ADA QUILL", relation=written, value="x"))]).ended
    assert (ended.entity, ended.relation, ended.value) == ("Ada Quill", "birth place", "Lowmere")
    assert [fact.value for fact in store.scan()] == ["x"]


@pytest.mark.parametrize(
    ("value", "asked", "found"),
    [
        ("Old Mill", "old_mill", True), ("Old Mill", "The Old Mill", True),
        ("Old Mill", "Öld Mill", True), ("Old Mill", "Old Mill (Leith)", False),
        ("C", "C++", False), ("Old Mill", "Old Mil", False), ("Café Quill", "café QUILL", True),
    ],
)  # fmt: skip
def test_a_value_answers_from_the_other_side(
    store: SyncFactStore, value: str, asked: str, found: bool
) -> None:
    """By its name as written, an article or accents more; not by what may be another name."""
    store.apply([DefineRelation(RelationRule("owner of", inverse="owner"))])
    store.apply([Assert(Fact(entity="Ada", relation="owns", value=EntityRef(value)))])
    result = store.lookup(asked, "owned by")
    assert result.values == (("Ada",) if found else ())
    if found:
        assert (result.match.entity.matched, result.match.relation.kind) == (value, "inverse")
    assert store.lookup(asked, "owner of").values == ()


def test_a_value_is_not_taken_for_a_similar_entity(store: SyncFactStore) -> None:
    """It exists, so its name is no slip of another's."""
    store.apply([DefineRelation(RelationRule("parent", inverse="child"))])
    put(store, ("Ada Quilter", "child", "Wrong"))
    store.apply(
        [Assert(Fact(entity="Bob Ferris", relation="parent", value=EntityRef("Ada Quiltar")))]
    )
    assert store.lookup("Ada Quiltar", "child").values == ("Bob Ferris",)


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        ("favourite colour", "favorite color"),
        ("favorite food", "Favourite Food"),
        ("community centre", "community center"),
        ("organisation chart", "organization_chart"),
        ("neighbour", "neighbor"),
    ],
)
def test_both_spellings_of_english_ask_for_it(held: str, asked: str) -> None:
    """Outside the table of relations, too."""
    with SyncFactStore("memory:") as store:
        put(store, ("Ada Quill", held, "x"))
        assert store.lookup("Ada Quill", asked).value == "x"


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        ("height (m)", "height"),
        ("weight (kg)", "weight"),
        ("population (2020)", "population (2010)"),
        ("length [km]", "length"),
    ],
)
def test_a_relation_with_a_unit_or_a_year_is_named(held: str, asked: str) -> None:
    """It answers for no other unit or year, and is the candidate."""
    with SyncFactStore("memory:") as store:
        for one, other in ((held, asked), (asked, held)):
            put(store, (f"The {one}", one, "5"))
            result = store.lookup(f"The {one}", other)
            assert (result.status, len(result.candidates)) == ("miss", 1)


def test_an_inverse_answers_for_a_wider_relation(store: SyncFactStore) -> None:
    """As a fact of the narrower relation does: a wife for the spouse, a parent for the parents."""
    store.apply(
        [
            DefineRelation(RelationRule("wife", inverse="husband")),
            DefineRelation(RelationRule("parent", inverse="child")),
        ]
    )
    store.apply(
        [
            Assert(Fact(entity="Bob Ferris", relation="wife", value=EntityRef("Eve Marsk"))),
            Assert(Fact(entity="Max Marsk", relation="child", value=EntityRef("Eve Marsk"))),
        ]
    )
    for asked, values in (
        ("husband", ("Bob Ferris",)),
        ("spouse", ("Bob Ferris",)),
        ("married to", ("Bob Ferris",)),
        ("wife", ()),
        ("parent", ("Max Marsk",)),
        ("parents", ("Max Marsk",)),
        ("child", ()),
    ):
        assert store.lookup("Eve Marsk", asked).values == values, asked
