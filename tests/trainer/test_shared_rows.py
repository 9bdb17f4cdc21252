"""Rows that processes give each other: whole ones only, and none from a process that has ended."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lamlam.errors import ProcessLost, SavingFailed
from lamlam.trainer.packing import PackedRows
from lamlam.trainer.ranks import Ranks
from lamlam.trainer.shared_rows import SharedRows
from tests.full_disk import largest_file

HOLDS_ITS_LOCK = """
import fcntl, sys
file = open(sys.argv[1], "wb")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


class Pair(Ranks):
    """The first of two processes, the second of which holds its lock until it is told to end."""

    def start(self, folder: Path) -> subprocess.Popen[str]:
        folder.mkdir(parents=True, exist_ok=True)
        other = subprocess.Popen(
            [sys.executable, "-c", HOLDS_ITS_LOCK, str(folder / "process-1.lock")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        return other


def rows(n: int) -> PackedRows:
    return PackedRows(np.full((n, 8), 3, np.int32), np.full((n, 8), 4, np.int32))


def test_who_waits_for_a_process_that_ends_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "rows"
    pair = Pair(0, 2)
    others: list[subprocess.Popen[str]] = []

    def wait(_: Ranks) -> None:
        if not others:
            others.append(pair.start(folder))

    monkeypatch.setattr(Pair, "wait", wait)
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 60:  # it lived through two checks
            others[0].communicate()

    with SharedRows(folder, pair) as shared:
        shared.put(0, 0, rows(2))
        assert (shared.get(0, 0).inputs == rows(2).inputs).all()
        monkeypatch.setattr("lamlam.trainer.shared_rows.time.sleep", nap)
        with pytest.raises(ProcessLost, match="process 1 ended before it gave its rows"):
            shared.get(0, 1)
    assert 60 <= len(naps) <= 100
    assert not folder.exists()


def test_rows_without_room_are_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pair, "wait", lambda _: None)
    with SharedRows(tmp_path / "rows", Pair(0, 2)) as shared:
        with largest_file(1000), pytest.raises(SavingFailed, match="File too large"):
            shared.put(0, 0, rows(100))
        assert [path.name for path in (tmp_path / "rows").iterdir()] == ["process-0.lock"]
