"""What a process leaves of files in the making, and who removes it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lamlam.unfinished_files import part_beside, parts_beside, remove_own_parts
from tests.paths import ROOT

# Begins a file, a store with its logs and a folder, says their names, and is killed.
_KILLED = """
import os, signal, sys
from pathlib import Path
from lamlam.unfinished_files import part_beside
folder = Path(sys.argv[1])
for name in ("a.jsonl", "b.db"):
    part = part_beside(folder / name)
    for log in ("", "-wal", "-shm"):
        part.with_name(part.name + log).touch()
part_beside(folder / "c").mkdir()
if sys.argv[2] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
print("ready", flush=True)
sys.stdin.read()
"""


def _begin(folder: Path, how: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(folder), how],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="only Linux tells")
def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """Beside the same file only; what a running process makes, and another machine's, stays."""
    dead, alive = tmp_path / "dead", tmp_path / "alive"
    for folder in (dead, alive):
        folder.mkdir()
    killed, running = _begin(dead, "killed"), _begin(alive, "running")
    killed.communicate()
    assert running.stdout is not None and running.stdout.readline() == "ready\n"
    elsewhere = [dead / ".a.jsonl.00000000-1-abcdef.part", dead / ".a.jsonl.abcdef.part"]
    for path in elsewhere:
        path.touch()
    assert len(os.listdir(dead)) == 3 + 3 + 1 + 2
    mine = part_beside(dead / "a.jsonl")
    assert not mine.exists()
    assert parts_beside(dead / "a.jsonl") == sorted(elsewhere)
    assert len(os.listdir(dead)) == 3 + 1 + 2
    part_beside(dead / "c")
    assert parts_beside(dead / "b.db") == []
    assert sorted(os.listdir(dead)) == sorted(path.name for path in elsewhere)
    part_beside(alive / "b.db")
    assert len(parts_beside(alive / "b.db")) == 1 and len(os.listdir(alive)) == 7
    running.communicate("")


def test_the_end_of_a_process_removes_its_own(tmp_path: Path) -> None:
    """All of it, with the files of SQLite beside it, and nothing that has got its name."""
    store, done, folder = (part_beside(tmp_path / name) for name in ("a.db", "b.jsonl", "c"))
    for log in ("", "-wal", "-shm"):
        store.with_name(store.name + log).touch()
    done.touch()
    done.replace(tmp_path / "b.jsonl")
    folder.mkdir()
    (folder / "file").touch()
    remove_own_parts()
    assert os.listdir(tmp_path) == ["b.jsonl"]
