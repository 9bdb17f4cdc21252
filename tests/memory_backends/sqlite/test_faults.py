"""A SQLite store when the disk, the permissions or the file itself fail it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from lamlam.errors import BadStore, LamLamError, ReadOnly, SchemaMismatch, Unavailable
from lamlam.memory_backends import transfer
from lamlam.memory_backends.fact_formats.fact_files import FactFile
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.model.operations import Assert, Replace
from lamlam.memory_backends.sqlite.store import SqliteStore
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.unfinished_files import part_beside
from tests.full_disk import largest_file
from tests.memory_backends.stores import HOSTILE, put
from tests.paths import OLD_STORES

OLD = OLD_STORES / "sqlite-1.db"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "facts.db"


def test_a_full_disk_loses_nothing(path: Path) -> None:
    """The commit that does not fit is refused as a whole; with room again, it is done."""
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "first"))
        written = 0
        with largest_file(600_000):
            with pytest.raises(Unavailable) as caught:
                while written < 200:
                    put(store, ("A", "b", f"{written} " + "x" * 9_000), ("B", "n", str(written)))
                    written += 1
            assert caught.value.hint and "room" in caught.value.hint
            assert store.info().revision == written + 1
            assert len(store.lookup("A", "b").values) == written + 1
        assert written > 5
        put(store, ("A", "b", "last"))
        assert store.lookup("A", "b").values[-1] == "last"
    with SyncFactStore(path) as store:
        assert store.info().facts == 2 + 2 * written
        assert store.lookup("B", "n").values == tuple(map(str, range(written)))
    _is_sound(path)


def test_a_load_that_does_not_fit_leaves_nothing(path: Path) -> None:
    """Not even what fitted; sources and counts too are as before."""
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "first"), source="a source")
        facts = [
            Fact(entity=f"Name {n}", relation="b", value="y" * 900, sources=(f"source {n}",))
            for n in range(3_000)
        ]
        with largest_file(600_000), pytest.raises(Unavailable):
            store.load(facts)
        assert (store.info().facts, store.info().revision) == (1, 1)
        assert store.lookup("Name 1", "b").value is None
        assert store.load(facts).facts == 3_000
        assert store.lookup("Name 2999", "b").sources == ("source 2999",)
    _is_sound(path)


def _is_sound(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@contextmanager
def _plain_user() -> Iterator[None]:
    """Permissions hold for this process, also where it runs as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that other users may enter, unlike those of a test run."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


@pytest.mark.parametrize(("file", "folder"), [(0o444, 0o777), (0o444, 0o555), (0o644, 0o555)])
def test_a_file_or_folder_that_cannot_be_written(shared: Path, file: int, folder: int) -> None:
    """It is read all the same; a write is refused as such, and changes nothing."""
    path = shared / "facts.db"
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))
    path.chmod(file)
    shared.chmod(folder)
    before = path.read_bytes()
    with _plain_user():
        store_ = SqliteStore(path)
        try:
            assert store_.lookup_nowait(Lookup("A", "b")).value == "c"
            with pytest.raises((ReadOnly, BadStore)) as caught:
                store_.apply_nowait([Assert(Fact(entity="A", relation="b", value="d"))])
            assert isinstance(caught.value, ReadOnly), caught.value
            assert store_.lookup_nowait(Lookup("A", "b")).values == ("c",)
        finally:
            store_.close_nowait()
    assert path.read_bytes() == before


def test_an_older_file_that_cannot_be_upgraded_is_named(shared: Path) -> None:
    """When it is opened, not when it is first asked."""
    path = shared / "facts.db"
    shutil.copyfile(OLD, path)
    path.chmod(0o444)
    with _plain_user(), pytest.raises(SchemaMismatch) as caught:
        SqliteStore(path)
    assert caught.value.hint and "lamlam facts migrate" in caught.value.hint


def test_a_file_that_may_not_be_read(shared: Path) -> None:
    """One line that says so."""
    path = shared / "facts.db"
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))
    path.chmod(0o000)
    with _plain_user(), pytest.raises(BadStore, match="permission denied"):
        SqliteStore(path, read_only=True)


def test_a_file_of_facts_that_may_not_be_read_is_named(shared: Path) -> None:
    """Not the store that they were to be loaded into, which is as it was."""
    given = shared / "facts.jsonl"
    given.write_text('{"entity": "A", "relation": "b", "value": "d"}\n')
    given.chmod(0o000)
    (shared / "open").mkdir()
    (shared / "open").chmod(0o777)
    with _plain_user(), SyncFactStore(shared / "open" / "facts.db") as store:
        put(store, ("A", "b", "c"))
        with pytest.raises(PermissionError) as caught:
            transfer.put(store, FactFile(str(given)))
        assert caught.value.filename == str(given)
        assert store.lookup("A", "b").values == ("c",)


def test_a_file_that_does_not_say_what_it_holds(path: Path) -> None:
    """Damaged where the version of its names stands."""
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = 1")
        connection.execute("UPDATE store SET key_version = 'x'")
    with pytest.raises(BadStore, match="damaged"):
        SqliteStore(path)


def test_an_erasure_tells_of_what_a_killed_import_left(path: Path) -> None:
    """It may hold what was erased, and nobody can tell whether its process still runs."""
    with SyncFactStore(path) as store:
        for name in ("Ada Quill", "Bob Quill"):
            put(store, (name, "profession", f"a value of {name}"))
        left = part_beside(path)
        for suffix in ("", "-wal", "-shm"):
            left.with_name(left.name + suffix).touch()
        part_beside(path.with_name("other.db")).touch()
        receipt = store.erase("Ada Quill")
        (pending,) = receipt.pending
        assert pending.endswith(left.name) and not receipt.verified
        for suffix in ("", "-wal", "-shm"):
            left.with_name(left.name + suffix).unlink()
        receipt = store.erase("Bob Quill")
        assert receipt.verified and not receipt.pending


@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_file_is_named(path: Path, seed: int) -> None:
    """Wherever the damage is: an error of ours, or an answer, and never another error."""
    with SyncFactStore(path) as store:
        put(store, *((f"Name {n}", "work", f"value {n} " * 9) for n in range(300)))
    data = bytearray(path.read_bytes())
    for page in range(1 + seed % 3, len(data) // 4096, 3):
        start = page * 4096 + (0 if seed < 3 else 600)
        data[start : start + 300] = os.urandom(300)
    path.write_bytes(data)
    n_errors = 0
    try:
        store_ = SqliteStore(path)
    except BadStore:
        return
    with SyncFactStore(store_) as store:
        for n in range(300):
            try:
                result = store.lookup(f"Name {n}", "work")
                assert result.facts is not None
            except BadStore as error:
                n_errors += 1
                assert "\n" not in str(error)
        try:
            assert len(list(store.scan())) < 300
        except BadStore:
            n_errors += 1
        for work in (lambda: put(store, ("Name 7", "work", "new")), lambda: store.erase("Name 8")):
            try:
                work()
            except LamLamError:
                n_errors += 1
    store_.close_nowait()
    assert n_errors


def test_a_row_that_makes_no_sense_is_named(path: Path) -> None:
    """SQLite finds nothing wrong with it."""
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"), ("A", "d", "e"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE ent SET facts = char(30) || 'b' || char(31) || 'c'")
    with SyncFactStore(path) as store:
        for ask in (
            lambda: store.lookup("A", "b"),
            lambda: list(store.scan()),
            lambda: store.describe_nowait("A"),
            lambda: put(store, ("A", "b", "d")),
        ):
            with pytest.raises(BadStore, match="damaged"):
                ask()


def test_a_damaged_schema_is_named(path: Path) -> None:
    """What SQLite says of it quotes bytes that are no text."""
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    whole = path.read_bytes()
    begin = whole.index(b"tablealias")
    damaged = (
        whole[begin : begin + 64].replace(b"alias", b"\xff\xfeias").replace(b"TABLE", b"TA LE")
    )
    path.write_bytes(whole[:begin] + damaged + whole[begin + 64 :])
    for name in ("read", "written"):
        with pytest.raises(BadStore, match="damaged"):
            with SyncFactStore(path, read_only=name == "read") as store:
                store.lookup("A", "b")


@pytest.mark.parametrize("row", ["12345, 'x'", "-1, 'x'", "7, x'ff'"])
def test_relations_that_make_no_sense_are_named(path: Path, row: str) -> None:
    """As other damage is, whatever reads the file."""
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"INSERT INTO relation VALUES ({row})")
        connection.execute("UPDATE store SET relations = relations + 1")
        connection.commit()
    with SyncFactStore(path) as store:
        for read in (lambda: store.lookup("A", "b"), lambda: list(store.scan())):
            with pytest.raises(BadStore, match="damaged"):
                read()


def test_a_million_characters(path: Path) -> None:
    """A long value, in every part that keeps it, and gone from all of them."""
    old, new = "Old-Canary " + "é" * 999_000, "New-Canary " + "x" * 999_000
    with SyncFactStore(path) as store:
        put(store, ("A", "b", old), ("A", "c", "short"))
        store.apply([Replace(Fact(entity="A", relation="b", value=new))])
        assert store.lookup("A", "b").values == (new,)
        assert store.lookup("A", "b", as_of=1).values == (old,)
        assert [p.fact.value for p in store.history("A", "b")] == [old]
        assert len(list(store.changes(0))) == 4
        assert store.erase("A", "b").verified
        assert store.lookup("A", "c").value == "short"
    assert b"Canary" not in b"".join(f.read_bytes() for f in path.parent.glob("facts.db*"))


def test_hostile_names_everywhere(path: Path) -> None:
    """As entity, relation, value, source and namespace: found, changed, told and erased again."""
    with SyncFactStore(path) as store:
        names = [text for text in HOSTILE if not text.isspace()]
        facts = [
            Fact(entity=text, relation=text, value=text, sources=(text,), namespace=space)
            for text in names
            for space in ((), ("users", "x<|db_end|>'\""))
        ]
        store.load(facts)
        told = [change.fact for change in store.changes(0) if change.fact is not None]
        assert {(f.namespace, f.relation, f.value, f.sources) for f in told} == {
            (f.namespace, f.relation, f.value, f.sources) for f in facts
        }
        for fact in facts:
            found = store.lookup(fact.entity, fact.relation, namespace=fact.namespace)
            assert fact.value in found.values
            assert {one.namespace for one in found.facts} == {fact.namespace}
        for fact in facts:
            store.erase(fact.entity, namespace=fact.namespace)
        info = store.info()
        assert (info.facts, info.entities) == (0, 0)
        assert {change.kind for change in store.changes(0)} == {"erased"}


@pytest.mark.parametrize("wrong", ["NULL", "x'00ff'", "7"])
@pytest.mark.parametrize("column", ["ent.name", "ent.facts", "source.text", "past.facts"])
def test_a_column_that_is_no_text_is_named(path: Path, column: str, wrong: str) -> None:
    """Whatever reads it: a lookup, a scan, the history, an export, a commit."""
    table, name = column.split(".")
    with SyncFactStore(path) as store:
        store.apply([Assert(Fact(entity="A", relation="b", value="c", source="s"))])
        store.apply([Replace(Fact(entity="A", relation="b", value="d", source="s"))])
    with closing(sqlite3.connect(path)) as connection, connection:
        (made,) = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = ?", (table,)
        ).fetchone()
        loose = made.replace(f"{name} TEXT NOT NULL", f"{name}")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (loose, table))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE {table} SET {name} = {wrong}")
    asked: dict[str, Callable[[SyncFactStore], object]] = {
        "lookup": lambda store: store.lookup("A", "b").facts,
        "fast": lambda store: store.lookup_nowait(Lookup("A", "b")).facts,
        "description": lambda store: store.describe_nowait("A"),
        "scan": lambda store: list(store.scan()),
        "history": lambda store: list(store.history("A")),
        "past": lambda store: list(store.scan(as_of=1)),
        "export": lambda store: list(transfer.contents(store)),
        "commit": lambda store: put(store, ("A", "b", "e")),
    }
    reads_it = set(asked) if table == "ent" else {"history", "past"}
    if column == "source.text":
        reads_it |= {"lookup", "fast", "scan", "export"}
    for way, ask in asked.items():
        with SyncFactStore(path) as store:
            if way in reads_it:
                with pytest.raises(BadStore, match="damaged"):
                    ask(store)
            else:
                with suppress(BadStore):  # and never another error
                    ask(store)
