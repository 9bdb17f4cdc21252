"""The shapes in which clients hand messages back, brought into one.

Chat Completions and the Responses API of OpenAI's client, and those that imitate them: keys that are
null, parts of text, refusals, pieces of streamed calls, items beside messages.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from enum import Enum
from typing import Any

from lamlam.errors import BadMessages
from lamlam.runtime.chat.message_parts import ONLY_TEXT, dumped, read_calls, read_content

ROLES = ("system", "developer", "user", "assistant", "tool")
HINT = "a message has a role (system, developer, user, assistant or tool) and a text as content"
_MEDIA = ("image", "image_url", "images", "audio_url", "video", "videos", "files")
_READ = (
    *("role", "content", "reasoning_content", "reasoning", "thinking", "name", "tool_name"),
    *("tool_calls", "tool_call_id", "function_call", "refusal", "audio"),
)
IGNORED = frozenset(
    (
        "annotations",
        "citations",
        "context",
        "created",
        "created_at",
        "executed_tools",
        "finish_reason",
    )
    + (
        "id",
        "index",
        "logprobs",
        "metadata",
        "parsed",
        "phase",
        "prefix",
        "provider_specific_fields",
    )
    + ("reasoning_details", "reasoning_tokens", "status", "token_ids", "type", "usage", "weight")
)
"""Keys that clients add and that say nothing to a model."""
_SIMILAR = 0.78
_OTHER_ROLES = {
    "human": "user",
    "ai": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "gpt": "assistant",
}
_WRAPPED = {
    "delta": "join what the pieces of the stream say into one message of the assistant",
    "choices": "hand over response.choices[0].message",
    "message": "hand over its message",
    "output": "hand over the items of response.output",
}
_FRAMEWORKS = {
    "langchain": "convert them: langchain_core.messages.convert_to_openai_messages(messages)",
    "langchain_core": "convert them: langchain_core.messages.convert_to_openai_messages(messages)",
    "llama_index": 'convert them: {"role": message.role.value, "content": message.content}',
}


def as_mapping(n: int, message: Any) -> dict[str, Any]:
    """Return a message that is a dictionary, or an object of a client, as a dictionary.

    Raises:
        BadMessages: it is neither.
    """
    kind = type(message)
    framework = kind.__module__.partition(".")[0]
    if framework in _FRAMEWORKS:
        raise BadMessages(
            f"message {n} is an object of {framework} ({kind.__name__})",
            hint=_FRAMEWORKS[framework],
        )
    message = dumped(message)
    if not isinstance(message, Mapping):
        is_answer = isinstance(getattr(message, "message", None), Mapping)
        raise BadMessages(
            f"message {n} must be a dictionary, got {kind.__name__}",
            hint="hand over answer.message, or all of answer.messages" if is_answer else HINT,
        )
    return dict(message)


def joined_items(given: list[tuple[int, dict[str, Any]]]) -> list[tuple[int, dict[str, Any]]]:
    """Return items of the Responses API as messages; what one answer consists of is one message.

    Raises:
        BadMessages: an item is neither a message, a call, a result nor reasoning.
    """
    joined: list[tuple[int, dict[str, Any]]] = []
    thought: list[str] = []
    open_answer: dict[str, Any] | None = None
    """The message of the model to which calls can be added."""
    for n, item in given:
        kind = item.get("type")
        if "role" in item or kind in (None, "message"):
            message = dict(item)
            open_answer = None
            if message.get("role") == "assistant" and kind == "message":
                open_answer = message
        elif kind == "reasoning":
            shown = read_content(n, item.get("content") or item.get("summary") or ())
            thought += filter(None, [shown.thought or shown.text])
            continue
        elif kind == "function_call":
            called = {"name": item.get("name"), "arguments": item.get("arguments")}
            call = {"id": item.get("call_id") or item.get("id"), "function": called}
            if open_answer is not None and not thought:
                open_answer["tool_calls"] = [*(open_answer.get("tool_calls") or ()), call]
                continue
            message = open_answer = {"role": "assistant", "tool_calls": [call]}
        elif kind == "function_call_output":
            message = {"role": "tool", "tool_call_id": item.get("call_id")}
            message["content"] = item.get("output")
            open_answer = None
        else:
            role = _OTHER_ROLES.get(str(kind))
            raise BadMessages(
                f"message {n}: no role, and an unknown type {str(kind)[:60]!r}",
                hint=f'write "role": "{role}" in place of the type' if role else HINT,
            )
        if thought and message.get("role") == "assistant":
            message.setdefault("reasoning_content", "\n\n".join(thought))
            thought = []
        joined.append((n, message))
    return joined


def plain_message(n: int, message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message with the keys that templates read, and with nothing empty among them.

    Raises:
        BadMessages: a misspelt key, an unknown role, or content that is not text.
    """
    _check_keys(n, message)
    role = _role(n, message)
    content = read_content(n, message.get("content"))
    thoughts = (message.get(key) for key in ("reasoning_content", "reasoning", "thinking"))
    calls = read_calls(n, message)
    text = _with_refusal(n, message, content.text)
    thought = content.thought or next(filter(None, thoughts), None)
    may_be_empty = calls or thought or (role in ("assistant", "tool") and "content" in message)
    if not isinstance(text, str | None):
        raise BadMessages(
            f"message {n}: content must be a text or a list of parts, got {type(text).__name__}",
            hint="write the JSON text of a result" if role == "tool" else HINT,
        )
    if text is None and not may_be_empty:
        raise BadMessages(
            f"message {n} has no content",
            hint=f"its keys are {', '.join(sorted(map(str, message)))}; {HINT}"[:300],
        )
    plain = {
        "role": role,
        "content": text,
        "reasoning_content": thought,
        "name": message.get("name") or message.get("tool_name") or None,
        "tool_calls": calls or None,
        "tool_call_id": message.get("tool_call_id"),
    }
    return {key: value for key, value in plain.items() if value is not None}


def _with_refusal(n: int, message: Mapping[str, Any], content: Any) -> Any:
    """Return the content, with what the model said in place of one: a refusal, or spoken text."""
    audio = message.get("audio")
    medium = next((key for key in _MEDIA if message.get(key)), None)
    if medium or (audio and not isinstance(audio, Mapping)):
        raise BadMessages(f"message {n} has {medium or 'audio'}", hint=ONLY_TEXT)
    refusal = message.get("refusal")
    if refusal:
        return f"{content}\n{refusal}" if content else refusal
    if audio and not content:
        if not audio.get("transcript"):
            raise BadMessages(f"message {n} has audio without a transcript", hint=ONLY_TEXT)
        return audio["transcript"]
    return content


def _role(n: int, message: Mapping[str, Any]) -> str:
    """Return the role; an enumeration's value is one, too."""
    role = message.get("role")
    role = role.value if isinstance(role, Enum) else role
    if role == "function":
        return "tool"
    if isinstance(role, str) and role in ROLES:
        return role
    if role is None:
        is_piece = message.get("object") == "chat.completion.chunk"
        inner = "delta" if is_piece else next((key for key in _WRAPPED if key in message), None)
        raise BadMessages(f"message {n} has no role", hint=_WRAPPED[inner] if inner else HINT)
    near = _OTHER_ROLES.get(role) if isinstance(role, str) else None
    near = near or next(iter(difflib.get_close_matches(str(role).lower(), ROLES, 1)), None)
    raise BadMessages(
        f"message {n}: role must be one of {', '.join(ROLES)}, got {str(role)[:60]!r}",
        hint=f"did you mean {near!r}?" if near else HINT,
    )


def _check_keys(n: int, message: Mapping[str, Any]) -> None:
    """Refuse a key that is written nearly as one that is read; others may be a client's own."""
    for key, value in message.items():
        if key in (*_READ, *_MEDIA, *IGNORED) or value is None:
            continue
        near = difflib.get_close_matches(str(key).lower(), _READ, n=1, cutoff=_SIMILAR)
        if near:
            raise BadMessages(
                f"message {n}: unknown key {str(key)[:60]!r}", hint=f"did you mean {near[0]!r}?"
            )
