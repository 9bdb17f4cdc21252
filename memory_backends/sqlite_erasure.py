"""Erasing from the tables of a fact file: facts, their past, and whatever still names them."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lamlam.memory_backends import packed
from lamlam.memory_backends.edits import covered_keys
from lamlam.memory_backends.fact_ids import FactIds
from lamlam.memory_backends.facts import Namespace
from lamlam.memory_backends.keys import canonical_key
from lamlam.memory_backends.lookups import PastVersion, StoredFact
from lamlam.memory_backends.merge_records import (
    MergeRecord,
    Passed,
    after_erasure,
    ids_that_went,
    passed_on,
    passed_to,
)
from lamlam.memory_backends.name_index import row_id
from lamlam.memory_backends.namespaces import scoped, split
from lamlam.memory_backends.sqlite_bytes import SHORTEST_SEARCHED, pieces
from lamlam.memory_backends.sqlite_desk import Desk
from lamlam.memory_backends.sqlite_log import (
    is_of_names,
    names_any,
    pack_events,
    unpack_events,
    write_entry,
    written_erasure,
)
from lamlam.memory_backends.sqlite_rows import (
    all_merge_records,
    merge_records,
    merges_of,
    name_and_key,
    next_place,
    pack_numbers,
    row_name,
    target_of,
    text_hash,
    unpack_numbers,
)
from lamlam.memory_backends.sqlite_writer import Writer


@dataclass(slots=True)
class Erased:
    """What was taken out of the tables."""

    facts: int = 0
    revision: int = 0
    needles: set[str] = field(default_factory=set)
    """Pieces of what was erased, to be searched for."""
    n_unsearched: int = 0
    """Texts too short to be searched for."""

    def add(self, text: str, *contexts: str) -> None:
        """The text is searched for; a short one in its contexts."""
        forms = {text, packed.escape(text)}
        if len(text) < SHORTEST_SEARCHED:
            forms = {context for context in contexts if len(context) >= SHORTEST_SEARCHED}
            self.n_unsearched += not forms
        for form in forms:
            self.needles.update(pieces(form))

    def add_fact(self, fact: StoredFact) -> None:
        """Value, and code where it says more than the value, are searched for."""
        between = packed.FIELD
        beside = f"{packed.escape(fact.key)}{between}{packed.escape(fact.value)}{between}"
        self.add(fact.value, beside)
        if len(fact.code) > SHORTEST_SEARCHED:
            self.add(fact.code)

    @property
    def is_searchable(self) -> bool:
        """Something was erased, and all of it can be searched for."""
        return bool(self.needles) and not self.n_unsearched


def erase_rows(
    writer: Writer,
    entity: str,
    relation: str | None,
    namespace: Namespace = (),
) -> Erased:
    """Nothing of it is left in the tables; the caller commits."""
    return _Erasure(writer, relation).done(scoped(namespace, canonical_key(entity)))


@dataclass(slots=True)
class _Part:
    """What was erased of one entity, and what is left of it."""

    key: str
    after: list[StoredFact]
    past: list[StoredFact] = field(default_factory=list)
    """Versions of the past that stay."""
    names: set[str] = field(default_factory=set)
    aliases: Sequence[str] = ()
    """That it had, if it has no facts any more."""
    gone: Sequence[StoredFact] = ()
    ids: tuple[str, ...] = ()

    @property
    def is_left(self) -> bool:
        return bool(self.after or self.past)


class _PastRow(NamedTuple):
    """Versions that one commit ended, as the table has them."""

    ident: int
    name: str
    retracted: int
    versions: list[StoredFact]


class _Erasure:
    def __init__(self, writer: Writer, relation: str | None) -> None:
        self.writer = writer
        self.connection: sqlite3.Connection = writer.connection
        self.desk: Desk = writer.desk()
        (secret,) = self.connection.execute("SELECT secret FROM store").fetchone()
        self.identify = FactIds(secret)
        self.relation = relation
        self.erased = Erased()
        self.gone: list[StoredFact] = []
        """Versions that were erased, of now and of the past."""

    def done(self, named: str) -> Erased:
        connection, erased = self.connection, self.erased
        (revision,) = connection.execute("SELECT revision FROM store").fetchone()
        key = named if self.desk.page(named).facts else (self.desk.alias(named) or named)
        keys = self._merged_into(key)
        if named not in keys and not self.desk.page(named).facts:
            keys.append(named)
        covered = self._covered(keys)
        parts = [part for one in keys if (part := self._erase_one(one, covered)) is not None]
        # What they brought to others while they were one with them.
        passed = passed_on(
            keys, self.relation, self._merges_from, self._past_versions, self.identify
        )
        entries = [
            entry
            for one, versions in passed_to(passed).items()
            if (entry := self._erase_passed(one, versions)) is not None
        ]
        self._search_sources()
        if not parts and not passed:
            erased.revision = revision
            return erased
        is_whole = self.relation is None
        is_emptied = all(fact.key in covered for fact in self.desk.page(key).facts)
        names: list[str] = []
        unknown = {*(keys if is_whole else ()), *(p.key for p in parts if not p.is_left)}
        # What is still a name of an entity that stays is not forgotten.
        gone = [
            part
            for part in parts
            if is_whole or (not part.is_left and (is_emptied or self.desk.alias(part.key) is None))
        ]
        forgotten = {*(keys if is_whole else ()), *(part.key for part in gone)}
        if forgotten:
            others = self._names_of(forgotten, gone)
            for part in gone:
                self._forget_entity(part)
            names = [one for one in others if self._is_free(one)]
            self._forget_events({*forgotten, *names})
            for one in names:
                self.erased.add(split(one)[1])
        nameless = {*forgotten, *names}
        self._rewrite_merges(parts, passed, unknown, nameless, keys if is_emptied else ())
        erased.revision = revision + 1
        self.writer.finish(revision + 1)
        entries += [
            self._told(part.key, () if part.key in forgotten else part.ids) for part in parts
        ]
        # Copies may still know such a name as that of another entity.
        entries += [self._told(one, ()) for one in names]
        write_entry(connection, revision + 1, None, entries)
        return erased

    def _names_of(self, keys: Collection[str], gone: Sequence[_Part]) -> list[str]:
        """The other names that entities have and ever had, as the log tells.

        A name that went to another entity and came back is in what is told of both.
        """
        names = {alias: None for part in gone for alias in part.aliases}
        for (text,) in self.connection.execute(
            "SELECT events FROM log WHERE events IS NOT NULL"
        ).fetchall():
            for event in unpack_events(text):
                if is_of_names(event) and event[1] in keys:
                    names[event[3]] = None
        return [one for one in names if one not in keys]

    def _is_free(self, name: str) -> bool:
        """True where a scoped key is no entity and names none."""
        return not (
            self.desk.alias(name) is not None
            or self.desk.load(name, row_id(name)).name is not None
            or self._past(name)
        )

    def _merged_into(self, key: str) -> list[str]:
        """The entity, and those whose facts it took over or whose names it has: their past is its."""
        keys = {key: None}
        waiting = [key]
        while waiting:
            for _, record in merges_of(self.connection, waiting.pop()):
                # One that has facts of its own again is another entity.
                if record.merged not in keys and not self.desk.page(record.merged).facts:
                    keys[record.merged] = None
                    waiting.append(record.merged)
        # A name that became an alias may have been an entity of its own, with a past.
        for alias in self.desk.aliases_of(key):
            if not self.desk.page(alias).facts:
                keys[alias] = None
        return list(keys)

    def _covered(self, keys: Sequence[str]) -> frozenset[str]:
        facts: list[StoredFact] = []
        for key in keys:
            facts += self.desk.page(key).facts
            facts += [old.fact for old in self._past_versions(key)]
        return covered_keys(facts, self.relation)

    def _past(self, key: str) -> list[_PastRow]:
        rows = self.connection.execute(
            "SELECT id, name, retracted, facts FROM past WHERE ent = ?", (row_id(key),)
        ).fetchall()
        found = []
        for ident, name, retracted, text in rows:
            plain, owner = name_and_key(name)
            if owner == key:
                versions = packed.unpack(text, self.writer.sources.text_of)
                found.append(_PastRow(ident, plain, retracted, versions))
        return found

    def _past_versions(self, key: str) -> list[PastVersion]:
        return [
            PastVersion(fact, row.retracted) for row in self._past(key) for fact in row.versions
        ]

    def _merges_from(self, key: str) -> list[MergeRecord]:
        records = merge_records(self.connection, key)
        return [record for _, record in records if record.merged == key]

    def _erase_one(self, key: str, covered: Collection[str]) -> _Part | None:
        """The facts of one entity are gone; return what is to be said of it."""
        placed = self.desk.placed(key)
        part = _Part(key, after=[fact for fact in placed.facts if fact.key not in covered])
        gone = [fact for fact in placed.facts if fact.key in covered]
        if placed.name is not None:
            part.names.add(placed.name)
        if gone:
            if not part.after:
                part.aliases = self.desk.aliases_of(key)
            assert placed.name is not None  # it has facts
            self.writer.store(key, placed.name, placed, part.after)
        for row in self._past(key):
            part.names.add(row.name)
            staying = [fact for fact in row.versions if fact.key not in covered]
            part.past += staying
            gone += [fact for fact in row.versions if fact.key in covered]
            self._rewrite_past(row, staying)
        if not gone:
            return None
        part.gone = gone
        self._count(gone)
        for alias in part.aliases:
            self.erased.add(split(alias)[1])
        self._rewrite_references(key, [*part.after, *part.past])
        part.ids = tuple({self.identify(key, fact): None for fact in gone})
        return part

    def _erase_passed(self, key: str, versions: Collection[PastVersion]) -> tuple[str, ...] | None:
        """Versions of the past of an entity that stays are gone; return what the feed tells."""
        gone: list[StoredFact] = []
        left = list(self.desk.page(key).facts)
        for row in self._past(key):
            staying = [f for f in row.versions if PastVersion(f, row.retracted) not in versions]
            left += staying
            gone += [f for f in row.versions if PastVersion(f, row.retracted) in versions]
            self._rewrite_past(row, staying)
        self._count(gone)
        self._rewrite_references(key, left)
        told = ids_that_went(key, gone, left, self.identify)
        return self._told(key, told) if told else None

    def _told(self, key: str, fact_ids: Iterable[str]) -> tuple[str, ...]:
        """Return what the feed tells of an entity, or of facts of it, that are gone."""
        return written_erasure(split(key)[0], self.identify.of_entity(key), fact_ids)

    def _count(self, gone: Sequence[StoredFact]) -> None:
        self.erased.facts += len(gone)
        self.gone += gone
        for fact in gone:
            self.erased.add_fact(fact)

    def _rewrite_past(self, row: _PastRow, after: Sequence[StoredFact]) -> None:
        if len(after) == len(row.versions):
            return
        sources = self.writer.sources
        sources.count(row.versions, -1)
        sources.count(after, 1)
        if after:
            text = packed.pack(after, sources.id_of)
            self.connection.execute("UPDATE past SET facts = ? WHERE id = ?", (text, row.ident))
        else:
            self.connection.execute("DELETE FROM past WHERE id = ?", (row.ident,))

    def _rewrite_references(self, key: str, staying: Iterable[StoredFact]) -> None:
        number = row_id(key)
        targets = {target_of(key, fact) for fact in staying}
        for other in self._beside(key):
            theirs = [
                *self.desk.load(other, number).facts,
                *(old.fact for old in self._past_versions(other)),
            ]
            targets.update(target_of(other, fact) for fact in theirs)
        targets.discard(None)
        self.connection.execute("DELETE FROM reference WHERE owner = ?", (number,))
        self.connection.executemany(
            "INSERT OR IGNORE INTO reference VALUES (?, ?)",
            [(target, number) for target in targets],
        )

    def _beside(self, key: str) -> set[str]:
        """The other entities that have the same number, by a chance of 1 in 2^64."""
        execute = self.connection.execute
        place = number = row_id(key)
        rows = execute("SELECT name FROM past WHERE ent = ?", (number,)).fetchall()
        while (
            row := execute("SELECT name FROM ent WHERE id = ?", (place,)).fetchone()
        ) is not None:
            rows.append(row)
            place = next_place(place)
        others = {name_and_key(name)[1] for (name,) in rows if name}
        return {other for other in others if other != key and row_id(other) == number}

    def _forget_entity(self, part: _Part) -> None:
        """Nothing is left by which the name, or that of an alias, could be tested."""
        wanted = {part.key, *part.aliases}
        for key in wanted:
            self.connection.execute("DELETE FROM alias WHERE key = ?", (key,))
        self._forget_events(wanted)
        if not self._beside(part.key):  # the feed tells of those too
            self._forget_touched(row_id(part.key))
        for name in part.names:
            self.erased.add(name, f"{row_name(part.key, name)}{packed.RECORD}")

    def _forget_events(self, wanted: Collection[str]) -> None:
        rows = self.connection.execute(
            "SELECT revision, events FROM log WHERE events IS NOT NULL"
        ).fetchall()
        for revision, text in rows:
            events = unpack_events(text)
            staying = [event for event in events if not names_any(event, wanted)]
            if len(staying) < len(events):
                self.connection.execute(
                    "UPDATE log SET events = ? WHERE revision = ?",
                    (pack_events(staying), revision),
                )

    def _forget_touched(self, number: int) -> None:
        mark = pack_numbers([number])
        rows = self.connection.execute(
            "SELECT id, entities FROM touched WHERE instr(entities, ?)", (mark,)
        ).fetchall()
        for ident, blob in rows:
            staying = [one for one in unpack_numbers(blob) if one != number]
            if not staying:
                self.connection.execute("DELETE FROM touched WHERE id = ?", (ident,))
            elif len(staying) * len(mark) < len(blob):
                self.connection.execute(
                    "UPDATE touched SET entities = ? WHERE id = ?", (pack_numbers(staying), ident)
                )

    def _rewrite_merges(
        self,
        parts: Sequence[_Part],
        passed: Sequence[Passed],
        unknown: Collection[str],
        nameless: Collection[str],
        emptied: Collection[str],
    ) -> None:
        """No record of a merge tells of what was erased."""
        erased = {part.key: part.gone for part in parts}
        concerned = {*erased, *unknown, *emptied, *passed_to(passed)}
        records = {
            ident: record
            for key in concerned
            for ident, record in merge_records(self.connection, key)
        }
        if nameless:  # any record may tell of a name that the merged entity had
            records |= dict(all_merge_records(self.connection))
        for ident, record in records.items():
            left = after_erasure(
                record,
                erased,
                passed,
                unknown=unknown,
                nameless=nameless,
                emptied=emptied,
                identify=self.identify,
            )
            if left != record:
                self.writer.rewrite_merge(ident, left)

    def _search_sources(self) -> None:
        self.writer.sources.flush()
        for source in {source for fact in self.gone for source in fact.sources}:
            row = self.connection.execute(
                "SELECT 1 FROM source WHERE hash = ? AND text = ?", (text_hash(source), source)
            ).fetchone()
            if row is None:
                self.erased.add(source)
