"""Chats as training text: a model's own chat template around messages, lookups within them.

A line of a replay file may be ``{"messages": [{"role": ..., "content": ...}, ...]}``. Only marks that
the template writes become control tokens: messages hold stand-ins while it is rendered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from lamlam.errors import BadDocument, BadSettings
from lamlam.trainer.lookup_format import ChatPiece, ControlToken, PlainText, read

Turns = tuple[tuple[str, str], ...]
"""Role and content of each message."""

_FIRST_STAND_IN = 0xF0000
_MOST_TURNS = 0xFFFD


def read_turns(messages: Any, where: str) -> Turns:
    """Return the messages of a line.

    Args:
        messages: what the line has under ``messages``.
        where: names the line, for errors.

    Raises:
        BadDocument: they are no list of objects with ``role`` and ``content``.
    """
    is_list = isinstance(messages, list) and 0 < len(messages) <= _MOST_TURNS
    turns: list[tuple[str, str]] = []
    for message in messages if is_list else [None]:
        given = message if isinstance(message, dict) else {}
        role, content = given.get("role"), given.get("content")
        if not isinstance(role, str) or not isinstance(content, str):
            raise BadDocument(
                f"{where} has messages that are no list of objects with role and content",
                hint='write {"messages": [{"role": "user", "content": "..."}, ...]}',
            )
        turns.append((role, content))
    return tuple(turns)


class ChatWriter:
    """Writes chats as a model's template has them."""

    def __init__(self, template: str | None, controls: Sequence[str]) -> None:
        """Compile the template.

        Args:
            template: of the model that is gone on from; None: it has none.
            controls: texts of the tokens that only a template may write.

        Raises:
            BadSettings: there is none, or it is broken.
        """
        # torch needs it, too: where there is training there is Jinja.
        from jinja2 import TemplateError
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        if template is None:
            raise BadSettings(
                "data.replay has chats, but the model has no chat template",
                hint="set model.init to a chat model, or write the chats as texts",
            )
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        self._errors = TemplateError
        try:
            self._template = environment.from_string(template)
        except TemplateError as problem:
            raise self._broken(problem) from None
        marks = sorted(filter(None, controls), key=len, reverse=True)
        self._parts = re.compile(
            "|".join([*map(re.escape, marks), f"[{chr(_FIRST_STAND_IN)}-{chr(0xFFFFD)}]"])
        )

    def pieces(self, turns: Turns) -> Iterator[ChatPiece]:
        """Yield a chat in pieces; what the assistant's messages look up are lookups.

        Raises:
            BadSettings: the template refuses the messages.
        """
        stand_ins = [chr(_FIRST_STAND_IN + i) for i in range(len(turns))]
        messages = [
            {"role": role, "content": stand_in}
            for (role, _), stand_in in zip(turns, stand_ins, strict=True)
        ]
        try:
            text = self._template.render(
                messages=messages, add_generation_prompt=False, bos_token="", eos_token=""
            )
        except (self._errors, TypeError) as problem:
            raise self._broken(problem) from None
        end = 0
        for found in self._parts.finditer(text):
            if found.start() > end:
                yield PlainText(text[end : found.start()])
            number = ord(found[0][0]) - _FIRST_STAND_IN
            if number < 0:
                yield ControlToken(found[0])
            else:
                role, content = turns[number]
                yield from read(content) if role == "assistant" else [PlainText(content)]
            end = found.end()
        if end < len(text):
            yield PlainText(text[end:])

    def _broken(self, problem: Exception) -> BadSettings:
        return BadSettings(f"the model's chat template cannot be used for data.replay: {problem}")
