"""Files of schema 2, with long rows and a row for each code: read as they are, and upgraded.

The file was written by the release before schema 3.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.sqlite.near_blocks import all_numbers, near_number
from lamlam.memory_backends.sqlite.schema import SCHEMA_VERSION
from lamlam.memory_backends.sync import SyncFactStore
from tests.paths import OLD_STORES

OLD = OLD_STORES / "sqlite-2.db"
ASKED = [
    ("Ada Quill", "birth place"),
    ("ada  QUILL", "Birth_Date"),
    ("Ada Quill", "award"),
    ("Ada Quill", "age"),
    ("Ada Quill", "spouse"),
    ("Countess Quill", "born in"),
    ("Merged Quill", "award"),
    ("Bob Ferris", "office"),
    ("Bob Ferris", "height"),
    ("Bob Feris", "office"),
    ("Émile Zédé", "motto"),
    ("Emile Zede", "motto"),
    ("Gone Person", "office"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A copy of the file."""
    path = tmp_path / "facts.db"
    shutil.copyfile(OLD, path)
    return path


def seen_of(store: SyncFactStore) -> dict[str, Any]:
    """Return what the store answers, in all ways of reading."""
    answers = {asked: store.lookup(*asked) for asked in ASKED}
    return {
        "values": {asked: answer.values for asked, answer in answers.items()},
        "facts": {asked: [f.model_dump() for f in a.facts] for asked, a in answers.items()},
        "matches": {asked: answer.match for asked, answer in answers.items()},
        "of 7": store.lookup("Bob Ferris", "office", namespace=("users", "7")).values,
        "then": store.lookup("Ada Quill", "birth place", as_of=2).values,
        "scan": [fact.model_dump() for fact in store.scan(namespace=None)],
        "history": [p.fact.surface for n in ("Ada Quill", "Gone Person") for p in store.history(n)],
        "changes": sorted((int(c.revision), c.kind, str(c.entity)) for c in store.changes(0)),
        "names": store.known_names(["Ada Quil", "Bob Ferris", "Nobody"], loosely=True),
        "found": [fact.id for fact in store.search("miller", namespace=None).facts],
        "counts": (store.info().facts, store.info().entities, store.info().revision),
    }


def test_a_file_that_may_not_be_written_answers_as_upgraded(path: Path) -> None:
    """In every way of reading, and not a byte changes."""
    before = path.read_bytes()
    with SyncFactStore(f"sqlite:///{path}", read_only=True) as store:
        seen = seen_of(store)
        assert store.info().schema == 2
    assert path.read_bytes() == before
    assert seen["values"]["Ada Quill", "birth place"] == ("Highmere",)
    assert seen["values"]["Ada Quill", "award"] == ("Prize 1", "Prize 2", "Prize 3")
    assert seen["values"]["Bob Feris", "office"] == ("mayor",)
    assert seen["values"]["Emile Zede", "motto"] == ("a\x1eb\x1fc\x1bd",)
    with SyncFactStore(f"sqlite:///{path}") as store:
        (step,) = store.migrate().steps
        assert step.startswith("2 to 3: ")
        assert seen_of(store) == seen
        assert store.info().schema == SCHEMA_VERSION


def test_rows_and_codes_are_written_anew(path: Path) -> None:
    """No long row is left, and the index has what it had."""
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as connection:
        codes = {near_number(*row) for row in connection.execute("SELECT code, ent FROM near")}
    with SyncFactStore(f"sqlite:///{path}") as store:
        store.migrate()
    with closing(sqlite3.connect(path)) as connection:
        rows = [
            text
            for table in ("ent", "past")
            for (text,) in connection.execute(f"SELECT facts FROM {table}")
        ]
        assert rows and all(text[0] == "\x1f" for text in rows)
        assert set(all_numbers(connection)) == codes
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    assert "near" not in tables


def test_an_upgrade_by_another_is_seen(path: Path) -> None:
    """A reader that may not write goes on in the new tables, and sees what is written there."""
    with SyncFactStore(f"sqlite:///{path}", read_only=True) as reader:
        seen = seen_of(reader)
        with SyncFactStore(f"sqlite:///{path}") as writer:
            writer.migrate()
            reader._opened().refresh_nowait()
            assert seen_of(reader) == seen
            writer.apply([Assert(Fact(entity="Bob Ferris", relation="award", value="Prize 9"))])
            reader._opened().refresh_nowait()
            assert reader.lookup("Bob Feris", "award").value == "Prize 9"
            assert reader.lookup("Bob Ferris", "award").value == "Prize 9"
            assert reader.info().schema == SCHEMA_VERSION
