"""Plan a commit: apply operations, in order, to what a store holds, before any is written.

A backend gives an `EntityReader`, gets a `CommitPlan`, and writes that in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from lamlam.errors import BadFact, FactStoreError
from lamlam.memory_backends.commits.carried import carried, carried_along
from lamlam.memory_backends.commits.changes import CommitEvent
from lamlam.memory_backends.commits.entity_edit import EntityEdit, ruled_form
from lamlam.memory_backends.commits.merge_runs import MergeRun
from lamlam.memory_backends.commits.validation import checked_operations
from lamlam.memory_backends.model.entity_reader import EntityReader, MergeRecord
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.keys import canonical_key, relation_key
from lamlam.memory_backends.model.lookups import Identify, as_fact
from lamlam.memory_backends.model.namespaces import scoped, split
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    ChangeKind,
    DefineRelation,
    MergeEntities,
    Op,
    RemoveAlias,
    Replace,
    Retract,
    SplitEntities,
)
from lamlam.memory_backends.model.relation_rules import RelationRule, RelationRules


@dataclass(slots=True)
class CommitPlan:
    """What an `apply` changes."""

    revision: int
    """The revision that the changes have."""
    changed: int = 0
    edits: dict[str, EntityEdit] = field(default_factory=dict)
    """By scoped key: the entities whose facts change."""
    aliases: dict[str, str | None] = field(default_factory=dict)
    """Scoped alias key to the scoped key of its entity, or ``None`` where the alias is gone."""
    rules: RelationRules | None = None
    """All rules of the store, where one changed."""
    merged: list[MergeRecord] = field(default_factory=list)
    """Records of merges that were done."""
    unmerged: list[MergeRecord] = field(default_factory=list)
    """Records that stood before and stand no longer, as they are now."""
    events: list[CommitEvent] = field(default_factory=list)
    ended: list[Fact] = field(default_factory=list)
    """Facts that `Replace` and `Retract` ended, as they were: for `Commit.ended`."""


def named_keys(ops: Iterable[Op]) -> list[str]:
    """Return the scoped keys of all entities and aliases that checked operations name, each once.

    A backend that loads entities ahead loads these, the entities behind those that are aliases,
    and the aliases and merges of all of them.

    Raises:
        BadFact: one is not a valid operation.
    """
    keys: dict[str, None] = {}
    for op in checked_operations(ops):
        match op:
            case Assert(fact) | Replace(fact):
                keys[scoped(fact.namespace, canonical_key(fact.entity))] = None
            case Retract(entity, namespace=namespace):
                keys[scoped(namespace, canonical_key(entity))] = None
            case AddAlias(entity, other, namespace) | RemoveAlias(entity, other, namespace):
                keys[scoped(namespace, canonical_key(entity))] = None
                keys[scoped(namespace, canonical_key(other))] = None
            case MergeEntities(entity, other, namespace) | SplitEntities(entity, other, namespace):
                keys[scoped(namespace, canonical_key(entity))] = None
                keys[scoped(namespace, canonical_key(other))] = None
            case DefineRelation():
                pass
    return list(keys)


def plan_commit(
    ops: Iterable[Op],
    reader: EntityReader,
    revision: int,
    identify: Identify,
    *,
    are_checked: bool = False,
) -> CommitPlan:
    """Return what operations change, done in their order; nothing is written.

    Args:
        ops: checked here, one by one, unless `named_keys` has done so.
        reader: of what the store holds before.
        revision: that the changes will have.
        identify: gives the ids of facts.
        are_checked: they were.

    Raises:
        BadFact: one is not a valid operation, or names what the store does not hold.
        Conflict: a relation has other values than expected.
        TooManyValues: a relation that has one value at a time would have two.
    """
    return _Planner(reader, revision, identify).done(
        ops if are_checked else checked_operations(ops)
    )


class _Renamed(NamedTuple):
    """Whose an alias is that came along with a merge, and whose it was."""

    holder: EntityEdit
    former: EntityEdit


class _Planner:
    def __init__(self, reader: EntityReader, revision: int, identify: Identify) -> None:
        self.reader = reader
        self.identify = identify
        self.rules = reader.rules
        self.edits: dict[str, EntityEdit] = {}
        self.plan = CommitPlan(revision)
        # By what was kept and what was merged into it: the records of this commit that stand, and
        # the stored ones that no longer do.
        self._merged: dict[tuple[str, str], MergeRecord] = {}
        self._unmerged: set[tuple[str, str]] = set()
        # By entity, the aliases that this commit gives it.
        self._given: dict[str, dict[str, None]] = {}
        # Aliases that came along with a merge, with their entity: in a chain of merges each comes
        # along each time, and only where it ends up is to be seen.
        self._renamed: dict[str, _Renamed] = {}
        self._run = MergeRun(revision, identify)

    def done(self, ops: Iterable[Op]) -> CommitPlan:
        for op in ops:
            if self._run and not isinstance(op, MergeEntities):
                self._end_run()
            try:
                self._do(op)
            except FactStoreError as error:
                error.operation = op
                raise
        self._end_run()
        plan = self.plan
        self._drop_aliases_of_empty()
        for alias in list(self._renamed):
            self._record_renamed(alias)
        plan.edits = {key: edit for key, edit in self.edits.items() if edit.changed}
        plan.changed += sum(edit.changed for edit in plan.edits.values())
        plan.ended = [
            as_fact(edit.name or "", fact, self.identify(key, fact), split(key)[0], plan.revision)
            for key, edit in plan.edits.items()
            for fact in edit.displaced
            if fact.revision != plan.revision  # an earlier part of this commit began it
        ]
        return plan

    def _do(self, op: Op) -> None:
        match op:
            case Assert(fact):
                rule = self.rules.of(relation_key(fact.relation))
                self._edit_of(fact).assert_(ruled_form(fact, self.rules), rule)
            case Replace(fact, expected):
                self._edit_of(fact).replace(ruled_form(fact, self.rules), expected)
            case Retract():
                self._edit(self._key(op.namespace, op.entity)).retract(op)
            case AddAlias():
                self._add_alias(op)
            case RemoveAlias():
                self._remove_alias(op)
            case MergeEntities():
                self._merge(op)
            case SplitEntities():
                self._split(op)
            case DefineRelation(rule):
                self._define(rule)

    # Which entity a name refers to: the one with that very key, or else the one with that alias ---

    def _key(self, namespace: Namespace, name: str) -> str:
        key = scoped(namespace, canonical_key(name))
        key = self._run.holder(key)
        if self._edit(key).facts:
            return key
        return self._run.holder(self._alias(key) or key)

    def _alias(self, key: str) -> str | None:
        if key in self.plan.aliases:
            return self.plan.aliases[key]
        return self.reader.alias(key)

    def _aliases_of(self, key: str) -> list[str]:
        changed = self.plan.aliases
        held = [alias for alias in self.reader.aliases(key) if alias not in changed]
        return held + list(self._given.get(key, ()))

    def _give_alias(self, alias: str, key: str | None) -> None:
        """Make an alias that of an entity, or of none."""
        before = self.plan.aliases.get(alias)
        if before is not None:
            del self._given[before][alias]
        self.plan.aliases[alias] = key
        if key is not None:
            self._given.setdefault(key, {})[alias] = None

    def _merge_of(self, kept: str, merged: str) -> MergeRecord | None:
        """Return the record of the merge of two entities that stands."""
        pair = (kept, merged)
        # Of stored ones only: a pair may be merged again.
        if pair not in self._unmerged:
            for record in self.reader.merges_between(kept, merged):
                if record.is_reversible:
                    return record
        return self._merged.get(pair)

    def _edit(self, key: str) -> EntityEdit:
        edit = self.edits.get(key)
        if edit is None:
            record = self.reader.record(key)
            name, facts = (record.name, record.stored()) if record is not None else (None, ())
            edit = self.edits[key] = EntityEdit(key, name, facts, self.plan.revision)
        return edit

    def _edit_of(self, fact: Fact) -> EntityEdit:
        key = scoped(fact.namespace, canonical_key(fact.entity))
        edit = self._edit(key)
        if not edit.facts and (holder := self._alias(key)) is not None:
            edit = self._edit(holder)
        if edit.name is None or not (edit.facts or edit.before):
            edit.name = fact.entity
        return edit

    # Names ----------------------------------------------------------------------------------------

    def _add_alias(self, op: AddAlias) -> None:
        key = self._key(op.namespace, op.entity)
        alias = scoped(op.namespace, canonical_key(op.alias))
        edit = self._edit(key)
        if not edit.facts:
            raise BadFact(f"cannot add an alias to {op.entity!r}: the store holds no facts of it")
        holder = self._alias(alias)
        if alias == key or holder == key:
            return
        if holder is not None:
            raise BadFact(f"{op.alias!r} is already the alias of another entity")
        if self._edit(alias).facts:
            raise BadFact(
                f"{op.alias!r} is an entity that has facts",
                hint="MergeEntities makes two entities one",
            )
        self._give_alias(alias, key)
        self._record_change("alias", edit, alias)

    def _remove_alias(self, op: RemoveAlias) -> None:
        key = self._key(op.namespace, op.entity)
        alias = scoped(op.namespace, canonical_key(op.alias))
        if self._alias(alias) != key:
            return
        self._give_alias(alias, None)
        self._record_change("no_alias", self._edit(key), alias)

    def _merge(self, op: MergeEntities) -> None:
        kept = self._edit(self._key(op.namespace, op.kept))
        merged = self._edit(self._key(op.namespace, op.merged))
        if kept is merged:
            return
        for edit, name in ((kept, op.kept), (merged, op.merged)):
            if not edit.facts:
                raise BadFact(f"cannot merge {name!r}: the store holds no facts of it")
        run, aliases = self._run, self._aliases_of(merged.key)
        run.merge(kept, merged, [one for one in aliases if run.holder(one) == one])
        old = self._merge_of(kept.key, merged.key)
        if old is not None:
            # What came with it the first time stays, and the later split does not move it.
            self._end_merge(old, None)
        self._record_change("merged", kept, merged.key)

    def _end_run(self) -> None:
        """Move what merges that follow each other brought to where it ends up."""
        run, self._run = self._run, MergeRun(self.plan.revision, self.identify)
        run.move()
        for alias, holder, former, is_told in run.aliases():
            self._give_alias(alias, holder.key)
            first = self._renamed.pop(alias, None)
            if is_told:
                self._renamed[alias] = _Renamed(holder, first.former if first else former)
        for record in run.records():
            self.plan.merged.append(record)
            self._merged[record.kept, record.merged] = record

    def _split(self, op: SplitEntities) -> None:
        key = self._key(op.namespace, op.kept)
        wanted = scoped(op.namespace, canonical_key(op.merged))
        record = self._merge_of(key, wanted)
        if record is None:
            raise BadFact(
                f"{op.merged!r} was not merged into {op.kept!r}",
                hint="split the entity that it was merged into, the last merge first",
            )
        kept, merged = self._edit(key), self._edit(wanted)
        merged.name = record.merged_name
        brought = carried(record, self._merges_between, self.identify)
        for fact in kept.after:
            ident = brought.id_of(fact)
            if ident in brought.moved:
                kept.end(fact)
            if ident in brought.moved or ident in brought.shared:
                merged.take(fact)
        self._record_change("split", kept, wanted)
        if self._alias(wanted) == key:
            self._give_alias(wanted, None)
        for alias in brought.aliases:
            if self._alias(alias) == key:
                self._give_alias(alias, wanted if merged.facts else None)
                self._record_event("no_alias", kept, alias)
                if merged.facts:
                    self._record_event("alias", merged, alias)
        self._end_merge(record, self.plan.revision)

    def _merges_between(self, kept: str, merged: str) -> list[MergeRecord]:
        here = self._merged.get((kept, merged))
        if here is not None:
            return [here]
        over = [one for one in self.plan.merged if (one.kept, one.merged) == (kept, merged)]
        return [*over, *self.reader.merges_between(kept, merged)]

    def _end_merge(self, record: MergeRecord, until: int | None) -> None:
        """Mark a merge as one that can no longer be undone.

        Args:
            record: of the merge.
            until: the revision of the split; ``None`` where a later merge took its place.
        """
        ended = record._replace(until=until, is_reversible=False)
        merged = self.plan.merged
        pair = (record.kept, record.merged)
        if self._merged.get(pair) != record:
            self.plan.unmerged.append(ended)
            self._unmerged.add(pair)
            return
        del self._merged[pair]
        if until is None:
            merged[merged.index(record)] = ended
        elif any(
            record.merged in carried_along(one) for one in merged if one.merged == record.kept
        ):
            merged[merged.index(record)] = ended  # another is not whole without it
        else:
            merged.remove(record)  # done and undone in one commit, it was never to be seen

    def _define(self, rule: RelationRule) -> None:
        if self.rules.of(rule.key) == rule:
            return
        # The definition of a synonym is replaced: one relation has one rule.
        self.rules = RelationRules([*self.rules.all(), rule])
        self.plan.rules = self.rules
        self.plan.events.append(CommitEvent("rule", rule.key, rule.name))
        self.plan.changed += 1

    def _drop_aliases_of_empty(self) -> None:
        """Remove the aliases of entities that have no facts any more.

        The records of merges into them stay: they are undone, or erased, with them.
        """
        for key, edit in list(self.edits.items()):
            if edit.changed and not edit.facts:
                for alias in self._aliases_of(key):
                    self._give_alias(alias, None)
                    self._record_event("no_alias", edit, alias)

    def _record_change(self, kind: ChangeKind, edit: EntityEdit, other: str) -> None:
        self._record_event(kind, edit, other)
        self.plan.changed += 1

    def _record_event(self, kind: ChangeKind, edit: EntityEdit, other: str) -> None:
        """Add an event that is not counted as a change, but that copies need."""
        renamed = self._renamed.get(other)
        if kind == "no_alias" and renamed is not None:
            # It came along with a merge and is gone again: told of whom it was of, as an undo needs.
            del self._renamed[other]
            edit = renamed.former
        self._record_renamed(other)
        self.plan.events.append(CommitEvent(kind, edit.key, edit.name or split(edit.key)[1], other))

    def _record_renamed(self, alias: str) -> None:
        """Add the event of an alias that came along with merges, if it did."""
        renamed = self._renamed.pop(alias, None)
        if renamed is not None:
            self._record_event("alias", renamed.holder, alias)
