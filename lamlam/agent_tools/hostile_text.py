"""What is wrong with a text that a model wants to be kept: it may be made to harm later readers."""

from __future__ import annotations

import re

from lamlam.lookup_tokens import LOOKUP_TOKENS
from lamlam.memory_backends.model.values import text_fault

MAX_NAME, MAX_VALUE = 300, 20_000
"""Characters of a name, and of a value or a source, in a call."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tab and line feed
# What a reader does not see, or sees elsewhere than it stands: line and paragraph separators,
# direction marks that reorder the text around them, and tags, which spell text that nobody sees.
_UNSEEN = re.compile("[\u2028\u2029\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")


def name_in_call_fault(text: str) -> str | None:
    """Return what is wrong with the name of an entity or a relation, or ``None``."""
    return text_fault(text, MAX_NAME) or _hidden_fault(text, _CONTROL)


def text_in_call_fault(text: str) -> str | None:
    """Return what is wrong with a value or a source, which may have several lines, or ``None``."""
    return text_fault(text, MAX_VALUE) or _hidden_fault(text, _CONTROL_IN_TEXT)


def _hidden_fault(text: str, control: re.Pattern[str]) -> str | None:
    if match := control.search(text):
        return f"must not contain a control character, got U+{ord(match[0]):04X}"
    if not text.isascii() and (match := _UNSEEN.search(text)):
        return f"must not contain an invisible character, got U+{ord(match[0]):04X}"
    if "<|" in text:
        for token in LOOKUP_TOKENS:
            if token in text:
                return f"must not contain the lookup token {token}"
    return None
