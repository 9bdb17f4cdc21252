"""Tool calls of models without lookup tokens: their forms, and a strict parser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lamlam.errors import BadToolCall
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.runtime.chat.call_forms import MAX_CALL_CHARACTERS, read_bare, read_marked
from lamlam.runtime.decoding.call_openings import MARKS, find_opening
from lamlam.runtime.decoding.settings import CallForm
from lamlam.runtime.tools.arguments import LookUp
from lamlam.runtime.tools.call_reading import read_arguments
from lamlam.runtime.tools.tool import TOOLS

LOOK_UP = TOOLS[0]
OPEN, CLOSE = "<tool_call>", "</tool_call>"
_ACTION = re.compile(r"Action:\s*(?=```)")

INSTRUCTION = f"""\
You can look facts up in a memory. To do so, write nothing but a call in this form, with the \
entity and the relation you ask for:
{OPEN}
{{"name": "{LOOK_UP.name}", "arguments": {{"entity": "Marie Curie", "relation": "birth place"}}}}
{CLOSE}
You then get what memory holds. Use its values to the letter. If memory does not hold a fact, \
say that you do not know it."""
"""For models whose template does not write the definitions of tools."""


TAGGED_FORM = CallForm(
    OPEN,
    (
        f'\n{{"name": "{LOOK_UP.name}", "arguments": {{"entity": "',
        '", "relation": "',
        f'"}}}}\n{CLOSE}',
    ),
)
BARE_FORM = CallForm(
    "",
    (
        f'{{"name": "{LOOK_UP.name}", "parameters": {{"entity": "',
        '", "relation": "',
        '"}}',
    ),
)
"""For models that are trained to answer with a call and nothing else."""


@dataclass(frozen=True, slots=True)
class FoundCalls:
    """What a model's turn asks of memory."""

    before: str
    """Text in front of the first call."""
    calls: tuple[Lookup, ...]
    problem: str | None = None
    """What is wrong, where something is; then there are no calls."""


def find_calls(text: str) -> FoundCalls | None:
    """Return the calls of the answer of a model's turn, or ``None`` where there are none.

    A call stands behind a mark (``<tool_call>``, ``[TOOL_CALLS]``, ``<TOOLCALL>`` and those of
    other families), which may be closed; or the whole text is a call, or a list of them, bare or
    fenced. Other JSON is an answer, unless it is behind a mark.
    """
    at = find_opening(text)
    if at is not None:
        before = text[:at].rstrip()
        if len(text) - at > 4 * MAX_CALL_CHARACTERS:
            return FoundCalls(before, (), "the call is too long")
        try:
            return _found(before, [_call(one) for one in read_marked(text[at:])])
        except BadToolCall as error:
            return FoundCalls(before, (), str(error))
    whole = _ACTION.sub("", text.strip(), count=1)
    read = read_bare(_named_first(whole))
    if read is None:
        return None
    read = [one for one in read if not _is_no_call(one)]
    if not read or not all(map(_looks_like_call, read)):
        return None
    try:
        return _found("", [_call(one) for one in read])
    except BadToolCall as error:
        return FoundCalls("", (), str(error))


def may_become_call(text: str) -> int | None:
    """Return from where on an answer that is still being written may be a call."""
    start = len(text) - len(text.lstrip())
    rest = text[start:]
    if rest[:1] in ("{", "[") or rest.startswith("`"):
        return start
    beginnings = (LOOK_UP.name, "Action:", "print(")
    if rest and any(rest.startswith(one) or one.startswith(rest) for one in beginnings):
        return start
    at = find_opening(text)
    if at is not None:
        return at
    longest = max(map(len, MARKS))
    for at in range(max(0, len(text) - longest + 1), len(text)):
        if any(mark.startswith(text[at:]) for mark in MARKS):
            return at
    return None


def _named_first(text: str) -> str:
    """Return a call whose name stands in front of its arguments, as Functionary's does, as JSON."""
    if not text.startswith(LOOK_UP.name):
        return text
    arguments = text[len(LOOK_UP.name) :].strip()
    return (
        f'{{"name": "{LOOK_UP.name}", "arguments": {arguments}}}' if arguments[:1] == "{" else text
    )


def _is_no_call(read: Any) -> bool:
    """Return true for what Command R writes in place of a call."""
    return isinstance(read, dict) and read.get("tool_name") in (
        "directly_answer",
        "directly-answer",
    )


def _found(before: str, calls: list[Lookup]) -> FoundCalls:
    if not calls:
        return FoundCalls(before, (), "the call is empty")
    return FoundCalls(before, tuple(calls))


def _call(read: Any) -> Lookup:
    if isinstance(read, dict) and isinstance(read.get("function"), dict):
        read = read["function"]
    if isinstance(read, dict) and "tool_name" in read and "name" not in read:
        read = {**read, "name": read["tool_name"]}
    if isinstance(read, dict) and len(read) == 1 and isinstance(read.get(LOOK_UP.name), dict):
        read = {"name": LOOK_UP.name, "arguments": read[LOOK_UP.name]}
    if not isinstance(read, dict) or not isinstance(read.get("name"), str):
        raise BadToolCall("the call has no name")
    if read["name"] != LOOK_UP.name:
        raise BadToolCall(f"unknown tool {read['name'][:60]!r}")
    given = [read[key] for key in ("arguments", "parameters") if key in read]
    if len(given) != 1:
        raise BadToolCall("the call has no arguments")
    checked = read_arguments(LOOK_UP, given[0])
    assert isinstance(checked, LookUp)
    return Lookup(checked.entity, checked.relation)


def _looks_like_call(read: Any) -> bool:
    if not isinstance(read, dict):
        return False
    name = read.get("name", read.get("tool_name"))
    return isinstance(read.get("function"), dict) or (
        isinstance(name, str) and ("arguments" in read or "parameters" in read)
    )
