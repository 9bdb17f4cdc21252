"""Stores and forks: a child gets an error at once, the parent's file and connections are untouched."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from lamlam.errors import NotPicklable
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.sqlite.store import SqliteStore
from lamlam.memory_backends.sync import SyncFactStore
from tests.programs import run_python

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")

# A child that hangs is ended by its alarm, with a status that is not 0.
_FORK = """
import os, signal, sys, threading
from pathlib import Path
import lamlam
from lamlam.errors import StoreElsewhere
from lamlam.memory_backends.sqlite.store import SqliteStore

def in_child(work):
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        work()
        sys.exit(0)  # as programs do: everything is freed
    assert os.waitpid(pid, 0)[1] == 0

def refused(work):
    try:
        work()
    except StoreElsewhere as error:
        assert "fork" in str(error) and error.hint
        return
    raise AssertionError("not refused")

def fact(entity):
    return lamlam.Assert(lamlam.Fact(entity=entity, relation="birth place", value="Paris"))

query = lamlam.Lookup(entity="Ada", relation="birth place")
url = sys.argv[1]
"""


def run(program: str, url: str) -> None:
    done = run_python("-W", "ignore::DeprecationWarning", "-c", _FORK + program, url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_fork
@pytest.mark.parametrize("kind", ["sqlite", "memory"])
def test_a_store_in_a_forked_child(tmp_path: Path, kind: str) -> None:
    """Reads and writes are refused, closing is nothing, and the parent goes on."""
    url = f"sqlite:///{tmp_path}/facts.db" if kind == "sqlite" else "memory:"
    run(
        """
def inside():
    refused(lambda: store.lookup("Ada", "birth place"))
    refused(lambda: store.lookup_nowait(query))
    refused(lambda: store.describe_nowait("Ada"))
    refused(lambda: store.apply([fact("Bob")]))
    refused(lambda: list(store.scan()))
    refused(lambda: store.info())
    refused(lambda: store.capabilities)
    store.close()
    refused(lambda: store.lookup("Ada", "birth place"))

with lamlam.SyncFactStore(url) as store:
    store.apply([fact("Ada")])
    store.lookup_nowait(query)  # a snapshot stays open
    for _ in range(3):
        in_child(inside)
        store.apply([fact("Eve")])
        assert store.lookup("Ada", "birth place").value == "Paris"
    assert store.erase("Eve").facts == 1
""",
        url,
    )


@needs_fork
def test_the_file_while_the_parent_writes(tmp_path: Path) -> None:
    """Locks that a thread of the parent holds at the fork do not hold up the child."""
    path = tmp_path / "facts.db"
    run(
        """
def inside():
    for _ in range(2):
        refused(lambda: store.lookup_nowait(query))
        refused(lambda: store.describe_nowait("Ada"))
        refused(lambda: store.apply_nowait([fact("Bob")]))
        refused(lambda: store.erase_nowait("Ada"))
        refused(lambda: list(store.scan_nowait()))
        refused(lambda: list(store.changes_nowait()))
        refused(lambda: store.refresh_nowait())
        store.close_nowait()
    # SQLite would take no lock for the child.
    refused(lambda: SqliteStore(Path(url)))
    refused(lambda: SqliteStore(Path(url), read_only=True))
    other = SqliteStore(Path(url + ".other"))
    other.apply_nowait([fact("Cid")])
    assert other.erase_nowait("Cid").verified
    other.close_nowait()
    os.unlink(url + ".other")

store = SqliteStore(Path(url))
store.apply_nowait([fact("Ada")])
over = threading.Event()
def write():
    while not over.is_set():
        store.apply_nowait([fact("Eve")])
        store.lookup_nowait(query)
thread = threading.Thread(target=write)
thread.start()
reading = store.changes_nowait()  # another connection, in the midst of its work
next(reading)
for _ in range(20):
    in_child(inside)
list(reading)
over.set()
thread.join()
assert store.lookup_nowait(query).value == "Paris"
store.close_nowait()
assert not os.path.exists(url + "-wal")  # closed as ever: the log is written back

def afresh():
    with lamlam.SyncFactStore(f"sqlite:///{url}") as own:
        own.apply([fact("Dan")])

in_child(afresh)
with SqliteStore_closing(url) as again:
    assert again.lookup("Dan", "birth place").value == "Paris"
""".replace("SqliteStore_closing(url)", 'lamlam.SyncFactStore(f"sqlite:///{url}")'),
        str(path),
    )


@needs_fork
def test_facts_that_nobody_writes_are_opened_again(tmp_path: Path) -> None:
    """No locks, no danger: the bundled facts are read in parent and child."""
    run(
        """
def read():
    with lamlam.SyncFactStore("bundled") as store:
        assert store.lookup("Marie Curie", "birth place").status

unopened = lamlam.SyncFactStore("bundled")

def later():
    with unopened:
        assert unopened.info().facts

with lamlam.SyncFactStore("bundled") as outer:
    in_child(read)
    in_child(later)
    assert outer.info().facts
""",
        "bundled",
    )


def test_a_store_is_not_pickled(tmp_path: Path) -> None:
    """The error says what to hand over instead."""
    path = tmp_path / "facts.db"
    with SyncFactStore(path) as store:
        store.load([Fact(entity="Ada", relation="birth place", value="Paris")])
        with pytest.raises(NotPicklable, match="SyncFactStore cannot"):
            pickle.dumps(store)
    opened = SqliteStore(path)
    with pytest.raises(NotPicklable, match="SqliteStore cannot"):
        pickle.dumps(opened)
    opened.close_nowait()
