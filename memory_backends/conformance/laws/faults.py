"""Suite 12: a connection that is refused, dropped, reset or silent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator

import anyio
import pytest

from lamlam.errors import Unavailable
from lamlam.memory_backends.conformance.backend import Place
from lamlam.memory_backends.conformance.laws.base import Laws, needs
from lamlam.memory_backends.conformance.proxy import Fault, Proxy, proxied
from lamlam.memory_backends.conformance.samples import ADA, fact, put, triples, values
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.protocol import Capability, FactStore

MESSAGES = range(6)
"""How many messages pass before a connection is lost: no commit of these laws needs more."""


@needs(Capability.SERVER)
class FaultLaws(Laws):
    """Suite 12: connections that fail, of stores behind a server."""

    suite = "connection faults"

    @pytest.fixture
    def proxy(self, place: Place) -> Iterator[Proxy]:
        """Start a proxy between the laws and the server."""
        with proxied(*place.backend.address(place.url)) as proxy:
            yield proxy

    @pytest.fixture
    async def distant(self, place: Place, proxy: Proxy) -> AsyncIterator[FactStore]:
        """Open a store behind the proxy, with one fact."""
        url = place.backend.through(place.url, proxy.port)
        async with place.backend.open(url) as distant:
            await put(distant, ("Bystander", "work", "x"))
            yield distant
            proxy.set(Fault.NONE)

    async def test_a_refused_connection_is_unavailable(
        self, distant: FactStore, proxy: Proxy
    ) -> None:
        """Where no connection can be made every call is `Unavailable`, and once it can the store
        works.
        """
        proxy.set(Fault.REFUSE)
        proxy.cut()

        async def check(call: Awaitable[object]) -> None:
            with pytest.raises(Unavailable) as caught:
                await call
            assert caught.value.retryable

        async with anyio.create_task_group() as calls:  # each may be tried for ten seconds
            calls.start_soon(check, distant.lookup(ADA, "work"))
            calls.start_soon(check, triples(distant))
            calls.start_soon(check, put(distant, (ADA, "work", "x")))
        proxy.set(Fault.NONE)
        assert await triples(distant) == [("Bystander", "work", "x")]

    async def test_an_idle_connection_that_was_cut_is_noticed(
        self, distant: FactStore, proxy: Proxy
    ) -> None:
        """A connection that was lost while nobody used it costs no answer and no commit."""
        for n in range(3):
            proxy.cut()
            assert await values(distant, "work", "Bystander") == ["x"]
            proxy.cut()
            assert (await put(distant, (ADA, "work", f"w{n}"))).facts == 1
        assert await values(distant, "work") == ["w0", "w1", "w2"]

    @pytest.mark.parametrize("fault", [Fault.DROP_REQUEST, Fault.RESET_REQUEST, Fault.DROP_ANSWER])
    async def test_a_lost_read_is_repeated_or_unavailable(
        self, distant: FactStore, proxy: Proxy, fault: Fault
    ) -> None:
        """A lookup whose connection is lost gives the right answer or `Unavailable`, never a wrong
        one.
        """
        for after in MESSAGES:
            proxy.set(fault, after=after)
            try:
                assert await values(distant, "work", "Bystander") == ["x"]
            except Unavailable:
                assert proxy.is_hit
        proxy.set(Fault.NONE)
        assert await values(distant, "work", "Bystander") == ["x"]

    @pytest.mark.parametrize("fault", [Fault.DROP_REQUEST, Fault.RESET_REQUEST, Fault.DROP_ANSWER])
    async def test_a_lost_commit_is_whole_or_absent(
        self, distant: FactStore, proxy: Proxy, fault: Fault
    ) -> None:
        """A commit whose connection is lost at any message is there whole, once, or not at all."""
        for after in MESSAGES:
            change = [Assert(fact(f"w{after}", "work", name)) for name in ("A B", "C D")]
            proxy.set(fault, after=after)
            is_done = True
            try:
                await distant.apply(change)
            except Unavailable:
                is_done = False
            proxy.set(Fault.NONE)
            written = [name for name, _, value in await triples(distant) if value == f"w{after}"]
            assert written in ([], ["A B", "C D"])
            assert written or not is_done, "a commit that was confirmed is gone"

    @needs(Capability.IDEMPOTENCY)
    @pytest.mark.parametrize("fault", [Fault.DROP_REQUEST, Fault.RESET_REQUEST, Fault.DROP_ANSWER])
    async def test_a_lost_commit_is_sent_again(
        self, distant: FactStore, proxy: Proxy, fault: Fault
    ) -> None:
        """Sent again with its key, a change whose connection was lost at any message is done
        exactly once.
        """
        for after in MESSAGES:
            revision = (await distant.info()).revision
            change = [Assert(fact(f"w{after}", "work", name)) for name in ("A B", "C D")]
            proxy.set(fault, after=after)
            for _ in range(20):
                try:
                    commit = await distant.apply(change, idempotency_key=f"key {after}")
                    break
                except Unavailable:
                    continue
            else:
                pytest.fail("a change that is sent again and again is never done")
            proxy.set(Fault.NONE)
            assert (commit.revision, commit.facts) == (revision + 1, 2)
            assert (await distant.info()).revision == revision + 1

    async def test_a_silent_server_can_be_left(self, distant: FactStore, proxy: Proxy) -> None:
        """A call that waits for a silent server can be cancelled, and the store works when it
        answers again.
        """
        proxy.set(Fault.STALL)
        for call in (lambda: distant.lookup(ADA, "work"), lambda: distant.apply([Assert(fact())])):
            async with anyio.create_task_group() as calls:
                calls.start_soon(call)
                while not proxy.is_hit:  # noqa: ASYNC110 (the proxy runs in another thread)
                    await anyio.sleep(0.01)
                await anyio.sleep(0.1)
                calls.cancel_scope.cancel()
            assert calls.cancel_scope.cancelled_caught
        proxy.set(Fault.NONE)
        proxy.cut()
        assert await values(distant, "work", "Bystander") == ["x"]

    async def test_a_silent_server_becomes_unavailable(
        self, distant: FactStore, place: Place, proxy: Proxy
    ) -> None:
        """A server that stops answering is `Unavailable` within the time that the backend names."""
        proxy.set(Fault.STALL)
        with anyio.fail_after(place.backend.answers_within_s), pytest.raises(Unavailable):
            await distant.lookup(ADA, "work")
