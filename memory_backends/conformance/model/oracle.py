"""`Oracle`: the simplest memory that is right, written without regard to speed.

It keeps every state that the store ever had, whole, and answers by looking. It shares no code
with the backends but what a name and a value are: keys, synonyms, codes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise
from typing import Any

from lamlam.memory_backends.conformance.model.oracle_commit import (
    FOREVER,
    Name,
    OracleCommit,
    OracleMerge,
    OracleRow,
    OracleState,
    has_value,
)
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.operations import Op
from lamlam.memory_backends.model.synonyms import asks_for, same_relation
from lamlam.memory_backends.model.values import EntityRef, Value


class Oracle:
    """What a store should be, in plain Python."""

    def __init__(self) -> None:
        self.states = [OracleState()]
        """By revision."""
        self.events: list[list[tuple[Any, ...]]] = [[]]
        """By revision: what happened besides facts."""
        self.keys: dict[str, tuple[int, int]] = {}

    @property
    def now(self) -> OracleState:
        """The last state."""
        return self.states[-1]

    @property
    def revision(self) -> int:
        """The last revision."""
        return len(self.states) - 1

    # Writing --------------------------------------------------------------------------------------

    def apply(self, ops: Iterable[Op], key: str | None = None) -> tuple[int, int]:
        """Return the revision and the count of changes of a commit."""
        if key in self.keys:
            return self.keys[key]
        work = OracleCommit(deepcopy(self.now), self.now, self.revision + 1)
        for op in ops:
            work.do(op)
        work.finish()
        if work.count:
            self.states.append(work.state)
            self.events.append(work.events)
        commit = (self.revision, work.count)
        if key is not None:
            self.keys[key] = commit
        return commit

    def erase(
        self,
        name: Name,
        relation: str | None = None,
        value: Value | None = None,
        *,
        keeps_history: bool = True,
        with_facts_of_others: bool = False,
        placeholder: str | None = None,
    ) -> int:
        """Remove all of it, past included; return how many facts and versions of facts that were.

        A store that keeps no history finds nothing to erase where all facts have ended.

        Args:
            name: of the entity, or an alias of it.
            relation: only facts of it.
            value: only this value of the relation.
            keeps_history: the store does.
            with_facts_of_others: those whose value it is go, too.
            placeholder: what they state instead.
        """
        asked, name = name, self.now.meant(name)
        # Under its other names it may once have been a separate entity, with a past.
        others = [alias for alias, entity in self.now.aliases.items() if entity == name]
        chain = [name]
        for one in chain:  # grows while it is read
            chain += [
                merge.merged
                for merge in self.now.merges
                # One that has facts is another entity by now.
                if merge.kept == one
                and merge.merged not in chain
                and not self.now.rows(merge.merged)
            ]
        gone = {asked, *others, *chain}
        wanted = canonical_key(relation) if relation is not None else None

        def stays(row: OracleRow) -> bool:
            is_other = wanted is not None and not same_relation(row.key, wanted)
            return is_other or not has_value(row, value)

        own = {
            (one, row)
            for state in (self.states if keeps_history else [self.now])
            for one in gone
            for row in state.rows(one)
            if not stays(row)
        }
        brought = [
            (merge, row)
            for merge, row in self._brought(gone)
            if not stays(row) and (keeps_history or row in self.now.rows(merge.kept))
        ]
        plain = {key for _, key in gone}
        of_others = {
            (one, row)
            for state in (self.states if keeps_history and with_facts_of_others else [self.now])
            for one in state.facts
            if with_facts_of_others and one[0] == name[0] and one not in gone
            for row in state.rows(one)
            if _names_any(row, plain)
        }
        own |= of_others
        erased = own | {(merge.kept, row) for merge, row in brought}
        if not erased:
            return 0
        before = deepcopy(self.now)
        for state in self.states:
            for one in {one for one, _ in erased}:
                state.facts[one] = [row for row in state.rows(one) if (one, row) not in erased]
        state = deepcopy(self.now)
        is_empty = not state.rows(name)
        if placeholder is not None:
            self._place(state, before, of_others, placeholder)
        emptied = {one for one, _ in of_others if not state.rows(one)}
        if is_empty:
            emptied |= {name, *chain}
            state.aliases = {a: e for a, e in state.aliases.items() if e != name}
        state.aliases = {a: e for a, e in state.aliases.items() if e not in emptied}
        # One that was merged in the commit that stated it has no rows of its own: where a relation
        # is erased it is known still by the facts that it brought.
        lost_any = gone if relation is None else {one for one, _ in own}
        unknown = {one for one in gone & lost_any if not any(s.rows(one) for s in self.states)}
        given = {
            other
            for events in self.events
            for kind, one, other in (event for event in events if event[0] != "rule")
            if one in unknown
        }
        nameless = {
            one
            for one in {*unknown, *given, *(others if is_empty and name in unknown else ())}
            if one not in state.aliases and not any(s.rows(one) for s in self.states)
        }
        standing, over = [], []
        of_run: dict[tuple[int, int], list[OracleMerge]] = defaultdict(list)
        for old in [*state.merges, *(old for old, _ in state.over)]:
            of_run[old.run].append(old)
        for old, until in [*((m, None) for m in state.merges), *state.over]:
            if {old.kept, old.merged} & unknown:
                continue
            lost = {row.same for one, row in own if one in (old.kept, old.merged)}
            lost |= {row.same for merge, row in brought if merge == old}
            if old.merged in gone and old.is_nested_in(of_run[old.run]):
                lost |= {row.same for _, row in own}
            lean = replace(
                old,
                moved=old.moved - lost,
                both=old.both - lost,
                aliases=tuple(alias for alias in old.aliases if alias not in nameless),
            )
            if until is None and old.kept not in emptied:
                standing.append(lean)
            else:
                over.append((lean, FOREVER if until is None else until))
        state.merges, state.over = standing, over
        self.states.append(state)
        self.events.append([])
        return len(erased)

    def note_revision(self) -> None:
        """Note a commit that changed nothing that is known here."""
        self.states.append(deepcopy(self.now))
        self.events.append([])

    def _place(
        self,
        state: OracleState,
        before: OracleState,
        gone: set[tuple[Name, OracleRow]],
        placeholder: str,
    ) -> None:
        """Put the placeholder behind what others state, for each value that they stated."""
        revision = self.revision + 1
        for one in {one for one, _ in gone}:
            for n, row in enumerate(before.rows(one)):
                if (one, row) in gone:
                    is_entity = isinstance(row.value, EntityRef)
                    new = replace(
                        row,
                        value=EntityRef(placeholder) if is_entity else placeholder,
                        surface=placeholder,
                        since=revision,
                        place=(revision, n),
                    )
                    if all(new.same != other.same for other in state.rows(one)):
                        state.facts.setdefault(one, []).append(new)

    def erase_space(self, space: Namespace, *, keeps_history: bool = True) -> int:
        """Remove all of a namespace; return how many facts and versions of facts that were."""
        gone = {
            (one, row)
            for state in (self.states if keeps_history else [self.now])
            for one in state.facts
            if one[0] == space
            for row in state.rows(one)
        }
        if gone:
            self.states.append(deepcopy(self.now))
            self.events.append([])
            for state in self.states:
                state.facts = {one: rows for one, rows in state.facts.items() if one[0] != space}
                state.aliases = {a: e for a, e in state.aliases.items() if a[0] != space}
                state.merges = [one for one in state.merges if one.kept[0] != space]
                state.over = [one for one in state.over if one[0].kept[0] != space]
        return len(gone)

    def _brought(self, names: set[Name]) -> list[tuple[OracleMerge, OracleRow]]:
        """Return what others had from these and no longer have, and by which merge.

        A fact goes on and on where one that took over another was taken over in turn.
        """
        merges = [*((m, FOREVER) for m in self.now.merges), *self.now.over]
        ways: list[tuple[OracleMerge, ...]] = [
            (merge,) for merge, _ in merges if merge.merged in names
        ]
        found = []
        for way in ways:  # grows while it is read
            last = way[-1]
            until = next(end for merge, end in merges if merge is last)
            if last.kept in names:
                continue
            ended = {
                row
                for before, after in pairwise(self.states)
                for row in before.rows(last.kept)
                if row not in after.rows(last.kept)
            }
            found += [
                (last, row)
                for row in ended
                if row.since >= last.since
                and self._end(last.kept, row) <= until
                and all(row.same in merge.moved for merge in way)
            ]
            ways += [
                (*way, merge)
                for merge, _ in merges
                if merge.merged == last.kept
                and all(merge is not one for one in way)
                and last.since <= merge.since < until
            ]
        return found

    def _end(self, name: Name, row: OracleRow) -> int:
        """Return the revision at which a row was no longer there."""
        states = enumerate(self.states)
        last = max(revision for revision, state in states if row in state.rows(name))
        return last + 1

    # Reading --------------------------------------------------------------------------------------

    def lookup(
        self, name: Name, relation: str, *, at: int, as_of: int | None = None
    ) -> tuple[str, list[str]]:
        """Return status and values."""
        state = self.now if as_of is None else self.states[as_of]
        key = canonical_key(relation)
        entity = self._meant(name, as_of)
        rows = state.rows(entity)
        by_name = [row.key for row in rows if row.key == key]
        if not by_name:
            rows = [row for row in rows if _can_answer(row.surface, key)]
            by_name = [row.key for row in rows if same_relation(row.key, key)]
        own = [(row, row.surface) for row in rows if by_name and row.key == by_name[0]]
        turned = [
            (row, self.spelling(other))
            for inverse in self._inverses(key)
            for other, row in self._naming(entity, state)
            if same_relation(row.key, inverse)
        ]
        if not own and not turned:
            return "miss", []
        values = _held(own, at)
        given = {canonical_key(text) for text in values}
        for text in _held(turned, at):
            if canonical_key(text) not in given:
                given.add(canonical_key(text))
                values.append(text)
        return ("hit" if values else "not_valid_at"), values

    def knows(self, name: Name, as_of: int | None = None) -> bool:
        """Return whether an entity with facts has the name or the alias, or others answer for it."""
        state = self.now if as_of is None else self.states[as_of]
        entity = self._meant(name, as_of)
        turned = [canonical_key(side) for one in self.now.rules if one.inverse
                  for side in (one.name, one.inverse)]  # fmt: skip
        return bool(state.rows(entity)) or any(
            same_relation(row.key, relation)
            for _, row in self._naming(entity, state)
            for relation in turned
        )

    def _naming(self, entity: Name, state: OracleState) -> list[tuple[Name, OracleRow]]:
        """Return the facts whose value is an entity, each with the one that it is about."""
        # Its other names mean it everywhere, as long as they are not separate entities.
        names = {entity, *(a for a, e in self.now.aliases.items() if e == entity)}
        names = {one for one in names if one == entity or not state.rows(one)}
        return [
            (other, row)
            for other in sorted(state.facts, key=lambda o: "/".join(o[0]) + o[1])
            if other[0] == entity[0]
            for row in state.rows(other)
            if isinstance(row.value, EntityRef)
            and (entity[0], canonical_key(row.value.name)) in names
        ]

    def _meant(self, name: Name, as_of: int | None) -> Name:
        state = self.now if as_of is None else self.states[as_of]
        entity = name if state.rows(name) else self.now.aliases.get(name, name)
        gone = as_of is not None and entity != name and not self.now.rows(entity)
        return name if gone else entity

    def spelling(self, name: Name) -> str:
        """Return how an entity is written."""
        return next(s.spelt[name] for s in reversed(self.states) if name in s.spelt)

    def history(self, name: Name) -> Counter[tuple[OracleRow, int]]:
        """Return every version of a fact that has ended, with the revision of its end."""
        name = name if any(s.rows(name) for s in self.states) else self.now.meant(name)
        return Counter(
            (row, revision)
            for revision in range(1, len(self.states))
            for row in self.states[revision - 1].rows(name)
            if row not in self.states[revision].rows(name)
        )

    def changes(self, since: int) -> list[tuple[int, str, Name, OracleRow]]:
        """Return what ended and what began, in each commit."""
        given: list[tuple[int, str, Name, OracleRow]] = []
        for revision in range(since + 1, len(self.states)):
            before, after = self.states[revision - 1], self.states[revision]
            for name in {**before.facts, **after.facts}:
                began = [row for row in after.rows(name) if row.since == revision]
                # One that ended and came again in one commit has moved behind the others.
                replaced = {(row.same, row.place) for row in began}
                given += [
                    (revision, "ended", name, row)
                    for row in before.rows(name)
                    if row not in after.rows(name) and (row.same, row.place) not in replaced
                ]
                given += [(revision, "asserted", name, row) for row in began]
        return given

    def _inverses(self, key: str) -> list[str]:
        found = []
        for rule in self.now.rules:
            if rule.inverse is not None:
                other = canonical_key(rule.inverse)
                found += [rule.key] if same_relation(other, key) else []
                found += [other] if same_relation(rule.key, key) else []
        return list(dict.fromkeys(found))


def _names_any(row: OracleRow, names: set[str]) -> bool:
    """Return whether the value of a row is an entity, or a text, of one of these names."""
    is_named = isinstance(row.value, EntityRef) and canonical_key(row.value.name) in names
    return is_named or canonical_key(row.surface) in names


def _held(given: list[tuple[OracleRow, str]], at: int) -> list[str]:
    """Return the texts of what is valid at a moment, each content once."""
    held = [(text, row) for row, text in given if row.begin <= at < row.end]
    return [text for text, *_ in dict.fromkeys((t, r.surface, r.same[1:3]) for t, r in held)]


def _can_answer(text: str, wanted: str) -> bool:
    """Return whether a text can be the time, or the place, that another name of it asks for."""
    asked = asks_for(wanted)
    if asked == "place":
        return not all(char.isdigit() or char in "-+.,: " for char in text)
    return asked is None or any(map(str.isdigit, text))
