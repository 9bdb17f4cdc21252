"""Which changes are told to whom."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from lamlam.mcp_server.change_feed import ChangeFeed, Watcher
from lamlam.mcp_server.memory_server import MemoryServer
from lamlam.mcp_server.resources import CHANGES, uri_of
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.operations import AddAlias, Assert
from lamlam.memory_backends.open import open_store
from lamlam.memory_backends.protocol import FactStore
from tests.limits import HANG_S

ADA, BOB = uri_of("Ada Quill"), uri_of("Bob")
MINE = ("users", "7")


def _fact(entity: str, namespace: Namespace = ()) -> Assert:
    return Assert(Fact(entity=entity, relation="r", value="v", namespace=namespace))


@pytest.mark.anyio
async def test_each_watcher_hears_of_its_own(store: FactStore) -> None:
    """By entity, by alias, by namespace; an erasure names nobody, so all of its namespace look."""
    feed = ChangeFeed(store, 60)
    heard: dict[str, list[str]] = {}

    def watch(name: str, *spaces: Namespace, wants_all: bool = False) -> None:
        heard[name] = []
        keys = {"ada quill": (ADA,), "bob": (BOB,)}
        feed.watch(Watcher(frozenset(spaces), keys, wants_all, heard[name].append), 0)

    watch("shared", ())
    watch("both", (), MINE, wants_all=True)
    watch("mine", MINE)
    await store.apply([_fact("Ada Quill"), _fact("Ada Quill"), _fact("Carl")])
    await feed.tell()
    assert heard == {"shared": [ADA], "both": [CHANGES, ADA], "mine": []}
    await store.apply([_fact("bob", MINE), AddAlias("Carl", "Bob")])
    await feed.tell()
    assert heard["shared"] == [ADA, BOB] and heard["mine"] == [BOB]
    await store.erase("Carl")
    await feed.tell()
    assert set(heard["shared"][2:]) == {ADA, BOB} and heard["mine"] == [BOB]
    await feed.tell()
    assert len(heard["shared"]) == 4


@pytest.mark.anyio
async def test_changes_of_other_processes_are_told(store: FactStore, tmp_path: Path) -> None:
    """The log is read again and again while somebody listens."""
    server = MemoryServer(store, poll_s=0.01)
    with anyio.fail_after(HANG_S):
        async with Client(server.sdk) as client:
            async with client.listen(resource_subscriptions=[ADA]) as events:
                async with open_store(f"sqlite:///{tmp_path}/facts.db") as other:
                    await other.apply([_fact("Ada Quill")])
                assert (await anext(events)).uri == ADA  # type: ignore[union-attr]
        assert server.feed.n_watchers == 0


@pytest.mark.anyio
async def test_stopping_ends_streams_in_good_order(store: FactStore) -> None:
    """The client learns that the server ended it, and is not cut off."""
    server = MemoryServer(store)
    with anyio.fail_after(HANG_S):
        async with Client(server.sdk) as client:
            async with client.listen(resource_subscriptions=[ADA]) as events:
                server.stop()
                assert [one async for one in events] == []
            with pytest.raises(MCPError, match="the server is stopping and takes no more requests"):
                await client.list_tools()


@pytest.mark.anyio
async def test_more_than_can_be_watched(store: FactStore) -> None:
    """Is refused by number."""
    uris = [uri_of(f"E{number}") for number in range(1001)]
    async with Client(MemoryServer(store).sdk) as client:
        with pytest.raises(MCPError, match="at most 1,000 resources may be subscribed, got 1,001"):
            async with client.listen(resource_subscriptions=uris):
                pass
