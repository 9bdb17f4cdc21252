"""Entities that the store knows as values of others only: they answer inverse relations."""

from __future__ import annotations

from lamlam.memory_backends.model.entity_reader import EntityReader, StoredEntity
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.keys import fold
from lamlam.memory_backends.model.namespaces import scoped


def value_alone(
    reader: EntityReader, namespace: Namespace, key: str, wanted: str
) -> StoredEntity | None:
    """Return an entity without facts that others name by an inverse of a relation, or ``None``.

    Asked where no entity has the name itself. The name with an article or accents too many is
    found, a misspelling is not: values have no index of near names.

    Args:
        reader: of the namespace.
        namespace: the one that it shows.
        key: canonical key of the name that was asked for.
        wanted: key of the relation that was asked for.
    """
    inverses = reader.rules.inverses_of(wanted)
    if not inverses:
        return None
    holder = reader.alias(key) if reader.has_aliases else None
    folded = fold(key)
    names = [holder or key] if folded.qualifier or folded.signs else [holder or key, folded.key]
    for name in dict.fromkeys(names):
        full = scoped(namespace, name)
        for inverse in inverses:
            if referring := reader.referring(full, inverse):
                return StoredEntity(referring[0].fact.value, full, ())
    return None
