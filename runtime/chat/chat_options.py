"""The options of a chat that concern tools and the form of the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from lamlam.cut_text import cut_text
from lamlam.errors import BadTools, UnknownOption, UsageError
from lamlam.runtime.chat.call_grammar import BARE_FORM, turn_grammar
from lamlam.runtime.chat.json_schemas import check_compiles
from lamlam.runtime.chat.response_format import ResponseFormat, read_response_format
from lamlam.runtime.chat.tool_calls import LOOK_UP
from lamlam.runtime.chat.tool_definitions import OfferedTool, read_tools
from lamlam.runtime.decoding.option_checks import check_bool, check_choice
from lamlam.runtime.decoding.settings import TextSettings, ToolChoice

_NAMED = '{"type": "function", "function": {"name": …}}'


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """What a chat offers the model, and what it wants of the answer."""

    tools: tuple[OfferedTool, ...] = ()
    """Of the caller."""
    choice: ToolChoice = "auto"
    named: str | None = None
    """The one tool that is to be called."""
    is_parallel: bool = True
    """Several calls may be made at once."""
    response: ResponseFormat | None = None


def read_chat_options(options: dict[str, Any]) -> ChatOptions:
    """Take the options that concern tools and form; compiling takes milliseconds.

    Raises:
        BadTools, BadSchema: see `read_tools` and `read_response_format`.
        UnknownOption: a choice, a tool or a form that does not exist.
        UsageError: ``parallel_tool_calls`` is not a bool.
    """
    tools = read_tools(options.pop("tools", None))
    chosen = options.pop("tool_choice", None)
    is_parallel = options.pop("parallel_tool_calls", None)
    response = read_response_format(options.pop("response_format", None))
    if is_parallel is not None:
        check_bool("parallel_tool_calls", is_parallel)
    choice, named = _read_choice(chosen, [tool.name for tool in tools])
    if tools:
        answer = response.source if response else None
        whole = turn_grammar(BARE_FORM, tools, answer, {}, several=False)
        check_compiles(whole, "all tools together")
    return ChatOptions(tools, choice, named, is_parallel is not False, response)


def check_offered(options: ChatOptions, *, has_memory: bool) -> None:
    """Raise unless the tools can be offered beside that of the memory.

    Raises:
        BadTools: one is named as the memory's.
        UnknownOption: the named tool is not offered.
    """
    names = [tool.name for tool in options.tools]
    if has_memory and LOOK_UP.name in names:
        raise BadTools(
            f"a tool is named {LOOK_UP.name!r}, as the one that a chat with a memory offers itself",
            hint="rename it, or open the engine with memory=None",
        )
    if options.named == LOOK_UP.name and not has_memory and LOOK_UP.name not in names:
        raise _not_offered(options.named, names)


def check_settings(
    options: ChatOptions, settings: TextSettings, *, has_tools: bool, has_lookup_tokens: bool
) -> None:
    """Raise unless the options go together with the settings of the texts.

    Args:
        has_tools: the model may call any.
        has_lookup_tokens: it looks up while it writes.

    Raises:
        UsageError: they do not.
    """
    if has_tools and settings.logprobs is not None:
        raise UsageError(
            "logprobs does not work with tool calls, whose answer is made of several texts",
            hint="leave out logprobs, or set tool_choice='none'",
        )
    has_form = bool(options.response) or bool(options.tools)
    if has_lookup_tokens and has_form and settings.policy == "memory_only":
        raise UsageError(
            "policy='memory_only' does not work with tools or response_format,"
            " since it ends a text wherever memory has no answer",
            hint="take another policy, or leave out tools and response_format",
        )


def _read_choice(chosen: Any, names: list[str]) -> tuple[ToolChoice, str | None]:
    if chosen is None:
        return "auto", None
    if isinstance(chosen, Mapping):
        function = chosen.get("function", chosen)
        name = function.get("name") if isinstance(function, Mapping) else None
        if not isinstance(name, str):
            said = cut_text(repr(dict(chosen)), 80)
            raise UnknownOption(f"tool_choice names no tool: {said}", hint=f"write {_NAMED}")
    elif isinstance(chosen, str) and chosen in names and chosen not in get_args(ToolChoice):
        name = chosen
    else:
        check_choice("tool_choice", chosen, get_args(ToolChoice))
        return cast(ToolChoice, chosen), None
    if name not in (*names, LOOK_UP.name):
        raise _not_offered(name, names)
    return "required", name


def _not_offered(name: str, names: list[str]) -> UnknownOption:
    return UnknownOption(
        f"tool_choice names the tool {cut_text(name, 60)!r}, which is not among the tools",
        hint=f"one of: {', '.join(names[:20])}" if names else "hand over tools=",
    )
