"""The forms in which model families write calls: each is read into names and arguments.

Nothing is checked here but the form; `tool_calls` checks names and arguments.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from typing import Any

from lamlam.errors import BadToolCall
from lamlam.runtime.decoding.output_marks import CALL_CLOSINGS, CALL_OPENINGS, MESSAGE

MAX_CALL_CHARACTERS = 64_000
_MAX_PYTHON_CHARACTERS = 4_000
Call = dict[str, Any]

_NAME = r"[\w.\-]+"
_FENCE = re.compile(r"```(?:json|tool_code|python)?\s*(.*?)\s*(?:```|\Z)", re.DOTALL)
_HARMONY = re.compile(rf"to=(?:functions\.)?({_NAME}).*?{re.escape(MESSAGE)}(.*)\Z", re.DOTALL)
_DEEPSEEK = re.compile(rf"(?:function\s*)?<｜tool▁sep｜>\s*({_NAME})\s*(```.*)", re.DOTALL)
_SEPARATED = re.compile(
    rf"(?:functions\.)?({_NAME})(?::\d+)?\s*"
    r"(?:<｜tool▁sep｜>|<\|tool_call_argument_begin\|>|\[CALL_ID\]\w*\[ARGS\]|\[ARGS\])\s*(.*)",
    re.DOTALL,
)
_NAME_THEN_JSON = re.compile(rf"({_NAME})\s*(\{{.*)", re.DOTALL)
_FUNCTION_TAG = re.compile(r"<function=([^>]+)>(.*?)(?:</function>|(?=<function=)|\Z)", re.DOTALL)
_PARAMETER = re.compile(
    r"<parameter=([^>]+)>\n?(.*?)\n?(?:</parameter>|(?=<parameter=)|\Z)", re.DOTALL
)
_INVOKE = re.compile(r'<invoke\s+name="([^"]+)"\s*>(.*?)(?:</invoke>|\Z)', re.DOTALL)
_INVOKED = re.compile(r'<parameter\s+name="([^"]+)"[^>]*>(.*?)</parameter>', re.DOTALL)
_KEY_VALUE = re.compile(
    r"<arg_key>\s*(.*?)\s*</arg_key>\s*<arg_value>\s*(.*?)\s*</arg_value>", re.DOTALL
)
_GEMMA = re.compile(rf"call:({_NAME})\s*\{{(.*)\}}", re.DOTALL)
_GEMMA_VALUE = re.compile(r'(\w+)\s*:\s*(?:<\|"\|>(.*?)<\|"\|>|([^,{}<]+))', re.DOTALL)
_SEPARATORS = re.compile(
    "|".join(
        re.escape(mark)
        for mark in (*CALL_CLOSINGS, *CALL_OPENINGS)
        if mark not in ("[ARGS]", "[CALL_ID]", "<function=", "<invoke ", "functools[")
        and "sep" not in mark
        and "argument" not in mark
    )
)


def read_json(text: str) -> Any:
    """Return what JSON says.

    Raises:
        BadToolCall: it is too long, no JSON, or names a key twice.
    """
    if len(text) > MAX_CALL_CHARACTERS:
        raise BadToolCall("the call is too long")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise BadToolCall("the call is not JSON") from None


def read_marked(text: str) -> list[Any]:
    """Return the calls in a text that begins with the opening of one, in whatever form.

    Raises:
        BadToolCall: a part is no call.
    """
    harmony = _HARMONY.search(text) if MESSAGE in text else None
    if harmony:
        return [_named(harmony[1], read_json(harmony[2].strip()))]
    text = text.removeprefix("functools")
    parts = [part.strip() for part in _SEPARATORS.split(text)]
    found: list[Any] = []
    for part in parts if any(parts) else [""]:
        if part or len(parts) == 1 or not any(parts):
            found += read_part(part)
    return found


def read_part(part: str) -> list[Any]:
    """Return the calls of one part without its marks."""
    for read in _READERS:
        calls = read(part)
        if calls is not None:
            return calls
    value = read_json(_unfenced(part))
    return value if isinstance(value, list) else [value]


def read_bare(text: str) -> list[Any] | None:
    """Return what a whole text holds if it has the form of calls without marks.

    That is JSON, fenced or not, several objects one after the other, or calls as in Python.
    """
    body = _unfenced(text)
    try:
        value = read_json(body)
        return value if isinstance(value, list) and value else [value]
    except BadToolCall:
        pass
    return _several(body) or _pythonic(body)


def _unfenced(text: str) -> str:
    fenced = _FENCE.fullmatch(text.strip())
    return fenced[1] if fenced else text.strip()


def _several(text: str) -> list[Any] | None:
    """Read objects that follow each other, with a semicolon, comma or white space between."""
    if not text.startswith("{") or len(text) > MAX_CALL_CHARACTERS:
        return None
    decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse)
    found, at = [], 0
    try:
        while at < len(text):
            value, at = decoder.raw_decode(text, at)
            found.append(value)
            at += len(text[at:]) - len(text[at:].lstrip(" \n\t;,"))
    except (ValueError, RecursionError):
        return None
    return found


def _pythonic(text: str) -> list[Any] | None:
    """Read ``[name(key="value")]`` or ``name.call(key="value")``; nothing is evaluated."""
    if len(text) > _MAX_PYTHON_CHARACTERS or not re.match(rf"\[?\s*(?:print\()?{_NAME}\(", text):
        return None
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    nodes = tree.elts if isinstance(tree, ast.List) else [tree]
    calls = [_python_call(node) for node in nodes]
    return None if None in calls or not calls else calls


def _python_call(node: ast.expr) -> Call | None:
    if not isinstance(node, ast.Call):
        return None
    function = node.func
    if isinstance(function, ast.Name) and function.id == "print" and len(node.args) == 1:
        return _python_call(node.args[0])
    if isinstance(function, ast.Attribute) and function.attr == "call":
        function = function.value
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)
    given = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            return None
        try:
            given[keyword.arg] = ast.literal_eval(keyword.value)
            json.dumps(given[keyword.arg], allow_nan=False)
        except (TypeError, ValueError, RecursionError, MemoryError):
            return None
    return None if name is None or node.args else _named(name, given)


def _function_tags(part: str) -> list[Any] | None:
    found = []
    for name, body in _FUNCTION_TAG.findall(part):
        given = dict(_PARAMETER.findall(body)) if "<parameter=" in body else read_json(body)
        found.append(_named(name.strip(), given))
    return found or None


def _invocations(part: str) -> list[Any] | None:
    found = _INVOKE.findall(part)
    return [_named(name, dict(_INVOKED.findall(body))) for name, body in found] or None


def _key_values(part: str) -> list[Any] | None:
    name = part.partition("<arg_key>")[0].strip()
    if "<arg_key>" not in part or not re.fullmatch(_NAME, name):
        return None
    return [_named(name, dict(_KEY_VALUE.findall(part)))]


def _gemma(part: str) -> list[Any] | None:
    found = _GEMMA.search(part)
    if not found:
        return None
    values = {key: text or bare for key, text, bare in _GEMMA_VALUE.findall(found[2])}
    return [_named(found[1], values)]


def _name_and_json(part: str) -> list[Any] | None:
    for pattern in (_DEEPSEEK, _SEPARATED, _NAME_THEN_JSON):
        found = pattern.fullmatch(part)
        if found:
            return [_named(found[1], read_json(_unfenced(found[2])))]
    return None


_READERS: tuple[Callable[[str], list[Any] | None], ...] = (
    _function_tags,
    _invocations,
    _key_values,
    _gemma,
    _name_and_json,
    _pythonic,
)


def _named(name: str, arguments: Any) -> Call:
    return {"name": name.removeprefix("functions."), "arguments": arguments}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("duplicate key")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
