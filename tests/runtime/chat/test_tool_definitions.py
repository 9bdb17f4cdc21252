"""Tools and forms that callers give a chat: which are read, how, and which are refused by name."""

from __future__ import annotations

import functools
from enum import Enum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from lamlam.errors import BadSchema, BadTools, LamLamError, UnknownOption, UsageError
from lamlam.runtime.chat.chat_options import ChatOptions, check_offered, read_chat_options
from lamlam.runtime.chat.json_schemas import MAX_SCHEMA_CHARACTERS
from lamlam.runtime.chat.requested_calls import requested_call
from lamlam.runtime.chat.tool_definitions import MAX_TOOLS, read_tools

EMPTY = {"type": "object", "properties": {}}


class Unit(Enum):
    CELSIUS = "celsius"


def weather(city: str, days: int = 1, unit: Unit = Unit.CELSIUS) -> str:
    """Return the weather of a city."""
    return f"{city}{days}{unit}"


class Order(BaseModel):
    """Order something."""

    what: str = Field(description="the thing")
    n: int = Field(ge=1)


class Clock:
    def read(self, zone: Literal["utc", "local"]) -> str:
        """Read the clock."""
        return zone


def test_definitions_models_and_functions_are_tools() -> None:
    openai = {
        "type": "function",
        "function": {"name": "f", "description": "d", "parameters": EMPTY, "strict": True},
    }
    flat = {"name": "g", "parameters": {"properties": {"x": {"type": "integer"}}}}
    mcp = {"name": "h", "inputSchema": {"type": "object", "properties": {"y": {}}}}
    given: list[Any] = [openai, flat, mcp, {"name": "i"}, Order, weather, Clock().read]
    given.append(functools.partial(weather, days=2))
    tools = read_tools(given[:-1])
    assert [tool.name for tool in tools] == ["f", "g", "h", "i", "Order", "weather", "read"]
    assert tools[0].definition()["function"]["description"] == "d"
    assert tools[1].parameters["type"] == "object" and tools[3].parameters["properties"] == {}
    assert list(tools[2].parameters["properties"]) == ["y"]
    assert tools[4].description == "Order something."
    assert tools[4].parameters["properties"]["what"]["description"] == "the thing"
    assert tools[5].parameters["required"] == ["city"]
    assert tools[5].description == "Return the weather of a city."
    assert list(tools[6].parameters["properties"]) == ["zone"], "self is not an argument"
    (partial,) = read_tools([given[-1]])
    assert partial.name == "weather" and partial.parameters["required"] == ["city"]


def test_arguments_make_what_was_given() -> None:
    """A model, or one of a function's parameters; what a rule of it refuses is said."""
    order, ask = read_tools([Order, weather])
    call = requested_call("1", order, '{"what": "tea", "n": 2}')
    assert call.parsed == Order(what="tea", n=2) and call.arguments == {"what": "tea", "n": 2}
    call = requested_call("1", order, '{"what": "tea", "n": 0}')
    assert call.parsed is None and call.parse_error is not None and "n:" in call.parse_error
    assert requested_call("2", ask, '{"city": "Rome"}').parsed.unit is Unit.CELSIUS


def anything(*things: str) -> None: ...


def unreadable(thing: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821


class Odd(BaseModel):
    tags: set[str]


def named(name: str, **parameters: Any) -> dict[str, Any]:
    return {"name": name, "parameters": {"type": "object", "properties": parameters}}


@pytest.mark.parametrize(
    ("tools", "error", "said"),
    [
        ("f", BadTools, "tools must be a list, got str"),
        ({"name": "f"}, BadTools, "tools must be a list, got dict"),
        (Order, BadTools, "tools must be a list"),
        (5, BadTools, "tools must be a list, got int"),
        ([5], BadTools, "tool 0 must define a function, got int"),
        ([{}], BadTools, "tool 0: the name must be"),
        ([named("")], BadTools, "tool 0: the name must be"),
        ([named("a b")], BadTools, "got 'a b'"),
        ([named("x" * 200)], BadTools, "1 to 128 letters"),
        ([{"type": "web_search"}], BadTools, "'web_search'; only functions can be called"),
        ([{"function": 5}], BadTools, "function must be an object, got int"),
        ([{"name": "f", "description": 5}], BadTools, "description must be a string, got int"),
        ([named("f"), named("f")], BadTools, "two tools have the name 'f'"),
        ([named(f"f{n}") for n in range(MAX_TOOLS + 1)], BadTools, "more than 128 tools"),
        ([anything], BadTools, "the parameter 'things' takes any arguments"),
        ([unreadable], BadTools, "its signature cannot be read"),
        ([{"name": "f", "parameters": 5}], BadSchema, "the schema of the tool 'f' must be a JSON"),
        (
            [{"name": "f", "parameters": {"type": "array"}}],
            BadSchema,
            "must have the type 'object'",
        ),
        ([named("f", x={"type": "foo"})], BadSchema, "the schema of the tool 'f' cannot become"),
        ([named("f", x={"not": {}})], BadSchema, "Unimplemented keys"),
        ([Odd], BadSchema, "uniqueItems"),
        ([named("f", x={"enum": ["x" * MAX_SCHEMA_CHARACTERS]})], BadSchema, "at most 128,000"),
    ],
)
def test_what_is_no_tool_is_named(tools: Any, error: type[LamLamError], said: str) -> None:
    """In one line, with what to do."""
    with pytest.raises(error) as caught:
        read_chat_options({"tools": tools})
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.hint or "description" in said or error is BadTools


def test_the_tools_together_may_be_too_much() -> None:
    """Each is read by itself, all of them are not."""
    tools = [named(f"f{n}", x={"enum": ["x" * 100_000]}) for n in range(3)]
    read_tools(tools[:2])
    with pytest.raises(BadTools, match="the schemas of all tools have 300,"):
        read_tools(tools)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, ("auto", None)),
        ("none", ("none", None)),
        ("required", ("required", None)),
        ("f", ("required", "f")),
        ({"type": "function", "function": {"name": "f"}}, ("required", "f")),
        ({"type": "function", "name": "f"}, ("required", "f")),
        ({"name": "look_up_fact"}, ("required", "look_up_fact")),
    ],
)
def test_who_is_chosen(choice: Any, expected: tuple[str, str | None]) -> None:
    options = read_chat_options({"tools": [named("f")], "tool_choice": choice})
    assert (options.choice, options.named) == expected


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"tool_choice": "often"}, UnknownOption, "unknown tool_choice 'often'"),
        ({"tool_choice": 5}, UnknownOption, "unknown tool_choice 5"),
        ({"tool_choice": {"name": "g"}}, UnknownOption, "the tool 'g', which is not among"),
        ({"tool_choice": {"type": "any"}}, UnknownOption, "tool_choice names no tool"),
        ({"parallel_tool_calls": "no"}, UsageError, "parallel_tool_calls must be True or False"),
        ({"response_format": "xml"}, UnknownOption, "unknown response_format: 'xml'"),
        ({"response_format": 5}, UnknownOption, "unknown response_format: 5"),
        ({"response_format": {"type": "xml"}}, UnknownOption, "unknown response_format: type"),
        ({"response_format": {"type": "json_schema"}}, BadSchema, "response_format has no schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"not": {}}}}},
            BadSchema,
            "the schema of response_format cannot become a mask",
        ),
        ({"response_format": Odd}, BadSchema, "uniqueItems"),
    ],
)
def test_what_cannot_be_chosen_is_named(
    options: dict[str, Any], error: type[LamLamError], said: str
) -> None:
    with pytest.raises(error) as caught:
        read_chat_options({"tools": [named("f")], **options})
    assert (
        said in str(caught.value)
        and "\n" not in str(caught.value)
        and caught.value.hint
        or (error is UsageError)
    )


def test_a_tool_named_as_that_of_the_memory() -> None:
    """Is refused where the chat offers one itself, and is the caller's own where it does not."""
    options = ChatOptions(read_tools([named("look_up_fact")]))
    with pytest.raises(BadTools, match="look_up_fact") as caught:
        check_offered(options, has_memory=True)
    assert caught.value.hint and "memory=None" in caught.value.hint
    check_offered(options, has_memory=False)
    with pytest.raises(UnknownOption, match="not among the tools"):
        check_offered(ChatOptions(named="look_up_fact"), has_memory=False)


def test_any_text_is_a_form_too() -> None:
    assert read_chat_options({"response_format": "text"}).response is None
    assert read_chat_options({"response_format": {"type": "text"}}).response is None
    form = read_chat_options({"response_format": {"type": "json_object"}}).response
    assert form is not None and form.parsed('{"a": 1}') == ({"a": 1}, None)
    parsed, error = form.parsed('{"a": 1e999}')
    assert parsed is None and error is not None and "too large" in error
