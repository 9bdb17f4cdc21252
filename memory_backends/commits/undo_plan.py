"""Plan how a commit is taken back: operations that make what it changed as it was before.

Built of what every store has, the change log and earlier states, so that every store can do it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from lamlam.errors import BadFact, CannotUndo, Conflict
from lamlam.memory_backends.commits.relation_restore import restoring
from lamlam.memory_backends.commits.undone_merges import EntityKey, TouchedEntity, UndoneMerges
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.keys import canonical_key, relation_key
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Change,
    Commit,
    DefineRelation,
    Later,
    Op,
    RemoveAlias,
    StoreInfo,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.synonyms import same_relation

_LATER = get_args(Later)
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class UndoReport:
    """What `undo` did, or would do."""

    undone: int
    """The revision of the commit that was taken back."""
    ops: tuple[Op, ...]
    """What was done for it; empty where everything is as it was before already."""
    commit: Commit | None
    """The new commit; ``None`` of a dry run."""
    left: tuple[str, ...] = ()
    """What could not be taken back, or was to be left, with the reason: one line each."""


class UndoPlan:
    """Takes the changes of a commit and of all later ones, then states of entities; gives operations."""

    def __init__(self, revision: int, later: Later) -> None:
        """Begin without changes.

        Args:
            revision: of the commit.
            later: what to do about what later commits changed again.

        Raises:
            BadFact: it is not a revision, or there is no such choice.
        """
        if isinstance(revision, bool) or not isinstance(revision, int) or revision < 1:
            raise BadFact(f"revision must be that of a commit, from 1 on, got {revision!r}")
        if later not in _LATER:
            raise BadFact(f"later must be one of {', '.join(_LATER)}, got {str(later)[:40]!r}")
        self.revision = int(revision)
        self.later = later
        self.touched: dict[EntityKey, TouchedEntity] = {}
        self.earlier_rules: set[str] = set()
        """Keys of relations that the commit gave a rule and that may have had another before."""
        self._aliases: list[Change] = []
        self._rules: dict[str, RelationRule] = {}
        self._merges = UndoneMerges()
        self._changed: dict[tuple[EntityKey, str], int] = {}
        self._named: dict[EntityKey, int] = {}
        self._ruled: dict[str, int] = {}
        self._left: list[str] = []
        self._is_erased_since = False

    # What was changed -----------------------------------------------------------------------------

    def check_reached(self, info: StoreInfo) -> None:
        """Raise `Conflict` where the store has no such commit yet."""
        if self.revision > info.revision:
            raise Conflict(
                f"the store is at revision {int(info.revision)} and has not reached {self.revision}",
                hint="store.commits() and `lamlam facts changes` list what can be undone",
            )

    def add(self, change: Change) -> None:
        """Take one change, in the order of the log: of the commit itself, then of later ones.

        Raises:
            CannotUndo: it is an erasure.
        """
        if change.revision == self.revision:
            self._add_own(change)
        elif change.kind == "erased":
            self._is_erased_since = True
        elif change.fact is not None:
            self._add_later(change, relation_key(change.fact.relation))
        elif change.alias is not None:
            self._named.setdefault((change.namespace, change.alias), change.revision)
        elif change.rule is not None:
            self._ruled.setdefault(change.rule.key, change.revision)

    def _add_own(self, change: Change) -> None:
        if change.kind == "erased":
            raise CannotUndo(
                f"revision {self.revision} is an erasure: what it erased is nowhere any more",
                hint="import it again, from a backup or its source",
            )
        if change.rule is not None:
            self._rules[change.rule.key] = change.rule
            return
        assert change.entity is not None  # of all that is left
        entity = self._entity(change.namespace, change.entity)
        if change.fact is not None:
            name = change.fact.relation
            entity.relations.setdefault(relation_key(name), name)
            self._merges.add_fact(change)
        elif change.kind in ("merged", "split"):
            self._merges.add(change)
            assert change.alias is not None
            self._entity(change.namespace, change.alias)
        else:
            self._aliases.append(change)
            self._merges.add_alias(change)

    def _entity(self, namespace: Namespace, name: str) -> TouchedEntity:
        return self.touched.setdefault((namespace, canonical_key(name)), TouchedEntity(name))

    def _add_later(self, change: Change, key: str) -> None:
        assert change.fact is not None
        entity = (change.namespace, canonical_key(change.fact.entity))
        if (touched := self.touched.get(entity)) is not None:
            for one in touched.relations:
                if same_relation(one, key):
                    self._changed.setdefault((entity, one), change.revision)

    @property
    def rules(self) -> set[str]:
        """Keys of the relations that the commit gave a rule."""
        return set(self._rules)

    def add_earlier(self, change: Change) -> bool:
        """Take a change before the commit; return true where no further one plays a role."""
        if change.revision >= self.revision:
            return True
        if change.rule is not None and change.rule.key in self._rules:
            self.earlier_rules.add(change.rule.key)
        return len(self.earlier_rules) == len(self._rules)

    # What is to be done ---------------------------------------------------------------------------

    def check(self) -> None:
        """Check that the commit can be taken back.

        Raises:
            CannotUndo: nothing is known of it any more, or later commits changed the same.
        """
        if self._is_erased_since and not (self.touched or self._rules):
            raise CannotUndo(
                f"revision {self.revision} has nothing left to undo: what it changed was erased,"
                " or was changed back in the same commit"
            )
        self._merges.check()
        found = list(self._conflicts())
        if found and self.later == "refuse":
            more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
            raise CannotUndo(
                f"later commits changed the same as revision {self.revision}:"
                f" {', '.join(found[:_MOST_NAMED])}{more}",
                hint="undo these first, or choose later='skip' (leaves what changed again as it is)"
                " or 'restore' (makes all as it was before)",
            )

    def _conflicts(self) -> Iterable[str]:
        for key, entity in self.touched.items():
            if (taken := self._named.get(key)) is not None:
                yield f"the name {entity.name!r} (revision {taken})"
            for relation, name in entity.relations.items():
                if (revision := self._changed.get((key, relation))) is not None:
                    yield f"{name!r} of {entity.name!r} (revision {revision})"
        for change in self._aliases:
            assert change.alias is not None
            if (revision := self._named.get((change.namespace, change.alias))) is not None:
                yield f"the name {change.alias!r} (revision {revision})"
        for ruled, rule in self._rules.items():
            if (revision := self._ruled.get(ruled)) is not None:
                yield f"the rule of {rule.name!r} (revision {revision})"
        for other in self._merges.merged:
            if other not in self.touched and (taken := self._named.get(other)) is not None:
                yield f"the name {other[1]!r} (revision {taken})"

    def ops(self) -> tuple[Op, ...]:
        """Return the operations; entities have to have their states."""
        found: list[Op] = [*self._rule_ops()]
        merge_ops = self._merges.ops(self.touched)
        if merge_ops and self.later == "skip" and any(self._conflicts()):
            self._left.append("merges: something that they brought together was changed again")
        else:
            self._merges.check_states(self.revision, self.touched)
            found += merge_ops
            found += [*self._merges.versions(self.touched), *self._merges.rewritten(self.touched)]
        facts = [
            op
            for key, entity in self.touched.items()
            if key not in self._merges.involved
            for op in self._fact_ops(key, entity)
        ]
        taken, given = self._alias_ops()
        # What lost its facts may have become an alias: it is an entity again first.
        return (*found, *taken, *facts, *given)

    def _has_facts(self, key: EntityKey) -> bool:
        """Return whether an entity has facts once the operations are done."""
        entity = self.touched[key]
        if entity.before or (entity.now and key in self._merges.involved):
            return True
        return any(
            self.later == "skip" or relation_key(fact.relation) not in entity.relations
            for fact in entity.now
        )

    def _rule_ops(self) -> Iterable[Op]:
        for key, rule in self._rules.items():
            if key in self._ruled:
                self._left.append(f"rule of {rule.name!r}: defined anew later")
            elif key in self.earlier_rules:
                self._left.append(
                    f"rule of {rule.name!r}: the one before it is not kept; define it"
                )
            else:
                yield DefineRelation(RelationRule(rule.name, "many"))

    def _fact_ops(self, key: EntityKey, entity: TouchedEntity) -> list[Op]:
        found: list[Op] = []
        if key in self._named and self.later != "refuse":
            self._left.append(f"{entity.name!r}: its name is that of another entity now")
            return []
        for relation, name in entity.relations.items():
            if self.later == "skip" and (key, relation) in self._changed:
                revision = self._changed[key, relation]
                self._left.append(f"{name!r} of {entity.name!r}: changed at revision {revision}")
                continue
            now, before = (
                [fact for fact in facts if relation_key(fact.relation) == relation]
                for facts in (entity.now, entity.before)
            )
            found += restoring(before, now)
        return found

    def _alias_ops(self) -> tuple[list[Op], list[Op]]:
        """Return what takes aliases away, and what gives each to whom it was before the commit."""
        changes: dict[tuple[Namespace, str], list[Change]] = {}
        for change in self._aliases:
            assert change.alias is not None
            if not self._merges.takes(change):
                changes.setdefault((change.namespace, change.alias), []).append(change)
        taken: list[Op] = []
        given: list[Op] = []
        for (space, alias), of_alias in reversed(changes.items()):
            if (space, alias) in self._named:
                self._left.append(f"name {alias!r}: given or taken later")
                continue
            if self._merges.is_settled(of_alias):
                continue
            if self._merges.is_unsure(of_alias, self.touched):
                self._left.append(f"name {alias!r}: whose it was before is not known")
                continue
            taken += [
                RemoveAlias(self._merges.owner_after(change), alias, space)
                for change in reversed(of_alias)
                if change.kind == "alias"
            ]
            first = of_alias[0]
            was_entity = (one := self.touched.get((space, alias))) is not None and one.before
            if first.kind == "alias" or was_entity or self._merges.is_merged_name((space, alias)):
                continue
            name = self._merges.owner_after(first)
            if self._has_facts((space, canonical_key(name))):
                given.append(AddAlias(name, alias, space))
            else:
                self._left.append(f"name {alias!r} of {name!r}, which has no facts")
        return taken, given

    def report(self, ops: tuple[Op, ...], commit: Commit | None) -> UndoReport:
        """Return what was done."""
        return UndoReport(self.revision, ops, commit, tuple(dict.fromkeys(self._left)))
