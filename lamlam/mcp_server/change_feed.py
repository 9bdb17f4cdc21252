"""`ChangeFeed`: tells watchers which resources changed, from the log of changes of the store.

The log is read after each write of this server, and every half second for what other processes
wrote; only while somebody watches.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import anyio

from lamlam.errors import ChangesGone, LamLamError
from lamlam.mcp_server.resources import CHANGES
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.operations import Change
from lamlam.memory_backends.protocol import FactStore

_log = logging.getLogger(__name__)
_NAMELESS = ("rule", "erased")
"""Changes that name no entity: they may concern any."""


@dataclass(frozen=True, slots=True, eq=False)
class Watcher:
    """Who wants to know of which resources."""

    namespaces: frozenset[Namespace]
    """What the client may see; it learns of no other."""
    uris: Mapping[str, tuple[str, ...]]
    """By canonical key of an entity or an alias of it, the URIs as the client wrote them."""
    wants_all: bool
    """Every change is one of `CHANGES`."""
    deliver: Callable[[str], None]
    """Takes the URI of what changed; must not raise or wait."""

    def touched_by(self, change: Change) -> Iterable[str]:
        """Return the URIs that a change is one of."""
        if change.kind != "rule" and change.namespace not in self.namespaces:
            return ()
        found = [CHANGES] if self.wants_all else []
        if change.kind in _NAMELESS:
            return (*found, *(uri for uris in self.uris.values() for uri in uris))
        keys = {None if change.entity is None else canonical_key(change.entity), change.alias}
        return (*found, *(uri for key in keys if key for uri in self.uris.get(key, ())))


class ChangeFeed:
    """Reads the log for all watchers at once."""

    def __init__(self, store: FactStore, poll_s: float) -> None:
        self._store = store
        self._poll_s = poll_s
        self._watchers: set[Watcher] = set()
        self._revision: int | None = None
        self._changed = anyio.Event()

    def wake(self) -> None:
        """Say that this process may have written."""
        self._changed.set()

    async def revision(self) -> int:
        """Return the revision of the store now."""
        return int((await self._store.info()).revision)

    def watch(self, watcher: Watcher, since: int) -> Callable[[], None]:
        """Begin to tell a watcher of changes after a revision; return what ends it, once or often."""
        if not self._watchers or self._revision is None:
            self._revision = since
        self._revision = min(self._revision, since)  # others may hear of a change twice: they read
        self._watchers.add(watcher)
        self._changed.set()
        return lambda: self._watchers.discard(watcher)

    @property
    def n_watchers(self) -> int:
        """How many watch now."""
        return len(self._watchers)

    async def run(self) -> None:
        """Tell watchers until this is cancelled."""
        while True:
            if not self._watchers:
                self._revision = None
                await self._changed.wait()
            else:
                with anyio.move_on_after(self._poll_s):
                    await self._changed.wait()
            self._changed = anyio.Event()
            try:
                await self.tell()
            except LamLamError as error:  # a server that does not answer may do so again
                _log.warning("changes cannot be read: %s", error)
                await anyio.sleep(self._poll_s)

    async def tell(self) -> None:
        """Tell of what was committed since the last time."""
        since = self._revision
        if since is None or not self._watchers:
            return
        now = await self.revision()
        if now == since:
            return
        changes: list[Change] = []
        is_gone = False
        try:
            changes = [one async for one in self._store.changes(since)]
        except ChangesGone:  # what changed is not known any more
            is_gone = True
        self._revision = max([now, *(one.revision for one in changes)])
        for watcher in list(self._watchers):
            uris = (
                [
                    *([CHANGES] if watcher.wants_all else []),
                    *(u for one in watcher.uris.values() for u in one),
                ]
                if is_gone
                else [uri for one in changes for uri in watcher.touched_by(one)]
            )
            for uri in dict.fromkeys(uris):
                watcher.deliver(uri)
