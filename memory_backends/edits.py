"""What each operation does to the facts of one entity; the same for every backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lamlam.memory_backends.facts import Fact
from lamlam.memory_backends.keys import canonical_key
from lamlam.memory_backends.lookups import StoredFact
from lamlam.memory_backends.operations import Assert, Replace, Retract
from lamlam.memory_backends.synonyms import same_relation


@dataclass(slots=True)
class Edited:
    """The facts of an entity while operations are done to them, and what that changed."""

    facts: list[StoredFact]
    revision: int
    """The revision that the changes will have."""
    ended: list[StoredFact] = field(default_factory=list)
    changed: int = 0

    def do(self, op: Assert | Replace | Retract) -> None:
        """One operation has been done."""
        match op:
            case Assert(fact):
                self._assert(fact)
            case Replace(fact):
                key = held_key(self.facts, canonical_key(fact.relation))
                self._end(key, keep=fact.value)
                self._assert(fact)
            case Retract(_, relation, value):
                self._end(held_key(self.facts, canonical_key(relation)), only=value)

    def _assert(self, fact: Fact) -> None:
        key = canonical_key(fact.relation)
        new = StoredFact(
            fact.relation, key, fact.value, fact.source, self.revision, fact.confidence
        )
        for n, old in enumerate(self.facts):
            if old.key == key and old.value == fact.value:
                # The same statement again: it keeps its place, a silent repeat its source.
                new = new._replace(source=fact.source or old.source, relation=old.relation)
                if new._replace(revision=old.revision) != old:
                    self.facts[n] = new
                    self.changed += 1
                return
        self.facts.append(new)
        self.changed += 1

    def _end(self, key: str, *, only: str | None = None, keep: str | None = None) -> None:
        def ends(fact: StoredFact) -> bool:
            return fact.key == key and only in (None, fact.value) and fact.value != keep

        ended = [fact for fact in self.facts if ends(fact)]
        if ended:
            self.facts = [fact for fact in self.facts if not ends(fact)]
            self.ended += ended
            self.changed += len(ended)


def held_key(facts: Sequence[StoredFact], key: str) -> str:
    """Return the key under which these facts hold a relation: its own, else a synonym's.

    Of several synonyms the first stored is taken, as in a lookup.
    """
    keys = list(dict.fromkeys(fact.key for fact in facts))
    if key in keys:
        return key
    return next((held for held in keys if same_relation(held, key)), key)


def covered_keys(facts: Sequence[StoredFact], relation: str | None) -> frozenset[str]:
    """Return the keys that erasing a relation covers: all that answer to its name."""
    wanted = canonical_key(relation) if relation is not None else None
    return frozenset(
        fact.key for fact in facts if wanted is None or same_relation(fact.key, wanted)
    )
