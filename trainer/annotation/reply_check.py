"""The reply of a model that annotates, checked against the text that it was given.

The document's text is always the one that was given. Of the reply only calls
count, at the place where the words around them stand in the text; a call whose
value the text does not have there is dropped and counted.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher

from lamlam.trainer.annotation.call_texts import has_calls
from lamlam.trainer.annotation.folding import folded
from lamlam.trainer.annotation.value_forms import value_forms
from lamlam.trainer.documents import StatedFact
from lamlam.trainer.entity_names import is_same_entity, name_in_text
from lamlam.trainer.lookup_format import LookupCall, read_calls

_FENCE = re.compile(r"\A\s*```\w*\n(.*?)\n?```\s*\Z", re.DOTALL)
_LEAST_ALIKE = 0.6
"""Share of the text that the reply must repeat."""
_REACH = 12
"""Characters between a call's place and its value: spaces, a quotation mark, an article."""
_MOST_OF_NAME = 200
_WORD = re.compile(r"\w+|\W")


@dataclass(frozen=True, slots=True)
class CheckedReply:
    """The facts that a reply gives, and what was dropped."""

    facts: tuple[StatedFact, ...]
    dropped: Counter[str]
    is_changed: bool
    """The reply repeats too little of the text to be used."""


def check_reply(reply: str, text: str, title: str) -> CheckedReply:
    """Return the facts of a reply that hold against the text.

    A preamble, a code fence, changed spaces and a cut end do no harm.

    Args:
        reply: of the model.
        text: that it was asked to annotate.
        title: of the document.
    """
    dropped: Counter[str] = Counter()
    if fenced := _FENCE.match(reply):
        reply = fenced[1]
    calls: list[tuple[int, LookupCall]] = []
    parts: list[str] = []
    length = 0
    for piece in read_calls(reply):
        if isinstance(piece, LookupCall):
            calls.append((length, piece))
        else:
            parts.append(piece.text)
            length += len(piece.text)
    plain = "".join(parts)
    if has_calls(plain):
        dropped["malformed"] += plain.count("[dblookup(")
    places = _places(plain, text)
    if places is None:
        return CheckedReply((), dropped, is_changed=True)
    facts: list[StatedFact] = []
    folded_text = folded(text)
    end = 0
    for at, call in calls:
        fact, reason = _checked(call, places(at), text, folded_text, title, end)
        if fact is None:
            dropped[reason] += 1
        else:
            facts.append(fact)
            end = fact.at + len(fact.value)
    return CheckedReply(tuple(facts), dropped, is_changed=False)


def _checked(
    call: LookupCall, at: int, text: str, folded_text: str, title: str, end: int
) -> tuple[StatedFact | None, str]:
    entity, relation = " ".join(call.entity.split()), " ".join(call.relation.split())
    if not entity or not relation or max(len(entity), len(relation)) > _MOST_OF_NAME:
        return None, "bad names"
    place = _value_at(call.value, folded_text, at)
    if place is None:
        return None, "value not in the text"
    if place[0] < end:
        return None, "overlapping"
    named = is_same_entity(entity, title) or name_in_text(entity, text, opening=None) is not None
    if not named:
        return None, "entity not in the text"
    value = text[place[0] : place[1]]
    return StatedFact(entity, relation, value, place[0]), ""


def _value_at(value: str, folded_text: str, at: int) -> tuple[int, int] | None:
    best: tuple[int, int] | None = None
    for form in value_forms(value):
        start = folded_text.find(form, at, at + _REACH + len(form))
        stop = start + len(form)
        if start < 0 or (folded_text[start - 1 : start].isalnum() and form[0].isalnum() and start):
            continue
        if folded_text[stop : stop + 1].isalnum() and form[-1].isalnum():
            continue
        if best is None or stop - start > best[1] - best[0]:
            best = (start, stop)
    return best


class _Places:
    """Offsets of a reply's plain text as offsets of the text."""

    def __init__(self, blocks: list[tuple[int, int, int]]) -> None:
        self._blocks = blocks

    def __call__(self, at: int) -> int:
        """Return where in the text an offset of the reply is."""
        for start, target, size in self._blocks:
            if at <= start + size:
                return target + max(0, at - start)
        last = self._blocks[-1]
        return last[1] + last[2]


def _places(plain: str, text: str) -> _Places | None:
    at = plain.find(text)
    if at >= 0:
        return _Places([(at, 0, len(text))])
    mine, theirs = _WORD.findall(plain), _WORD.findall(text)
    matcher = SequenceMatcher(None, mine, theirs, autojunk=False)
    starts, targets = _offsets(mine), _offsets(theirs)
    blocks = [
        (starts[block.a], targets[block.b], starts[block.a + block.size] - starts[block.a])
        for block in matcher.get_matching_blocks()
        if block.size
    ]
    repeated = sum(size for _, _, size in blocks)
    return _Places(blocks) if repeated >= _LEAST_ALIKE * len(text) else None


def _offsets(words: list[str]) -> list[int]:
    offsets = [0]
    for word in words:
        offsets.append(offsets[-1] + len(word))
    return offsets
