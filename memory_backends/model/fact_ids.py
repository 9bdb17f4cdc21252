"""Ids of facts and entities: keyed hashes, so that an id in a trace or receipt reveals nothing."""

from __future__ import annotations

from hashlib import blake2b

from lamlam.memory_backends.model.lookups import StoredFact

_SEPARATOR = "\0"  # no field of a fact holds it


class FactIds:
    """Ids of facts: hashes keyed with the store's secret, so that none lets its value be guessed."""

    __slots__ = ("_keyed",)

    def __init__(self, secret: bytes) -> None:
        self._keyed = blake2b(digest_size=10, key=secret)

    def __call__(self, entity_key: str, fact: StoredFact, /) -> str:
        """Return the id of a fact of the entity with this scoped key, the same in all versions."""
        code, text = fact.content
        content = f"{_SEPARATOR}{code}" if code else text
        text = f"{entity_key}{_SEPARATOR}{fact.key}{_SEPARATOR}{content}"
        if fact.valid_from is not None:
            text += f"{_SEPARATOR}{_SEPARATOR}{fact.valid_from}"
        return self._hash(text)

    def of_entity(self, entity_key: str) -> str:
        """Return the id of an entity: what the change log keeps of its name when it is erased."""
        return self._hash(entity_key)

    def _hash(self, text: str) -> str:
        keyed = self._keyed.copy()  # a third faster than to begin with the key
        keyed.update(text.encode())
        return keyed.hexdigest()
