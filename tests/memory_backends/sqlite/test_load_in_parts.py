"""A file that is read in parts by several processes gives the store that reading it line by line gives."""

from __future__ import annotations

import errno
import json
import os
import random
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lamlam.errors import BadFact, LamLamError, Unavailable
from lamlam.memory_backends.commits import plain_rows
from lamlam.memory_backends.fact_formats import file_parts
from lamlam.memory_backends.fact_formats.fact_files import FactFile, write_facts
from lamlam.memory_backends.model.fact_tuples import fact_of
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import AddAlias, Assert
from lamlam.memory_backends.model.values import PartialDate
from lamlam.memory_backends.sqlite import schema
from lamlam.memory_backends.sqlite.bulk import load, workers
from lamlam.memory_backends.sqlite.near_blocks import all_numbers
from lamlam.memory_backends.sqlite.store import SqliteStore
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.memory_backends.transfer import contents, put

NAMES = ("Name", "name", "Näme", "NAME_", "Ada  Q", "The")
RELATIONS = ("work", "WORK", "Birth Place", "birth place", "born in", "x" * 60)
VALUES: tuple[Any, ...] = (
    *("v 1", "v 2", "é\\x", "tab\tx", " lead", "rs\x1eus\x1fesc\x1b"),
    *(7, True, 2.5, {"date": "1815-12"}, {"entity": "Name 3"}),
)
BAD = (
    *("nope", "[1]", "\x00", '{"entity": "a", "relation": "r"}'),
    '{"entity": "", "relation": "r", "value": "v"}',
    '{"entity": "a", "entity": "b", "relation": "r", "value": "v"}',
    '{"entity": "a", "relation": "r", "value": "v", "source": ""}',
    '{"entity": "\\ud800", "relation": "r", "value": "v"}',
    '{"entity": "a", "relation": "r", "value": NaN}',
    '{"entity": "a", "relation": "r", "value": "v", "zz": 1}',
)


def lines_of(rng: random.Random, n: int, *, plain: bool = False) -> list[str]:
    """Return lines of every kind: escapes, types, periods, sources, namespaces, blanks, aliases."""
    lines = []
    for _ in range(n):
        fact: dict[str, Any] = {
            "entity": f"{rng.choice(NAMES)} {rng.randrange(30)}",
            "relation": rng.choice(RELATIONS),
            "value": rng.choice(VALUES),
        }
        more: dict[str, Any] = rng.choice(
            [
                {}, {}, {"source": f"s {rng.randrange(4)}"}, {"sources": ["a", "b"]},
                {"confidence": 0.5}, {"valid_from": "1990"}, {"namespace": ["users", "7"]},
                {"surface": "written so"},
            ]
        )  # fmt: skip
        separators = rng.choice(((", ", ": "), (",", ":")))
        whole = fact | more
        if rng.random() < 0.1:
            whole = dict(reversed(whole.items()))
        lines.append(json.dumps(whole, ensure_ascii=rng.random() < 0.5, separators=separators))
        if rng.random() < 0.02:
            lines.append(rng.choice(("", "   ", "\t")))
        if rng.random() < 0.01 and not plain:
            lines.append(json.dumps({"alias": f"al {rng.randrange(5)}", "entity": fact["entity"]}))
    if rng.random() < 0.3 and not plain:
        lines.append('{"relation": "work of", "cardinality": "many", "inverse": "worker"}')
    return lines


def tables_of(path: Path) -> dict[str, list[Any]]:
    """Return what no reading shows: counted uses of sources, references, counts."""
    with closing(sqlite3.connect(path)) as connection:
        select = connection.execute
        return {
            "source": sorted(select("SELECT text, uses FROM source").fetchall()),
            "reference": sorted(select("SELECT * FROM reference").fetchall()),
            "near": list(all_numbers(connection)),
            "store": select("SELECT facts, entities, revision FROM store").fetchall(),
        }


def outcome(
    folder: Path, fill: Callable[[SyncFactStore], object], before: Sequence[str]
) -> dict[str, object]:
    """Return all that can be seen of a store that was filled, and of the commit or the error."""
    path = folder / "facts.db"
    for file in folder.glob("facts.db*"):
        file.unlink()
    with SyncFactStore(path) as store:
        if before:
            (folder / "before.jsonl").write_text("\n".join(before))
            store.apply(list(FactFile(str(folder / "before.jsonl"))))
        try:
            done: object = fill(store)
        except LamLamError as error:
            done = type(error), str(error), error.hint
        write_facts(contents(store), str(folder / "out.jsonl"))
        changes = sorted(
            repr((one.kind, one.entity, one.revision, one.fact and one.fact.surface))
            for one in store.changes(0)
        )
        past = sorted(
            repr((one.fact.model_dump(exclude={"id"}), one.retracted))
            for known in store.entities()
            for one in store.history(known.name, namespace=known.namespace)
        )
    exported = (folder / "out.jsonl").read_bytes()
    return {"done": done, "out": exported, "changes": changes, "past": past, **tables_of(path)}


def in_parts(file: FactFile, store: SyncFactStore, **options: Any) -> object:
    """Load a file in parts; by the usual way where that is what the store says."""
    parts = file.parts()
    assert parts is not None and isinstance(store.local, SqliteStore)
    commit = store.local.load_parts_nowait(parts, processes=1, **options)
    return store.apply(file) if commit is None else commit  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_parts, "_PART_BYTES", 700)
    monkeypatch.setattr(load, "_BYTES_A_PARTITION", 900)


@pytest.mark.parametrize("seed", range(12))
def test_the_same_as_line_by_line(tmp_path: Path, seed: int) -> None:
    """The same facts, order, receipt, error and history, into a new store and beside other facts."""
    rng = random.Random(seed)
    lines = lines_of(rng, rng.choice((1, 30, 150)))
    for _ in range(rng.choice((0, 0, 2))):
        lines.insert(rng.randrange(len(lines) + 1), rng.choice(BAD))
    before = lines_of(rng, 60, plain=True) if seed % 2 else []
    file = tmp_path / "in.jsonl"
    file.write_text(rng.choice(("\n", "\r\n")).join(lines), newline="")
    options = {"skip_invalid": seed % 3 == 0}
    slow, fast = FactFile(str(file), **options), FactFile(str(file), **options)  # type: ignore[arg-type]
    assert outcome(tmp_path, lambda store: store.apply(slow), before) == outcome(  # type: ignore[arg-type]
        tmp_path, lambda store: in_parts(fast, store), before
    )
    assert (slow.rejected, slow.first_reason) == (fast.rejected, fast.first_reason)


@pytest.mark.parametrize("seed", range(8))
def test_plain_facts_alone(tmp_path: Path, seed: int) -> None:
    """Columns give what single facts give: apart from each other, doubled, spelt in several ways."""
    rng = random.Random(seed)
    source = {"source": "s"} if seed % 2 else {}
    facts = [
        {
            "entity": f"{rng.choice(('Ada', 'ada', 'Ada_', 'Äda'))} {rng.randrange(20)}",
            "relation": rng.choice(RELATIONS),
            "value": rng.choice(("v", "value 1", "Value 1", "é")),
        }
        for _ in range(120)
    ]
    if seed % 4 < 2:
        facts.sort(key=lambda fact: fact["entity"])
    file = tmp_path / "in.jsonl"
    lines = [json.dumps({**fact, **source}, ensure_ascii=False) for fact in facts]
    file.write_text("\n".join(lines), encoding="utf-8")
    slow, fast = FactFile(str(file)), FactFile(str(file))
    before = lines_of(rng, 40, plain=True) if seed > 5 else []
    assert outcome(tmp_path, lambda store: store.apply(slow), before) == outcome(  # type: ignore[arg-type]
        tmp_path, lambda store: in_parts(fast, store), before
    )


def test_what_has_to_be_read_in_order_is(tmp_path: Path) -> None:
    """A rule before a fact, or aliases in the store: the fast way leaves it to the other."""
    file = tmp_path / "in.jsonl"
    fact = '{"entity": "a", "relation": "r", "value": "v"}\n'
    file.write_text('{"relation": "r", "cardinality": "one"}\n' + fact + fact.replace('"v"', '"w"'))
    with SyncFactStore(tmp_path / "facts.db") as store:
        assert isinstance(store.local, SqliteStore)
        parts = FactFile(str(file)).parts()
        assert parts is not None and store.local.load_parts_nowait(parts) is None
        with pytest.raises(LamLamError, match="one value at a time"):
            put(store, FactFile(str(file)))
        store.apply([Assert(Fact(entity="a", relation="r", value="v")), AddAlias("a", "b")])
        file.write_text(fact.replace('"a"', '"b"'))
        parts = FactFile(str(file)).parts()
        assert parts is not None and store.local.load_parts_nowait(parts) is None


def test_two_names_with_one_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entity whose place is taken goes to the next one, and is found."""
    from lamlam.memory_backends.sqlite import entities, reader, writer
    from lamlam.memory_backends.sqlite.bulk import runs

    def few(data: bytes, digest_size: int = 8) -> Any:
        class Digest:
            def digest(self) -> bytes:
                return bytes(7) + bytes([len(data) % 3])

        return Digest()

    monkeypatch.setattr(runs, "blake2b", few)
    for module in (entities, reader, writer):
        if hasattr(module, "row_id"):
            monkeypatch.setattr(module, "row_id", lambda key: len(key.encode()) % 3)
    names = [f"N{'x' * n}" for n in range(9)]
    file = tmp_path / "in.jsonl"
    records = [{"entity": name, "relation": "r", "value": name} for name in names]
    file.write_text("\n".join(map(json.dumps, records)))
    with SyncFactStore(tmp_path / "facts.db") as store:
        in_parts(FactFile(str(file)), store)
        assert [store.lookup(name, "r").value for name in names] == names
        assert store.info().entities == len(names)


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    """It is said so, and nothing is imported."""
    file = tmp_path / "in.jsonl"
    file.write_text(
        "".join(f'{{"entity": "e{n}", "relation": "r", "value": "v"}}\n' for n in range(50))
    )
    with SyncFactStore(tmp_path / "facts.db") as store:
        reading = FactFile(str(file))
        parts = reading.parts()
        assert parts is not None and isinstance(store.local, SqliteStore)
        with file.open("a") as more:
            more.write("{}\n")
        with pytest.raises(BadFact, match=r"in\.jsonl changed while it was read"):
            store.local.load_parts_nowait(parts)
        assert store.info().facts == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == ["facts.db", "in.jsonl"]


def test_several_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes give what one gives; where one is killed it is said so, and nothing is left."""
    file = tmp_path / "in.jsonl"
    file.write_text("\n".join(lines_of(random.Random(1), 300, plain=True)))
    stores = []
    for n in (1, 2):
        with SyncFactStore(tmp_path / f"{n}.db") as store:
            assert isinstance(store.local, SqliteStore)
            parts = FactFile(str(file)).parts()
            assert parts is not None
            store.local.load_parts_nowait(parts, processes=n)
            stores.append([fact.model_dump(exclude={"id"}) for fact in store.scan()])
    assert stores[0] == stores[1] and len(stores[0]) > 100
    monkeypatch.setattr(workers, "_PROGRAM", "import os; os.kill(os.getpid(), 9)")
    with SyncFactStore(tmp_path / "3.db") as store:
        parts = FactFile(str(file)).parts()
        assert parts is not None and isinstance(store.local, SqliteStore)
        with pytest.raises(Unavailable, match="a process of the import ended"):
            store.local.load_parts_nowait(parts, processes=2)
        assert store.info().facts == 0
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("step", ["write_run", "pack_partition"])
def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """It is said by name, nothing is imported and nothing left; with room the same call works."""
    file = tmp_path / "in.jsonl"
    file.write_text("\n".join(lines_of(random.Random(2), 60, plain=True)))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with SyncFactStore(tmp_path / "facts.db") as store:
        with monkeypatch.context() as patch:
            patch.setattr(load, step, full)
            with pytest.raises(Unavailable, match="is full: nothing was imported"):
                put(store, FactFile(str(file)))
        assert store.info().facts == 0 and not list(tmp_path.glob(".*"))
        assert put(store, FactFile(str(file))).facts > 10


def test_two_loads_into_one_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is told to wait for the first, which holds the lock; neither spoils the other."""
    file = tmp_path / "in.jsonl"
    file.write_text("\n".join(lines_of(random.Random(3), 60, plain=True)))
    monkeypatch.setattr(schema, "_BUSY_S", 0.01)
    with SyncFactStore(tmp_path / "facts.db") as store:
        store.load([Fact(entity="a", relation="r", value="v")])
        with closing(sqlite3.connect(tmp_path / "facts.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Unavailable, match="locked by another process"):
                put(store, FactFile(str(file)))
        assert not list(tmp_path.glob(".*"))
        assert put(store, FactFile(str(file))).facts > 10


def test_tuples_from_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tuples and facts, few and many, give what facts give; a bad one spoils all."""
    monkeypatch.setattr(plain_rows, "_A_BATCH", 20)
    for n in (5, 90):
        rows = [(f"e {k % 40}", "r", f"v {k}", "s")[: 3 + k % 2] for k in range(n)]
        typed = [
            *rows,
            ("e 1", "born", PartialDate(1815)),
            Fact(entity="e 2", relation="x", value=7),
        ]
        held: list[list[dict[str, Any]]] = []
        for given in (typed, [fact_of(one) for one in typed]):  # type: ignore[arg-type]
            path = tmp_path / f"{n}-{len(held)}.db"
            with SyncFactStore(path) as store:
                store.load(iter(given))  # type: ignore[arg-type]
                held.append([fact.model_dump(exclude={"id"}) for fact in store.scan()])
                for bad in (("e", "r"), ("", "r", "v"), ("e", "r", 1.5j)):
                    with pytest.raises(BadFact):
                        store.load([*rows, bad])
                assert store.info().facts == len(held[0])
        assert held[0] == held[1] and len(held[0]) == n + 2
