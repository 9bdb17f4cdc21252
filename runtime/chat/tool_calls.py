"""Tool calls of models without lookup tokens: their forms, and a strict parser."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from lamlam.errors import BadToolCall
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.runtime.chat.memory_tools import TOOLS, LookUp, read_arguments
from lamlam.runtime.decoding.settings import CallForm

LOOK_UP = TOOLS[0]
OPEN, CLOSE = "<tool_call>", "</tool_call>"
MAX_CALL_CHARACTERS = 4_000

_TAGGED = re.compile(rf"{OPEN}(.*?)(?:{CLOSE}|(?={OPEN})|\Z)", re.DOTALL)
_FENCED = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)
_LIST_MARK = "[TOOL_CALLS]"

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
    """Return the calls of a model's turn, or ``None`` where the turn is an answer.

    A call is JSON between ``<tool_call>`` and ``</tool_call>`` (which may be missing at the end),
    or the whole text is a call, or a list of them: bare, fenced, or after ``[TOOL_CALLS]``.
    Other JSON is an answer, unless it is inside the tags.
    """
    at = text.find(OPEN)
    if at >= 0:
        before = text[:at].rstrip()
        try:
            calls = [call for part in _TAGGED.findall(text[at:]) for call in _calls_of(_json(part))]
        except BadToolCall as error:
            return FoundCalls(before, (), str(error))
        return _found(before, calls)
    whole = text.strip().removeprefix(_LIST_MARK).strip()
    fenced = _FENCED.fullmatch(whole)
    try:
        read = _json(fenced[1] if fenced else whole)
    except BadToolCall:
        return None
    if not _looks_like_call(read[0] if isinstance(read, list) and read else read):
        return None
    try:
        return _found("", _calls_of(read))
    except BadToolCall as error:
        return FoundCalls("", (), str(error))


def may_become_call(text: str) -> int | None:
    """Return from where on a text that is still being written may be a call."""
    start = len(text) - len(text.lstrip())
    if text[start : start + 1] in ("{", "[") or text[start:].startswith("`"):
        return start
    at = text.find(OPEN)
    if at >= 0:
        return at
    for n in range(min(len(OPEN) - 1, len(text)), 0, -1):
        if text.endswith(OPEN[:n]):
            return len(text) - n
    return None


def _found(before: str, calls: list[Lookup]) -> FoundCalls:
    if not calls:
        return FoundCalls(before, (), "the call is empty")
    return FoundCalls(before, tuple(calls))


def _calls_of(read: Any) -> list[Lookup]:  # Any: what JSON can hold
    return [_call(one) for one in (read if isinstance(read, list) else [read])]


def _call(read: Any) -> Lookup:
    if isinstance(read, dict) and isinstance(read.get("function"), dict):
        read = read["function"]
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
    return isinstance(read.get("function"), dict) or (
        isinstance(read.get("name"), str) and ("arguments" in read or "parameters" in read)
    )


def _json(text: str) -> Any:
    if len(text) > MAX_CALL_CHARACTERS:
        raise BadToolCall("the call is too long")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise BadToolCall("the call is not JSON") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("duplicate key")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
