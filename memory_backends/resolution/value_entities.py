"""Entities that the store knows as values of others: they answer inverse relations.

One may have no facts of its own. Then it is found by its name as a value writes it, with or without
an article or accents; a misspelling is not tried, as values have no index of near names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from lamlam.memory_backends.model.entity_reader import EntityReader, StoredEntity
from lamlam.memory_backends.model.keys import FoldedName, canonical_key, fold
from lamlam.memory_backends.model.lookups import EntityFact
from lamlam.memory_backends.model.namespaces import scoped
from lamlam.memory_backends.model.relation_rules import RelationRules
from lamlam.memory_backends.model.synonyms import same_relation
from lamlam.memory_backends.resolution.relation_matching import match_relation

_MOST_OWNERS = 256
"""Entities whose facts are read to describe one that they name: generation waits for it."""


def inverses_asked(rules: RelationRules, wanted: str) -> list[str]:
    """Return keys of the relations whose facts, turned around, answer for this one.

    By its name or a synonym, else by another spelling, as for a relation that an entity has itself.
    """
    if not rules.turned:
        return []
    inverses = rules.inverses_of(wanted)
    if inverses:
        return inverses
    _, _, key = match_relation(wanted, list(rules.turned))
    return rules.inverses_of(key) if key is not None else []


def turned_around(
    reader: EntityReader, key: str, wanted: str, held: str | None = None
) -> list[EntityFact]:
    """Return the facts that name an entity by an inverse of a relation, each with its owner's name.

    Args:
        key: scoped key of the entity.
        wanted: key of the relation that was asked for.
        held: the relation of its own that the entity answers with.
    """
    rules = reader.rules
    inverses = inverses_asked(rules, wanted) or (inverses_asked(rules, held) if held else [])
    return [
        one._replace(value=one.name)
        for inverse in inverses
        for one in reader.referring(key, inverse)
    ]


def value_alone(
    reader: EntityReader, key: str, wanted: str | None = None, *, exactly: bool = False
) -> StoredEntity | None:
    """Return an entity without facts that others name by a relation with an inverse, or ``None``.

    Asked where no entity has the name itself.

    Args:
        reader: of one namespace.
        key: canonical key of the name that was asked for.
        wanted: key of the relation that was asked for: only inverses of it count.
        exactly: by this very name, though another entity is spelt nearly so.
    """
    rules = reader.rules
    if not rules.turned:
        return None
    inverses: Collection[str] = rules.turned.values()
    if wanted is not None and not (inverses := inverses_asked(rules, wanted)):
        return None
    holder = reader.alias(key) if reader.has_aliases else None
    if exactly and holder is not None:
        return None
    names = [holder or key]
    folded = fold(key)
    if not exactly and is_plain(folded):
        names.append(folded.key)
    for name in dict.fromkeys(names):
        full = scoped(reader.namespace, name)
        most = _MOST_OWNERS if wanted is None else None
        for one in reader.referring(full, most=most):
            if any(same_relation(one.fact.key, inverse) for inverse in inverses):
                return StoredEntity(one.fact.value, full, ())
    return None


def answered_from_others(reader: EntityReader, key: str) -> Iterator[tuple[str, EntityFact]]:
    """Yield the facts of others that name an entity by a relation with an inverse.

    Each with the key of the relation that it answers, and the name of its entity as the value;
    of the first entities that name it, where very many do.
    """
    rules = reader.rules
    if not rules.turned:
        return
    facts = reader.referring(key, most=_MOST_OWNERS)
    for relation, inverse in rules.turned.items() if facts else ():
        for one in facts:
            if same_relation(one.fact.key, inverse):
                yield relation, one._replace(value=one.name)


def known_as_values(reader: EntityReader, keys: Collection[str]) -> set[str]:
    """Return those of the canonical keys that others name by a relation with an inverse."""
    if not (keys and reader.rules.turned):
        return set()
    full = {scoped(reader.namespace, key): key for key in keys}
    inverses = set(reader.rules.turned.values())
    return {
        full[one]
        for one in reader.values_among(full)
        if _is_named(reader.referring(one, most=_MOST_OWNERS), inverses)
    }


def is_plain(name: FoldedName) -> bool:
    """Return whether a name has no qualifier and no signs that tell it from another."""
    return not (name.qualifier or name.signs)


def joined_values(own: Iterable[EntityFact], turned: Sequence[EntityFact]) -> list[EntityFact]:
    """Return an entity's own facts and what others answer beside them, each value once."""
    joined = list(own)
    known = {canonical_key(one.value) for one in joined}
    for one in turned:
        if (name := canonical_key(one.value)) not in known:
            known.add(name)
            joined.append(one)
    return joined


def _is_named(facts: Iterable[EntityFact], inverses: Collection[str]) -> bool:
    return any(same_relation(one.fact.key, inverse) for one in facts for inverse in inverses)
