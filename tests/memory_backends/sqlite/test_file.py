"""The file behind a SQLite store: what is refused, what is erased, who sees what when."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from lamlam.errors import (
    BadFact,
    BadStore,
    Conflict,
    LamLamError,
    ReadOnly,
    SchemaMismatch,
    StoreMissing,
    UnknownBackend,
)
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.open import connect
from lamlam.memory_backends.sqlite.schema import SCHEMA_VERSION
from lamlam.memory_backends.sqlite.store import SqliteStore
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.sqlite.files import bytes_of
from tests.memory_backends.stores import put


def _folder(path: Path) -> None:
    path.mkdir()


def _text(path: Path) -> None:
    path.write_text("no database\n" * 500)


def _foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE people (name)")
    connection.close()


def _newer(path: Path) -> None:
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()


def _cut_short(path: Path) -> None:
    with SyncFactStore(path) as store:
        put(store, *((f"Name {n}", "b", "c" * 50) for n in range(200)))
    path.write_bytes(path.read_bytes()[:1500])


def _empty(path: Path) -> None:
    path.touch()


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (_folder, BadStore, "is a folder"),
        (_text, BadStore, "not a SQLite file"),
        (_foreign, BadStore, "not a fact file of lamlam"),
        (_newer, SchemaMismatch, f"schema {SCHEMA_VERSION + 1}"),
        (_cut_short, BadStore, ""),
        (_empty, BadStore, "is empty"),
        (lambda path: None, StoreMissing, "no fact file"),
    ],
)
def test_what_is_no_fact_file_is_refused(
    path: Path, make: Callable[[Path], None], error: type[LamLamError], said: str
) -> None:
    """One line that names the file, and the file is left as it was."""
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(error) as caught:
        connect(f"sqlite:///{path}", create=False)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_foreign_database_is_not_written_to(path: Path) -> None:
    """Nothing of ours is put into another program's file."""
    _foreign(path)
    with pytest.raises(BadStore):
        connect(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("people",)]
    connection.close()


def test_an_empty_file_becomes_a_store_where_one_may_be_made(path: Path) -> None:
    """As left by tools that make temporary files."""
    path.touch()
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))
        assert store.lookup("A", "b").value == "c"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """No folder is made on the way."""
    with pytest.raises(StoreMissing, match="no folder"):
        connect(tmp_path / "absent" / "facts.db")


@pytest.mark.parametrize(
    "url", ["gopher://x", "sqlite:", "sqlite://", "sqlite:///", "", "facts.db", "memory:x"]
)
def test_unknown_urls_are_refused_with_a_hint(url: str) -> None:
    """The message names the URL, the hint says how to write one."""
    with pytest.raises(UnknownBackend) as caught:
        connect(url)
    assert repr(url) in str(caught.value)
    wanted = "memory:" if url.startswith("memory") else "sqlite:///"
    assert caught.value.hint and wanted in caught.value.hint


def test_paths_with_odd_characters(tmp_path: Path) -> None:
    """A question mark, a hash, a percent sign or a space in a path is part of the path."""
    path = tmp_path / "odd ?#%41 é.db"
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_relative_paths(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three slashes name a file of the working folder."""
    monkeypatch.chdir(path.parent)
    with SyncFactStore("sqlite:///facts.db") as store:
        put(store, ("A", "b", "c"))
    assert path.exists()


def test_a_file_in_a_read_only_folder_can_be_read(path: Path) -> None:
    """As packaged facts are, in an installation that its user may not write."""
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        for is_frozen in (True, False):
            store_ = SqliteStore(path, read_only=True, is_frozen=is_frozen)
            assert store_.lookup_nowait(Lookup("A", "b")).value == "c"
            with SyncFactStore(store_) as wrapped:
                with pytest.raises(ReadOnly):
                    put(wrapped, ("A", "b", "d"))
            SyncFactStore(store_).close()
    finally:
        path.parent.chmod(0o755)


def test_the_bundled_file_opens_read_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``bundled`` is the packaged file, and nothing beside it is made."""
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))
    monkeypatch.setattr("lamlam.bundled.facts_path", lambda: path)
    with SyncFactStore("bundled") as store:
        assert store.lookup("a", "B").value == "c"
        assert [file.name for file in path.parent.glob("facts.db*")] == [path.name]
        with pytest.raises(ReadOnly):
            put(store, ("A", "b", "d"))


def test_many_facts_in_one_commit(path: Path) -> None:
    """A load larger than one round of the writer, with entities that come again."""
    facts = [
        Fact(entity=f"Name {n % 7000}", relation="work", value=str(n), source=f"source {n % 3}")
        for n in range(60_000)
    ]
    with SyncFactStore(path) as store:
        commit = store.load(facts)
        assert (commit.facts, commit.revision) == (60_000, 1)
        info = store.info()
        assert (info.facts, info.entities) == (60_000, 7000)
        expected = tuple(str(n) for n in range(5, 60_000, 7000))
        assert store.lookup("name 5", "work").values == expected


def test_sources_are_kept_once(path: Path) -> None:
    """A long source that many facts name is stored once, and goes with the last of them."""
    source = "a very long source " * 50
    with SyncFactStore(path) as store:
        put(store, *((f"Name {n}", "b", "c") for n in range(30)), source=source)
        assert set(store.lookup("Name 7", "b").sources) == {source}
        assert path.with_name("facts.db-wal").read_bytes().count(source.encode()[:40]) < 30
        for n in range(30):
            store.erase(f"Name {n}")
    assert b"very long source" not in bytes_of(path)


def test_a_copy_of_the_file_is_a_store(path: Path, tmp_path: Path) -> None:
    """After close everything is in the one file."""
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))
        fact_id = store.lookup("A", "b").fact_ids
    assert [file.name for file in tmp_path.iterdir()] == ["facts.db"]
    shutil.copyfile(path, tmp_path / "copy.db")
    with SyncFactStore(tmp_path / "copy.db") as store:
        assert store.lookup("A", "b").fact_ids == fact_id


def test_entry_points_bring_other_schemes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that names a scheme gets the URLs of that scheme, and what else was asked."""

    def open_elsewhere(url: str, *, create: bool, read_only: bool) -> SqliteStore:
        assert (url, create, read_only) == ("elsewhere://x", False, True)
        return SqliteStore(path)

    class Entry:
        def load(self) -> object:
            return open_elsewhere

    def entry_points(*, group: str, name: str = "") -> list[Entry]:
        return [Entry()] if (group, name) == ("lamlam.memory_backends", "elsewhere") else []

    monkeypatch.setattr("lamlam.memory_backends.open.entry_points", entry_points)
    with SyncFactStore("elsewhere://x", create=False, read_only=True) as store:
        assert store.info().backend == "sqlite"
    with pytest.raises(UnknownBackend):
        connect("nowhere://x")


def test_a_crowd_of_like_names_hides_no_other(path: Path) -> None:
    """Of two that are as near, none is taken, however many more there are of the same sound."""
    letters = random.Random(0)
    crowd = {f"J{''.join(letters.choices('bcdfghklmnpqrstvwz', k=7))} Smith" for _ in range(700)}
    facts = [(name, "job", "x") for name in sorted(crowd)]
    facts += [("Jeremiah Smith", "job", "a"), ("Jerimish Smith", "job", "b")]
    found = []
    for url in (f"sqlite:///{path}", "memory:"):
        with SyncFactStore(url) as store:
            put(store, *facts)
            found.append(store.lookup("Jerimiah Smith", "job").status)
    assert found == ["ambiguous", "ambiguous"]


def test_a_file_that_was_removed_is_told(path: Path) -> None:
    with SyncFactStore(f"sqlite:///{path}") as store:
        put(store, ("Ada", "work", "x"))
        path.unlink()
        with pytest.raises(Conflict, match="was removed"):
            store.info()


@pytest.mark.parametrize("is_file", [True, False])
def test_what_is_no_question_is_refused_at_once(path: Path, is_file: bool) -> None:
    store: SqliteStore | GraphStore = SqliteStore(path) if is_file else GraphStore()
    for query in (None, "Ada", ("Ada", "work")):
        with pytest.raises(BadFact, match="a lookup must be a lamlam.Lookup"):
            store.lookup_nowait(query)  # type: ignore[arg-type]  # wrong on purpose
    store.close_nowait()
