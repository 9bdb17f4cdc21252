"""Documents that ask for facts in anyone's words, drawn by seed from any facts."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from lamlam.trainer.documents import Document
from lamlam.trainer.synthetic.worded import asking, layouts, prose
from lamlam.trainer.synthetic.worded.draft import Draft, LetterCase
from lamlam.trainer.synthetic.worded.invented import invented_entities
from lamlam.trainer.synthetic.worded.known import FactSource, HeldEntity
from lamlam.trainer.synthetic.worded.scene import Scene


@dataclass(frozen=True, slots=True)
class ShapeWeights:
    """How often each shape of document is drawn, one against another."""

    question: float = 2.0
    """Questions with answers."""
    gap: float = 1.2
    """Sentences with a gap."""
    examples: float = 1.2
    """A few examples before what is asked."""
    passage: float = 1.0
    """A passage, then a question about its entity."""
    talk: float = 1.2
    """Turns of two speakers."""
    key_words: float = 0.6
    """Entity and relation as in a search field."""
    sentence: float = 2.0
    """One to three sentences."""
    paraphrases: float = 0.5
    """One fact in several ways."""
    possessive: float = 0.7
    """What belongs to an entity."""
    appositive: float = 0.8
    """Facts beside a name in a sentence about something else."""
    inversion: float = 0.4
    """From the value's side."""
    mentions: float = 1.4
    """Several entities in one paragraph."""
    plain: float = 1.8
    """Prose about one entity after another."""
    namesakes: float = 0.4
    """Two entities of one name with qualifiers."""
    headlines: float = 0.5
    """A headline with an entity, then sentences."""
    notes: float = 0.8
    """The facts of an entity, a line or a part each."""
    list: float = 0.7
    """One relation of several entities."""
    table: float = 0.9
    """Rows of entities and columns of relations, or one entity in two columns."""


@dataclass(frozen=True, slots=True)
class WordedText:
    """How documents in anyone's words are drawn."""

    facts: str = ""
    """File of further facts, a JSON object a line with ``entity``, ``relation`` and ``value``
    (``.jsonl``, ``.gz``, ``.xz``, ``.bz2``)."""
    invented: float = 0.5
    """Share of the documents about invented entities; the others use the facts of the training
    documents and of ``facts``."""
    absent: float = 0.08
    """Share of the facts that are asked for although memory lacks them."""
    other_case: float = 0.12
    """Share of the documents in small letters, capitals, or with capitals on all words."""
    shapes: ShapeWeights = field(default_factory=ShapeWeights)


_WRITERS: dict[str, Callable[[Scene], HeldEntity]] = {
    "question": asking.write_question,
    "gap": asking.write_gap,
    "examples": asking.write_examples,
    "passage": asking.write_passage,
    "talk": asking.write_talk,
    "key_words": asking.write_key_words,
    "sentence": prose.write_sentence,
    "paraphrases": prose.write_paraphrases,
    "possessive": prose.write_possessive,
    "appositive": prose.write_appositive,
    "inversion": prose.write_inversion,
    "mentions": prose.write_mentions,
    "plain": prose.write_plain,
    "namesakes": prose.write_namesakes,
    "headlines": prose.write_headlines,
    "notes": layouts.write_notes,
    "list": layouts.write_list,
    "table": layouts.write_table,
}
_CASES: tuple[LetterCase, ...] = ("lower", "lower", "lower", "title", "upper")
_POOL = 2_000
"""Invented entities that the documents of one draw share at most."""


class WordedWriter:
    """Writes documents; the same facts, settings and seed give the same ones."""

    def __init__(self, entities: Sequence[HeldEntity], settings: WordedText) -> None:
        """Take the facts to write from.

        Args:
            entities: of `facts_of_documents` or `held_entities`; without any, all are invented.
        """
        self._known = FactSource(entities)
        self._settings = settings
        weights = dataclasses.asdict(settings.shapes)
        self._shapes = tuple(weights)
        self._bounds = tuple(accumulate(weights.values()))

    def documents(self, rng: random.Random, n: int) -> Iterator[Document]:
        """Yield ``n`` documents."""
        if n <= 0:
            return
        pool = FactSource(invented_entities(rng, max(50, min(_POOL, n // 2))))
        for _ in range(n):
            is_invented = not len(self._known) or rng.random() < self._settings.invented
            yield self._write(rng, pool if is_invented else self._known)

    def _write(self, rng: random.Random, source: FactSource) -> Document:
        settings = self._settings
        shape = rng.choices(self._shapes, cum_weights=self._bounds)[0]
        case: LetterCase = ""
        if rng.random() < settings.other_case:
            case = _CASES[int(rng.random() * len(_CASES))]
        scene = Scene(rng, source, settings.absent, Draft(case))
        entity = _WRITERS[shape](scene)
        return scene.draft.finish(entity.name, is_person=entity.is_person)
