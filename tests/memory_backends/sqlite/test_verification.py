"""`lamlam facts verify`: a whole file passes, and whatever is wrong is named without its contents."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lamlam.cli.app import run
from lamlam.errors import BadStore, SchemaMismatch, StoreMissing, Unavailable
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    MergeEntities,
    Op,
    Replace,
    Retract,
)
from lamlam.memory_backends.sqlite.file_manifest import (
    FileManifest,
    manifest_beside,
    manifest_path,
)
from lamlam.memory_backends.sqlite.verification import verdicts_of
from lamlam.memory_backends.sync import SyncFactStore
from tests.paths import OLD_STORES

N_ENTITIES = 150


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with everything that a file has."""
    path = tmp_path_factory.mktemp("made") / "facts.db"
    dice = random.Random(0)
    facts = [
        Fact(
            entity=f"{dice.choice(('Ada', 'Bob', 'Émile'))} Quill{dice.randrange(N_ENTITIES)}",
            relation=dice.choice(("work", "Birth Place", f"relation {n}")),
            value=f"value {n}",
            sources=(f"source {n % 7}", "letter")[: n % 3],
            namespace=("users", "7") if n % 9 == 0 else (),
        )
        for n in range(3 * N_ENTITIES)
    ]
    ops: list[Op] = [Assert(fact) for fact in facts]
    with SyncFactStore(f"sqlite:///{path}") as store:
        store.apply(ops)
        store.apply(
            [
                Replace(fact.model_copy(update={"value": "new", "surface": "new"}))
                for fact in facts[:50]
            ]
        )
        store.apply(
            [AddAlias(facts[1].entity, "Other Name"), Retract(facts[7].entity, facts[7].relation)]
        )
        store.apply([MergeEntities(facts[1].entity, facts[2].entity)])
        store.erase(facts[4].entity)
    return path


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    path = tmp_path / "facts.db"
    shutil.copyfile(made, path)
    return path


def faults_of(path: Path) -> dict[str, tuple[str, ...]]:
    """Return what is wrong, by part."""
    return {one.part: one.faults for one in verdicts_of(path) if not one.is_whole}


def test_a_whole_file_passes(path: Path) -> None:
    """Each part was looked at, and nothing was written."""
    before = path.read_bytes()
    verdicts = list(verdicts_of(path))
    assert [verdict for verdict in verdicts if not verdict.is_whole] == []
    assert [verdict.part for verdict in verdicts] == [
        "manifest", "pages", "rows", "counts", "spelling index", "history", "sources", "aliases",
        "log",
    ]  # fmt: skip
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("statement", "part"),
    [
        ("UPDATE store SET facts = facts + 1", "counts"),
        ("DELETE FROM ent WHERE id = (SELECT max(id) FROM ent)", "counts"),
        ("UPDATE ent SET facts = substr(facts, 1, 9) || char(30) || 'x'", "rows"),
        ("UPDATE ent SET name = 'Nobody' WHERE id = (SELECT max(id) FROM ent)", "rows"),
        ("UPDATE store SET revision = 0", "rows"),
        ("DELETE FROM relation WHERE code = 0", "rows"),
        (
            "DELETE FROM near_block WHERE first = (SELECT max(first) FROM near_block)",
            "spelling index",
        ),
        ("UPDATE near_block SET entries = x'00'", "spelling index"),
        ("UPDATE near_block SET entries = x'0105'", "spelling index"),
        ("UPDATE past SET ent = 1 WHERE id = 1", "history"),
        ("UPDATE past SET retracted = 0", "history"),
        ("UPDATE source SET uses = uses + 1 WHERE id = 1", "sources"),
        ("UPDATE source SET id = 99 WHERE id = 1", "sources"),
        ("UPDATE alias SET ent = 1", "aliases"),
        ("INSERT INTO log (revision, time) VALUES (99, 0)", "log"),
        ("INSERT INTO touched (revision, entities) VALUES (1, x'00')", "log"),
        ("UPDATE log SET events = 'nothing' WHERE revision = 1", "log"),
        ("UPDATE log SET time = 'today' WHERE revision = 1", "log"),
        ("UPDATE store SET changes_since = 99", "log"),
        ("UPDATE store SET rules = 'nothing'", "log"),
        ("UPDATE source SET hash = 1 WHERE id = 1", "sources"),
        ("UPDATE source SET text = x'ff' WHERE id = 1", "sources"),
        ("UPDATE source SET uses = 'x' WHERE id = 1", "sources"),
        ("UPDATE ent SET name = x'ff' WHERE id = (SELECT max(id) FROM ent)", "rows"),
        ("UPDATE past SET name = x'ff', retracted = 'x' WHERE id = 1", "history"),
        ("UPDATE near_block SET entries = 'text'", "spelling index"),
    ],
)
def test_what_is_wrong_is_named(
    path: Path, statement: str, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whichever table it is in; the command says so by its exit status."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()
    faults = faults_of(path)
    assert part in faults
    assert run(["facts", "verify", str(path)]) == 1
    said = capsys.readouterr().out
    assert f"BAD {part}: " in said and "ok pages: " in said
    assert "Quill" not in said and "value" not in said


def test_damaged_pages_are_named(path: Path) -> None:
    """Of a file whose bytes were changed, and of one that was cut short."""
    data = bytearray(path.read_bytes())
    data[4096 * 4 : 4096 * 6] = bytes(8192)
    path.write_bytes(data)
    assert "pages" in faults_of(path)
    path.write_bytes(data[: len(data) // 2])
    assert "pages" in faults_of(path)


def test_a_file_without_its_last_byte_is_named(path: Path) -> None:
    """SQLite itself reads a zero there."""
    path.write_bytes(path.read_bytes()[:-1])
    assert "pages" in faults_of(path)


def test_a_manifest_is_compared(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is written for a whole file only; afterwards one changed byte is seen."""
    assert manifest_beside(path) is None
    assert run(["facts", "verify", str(path), "--write-manifest", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["whole"] is True
    assert manifest_beside(path) == FileManifest.of(path)
    assert run(["facts", "verify", f"sqlite:///{path}"]) == 0
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE log SET time = time + 1")
        connection.commit()
    (fault,) = faults_of(path)["manifest"]
    assert fault.startswith("sha256 is ")
    manifest_path(path).write_text("[]")
    with pytest.raises(BadStore, match="is not the manifest"):
        faults_of(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE store SET facts = 0")
        connection.commit()
    manifest_path(path).unlink()
    assert run(["facts", "verify", str(path), "--write-manifest"]) == 1
    assert not manifest_path(path).exists()
    assert run(["facts", "verify", "bundled"]) == 0


def test_a_file_that_is_written_has_no_manifest(path: Path) -> None:
    """What is in its log would be missing."""
    with SyncFactStore(f"sqlite:///{path}") as store:
        store.apply([Assert(Fact(entity="A", relation="b", value="c"))])
        with pytest.raises(Unavailable, match="is being written"):
            FileManifest.of(path)
        assert faults_of(path) == {}
        assert run(["facts", "verify", str(path), "--write-manifest"]) == 2
        FileManifest(0, "", 0, 0, 0, 0).write_beside(path)
        assert "is being written" in faults_of(path)["manifest"][0]


def test_what_is_no_fact_file_is_refused(tmp_path: Path) -> None:
    """With status 2, as any error."""
    with pytest.raises(StoreMissing):
        faults_of(tmp_path / "none.db")
    (tmp_path / "text.db").write_text("text")
    with pytest.raises(BadStore):
        faults_of(tmp_path / "text.db")
    with pytest.raises(SchemaMismatch):
        faults_of(OLD_STORES / "sqlite-2.db")
    assert run(["facts", "verify", str(tmp_path / "none.db")]) == 2
