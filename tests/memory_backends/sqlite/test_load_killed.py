"""A load that is killed leaves the store as it was, and the next one of the same file goes on with it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lamlam.memory_backends.fact_formats import file_parts
from lamlam.memory_backends.fact_formats.fact_files import FactFile
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.sqlite.bulk import load
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.memory_backends.transfer import put

KILLED = """
import os, signal, sys
from pathlib import Path
from lamlam.memory_backends.fact_formats import file_parts
from lamlam.memory_backends.fact_formats.fact_files import FactFile
from lamlam.memory_backends.sqlite.bulk import load
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.memory_backends.transfer import put

file_parts._PART_BYTES, load._BYTES_A_PARTITION = 700, 900
name, left = sys.argv[3], int(sys.argv[4])
do = getattr(load, name)

def counted(*args):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return do(*args)

setattr(load, name, counted)
with SyncFactStore(f"sqlite:///{sys.argv[2]}") as store:
    put(store, FactFile(sys.argv[1]))
"""
N = 200


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of many parts."""
    monkeypatch.setattr(file_parts, "_PART_BYTES", 700)
    monkeypatch.setattr(load, "_BYTES_A_PARTITION", 900)
    path = tmp_path / "in.jsonl"
    line = '{{"entity": "e {0}", "relation": "r", "value": "v {0}"}}\n'
    path.write_text("".join(line.format(n) for n in range(N)))
    return path


def kill(file: Path, store: Path, where: str, after: int) -> None:
    """Load in a process that is killed when it does this for one time too many."""
    command = [sys.executable, "-c", KILLED, str(file), str(store), where, str(after)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL


def test_it_goes_on_where_it_was_killed(file: Path, tmp_path: Path) -> None:
    """Nothing is in the store before; what was read is not read again; at the end nothing is left."""
    path = tmp_path / "facts.db"
    with SyncFactStore(path) as store:
        store.load([Fact(entity="before", relation="r", value="v")])
    kill(file, path, "write_run", 7)
    kill(file, path, "pack_partition", 3)
    with SyncFactStore(path) as store:
        assert [fact.entity for fact in store.scan()] == ["before"]
        reading = FactFile(str(file))
        assert put(store, reading).facts == N
        n_parts = -(-file.stat().st_size // 700)
        assert reading.notes == [
            f"an import of this file was killed: {n_parts} of its {n_parts} parts were read then"
        ]
        held = {fact.entity: fact.value for fact in store.scan()}
    assert held == {"before": "v"} | {f"e {n}": f"v {n}" for n in range(N)}
    assert {one.name for one in tmp_path.iterdir()} == {"facts.db", "in.jsonl"}


def test_another_file_does_not_go_on_with_it(file: Path, tmp_path: Path) -> None:
    """What a killed load has left is removed by the load of another file, and by an erasure."""
    path = tmp_path / "facts.db"
    kill(file, path, "write_run", 3)
    assert len(list(tmp_path.glob(".facts.db.*.part"))) == 1
    file.write_text(file.read_text().replace("v 1", "w 1"))
    with SyncFactStore(path) as store:
        reading = FactFile(str(file))
        assert put(store, reading).facts == N and not reading.notes
        assert not list(tmp_path.glob(".*"))
        assert store.lookup("e 1", "r").value == "w 1"
        kill(file, path, "write_run", 3)
        assert store.erase("e 1").verified
    assert not list(tmp_path.glob(".*"))
