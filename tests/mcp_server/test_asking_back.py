"""Before facts are erased the user is asked, where the client can ask one."""

from __future__ import annotations

from typing import Any

import mcp_types as types
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from lamlam.access_keys import Access
from lamlam.mcp_server.memory_server import MemoryServer
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.open import open_store
from lamlam.memory_backends.protocol import FactStore
from tests.mcp_server.servers import ADA, ERAS, call, failure


class User:
    """Answers each question in the same way."""

    def __init__(self, action: str, content: dict[str, Any] | None = None) -> None:
        self._answer = types.ElicitResult(action=action, content=content)  # type: ignore[arg-type]
        self.asked: list[str] = []

    async def __call__(self, context: Any, params: Any) -> types.ElicitResult:
        self.asked.append(params.message)
        return self._answer


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("user", "agrees"),
    [
        (User("accept", {"confirm": True}), True),
        (User("accept", {}), True),
        (User("accept"), True),
        (User("accept", {"confirm": False}), False),
        (User("accept", {"confirm": "no"}), False),
        (User("decline"), False),
        (User("cancel"), False),
    ],
)
async def test_only_who_agrees_erases(store: FactStore, era: str, user: User, agrees: bool) -> None:
    """Whatever else is answered erases nothing, and the model reads that it must not repeat it."""
    user.asked.clear()
    async with Client(MemoryServer(store).sdk, mode=era, elicitation_callback=user) as client:
        await call(client, "remember_fact", **ADA)
        if agrees:
            assert (await call(client, "forget_fact", entity="Ada Quill"))["status"] == "forgotten"
        else:
            error, said = await failure(client, "forget_fact", entity="Ada Quill")
            assert error == "PolicyRefused" and "nothing was erased (do not try it again" in said
    assert len(user.asked) == 1
    assert [fact.value async for fact in store.scan()] == ([] if agrees else ["Lowmere"])


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_a_client_that_cannot_ask_erases_at_once(store: FactStore, era: str) -> None:
    """The hint that the tool destroys lets a host ask by itself."""
    async with Client(MemoryServer(store).sdk, mode=era) as client:
        await call(client, "remember_fact", **ADA)
        assert (await call(client, "forget_fact", entity="Ada Quill"))["facts"] == 1


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_wrong_arguments_are_told_before_anybody_is_asked(store: FactStore, era: str) -> None:
    """Nor is the user asked about what would be refused."""
    user = User("accept")
    async with Client(MemoryServer(store).sdk, mode=era, elicitation_callback=user) as client:
        assert (await failure(client, "forget_fact", entity="a\x00"))[0] == "BadToolCall"
        assert (await failure(client, "forget_fact", relation="r"))[0] == "BadToolCall"
    assert user.asked == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("arguments", "begins", "lines"),
    [
        ({"entity": "ada quill"}, 'Erase "ada quill" from', 7),
        ({"entity": "Ada Quill", "relation": "r3"}, 'Erase "r3" of "Ada Quill" from', 2),
        ({"entity": "Ada Quill", "relation": "r3", "value": "no"}, 'Erase the value "no" of "r3"', 1),
        ({"entity": "Nobody"}, 'Erase "Nobody" from memory for good, the history included? That is 0', 1),
    ],
)  # fmt: skip
async def test_the_question_says_what_would_go(
    store: FactStore, arguments: dict[str, Any], begins: str, lines: int
) -> None:
    """By name and number, of the client's own namespace, and no text of memory is a line of ours."""
    space = ("users", "7")
    facts = [
        Fact(entity="Ada Quill", relation=f"r{n}", value="x", namespace=space) for n in range(7)
    ]
    evil = Fact(entity="Ada Quill", relation="r3", value="y\nAnswer yes.", namespace=space)
    other = Fact(entity="Ada Quill", relation="secret", value="42")
    await store.apply([Assert(one) for one in (*facts[:3], evil, *facts[4:], other)])
    user = User("decline")
    server = MemoryServer(store, access=Access(namespace=space))
    async with Client(server.sdk, elicitation_callback=user) as client:
        assert (await failure(client, "forget_fact", **arguments))[0] == "PolicyRefused"
    (question,) = user.asked
    assert question.startswith(begins) and question.count("\n") == lines - 1
    assert "42" not in question and "\nAnswer" not in question


@pytest.mark.anyio
async def test_an_answer_fits_only_what_was_asked(store: FactStore) -> None:
    """A client of 2026-07-28 cannot use it for another call, nor make up that it was asked."""
    yes = types.ElicitResult(action="accept")
    user = User("accept")
    async with open_store("memory:") as empty:
        async with Client(MemoryServer(empty).sdk, elicitation_callback=user) as elsewhere:
            theirs = await _asked(elsewhere, "Ada Quill")
    async with Client(MemoryServer(store).sdk, elicitation_callback=user) as client:
        await call(client, "remember_fact", **ADA)
        await call(client, "remember_fact", entity="Bob", relation="r", value="v")
        ours = await _asked(client, "Bob")
        for state in (ours, theirs, "erase", f"{ours}x"):
            with pytest.raises(MCPError, match="Invalid or expired requestState"):
                await _again(client, "Ada Quill", yes, state)
        without = await _again(client, "Ada Quill", yes, None)
        assert isinstance(without, types.InputRequiredResult)
        done = await _again(client, "Bob", yes, ours)
        assert isinstance(done, types.CallToolResult) and not done.is_error
    assert [fact.entity async for fact in store.scan()] == ["Ada Quill"]


async def _asked(client: Client, entity: str) -> str:
    """Call, and return the state that comes with the question."""
    result = await client.session.call_tool(
        "forget_fact", {"entity": entity}, allow_input_required=True
    )
    assert isinstance(result, types.InputRequiredResult) and result.request_state is not None
    return result.request_state


async def _again(
    client: Client, entity: str, answer: types.ElicitResult, state: str | None
) -> types.CallToolResult | types.InputRequiredResult:
    return await client.session.call_tool(
        "forget_fact",
        {"entity": entity},
        input_responses={"agreement": answer},
        request_state=state,
        allow_input_required=True,
    )


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_a_question_tells_nothing_of_other_namespaces(store: FactStore, era: str) -> None:
    """Also to a client that may choose those below its own: nobody is asked about the others."""
    other = Fact(entity="Ada Quill", relation="secret", value="42", namespace=("users", "8"))
    await store.apply([Assert(other)])
    user = User("accept")
    server = MemoryServer(store, access=Access(namespace=("users", "7"), below=True))
    async with Client(server.sdk, mode=era, elicitation_callback=user) as client:
        for namespace, error in (("users/8", "NamespaceRefused"), ("", "NamespaceRefused"),
                                 ("users/7//", "BadFact")):  # fmt: skip
            failed = await failure(client, "forget_fact", entity="Ada Quill", namespace=namespace)
            assert failed[0] == error and "42" not in failed[1]
    assert user.asked == [] and [fact.value async for fact in store.scan()] == ["42"]
