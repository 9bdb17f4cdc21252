"""What the last message of a chat asks for, as evidence for the lookups of the answer."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from lamlam.runtime.decoding.due_lookup import DueLookup
from lamlam.runtime.decoding.memory_only import MemoryOnlyDecoder
from lamlam.runtime.decoding.vocabulary import ChatPrompt

if TYPE_CHECKING:
    from lamlam.runtime.scheduling.sequence import RunningSequence
    from lamlam.runtime.wording.prompt_reader import Asked
    from lamlam.runtime.wording.word_guide import WordGuide

_LONGEST_WORD = 40
_WORD_BEFORE = re.compile(r"[\w,] (\w)\w* \Z")
"""The word before a place that is not the first of its sentence."""


def ask_for_question(sequence: RunningSequence) -> None:
    """Have the answer of a chat look up what its question names, if memory holds that.

    Where the message asks nothing, or names nothing that memory could be asked about, lookups
    are discouraged. An answer in a given form, or one that begins with a thought, is the model's.
    """
    prompt, guide, decoder = sequence.request.prompt, sequence.word_guide, sequence.decoder
    if not isinstance(prompt, ChatPrompt) or not prompt.question or guide is None:
        return
    settings = sequence.request.settings
    if settings.grammar is not None or prompt.thought or not decoder.may_open_lookup:
        return
    asked = guide.read(prompt.question)
    if asked is None or not asked.entity:
        if not isinstance(decoder, MemoryOnlyDecoder):  # which states no guess
            decoder.discourage_lookups()
        return
    if asked.form == "open" or not asked.is_clear or not asked.relations:
        return
    if is_within_name(prompt.question, asked.entity):
        return
    if sequence.key_constraint is not None:
        sequence.key_constraint.holder = asked.key
    relation = asked.relations[0]
    view = guide.meanings.of(asked.entity, fuzzy=False).view
    values = () if view is None else tuple(view.values(relation))
    read = partial(_other_relation, guide, asked)
    decoder.expect(DueLookup(asked.entity, relation, prompt.question, values, read))


def _other_relation(guide: WordGuide, asked: Asked, answer: str) -> str | None:
    """Return the relation that an answer under way speaks of, if the question named another."""
    found = guide.read(answer)
    if found is None or found.form != "open" or found.key != asked.key or not found.relations:
        return None
    is_asked = bool({*found.relations} & {*asked.relations})
    return None if is_asked or found.n_equal > 1 else found.relations[0]


def is_within_name(text: str, entity: str) -> bool:
    """Return whether an entity stands in a text only as a part of longer names.

    "Magic" in "The Magic Flute", which memory may not know.
    """
    name = re.escape(entity.partition(" (")[0])
    places = list(re.finditer(rf"(?<!\w){name}(?!\w)", text, re.IGNORECASE))
    return bool(places) and all(_is_longer(text, *place.span()) for place in places)


def _is_longer(text: str, start: int, end: int) -> bool:
    before = _WORD_BEFORE.search(text, max(0, start - _LONGEST_WORD), start)
    is_behind_name = before is not None and before[1].isupper()
    return is_behind_name or (text[end : end + 1] == " " and text[end + 1 : end + 2].isupper())
