"""The search index of a fact file: in step with the facts, gone where they are gone, never in the way."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from lamlam.errors import NotSupported, UnknownOption
from lamlam.memory_backends.model import search_rules
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import (
    Assert,
)
from lamlam.memory_backends.open import open_store
from lamlam.memory_backends.sqlite import search_index
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.searched_changes import WORDS, random_ops


def terms(path: Path) -> set[tuple[str, int]]:
    """Return every term of the index with the part that has it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE VIRTUAL TABLE temp.v USING fts5vocab(main, search, instance)")
        return set(connection.execute("SELECT term, doc FROM temp.v"))


@pytest.mark.parametrize("sources", [False, True])
def test_the_index_is_that_of_a_fresh_one(tmp_path: Path, sources: bool) -> None:
    """After any operations and erasures every term is there that an index made now would have."""
    path, rng = tmp_path / "facts.db", random.Random(7)
    with SyncFactStore(path) as store:
        store.set_search_index(sources=sources)
        for n in range(24):
            for op in random_ops(rng, 3):
                try:
                    store.apply([op])
                except Exception:  # what is refused changes nothing
                    continue
            if n % 8 == 7:
                store.erase(f"{rng.choice(WORDS)} 0")
        kept = terms(path)
        store.set_search_index(False)
        bits = search_index._FEWEST_BITS
        store.set_search_index(sources=sources)
        assert len(kept) > 100
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT bits FROM search_state").fetchone() == (bits,)
    assert terms(path) == kept


def test_a_large_load_makes_the_index_anew(tmp_path: Path) -> None:
    """Parts stay small: with more entities there are more of them, and all are found."""
    path = tmp_path / "facts.db"
    with SyncFactStore(f"sqlite:///{path}?search_index=on") as store:
        store.load(Fact(entity=f"Entity {n}", relation="n", value=f"v{n}") for n in range(2000))
        assert [f.entity for f in store.search("v1999").facts] == ["Entity 1999"]
        with closing(sqlite3.connect(path)) as connection:
            ((bits,),) = connection.execute("SELECT bits FROM search_state").fetchall()
        assert 2000 <= search_index._MOST_A_PART << bits


def test_erased_terms_leave_the_file(tmp_path: Path) -> None:
    """No term of what was erased is in the index, nor are bytes of the text in file and log."""
    path = tmp_path / "facts.db"
    with SyncFactStore(f"sqlite:///{path}?search_index=sources") as store:
        store.apply([Assert(Fact(entity="Bob", relation="work", value="mill", source="diary"))])
        before = terms(path)
        store.apply(
            [Assert(Fact(entity="Quetzal", relation="job", value="xylophonist", source="zwieback"))]
        )
        receipt = store.erase("Quetzal")
        assert receipt.verified and not receipt.pending
        assert terms(path) == before
        for file in tmp_path.iterdir():
            for text in (b"uetzal", b"xylophon", b"zwieback"):
                assert text not in file.read_bytes()
        assert store.search("mill").facts


def test_a_sqlite_without_full_text_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so in one line; where there is an index it writes on, and a later one makes it anew."""
    path = tmp_path / "facts.db"
    with SyncFactStore(path) as store:
        store.apply([Assert(Fact(entity="Bob", relation="work", value="mill"))])
        with monkeypatch.context() as patch:
            patch.setattr(search_index, "has_fts5", lambda _: False)
            with pytest.raises(NotSupported, match="without FTS5"):
                store.set_search_index()
        store.set_search_index()
    with monkeypatch.context() as patch, SyncFactStore(path) as store:
        patch.setattr(search_index, "has_fts5", lambda _: False)
        store.apply([Assert(Fact(entity="Ada", relation="work", value="engine"))])
        assert [f.entity for f in store.search("engine").facts] == ["Ada"]
    with SyncFactStore(path) as store:
        assert [f.entity for f in store.search("engine").facts] == ["Ada"]
        store.apply([Assert(Fact(entity="Eve", relation="work", value="loom"))])
        assert terms(path)
        for text, entity in (("engine", "Ada"), ("mill", "Bob"), ("loom", "Eve")):
            assert [f.entity for f in store.search(text).facts] == [entity]


def test_what_the_option_of_a_url_says(tmp_path: Path) -> None:
    """``search_index`` turns the index on and off, and a word that it does not know is refused."""
    url = f"sqlite:///{tmp_path / 'facts.db'}"
    said = {"on": "names, values", "sources": "names, values, sources", "off": "off"}
    for value, kept in said.items():
        with SyncFactStore(f"{url}?search_index={value}") as store:
            assert store.info().search_index == kept
    with pytest.raises(UnknownOption, match="maybe"), SyncFactStore(f"{url}?search_index=maybe"):
        pass


@pytest.mark.anyio
@pytest.mark.parametrize("place", ["sqlite:///{}/facts.db", "memory:"])
@pytest.mark.parametrize("index", ["", "?search_index=on"])
async def test_others_have_their_turn_during_a_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, index: str
) -> None:
    """Few facts are looked at between two turns of another task, with an index and without."""
    looked, most, turns = 0, 0, 0
    exact = search_rules.match_names

    def counted(*arguments: object) -> object:
        nonlocal looked
        looked += 1
        return exact(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("lamlam.memory_backends.resolution.searching.match_names", counted)
    async with open_store(place.format(tmp_path) + index) as store:
        facts = [Fact(entity=f"Name {n}", relation="n", value=f"value {n}") for n in range(800)]
        await store.apply([Assert(fact) for fact in facts])
        done = anyio.Event()

        async def tick() -> None:
            nonlocal looked, most, turns
            while not done.is_set():
                most, looked, turns = max(most, looked), 0, turns + 1
                await anyio.lowlevel.checkpoint()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tick)
            await anyio.lowlevel.checkpoint()
            for text in ("value 29", "name", "zzz", "What is the value of Name 799?"):
                await store.search(text)
            done.set()
    assert turns > 5 and most <= 150, (turns, most)
