"""A grammar (GBNF, of llama.cpp) of all replies that annotate one text rightly.

A reply is the text with calls before some of its words; a call's entity is the
title or a name of the text, its value the words that follow.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_TOKEN = re.compile(r"\s*\S+\s*\Z|\s*\S+")
_NAME = re.compile(
    r"[^\W\d_a-z][\w'’.-]*\w(?: (?:(?:of|de|von|van|the|and) )?[^\W\d_a-z][\w'’.-]*\w)*"
)
_MOST_WORDS = 6
"""Words of a value."""
_MOST_NAMES = 40
_NO_ENTITIES = frozenset(
    "He She It They We You I The A An In On At By From To His Her Its Their This".split()
)
_NO_BEGINNINGS = frozenset(
    "a an the and or but of in on at by from to for with as is was are were be been has had have he"
    " she it they his her its their who which that where when while also not".split()
)
"""Words with which no value begins."""
_STRIPPED = ".,;:!?)]}\"”’'"


def grammar_for(title: str, text: str) -> str:
    """Return the grammar of the replies to one text."""
    words = _TOKEN.findall(text)
    names = dict.fromkeys([title, *(match.group() for match in _NAME.finditer(text))])
    usable = [
        name for name in names if "'" not in name and name.strip() and name not in _NO_ENTITIES
    ][:_MOST_NAMES]
    lines = ["root ::= " + " ".join(f"p{i}" for i in range(len(words))) if words else 'root ::= ""']
    for i, word in enumerate(words):
        values = _values(words[i : i + _MOST_WORDS])
        plain = _quoted(word)
        space = word[: len(word) - len(word.lstrip())]
        if not values or not usable:
            lines.append(f"p{i} ::= {plain}")
            continue
        options = " | ".join(map(_quoted, values))
        lines.append(
            f'p{i} ::= ({_quoted(space)} open ({options}) "] ")? {_quoted(word.lstrip())}'
            if not space
            else f'p{i} ::= ({_quoted(space)} open ({options}) "]")? {plain}'
        )
    if usable:
        entities = " | ".join(map(_quoted, usable))
        lines.append(f'open ::= "[dblookup(\'" ({entities}) "\', \'" relation "\') -> "')
        lines.append('relation ::= [A-Z] [a-z]{1,14} (" " [A-Za-z] [a-z]{1,14}){0,3}')
    return "\n".join(lines) + "\n"


def _values(words: Sequence[str]) -> list[str]:
    """Return what a value may be at the first of the words: up to the end of its sentence."""
    values: list[str] = []
    so_far = ""
    for word in words:
        if "\n" in word and so_far:
            break
        so_far += word
        value = so_far.strip().rstrip(_STRIPPED).lstrip("\"“‘'([")
        first = value.partition(" ")[0].lower()
        if first in _NO_BEGINNINGS:
            return []
        if value and "]" not in value and "[" not in value and value not in values:
            values.append(value)
        if word.rstrip()[-1:] in ".;:!?":
            break
    return values


def _quoted(text: str) -> str:
    # JSON's escapes are those of the grammar, but for characters beyond the basic plane, which
    # stay as they are.
    return json.dumps(text, ensure_ascii=False).replace("\\b", "\\x08").replace("\\f", "\\x0C")
