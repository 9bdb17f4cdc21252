"""What each operation does to the facts of one entity; the same for every backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lamlam.errors import BadFact
from lamlam.memory_backends.facts import Fact, check_text
from lamlam.memory_backends.keys import canonical_key
from lamlam.memory_backends.lookups import StoredFact
from lamlam.memory_backends.operations import AddAlias, Assert, Op, Replace, Retract
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
                self._replace(fact)
            case Retract(_, relation, value):
                covered = covered_keys(self.facts, relation)
                self._end([f for f in self.facts if f.key in covered and value in (None, f.value)])

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

    def _replace(self, fact: Fact) -> None:
        covered = covered_keys(self.facts, fact.relation)
        held = [old for old in self.facts if old.key in covered]
        same = [old for old in held if old.value == fact.value]
        # The same statement stays one fact, under the name that it already has.
        own = canonical_key(fact.relation)
        kept = next((old for old in same if old.key == own), same[0] if same else None)
        self._end([old for old in held if old is not kept])
        self._assert(fact.model_copy(update={"relation": kept.relation}) if kept else fact)

    def _end(self, ending: Sequence[StoredFact]) -> None:
        if ending:
            gone = {id(fact) for fact in ending}
            self.facts = [fact for fact in self.facts if id(fact) not in gone]
            self.ended += ending
            self.changed += len(ending)


def check_op(op: Op) -> None:
    """Every field of the operation can be stored, however its fact was made.

    Raises:
        BadFact: one cannot.
    """
    match op:
        case Assert(fact) | Replace(fact):
            check_text(
                entity=fact.entity, relation=fact.relation, value=fact.value, source=fact.source
            )
        case Retract(entity, relation, value):
            check_text(entity=entity, relation=relation, value=value)
        case AddAlias(entity, alias):
            check_text(entity=entity, alias=alias)
        case _:
            raise BadFact(
                f"{type(op).__name__} is no operation", hint="wrap a fact in lamlam.Assert(fact)"
            )


def covered_keys(facts: Sequence[StoredFact], relation: str | None) -> frozenset[str]:
    """Return the keys that a change of a relation covers: all that answer to its name."""
    wanted = canonical_key(relation) if relation is not None else None
    return frozenset(
        fact.key for fact in facts if wanted is None or same_relation(fact.key, wanted)
    )
