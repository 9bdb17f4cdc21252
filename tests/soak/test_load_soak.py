"""Imports that are killed at any moment: nothing, or all; and what was read is not read again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.sync import SyncFactStore
from tests.paths import ROOT
from tests.soak.conftest import Amount

N_FACTS = 240_000
"""A file of 13 MB, which two processes read in three parts."""
LONGEST_S = 4.0

pytestmark = [pytest.mark.soak, pytest.mark.timeout(7200)]


def _import(file: Path, store: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "lamlam", "facts", "import", str(file), "--json"]
    return subprocess.Popen(
        [*command, "--memory", f"sqlite:///{store}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT,
    )  # fmt: skip


@pytest.mark.parametrize("is_new", [True, False])
def test_kills_while_importing(tmp_path: Path, amount: Amount, is_new: bool) -> None:
    """A killed import leaves the store as it was; one that ends has written all; the next goes on."""
    file, path = tmp_path / "facts.jsonl", tmp_path / "facts.db"
    with file.open("w") as lines:
        for n in range(N_FACTS):
            record = f'"entity": "e {n // 4}", "relation": "r {n % 4}", "value": "v {n}"'
            lines.write(f"{{{record}}}\n")
    dice = random.Random(amount.kills + is_new)
    n_ended = 0
    for n in range(-(-amount.kills // 2)):
        if not is_new and not path.exists():
            with SyncFactStore(path) as store:
                store.load([Fact(entity="before", relation="r", value="v")])
        process = _import(file, path)
        with suppress(subprocess.TimeoutExpired):
            process.wait(dice.uniform(0.2, LONGEST_S))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        status = process.wait()
        if status == -signal.SIGKILL and is_new and not path.exists():
            continue
        with SyncFactStore(path) as store:
            held = store.info().facts
        assert held in ((0 if is_new else 1), N_FACTS + (not is_new)), (n, status)
        if status == 0:
            assert held == N_FACTS + (not is_new)
            n_ended += 1
        if held > 1:
            for one in tmp_path.glob("facts.db*"):
                one.unlink()
    if not path.exists() and not is_new:
        with SyncFactStore(path) as store:
            store.load([Fact(entity="before", relation="r", value="v")])
    assert _import(file, path).wait() == 0
    with SyncFactStore(path) as store:
        assert store.info().facts == N_FACTS + (not is_new)
        assert store.lookup("e 9", "r 1").value == "v 37"
    assert not list(tmp_path.glob(".*"))
