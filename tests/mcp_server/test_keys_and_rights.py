"""Over HTTP the access key decides: who may ask, for whose facts, and what may be done."""

from __future__ import annotations

import json
from typing import Any

import anyio
import httpx2
import mcp_types as types
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from lamlam.access_keys import Access, AccessKeys
from lamlam.mcp_server.app import McpApp, mcp_app
from lamlam.mcp_server.memory_server import MemoryServer
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.protocol import FactStore
from tests.limits import HANG_S
from tests.mcp_server.servers import (
    ADA,
    ERAS,
    call,
    failure,
    http_client,
    over_http,
    subscribe,
)
from tests.mcp_server.test_asking_back import User

SEVEN, EIGHT = ("users", "7"), ("users", "8")
ENTITY = "lamlam://entity/Ada%20Quill"


@pytest.mark.anyio
async def test_each_key_has_its_namespace_and_rights(store: FactStore, keys: AccessKeys) -> None:
    """Facts of one user are no other's; shared ones are read; the log names the key."""
    seven = keys.new("seven", namespace=SEVEN, rights=["read", "write", "forget"])
    eight = keys.new("eight", namespace=EIGHT, rights=["read"])
    shared = keys.new("shared")
    async with over_http(mcp_app(store, keys=keys)) as url:
        async with (
            http_client(url, shared) as of_all,
            http_client(url, seven) as mine,
            http_client(url, eight, mode="legacy") as other,
        ):
            await call(of_all, "remember_fact", entity="Lowmere", relation="country", value="Quill")
            await call(mine, "remember_fact", **ADA)
            question = {"entity": "Ada Quill", "relation": "birth place"}
            assert (await call(mine, "look_up_fact", **question))["namespace"] == "users/7"
            assert (await call(other, "look_up_fact", **question))["status"] == "miss"
            assert (await call(of_all, "look_up_fact", **question))["status"] == "miss"
            of_town = {"entity": "Lowmere", "relation": "country"}
            assert (await call(other, "look_up_fact", **of_town))["status"] == "hit"
            with pytest.raises(MCPError, match="memory holds nothing of 'Ada Quill'"):
                await other.read_resource(ENTITY)
            (content,) = (await other.read_resource("lamlam://changes")).contents
            assert isinstance(content, types.TextResourceContents) and "Ada" not in content.text
            await _only_what_it_may(other)
            assert (await call(mine, "forget_fact", entity="Ada Quill"))["facts"] == 1
    logged = [one async for one in store.changes(0)]
    assert {one.actor for one in logged if one.kind == "asserted"} == {"shared"}


async def _only_what_it_may(client: Client) -> None:
    """A key that reads is offered what reads, and told what it lacks."""
    names = [one.name for one in (await client.list_tools()).tools]
    assert names == ["look_up_fact", "search_facts", "facts_about"]
    error, said = await failure(client, "remember_fact", **ADA)
    assert error == "RightMissing"
    assert said.startswith("the access key 'eight' does not have the right to write (")
    assert (await failure(client, "forget_fact", entity="Ada Quill"))[0] == "RightMissing"


@pytest.mark.anyio
async def test_a_key_that_may_not_read_is_told_nothing(store: FactStore) -> None:
    """It writes, and neither resources nor changes are shown."""
    server = MemoryServer(store, access=Access(rights=frozenset({"write"}), name="sensor"))
    async with Client(server.sdk) as client:
        assert (await call(client, "remember_fact", **ADA))["changed"] == 1
        assert (await failure(client, "look_up_fact", entity="a", relation="b"))[
            0
        ] == "RightMissing"
        for refused in (
            client.read_resource(ENTITY),
            client.read_resource("lamlam://changes"),
            client.complete(
                types.ResourceTemplateReference(uri="lamlam://entity/{entity}"),
                {"name": "entity", "value": "a"},
            ),
        ):
            with pytest.raises(
                MCPError, match="'sensor' does not have the right to read"
            ) as caught:
                await refused
            assert caught.value.error.data == {"error": "RightMissing"}


@pytest.mark.anyio
async def test_changes_by_a_key_that_may_not_read(store: FactStore) -> None:
    """Do not tell what memory held, nor does the question before an erasure."""
    await store.apply([Assert(Fact(entity="Ada Quill", relation="birth place", value="Lowmere"))])
    user = User("decline")
    access = Access(rights=frozenset({"write", "forget"}), name="sensor")
    async with Client(MemoryServer(store, access=access).sdk, elicitation_callback=user) as client:
        await failure(client, "forget_fact", entity="Ada Quill")
        done = await call(client, "correct_fact", **{**ADA, "value": "Highmere"})
    assert "Lowmere" not in str(done) and user.asked[0].endswith("That is 1 fact.")


@pytest.mark.anyio
async def test_namespaces_below_are_reached_where_the_key_says_so(store: FactStore) -> None:
    """Others are refused by one sentence, and nothing is written."""
    server = MemoryServer(store, access=Access(namespace=SEVEN, below=True))
    async with Client(server.sdk) as client:
        await call(client, "remember_fact", **ADA, namespace="users/7/trips")
        for namespace in ("users/8", "users/70", "", "users"):
            error, said = await failure(client, "remember_fact", **ADA, namespace=namespace)
            assert error == "BadToolCall" and "namespace" in said
    assert {fact.namespace async for fact in store.scan()} == {(*SEVEN, "trips")}


@pytest.mark.anyio
async def test_wrong_keys_are_refused(store: FactStore, keys: AccessKeys) -> None:
    """Each by 401 with one sentence, which repeats no key; a session is that of its key alone."""
    right, other = keys.new("a"), keys.new("b")
    async with over_http(mcp_app(store, keys=keys)) as url, httpx2.AsyncClient() as http:
        for sent, says in (
            (None, "an access key is needed"),
            ("Bearer", "an access key is needed"),
            ("Basic eDp5", "an access key is needed"),
            (f"Bearer {right}x", "unknown or revoked"),
            ("Bearer " + "x" * 5000, "unknown or revoked"),
        ):
            headers = {} if sent is None else {"authorization": sent}
            answer = await http.post(url, json=_initialize(), headers=headers)
            assert (answer.status_code, answer.headers["www-authenticate"][:6]) == (401, "Bearer")
            assert says in _message(answer) and "x" * 50 not in answer.text
        session = await _begin(http, url, right)
        for key, status in ((other, 404), (right, 200)):
            answer = await http.post(
                url, json=_request("tools/list"), headers=_headers(key, session)
            )
            assert answer.status_code == status
        keys.revoke("a")
        answer = await http.post(url, json=_request("tools/list"), headers=_headers(right, session))
        assert answer.status_code == 401


@pytest.mark.anyio
async def test_a_key_over_standard_streams(store: FactStore) -> None:
    """Without HTTP the access is what the server was made with."""
    server = MemoryServer(store, access=Access(namespace=SEVEN, name="laptop"))
    async with Client(server.sdk, mode="legacy") as client:
        await call(client, "remember_fact", **ADA)
    (change,) = [one async for one in store.changes(0)]
    assert (change.namespace, change.actor) == (SEVEN, "laptop")


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_a_revoked_key_hears_no_more(store: FactStore, keys: AccessKeys, era: str) -> None:
    """A stream of a revoked key ends, or is told nothing; that of another user hears no word."""
    seven, eight = keys.new("seven", namespace=SEVEN), keys.new("eight", namespace=EIGHT)
    app = mcp_app(store, keys=keys)
    with anyio.fail_after(HANG_S):
        async with over_http(app) as url, http_client(url, eight) as writer:
            async with http_client(url, seven, mode=era) as client:
                if era == "legacy":
                    await subscribe(client, ENTITY)
                    keys.revoke("seven")
                    await _write(store, app)
                    assert app.server.feed.n_watchers == 0
                else:
                    async with client.listen(resource_subscriptions=[ENTITY]) as events:
                        await call(writer, "remember_fact", **ADA)
                        keys.revoke("seven")
                        await _write(store, app)
                        assert [one async for one in events] == []


async def _write(store: FactStore, app: McpApp) -> None:
    """Write as the user whose key was revoked, and let the feed tell of it."""
    async with Client(MemoryServer(store, access=Access(namespace=SEVEN)).sdk) as client:
        await call(client, "remember_fact", **ADA)
    await app.server.feed.tell()


@pytest.mark.anyio
async def test_an_application_around_it_may_say_who_asks(store: FactStore) -> None:
    """As `lamlam serve` does; host, origin and key are then its business."""
    app = mcp_app(store)

    async def around(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope["state"] = {"access": Access(namespace=SEVEN, rights=frozenset({"read"}))}
        await app(scope, receive, send)

    async with over_http(around) as url, http_client(url) as client:  # type: ignore[arg-type]
        assert len((await client.list_tools()).tools) == 3


def _request(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def _initialize() -> dict[str, Any]:
    return _request(
        "initialize", protocolVersion="2025-11-25", capabilities={},
        clientInfo={"name": "test", "version": "1"},
    )  # fmt: skip


def _headers(key: str, session: str | None = None) -> dict[str, str]:
    headers = {
        "authorization": f"bearer {key}",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2025-11-25",
    }
    return headers if session is None else {**headers, "mcp-session-id": session}


async def _begin(http: httpx2.AsyncClient, url: str, key: str) -> str:
    answer = await http.post(url, json=_initialize(), headers=_headers(key))
    assert answer.status_code == 200
    session: str = answer.headers["mcp-session-id"]
    done = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert (await http.post(url, json=done, headers=_headers(key, session))).status_code == 202
    return session


def _message(answer: httpx2.Response) -> str:
    error = json.loads(answer.text)["error"]
    assert "\n" not in error["message"]
    return str(error["message"])
