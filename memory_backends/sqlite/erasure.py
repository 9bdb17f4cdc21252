"""Erase from the tables of a fact file: facts, their past, and whatever still names them.

`residue` then searches the bytes of the file for what was erased.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lamlam.memory_backends.commits.changes import ErasedFacts
from lamlam.memory_backends.commits.erasure_plan import (
    ErasurePlan,
    entities_meant,
    is_unused,
    plan_erasure,
)
from lamlam.memory_backends.commits.erasure_request import ErasureRequest
from lamlam.memory_backends.commits.mentions import Mentions
from lamlam.memory_backends.model import row_codec
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.lookups import PastVersion, StoredFact
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.sqlite.commit_log import (
    is_of_names,
    names_any,
    pack_events,
    unpack_events,
    write_entry,
    write_touched,
    written_erasure,
)
from lamlam.memory_backends.sqlite.entities import PastRow
from lamlam.memory_backends.sqlite.mentions import (
    find_mentions,
    forget_actors,
    own_commits,
    owners_of,
)
from lamlam.memory_backends.sqlite.namespaces import keys_in
from lamlam.memory_backends.sqlite.residue import SHORTEST_SEARCHED, pieces
from lamlam.memory_backends.sqlite.rows import (
    all_merge_rows,
    merge_rows,
    name_and_key,
    next_place,
    pack_numbers,
    row_id,
    row_name,
    target_of,
    text_hash,
    unpack_numbers,
)
from lamlam.memory_backends.sqlite.short_rows import RelationCodes
from lamlam.memory_backends.sqlite.used_keys import forget_operations
from lamlam.memory_backends.sqlite.writer import SqliteWriter

_MANY = 64
"""Entities, from which on every commit is looked at for all of them together."""


@dataclass(slots=True)
class ErasedRows:
    """What was taken out of the tables."""

    facts: int = 0
    revision: int = 0
    needles: set[str] = field(default_factory=set)
    """Pieces of what was erased, to be searched for."""
    n_unsearched: int = 0
    """Texts too short to be searched for."""
    log_entries: int = 0
    """Entries of the log that no longer name it."""
    mentions: Mentions | None = None
    """What else still mentions the name."""
    as_value: int = 0
    """How many of the facts were of others, whose value the entity was."""

    def add(self, text: str, *contexts: str) -> None:
        """Have a text searched for; a short one in its contexts."""
        forms = {text, row_codec.escape(text)}
        if len(text) < SHORTEST_SEARCHED:
            forms = {context for context in contexts if len(context) >= SHORTEST_SEARCHED}
            self.n_unsearched += not forms
        for form in forms:
            self.needles.update(pieces(form))

    def add_fact(self, fact: StoredFact, codes: RelationCodes) -> None:
        """Have the value searched for, and the code where it says more than the value."""
        begins = [f"{row_codec.escape(fact.key)}{row_codec.FIELD}", *codes.marks([fact.key])]
        value = f"{row_codec.escape(fact.value)}{row_codec.FIELD}"
        self.add(fact.value, *[begin + value for begin in begins])
        if len(fact.code) > SHORTEST_SEARCHED:
            self.add(fact.code)

    @property
    def unsearched(self) -> list[str]:
        """What a receipt says of texts that are too short."""
        short = "file: {} texts are too short to be searched for"
        return [short.format(self.n_unsearched)] if self.n_unsearched else []

    @property
    def is_searchable(self) -> bool:
        """Something was erased, and all of it can be searched for."""
        return bool(self.needles) and not self.n_unsearched


def erase_rows(writer: SqliteWriter, request: ErasureRequest) -> ErasedRows:
    """Remove from the tables what an erasure reaches; the caller commits.

    All of a namespace is one erasure: each table is gone through once, whatever it holds of it.
    """
    return _Erasure(writer, request).done()


class _Erasure:
    def __init__(self, writer: SqliteWriter, request: ErasureRequest) -> None:
        self.writer = writer
        self.connection: sqlite3.Connection = writer.connection
        self.reader = writer.reader()
        (secret,) = self.connection.execute("SELECT secret FROM store").fetchone()
        self.identify = FactIds(secret)
        self.request = request
        self.erased = ErasedRows()
        self.own: Collection[int] | None = None
        """Revisions whose actors may be forgotten; ``None``: all."""

    def done(self) -> ErasedRows:
        erased, request = self.erased, self.request
        (revision,) = self.connection.execute("SELECT revision FROM store").fetchone()
        erased.revision = revision
        if request.is_whole:
            keys = keys_in(self.connection, request.namespace)
            if not keys:
                return erased
        else:
            keys = entities_meant(self.reader, request.key)
        plan = self._plan(keys)
        if request.namespace:
            names_there = {*keys, *plan.aliases, *self._names_of(keys, ())}
            may_go = Mentions(names_there, self.identify)
            self.own = own_commits(self.connection, may_go, request.namespace)
        if plan.is_empty:
            if request.relation is None:
                self._forget_free_names(keys if request.is_whole else [request.key], revision)
            return erased
        self.revision = revision + 1
        names = {key: self._erase_one(key, plan) for key in plan.gone}
        for key, versions in plan.passed_to.items():
            self._erase_passed(key, versions)
        self._count(plan.lost())
        erased.as_value = plan.n_of_owners()
        for alias in plan.aliases:
            erased.add(split(alias)[1])
        # The change log may still hold names that they had.
        last = plan.last_names()
        others = self._names_of(plan.forgotten, last) if plan.forgotten else ()
        self._forget_entities({key: names[key] for key in plan.gone if key in plan.forgotten}, last)
        freed = plan.freed(self.writer.reader(), others)
        self._forget_events({*plan.forgotten, *freed})
        for one in freed:
            erased.add(split(one)[1])
        self._rewrite_merges(plan, freed)
        names_gone = plan.names_gone(freed)
        self._forget_actors(names_gone)
        self._forget_operations(plan.keys_reached(freed), plan.revisions())
        erased.revision = revision + 1
        self.writer.finish(revision + 1)
        written = [*plan.events(plan.aliases, freed), *map(written_erasure, plan.erased(freed))]
        write_entry(self.connection, revision + 1, None, written)
        write_touched(self.connection, revision + 1, [row_id(key) for key in plan.placed])
        self._find_mentions(names_gone)
        return erased

    def _plan(self, keys: Sequence[str]) -> ErasurePlan:
        request = self.request
        owners: Iterable[str] = ()
        if request.mentions != "leave":
            request.check_placeholder(keys)
            names = Mentions(keys, self.identify)
            owners = owners_of(self.connection, self.writer.sources, names, request.namespace)
        return plan_erasure(
            self.reader,
            keys,
            request.relation,
            self.identify,
            value=request.value,
            owners=owners,
            placeholder=request.placeholder,
        )

    def _forget_free_names(self, keys: Sequence[str], revision: int) -> None:
        """Remove names from the log that are nobody's now, but once were aliases, or actors."""
        free = [key for key in keys if is_unused(self.reader, key)]
        # Copies may still know one as that of another entity.
        if free and self._forget_events(free):
            notices = [ErasedFacts(split(key)[0], self.identify.of_entity(key)) for key in free]
            self.erased.revision = revision + 1
            self.writer.finish(revision + 1)
            write_entry(self.connection, revision + 1, None, map(written_erasure, notices))
            for key in free:
                self.erased.add(split(key)[1])
        self._forget_actors(keys)
        self._forget_operations(keys, ())
        self._find_mentions(keys)

    def _forget_actors(self, keys: Collection[str]) -> None:
        mentions = self.erased.mentions = Mentions(keys, self.identify)
        gone = forget_actors(self.connection, mentions, self.own)
        self.erased.log_entries += len(gone)
        for actor in dict.fromkeys(gone):
            self.erased.add(actor)

    def _forget_operations(self, keys: Iterable[str], revisions: Collection[int]) -> None:
        forget_operations(
            self.connection, [self.identify.of_entity(key) for key in keys], revisions
        )

    def _find_mentions(self, keys: Collection[str]) -> None:
        if self.erased.mentions is not None and keys:
            self.writer.sources.flush()
            find_mentions(self.connection, self.writer.sources, self.erased.mentions)

    def _names_of(self, keys: Collection[str], aliases: Sequence[str]) -> Iterable[str]:
        """Return the other names that entities have and ever had, from the log.

        A name that went to another entity and came back is among the events of both.
        """
        keys = frozenset(keys)
        names = dict.fromkeys(aliases)
        for (text,) in self.connection.execute(
            "SELECT events FROM log WHERE events IS NOT NULL"
        ).fetchall():
            for event in unpack_events(text):
                if is_of_names(event) and event[1] in keys:
                    names[event[3]] = None
        return names

    def _erase_one(self, key: str, plan: ErasurePlan) -> set[str]:
        """Remove the facts of one entity and return the names that it had."""
        place = self.reader.place_of(key)
        after = plan.after(key, place.facts, self.revision)
        names = set()
        if place.record is not None:
            names.add(place.record.name)
            if after != list(place.facts):
                self.writer.store(key, place.record.name, place, after)
        for row in self.reader.past_rows(key):
            names.add(row.name)
            staying = [fact for fact in row.versions if not plan.takes(key, fact)]
            after += staying
            self._rewrite_past(row, staying)
        self._rewrite_references(key, after)
        return names

    def _erase_passed(self, key: str, versions: Collection[PastVersion]) -> None:
        """Remove versions from the past of an entity that stays."""
        left = list(self.reader.place_of(key).facts)
        for row in self.reader.past_rows(key):
            staying = [f for f in row.versions if PastVersion(f, row.retracted) not in versions]
            left += staying
            self._rewrite_past(row, staying)
        self._rewrite_references(key, left)

    def _count(self, gone: Sequence[StoredFact]) -> None:
        """Count versions that are in no table any more, and have their bytes searched for."""
        self.erased.facts += len(gone)
        codes = self.writer.sources.codes
        for fact in gone:
            self.erased.add_fact(fact, codes)
        for relation in self.writer.sources.forget_relations({fact.key for fact in gone}):
            if len(relation) >= SHORTEST_SEARCHED:
                self.erased.add(relation)
        self.writer.sources.flush()
        for source in {source for fact in gone for source in fact.sources}:
            row = self.connection.execute(
                "SELECT 1 FROM source WHERE hash = ? AND text = ?", (text_hash(source), source)
            ).fetchone()
            if row is None:
                self.erased.add(source)

    def _rewrite_past(self, row: PastRow, after: Sequence[StoredFact]) -> None:
        if len(after) == len(row.versions):
            return
        sources = self.writer.sources
        sources.count(row.versions, -1)
        sources.count(after, 1)
        if after:
            text = sources.pack(after)
            self.connection.execute("UPDATE past SET facts = ? WHERE id = ?", (text, row.ident))
        else:
            self.connection.execute("DELETE FROM past WHERE id = ?", (row.ident,))

    def _rewrite_references(self, key: str, staying: Iterable[StoredFact]) -> None:
        number = row_id(key)
        targets = {target_of(key, fact) for fact in staying}
        for other in self._beside(key):
            theirs = self.writer.reader().history(other).facts()
            targets.update(target_of(other, fact) for fact in theirs)
        targets.discard(None)
        self.connection.execute("DELETE FROM reference WHERE owner = ?", (number,))
        self.connection.executemany(
            "INSERT OR IGNORE INTO reference VALUES (?, ?)",
            [(target, number) for target in targets],
        )

    def _beside(self, key: str) -> set[str]:
        """Return the other entities that have the same number, by a chance of 1 in 2^64."""
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

    def _forget_entities(self, gone: Mapping[str, Iterable[str]], aliases: Sequence[str]) -> None:
        """Remove everything by which the names, or those of aliases, could be tested.

        Args:
            gone: the names that each entity had, as stored, by its scoped key.
            aliases: other names that go with them.
        """
        # A name of one that is gone may be an alias of another entity by now: that stays.
        for one in aliases:
            self.writer.search.touch_alias(one)
        self.connection.executemany("DELETE FROM alias WHERE key = ?", [(one,) for one in aliases])
        self._forget_events({*gone, *aliases})
        # One that shares its number with another entity is in the change log too.
        self._forget_touched({row_id(key) for key in gone if not self._beside(key)})
        for key, names in gone.items():
            for name in names:
                row = row_name(key, name)
                self.erased.add(name, f"{row}{row_codec.RECORD}", f"{row}{row_codec.FIELD}")

    def _forget_events(self, wanted: Collection[str]) -> int:
        """Remove what names one of these keys from the log; return how many entries it was in."""
        wanted = frozenset(wanted)
        n_entries = 0
        rows = self.connection.execute(
            "SELECT revision, events FROM log WHERE events IS NOT NULL"
        ).fetchall()
        for revision, text in rows:
            events = unpack_events(text)
            staying = [event for event in events if not names_any(event, wanted)]
            if len(staying) < len(events):
                n_entries += 1
                self.connection.execute(
                    "UPDATE log SET events = ? WHERE revision = ?",
                    (pack_events(staying), revision),
                )
        self.erased.log_entries += n_entries
        return n_entries

    def _forget_touched(self, numbers: Collection[int]) -> None:
        for ident, blob in self._touched(numbers):
            before = unpack_numbers(blob)
            staying = [one for one in before if one not in numbers]
            if not staying:
                self.connection.execute("DELETE FROM touched WHERE id = ?", (ident,))
            elif len(staying) < len(before):
                self.connection.execute(
                    "UPDATE touched SET entities = ? WHERE id = ?", (pack_numbers(staying), ident)
                )

    def _touched(self, numbers: Collection[int]) -> list[tuple[int, bytes]]:
        """Return the records of commits that may have changed one of these entities."""
        if len(numbers) > _MANY:
            return self.connection.execute("SELECT id, entities FROM touched").fetchall()
        found: dict[int, bytes] = {}
        for number in numbers:
            found.update(
                self.connection.execute(
                    "SELECT id, entities FROM touched WHERE instr(entities, ?)",
                    (pack_numbers([number]),),
                ).fetchall()
            )
        return list(found.items())

    def _rewrite_merges(self, plan: ErasurePlan, freed: Collection[str]) -> None:
        """Remove what was erased from the records of merges."""
        if plan.unknown or freed:  # any record may hold a name that the merged entity had
            records = dict(all_merge_rows(self.connection))
        else:
            concerned = {*plan.gone, *plan.unknown, *plan.emptied, *plan.passed_to}
            records = {
                ident: record
                for key in concerned
                for ident, record in merge_rows(self.connection, key)
            }
        after = plan.records(self.reader, freed)
        left = {ident: after.of(record) for ident, record in records.items()}
        for ident, rewritten in left.items():  # a record may need others as they were
            if rewritten != records[ident]:
                self.writer.rewrite_merge(ident, rewritten)
