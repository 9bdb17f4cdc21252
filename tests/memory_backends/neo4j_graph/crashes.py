"""A server that is killed while facts are written, and what is there when it is back."""

from __future__ import annotations

import random
import threading
import time
from typing import Protocol

from lamlam.errors import FactStoreError, Unavailable
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.model.operations import Assert, Revision
from lamlam.memory_backends.sync import SyncFactStore
from tests.limits import HANG_S

NAMES = ("First Half", "Second Half")


class Killable(Protocol):
    """A server that keeps its address and its data when it is killed and started again."""

    @property
    def url(self) -> str:
        """As `lamlam.open_store` takes it."""
        ...

    def kill(self) -> None:
        """End it at once."""

    def start(self) -> object:
        """Return when it answers."""


def crash_again_and_again(server: Killable, times: int, seed: int = 0) -> int:
    """Kill a running server so many times in the middle of writes; return how many commits it confirmed.

    Every commit writes one value to each of two entities. Afterwards each confirmed one must be
    there, and both entities must have the same values: none is half written.
    """
    rng = random.Random(seed)
    confirmed: list[str] = []
    with SyncFactStore(server.url) as store:
        for n in range(times):
            stopped = threading.Event()
            writer = threading.Thread(target=_write, args=(store, f"r{n}", confirmed, stopped))
            writer.start()
            _wait_for(confirmed, len(confirmed) + rng.randint(1, 9))
            time.sleep(rng.uniform(0.0, 0.1))
            server.kill()
            stopped.set()
            if n % 2:  # the writer gives up first; else it may find the new server
                writer.join(HANG_S)
            server.start()
            writer.join(HANG_S)
            assert not writer.is_alive(), "a writer hangs after its server is gone"
            _check(store, confirmed)
    return len(confirmed)


def _wait_for(confirmed: list[str], number: int) -> None:
    deadline = (
        time.monotonic() + HANG_S
    )  # a server that has just started plans every statement anew
    while len(confirmed) < number:
        assert time.monotonic() < deadline, "the writer confirms nothing"
        time.sleep(0.005)


def _write(store: SyncFactStore, name: str, confirmed: list[str], stopped: threading.Event) -> None:
    number = 0
    while not stopped.is_set():
        value = f"{name} {number}"
        facts = [Fact(entity=entity, relation="work", value=value) for entity in NAMES]
        try:
            commit = store.apply([Assert(fact) for fact in facts])
        except Unavailable:
            return  # unknown: whole or absent, and `_check` says which
        assert isinstance(commit.revision, Revision) and commit.facts == 2
        confirmed.append(value)
        number += 1


def _check(store: SyncFactStore, confirmed: list[str]) -> None:
    deadline = time.monotonic() + HANG_S
    while True:
        try:
            first, second = store.lookup_many([Lookup(name, "work") for name in NAMES])
            break
        except FactStoreError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    assert sorted(first.values) == sorted(second.values), "half a commit is there"
    assert not set(confirmed) - set(first.values), "a confirmed commit is gone"
    assert len(set(first.values)) == len(first.values)
