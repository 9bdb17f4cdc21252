"""What the user of a conversation asks: the last message, with the one before it to speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_LONGEST = 2_000
"""Characters of a message whose words are read, those at its end."""


def last_question(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return the last message below the user's message before it.

    Empty where the last one is not the user's: a result of a tool, or an answer to go on with.
    """
    if not messages or messages[-1].get("role") != "user":
        return ""
    asked = [_end_of(one.get("content")) for one in messages if one.get("role") == "user"][-2:]
    return "\n".join(asked) if asked[-1].strip() else ""


def _end_of(content: object) -> str:
    if not isinstance(content, str) or len(content) <= _LONGEST:
        return content if isinstance(content, str) else ""
    # Half a word may be another name.
    return content[-_LONGEST:].partition(" ")[2]
