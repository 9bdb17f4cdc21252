"""What the user of a conversation asks: the last message, and the talk of which it may speak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_LONGEST = 2_000
"""Characters of a message whose words are read, those at its end."""
_LONGEST_ANSWER = 300
"""Characters of the answer before it, those at its beginning."""


class LastQuestion(NamedTuple):
    """The last message of a user."""

    text: str = ""
    """Empty where the last message is not the user's: a result of a tool, an answer to go on with."""
    before: tuple[str, ...] = ()
    """The user's message before it, and what was answered."""


def last_question(messages: Sequence[Mapping[str, Any]]) -> LastQuestion:
    """Return the last message, if it is the user's, and what was said right before it."""
    if not messages or messages[-1].get("role") != "user":
        return LastQuestion()
    text = _end_of(messages[-1].get("content"))
    if not text.strip():
        return LastQuestion()
    said: list[str] = []
    for one in reversed(messages[:-1]):
        content = one.get("content")
        if one.get("role") == "assistant" and not said and isinstance(content, str):
            said.append(_beginning_of(content))
        elif one.get("role") == "user":
            said.append(_end_of(content))
            break
    return LastQuestion(text, tuple(filter(str.strip, reversed(said))))


def _beginning_of(content: str) -> str:
    if len(content) <= _LONGEST_ANSWER:
        return content
    return content[:_LONGEST_ANSWER].rpartition(" ")[0]


def _end_of(content: object) -> str:
    if not isinstance(content, str) or len(content) <= _LONGEST:
        return content if isinstance(content, str) else ""
    # Half a word may be another name.
    return content[-_LONGEST:].partition(" ")[2]
