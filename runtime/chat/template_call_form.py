"""The form in which one template writes the calls of a model: read off from what it renders.

Templates of model families differ in marks, in the names of keys and in what stands between calls.
A question is rendered, with and without an answer that calls a tool; what the answer adds around
the name and the arguments, up to where the message ends, is the form that the model was trained on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from os.path import commonprefix
from typing import Any

from lamlam.runtime.chat.call_grammar import CallForm
from lamlam.runtime.chat.template import ChatTemplate
from lamlam.runtime.chat.template_needs import TemplateNeeds
from lamlam.runtime.chat.template_trials import called_trial, rendered_trial
from lamlam.runtime.decoding.thoughts import opened_by

_NAME = "probe_name"
_KEY_AND_ID = r'"(?:id|tool_call_id)":\s*"(?:call_of_a_probe_with_a_long_id_\d|call\d{5})"'
_ID = re.compile(rf",\s*{_KEY_AND_ID}|{_KEY_AND_ID},\s*")
_LONGEST_PART = 200
"""Characters of one part of a form; more is no form but text that the template adds."""


def find_call_form(
    template: ChatTemplate, needs: TemplateNeeds, ends: Collection[str]
) -> CallForm | None:
    """Return the form of calls, or none if the template writes none with JSON as arguments.

    Args:
        ends: texts of the tokens that end a message of the model.
    """
    if not (template.supports_tools and needs.writes_calls):
        return None
    one, two = called_trial(1), called_trial(2)
    asked = rendered_trial(template, needs, one[:1], has_tools=True)
    single = rendered_trial(template, needs, one[:2], has_tools=True)
    if asked is None or single is None:
        return None
    start = _common(asked, single)
    if asked[start:].strip() not in ("", opened_by(asked)):
        return None
    first = _call_behind(single, start, 0)
    if first is None:
        return None
    name_at, arguments_at, end = first
    opening, middle = single[start:name_at], single[name_at + len(_NAME) : arguments_at]
    ending = _up_to_end(single[end:], ends, asked)
    form = CallForm(_plain(opening).lstrip(), _plain(middle), None, _plain(ending))
    if needs.has_single_calls or not _is_short(form):
        return form if _is_short(form) else None
    double = rendered_trial(template, needs, two[:2], has_tools=True)
    between = _between(double, start, middle) if double is not None else None
    return CallForm(form.opening, form.middle, between, form.ending)


def _between(double: str, start: int, middle: str) -> str | None:
    first = _call_behind(double, start, 0)
    second = _call_behind(double, first[2], 1) if first else None
    if first is None or second is None:
        return None
    # Where each call has a number of its own, a grammar would have to count.
    is_alike = _plain(double[second[0] + len(_NAME) : second[1]]) == _plain(middle)
    between = _plain(double[first[2] : second[0]])
    return between if is_alike and len(between) <= _LONGEST_PART else None


def _call_behind(text: str, start: int, n: int) -> tuple[int, int, int] | None:
    """Return where a call's name begins, and where its arguments begin and end."""
    value_at = text.find(f"probe_value{n}", start)
    arguments_at = text.rfind("{", start, max(start, value_at))
    name_at = text.rfind(_NAME, start, max(start, arguments_at))
    if min(value_at, arguments_at, name_at) < 0:
        return None
    try:
        read: Any
        read, end = json.JSONDecoder().raw_decode(text, arguments_at)
    except ValueError:
        return None
    return (name_at, arguments_at, end) if read == {"probe_key": f"probe_value{n}"} else None


def _common(asked: str, single: str) -> int:
    """Return how much both begin with, without a thought that only the first has opened."""
    opened = opened_by(asked)
    before = asked[: asked.rfind(opened)] if opened else asked
    while before and not single.startswith(before):
        stripped = before.rstrip()
        if stripped == before:
            return 0
        before = stripped
    return len(before)


def _up_to_end(text: str, ends: Collection[str], asked: str) -> str:
    """Return what follows the last call in its message.

    Args:
        asked: a prompt, which ends as the text does where no token ends a message.
    """
    found = [text.find(end) for end in ends if end and end in text]
    if found:
        return text[: min(found)].rstrip()
    same = commonprefix([text[::-1], asked[::-1]])
    return text[: len(text) - len(same)].rstrip()


def _plain(part: str) -> str:
    """Return a part without the ids of calls, which are not the model's to write."""
    return _ID.sub("", part)


def _is_short(form: CallForm) -> bool:
    parts = (form.opening, form.middle, form.ending)
    return bool(form.opening) and max(map(len, parts)) <= _LONGEST_PART
