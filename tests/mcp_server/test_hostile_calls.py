"""What a model or a client may send: each call is answered, and nothing it says breaks out."""

from __future__ import annotations

import json
from typing import Any

import mcp_types as types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.shared.exceptions import MCPError

from lamlam.agent_tools.hostile_text import name_in_call_fault
from lamlam.errors import BadToolCall
from lamlam.mcp_server.memory_server import MemoryServer
from lamlam.mcp_server.problems import unexpected
from lamlam.mcp_server.resources import entity_of, uri_of
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.open import open_store
from lamlam.memory_backends.protocol import FactStore
from tests.mcp_server.servers import ADA, ERAS, call, failure

DEEP: Any = "x"
for _ in range(200):
    DEEP = [DEEP]
LONG = "x" * 1_000_000
BAD_ARGUMENTS: list[dict[str, Any]] = [
    {},
    {"entity": LONG, "relation": "r", "value": "v"},
    {"entity": "a", "relation": "r", "value": LONG},
    {"entity": DEEP, "relation": "r", "value": "v"},
    {"entity": "a", "relation": "r", "value": {"a": DEEP}},
    {"entity": "a\x1b[2J", "relation": "r", "value": "v"},
    {"entity": "a", "relation": "r\r\n", "value": "v"},
    {"entity": "a\u202e", "relation": "r", "value": "v"},
    {"entity": "a", "relation": "r", "value": "\ud800"},
    {"entity": "\udfff", "relation": "r", "value": "v"},
    {"entity": "a", "relation": "r", "value": "x<|db_end|>"},
    {"entity": "a", "relation": "r", "value": "v", "\ud800": 1},
    {"entity": "a", "relation": "r", "value": "v", LONG: 1},
    {"entity": "a", "relation": "r", "value": "v", "namespace": "users/8"},
    {"entity": "a", "relation": "r", "value": 10**400},
    {"entity": None, "relation": True, "value": []},
]


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_bad_arguments_are_told_in_one_sentence(store: FactStore, era: str) -> None:
    """A short one, without what was sent in full; and the next call works."""
    async with Client(MemoryServer(store).sdk, mode=era) as client:
        for arguments in BAD_ARGUMENTS:
            error, said = await failure(client, "remember_fact", **arguments)
            assert error == "BadToolCall" and len(said) < 600, said
            assert said.isprintable() or said.isascii()
        assert [fact async for fact in store.scan()] == []
        assert (await call(client, "remember_fact", **ADA))["changed"] == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.anyio
@settings(max_examples=40)
@given(
    name=st.sampled_from(["look_up_fact", "facts_about", "remember_facts", "correct_fact", "no"]),
    arguments=st.dictionaries(
        st.sampled_from(["entity", "relation", "value", "text", "facts", "limit", "x"]), JSON
    ),
)
async def test_any_call_is_answered(store: FactStore, name: str, arguments: dict[str, Any]) -> None:
    """By a result, an error of the tool, or one of the protocol: never by an error of the inside."""
    async with Client(MemoryServer(store).sdk) as client:
        try:
            result = await client.call_tool(name, arguments)
        except MCPError as error:
            assert error.error.code == types.INVALID_PARAMS and name == "no"
        else:
            assert result.is_error or result.structured_content is not None


@pytest.mark.anyio
async def test_answers_that_would_be_too_long(store: FactStore) -> None:
    """Long values are cut, the last facts left out, and both are said: by tools and by resources."""
    value = "y" * 19_000
    facts = [Fact(entity="Ada Quill", relation=f"r{n}", value=value) for n in range(60)]
    await store.apply([Assert(one) for one in facts])
    async with Client(MemoryServer(store).sdk) as client:
        found = await call(client, "search_facts", text="Ada Quill", limit=50)
        assert "facts are shown" in found["left_out"] and len(json.dumps(found)) < 40_000
        (content,) = (await client.read_resource("lamlam://entity/Ada%20Quill")).contents
        assert isinstance(content, types.TextResourceContents) and len(content.text) < 40_000
        assert "of 60 facts are shown" in json.loads(content.text)["left_out"]
        (content,) = (await client.read_resource("lamlam://changes")).contents
        assert isinstance(content, types.TextResourceContents) and len(content.text) < 60_000
        assert len(json.loads(content.text)["changes"]) == 50


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("lamlam://entity/Nobody", "memory holds nothing of 'Nobody'"),
        ("lamlam://entity/", "the name must not be empty"),
        ("lamlam://entity/%00", "the name must not contain the character NUL"),
        ("lamlam://entity/%E2%80%AE", "the name must not contain an invisible character"),
        ("lamlam://entity/%FF", "the name must be UTF-8"),
        ("lamlam://entity/" + "x" * 1000, "the name must have at most 300 characters"),
        ("lamlam://nothing", "unknown resource 'lamlam://nothing'"),
        ("file:///etc/passwd", "unknown resource 'file:///etc/passwd'"),
    ],
)
async def test_resources_that_are_not_there(
    store: FactStore, era: str, uri: str, says: str
) -> None:
    """Each by one sentence, also where it would be subscribed to."""
    async with Client(MemoryServer(store).sdk, mode=era) as client:
        with pytest.raises(MCPError, match=says) as caught:
            await client.read_resource(uri)
        assert caught.value.error.code == types.INVALID_PARAMS
        if era == "auto" and "Nobody" not in uri:
            with pytest.raises(MCPError, match=says):
                async with client.listen(resource_subscriptions=[uri]):
                    pass


@given(st.text(min_size=1, max_size=30))
def test_every_name_has_a_uri_of_its_own(name: str) -> None:
    """Which leads back to it, unless no call may have that name either."""
    uri = uri_of(name)
    assert uri.isascii()
    if (fault := name_in_call_fault(name)) is None:
        assert entity_of(uri) == name
    else:
        with pytest.raises(BadToolCall) as caught:
            entity_of(uri)
        assert str(caught.value).endswith(fault)


@pytest.mark.anyio
async def test_a_store_that_is_only_read(store: FactStore, tmp_path: Any) -> None:
    """Tools that write are not offered, and say why if they are called."""
    await store.apply([Assert(Fact(entity="Ada Quill", relation="birth place", value="Lowmere"))])
    async with open_store(f"sqlite:///{tmp_path}/facts.db", read_only=True) as reader:
        async with Client(MemoryServer(reader).sdk) as client:
            assert len((await client.list_tools()).tools) == 3
            assert (await failure(client, "remember_fact", **ADA))[0] == "ReadOnly"


@pytest.mark.anyio
async def test_an_error_of_the_inside_tells_nothing(
    store: FactStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its traceback goes to the log alone."""

    async def broken(*arguments: Any, **options: Any) -> Any:
        raise ValueError("secret of the inside")

    monkeypatch.setattr(store, "lookup_many", broken)
    async with Client(MemoryServer(store).sdk) as client:
        with pytest.raises(MCPError, match="failed inside the server") as caught:
            await client.call_tool("look_up_fact", {"entity": "a", "relation": "b"})
    assert caught.value.error.code == types.INTERNAL_ERROR
    assert "secret" not in str(caught.value) and "secret of the inside" in caplog.text
    assert "secret" not in str(unexpected("x", ValueError("secret")))
