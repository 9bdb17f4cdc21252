"""The entity that the text of a search names, and the facts that a search has found."""

from __future__ import annotations

from collections.abc import Iterable

from lamlam.memory_backends.model.entity_reader import EntityReader
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.lookups import Identify, Lookup, as_fact
from lamlam.memory_backends.model.namespaces import scoped, split
from lamlam.memory_backends.model.search_by_scan import LONGEST_MEANT, NO_RELATION
from lamlam.memory_backends.model.search_rules import BestHits, SearchQuery, SearchResult
from lamlam.memory_backends.model.values import MAX_NAME_CHARACTERS, is_text
from lamlam.memory_backends.resolution.entity_facts import named_record
from lamlam.memory_backends.resolution.resolver import look_up
from lamlam.memory_backends.resolution.searching import Found


def meant_entity(reader: EntityReader, query: SearchQuery, identify: Identify) -> str | None:
    """Return the scoped key of the entity that the text names, misspelt or not; ``None``: of none."""
    if len(query.text) > LONGEST_MEANT or query.namespace is None:
        return None
    asked = Lookup(query.text, NO_RELATION, query.namespace)
    match = look_up(reader, asked, 0, identify).match.entity
    if match.matched is None or match.kind == "none":
        return None
    return scoped(query.namespace, canonical_key(match.matched))


def named_keys(reader: EntityReader, names: Iterable[str], namespace: Namespace) -> list[str]:
    """Return the scoped keys of the entities with these names or aliases, each once."""
    found: dict[str, None] = {}
    for name in names:
        if len(name) <= MAX_NAME_CHARACTERS and is_text(name):
            record = named_record(reader, scoped(namespace, canonical_key(name)))
            if record is not None:
                found[record.key] = None
    return list(found)


def found_facts(hits: BestHits[Found], identify: Identify) -> SearchResult:
    """Return the facts of a search as callers read them."""
    facts = [
        as_fact(entity.name, fact, identify(entity.key, fact), split(entity.key)[0])
        for entity, fact in hits.best()
    ]
    return SearchResult(tuple(facts), hits.is_complete)
