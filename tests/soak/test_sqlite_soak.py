"""SQLite under many processes and sudden ends. The long form: ``pytest tests/soak --soak``."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from lamlam.memory_backends.sqlite.store import SqliteStore
from lamlam.memory_backends.sync import SyncFactStore
from tests.paths import ROOT
from tests.soak.conftest import Amount
from tests.soak.sqlite_worker import OPERATIONS_A_COMMIT, PAIR, edit, ledger

N_READERS = 8
N_LOADED = 4_000

pytestmark = [pytest.mark.soak, pytest.mark.timeout(7200)]


def _start(part: str, path: Path, *numbers: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.soak.sqlite_worker", part, str(path), *map(str, numbers)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip


def _lines(process: subprocess.Popen[str]) -> list[str]:
    """What a process that has ended, or was killed, said in whole lines."""
    assert process.stdout is not None
    return [line.strip() for line in process.stdout if line.endswith("\n")]


def _check(path: Path) -> None:
    """The file is sound, and its counts are those of what it holds."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        log = connection.execute("SELECT count(*) FROM log").fetchone()
    with SyncFactStore(path) as store:
        info = store.info()
        facts = list(store.scan())
        assert (info.facts, info.entities) == (len(facts), len({fact.entity for fact in facts}))
        assert info.revision == log[0]


def test_readers_and_a_writer(tmp_path: Path, amount: Amount) -> None:
    """Eight processes read one state each time while one writes; no write is lost."""
    path = tmp_path / "facts.db"
    with SyncFactStore(path) as store:
        store.apply(edit(0))
    n_commits = amount.operations // OPERATIONS_A_COMMIT
    readers = [_start("read", path) for _ in range(N_READERS)]
    try:
        for reader in readers:
            assert reader.stdout is not None and reader.stdout.readline() == "reading\n"
        with _start("write", path, 1, n_commits) as writer:
            said = _lines(writer)
        assert writer.returncode == 0
        assert said == [str(number) for number in range(1, n_commits + 1)]
        answers = []
        for reader in readers:
            out, _ = reader.communicate(timeout=amount.timeout_s)
            answers.append(out.strip())
            assert reader.returncode == 0
    finally:
        for reader in readers:
            reader.kill()
            reader.communicate()
    assert all(answer.isdigit() and int(answer) > 0 for answer in answers), answers
    with SyncFactStore(path) as store:
        assert store.info().revision == n_commits + 1
        for number in range(n_commits + 1):
            assert str(number) in _page(store, number)
    _check(path)


def test_kills_while_editing(tmp_path: Path, amount: Amount) -> None:
    """Every acknowledged commit is there, and of none only a half."""
    path = tmp_path / "facts.db"
    dice = random.Random(0)
    with SyncFactStore(path) as store:
        store.apply(edit(0))
    last = 0
    for _ in range(amount.kills):
        with _start("write", path, last + 1, 1_000_000) as writer:
            assert writer.stdout is not None and writer.stdout.readline().strip() == str(last + 1)
            time.sleep(dice.random() * 0.15)
            writer.kill()
            said = [last + 1, *map(int, _lines(writer))]
        last = _after_kill(path, said)
    _check(path)


def _after_kill(path: Path, said: Sequence[int]) -> int:
    """Return the number of the last commit in the file."""
    with SyncFactStore(path) as store:
        (left,), (right,), (scale,) = (store.lookup(one, "n").values for one in (*PAIR, "Scale"))
        number = int(left)
        assert left == right == scale
        # One commit may have been done without being said.
        assert said[-1] <= number <= said[-1] + 1
        assert store.info().revision == number + 1
        for one in range(said[0], number + 1):
            assert str(one) in _page(store, one)
        assert str(number + 1) not in _page(store, number + 1)
    return number


def _page(store: SyncFactStore, number: int) -> tuple[str, ...]:
    return store.lookup(ledger(number), "line").values


def test_kills_while_loading(tmp_path: Path, amount: Amount) -> None:
    """A load is there as a whole or not at all, and what was there before stays."""
    path = tmp_path / "facts.db"
    dice = random.Random(1)
    with SyncFactStore(path) as store:
        store.apply(edit(0))
    held, revision = 4, 1
    for round_ in range(amount.kills):
        with _start("load", path, round_, N_LOADED) as loader:
            assert loader.stdout is not None and loader.stdout.readline() == "begun\n"
            time.sleep(dice.random() * 0.6)
            loader.kill()
            is_acknowledged = "loaded" in _lines(loader)
        store_ = SqliteStore(path, read_only=True)
        with SyncFactStore(store_) as store:
            info = store.info()
        store_.close_nowait()
        assert (info.facts, info.revision) in ((held, revision), (held + N_LOADED, revision + 1))
        assert not is_acknowledged or info.revision == revision + 1
        held, revision = info.facts, info.revision
    _check(path)
