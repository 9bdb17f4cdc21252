"""The form in which one template reads calls, results, roles and thoughts.

Templates disagree: some take the arguments of a call as an object, others as its JSON text; some
write calls only where the content is null, or accept ids of nine characters only; some know no
calls at all, and would leave them out in silence. So a template is tried once, with a call whose
argument must then be found in what it writes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from lamlam.errors import BadChatTemplate

if TYPE_CHECKING:
    from lamlam.runtime.chat.template import ChatTemplate

Messages = list[dict[str, Any]]

_ARGUMENTS = {"probe_key": "probe_value"}
_TOOL = {
    "type": "function",
    "function": {
        "name": "probe_name",
        "description": "a probe",
        "parameters": {
            "type": "object",
            "properties": {"probe_key": {"type": "string", "description": "a key"}},
            "required": ["probe_key"],
        },
    },
}
_WORK = 100_000
"""Steps of one trial, twenty times what the longest template of a public model takes."""
_AS_REPR, _ESCAPED = "{'probe_key'", '\\"probe_key'
_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "thought")


@dataclass(frozen=True, slots=True)
class TemplateNeeds:
    """What a template expects of messages, where that is not what most expect."""

    has_short_ids: bool = False
    """It refuses ids of calls that have not nine characters."""
    has_text_arguments: bool = False
    has_null_content: bool = False
    """It writes the calls of a message only where its content is null."""
    writes_calls: bool = True
    knows_developer: bool = True
    thought_key: str = "reasoning_content"

    def readable(self, messages: Messages) -> Messages:
        """Return the messages without roles and calls that the template does not know."""
        if not self.knows_developer:
            messages = _with_system(messages)
        return messages if self.writes_calls else _with_written_calls(messages)

    def shaped(self, messages: Messages) -> Messages:
        """Return the messages with calls and thoughts as the template reads them."""
        ids: dict[str, str] = {}
        shaped: Messages = []
        for message in messages:
            message = self._with_thought(message)
            if "tool_calls" in message:
                message = {
                    **message,
                    "tool_calls": [self._call(c, ids) for c in message["tool_calls"]],
                }
            elif self.has_short_ids and message.get("tool_call_id") is not None:
                said = message["tool_call_id"]
                message = {**message, "tool_call_id": ids.setdefault(said, _short_id(len(ids)))}
            if self.has_null_content and "tool_calls" in message:
                if message["content"]:
                    shaped.append({k: v for k, v in message.items() if k != "tool_calls"})
                message = {**message, "content": None}
            shaped.append(message)
        return shaped

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
            call = {**call, "id": ids.setdefault(key, _short_id(len(ids)))}
        if self.has_text_arguments:
            text = json.dumps(call["function"]["arguments"], ensure_ascii=False)
            call = {**call, "function": {**call["function"], "arguments": text}}
        return call


def is_special(message: dict[str, Any]) -> bool:
    """Return whether templates read the message in different ways."""
    keys = ("tool_calls", "tool_call_id", "reasoning_content")
    return message["role"] in ("developer", "tool") or any(key in message for key in keys)


def find_needs(template: ChatTemplate) -> TemplateNeeds:
    """Return what the template needs, as a few renderings show."""
    source = template.source
    known = TemplateNeeds(
        knows_developer="developer" in source,
        thought_key=next((key for key in _THOUGHTS if _reads(source, key)), "reasoning_content"),
    )
    is_rendered = False
    for short_ids, text_arguments, null_content in product((False, True), repeat=3):
        needs = replace(
            known,
            has_short_ids=short_ids,
            has_text_arguments=text_arguments,
            has_null_content=null_content,
        )
        try:
            text = template.render(needs.shaped(_probe()), tools=[_TOOL], work=_WORK)
        except BadChatTemplate:
            continue
        is_rendered = True
        if "probe_value" in text and _AS_REPR not in text and _ESCAPED not in text:
            return needs
    return replace(known, writes_calls="tool_calls" in source and not is_rendered)


def _probe() -> Messages:
    call_id = "call_of_a_probe_with_a_long_id"
    function = {"name": "probe_name", "arguments": dict(_ARGUMENTS)}
    call = {"id": call_id, "type": "function", "function": function}
    return [
        {"role": "user", "content": "a question"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {
            "role": "tool",
            "name": "probe_name",
            "tool_call_id": call_id,
            "content": "a result",
        },
    ]


def _reads(source: str, key: str) -> bool:
    return re.search(rf"""\.{key}\b(?!\()|["']{key}["']""", source) is not None


def _short_id(n: int) -> str:
    return f"call{n:05d}"


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
