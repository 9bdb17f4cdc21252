"""A command that fails or is interrupted half-way says what is done all the same."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lamlam.errors import LamLamError, Unavailable
from lamlam.memory_backends.commits.local_holdings import LocalHoldings
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, Commit, ErasureReceipt
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.sqlite.store import SqliteStore
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.memory_backends.transfer import put
from tests.cli.facts_command import Facts, as_json
from tests.full_disk import largest_file
from tests.limits import HANG_S
from tests.paths import ROOT


def _facts(n_facts: int, relation: str) -> list[Assert]:
    return [
        Assert(Fact(entity=f"Name {n}", relation=relation, value=f"{n} " + "x" * 60))
        for n in range(n_facts)
    ]


def test_a_full_disk_during_forget(facts: Facts, tmp_path: Path) -> None:
    """The receipt says what is erased and what is left to do; the same command finishes it."""
    path = tmp_path / "facts.db"
    url = f"sqlite:///{path}"
    with SyncFactStore(url) as store:  # keeps the log as long as it is open
        store.apply(_facts(2000, "work"))
        store.apply([Assert(Fact(entity="Ada Quill", relation="job", value="secret miller"))])
        store.erase("Nobody")  # writes the log back
        store.apply(_facts(500, "home"))
        with largest_file(path.stat().st_size + 20_000):
            status, out, err = facts("forget", "Ada Quill", "--memory", url, "--reason", "asked")
            assert (status, err) == (0, "")
            assert "1 fact erased at revision 4" in out
            assert "unfinished:" in out and "pending:      file and write-ahead log:" in out
            assert "nothing" not in out
            again = as_json(facts("forget", "Ada Quill", "--memory", url, "--json"))
            assert (again["facts"], again["finished"], again["unfinished"]) == (0, [], [4])
            assert not again["verified"]
        assert store.lookup("Ada Quill", "job").status == "miss"
        status, out, _ = facts("forget", "Ada Quill", "--memory", url)
        assert status == 0 and "finished:     clean-up of the erasure at revision 4" in out
        assert "pending" not in out and "bytes searched, none left" in out
        assert facts("forget", "Ada Quill", "--memory", url)[0] == 1
    assert b"secret miller" not in path.read_bytes()


def test_an_interruption_while_the_bytes_are_cleaned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says that the facts are erased; another erasure finishes it, of any name, once."""

    def interrupted(self: SqliteStore) -> bool:
        raise KeyboardInterrupt

    with SyncFactStore(tmp_path / "facts.db") as store:
        store.apply([Assert(Fact(entity="Ada Quill", relation="job", value="secret miller"))])
        with monkeypatch.context() as patched:
            patched.setattr(SqliteStore, "_empty_log", interrupted)
            with pytest.raises(KeyboardInterrupt) as caught:
                store.erase("Ada Quill")
        assert "1 facts are erased at revision 2" in caught.value.__notes__[0]
        assert store.lookup("Ada Quill", "job").status == "miss"
    with SyncFactStore(tmp_path / "facts.db") as store:
        receipt = store.erase("Somebody Else")
        assert (receipt.facts, receipt.finished, receipt.verified) == (0, (2,), True)
        assert store.erase("Somebody Else").is_empty


def test_a_file_that_cannot_be_written_again(facts: Facts, tmp_path: Path) -> None:
    """Where a JSON file has no room, the receipt is printed, and then that it was not saved."""
    path = tmp_path / "facts.json"
    url = f"memory:///{path}"
    with SyncFactStore(url) as store:
        store.apply([*_facts(200, "work"), *_facts(1, "job")])
    before = path.read_bytes()
    with largest_file(5_000):
        status, out, err = facts("forget", "Name 0", "--memory", url, "--json")
    assert status == 2 and "cannot write" in err
    receipt = json.loads(out)
    assert (receipt["facts"], receipt["unfinished"]) == (2, [2])
    assert any("still holds what was erased" in place for place in receipt["pending"])
    assert path.read_bytes() == before
    assert as_json(facts("forget", "Name 0", "--memory", url, "--json"))["facts"] == 2
    assert b'"name 0"' not in path.read_bytes()


def test_a_full_disk_during_an_import_in_parts(facts: Facts, tmp_path: Path) -> None:
    """The error says how many items are in the store, and that is so."""
    lines = [
        json.dumps({"entity": f"Name {n}", "relation": "work", "value": f"{n} " + "x" * 2000})
        for n in range(400)
    ]
    (tmp_path / "many.jsonl").write_text("\n".join(lines))
    store = ("--memory", f"sqlite:///{tmp_path / 'facts.db'}")
    with largest_file(400_000):
        status, out, err = facts("import", "many.jsonl", *store, "--commit-every", "20")
    assert (status, out) == (2, "")
    stats = as_json(facts("stats", *store, "--json"))
    assert 0 < stats["facts"] < 400
    said = f"in the store: {stats['facts']} items, up to revision {stats['facts'] // 20}"
    assert said in err and "nothing was" not in err
    assert as_json(facts("import", "many.jsonl", *store, "--json"))["changed"] == (
        400 - stats["facts"]
    )


# The command as it is started at a terminal: whoever runs the tests in the background has them
# ignore Ctrl-C, and a child takes that over.
_AT_A_TERMINAL = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from lamlam.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_import_in_parts(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM say what is in the store too, whenever they come."""
    url = f"sqlite:///{tmp_path / 'facts.db'}"
    command = [sys.executable, "-c", _AT_A_TERMINAL, "facts", "import", "-", "--commit-every", "2"]
    with subprocess.Popen(
        [*command, "--memory", url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as importing:
        assert importing.stdin is not None
        # Far more than any buffer on the way holds back; the pipe stays open, so that the import
        # cannot be through before the signal comes.
        for n in range(3000):
            line = {"entity": f"Name {n}", "relation": "work", "value": "x" * 30}
            importing.stdin.write(json.dumps(line) + "\n")
        importing.stdin.flush()
        _wait_for_a_commit(url, importing)
        importing.send_signal(number)
        _, err = importing.communicate(timeout=HANG_S)
    assert importing.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
    with SyncFactStore(url, read_only=True) as store:
        done = store.info()
    _check_what_is_said(err, done.facts)
    assert int(done.revision) * 2 == done.facts > 0


def _wait_for_a_commit(url: str, importing: subprocess.Popen[str]) -> None:
    while importing.poll() is None:
        with suppress(LamLamError):  # not made yet, or only just being made
            with SyncFactStore(url, create=False, read_only=True) as store:
                if store.info().revision:
                    return
        time.sleep(0.01)
    pytest.fail("the import ended before a commit was seen")


def _check_what_is_said(said: str, n_facts: int) -> None:
    """Check the items and the revision of an import two at a time against what the store holds."""
    if n_facts == 2 and "no part before it was committed" in said:
        assert "the part that was being written may be there too" in said
        return
    match = re.search(r"([\d,]+) items, up to revision (\d+)", said)
    assert match is not None, said
    n_items, revision = int(match[1].replace(",", "")), int(match[2])
    assert revision * 2 in (n_items, n_items + 2)  # a commit that was made and not yet counted
    assert n_items == n_facts or (
        n_items + 2 == n_facts and "the part that was being written may be there too" in said
    ), said


def test_an_import_that_is_interrupted_while_it_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the part that was being written is there cannot be known, and that is said."""
    with SyncFactStore(tmp_path / "facts.db") as store:
        apply = store.apply

        def interrupted(ops: list[Assert]) -> Commit:
            commit = apply(ops)
            if int(commit.revision) == 2:
                raise KeyboardInterrupt
            return commit

        monkeypatch.setattr(store, "apply", interrupted)
        with pytest.raises(KeyboardInterrupt) as caught:
            put(store, _facts(6, "work"), commit_every=2)
        said = caught.value.__notes__[-1]
        assert "2 items, up to revision 1" in said
        assert said.endswith("; the part that was being written may be there too")
        _check_what_is_said(said, store.info().facts)


def test_an_import_in_parts_whose_first_part_fails(tmp_path: Path) -> None:
    """Where nothing is done that is said."""

    def broken() -> Iterator[Assert]:
        yield from _facts(1, "work")
        raise Unavailable("no more")

    with SyncFactStore(tmp_path / "facts.db") as store:
        with pytest.raises(Unavailable) as caught:
            put(store, broken(), commit_every=2)
        assert caught.value.__notes__ == ["no part before it was committed"]
        with pytest.raises(Unavailable) as caught:
            put(store, broken(), commit_every=1)
        assert "1 items, up to revision 1" in caught.value.__notes__[-1]


class _ByEntity(GraphStore):
    """A memory that erases a namespace by the body that every store has, and breaks off."""

    erase_namespace_nowait: Any = LocalHoldings.erase_namespace_nowait
    fails_at = ""

    def erase_nowait(self, entity: str, *names: Any, **options: Any) -> ErasureReceipt:
        if entity == self.fails_at:
            raise Unavailable("the disk is full")
        return super().erase_nowait(entity, *names, **options)


def test_a_namespace_that_is_erased_in_part() -> None:
    """Where it is erased entity by entity the error says how many facts are gone; doing it again
    completes it."""
    space = ("users", "7")
    memory = _ByEntity()
    with SyncFactStore(memory) as store:
        for name in ("A B", "C D", "E F"):
            fact = Fact(entity=name, relation="work", value="x", namespace=space)
            store.apply([Assert(fact)])
        memory.fails_at = "E F"
        with pytest.raises(Unavailable) as caught:
            store.erase_namespace(space)
        assert (
            "2 facts of the namespace were erased before it, up to revision 5"
            in (caught.value.__notes__[-1])
        )
        memory.fails_at = ""
        assert store.erase_namespace(space).facts == 1
        assert list(store.entities(namespace=space)) == []
