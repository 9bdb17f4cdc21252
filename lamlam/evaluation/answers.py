"""What a text answers to its prompt, and when that is right: the rule of LMLMAudit.

The answer is the value of the first lookup that memory answered, otherwise the first sentence
that was written. It is right if it equals one of the values after lower-casing and dropping all
but words and numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamlam.runtime.decoding.completion import Completion

_WORD = re.compile(r"[^\W_]+")
_LABEL = re.compile(r"\s*(?:answer|a)\s*:", re.IGNORECASE)
# A full stop behind a single letter, as in "D.C. ", ends no sentence.
_END = re.compile(r"(?<!\b[^\W\d_])[.!?](?=\s|$)|\n")


def bare(text: str) -> str:
    """Return the words and numbers of a text, lower-cased, a space between them.

    >>> bare("Washington, D.C.")
    'washington d c'
    """
    return " ".join(_WORD.findall(text.lower()))


def answer_of(prompt: str, completion: Completion) -> str:
    """Return what a completion answers to its prompt."""
    for lookup in completion.lookups:
        if lookup.value is not None:
            return lookup.value
    return first_sentence(completion.text[len(prompt) :])


def first_sentence(text: str) -> str:
    """Return the first sentence, without a label such as "Answer:" before it.

    >>> first_sentence(" Answer: Washington, D.C. It lies in")
    'Washington, D.C. It lies in'
    >>> first_sentence(" Lowmere. It lies in")
    'Lowmere'
    """
    label = _LABEL.match(text)
    text = (text[label.end() :] if label else text).strip()
    end = _END.search(text)
    return (text[: end.start()] if end else text).strip()


def is_right(answer: str, values: Iterable[str]) -> bool:
    """Return whether an answer equals one of the values."""
    return any(_comparable(answer) == _comparable(value) for value in values)


def is_contained(text: str, values: Iterable[str]) -> bool:
    """Return whether a text has the words of one of the values, one after the other."""
    given = f" {bare(text)} "
    return any(bare(value) and f" {bare(value)} " in given for value in values)


def _comparable(text: str) -> str:
    return bare(text) or text.strip()  # of a value without words, such as a sign, itself
