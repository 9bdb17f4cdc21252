"""The form in which one template reads calls, results, roles and thoughts.

Templates disagree: some take the arguments of a call as an object, others as its JSON text; some
write calls only where the content is null, or one call a message, or accept ids of nine characters
only; some read nothing but parts of text; some know no calls at all, and would leave them out in
silence. `template_trials` finds out which.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

_SHORT = 9
Messages = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class TemplateNeeds:
    """What a template expects of messages, where that is not what most expect."""

    has_short_ids: bool = False
    """It refuses ids of calls that have not nine characters."""
    has_text_arguments: bool = False
    has_null_content: bool = False
    """It writes the calls of a message only where its content is null."""
    has_single_calls: bool = False
    """It writes one call a message."""
    has_calls_apart: bool = False
    """It leaves out the calls of a message that says something, or what that says."""
    has_parts: bool = False
    """It reads content as parts of text only."""
    has_empty_tools: bool = False
    """It takes no tools as an empty list only."""
    writes_calls: bool = True
    knows_developer: bool = True
    thought_key: str = "reasoning_content"

    @property
    def no_tools(self) -> list[dict[str, Any]] | None:
        """What to hand over where no tools are offered."""
        return [] if self.has_empty_tools else None

    def readable(self, messages: Messages) -> Messages:
        """Return the messages without roles and calls that the template does not know."""
        if not self.knows_developer:
            messages = _with_system(messages)
        return messages if self.writes_calls else _with_written_calls(messages)

    def shaped(self, messages: Messages) -> Messages:
        """Return the messages with calls and thoughts as the template reads them."""
        ids: dict[str, str] = {}
        shaped: Messages = []
        for message in _one_call_each(messages) if self.has_single_calls else messages:
            message = self._with_thought(message)
            if "tool_calls" in message:
                message = {
                    **message,
                    "tool_calls": [self._call(c, ids) for c in message["tool_calls"]],
                }
            elif self.has_short_ids and message.get("tool_call_id") is not None:
                said = message["tool_call_id"]
                message = {
                    **message,
                    "tool_call_id": ids.setdefault(said, _short_id(said, len(ids))),
                }
            if "tool_calls" in message and (self.has_null_content or self.has_calls_apart):
                content = None if self.has_null_content else ""
                if message["content"]:
                    shaped.append({k: v for k, v in message.items() if k != "tool_calls"})
                    message = {"role": message["role"], "tool_calls": message["tool_calls"]}
                message = {**message, "content": content}
            shaped.append(message)
        return [_in_parts(message) for message in shaped] if self.has_parts else shaped

    def _with_thought(self, message: dict[str, Any]) -> dict[str, Any]:
        thought = message.get("reasoning_content")
        if not thought or self.thought_key == "reasoning_content":
            return message
        if message["content"] and "tool_calls" in message:
            return message  # gpt-oss takes the content of a call for the thought
        return {**message, self.thought_key: thought}

    def _call(self, call: dict[str, Any], ids: dict[str, str]) -> dict[str, Any]:
        if self.has_short_ids:
            key = call["id"] or str(len(ids))
            call = {**call, "id": ids.setdefault(key, _short_id(key, len(ids)))}
        if self.has_text_arguments:
            text = json.dumps(call["function"]["arguments"], ensure_ascii=False)
            call = {**call, "function": {**call["function"], "arguments": text}}
        return call


def _short_id(call_id: str, n: int) -> str:
    return call_id if len(call_id) == _SHORT else f"call{n:05d}"


def _in_parts(message: dict[str, Any]) -> dict[str, Any]:
    return {**message, "content": [{"type": "text", "text": message["content"] or ""}]}


def _one_call_each(messages: Messages) -> Messages:
    """Return the messages with one call in each, followed by its result."""
    single: Messages = []
    rest = list(messages)
    while rest:
        message = rest.pop(0)
        calls = message.get("tool_calls", ())
        if len(calls) < 2:
            single.append(message)
            continue
        n_results = next((n for n, m in enumerate(rest) if m["role"] != "tool"), len(rest))
        results, rest = rest[:n_results], rest[n_results:]
        for n, call in enumerate(calls):
            single.append({**message, "tool_calls": [call]})
            message = {"role": message["role"], "content": ""}
            own = [m for m in results if m.get("tool_call_id") == call["id"]][:1]
            own = own or (results[:1] if n == len(calls) - 1 or not call["id"] else [])
            single += own
            results = [m for m in results if not any(m is one for one in own)]
        single += results
    return single


def _with_system(messages: Messages) -> Messages:
    """Return the messages with the role system for developer, and one of these at the beginning."""
    plain: Messages = []
    for message in messages:
        if message["role"] == "developer":
            message = {**message, "role": "system"}
            if len(plain) == 1 and plain[0]["role"] == "system":
                plain[0] = {**plain[0], "content": _lines(plain[0], message)}
                continue
        plain.append(message)
    return plain


def _with_written_calls(messages: Messages) -> Messages:
    """Return the messages with calls as text, and with results as what the user says."""
    written: Messages = []
    is_result = False
    """The last message is a result, to which what follows of the user is added."""
    for message in messages:
        if message["role"] == "tool":
            message = {"role": "user", "content": message["content"]}
            is_result, was_result = True, is_result
        else:
            is_result, was_result = False, is_result
        if was_result and message["role"] == "user":
            written[-1] = {**message, "content": _lines(written[-1], message)}
            continue
        calls = message.get("tool_calls", ())
        if calls:
            message = {key: value for key, value in message.items() if key != "tool_calls"}
            texts = [message["content"], *(_as_text(call) for call in calls)]
            message["content"] = "\n".join(filter(None, texts))
        written.append(message)
    return written


def _as_text(call: dict[str, Any]) -> str:
    function = json.dumps(call["function"], ensure_ascii=False)
    return f"<tool_call>\n{function}\n</tool_call>"


def _lines(*messages: dict[str, Any]) -> str:
    return "\n".join(message["content"] for message in messages)
