"""What a store keeps of the operations of an idempotency key: enough to tell others from them.

A keyed hash, so that nothing can be read from it. Who has the store has its key too and could test
a guess: an erasure therefore drops the hash of every change that named what it erases.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import astuple, fields
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from lamlam.errors import Conflict
from lamlam.memory_backends.commits.commit_plan import named_keys
from lamlam.memory_backends.commits.entity_edit import stored_form
from lamlam.memory_backends.commits.validation import operations
from lamlam.memory_backends.model.early_moments import EarlyMoment
from lamlam.memory_backends.model.entity_reader import value_key
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.namespaces import scoped
from lamlam.memory_backends.model.operations import Op
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.timestamps import to_us
from lamlam.memory_backends.model.values import as_value, code_of

MOST_ENTITIES = 1000
_LATER = frozenset({"expired_at"})


class KeptOperations(NamedTuple):
    """What is kept of the operations of one change."""

    digest: str
    entities: tuple[str, ...] | None
    """Ids of the entities that they name; ``None``: of so many that any may be among them."""

    def name_any(self, entity_ids: Collection[str]) -> bool:
        """Return whether the operations may name one of these entities."""
        return self.entities is None or not set(entity_ids).isdisjoint(self.entities)

    def check(self, first: str | None) -> None:
        """Raise unless these are the operations of the first change with the same key.

        Args:
            first: its digest; ``None``: it is not known (any more), so any are taken for them.

        Raises:
            Conflict: they are others.
        """
        if first is not None and first != self.digest:
            raise Conflict(
                "the idempotency_key was used before, for other operations",
                hint="give each change a key of its own; only a repeat has the same one",
            )


class OperationDigest:
    """Hashes operations as they pass by."""

    def __init__(self, secret: bytes) -> None:
        """Begin without operations.

        Args:
            secret: of the store.
        """
        self._hash = blake2b(digest_size=16, key=secret)
        self._ids = FactIds(secret)
        self._entities: dict[str, None] | None = {}

    def passing(self, ops: Iterable[Op]) -> Iterator[Op]:
        """Yield the operations, each hashed when it is its turn.

        Raises:
            BadFact: one is not a valid operation.
        """
        for op in operations(ops):
            self.add(op)
            yield op

    def add(self, op: Op) -> None:
        """Add one operation to the hash."""
        keys = named_keys([op])  # checks it too
        self._hash.update(f"{_form(op)!r}\n".encode())
        if self._entities is None:
            return
        fact = getattr(op, "fact", None)
        if fact is not None:
            owner = scoped(fact.namespace, "")
            if (value := value_key(owner, stored_form(fact, None))) is not None:
                keys.append(value)
        self._entities.update(dict.fromkeys(self._ids.of_entity(key) for key in keys))
        if len(self._entities) > MOST_ENTITIES:
            self._entities = None

    def kept(self) -> KeptOperations:
        """Return what is kept of the operations so far."""
        entities = None if self._entities is None else tuple(self._entities)
        return KeptOperations(self._hash.hexdigest(), entities)


def kept_of(secret: bytes, ops: Iterable[Op]) -> KeptOperations:
    """Return what is kept of operations.

    Raises:
        BadFact: one is not a valid operation.
    """
    digest = OperationDigest(secret)
    for _ in digest.passing(ops):
        pass
    return digest.kept()


def _form(op: Op) -> tuple[Any, ...]:  # Any: texts, numbers and tuples of such
    """Return an operation as plain values, the same for equal operations in every process."""
    given = [(one.name, getattr(op, one.name)) for one in fields(op)]
    # Of no use, a field that came later is left out: keys that were used before it still fit.
    given = [(name, value) for name, value in given if name not in _LATER or value is not None]
    return type(op).__name__, *[_plain(value, name) for name, value in given]


def _plain(given: Any, field_name: str) -> Any:
    match given:
        case Fact():
            return _plain_fact(given)
        case RelationRule():
            return tuple([None if one is None else str(one) for one in astuple(given)])
        case datetime() | EarlyMoment():
            return to_us(given)
        case None | bool() if field_name != "value":
            return given
        case None:
            return None
        case _ if field_name == "namespace":
            return tuple(given)
        case _ if field_name == "expected":  # in any order
            return tuple(sorted(given))
        case _ if field_name == "value":
            value = as_value(given)
            return ("text", str(value)) if isinstance(value, str) else ("code", code_of(value))
        case _:
            return str(given)


def _plain_fact(fact: Fact) -> tuple[Any, ...]:
    """Return what is said; id, revision and end are of the store that a fact came from."""
    stored = stored_form(fact, None)
    return (
        fact.entity, tuple(fact.namespace), stored.relation, stored.value, stored.code,
        tuple(stored.sources), float(stored.confidence), stored.valid_from, stored.valid_to,
    )  # fmt: skip
