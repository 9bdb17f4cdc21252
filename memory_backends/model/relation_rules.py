"""What a store knows about its relations: how many values, of which type, and their inverse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from lamlam.errors import BadFact
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.plain_forms import plain_text
from lamlam.memory_backends.model.synonyms import (
    group_of,
    may_answer,
    names_answered_by,
    same_relation,
)
from lamlam.memory_backends.model.values import MAX_NAME_CHARACTERS, ValueType, text_fault

Cardinality = Literal["one", "many"]


@dataclass(frozen=True, slots=True)
class RelationRule:
    """What holds for a relation, under all its synonyms, from the commit that defines it on."""

    name: str
    cardinality: Cardinality = "many"
    """``one``: at any moment of world time an entity has one value at most."""
    value_type: ValueType | None = None
    """Values of another type are refused; text that reads as this type is taken as it."""
    inverse: str | None = None
    """The relation that the value has to the entity: "child" for "parent". Its own name for a
    symmetric relation such as "spouse". Such a relation takes entities as values, and a text as
    a value of its inverse is taken as the entity of that name."""

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            BadFact: a name is not valid, the cardinality or type is unknown, or an inverse
                without values that are entities.
        """
        for what, name in (("relation", self.name), ("inverse", self.inverse)):
            fault = None if name is None else text_fault(name, MAX_NAME_CHARACTERS)
            if fault or (name is None and what == "relation"):
                raise BadFact(f"invalid relation rule: {what} {fault or 'is missing'}")
            if isinstance(name, str) and type(name) is not str:
                object.__setattr__(self, "name" if what == "relation" else what, plain_text(name))
        if self.cardinality not in ("one", "many"):
            raise BadFact(f"cardinality must be 'one' or 'many', got {self.cardinality!r}")
        object.__setattr__(self, "cardinality", plain_text(self.cardinality))
        if self.value_type is not None:
            try:
                object.__setattr__(self, "value_type", ValueType(self.value_type))
            except ValueError:
                known = ", ".join(ValueType)
                raise BadFact(
                    f"there is no value type {self.value_type!r}", hint=f"known are {known}"
                ) from None
        if self.inverse is not None:
            if self.value_type not in (None, ValueType.ENTITY):
                raise BadFact("only a relation between entities has an inverse")
            object.__setattr__(self, "value_type", ValueType.ENTITY)

    @property
    def key(self) -> str:
        """Canonical key of the relation."""
        return canonical_key(self.name)


class RelationRules:
    """The rules of a store, found by any synonym of the relation's name."""

    __slots__ = ("_by_group", "_inverses", "_of_narrower", "_pairs", "turned")

    def __init__(self, rules: Iterable[RelationRule] = ()) -> None:
        self._by_group: dict[int | str, RelationRule] = {}
        self._inverses: dict[int | str, list[str]] = {}
        self._of_narrower: dict[int | str, list[str]] = {}
        """Relations that a narrower one answers for ("spouse" for "wife"), and its inverses."""
        self._pairs: list[tuple[str, str]] = []
        """Every relation that is answered from the other side, with that whose facts answer."""
        self.turned: dict[str, str] = {}
        """Keys of relations that are answered from the other side, and those whose facts answer."""
        for rule in rules:
            self._by_group[_group(rule.key)] = rule
        for rule in self._by_group.values():
            if rule.inverse is not None:
                inverse = canonical_key(rule.inverse)
                # "child" has the inverse "parent", so "parent" has the inverse "child".
                for one, other in ((inverse, rule.key), (rule.key, inverse)):
                    self._note(one, other)
                    self._pairs.append((one, other))
                    self.turned.setdefault(one, other)

    def _note(self, relation: str, inverse: str) -> None:
        own = _group(relation)
        _add(self._inverses, own, inverse)
        for wider in {_group(name) for name in names_answered_by(relation)} - {own}:
            _add(self._of_narrower, wider, inverse)

    def of(self, relation_key: str) -> RelationRule | None:
        """Return the rule of a relation, or ``None``."""
        return self._by_group.get(_group(relation_key)) if self._by_group else None

    def is_inverse(self, relation_key: str) -> bool:
        """Return whether a relation has an inverse, by its own rule or by that of the other."""
        return bool(self._inverses) and _group(relation_key) in self._inverses

    def inverses_of(self, relation_key: str) -> list[str]:
        """Return keys of the relations whose facts, turned around, answer for this one."""
        if not self._inverses:
            return []
        group = _group(relation_key)
        return self._inverses.get(group) or self._of_narrower.get(group, [])

    def answered_by(self, relation_key: str) -> tuple[str, ...]:
        """Return keys of the relations that facts of this one, turned around, answer."""
        return tuple(
            dict.fromkeys(
                answered
                for answered, held in self._pairs
                if same_relation(relation_key, held) or may_answer(relation_key, held)
            )
        )

    def all(self) -> list[RelationRule]:
        """Return every rule, in the order of definition."""
        return list(self._by_group.values())

    def __bool__(self) -> bool:
        return bool(self._by_group)


def _add(lists: dict[int | str, list[str]], group: int | str, name: str) -> None:
    known = lists.setdefault(group, [])
    if name not in known:
        known.append(name)


def _group(relation_key: str) -> int | str:
    number = group_of(relation_key)
    return relation_key if number is None else number
