"""Read a fact file: one connection, one snapshot (snapshot isolation), few prepared statements."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any
from weakref import WeakValueDictionary

from lamlam.memory_backends.model import row_codec
from lamlam.memory_backends.model.entity_reader import (
    MOST_OF_A_CODE,
    EntityHistory,
    EntityReader,
)
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.keys import canonical_key, relation_key
from lamlam.memory_backends.model.lazy_facts import LazyFacts, LongFacts
from lamlam.memory_backends.model.lookups import (
    Identify,
    Lookup,
    LookupResult,
    LookupStatus,
    PastVersion,
    StoredFact,
)
from lamlam.memory_backends.model.namespaces import parsed
from lamlam.memory_backends.model.relation_rules import RelationRules
from lamlam.memory_backends.sqlite.commit_log import unpack_rules
from lamlam.memory_backends.sqlite.rows import SPACE_END, name_and_key, next_place, row_id

_ROW = "SELECT name, facts FROM ent WHERE id = ?"
_ALIAS = "SELECT ent.name, ent.facts FROM alias JOIN ent ON ent.id = alias.ent WHERE key = ?"
_REVISION = "SELECT revision FROM store"
_STATE = "SELECT EXISTS (SELECT 1 FROM alias), rules FROM store"
# The resolver knows that there may be more: what is ambiguous must not look like the answer.
_NEAR = f"SELECT ent FROM near WHERE code = ? LIMIT {MOST_OF_A_CODE}"
_NAME = "SELECT name FROM ent WHERE id = ?"
_PAST = "SELECT name, facts, retracted FROM past WHERE ent = ? ORDER BY id"
_AT_ONCE = 64
"""Names or codes of one statement; more of them are no faster."""
_MARKS = ",".join("?" * _AT_ONCE)
_ROWS = f"SELECT id, name FROM ent WHERE id IN ({_MARKS})"
_ENDED = f"SELECT DISTINCT ent FROM past WHERE ent IN ({_MARKS})"
_ALIASES = f"SELECT key FROM alias JOIN ent ON ent.id = alias.ent WHERE key IN ({_MARKS})"
# A code may be that of very many entities: the first one ends the search.
_USED = (
    f"WITH asked (code) AS (VALUES {','.join(['(?)'] * _AT_ONCE)})"
    " SELECT code FROM asked WHERE EXISTS (SELECT 1 FROM near WHERE near.code = asked.code)"
)
_OWNERS = "SELECT owner FROM reference WHERE target = ?"
_REFERRED = (
    f"WITH asked (place) AS (VALUES {','.join(['(?)'] * _AT_ONCE)}) SELECT place FROM asked"
    " WHERE EXISTS (SELECT 1 FROM reference WHERE reference.target = asked.place)"
)
_SNAPSHOT_NS = 5_000_000
"""A snapshot is this old at most when a question is asked: what others commit is seen then."""
_MOST_SOURCES = 4096


class EntityRow:
    """An entity's row, unpacked as far as it is asked for (an `EntityRecord`)."""

    __slots__ = ("_reader", "key", "name", "text")

    def __init__(self, reader: SqliteReader, name: str, key: str, text: str) -> None:
        self._reader = reader
        self.text = text
        self.name = name
        self.key = key

    def relation_keys(self) -> list[str]:
        return row_codec.relation_keys(self.text)

    def of(self, relation_key: str) -> Sequence[StoredFact]:
        return self._reader.find(self.text, relation_key)

    def stored(self) -> list[StoredFact]:
        return row_codec.unpack(self.text, self._reader.source)

    def first(self, most: int) -> list[StoredFact]:
        return row_codec.unpack(self.text, self._reader.source, most)


class SqliteReader(EntityReader):
    """Answers from one snapshot (snapshot isolation) until a fresh one is asked for or due.

    Not safe for threads: the store guards it with a lock.
    """

    has_aliases = False
    rules = RelationRules()

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        is_frozen: bool,
        check: Callable[[], None] | None = None,
    ) -> None:
        self.connection = connection
        self.lock: AbstractContextManager[Any] = nullcontext()
        """That of the store, which guards this reader."""
        self._unread: WeakValueDictionary[int, LongFacts] = WeakValueDictionary()
        self._check = check
        """Raises where the file is no longer the one that its name means."""
        # One cursor: its next statement always ends the one before, so that a snapshot
        # can be left at any time.
        self.cursor = connection.cursor()
        self._execute = self.cursor.execute
        self._is_frozen = is_frozen
        self._is_pinned = False
        self._pinned_ns = 0
        self._sources: dict[int, str] = {}
        self.kept_sources: dict[str, tuple[str, ...]] = {}
        """Sources of facts, by their numbers as a row has them."""
        self.revision = -1
        # The row that `alias` read on its way, for the `record` that follows.
        self._behind_alias: EntityRow | None = None

    def pin(self, now_ns: int) -> None:
        """Take a fresh snapshot where the one at hand is older than a few milliseconds."""
        if self._is_pinned:
            if self._is_frozen or now_ns - self._pinned_ns < _SNAPSHOT_NS:
                return
            self.release()
        if self._check is not None:
            self._check()
        if len(self.kept_sources) >= _MOST_SOURCES:
            self._forget_sources()
        execute = self.cursor.execute
        execute("BEGIN")
        self._is_pinned = True
        (revision,) = execute(_REVISION).fetchone()
        if revision != self.revision:
            self._forget_sources()  # an erasure may have taken any of them
            has_aliases, rules = execute(_STATE).fetchone()
            self.has_aliases = bool(has_aliases)
            self.rules = unpack_rules(rules) if rules else RelationRules()
            self.revision = revision
        self._pinned_ns = now_ns

    def release(self) -> None:
        """Release the snapshot, so that nothing keeps the log from being written back."""
        self._behind_alias = None
        if self._is_pinned:
            self._is_pinned = False
            # SQLite itself ends a transaction that found the file damaged.
            if self.connection.in_transaction:
                self.cursor.execute("COMMIT")

    def forget(self) -> None:
        """Release the snapshot and forget what was read."""
        self.release()
        self._forget_sources()

    def close(self) -> None:
        with suppress(sqlite3.Error):  # of a damaged file; closing ends the snapshot too
            self.forget()
        self._check = None
        self.connection.close()

    def state(self) -> tuple[int, int, int, int]:
        """Return revision, facts, entities and the revision at which the change log begins."""
        self.pin(time.perf_counter_ns())
        row: tuple[int, int, int, int] = self.cursor.execute(
            "SELECT revision, facts, entities, changes_since FROM store"
        ).fetchone()
        return row

    def exact(self, query: Lookup, identify: Identify) -> LookupResult | None:
        """Return what `look_up` would where entity and relation are stored names; ``None``: ask it.

        Most are, and this way calls next to nothing.
        """
        entity = query.entity
        if (
            query.namespace != ()
            or self.rules
            or query.valid_at is not None
            or not entity.isascii()
        ):
            return None
        key = canonical_key(entity)
        row = self._execute(_ROW, (row_id(key),)).fetchone()
        if row is None or row[0].casefold() != key:
            return None
        stored = row_codec.find(
            row[1],
            relation_key(query.relation),
            self.source,
            self.kept_sources,
            self._sources_later,
        )
        if type(stored) is not LazyFacts:
            if not (isinstance(stored, LongFacts) and stored.is_timeless):
                return None
            self._unread[id(stored)] = stored
        return LookupResult(
            LookupStatus.HIT, None, self.revision, 0, row[0], key, (), stored, None, identify
        )

    # `EntityReader` -------------------------------------------------------------------------

    def record(self, key: str) -> EntityRow | None:
        """Return the entity with exactly this scoped key."""
        row = self._behind_alias
        if row is not None:
            self._behind_alias = None
            if row.key == key:
                return row
        ident = row_id(key)
        while True:
            found = self.cursor.execute(_ROW, (ident,)).fetchone()
            if found is None:
                return None
            name, text = found
            if name.casefold() == key and SPACE_END not in key:
                return EntityRow(self, name, key, text)
            if name:
                name, found_key = name_and_key(name)
                if found_key == key:
                    return EntityRow(self, name, key, text)
            # Another name with the same hash (or one that is gone): the next place.
            ident = next_place(ident)

    def history(self, key: str) -> EntityHistory:
        """Return every version of the facts of an entity."""
        last, past = self.past(key)
        record = self.record(key)
        if record is None:
            return EntityHistory(last, (), past)
        return EntityHistory(record.name, record.stored(), past)

    def past(self, key: str) -> tuple[str | None, list[PastVersion]]:
        """Return the last name and the ended versions of an entity, oldest first."""
        last, versions = None, []
        for name, text, retracted in self.cursor.execute(_PAST, (row_id(key),)).fetchall():
            plain, found = name_and_key(name)
            if found == key:
                last = plain
                facts = row_codec.unpack(text, self.source)
                versions += [PastVersion(fact, retracted) for fact in facts]
        return last, versions

    def alias(self, key: str) -> str | None:
        """Return the scoped key of the entity that has this one as an alias."""
        row = self.cursor.execute(_ALIAS, (key,)).fetchone()
        if row is None:
            return None
        self._behind_alias = EntityRow(self, *name_and_key(row[0]), row[1])
        return self._behind_alias.key

    def aliases(self, key: str) -> list[str]:
        """Return the scoped keys of the aliases of an entity, sorted."""
        place = self.place_of(key) if self.has_aliases else None
        return self.aliases_at(place) if place is not None else []

    def candidates(self, codes: Collection[int]) -> list[str]:
        """Return the scoped keys of the entities indexed under any of these codes, each once."""
        execute = self.cursor.execute
        found: dict[int, None] = {}
        for code in codes:
            rows = execute(_NEAR, (code,)).fetchall()
            if rows:
                found.update(dict.fromkeys([ident for (ident,) in rows]))
        names = [execute(_NAME, (ident,)).fetchone() for ident in found]
        return [name_and_key(row[0])[1] for row in names if row is not None]

    def known(self, keys: Collection[str]) -> set[str]:
        """Return those of the scoped keys that are an entity's with facts, or an alias of one."""
        places = {row_id(key): key for key in keys}
        if len(places) < len(keys):  # two of them have one hash, or a key came twice
            return super().known(keys)
        found = set()
        for place, name in self._together(_ROWS, list(places)):
            key = places[place]
            # Where another name took the place, the row is the next one or there is none.
            is_it = name.casefold() == key and SPACE_END not in key
            if is_it or self.record(key) is not None:
                found.add(key)
        if self.has_aliases:
            found |= self._aliases_among([key for key in keys if key not in found])
        return found

    def used_keys(self, keys: Collection[str]) -> set[str]:
        """Return the scoped keys that may be, or once have been, an entity's or an alias."""
        places: dict[int, list[str]] = {}
        for key in keys:
            places.setdefault(row_id(key), []).append(key)
        taken = {place for place, _ in self._together(_ROWS, list(places))}
        taken |= {place for (place,) in self._together(_ENDED, list(places))}
        used = {key for place in taken for key in places[place]}
        return used | self._aliases_among([key for key in keys if key not in used])

    def _aliases_among(self, keys: list[str]) -> set[str]:
        return {key for (key,) in self._together(_ALIASES, keys)}

    def used_codes(self, codes: Collection[int]) -> set[int]:
        """Return the codes under which any entity is indexed."""
        return {code for (code,) in self._together(_USED, list(codes))}

    def _together(self, statement: str, asked: list[Any]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows that a statement for so many arguments finds, one of them repeated."""
        for begin in range(0, len(asked), _AT_ONCE):
            part = asked[begin : begin + _AT_ONCE]
            part += part[:1] * (_AT_ONCE - len(part))
            yield from self.cursor.execute(statement, part).fetchall()

    def owners(self, key: str) -> Iterator[str]:
        """Yield the scoped keys of entities that have, or once had, this one as a value."""
        owners = self.cursor.execute(_OWNERS, (row_id(key),)).fetchall()
        return (owner for (number,) in owners for owner in self.keys_of(number))

    def values_among(self, keys: Collection[str]) -> set[str]:
        """Return those of the scoped keys that may be, or once have been, a value's."""
        places = {key: row_id(key) for key in keys}
        used = {place for (place,) in self._together(_REFERRED, list({*places.values()}))}
        return {key for key, place in places.items() if place in used}

    # By place ---------------------------------------------------------------------------------

    def keys_of(self, number: int) -> list[str]:
        """Return the keys of the entities, with facts or without, that have this hash."""
        keys: dict[str, None] = {}
        place = number
        while (row := self.cursor.execute(_NAME, (place,)).fetchone()) is not None:
            if row[0]:
                keys[name_and_key(row[0])[1]] = None
            place = next_place(place)
        rows = self.cursor.execute("SELECT DISTINCT name FROM past WHERE ent = ?", (number,))
        for (name,) in rows.fetchall():
            keys[name_and_key(name)[1]] = None
        # A neighbour may stand in the way only because its own hash is the next number.
        return [key for key in keys if row_id(key) == number]

    # Facts ------------------------------------------------------------------------------------

    def source(self, source_id: int) -> str | None:
        """Return the text of a source."""
        known = self._sources.get(source_id)
        if known is not None:
            return known
        row = self.cursor.execute("SELECT text FROM source WHERE id = ?", (source_id,)).fetchone()
        if row is None:
            return None
        if len(self._sources) >= _MOST_SOURCES:
            self._forget_sources()
        self._sources[source_id] = row[0]
        return str(row[0])

    def find(self, text: str, relation_key: str) -> Sequence[StoredFact]:
        """Return the facts of one relation of a row; very many are read as they are asked for."""
        found = row_codec.find(
            text, relation_key, self.source, self.kept_sources, self._sources_later
        )
        if isinstance(found, LongFacts):
            self._unread[id(found)] = found
        return found

    def _sources_later(self, written: str) -> tuple[str, ...]:
        """Return the sources of a fact that is read after its lookup, by whatever thread."""
        named = self.kept_sources.get(written)
        if named is None:
            with self.lock:
                named = row_codec.sources_of(written, self.source)
                if not self._is_pinned:
                    self.cursor.fetchall()  # ends the statement, and with it a snapshot
            self.kept_sources[written] = named
        return named

    def finish_reading(self) -> None:
        """Read the rest of what lookups found: the sources of facts are still there."""
        for facts in list(self._unread.values()):
            facts.finish()

    def _forget_sources(self) -> None:
        self._sources.clear()
        self.kept_sources.clear()

    def namespaces(self) -> list[Namespace]:
        """Return every namespace in which an entity has, or had, facts; the usual one first."""
        begin = f"substr(name, 1, instr(name, '{SPACE_END}') - 1)"
        tables = [
            f"SELECT {begin} FROM {table} WHERE instr(name, '{SPACE_END}')"
            for table in ("ent", "past")
        ]
        rows = self.cursor.execute(" UNION ".join(tables)).fetchall()
        return [(), *(parsed(written) for (written,) in rows if written)]

    def aliases_at(self, place: int) -> list[str]:
        """Return the scoped keys of the aliases of the entity whose row is here, sorted."""
        rows = self.cursor.execute("SELECT key FROM alias WHERE ent = ? ORDER BY key", (place,))
        return [alias for (alias,) in rows.fetchall()]

    def place_of(self, key: str) -> int | None:
        """Return where the row of an entity is."""
        place = row_id(key)
        while (row := self.cursor.execute(_NAME, (place,)).fetchone()) is not None:
            if row[0] and name_and_key(row[0])[1] == key:
                return place
            place = next_place(place)
        return None

    def rows_after(self, place: int | None, limit: int) -> list[tuple[int, EntityRow]]:
        """Return rows in the order of their places, those after one.

        A row without a name marks a place that an entity left.
        """
        where = "" if place is None else "WHERE id > ?"
        arguments = (limit,) if place is None else (place, limit)
        statement = f"SELECT id, name, facts FROM ent {where} ORDER BY id LIMIT ?"
        rows = self.cursor.execute(statement, arguments).fetchall()
        return [(found, EntityRow(self, *name_and_key(name), text)) for found, name, text in rows]

    def rows_between(self, first: int, last: int) -> list[tuple[int, EntityRow]]:
        """Return the rows whose places are from one number to another."""
        statement = "SELECT id, name, facts FROM ent WHERE id BETWEEN ? AND ? ORDER BY id"
        rows = self.cursor.execute(statement, (first, last)).fetchall()
        return [(found, EntityRow(self, *name_and_key(name), text)) for found, name, text in rows]

    def ended_after(self, number: int, limit: int) -> Iterator[tuple[int, str]]:
        """Yield number and key of entities that have ended versions, those after a row of `past`."""
        rows = self.cursor.execute(
            "SELECT id, name FROM past WHERE id > ? ORDER BY id LIMIT ?", (number, limit)
        ).fetchall()
        for ident, name in rows:
            yield ident, name_and_key(name)[1]

    def ended_before(
        self, number: int | None, limit: int
    ) -> list[tuple[int, str, str, StoredFact, int]]:
        """Return ended versions of the rows of `past` before one, the last rows first.

        Each with the number of its row, its entity's name and key, and the revision of its end.
        """
        where, given = ("", [limit]) if number is None else ("WHERE id < ?", [number, limit])
        rows = self.cursor.execute(
            f"SELECT id, name, facts, retracted FROM past {where} ORDER BY id DESC LIMIT ?", given
        ).fetchall()
        return [
            (ident, *name_and_key(name), fact, retracted)
            for ident, name, text, retracted in rows
            for fact in row_codec.unpack(text, self.source)
        ]
