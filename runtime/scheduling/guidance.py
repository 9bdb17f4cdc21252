"""What leads the lookups of one text: its view of memory, the key constraint, the word guide."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.entity_names import EntityNames
from lamlam.runtime.decoding.key_constraint import KeyConstraint
from lamlam.runtime.decoding.text_memory import memory_of
from lamlam.runtime.decoding.vocabulary import Vocabulary
from lamlam.runtime.wording.word_guide import WordGuide

if TYPE_CHECKING:
    from lamlam.memory_backends.protocol import FactStore
    from lamlam.runtime.decoding.settings import TextSettings


class Guidance(NamedTuple):
    """What leads the lookups of one text."""

    memory: FactStore | None
    """The store as the text reads it: its own namespace, and the shared one."""
    key_constraint: KeyConstraint | None = None
    word_guide: WordGuide | None = None


def guidance_of(
    settings: TextSettings,
    store: FactStore | None,
    vocabulary: Vocabulary,
    constraint: Constraint | None,
    entity_names: EntityNames | None,
) -> Guidance:
    """Return what leads the lookups of a text.

    Args:
        constraint: constrains keys to what the store holds; ``None``: nothing leads them.
        entity_names: all names of the store, for a strict constraint.
    """
    memory = memory_of(store, settings)
    if constraint is None or memory is None:
        return Guidance(memory)
    word_guide = None
    if constraint.by_words and not settings.is_bias_steady:
        word_guide = WordGuide(memory, settings.as_of)
    key_constraint = KeyConstraint(
        memory,
        vocabulary,
        constraint,
        entity_names,
        settings.as_of,
        word_guide,
        settings.namespaces,
    )
    return Guidance(memory, key_constraint, word_guide)
