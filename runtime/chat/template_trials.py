"""Trials of a template: a few short conversations, whose words must be in what it writes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

from lamlam.errors import BadChatTemplate
from lamlam.runtime.chat.template_needs import Messages, TemplateNeeds

if TYPE_CHECKING:
    from lamlam.runtime.chat.template import ChatTemplate

_WORK = 60_000
"""Steps of one trial, twelve times what the longest template of a public model takes."""
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
_AS_REPR, _ESCAPED = "{'probe_key': 'probe_value", '\\"probe_key\\": \\"probe_value'
_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "thought")
_QUESTION = {"role": "user", "content": "probe_question"}
_ANSWER = {"role": "assistant", "content": "probe_answer"}
_NEXT = {"role": "user", "content": "probe_next"}


def find_needs(template: ChatTemplate) -> TemplateNeeds:
    """Return what the template needs, as a few renderings show."""
    source = template.source
    plain = [_QUESTION, _ANSWER, _NEXT]
    words = ("probe_question", "probe_answer", "probe_next")
    known = TemplateNeeds(
        thought_key=next((key for key in _THOUGHTS if _reads(source, key)), "reasoning_content"),
    )
    choices = product((False, True), repeat=2)
    known = (
        _first_that_writes(
            template,
            (replace(known, has_empty_tools=empty, has_parts=parts) for empty, parts in choices),
            plain,
            words,
            has_tools=False,
        )[0]
        or known
    )
    developer = [{"role": "developer", "content": "probe_system"}, _QUESTION]
    told = (
        rendered_trial(template, known, developer, has_tools=False) if "developer" in source else ""
    )
    known = replace(known, knows_developer="probe_system" in (told or ""))
    return _with_calls(template, known)


def _with_calls(template: ChatTemplate, known: TemplateNeeds) -> TemplateNeeds:
    """Return the needs with those that concern calls."""
    choices = (
        replace(
            known,
            has_short_ids=short_ids,
            has_text_arguments=text_arguments,
            has_null_content=null_content,
        )
        for short_ids, text_arguments, null_content in product((False, True), repeat=3)
    )
    found, is_rendered = _first_that_writes(template, choices, called_trial(1), ("probe_value0",))
    if found is None:
        is_known = "tool_calls" in template.source and not is_rendered
        return replace(known, writes_calls=is_known)
    values = ("probe_value0", "probe_value1")
    singles = (found, replace(found, has_single_calls=True))
    found = _first_that_writes(template, singles, called_trial(2), values)[0] or found
    said, words = called_trial(1, "probe_said"), ("probe_said", "probe_value0")
    if _first_that_writes(template, [found], said, words)[0]:
        return found
    apart = [replace(found, has_calls_apart=True)]
    return _first_that_writes(template, apart, [*said, _ANSWER, _NEXT], words)[0] or found


def _first_that_writes(
    template: ChatTemplate,
    choices: Iterable[TemplateNeeds],
    messages: Messages,
    words: tuple[str, ...],
    *,
    has_tools: bool = True,
) -> tuple[TemplateNeeds | None, bool]:
    """Return the first needs with which the template writes all words, and whether any works."""
    is_rendered = False
    for needs in choices:
        text = rendered_trial(template, needs, messages, has_tools=has_tools)
        if text is None:
            continue
        is_rendered = True
        if all(word in text for word in words) and _AS_REPR not in text and _ESCAPED not in text:
            return needs, True
    return None, is_rendered


def rendered_trial(
    template: ChatTemplate, needs: TemplateNeeds, messages: Messages, *, has_tools: bool
) -> str | None:
    """Return what a template writes of messages; none where it refuses them."""
    tools: list[dict[str, Any]] | None = [_TOOL] if has_tools else needs.no_tools
    try:
        return template.render(needs.shaped(messages), tools=tools, work=_WORK)
    except BadChatTemplate:
        return None


def called_trial(n_calls: int, said: str = "") -> Messages:
    """Return a question, an answer with calls of ``probe_name``, and their results."""
    ids = [f"call_of_a_probe_with_a_long_id_{n}" for n in range(n_calls)]
    calls = [
        {
            "id": call_id,
            "type": "function",
            "function": {"name": "probe_name", "arguments": {"probe_key": f"probe_value{n}"}},
        }
        for n, call_id in enumerate(ids)
    ]
    results = [
        {"role": "tool", "name": "probe_name", "tool_call_id": call_id, "content": "probe_result"}
        for call_id in ids
    ]
    return [_QUESTION, {"role": "assistant", "content": said, "tool_calls": calls}, *results]


def _reads(source: str, key: str) -> bool:
    return re.search(rf"""\.{key}\b(?!\()|["']{key}["']""", source) is not None
