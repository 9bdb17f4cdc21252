"""Fork safety: in a forked process nothing uses the open fact files of its parent or closes them.

SQLite's locks belong to the process that took them, but its own account of them is copied by
a fork. So a connection of the parent is of no use in the child, and closing it there may do
harm. Nor can the child open the same file afresh: SQLite finds the file in the copied account
and takes no lock of its own, so that writers of both processes would not see each other
(measured: the child's connection stands in ``/proc/locks`` with nothing).

Source: SQLite's documentation, "How To Corrupt An SQLite Database File", section on forks.
"""

from __future__ import annotations

import ctypes
import os
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Generic, NoReturn, Protocol, TypeVar
from weakref import WeakSet

from lamlam.errors import StoreElsewhere
from lamlam.one_process import store_elsewhere


class ThreadLock(Protocol):
    """What one thread holds at a time."""

    def acquire(self, blocking: bool = ..., timeout: float = ...) -> bool:
        """Take it; false where it took too long."""
        ...

    def release(self) -> None:
        """Release it."""
        ...


class OpenStore(Protocol):
    """A store with open connections."""

    path: Path

    def connections(self) -> Iterable[sqlite3.Connection]:
        """Return its open connections."""
        ...

    @property
    def takes_locks(self) -> bool:
        """False for a file that no process writes."""
        ...

    def locks(self) -> Iterable[ThreadLock]:
        """Return the locks of its connections, in the order in which they are taken."""
        ...

    def forked(self) -> None:
        """Make the store, which a fork copied into this process, answer with errors only."""
        ...


Store = TypeVar("Store", bound=OpenStore)
_FORK_WAIT_S = 5.0
"""A load may take minutes; a fork does not wait so long."""


class OpenFiles(Generic[Store]):
    """The stores of this process by file, and the files that a parent had open."""

    def __init__(self) -> None:
        self._stores: dict[Path, WeakSet[Store]] = {}
        self._lock = threading.Lock()
        self.erasing = threading.Lock()
        """Held by who empties a log: one at a time."""
        self._of_parent: set[Path] = set()
        self._is_watching = False
        self._forking = threading.local()

    def add(self, store: Store) -> None:
        """Add a store that was opened."""
        with self._lock:
            if not self._is_watching:
                self._is_watching = True
                if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
                    os.register_at_fork(
                        before=self._before_fork,
                        after_in_parent=self._after_fork_in_parent,
                        after_in_child=self._after_fork,
                    )
            self._stores.setdefault(store.path, WeakSet()).add(store)

    def remove(self, store: Store) -> None:
        """Remove a store that was closed."""
        with self._lock:
            stores = self._stores[store.path]
            stores.discard(store)
            if not stores:
                del self._stores[store.path]

    def of(self, path: Path) -> list[Store]:
        """Return the open stores of a file."""
        with self._lock:
            return list(self._stores.get(path, ()))

    def check(self, path: Path) -> None:
        """Raise unless the file may be opened in this process.

        Raises:
            StoreElsewhere: it was open when this process was forked.
        """
        if path in self._of_parent:
            raise StoreElsewhere(
                f"{path} was open in the parent process when it forked this one, and SQLite"
                " would take no locks for it here",
                hint="close the store before the fork, or start workers by spawn or forkserver",
            )

    def _before_fork(self) -> None:
        """Wait until no other thread is inside SQLite, as far as it uses these stores.

        One that was would have SQLite's own locks, and no thread would release them in the child,
        where any use of SQLite would then wait for ever.
        """
        with self._lock:
            stores = [store for group in self._stores.values() for store in group]
        # First all of one kind: a thread that writes takes those of other stores of the file too.
        locks = [
            lock for kind in zip(*(store.locks() for store in stores), strict=True) for lock in kind
        ]
        self._forking.locks = [lock for lock in locks if lock.acquire(timeout=_FORK_WAIT_S)]

    def _after_fork_in_parent(self) -> None:
        for lock in reversed(self._forking.locks):
            lock.release()
        self._forking.locks = []

    def _after_fork(self) -> None:
        # Other threads of the parent may have held them.
        self._lock, self.erasing = threading.Lock(), threading.Lock()
        stores = [store for group in self._stores.values() for store in group]
        self._stores = {}
        for store in stores:
            for connection in store.connections():
                # Never freed, because that would close it.
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
            if store.takes_locks:
                self._of_parent.add(store.path)
            store.forked()


class ForkedReader:
    """Stands in for the reader of a store that was copied by a fork."""

    def __getattr__(self, name: str) -> NoReturn:
        """Refuse every use.

        Raises:
            StoreElsewhere: always.
        """
        raise store_elsewhere()
