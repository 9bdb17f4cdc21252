"""Cache: a `Replica` in this process answers in microseconds what a server would in milliseconds.

It is filled when it is first asked, from the change log, and follows it afterwards: before
the next answer where this process wrote or asked for a refresh, and every few seconds anyway.
"""

from __future__ import annotations

import asyncio

from lamlam.background_loop import BackgroundLoop
from lamlam.memory_backends.neo4j_graph.changes import Neo4jChanges
from lamlam.memory_backends.neo4j_graph.reader import Neo4jReader
from lamlam.memory_backends.read_views.replica import Replica

_POLL_S = 5.0


class ReplicaCache:
    """A `Replica` and what keeps it up to date."""

    def __init__(
        self, loop: BackgroundLoop, reader: Neo4jReader, changes: Neo4jChanges, secret: bytes
    ) -> None:
        """Begin empty; nothing is read before the first lookup."""
        self._loop = loop
        self._reader = reader
        self._changes = changes
        self._secret = secret
        self._replica: Replica | None = None
        self._is_stale = True
        self._is_closed = False
        self._catching_up = asyncio.Lock()
        self._poll: asyncio.Task[None] | None = None

    def up_to_date(self) -> Replica:
        """Return the copy, caught up where it has to be; from any thread but the loop's.

        Raises:
            Unavailable: the server does not answer.
        """
        replica = self._replica
        if replica is None or self._is_stale:
            replica = self._loop.call(self._catch_up)
        return replica

    def note_change(self) -> None:
        """Have the next answer ask the server for new commits first."""
        self._is_stale = True

    def close(self) -> None:
        """Stop reading and drop the copy."""
        # The task that polls ends with the loop.
        self._is_closed = True
        self._replica = None

    async def _catch_up(self) -> Replica:
        async with self._catching_up:
            # Before looking: what is committed from here on is noted again.
            self._is_stale = False
            try:
                return await self._follow()
            except BaseException:
                self._is_stale = True
                raise

    async def _follow(self) -> Replica:
        revision = await self._reader.revision()
        replica = self._replica
        if replica is None:
            # A new copy takes the place of none only when it is whole.
            replica = Replica(self._secret)
            async for part in self._changes.everything(revision):
                await asyncio.to_thread(replica.apply_changes, part, is_whole=False)
            replica.apply_changes((), reached=revision)
            self._replica = replica
            self._poll = asyncio.create_task(self._keep_following())
        elif revision > replica.revision:
            async for part in self._changes.since(replica.revision, revision):
                replica.apply_changes(part, is_whole=False)
            replica.apply_changes((), reached=revision)
        return replica

    async def _keep_following(self) -> None:
        while not self._is_closed:
            await asyncio.sleep(_POLL_S)
            try:
                await self._catch_up()
            except Exception:  # whatever it is, following goes on
                self._is_stale = True  # and the next caller gets the reason
