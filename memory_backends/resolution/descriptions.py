"""Describe an entity: its relations and values, and those that facts of others answer about it."""

from __future__ import annotations

from lamlam.errors import BadFact
from lamlam.memory_backends.model.entity_reader import EntityReader, EntityRecord
from lamlam.memory_backends.model.facts import check_flags
from lamlam.memory_backends.model.lookups import EntityView, MatchPart
from lamlam.memory_backends.model.meanings import Meanings
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.model.timestamps import holds_at
from lamlam.memory_backends.model.values import is_text
from lamlam.memory_backends.resolution.resolver import ABSENT, EntityMatch, find_entity, or_a_value
from lamlam.memory_backends.resolution.valid_time import holds, is_timeless, microseconds
from lamlam.memory_backends.resolution.value_entities import answered_from_others

MAX_DESCRIBED = 1024
"""Facts of an entity that a description holds, the first in stored order: generation waits for it."""


def describe(reader: EntityReader, entity: str, *, fuzzy: bool) -> EntityView | None:
    """Return what the reader holds of an entity now; ``None`` if unknown or ambiguous.

    Raises:
        BadFact: the name is not a string.
    """
    found = _or_a_value(reader, entity, _found(reader, entity, fuzzy=fuzzy))
    return _view(reader, found.record, found.part) if found.record is not None else None


def meanings(reader: EntityReader, name: str, *, fuzzy: bool) -> Meanings:
    """Return what `describe` gives, or where that is ``None`` `homonyms`, by one search.

    Raises:
        BadFact: the name is not a string.
    """
    found = _found(reader, name, fuzzy=fuzzy)
    meant = _or_a_value(reader, name, found)
    if meant.record is not None:
        return Meanings(_view(reader, meant.record, meant.part))
    return Meanings(None, _homonyms(reader, found))


def homonyms(reader: EntityReader, name: str, *, fuzzy: bool) -> tuple[EntityView, ...]:
    """Return what the reader holds now of each entity that an ambiguous name may mean.

    Raises:
        BadFact: the name is not a string.
    """
    return _homonyms(reader, _found(reader, name, fuzzy=fuzzy))


def _found(reader: EntityReader, name: str, *, fuzzy: bool) -> EntityMatch:
    if not isinstance(name, str):
        raise BadFact(f"invalid lookup: entity must be a string, got {type(name).__name__}")
    check_flags(fuzzy=fuzzy)
    return find_entity(reader, name, fuzzy=fuzzy) if is_text(name) else ABSENT


def _or_a_value(reader: EntityReader, name: str, found: EntityMatch) -> EntityMatch:
    if reader.rules and found.part.kind != "exact" and is_text(name):
        return or_a_value(reader, name, found)
    return found


def _homonyms(reader: EntityReader, found: EntityMatch) -> tuple[EntityView, ...]:
    return tuple(
        [
            _view(reader, record, MatchPart("fuzzy", score, record.name))
            for key, score in found.meant
            if (record := reader.record(key)) is not None
        ]
    )


def _view(reader: EntityReader, record: EntityRecord, part: MatchPart) -> EntityView:
    # Some records can read a part of their facts; others have them all at hand.
    first = getattr(record, "first", None)
    stored = first(MAX_DESCRIBED) if first is not None else record.stored()[:MAX_DESCRIBED]
    if not is_timeless(stored):
        now = microseconds(None)
        stored = [fact for fact in stored if holds_at(fact.valid_from, fact.valid_to, now)]
    namespace, key = split(record.key)
    turned = (
        ()
        if not reader.rules
        else [
            (relation, one.value)
            for relation, one in answered_from_others(reader, record.key)
            if holds(None, one.fact)
        ]
    )
    return EntityView(record.name, key, part, stored, namespace, turned)
