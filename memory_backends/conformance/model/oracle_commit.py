"""One commit of the `Oracle`: operations done one after another to a copy of its last state."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from lamlam.errors import BadFact, Conflict, TooManyValues
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    DefineRelation,
    MergeEntities,
    Op,
    RemoveAlias,
    Replace,
    Retract,
    SplitEntities,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.synonyms import same_relation
from lamlam.memory_backends.model.timestamps import to_us
from lamlam.memory_backends.model.values import Value, ValueType, code_of, parse_value, type_of

Name = tuple[Namespace, str]
"""Namespace and canonical key of an entity or an alias."""
FOREVER = 2**63


@dataclass(frozen=True)
class OracleRow:
    """A fact that is valid."""

    relation: str
    value: Value
    surface: str
    sources: tuple[str, ...]
    confidence: float
    begin: int
    end: int
    since: int
    """The revision at which it came to be as it is."""
    place: tuple[int, int] = field(default=(0, 0), compare=False)
    """The commit that put it behind the others of its entity, and which of those it put."""

    @property
    def key(self) -> str:
        """Of the relation."""
        return canonical_key(self.relation)

    @property
    def same(self) -> tuple[object, ...]:
        """Equal for the same statement."""
        return self.key, code_of(self.value), self.surface * isinstance(self.value, str), self.begin

    def says(self, other: OracleRow) -> bool:
        """Return whether the value is the same."""
        return self.same[1:3] == other.same[1:3]

    def meets(self, begin: int, end: int) -> bool:
        """Return whether it is valid at some moment of a period."""
        return self.begin < end and begin < self.end


@dataclass(frozen=True)
class OracleMerge:
    """Two entities made one."""

    kept: Name
    merged: Name
    spelt: str
    """The merged one."""
    moved: frozenset[tuple[object, ...]]
    """What makes the facts that moved the same ones."""
    both: frozenset[tuple[object, ...]]
    """Facts that both had."""
    aliases: tuple[Name, ...]
    """That moved."""
    since: int
    run: tuple[int, int]
    """The commit, and which of its runs of merges that follow each other."""

    def is_nested_in(self, run: list[OracleMerge]) -> bool:
        """Return whether another merge of its run goes on with its facts, or brought it some."""
        return any(one.kept == self.merged or one.merged == self.kept for one in run)


@dataclass
class OracleState:
    """All that a store holds at a revision."""

    facts: dict[Name, list[OracleRow]] = field(default_factory=dict)
    spelt: dict[Name, str] = field(default_factory=dict)
    aliases: dict[Name, Name] = field(default_factory=dict)
    rules: list[RelationRule] = field(default_factory=list)
    merges: list[OracleMerge] = field(default_factory=list)
    """That can be undone."""
    over: list[tuple[OracleMerge, int]] = field(default_factory=list)
    """That cannot, with the revision of the split."""

    def rows(self, name: Name) -> list[OracleRow]:
        """Return the facts of an entity."""
        return self.facts.get(name, [])

    def contents(self, is_ordered: bool) -> dict[tuple[Name, str], list[OracleRow]]:
        """Return what is said, by entity and relation, whenever it came to be; in order or sorted."""
        held: dict[tuple[Name, str], list[OracleRow]] = {}
        for name, rows in self.facts.items():
            for row in rows:
                held.setdefault((name, row.key), []).append(replace(row, since=0, place=(0, 0)))
        return held if is_ordered else {key: sorted(held[key], key=repr) for key in held}

    def meant(self, name: Name) -> Name:
        """Return the entity with exactly that name, or the one with that alias, or a new one."""
        return name if self.rows(name) else self.aliases.get(name, name)

    def rule(self, relation: str) -> RelationRule | None:
        """Return what is known about a relation."""
        return next((r for r in self.rules if same_relation(r.key, canonical_key(relation))), None)

    def rule_of_values(self, fact: Fact) -> RelationRule | None:
        """Return what is known about the values: the inverse of a relation names entities."""
        rule, key = self.rule(fact.relation), canonical_key(fact.relation)
        if isinstance(fact.value, str) and (rule is None or rule.value_type is None):
            if any(r.inverse and same_relation(canonical_key(r.inverse), key) for r in self.rules):
                return RelationRule(fact.relation, value_type=ValueType.ENTITY)
        return rule


class OracleCommit:
    """One commit at work on a copy of the last state."""

    def __init__(self, state: OracleState, before: OracleState, revision: int) -> None:
        self.state, self.before, self.revision = state, before, revision
        self.count = 0
        self.n_placed = 0
        self.n_runs = 0
        self.events: list[tuple[Any, ...]] = []
        self.carried: set[tuple[Name, object]] = set()
        """Facts that merges, of which the last operations are, have moved."""
        self.renamed: dict[Name, tuple[Name, Name]] = {}
        """Aliases that came along with a merge: where they are at the end is to be told."""

    def do(self, op: Op) -> None:
        """Apply the operation."""
        state = self.state
        if not isinstance(op, MergeEntities):
            self.carried.clear()
            self.n_runs += 1
        match op:
            case Assert(given) | Replace(given):
                name = state.meant((given.namespace, canonical_key(given.entity)))
                if not (state.rows(name) or self.before.rows(name)):
                    state.spelt[name] = given.entity
                row = _row(given, state.rule_of_values(given))
                held = [r for r in state.rows(name) if same_relation(r.key, row.key)]
                if isinstance(op, Assert):
                    rule = state.rule(row.relation)
                    others = [r for r in held if not r.says(row) and r.meets(row.begin, row.end)]
                    old = [r for r in state.rows(name) if r.same == row.same]
                    is_new = not old or old[0].end != row.end
                    if rule is not None and rule.cardinality == "one" and others and is_new:
                        raise TooManyValues("model")
                    sources = (*(old[0].sources if old else ()), *row.sources)
                    self.put(name, replace(row, sources=tuple(dict.fromkeys(sources))))
                else:
                    self.replace(name, row, held, op.expected)
            case Retract(entity, relation, value, space, exact, valid_from, ended_by):
                name, key = state.meant((space, canonical_key(entity))), canonical_key(relation)
                for r in list(state.rows(name)):
                    named = r.key == key and r.begin == _begin(valid_from)
                    is_over = ended_by is None or r.end <= _begin(ended_by)
                    if (
                        is_over
                        and (named if exact else same_relation(r.key, key))
                        and has_value(r, value)
                    ):
                        self.end(name, r)
            case DefineRelation(rule):
                known = state.rule(rule.name)
                if known != rule:
                    state.rules = [r for r in state.rules if r is not known]
                    state.rules.append(rule)
                    self.happened("rule", rule.key)
            case AddAlias(entity, other, space) | RemoveAlias(entity, other, space):
                self.alias(
                    op, state.meant((space, canonical_key(entity))), (space, canonical_key(other))
                )
            case MergeEntities(kept, merged, space):
                self.merge(*(state.meant((space, canonical_key(n))) for n in (kept, merged)))
            case SplitEntities(kept, merged, space):
                self.split(
                    state.meant((space, canonical_key(kept))), (space, canonical_key(merged))
                )

    def put(self, name: Name, row: OracleRow) -> None:
        """Add the fact, in the place of the same statement if there was one."""
        rows = self.state.facts.setdefault(name, [])
        row = replace(row, since=self.revision)
        for n, old in enumerate(rows):
            if old.same == row.same:
                row = replace(row, relation=old.relation, place=old.place)
                if replace(row, since=old.since) == old:
                    return
                rows[n] = row
                break
        else:
            self.n_placed += 1
            rows.append(replace(row, place=(self.revision, self.n_placed)))
        self.count += 1

    def end(self, name: Name, row: OracleRow) -> None:
        """End the fact."""
        self.state.facts[name] = [r for r in self.state.rows(name) if r.same != row.same]
        self.count += 1

    def replace(self, name: Name, row: OracleRow, held: list[OracleRow], expected: Any) -> None:
        """Make the fact the only value in its period."""
        if expected is not None and sorted(expected) != sorted(r.surface for r in held):
            raise Conflict("model")
        same = [r for r in held if r.says(row) and r.begin == row.begin]
        kept = next(iter([r for r in same if r.key == row.key] or same), None)
        for old in held:
            if old is kept or not old.meets(row.begin, row.end):
                continue
            if old.begin < row.begin:
                self.put(name, replace(old, end=row.begin))
            else:
                self.end(name, old)
            if row.end < old.end:
                rest = replace(old, begin=row.end)
                for later in [r for r in self.state.rows(name) if r.same == rest.same]:
                    sources = tuple(dict.fromkeys((*later.sources, *rest.sources)))
                    rest = replace(later, end=max(later.end, rest.end), sources=sources)
                self.put(name, rest)
        if kept is not None:
            row = replace(
                row,
                relation=kept.relation,
                end=max(kept.end, row.end),
                sources=row.sources or kept.sources,
            )
        self.put(name, row)

    def alias(self, op: Op, name: Name, alias: Name) -> None:
        """Add or remove the alias."""
        state = self.state
        if isinstance(op, RemoveAlias):
            if state.aliases.get(alias) == name:
                del state.aliases[alias]
                self.happened("no_alias", name, alias)
            return
        if not state.rows(name):
            raise BadFact("model")
        if alias == name or state.aliases.get(alias) == name:
            return
        if alias in state.aliases or state.rows(alias):
            raise BadFact("model")
        state.aliases[alias] = name
        self.happened("alias", name, alias)

    def merge(self, kept: Name, merged: Name) -> None:
        """Give the kept entity everything of the merged one."""
        state = self.state
        if kept == merged:
            return
        if not state.rows(kept) or not state.rows(merged):
            raise BadFact("model")
        mine = {r.same for r in state.rows(kept)}
        theirs = list(state.rows(merged))
        moved = frozenset(r.same for r in theirs if r.same not in mine)
        aliases = tuple(a for a, e in state.aliases.items() if e == merged)
        for r in theirs:
            if (merged, r.same) in self.carried:  # on its way: counted where it ends up
                self.count -= 2
            self.end(merged, r)
            if r.same not in mine:
                self.put(kept, r)
                self.carried.add((kept, r.same))
        state.aliases |= dict.fromkeys([*aliases, merged], kept)
        both = frozenset(r.same for r in theirs if r.same in mine)
        for old in [m for m in state.merges if (m.kept, m.merged) == (kept, merged)]:
            state.merges.remove(old)
            state.over.append((old, FOREVER))
        state.merges.append(
            OracleMerge(
                kept, merged, state.spelt[merged], moved, both, aliases, self.revision,
                (self.revision, self.n_runs),
            )
        )  # fmt: skip
        self.happened("merged", kept, merged)
        for alias in aliases:
            former = self.renamed[alias][1] if alias in self.renamed else merged
            self.renamed[alias] = (kept, former)

    def split(self, kept: Name, merged: Name) -> None:
        """Return what came with the merged entity to it."""
        state = self.state
        merge = next((m for m in state.merges if (m.kept, m.merged) == (kept, merged)), None)
        if merge is None:
            raise BadFact("model")
        state.merges.remove(merge)
        state.over.append((merge, self.revision))
        if not state.rows(merged):
            state.spelt[merged] = merge.spelt
        for r in list(state.rows(kept)):
            if r.same in merge.moved:
                self.end(kept, r)
            if r.same in merge.moved | merge.both and all(
                r.same != x.same for x in state.rows(merged)
            ):
                self.put(merged, r)
        self.happened("split", kept, merged)
        for alias in [merged, *merge.aliases]:
            if state.aliases.get(alias) != kept:
                continue
            del state.aliases[alias]
            if alias == merged:
                continue
            self.tell("no_alias", kept, alias)
            if state.rows(merged):
                state.aliases[alias] = merged
                self.tell("alias", merged, alias)

    def happened(self, *event: Any) -> None:
        """Record it for the changes of the commit."""
        self.tell(*event)
        self.count += 1

    def tell(self, *event: Any) -> None:
        """Record it, though it does not count."""
        if event[-1] in self.renamed:
            holder, former = self.renamed.pop(event[-1])
            if event[0] == "no_alias":  # told of whom it was of before it came along
                event = ("no_alias", former, event[-1])
            else:
                self.events.append(("alias", holder, event[-1]))
        self.events.append(event)

    def finish(self) -> None:
        """Remove the aliases of entities without facts, and tell where others are."""
        state = self.state
        for alias, name in list(state.aliases.items()):
            if not state.rows(name):
                del state.aliases[alias]
                self.tell("no_alias", name, alias)
        self.events += [("alias", kept, alias) for alias, (kept, _) in self.renamed.items()]


def _row(fact: Fact, rule: RelationRule | None) -> OracleRow:
    value, end = fact.value, to_us(fact.valid_to)
    if rule is not None and rule.value_type not in (None, type_of(value)):
        if not isinstance(value, str) or rule.value_type is None:
            raise BadFact("model")
        value = parse_value(rule.value_type, value)
    return OracleRow(
        fact.relation, value, fact.surface, fact.sources, fact.confidence,
        _begin(fact.valid_from), FOREVER if end is None else end, 0,
    )  # fmt: skip


def _begin(moment: Any) -> int:
    begin = to_us(moment)
    return -FOREVER if begin is None else begin


def has_value(row: OracleRow, value: Value | None) -> bool:
    """Return whether a row has this value; a text also names a typed one by its surface."""
    if value is None:
        return True
    if isinstance(value, str):
        return row.surface == value
    return code_of(row.value) == code_of(value) and not isinstance(row.value, str)
