"""Read a fact file: one connection, one snapshot (snapshot isolation), few prepared statements."""

from __future__ import annotations

import sqlite3
import struct
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from hashlib import blake2b
from typing import Any
from weakref import WeakValueDictionary

from lamlam.memory_backends.model import row_codec
from lamlam.memory_backends.model.entity_reader import (
    MOST_OF_A_CODE,
    EntityHistory,
    EntityReader,
)
from lamlam.memory_backends.model.exact_hits import ExactHit
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
from lamlam.memory_backends.model.relation_rules import RelationRules
from lamlam.memory_backends.model.row_codec import ESCAPE, FIELD, PERIOD, RECORD
from lamlam.memory_backends.sqlite.commit_log import unpack_rules
from lamlam.memory_backends.sqlite.many_keys import ALIASES, ENDED, REFERRED, ROWS, rows_of
from lamlam.memory_backends.sqlite.near_blocks import numbers_of, places_of, used_among
from lamlam.memory_backends.sqlite.placed_rows import EntityRow, PlacedRows
from lamlam.memory_backends.sqlite.row_words import current_codes
from lamlam.memory_backends.sqlite.rows import SPACE_END, name_and_key, next_place, row_id
from lamlam.memory_backends.sqlite.short_rows import OWN, RelationCodes

_ROW = "SELECT name, facts FROM ent WHERE id = ?"
_ALIAS = "SELECT ent.name, ent.facts FROM alias JOIN ent ON ent.id = alias.ent WHERE key = ?"
_STATE = "SELECT EXISTS (SELECT 1 FROM alias), rules FROM store"
_NAMES_BETWEEN = "SELECT name FROM ent WHERE id BETWEEN ? AND ? AND name <> ''"
_PAST = "SELECT name, facts, retracted FROM past WHERE ent = ? ORDER BY id"
_OWNERS = "SELECT owner FROM reference WHERE target = ?"
_SNAPSHOT_NS = 5_000_000
"""A snapshot is this old at most when a question is asked: what others commit is seen then."""
_FOR_EVER = 1 << 63
_MOST_SOURCES = 4096
_MOST_RELATIONS = 4096
_NO_NAMESPACE: Namespace = ()
_NOTHING_READ: tuple[str, tuple[str, ...]] = (FIELD + FIELD, ())
_new = object.__new__
_number = struct.Struct(">q").unpack


class SqliteReader(PlacedRows, EntityReader):
    """Answers from one snapshot (snapshot isolation) until a fresh one is asked for or due.

    Not safe for threads: the store guards it with a lock.
    """

    has_aliases = False
    rules = RelationRules()
    has_rules = False
    codes = RelationCodes(version=-1)
    revision_sql = "SELECT revision, relations FROM store"

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
        self.fresh_until = 0
        """Until then, in nanoseconds, the snapshot at hand is young enough for a question."""
        self._sources: dict[int, str] = {}
        self._begins: dict[str, str] = {}
        self._last_written, self._last_sources = _NOTHING_READ
        self._fact_at = self.codes.fact_at
        self.kept_sources: dict[str, tuple[str, ...]] = {}
        """Sources of facts, by their numbers as a row has them."""
        self.revision: int = -1
        # The row that `alias` read on its way, for the `record` that follows.
        self._behind_alias: EntityRow | None = None

    def pin(self, now_ns: int) -> None:
        """Take a fresh snapshot where the one at hand is older than a few milliseconds."""
        if now_ns < self.fresh_until:
            return
        self.release()
        if self._check is not None:
            self._check()
        if len(self.kept_sources) >= _MOST_SOURCES:
            self._forget_sources()
        execute = self.cursor.execute
        execute("BEGIN")
        self._is_pinned = True
        revision, version = execute(self.revision_sql).fetchone()
        if version != self.codes.version:
            self.read_codes()
        if revision != self.revision:
            self._forget_sources()  # an erasure may have taken any of them
            has_aliases, rules = execute(_STATE).fetchone()
            self.has_aliases = bool(has_aliases)
            self.rules = unpack_rules(rules) if rules else RelationRules()
            self.has_rules = bool(self.rules)
            self.revision = revision
        self.fresh_until = _FOR_EVER if self._is_frozen else now_ns + _SNAPSHOT_NS

    def read_codes(self) -> None:
        """Read the codes of relations in the snapshot."""
        self.codes = current_codes(self.cursor)
        self._fact_at = self.codes.fact_at
        self._begins = {}

    def release(self) -> None:
        """Release the snapshot, so that nothing keeps the log from being written back."""
        self._behind_alias = None
        self.fresh_until = 0
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

        Most are, and this way calls next to nothing. What holds now is asked about; other
        questions are not answered here.
        """
        entity = query.entity
        if (
            query.namespace is not _NO_NAMESPACE
            or query.valid_at is not None
            or query.as_of is not None
            or self.has_rules
            or not entity.isascii()
        ):
            return None
        # Where the key is another text, no row is here whose name has this case folding.
        key = entity.casefold()
        place = _number(blake2b(key.encode(), digest_size=8).digest())
        row = self._execute(_ROW, place).fetchone()
        if row is None:
            return self._exact_as_key(query, identify)
        name, text = row
        begins = self._begins.get(query.relation) or self._beginning(query.relation)
        _, is_there, value = text.partition(begins)
        if not is_there or (name != entity and name.casefold() != key):
            return self._exact_as_key(query, identify)
        if RECORD in value:  # other facts follow
            if begins in value:
                return self._exact_as_key(query, identify)
            value, _, _ = value.partition(RECORD)
        own = ""
        if FIELD in value:
            if PERIOD in value:
                return None
            value, _, own = value.partition(FIELD)
        if ESCAPE in value:
            value = row_codec.unescape(value)
        if own[:1] == OWN:
            sources = self._sources_written(own[1 : own.find(",")])
        else:
            sources = self._last_sources
            if not text.startswith(self._last_written):
                sources = self._sources_of_row(text)
        hit = _new(ExactHit)
        hit.value = value
        hit.revision = self.revision
        hit.found = (name, key, identify, sources, self._fact_at, text, begins)
        return hit

    def _sources_of_row(self, text: str) -> tuple[str, ...]:
        """Return the sources that the facts of a short row have in common, and keep them."""
        ids = text[1 : text.find(",")]
        sources = self._sources_written(ids)
        self._last_written, self._last_sources = f"{FIELD}{ids},", sources
        return sources

    def _sources_written(self, ids: str) -> tuple[str, ...]:
        """Return sources by their numbers as a row has them, and keep them."""
        sources = self.kept_sources.get(ids)
        if sources is None:
            sources = self.kept_sources[ids] = row_codec.sources_of(ids, self.source)
        return sources

    def _exact_as_key(self, query: Lookup, identify: Identify) -> LookupResult | None:
        key = canonical_key(query.entity)
        row = self._execute(_ROW, (row_id(key),)).fetchone()
        if row is None or row[0].casefold() != key:
            return None
        stored = self.find(row[1], relation_key(query.relation))
        if type(stored) is not LazyFacts and not (
            isinstance(stored, LongFacts) and stored.is_timeless
        ):
            return None
        return LookupResult(
            LookupStatus.HIT, None, self.revision, 0, row[0], key, (), stored, None, identify
        )

    def _beginning(self, relation: str) -> str:
        """Return how a fact of a relation begins in a row, and keep it."""
        if len(self._begins) >= _MOST_RELATIONS:
            self._begins.clear()
        begins = self._begins[relation] = self.codes.beginning(relation_key(relation))
        return begins

    def entity_row(self, name: str, key: str, text: str) -> EntityRow:
        """Return the row of an entity."""
        return EntityRow(self, name, key, text)

    def unpack(self, text: str, most: int = -1) -> list[StoredFact]:
        """Return the facts of a row, or so many of the first ones."""
        return row_codec.unpack(self.codes.expand(text, most), self.source, most)

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
                return self.entity_row(name, key, text)
            if name:
                name, found_key = name_and_key(name)
                if found_key == key:
                    return self.entity_row(name, key, text)
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
                facts = self.unpack(text)
                versions += [PastVersion(fact, retracted) for fact in facts]
        return last, versions

    def alias(self, key: str) -> str | None:
        """Return the scoped key of the entity that has this one as an alias."""
        row = self.cursor.execute(_ALIAS, (key,)).fetchone()
        if row is None:
            return None
        self._behind_alias = self.entity_row(*name_and_key(row[0]), row[1])
        return self._behind_alias.key

    def aliases(self, key: str) -> list[str]:
        """Return the scoped keys of the aliases of an entity, sorted."""
        place = self.place_of(key) if self.has_aliases else None
        return self.aliases_at(place) if place is not None else []

    def candidates(self, codes: Collection[int]) -> list[str]:
        """Return the scoped keys of the entities indexed under any of these codes, each once."""
        execute = self.cursor.execute
        # The resolver knows that there may be more: what is ambiguous must not look like the answer.
        ranges = dict.fromkeys([places for code in codes for places in self.places_of_code(code)])
        names = [name for pair in ranges for (name,) in execute(_NAMES_BETWEEN, pair).fetchall()]
        return [name_and_key(name)[1] for name in names]

    def known(self, keys: Collection[str]) -> set[str]:
        """Return those of the scoped keys that are an entity's with facts, or an alias of one."""
        places = {row_id(key): key for key in keys}
        if len(places) < len(keys):  # two of them have one hash, or a key came twice
            return super().known(keys)
        found = set()
        for place, name in rows_of(self.cursor, ROWS, list(places)):
            key = places[place]
            # Where another name took the place, the row is the next one or there is none.
            is_it = name.casefold() == key and SPACE_END not in key
            if is_it or name_and_key(name)[1] == key or self.record(key) is not None:
                found.add(key)
        if self.has_aliases:
            found |= self._aliases_among([key for key in keys if key not in found])
        return found

    def used_keys(self, keys: Collection[str]) -> set[str]:
        """Return the scoped keys that may be, or once have been, an entity's or an alias."""
        places: dict[int, list[str]] = {}
        for key in keys:
            places.setdefault(row_id(key), []).append(key)
        taken = {place for place, _ in rows_of(self.cursor, ROWS, list(places))}
        taken |= {place for (place,) in rows_of(self.cursor, ENDED, list(places))}
        used = {key for place in taken for key in places[place]}
        return used | self._aliases_among([key for key in keys if key not in used])

    def _aliases_among(self, keys: list[str]) -> set[str]:
        return {key for (key,) in rows_of(self.cursor, ALIASES, keys)}

    def places_of_code(self, code: int) -> list[tuple[int, int]]:
        """Return between which places entities with this code are: each first and last one."""
        return [places_of(number) for number in numbers_of(self.cursor, code, MOST_OF_A_CODE)]

    def used_codes(self, codes: Collection[int]) -> set[int]:
        """Return the codes under which any entity is indexed."""
        return used_among(self.cursor, codes)

    def owners(self, key: str) -> Iterator[str]:
        """Yield the scoped keys of entities that have, or once had, this one as a value."""
        owners = self.cursor.execute(_OWNERS, (row_id(key),)).fetchall()
        return (owner for (number,) in owners for owner in self.keys_of(number))

    def values_among(self, keys: Collection[str]) -> set[str]:
        """Return those of the scoped keys that may be, or once have been, a value's."""
        places = {key: row_id(key) for key in keys}
        used = {place for (place,) in rows_of(self.cursor, REFERRED, list({*places.values()}))}
        return {key for key, place in places.items() if place in used}

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
        text: str = row[0]
        self._sources[source_id] = text + ""  # raises if it is not text: then the file is damaged
        return text

    def find(self, text: str, relation_key: str) -> Sequence[StoredFact]:
        """Return the facts of one relation of a row; very many are read as they are asked for."""
        found = self.codes.find(
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
        self._last_written, self._last_sources = _NOTHING_READ
