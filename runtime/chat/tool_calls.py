"""Tool calls in the text of a model: their forms, and a strict parser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lamlam.agent_tools.arguments import LookUp
from lamlam.agent_tools.call_reading import read_arguments
from lamlam.agent_tools.tool import TOOLS
from lamlam.errors import BadToolCall
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.runtime.chat.call_forms import MAX_CALL_CHARACTERS, read_bare, read_marked
from lamlam.runtime.chat.call_grammar import CallForm
from lamlam.runtime.chat.tool_definitions import OfferedTool
from lamlam.runtime.decoding.call_openings import MARKS, find_opening

LOOK_UP = TOOLS[0]
_MAX_NAME_TOKENS = 32
_ACTION = re.compile(r"Action:\s*(?=```)")
_TEXT_TYPES = ("string", None)


_NAME = r"""/[^"\\\s\x00-\x1f\x7f-\x9f]([^"\\\x00-\x1f\x7f-\x9f]|\\["\\]){0,95}/"""
_ASK = rf"""
"{{\"entity\": \"" asked_name "\", \"relation\": \"" asked_name "\"}}"
asked_name[max_tokens={_MAX_NAME_TOKENS}]: {_NAME}
""".strip()
"""Rule for the arguments of a lookup: no name is blank, and a model that does not end one is cut."""


MEMORY_TOOL = OfferedTool(LOOK_UP.name, LOOK_UP.description, LOOK_UP.schema(), _ASK)
"""What a chat offers by itself where it has a memory."""


@dataclass(frozen=True, slots=True)
class AskedTool:
    """A call of a tool of the caller's."""

    name: str
    arguments: str
    """JSON text of an object."""


Reader = Callable[[Any], Lookup | AskedTool]
"""Makes a call of its arguments; raises `BadToolCall` where they do not fit."""


def read_lookup(arguments: Any) -> Lookup:
    """Return the lookup that a call of the memory's tool asks for."""
    checked = read_arguments(LOOK_UP, arguments)
    assert isinstance(checked, LookUp)
    return Lookup(checked.entity, checked.relation)


MEMORY_READERS: Mapping[str, Reader] = {LOOK_UP.name: read_lookup}


def reader_of(tool: OfferedTool) -> Reader:
    """Return what makes a call of a tool of the caller's."""

    def read(arguments: Any) -> AskedTool:
        if isinstance(arguments, str):
            try:
                arguments = json.loads(arguments)
            except (ValueError, RecursionError):
                raise BadToolCall(f"{tool.name}: the arguments must be JSON") from None
        if arguments is None:
            arguments = {}
        if not isinstance(arguments, dict):
            raise BadToolCall(f"{tool.name}: the arguments must be a JSON object")
        held = tool.parameters.get("properties", {})
        lacking = [name for name in tool.parameters.get("required", ()) if name not in arguments]
        if lacking:
            raise BadToolCall(f"{tool.name}: {lacking[0]}: Field required")
        unknown = [name for name in arguments if name not in held]
        if unknown and tool.parameters.get("additionalProperties") is False:
            raise BadToolCall(f"{tool.name}: there is no argument {unknown[0][:60]!r}")
        given = {name: _typed(value, held.get(name)) for name, value in arguments.items()}
        try:
            return AskedTool(tool.name, json.dumps(given, ensure_ascii=False, allow_nan=False))
        except ValueError:  # of "1e999"
            raise BadToolCall(f"{tool.name}: a number is too large") from None

    return read


def _typed(value: Any, schema: Any) -> Any:
    """Return a value that a form without types gave as text as what the schema wants."""
    kinds = schema.get("type") if isinstance(schema, dict) else None
    if not isinstance(value, str) or kinds in _TEXT_TYPES or "string" in kinds:
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


@dataclass(frozen=True, slots=True)
class FoundCalls:
    """What a model's turn asks of memory."""

    before: str
    """Text in front of the first call."""
    calls: tuple[Lookup | AskedTool, ...]
    problem: str | None = None
    """What is wrong, where something is; then there are no calls."""


def find_calls(
    text: str,
    readers: Mapping[str, Reader] = MEMORY_READERS,
    form: CallForm | None = None,
    *,
    is_cut: bool = False,
) -> FoundCalls | None:
    """Return the calls of the answer of a model's turn, or ``None`` where there are none.

    A call stands behind a mark (``<tool_call>``, ``[TOOL_CALLS]``, ``<TOOLCALL>`` and those of
    other families), which may be closed; or the whole text is a call, or a list of them, bare or
    fenced; or it has the form of the model's own template. Other JSON is an answer, unless it is
    behind a mark.

    Args:
        readers: by the names of the tools.
        form: of the template.
        is_cut: the text ends where there was no more room; calls in front of that are whole.
    """
    found = _find_calls(text, readers)
    if form is not None and (found is None or found.problem):
        return _in_form(text, readers, form, is_cut=is_cut) or found
    return found


def _find_calls(text: str, readers: Mapping[str, Reader]) -> FoundCalls | None:
    at = find_opening(text)
    if at is not None:
        before = text[:at].rstrip()
        if len(text) - at > 4 * MAX_CALL_CHARACTERS:
            return FoundCalls(before, (), "the call is too long")
        try:
            return _found(before, [_call(one, readers) for one in read_marked(text[at:])])
        except BadToolCall as error:
            return FoundCalls(before, (), str(error))
    whole = _ACTION.sub("", text.strip(), count=1)
    read = read_bare(_named_first(whole, readers))
    if read is None:
        return None
    read = [one for one in read if not _is_no_call(one)]
    if not read or not all(map(_looks_like_call, read)):
        return None
    try:
        return _found("", [_call(one, readers) for one in read])
    except BadToolCall as error:
        return FoundCalls("", (), str(error))


def _in_form(
    text: str, readers: Mapping[str, Reader], form: CallForm, *, is_cut: bool
) -> FoundCalls | None:
    """Return calls that are written to the letter as the template writes them."""
    at = text.find(form.opening)
    if at < 0:
        return None
    before, end = text[:at].rstrip(), at + len(form.opening)
    decoder, calls = json.JSONDecoder(), list[Lookup | AskedTool]()
    while True:
        name = next((n for n in readers if text.startswith(n + form.middle, end)), None)
        try:
            if name is None:
                break
            arguments, end = decoder.raw_decode(text, end + len(name) + len(form.middle))
            calls.append(readers[name](arguments))
        except BadToolCall as error:
            return FoundCalls(before, (), str(error))
        except (ValueError, RecursionError):
            break
        if form.between is None or not text.startswith(form.between, end):
            rest = text[end:].strip()
            is_whole = is_cut or form.ending.strip().startswith(rest)
            return FoundCalls(before, tuple(calls)) if is_whole else None
        end += len(form.between)
    return FoundCalls(before, tuple(calls)) if is_cut and calls else None


def may_become_call(
    text: str, names: Iterable[str] = (LOOK_UP.name,), form: CallForm | None = None
) -> int | None:
    """Return from where on an answer that is still being written may be a call."""
    own = form.opening.strip() if form is not None else ""
    start = len(text) - len(text.lstrip())
    rest = text[start:]
    if rest[:1] in ("{", "[") or rest.startswith("`"):
        return start
    beginnings = (*names, "Action:", "print(")
    if rest and any(rest.startswith(one) or one.startswith(rest) for one in beginnings):
        return start
    at = find_opening(text)
    if at is not None:
        return at
    if len(own) > 1 and own in text:
        return text.find(own)
    marks = (*MARKS, own) if len(own) > 1 else MARKS
    longest = max(map(len, marks))
    for at in range(max(0, len(text) - longest + 1), len(text)):
        if any(mark.startswith(text[at:]) for mark in marks):
            return at
    return None


def _named_first(text: str, names: Iterable[str]) -> str:
    """Return a call whose name stands in front of its arguments, as Functionary's does, as JSON."""
    for name in names:
        arguments = text[len(name) :].strip()
        if text.startswith(name) and arguments[:1] == "{":
            return f'{{"name": "{name}", "arguments": {arguments}}}'
    return text


def _is_no_call(read: Any) -> bool:
    """Return true for what Command R writes in place of a call."""
    return isinstance(read, dict) and read.get("tool_name") in (
        "directly_answer",
        "directly-answer",
    )


def _found(before: str, calls: list[Lookup | AskedTool]) -> FoundCalls:
    if not calls:
        return FoundCalls(before, (), "the call is empty")
    return FoundCalls(before, tuple(calls))


def _call(read: Any, readers: Mapping[str, Reader]) -> Lookup | AskedTool:
    if isinstance(read, dict) and isinstance(read.get("function"), dict):
        read = read["function"]
    if isinstance(read, dict) and "tool_name" in read and "name" not in read:
        read = {**read, "name": read["tool_name"]}
    if isinstance(read, dict) and len(read) == 1:
        ((key, held),) = read.items()
        if key in readers and isinstance(held, dict):
            read = {"name": key, "arguments": held}
    if not isinstance(read, dict) or not isinstance(read.get("name"), str):
        raise BadToolCall("the call has no name")
    reader = readers.get(read["name"])
    if reader is None:
        raise BadToolCall(f"unknown tool {read['name'][:60]!r}")
    given = [read[key] for key in ("arguments", "parameters") if key in read]
    if len(given) != 1:
        raise BadToolCall("the call has no arguments")
    return reader(given[0])


def _looks_like_call(read: Any) -> bool:
    if not isinstance(read, dict):
        return False
    name = read.get("name", read.get("tool_name"))
    return isinstance(read.get("function"), dict) or (
        isinstance(name, str) and ("arguments" in read or "parameters" in read)
    )
