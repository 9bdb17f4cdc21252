"""Grammars of a turn: calls in the form of a model's template, or an answer that fits a schema.

The grammars are llguidance's, a variant of Lark's; schemas in them become rules by ``%json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lamlam.runtime.chat.tool_definitions import OfferedTool
from lamlam.runtime.decoding.call_openings import MARKS
from lamlam.runtime.decoding.output_marks import CHANNEL, MESSAGE

MAX_PARALLEL_CALLS = 8
"""In one turn."""


@dataclass(frozen=True, slots=True)
class CallForm:
    """How a model writes calls: the texts around names and arguments."""

    opening: str
    """Before the name of the first."""
    middle: str
    """Between a name and its arguments."""
    between: str | None
    """Between the arguments of a call and the name of the next; ``None``: one call a turn."""
    ending: str
    """Behind the arguments of the last."""

    def triggers(self, names: Sequence[str]) -> tuple[tuple[str, ...], bool]:
        """Return texts that show that a call has begun, and whether only an answer's begin does.

        Without any, nothing that a text contains shows it.
        """
        if self.opening.startswith(CHANNEL):  # which any text may begin with
            return (self.opening,), False
        mark = next((mark for mark in MARKS if self.opening.startswith(mark)), None)
        if mark:
            return (mark,), False
        if self.opening[:1] in ("{", "["):
            return tuple(f"{self.opening}{name}{self.middle[:1]}" for name in names), True
        return (), False

    @property
    def before_answer(self) -> str:
        """What stands before an answer."""
        return f"{CHANNEL}final{MESSAGE}" if self.opening.startswith(CHANNEL) else ""


TAGGED_FORM = CallForm(
    '<tool_call>\n{"name": "',
    '", "arguments": ',
    '}\n</tool_call>\n<tool_call>\n{"name": "',
    "}\n</tool_call>",
)
"""For models whose template does not write calls: the form that most are trained on."""
BARE_FORM = CallForm('{"name": "', '", "parameters": ', None, "}")
"""For models that are trained to answer with a call and nothing else."""
HARMONY_FORM = CallForm(
    f"{CHANNEL}commentary to=functions.", f" <|constrain|>json{MESSAGE}", None, ""
)
"""Of gpt-oss, whose template writes the calls of a history in another form than it calls in."""


def turn_grammar(
    form: CallForm,
    tools: Sequence[OfferedTool],
    answer: str | None,
    control: Mapping[str, int],
    *,
    several: bool,
) -> str:
    """Return the grammar of a turn.

    Args:
        tools: of which one is called; none: the turn is an answer.
        answer: the rule of an answer that may stand in place of a call.
        control: tokens by text that are more than their text.
        several: more than one call may be made.
    """
    rules, starts = ["%llguidance {}"], []
    if tools:
        more = ""
        if several and form.between is not None:
            between = _literal(form.between, control)
            more = f" ({between} call){{0,{MAX_PARALLEL_CALLS - 1}}}"
        starts.append("calls")
        opening, ending = (_literal(text, control) for text in (form.opening, form.ending))
        rules.append(f"calls: {opening} call{more} {ending}")
        rules.append("call: " + " | ".join(f"call_{n}" for n in range(len(tools))))
        for n, tool in enumerate(tools):
            head = _literal(tool.name + form.middle, control)
            rules.append(f"call_{n}: {head} arguments_{n}")
            rules.append(f"arguments_{n}: {tool.source}")
    if answer is not None:
        starts.append("answer")
        rules.append(f"answer: {_literal(form.before_answer, control)} {answer}")
    return "\n".join([rules[0], f"start: {' | '.join(starts)}", *rules[1:], ""])


def _literal(text: str, control: Mapping[str, int]) -> str:
    """Return a text as a rule has it, in which tokens that are more than text stand by number."""
    return " ".join(
        f"<[{control[part]}]>" if part in control else json.dumps(part, ensure_ascii=False)
        for part in split_at_marks(text, control)
    )


def split_at_marks(text: str, control: Mapping[str, int]) -> list[str]:
    """Return the text in parts, of which those that are control tokens stand alone."""
    if not control:
        return [text] if text else []
    longest_first = sorted(control, key=len, reverse=True)
    pattern = re.compile("(" + "|".join(map(re.escape, longest_first)) + ")")
    return [part for part in pattern.split(text) if part]
