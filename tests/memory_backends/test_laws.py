"""Laws that every backend keeps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lamlam.errors import BadFact, Conflict, ReadOnly, StoreClosed
from lamlam.memory_backends.facts import Fact
from lamlam.memory_backends.lookups import Lookup
from lamlam.memory_backends.operations import AddAlias, Assert, Op, Replace, Retract
from lamlam.memory_backends.protocol import Capability, FactStore
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.memory_backends.urls import connect, open_store
from tests.memory_backends.stores import BACKENDS, fact_text, put, triples, url_of


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return url_of(request.param, tmp_path)


@pytest.fixture
def store(url: str) -> Iterator[SyncFactStore]:
    with SyncFactStore(url) as store:
        yield store


def _fact(value: str, relation: str = "birth place", source: str | None = None) -> Fact:
    return Fact(entity="Ada Lovelace", relation=relation, value=value, source=source)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(fact_text(), fact_text(), fact_text(), st.none() | fact_text(), st.floats(0, 1))
def test_any_text_comes_back(
    store: SyncFactStore,
    entity: str,
    relation: str,
    value: str,
    source: str | None,
    confidence: float,
) -> None:
    """Entity, relation, value and source read back as written, whatever they hold."""
    store.apply([Retract(entity, relation)])
    store.erase(entity)
    written = Fact(
        entity=entity, relation=relation, value=value, source=source, confidence=confidence
    )
    store.apply([Assert(written)])
    result = store.lookup(entity, relation)
    assert result.status == "hit"
    (read,) = result.facts
    assert read.model_copy(update={"id": None, "revision": None}) == written
    assert (read.id, read.revision) == (result.fact_ids[0], result.revision)
    assert list(store.scan(entity, relation)) == [read]


def test_values_keep_their_order(store: SyncFactStore) -> None:
    """Several values of a relation stay in the order in which they were written."""
    put(store, *(("Ada Lovelace", "work", f"work {n}") for n in (3, 1, 2)))
    put(store, ("ada lovelace", "work", "work 0"))
    result = store.lookup("Ada Lovelace", "work")
    assert result.values == ("work 3", "work 1", "work 2", "work 0")
    assert result.value == "work 3"
    assert len(set(result.fact_ids)) == 4


def test_the_same_statement_again_is_no_second_fact(store: SyncFactStore) -> None:
    """A repeat updates source and confidence and keeps its place."""
    store.apply([Assert(_fact("London", source="a")), Assert(_fact("Paris"))])
    store.apply([Assert(_fact("London", source="b"))])
    result = store.lookup("Ada Lovelace", "birth place")
    assert result.values == ("London", "Paris")
    assert result.sources == ("b", None)
    assert store.info().facts == 2
    revision = store.info().revision
    commit = store.apply([Assert(_fact("London"))])
    assert (commit.facts, commit.revision) == (0, revision)
    assert store.lookup("Ada Lovelace", "birth place").sources == ("b", None)


def test_last_write_wins(store: SyncFactStore) -> None:
    """A fact replaced reads back as the second value, also by a synonym of its relation."""
    store.apply([Assert(_fact("Paris")), Assert(_fact("Rome")), Replace(_fact("London"))])
    assert store.lookup("Ada Lovelace", "birth place").values == ("London",)
    store.apply([Replace(_fact("Oxford", relation="born in"))])
    assert store.lookup("Ada Lovelace", "birth place").values == ("Oxford",)
    assert store.info().facts == 1


def test_changes_cover_every_synonym(store: SyncFactStore) -> None:
    """No old value answers under another name of the relation."""
    london = _fact("London", relation="born in", source="a letter")
    store.apply([Assert(london), Replace(_fact("London"))])
    assert triples(store) == {("Ada Lovelace", "born in", "London")}
    assert store.lookup("Ada Lovelace", "birth place").sources == ("a letter",)
    put(store, ("Ada Lovelace", "birth place", "Rome"), ("Ada Lovelace", "birth date", "1815"))
    store.apply([Replace(_fact("Paris"))])
    for name in ("born in", "birth place", "place of birth"):
        assert store.lookup("Ada Lovelace", name).values == ("Paris",)
    put(store, ("Ada Lovelace", "born in", "Paris"), ("Ada Lovelace", "born in", "Oxford"))
    assert store.apply([Retract("Ada Lovelace", "place of birth", "Paris")]).facts == 2
    put(store, ("Ada Lovelace", "birth place", "York"))
    assert store.apply([Retract("Ada Lovelace", "place of birth")]).facts == 2
    assert triples(store) == {("Ada Lovelace", "birth date", "1815")}


def test_retracted_facts_stay_in_the_history(store: SyncFactStore) -> None:
    """A fact that ended is no answer any more, but it is known when it held."""
    first = store.apply([Assert(_fact("Paris", source="s")), Assert(_fact("Rome"))])
    second = store.apply([Retract("ada lovelace", "birth place", "Paris")])
    assert store.lookup("Ada Lovelace", "birth place").values == ("Rome",)
    (past,) = store.history("Ada Lovelace")
    assert (past.fact.value, past.fact.source) == ("Paris", "s")
    assert (past.asserted, past.retracted) == (first.revision, second.revision)
    assert store.history("Ada Lovelace", "death place") == []
    store.apply([Retract("Ada Lovelace", "place of birth")])
    assert [past.fact.value for past in store.history("Ada Lovelace", "born in")] == [
        "Paris",
        "Rome",
    ]
    assert store.info().entities == 0


def test_one_sibling_goes_the_others_stay(store: SyncFactStore) -> None:
    """Ending one fact leaves the entity's others and other entities alone."""
    put(store, ("A B", "work", "x"), ("A B", "work", "y"), ("C D", "work", "x"))
    store.apply([Retract("A B", "work", "x")])
    assert triples(store) == {("A B", "work", "y"), ("C D", "work", "x")}
    assert store.apply([Retract("A B", "work", "nothing")]).facts == 0


def test_apply_is_all_or_nothing(store: SyncFactStore) -> None:
    """An operation that is refused takes the others with it."""
    put(store, ("A B", "work", "x"))
    before = store.info()
    with pytest.raises(BadFact, match="no alias"):
        store.apply([Assert(_fact("London")), Retract("A B", "work"), AddAlias("Nobody", "No One")])
    assert triples(store) == {("A B", "work", "x")}
    assert store.info() == before
    assert store.history("A B") == []


def test_expected_revision(store: SyncFactStore) -> None:
    """A writer who has not seen the latest change is refused."""
    commit = store.apply([Assert(_fact("London"))])
    assert store.apply([Assert(_fact("Paris"))], expected=commit.revision).revision == 2
    with pytest.raises(Conflict, match="revision 2, not 1"):
        store.apply([Assert(_fact("Rome"))], expected=commit.revision)
    assert store.info().facts == 2


def test_erasing_leaves_nothing(store: SyncFactStore) -> None:
    """Facts, history, aliases and near spellings are gone."""
    put(
        store,
        ("Grace Brewster Hopper", "birth date", "1906"),
        ("Grace Hopper's Cat", "kind", "cat"),
    )
    store.apply([AddAlias("Grace Brewster Hopper", "Amazing Grace")])
    store.apply([Replace(Fact(entity="Grace Brewster Hopper", relation="born", value="1907"))])
    receipt = store.erase("grace brewster hopper", reason="asked")
    assert (receipt.facts, receipt.reason) == (2, "asked")
    assert receipt.revision == store.info().revision == 4
    for name in ("Grace Brewster Hopper", "Amazing Grace", "Grace Hopper", "Grace Brewster Hoper"):
        assert store.describe_nowait(name) is None
        assert store.lookup(name, "birth date").candidates == ()
    assert store.history("Grace Brewster Hopper") == []
    assert triples(store) == {("Grace Hopper's Cat", "kind", "cat")}
    assert store.info().entities == 1
    assert store.erase("grace brewster hopper").facts == 0


def test_erasing_one_relation_takes_its_synonyms(store: SyncFactStore) -> None:
    """What answers to the relation is erased, and nothing else of the entity."""
    put(store, ("A B", "birth place", "x"), ("A B", "born in", "y"), ("A B", "birth date", "z"))
    receipt = store.erase("A B", "place of birth")
    assert receipt.facts == 2
    assert triples(store) == {("A B", "birth date", "z")}


def test_an_erased_alias_erases_its_entity(store: SyncFactStore) -> None:
    """Whoever is known by another name can be erased by it."""
    put(store, ("A B", "work", "x"))
    store.apply([AddAlias("A B", "The Other")])
    assert store.erase("the other").facts == 1
    assert store.info().facts == 0


HALF = "A\udcff"


def test_half_a_surrogate_pair_is_the_name_of_nothing(store: SyncFactStore) -> None:
    """As bytes that are no UTF-8 arrive from a command line: asking misses, nothing breaks."""
    put(store, ("A", "birth place", "x"))
    for entity, relation in ((HALF, "birth place"), ("A", HALF), (f"{HALF} {HALF}", HALF)):
        assert store.lookup(entity, relation).status == "miss"
        assert list(store.scan(entity, relation)) == []
        assert store.history(entity, relation) == []
    assert store.describe_nowait(HALF) is None
    assert store.describe_nowait(HALF, fuzzy=False) is None
    assert store.lookup("A", "born in").value == "x"


@pytest.mark.parametrize(
    "op",
    [
        Retract(HALF, "birth place"),
        Retract("A", HALF),
        Retract("A", "birth place", HALF),
        AddAlias("A", HALF),
        AddAlias(HALF, "B"),
        *[
            kind(_fact("x").model_copy(update={field: HALF}))
            for kind in (Assert, Replace)
            for field in ("entity", "relation", "value", "source")
        ],
    ],
)
def test_half_a_surrogate_pair_is_not_written(store: SyncFactStore, op: Op) -> None:
    """One line says which field is no text, and everything stays."""
    put(store, ("A", "birth place", "x"))
    with pytest.raises(BadFact, match="surrogate"):
        store.apply([Assert(_fact("London")), op])
    for entity, relation in ((HALF, None), ("A", HALF)):
        with pytest.raises(BadFact, match="surrogate"):
            store.erase(entity, relation)
    assert triples(store) == {("A", "birth place", "x")}


def test_nothing_is_erased_on_the_strength_of_a_similar_name(store: SyncFactStore) -> None:
    """A name that only lookups would understand erases nothing."""
    put(store, ("Kevin Barron", "work", "x"))
    assert store.lookup("Sir Kevin Barron", "work").value == "x"
    assert store.erase("Sir Kevin Barron").facts == 0
    assert store.info().facts == 1


def test_an_alias_belongs_to_one_entity(store: SyncFactStore) -> None:
    """The same alias again is no change; for another entity it is refused."""
    put(store, ("A B", "work", "x"), ("C D", "work", "y"))
    assert store.apply([AddAlias("A B", "Other")]).facts == 1
    assert store.apply([AddAlias("A B", "OTHER")]).facts == 0
    with pytest.raises(BadFact, match="already"):
        store.apply([AddAlias("C D", "other")])
    assert store.lookup("Other", "work").value == "x"


def test_scan_by_entity_and_relation(store: SyncFactStore) -> None:
    """A scan gives every fact once, or those of one entity, one relation or both."""
    many = {(f"Name {n}", relation, "v") for n in range(30) for relation in ("job", "birth date")}
    put(store, *many)
    assert {(f.entity, f.relation, f.value) for f in store.scan(batch=7)} == many
    assert len(list(store.scan(batch=7))) == 60
    assert len(list(store.scan("name 3"))) == 2
    assert {fact.relation for fact in store.scan(relation="profession")} == {"job"}
    assert [f.entity for f in store.scan("Name 4", "occupation")] == ["Name 4"]
    assert list(store.scan("Nobody")) == []


def test_loading_streams(store: SyncFactStore) -> None:
    """Facts are taken from an iterator; one that fails leaves the store as it was."""
    assert store.load(_fact(f"v{n}", relation="work") for n in range(10)).facts == 10

    def broken() -> Iterator[Fact]:
        yield _fact("other", relation="work")
        raise BadFact("line 2")

    with pytest.raises(BadFact):
        store.load(broken())
    assert store.info().facts == 10


def test_ids_are_stable_and_keyed(url: str, tmp_path: Path) -> None:
    """The same fact keeps its id; in another store it has another."""
    other = url_of("memory", tmp_path)
    with SyncFactStore(url) as store, SyncFactStore(other) as second:
        store.apply([Assert(_fact("London"))])
        first_id = store.lookup("Ada Lovelace", "birth place").fact_ids
        store.apply([Retract("Ada Lovelace", "birth place"), Assert(_fact("London"))])
        assert store.lookup("Ada Lovelace", "birth place").fact_ids == first_id
        second.apply([Assert(_fact("London"))])
        assert second.lookup("Ada Lovelace", "birth place").fact_ids != first_id


def test_a_closed_store_says_so(url: str) -> None:
    """Every use after close is an error by name; closing twice is none."""
    store = SyncFactStore(url)
    with pytest.raises(StoreClosed):
        store.lookup("x", "y")
    inner: FactStore = connect(url)
    with SyncFactStore(inner) as wrapped:
        put(wrapped, ("A B", "work", "x"))
    assert inner.lookup_nowait(Lookup("A B", "work")).value == "x"
    anyio.run(inner.aclose)
    anyio.run(inner.aclose)
    with pytest.raises(StoreClosed):
        inner.lookup_nowait(Lookup("x", "y"))
    with pytest.raises(StoreClosed):
        inner.describe_nowait("x")
    with SyncFactStore(inner) as wrapped, pytest.raises(StoreClosed):
        put(wrapped, ("A B", "work", "x"))


@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_async_and_blocking_names_agree(url: str, library: str) -> None:
    """The async store gives what its blocking twin gives, on either event loop."""

    async def ask() -> None:
        async with open_store(url) as store:
            assert isinstance(store, FactStore)
            await store.apply([Assert(_fact("London"))])
            results = await store.lookup_many(
                [Lookup("Ada Lovelace", "birth place"), Lookup("Nobody", "x")]
            )
            assert [result.value for result in results] == ["London", None]
            assert (await store.lookup("Ada Lovelace", "born in")).value == "London"
            assert [fact.value async for fact in store.scan()] == ["London"]
            assert (await store.info()).facts == 1
            await store.erase("Ada Lovelace")
            assert (await store.info()).facts == 0

    anyio.run(ask, backend=library)


def test_what_is_declared_is_kept(store: SyncFactStore, url: str) -> None:
    """A store that was opened for reading declares no writing and refuses it."""
    assert Capability.TRANSACTIONS in store.capabilities
    with SyncFactStore(url, read_only=True) as reading:
        assert Capability.ERASE not in reading.capabilities
        with pytest.raises(ReadOnly):
            put(reading, ("A B", "work", "x"))
        with pytest.raises(ReadOnly):
            reading.erase("A B")


@pytest.mark.parametrize(
    "fields",
    [
        {"entity": ""},
        {"entity": " \n"},
        {"relation": ""},
        {"value": ""},
        {"value": "a\0b"},
        {"value": "\ud800"},
        {"value": 1871},
        {"value": None},
        {"value": ["x"]},
        {"entity": "x" * 1001},
        {"source": 7},
        {"confidence": 1.5},
        {"confidence": float("nan")},
    ],
    ids=str,
)
def test_what_is_no_fact_is_refused_on_one_line(fields: dict[str, object]) -> None:
    """Each fault is a named error whose message names the field."""
    whole: dict[str, object] = {"entity": "Ada", "relation": "x", "value": "y", **fields}
    with pytest.raises(BadFact) as caught:
        Fact(**whole)  # type: ignore[arg-type]  # wrong on purpose
    assert next(iter(fields)) in str(caught.value)
    assert "\n" not in str(caught.value)
