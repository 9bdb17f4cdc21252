"""Merges and splits of a commit that is taken back: each has its own opposite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lamlam.errors import CannotUndo
from lamlam.memory_backends.commits.relation_restore import restoring, retract_of
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.keys import canonical_key, relation_key
from lamlam.memory_backends.model.operations import (
    Assert,
    Change,
    MergeEntities,
    Op,
    SplitEntities,
)
from lamlam.memory_backends.model.values import code_of

EntityKey = tuple[Namespace, str]
"""Namespace and canonical key."""


@dataclass(slots=True)
class TouchedEntity:
    """An entity that the commit changed."""

    name: str
    relations: dict[str, str] = field(default_factory=dict)
    """Names of the relations of which facts began or ended, by their keys."""
    before: Sequence[Fact] = ()
    now: Sequence[Fact] = ()


class UndoneMerges:
    """The merges and splits, and the facts that moved with them."""

    def __init__(self) -> None:
        self._events: list[Change] = []
        self._facts: list[Change] = []
        self._names: dict[EntityKey, set[tuple[str, EntityKey]]] = {}
        """Of each alias that was given or taken: which of the two, and whose it was."""
        self.involved: set[EntityKey] = set()
        """Entities whose facts the opposites bring back."""
        self.merged: set[EntityKey] = set()
        self._split: set[EntityKey] = set()
        self._is_mixed = False

    def add(self, change: Change) -> None:
        """Take a merge or a split."""
        assert change.entity is not None and change.alias is not None
        self._events.append(change)
        other = (change.namespace, change.alias)
        self.involved |= {(change.namespace, canonical_key(change.entity)), other}
        (self.merged if change.kind == "merged" else self._split).add(other)

    def add_fact(self, change: Change) -> None:
        """Take a fact that began or ended."""
        self._facts.append(change)

    def check(self) -> None:
        """Find out whether the facts of the entities were moved alone, or changed besides."""
        if not self.involved:
            self._facts = []
            return
        began: dict[tuple[object, ...], set[EntityKey]] = {}
        ended: dict[tuple[object, ...], set[EntityKey]] = {}
        for change in self._facts:
            assert change.fact is not None and change.entity is not None
            key = (change.namespace, canonical_key(change.entity))
            if key in self.involved:
                side = began if change.kind == "asserted" else ended
                side.setdefault(_identity(change.fact), set()).add(key)
        alone = {key for one, keys in began.items() if one not in ended for key in keys}
        lost = {key for one, keys in ended.items() if one not in began for key in keys}
        self._is_mixed = bool(
            alone - self._split or lost - self.merged or self._is_shared_fact_ended(ended)
        )

    def _is_shared_fact_ended(self, ended: Mapping[Any, set[EntityKey]]) -> bool:
        """Return whether a commit that only merges ended a fact of an entity that is kept.

        A merge itself ends none there; where the other one has the fact too, it is not alone.
        """
        keys = {key for some in ended.values() for key in some}
        return not self._split and bool(keys & self.involved - self.merged)

    def check_states(self, revision: int, touched: Mapping[EntityKey, TouchedEntity]) -> None:
        """Check that merging again is what parted the entities; find facts that came beside.

        Args:
            revision: of the commit.
            touched: all entities that the commit changed, with their states.

        Raises:
            CannotUndo: an entity had facts of its own before it was split off.
        """
        for key in sorted(self._split - self.merged):
            if touched[key].before:
                raise CannotUndo(
                    f"{touched[key].name!r} had facts of its own before revision {revision} split"
                    " it off: merging it again would move these, too",
                    hint="take it back by hand: retract the facts that it got, and assert them",
                )
        if any(not touched[key].before for key in self.merged - self._split):
            self._is_mixed = True  # it came in the commit that merged it
        known = {
            _identity(fact) for key in self.involved - self._split for fact in touched[key].before
        }
        for change in self._facts:
            assert change.fact is not None and change.entity is not None
            key = (change.namespace, canonical_key(change.entity))
            is_new = change.kind == "asserted" and _identity(change.fact) not in known
            if is_new and key in self._split - self.merged:
                self._is_mixed = True

    def rewritten(self, touched: Mapping[EntityKey, TouchedEntity]) -> Iterator[Op]:
        """Yield what makes the facts what they were once the opposites are done, where the commit
        changed facts of the entities besides: nobody can tell then which a split moves.
        """
        if not self._is_mixed:
            return
        possible = [fact for key in self.involved for fact in touched[key].now]
        possible += [fact for key in self.involved for fact in touched[key].before]
        for key in sorted(self.involved - self._merged_again()):
            one = touched[key]
            for fact in possible:
                if (fact.namespace, key[1]) == key:
                    yield retract_of(fact, one.name)
        for key in sorted(self.involved - self._merged_again()):
            yield from map(Assert, touched[key].before)

    def _merged_again(self) -> set[EntityKey]:
        """Return the entities that the opposites merge into others, and none splits again."""
        gone: set[EntityKey] = set()
        for change in reversed(self._events):
            assert change.alias is not None
            other = (change.namespace, change.alias)
            (gone.add if change.kind == "split" else gone.discard)(other)
        return gone

    def add_alias(self, change: Change) -> None:
        """Take an alias that was given or taken."""
        assert change.entity is not None and change.alias is not None
        owner = (change.namespace, canonical_key(change.entity))
        self._names.setdefault((change.namespace, change.alias), set()).add((change.kind, owner))

    def takes(self, change: Change) -> bool:
        """Return whether the opposites take care of an alias themselves: it moved with an entity."""
        assert change.entity is not None and change.alias is not None
        owner = (change.namespace, canonical_key(change.entity))
        if owner not in self.involved:
            return False
        known = self._names.get((change.namespace, change.alias), set())
        if not any(kind != change.kind and one != owner for kind, one in known):
            return False
        return bool(self._split) or change.kind != "alias"

    def owner_after(self, change: Change) -> str:
        """Return whose an alias is once the opposites are done: splits are merged again."""
        assert change.entity is not None
        key = (change.namespace, canonical_key(change.entity))
        for event in reversed(self._events):
            if event.kind == "split" and (event.namespace, event.alias) == key:
                assert event.entity is not None
                key = (event.namespace, canonical_key(event.entity))
        return change.entity if key[1] == canonical_key(change.entity) else key[1]

    def versions(self, touched: Mapping[EntityKey, TouchedEntity]) -> Iterator[Op]:
        """Yield what is left to do when merges are split: of a fact that both entities had, the
        merged one gets the version of the other, and not its own.
        """
        if self._split or self._is_mixed:
            return
        held = [fact for key in self.involved for fact in touched[key].now]
        for key in sorted(self.involved):
            one = touched[key]
            own = {_identity(fact) for fact in one.before}
            if key in self.merged:
                back = [fact for fact in held if _identity(fact) in own]
                for relation in dict.fromkeys(relation_key(fact.relation) for fact in one.before):
                    wanted, split = (
                        [fact for fact in facts if relation_key(fact.relation) == relation]
                        for facts in (one.before, back)
                    )
                    yield from restoring(
                        wanted, [fact.model_copy(update={"entity": one.name}) for fact in split]
                    )
            # A fact may have been the other's and this one's only since the commit, which the log
            # does not tell: where a split leaves it to neither, this changes nothing.
            for fact in held:
                if _identity(fact) not in own:
                    yield retract_of(fact, one.name)

    def ops(self) -> list[Op]:
        """Return the opposites, the last event first."""
        found: list[Op] = []
        for change in reversed(self._events):
            assert change.entity is not None and change.alias is not None
            opposite = SplitEntities if change.kind == "merged" else MergeEntities
            found.append(opposite(change.entity, change.alias, change.namespace))
        return found


def _identity(fact: Fact) -> tuple[object, ...]:
    return relation_key(fact.relation), code_of(fact.value), fact.surface, fact.valid_from
