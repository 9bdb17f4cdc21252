"""`facts_about` for stores that have an `EntityReader`: names, what they mean, their facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lamlam.memory_backends.model.entity_reader import EntityReader, EntityRecord
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.facts_about import (
    LEAST_READ,
    MOST_READ,
    MOST_READ_OF_TEXT,
    FactsAbout,
    TextQuestion,
    fact_line,
)
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.lookups import Identify, StoredFact, as_fact
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.model.timestamps import from_us, holds_at
from lamlam.memory_backends.model.values import is_text
from lamlam.memory_backends.resolution.entity_facts import named_record
from lamlam.memory_backends.resolution.known_names import known_names
from lamlam.memory_backends.resolution.names_in_text import AskedName, PassageReader, readings
from lamlam.memory_backends.resolution.resolver import find_entity, or_a_value
from lamlam.memory_backends.resolution.text_facts import (
    Holding,
    NamedSubject,
    SubjectFact,
    SubjectsOfText,
    told_apart,
)
from lamlam.memory_backends.resolution.valid_time import holds, is_timeless, microseconds
from lamlam.memory_backends.resolution.value_entities import answered_from_others
from lamlam.memory_backends.resolution.views import NamespaceView


class OwnFact(NamedTuple):
    """A stored fact and the entity that it is about."""

    name: str
    key: str
    """Scoped."""
    stored: StoredFact


def facts_about(
    reader: EntityReader, question: TextQuestion, identify: Identify | None
) -> FactsAbout:
    """Return what a state of a store holds about the names in a text.

    Args:
        reader: the whole store; namespaces are found in it.
        question: the text, the namespaces and the budget.
        identify: gives the ids of facts.
    """
    about = AboutText(question)
    readers = about.readers(reader)
    for reading in readings(question.text):
        about.take(readers, about.asked(readers, reading))
    return about.answer(identify)


class AboutText:
    """The steps of `facts_about`, for a reader that must fetch what it is asked in between."""

    def __init__(self, question: TextQuestion) -> None:
        self.question = question
        self._found: SubjectsOfText[OwnFact] = SubjectsOfText()
        self._meant: dict[str, list[NamedSubject[OwnFact]]] = {}
        self._now = microseconds(None)
        self._n_read = 0

    def readers(self, reader: EntityReader) -> list[EntityReader]:
        """Return the reader of each namespace, in the order in which they are asked."""
        return [
            NamespaceView(reader, space) if space else reader for space in self.question.namespaces
        ]

    def asked(self, readers: Sequence[EntityReader], reading: PassageReader) -> list[AskedName]:
        """Return the names of a passage that any of the namespaces knows."""
        known = self._known(readers, reading.names(), loosely=False)
        known |= self._known(readers, reading.other_spellings(known), loosely=True)
        return list(reading.found(known).asked(self.question.me))

    def _known(
        self, readers: Sequence[EntityReader], names: Sequence[str], *, loosely: bool
    ) -> set[str]:
        return {one for reader in readers for one in known_names(reader, names, loosely=loosely)}

    def take(self, readers: Sequence[EntityReader], names: Sequence[AskedName]) -> None:
        """Note what the names of a passage mean."""
        for one in names:
            self._found.add(one, self.meant(readers, one.asked))

    def meant(self, readers: Sequence[EntityReader], name: str) -> list[NamedSubject[OwnFact]]:
        """Return the entities that a name means: one, or a few where it is ambiguous."""
        meant = self._meant.get(name)
        if meant is None:
            meant = self._meant[name] = self._subjects(readers, name)
        return meant

    def answer(self, identify: Identify | None) -> FactsAbout:
        """Return the facts about the names that were noted."""

        def finish(own: OwnFact) -> Fact:
            fact_id = identify(own.key, own.stored) if identify is not None else None
            return as_fact(own.name, own.stored, fact_id, split(own.key)[0])

        return self._found.answer(self.question, _line, finish)

    def _subjects(self, readers: Sequence[EntityReader], name: str) -> list[NamedSubject[OwnFact]]:
        if not is_text(name):
            return []
        order = readers
        if len(readers) > 1:  # the very name in one of them comes before a similar name in another
            key = canonical_key(name)
            order = sorted(readers, key=lambda one: named_record(one, key) is None)
        for reader in order:
            found = find_entity(reader, name, fuzzy=False)
            if reader.rules and found.part.kind != "exact":
                found = or_a_value(reader, name, found)
            if found.record is not None:
                records = [found.record]
            else:
                near = [reader.record(key) for key, _ in found.meant]
                by_name = {one.name: one for one in near if one is not None}
                records = [by_name[name] for name in told_apart([*by_name], self.question.text)]
            if records:
                return [self._subject(record, reader, readers) for record in records]
        return []

    def _subject(
        self, record: EntityRecord, finder: EntityReader, readers: Sequence[EntityReader]
    ) -> NamedSubject[OwnFact]:
        key = split(record.key)[1]
        known = [
            (reader, record if reader is finder else named_record(reader, key))
            for reader in readers
        ]
        held = [(reader, one) for reader, one in known if one is not None]
        first = held[0][1]
        holdings = [self._holding(reader, one) for reader, one in held]
        return NamedSubject(key, first.name, split(first.key)[0], tuple(holdings))

    def _holding(self, reader: EntityReader, record: EntityRecord) -> Holding[OwnFact]:
        # Some records can read a part of their facts; others have them all at hand.
        first = getattr(record, "first", None)
        # A text of thousands of names, each with a thousand facts, is to take seconds, no longer.
        most = min(MOST_READ, max(LEAST_READ, MOST_READ_OF_TEXT - self._n_read))
        stored: Sequence[StoredFact] = (
            first(most + 1) if first is not None else record.stored()[: most + 1]
        )
        is_more = len(stored) > most
        stored = stored[:most]
        self._n_read += len(stored)
        if not is_timeless(stored):
            stored = [one for one in stored if holds_at(one.valid_from, one.valid_to, self._now)]
        name, key = record.name, record.key
        held = [SubjectFact(one.key, OwnFact(name, key, one)) for one in stored]
        if reader.rules:
            held += [
                SubjectFact(relation, OwnFact(one.name, one.key, one.fact))
                for relation, one in answered_from_others(reader, key)
                if holds(None, one.fact)
            ]
        return Holding(held, is_more)


def _line(own: OwnFact) -> str:
    fact = own.stored
    begin, end = from_us(fact.valid_from), from_us(fact.valid_to)
    return fact_line(own.name, fact.relation, fact.value, begin, end)
