"""An event loop in a thread of its own, for blocking callers and for those of other loops."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import anyio
from anyio.from_thread import BlockingPortal


class LoopThread:
    """A running loop and the portal into it.

    Not anyio's own context manager: that is a generator. At the end of a program that closed
    nothing, or of a forked process, it would be closed and wait for a thread that is not there.
    """

    def __init__(self, name: str) -> None:
        """Start the loop; it is running afterwards."""
        started: Future[BlockingPortal] = Future()

        async def serve() -> None:
            async with BlockingPortal() as portal:
                started.set_result(portal)
                await portal.sleep_until_stopped()

        def run() -> None:
            try:
                anyio.run(serve, backend="asyncio")
            except BaseException as error:
                if started.done():
                    raise
                started.set_exception(error)  # to whoever waits for the loop

        # A daemon, so that a program that forgot to close can still end.
        self._thread = threading.Thread(target=run, name=name, daemon=True)
        self._thread.start()
        self.portal = started.result()
        """What calls into the loop."""

    def close(self) -> None:
        """What runs on the loop has ended, and the loop and its thread."""
        self.portal.call(self.portal.stop)
        self._thread.join()
