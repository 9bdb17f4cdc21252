"""Tools and a form of the answer over HTTP, by a small real chat model and the official client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.runtime.chat.chat_support import small_instruct_model
from tests.serving.conftest import running

MODEL = "smol"
WEATHER: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Oslo", "Lima"]}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL: Any = {"type": "function", "function": {"name": "weather", "parameters": WEATHER}}
MESSAGES: Any = [{"role": "user", "content": "What is the weather in Oslo?"}]
FORM: Any = {"type": "json_schema", "json_schema": {"name": "city", "schema": WEATHER}}


def is_valid(text: str) -> bool:
    """Whether a text is JSON of the schema `WEATHER`."""
    return json.loads(text) in ({"city": "Oslo"}, {"city": "Lima"})


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    with (
        running(small_instruct_model(), None, name=MODEL, sequences=1) as server,
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="none") as one,
    ):
        yield one


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_has_valid_arguments(client: openai.OpenAI, stream: bool) -> None:
    """Whole, or in the pieces of a stream."""
    asked: Any = {"model": MODEL, "messages": MESSAGES, "tools": [TOOL], "tool_choice": "required"}
    answer: Any = client.chat.completions.create(
        **asked, parallel_tool_calls=False, max_tokens=60, stream=stream
    )
    if stream:
        choices = [piece.choices[0] for piece in answer if piece.choices]
        calls = [call for one in choices for call in one.delta.tool_calls or ()]
        reason = choices[-1].finish_reason
        assert len(calls) > 2, "they come as they are written"
        assert [bool(one.id) for one in calls] == [True] + [False] * (len(calls) - 1)
        assert {one.index for one in calls} == {0}
    else:
        calls, reason = answer.choices[0].message.tool_calls, answer.choices[0].finish_reason
    assert next(one.function.name for one in calls if one.function.name) == "weather"
    assert is_valid("".join(one.function.arguments or "" for one in calls))
    assert reason == "tool_calls"


def test_a_response_streams_the_arguments_of_a_call(client: openai.OpenAI) -> None:
    """In pieces of one item, which the end has whole."""
    tool: Any = {"type": "function", **TOOL["function"]}
    answer: Any = client.responses.create(
        model=MODEL, input=MESSAGES, tools=[tool], tool_choice="required",
        parallel_tool_calls=False, max_output_tokens=60, stream=True,
    )  # fmt: skip
    events = list(answer)
    pieces = [one for one in events if one.type == "response.function_call_arguments.delta"]
    (done,) = [one for one in events if one.type == "response.function_call_arguments.done"]
    assert len(pieces) > 2 and is_valid("".join(one.delta for one in pieces))
    assert json.loads(done.arguments) == json.loads("".join(one.delta for one in pieces))
    assert {(one.item_id, one.output_index) for one in (*pieces, done)} == {
        (done.item_id, done.output_index)
    }
    (call,) = events[-1].response.output
    assert (call.type, call.id, call.arguments) == ("function_call", done.item_id, done.arguments)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_has_its_form(client: openai.OpenAI, stream: bool) -> None:
    """Whole, or in the pieces of a stream."""
    answer: Any = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, response_format=FORM, max_tokens=60, stream=stream
    )
    if stream:
        text = "".join(one.choices[0].delta.content or "" for one in answer if one.choices)
    else:
        text = answer.choices[0].message.content
    assert is_valid(text)
