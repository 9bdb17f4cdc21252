"""The search index of a Neo4j store: that of its facts after any change, or else not asked."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.errors import Conflict, LamLamError, NotSupported, UnknownOption
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import AddAlias, Assert, Replace
from lamlam.memory_backends.model.search_rules import search_query
from lamlam.memory_backends.model.search_terms import (
    NAME,
    SOURCE,
    VALUE,
    AskedTerms,
    asked_in,
    terms_to_find,
)
from lamlam.memory_backends.neo4j_graph import index_making, searching, writer
from lamlam.memory_backends.neo4j_graph.driver import Transaction
from lamlam.memory_backends.neo4j_graph.search_index import expression
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.testing.neo4j_servers import Neo4jServer
from lamlam.testing.neo4j_stores import fresh_url
from tests.memory_backends.neo4j_graph.places import cypher
from tests.memory_backends.searched_changes import WORDS, random_ops
from tests.memory_backends.stores import HOSTILE

FOUND = {"engine": "Ada", "mill": "Bob"}


@pytest.fixture
def url(lamlam_neo4j: Neo4jServer) -> Iterator[str]:
    """Of an empty store."""
    with fresh_url(lamlam_neo4j) as url:
        yield url


@pytest.fixture
def store(url: str) -> Iterator[SyncFactStore]:
    """A store with two entities, and an index of their names and values."""
    with SyncFactStore(url) as store:
        put(store, *[(entity, value) for value, entity in FOUND.items()])
        store.set_search_index()
        yield store


def put(store: SyncFactStore, *pairs: tuple[str, str]) -> None:
    """State a value of each entity."""
    store.apply(
        [Assert(Fact(entity=entity, relation="work", value=value)) for entity, value in pairs]
    )


def found(store: SyncFactStore, text: str) -> list[str]:
    """Return the entities of the facts that a text finds, each once."""
    return list(dict.fromkeys(fact.entity for fact in store.search(text, sources=False).facts))


def terms(server: Neo4jServer, url: str) -> dict[str, Any]:
    """Return the terms of every entity that has some."""
    prefix = url.partition("prefix=")[2] or "Lamlam"
    return dict(
        (key, value)
        for key, value in cypher(
            server, f"MATCH (e:{prefix}Entity) WHERE e.terms IS NOT NULL RETURN e.key, e.terms"
        )
    )


@given(
    text=st.text(max_size=60)
    | st.sampled_from([*HOSTILE, "a AND b", "*:*", "x) OR (y", "~2", "[a TO b]"])
)
def test_no_text_is_syntax_to_the_index(text: str) -> None:
    """Whatever is searched for, the index is asked for words of hashes, brackets, AND and OR."""
    asked = [AskedTerms(((((NAME, text),),),))]
    if text.strip() and "\0" not in text:
        part = search_query(text).part
        lists = [terms_to_find(field, part) for field in (NAME, VALUE, SOURCE)]
        asked += [asked_in(("users", text), *lists), asked_in((), lists[0])]
    for one in asked:
        assert re.fullmatch(r"(?:\(+|\)+|[a-z2-7]{7}| AND | OR )+", expression(one))


@pytest.mark.parametrize("sources", [False, True])
def test_terms_are_those_of_an_index_made_now(
    lamlam_neo4j: Neo4jServer, url: str, sources: bool
) -> None:
    """After any operations, erasures and a load, every entity has the terms that it has now."""
    rng = random.Random(7)
    with SyncFactStore(url) as store:
        store.set_search_index(sources=sources)
        for n in range(12):
            with suppress(LamLamError):  # what is refused changes nothing
                store.apply(random_ops(rng, 4))
            for op in random_ops(rng, 2):
                with suppress(LamLamError):
                    store.apply([op])
            if n % 4 == 3:
                store.erase(f"{rng.choice(WORDS)} 0", mentions="retract")
        store.load(Fact(entity=f"Ada {n}", relation="n", value=f"v{n}") for n in range(9))
        kept = terms(lamlam_neo4j, url)
        assert len(kept) > 8
        store.set_search_index(False)
        assert terms(lamlam_neo4j, url) == {}
        store.set_search_index(sources=sources)
    assert terms(lamlam_neo4j, url) == kept


def test_erased_terms_are_nowhere(lamlam_neo4j: Neo4jServer, url: str) -> None:
    """Terms of an erased entity, value, alias and source are on no node."""
    with SyncFactStore(url) as store:
        put(store, ("Bob", "mill"), ("Eve", "loom"))
        store.set_search_index(sources=True)
        before = terms(lamlam_neo4j, url)
        for entity in ("Quetzal", "Bob"):
            fact = Fact(entity=entity, relation="job", value="xylophonist", source="zwieback")
            store.apply([Assert(fact)])
        store.apply([Assert(Fact(entity="Eve", relation="friend", value="Quetzal"))])
        store.apply([AddAlias("Quetzal", "Feathered")])
        store.erase("Quetzal", mentions="retract")
        store.erase("Bob", "job")
        assert terms(lamlam_neo4j, url) == before


def test_a_release_without_an_index_writes_beside_it(
    lamlam_neo4j: Neo4jServer, url: str, store: SyncFactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it wrote is found at once, what it ended or erased is not, and the next write catches up."""

    async def nothing(*_: Any) -> None:
        pass

    store.apply([AddAlias("Bob", "Robert")])
    with monkeypatch.context() as patch:
        patch.setattr(writer, "keep_in_step", nothing)
        store.apply([Replace(Fact(entity="Ada", relation="work", value="quartz"))])
        put(store, ("Bob", "loom"), ("Eve", "quill"))
        store.apply([AddAlias("Eve", "Zebedee")])
        store.erase("Bob", "work", "mill")
    for _ in range(2):
        for text, entities in {
            "quartz": ["Ada"], "engine": [], "mill": [], "loom": ["Bob"], "zebed": ["Eve"]
        }.items():  # fmt: skip
            assert found(store, text) == entities, text
        put(store, ("Ann", "harp"))
    kept = terms(lamlam_neo4j, url)
    store.set_search_index(False)
    store.set_search_index()
    assert terms(lamlam_neo4j, url) == kept


def test_an_index_behind_is_caught_up_with_where_it_is_turned_on(
    lamlam_neo4j: Neo4jServer, url: str, store: SyncFactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To turn on an index that is there indexes what a release without one wrote, and no more."""
    rows = _counted_rows(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(writer, "keep_in_step", lambda *_: _nothing())
        put(store, ("Eve", "quill"))
    rows.clear()
    store.set_search_index()
    assert set(terms(lamlam_neo4j, url)) == {"ada", "bob", "eve"}
    assert sum(rows) == 1


async def _nothing() -> None:
    pass


def _counted_rows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count how many entities each statement gives terms."""
    counts: list[int] = []
    exact = Transaction.do

    def counted(self: Transaction, query: str, **given: Any) -> Any:
        if "SET e.terms" in query:
            counts.append(len(given.get("rows", ())))
        return exact(self, query, **given)

    monkeypatch.setattr(Transaction, "do", counted)
    return counts


def test_an_index_is_made_in_batches_and_after_an_interruption(
    lamlam_neo4j: Neo4jServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction indexes so many entities; half an index is not asked, and is made anew."""
    monkeypatch.setattr(index_making, "_BATCH", 3)
    rows = _counted_rows(monkeypatch)
    with SyncFactStore(url) as store:
        put(store, *[(f"Entity {n}", f"value {n}") for n in range(10)])

        def breaks_off(done: int, _: int) -> None:
            if done >= 6:
                raise KeyError(done)

        with pytest.raises(KeyError):
            store.set_search_index(on_progress=breaks_off)
        assert store.info().search_index == "off"
        assert found(store, "value 9") == ["Entity 9"]
        put(store, ("Late", "value 99"))
        assert len(store.search("value", limit=50).facts) == 11
        rows.clear()
        said: list[tuple[int, int]] = []
        store.set_search_index(on_progress=lambda *one: said.append(one))
        assert max(rows) == 3 and sum(rows) == 11
        assert said == [(3, 11), (6, 11), (9, 11), (11, 11)]
        assert len(store.search("value", limit=50).facts) == 11
        store.set_search_index(False)
    assert terms(lamlam_neo4j, url) == {}


def test_what_is_written_while_an_index_is_made_is_in_it(
    lamlam_neo4j: Neo4jServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two batches others write; entities before and behind the batch are up to date."""
    monkeypatch.setattr(index_making, "_BATCH", 2)
    with SyncFactStore(url) as store, SyncFactStore(url) as other:
        put(store, *[(f"Entity {n}", f"value {n}") for n in range(6)])

        def writes(done: int, _: int) -> None:
            put(other, *[(f"Entity {n}", f"second {done}") for n in range(6)], (f"New {done}", "x"))

        store.set_search_index(on_progress=writes)
        assert store.info().search_index == "names, values"
        values = [fact.surface for fact in store.search("second 2", limit=50).facts]
        assert values.count("second 2") == 6  # beside facts that have its words
        kept = terms(lamlam_neo4j, url)
        assert len(kept) >= 9
        store.set_search_index(False)
        store.set_search_index()
    assert terms(lamlam_neo4j, url) == kept


def test_two_who_make_an_index_do_not_mix(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who began last makes it; the other is told."""
    monkeypatch.setattr(index_making, "_BATCH", 2)
    with SyncFactStore(url) as store, SyncFactStore(url) as other:
        put(store, *[(f"Entity {n}", f"value {n}") for n in range(6)])
        with pytest.raises(Conflict, match="another process"):
            store.set_search_index(on_progress=lambda done, _: other.set_search_index(sources=True))
        assert store.info().search_index == "names, values, sources"
        assert found(store, "value 5") == ["Entity 5"]


def test_an_index_that_somebody_dropped_is_not_missed(
    lamlam_neo4j: Neo4jServer, url: str, store: SyncFactStore
) -> None:
    """Then searches read the facts, and to turn the index on again makes it."""
    prefix = url.partition("prefix=")[2] or "Lamlam"
    name = f"{prefix.lower()}_entity_terms"
    cypher(lamlam_neo4j, f"DROP INDEX {name}")
    assert {text: found(store, text) for text in FOUND} == {k: [v] for k, v in FOUND.items()}
    put(store, ("Eve", "quill"))
    store.set_search_index()
    rows = cypher(lamlam_neo4j, "SHOW INDEXES YIELD name WHERE name = $name RETURN name", name=name)
    assert rows == [[name]]
    assert found(store, "quill") == ["Eve"]


def test_the_index_is_asked_for_few_entities(
    url: str, store: SyncFactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search with an index reads no batch of all entities; one without reads all of them."""
    put(store, *[(f"Entity {n}", f"value {n}") for n in range(40)])
    read: list[int] = []
    exact = searching._entity

    def counted(row: Any) -> Any:
        read.append(1)
        return exact(row)

    monkeypatch.setattr(searching, "_entity", counted)
    assert found(store, "engine") == ["Ada"]
    assert len(read) == 1
    read.clear()
    store.set_search_index(False)
    assert found(store, "engine") == ["Ada"]
    assert len(read) == 42


def test_a_search_is_done_again_when_something_was_committed_meanwhile(
    store: SyncFactStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What moves from one entity to another while a search runs is found, of one or the other."""
    exact = searching._SearchAttempt._answer
    n_moved = 0

    async def moving(self: Any, request: Any, transaction: Any) -> Any:
        nonlocal n_moved
        answer = await exact(self, request, transaction)
        if n_moved < 2 and type(request).__name__ == "FindPlaces":
            n_moved += 1
            await other._writer.apply(
                [
                    Replace(Fact(entity="Ada", relation="work", value="x")),
                    Assert(Fact(entity=f"Owner {n_moved}", relation="work", value="steam engine")),
                ],
                None,
                None,
                None,
            )
        return answer

    other: Any = store._store
    monkeypatch.setattr(searching._SearchAttempt, "_answer", moving)
    assert found(store, "engine")[0].startswith("Owner")


def test_what_the_option_of_a_url_says(url: str) -> None:
    """``search_index`` turns the index on and off; who only reads leaves it as it is."""
    joint = "&" if "?" in url else "?"
    said = {"on": "names, values", "sources": "names, values, sources", "off": "off"}
    for value, kept in said.items():
        with SyncFactStore(f"{url}{joint}search_index={value}") as store:
            assert store.info().search_index == kept
    with SyncFactStore(f"{url}{joint}search_index=on", read_only=True) as store:
        assert store.info().search_index == "off"
    with pytest.raises(UnknownOption, match="maybe"):
        SyncFactStore(f"{url}{joint}search_index=maybe").__enter__()


def test_a_graph_of_others_gets_no_index(url: str) -> None:
    """It is only read, and searched without one."""
    joint = "&" if "?" in url else "?"
    with SyncFactStore(f"{url}{joint}view=foreign&label=*") as store:
        with pytest.raises(NotSupported):
            store.set_search_index()
        assert store.search("nobody").facts == ()
