"""The content and the tool calls of a message, in the shapes that clients give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lamlam.errors import BadMessages

MAX_DEPTH = 28
"""Levels of the arguments of a call."""
FLATTER = f"at most {MAX_DEPTH} levels are read"
ONLY_TEXT = "this model reads text only"
_TEXTS = ("text", "input_text", "output_text", "refusal", "summary_text")
_THOUGHTS = ("thinking", "reasoning", "reasoning_text")
_NO_ARGUMENTS = frozenset(("name", "id", "call_id", "type", "index", "status"))
"""Keys of a called function, or of a call, that cannot be its arguments under another name."""
_OTHER_MEDIA = ("image", "audio", "video", "file", "document")


@dataclass(frozen=True, slots=True)
class ReadContent:
    """What a message says."""

    text: Any
    """A string or ``None``; anything else is for the caller to refuse."""
    thought: str = ""
    """What the model thought, where that is a part of the content."""


def dumped(value: Any) -> Any:
    """Return an object of a client as the dictionary that it is made of; anything else as it is."""
    dump = getattr(value, "model_dump", None)
    is_object = callable(dump) and not isinstance(value, type | Mapping)
    if dump is None or not is_object:
        return value
    try:
        return dump()
    except Exception as error:  # the object's own program
        raise BadMessages(
            f"a {type(value).__name__} cannot be read: its model_dump raises {type(error).__name__}",
            hint="hand over a dictionary",
        ) from None


def read_content(n: int, content: Any) -> ReadContent:
    """Return the content of a message; parts of text are joined.

    Parts stand on lines of their own, unless there is white space between them.

    Raises:
        BadMessages: a part that is not text.
    """
    if not isinstance(content, list | tuple):
        return ReadContent(content)
    texts: list[str] = []
    thoughts: list[str] = []
    for at, part in enumerate(map(dumped, content)):
        is_thought = isinstance(part, Mapping) and part.get("type") in _THOUGHTS
        (thoughts if is_thought else texts).append(_text_of(n, at, part))
    return ReadContent(_joined(texts), _joined(thoughts))


def _text_of(n: int, at: int, part: Any) -> str:
    if isinstance(part, str):
        return part
    kind = part.get("type", "text") if isinstance(part, Mapping) else type(part).__name__
    where = f"message {n}: content.{at}"
    if not isinstance(part, Mapping) or kind not in (*_TEXTS, *_THOUGHTS):
        medium = next((medium for medium in _OTHER_MEDIA if medium in str(kind)), None)
        if medium:
            raise BadMessages(f"{where} is {medium} ({str(kind)[:40]})", hint=ONLY_TEXT)
        raise BadMessages(
            f"{where} must be a part of type text, got {str(kind)[:40]!r}",
            hint="calls stand in tool_calls, and results in messages of the role tool",
        )
    text = next((part[key] for key in ("text", kind) if part.get(key) is not None), None)
    if isinstance(text, Mapping):
        text = text.get("value")
    if isinstance(text, list | tuple):  # thoughts of some clients, one level deep
        pieces = [piece.get("text") for piece in text if isinstance(piece, Mapping)]
        text = _joined([piece for piece in pieces if isinstance(piece, str)])
    if not isinstance(text, str):
        raise BadMessages(
            f"{where}.text must be a string, got {type(text).__name__}",
            hint='a part of text is {"type": "text", "text": "…"}',
        )
    return text


def _joined(texts: list[str]) -> str:
    joined = ""
    for text in filter(None, texts):
        is_apart = not joined or joined[-1].isspace() or text[0].isspace()
        joined += text if is_apart else "\n" + text
    return joined


def read_calls(n: int, message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the calls of a message, with the pieces of streamed ones joined.

    Raises:
        BadMessages: what is there is not a list of calls of functions.
    """
    given = message.get("tool_calls") or ()
    if not isinstance(given, list | tuple):
        raise BadMessages(
            f"message {n}: tool_calls must be a list, got {type(given).__name__}",
            hint='write [{"id": "…", "function": {"name": "…", "arguments": {…}}}]',
        )
    read: list[dict[str, Any]] = []
    by_index: dict[int, dict[str, Any]] = {}
    for at, call in enumerate(map(dumped, given)):
        function = _function(n, at, call)
        index = call.get("index")
        begun = by_index.get(index) if isinstance(index, int) else None
        if begun is not None and not function["name"]:
            _add_piece(begun["function"], function["arguments"])
            continue
        read.append({"id": call.get("id") or "", "function": function})
        if isinstance(index, int):
            by_index[index] = read[-1]
    legacy = dumped(message.get("function_call"))
    if legacy and not read:
        read.append({"id": "", "function": _named(f"message {n}: function_call", legacy)})
    for call in read:
        arguments = call["function"]["arguments"]
        if arguments is None or (isinstance(arguments, str) and not arguments.strip()):
            call["function"]["arguments"] = {}
    return read


def _function(n: int, at: int, call: Any) -> dict[str, Any]:
    where = f"message {n}: tool_calls.{at}"
    if not isinstance(call, Mapping):
        raise BadMessages(f"{where} must be a dictionary, got {type(call).__name__}")
    kind = call.get("type") or "function"
    if kind not in ("function", "function_call"):
        raise BadMessages(
            f"{where} has the type {str(kind)[:40]!r}",
            hint="only calls of functions, with a JSON object as arguments, can be read",
        )
    function = dumped(call.get("function"))
    if function is None and isinstance(call.get("name"), str):
        function = call
    return _named(f"{where}.function", function)


def _named(where: str, function: Any) -> dict[str, Any]:
    if not isinstance(function, Mapping):
        raise BadMessages(
            f"{where} must be a dictionary, got {type(function).__name__}",
            hint='write {"name": "…", "arguments": {…}}',
        )
    # Servers leave them out of a call without arguments; a key beside the name may be them.
    given = {key for key, value in function.items() if value is not None}
    if "arguments" not in function and given - _NO_ARGUMENTS:
        raise BadMessages(
            f"{where} has no arguments",
            hint=f"its keys are {', '.join(sorted(map(str, function)))}"[:200],
        )
    arguments = function.get("arguments")
    if not isinstance(arguments, str | Mapping | None):
        raise BadMessages(
            f"{where}.arguments must be a JSON object or its text, got {type(arguments).__name__}"
        )
    if is_too_deep(arguments):
        raise BadMessages(f"{where}.arguments are nested too deeply", hint=FLATTER)
    return {"name": function.get("name"), "arguments": arguments}


def is_too_deep(value: Any) -> bool:
    """Return whether lists and dictionaries are held in more levels than can be read."""
    level = [value]
    for _ in range(MAX_DEPTH):
        holders = [held for held in level if isinstance(held, Mapping | list | tuple)]
        inner = (held.values() if isinstance(held, Mapping) else held for held in holders)
        level = list({id(part): part for parts in inner for part in parts}.values())
        if not level:
            return False
    return True


def _add_piece(function: dict[str, Any], piece: Any) -> None:
    if isinstance(piece, str):
        function["arguments"] = (function["arguments"] or "") + piece
