"""Merges and splits of a commit that is taken back: each has its own opposite."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lamlam.errors import CannotUndo
from lamlam.memory_backends.commits.relation_restore import restoring, retract_of
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.keys import canonical_key, relation_key
from lamlam.memory_backends.model.operations import (
    AddAlias,
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
        self._named_again: set[EntityKey] = set()
        """Names of what is merged again."""
        self._came: set[EntityKey] = set()
        """Names of what was merged, of which the first that is told comes after it."""

    def is_merged_name(self, key: EntityKey) -> bool:
        """Return whether a name is an alias only since the commit merged what had it."""
        return key in self._came - self._split

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
        self._is_mixed = bool(self.merged) and bool(
            self._split or alone or lost - self.merged or self._is_shared_fact_ended(ended)
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
            if self.merged and is_new and key in self._split - self.merged:
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
        owner, name = (
            (change.namespace, canonical_key(change.entity)),
            (change.namespace, change.alias),
        )
        if name not in self._names and name in self.merged:
            self._came.add(name)
        self._names.setdefault(name, set()).add((change.kind, owner))

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

    def is_settled(self, changes: Sequence[Change]) -> bool:
        """Return whether an alias is what it was once the opposites are done, whatever is logged.

        It went and came back, or is the name of what they merge again.
        """
        first, last = changes[0], changes[-1]
        if (first.namespace, first.alias) in self._named_again:
            return True
        return (first.kind, last.kind) == ("no_alias", "alias") and first.entity == last.entity

    def is_unsure(
        self, changes: Sequence[Change], touched: Mapping[EntityKey, TouchedEntity]
    ) -> bool:
        """Return whether nobody can tell whose an alias was, of which a commit says so much.

        An alias that a commit gave may have come along with a merge. A split takes it back, but
        not where it gives the other entity nothing, or where the commit splits besides.
        """
        first = changes[0]
        assert first.entity is not None
        key = (first.namespace, canonical_key(first.entity))
        if len(changes) > 1 or first.kind != "alias" or key not in self.involved or not self.merged:
            return False
        if (first.namespace, first.alias) in self.merged:  # which it was itself
            return False
        if self._split:
            return canonical_key(self.owner_after(first)) != key[1]
        held = {_identity(fact) for fact in touched[key].now}
        lost = [one for one in self.merged if held.isdisjoint(map(_identity, touched[one].before))]
        return any(touched[one].before for one in lost)

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
                    yield from _sure(wanted, self._of_others(key, touched))
            # A fact may have been the other's and this one's only since the commit, which the log
            # does not tell: where a split leaves it to neither, this changes nothing.
            for fact in held:
                if _identity(fact) not in own:
                    yield retract_of(fact, one.name)

    def _of_others(self, key: EntityKey, touched: Mapping[EntityKey, TouchedEntity]) -> set[Any]:
        others = (touched[one].before for one in self.involved if one != key)
        return {_identity(fact) for facts in others for fact in facts}

    def ops(self, touched: Mapping[EntityKey, TouchedEntity]) -> list[Op]:
        """Return the opposites, the last event first.

        Args:
            touched: all entities that the commit changed, with their states.
        """
        if self._split and not self.merged:
            return list(self._merged_back(touched))
        found: list[Op] = []
        for change in reversed(self._events):
            assert change.entity is not None and change.alias is not None
            opposite = SplitEntities if change.kind == "merged" else MergeEntities
            found.append(opposite(change.entity, change.alias, change.namespace))
        return found

    def _merged_back(self, touched: Mapping[EntityKey, TouchedEntity]) -> Iterator[Op]:
        """Yield what takes splits alone back: merges, and what makes the facts what they were.

        What merges lead to is known: the facts of the one behind those of the other, but for those
        that both have. Where one has no facts by now there is nothing to merge, only a name.
        """
        held = {key: list(touched[key].now) for key in self.involved}
        for change in reversed(self._events):
            assert change.entity is not None and change.alias is not None
            space = change.namespace
            kept, other = (space, canonical_key(change.entity)), (space, change.alias)
            self._named_again.add(other)
            if not held[kept]:
                held[kept] = list(touched[kept].before)
                yield from map(Assert, held[kept])
            if held[other]:
                yield MergeEntities(change.entity, change.alias, space)
                known = set(map(_statement, held[kept]))
                held[kept] += [
                    fact.model_copy(update={"entity": touched[kept].name})
                    for fact in held[other]
                    if _statement(fact) not in known
                ]
                held[other] = []
            elif held[kept]:
                yield AddAlias(change.entity, change.alias, space)
        for key in sorted(self.involved - self._merged_again()):
            before = touched[key].before
            for relation in dict.fromkeys(
                relation_key(one.relation) for one in (*before, *held[key])
            ):
                wanted, found = (
                    [fact for fact in facts if relation_key(fact.relation) == relation]
                    for facts in (before, held[key])
                )
                yield from restoring(wanted, found)


def _sure(wanted: Sequence[Fact], of_others: Collection[Any]) -> Iterator[Op]:
    """Yield what gives an entity back its facts, if a split does not.

    It does unless the same commit ended one before the merge, which the log does not tell. A fact
    that is there is asserted without effect. Behind one that others have too, which is ended more
    often, those that follow come again.

    Args:
        wanted: the facts of one relation, in their order.
        of_others: identities of the facts that others had.
    """
    is_behind = False
    for fact in wanted:
        if is_behind:
            yield retract_of(fact)
        yield Assert(fact)
        is_behind = is_behind or _identity(fact) in of_others


def _statement(fact: Fact) -> tuple[object, ...]:
    return *_identity(fact), fact.valid_from


def _identity(fact: Fact) -> tuple[object, ...]:
    return relation_key(fact.relation), code_of(fact.value), fact.surface, fact.valid_from
