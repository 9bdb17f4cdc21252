"""Read a fact file of schema 2, which may not be written; its names may have the keys of version 1.

It answers as it would after its upgrade (`key_migration`): a name whose key is another one now is
looked for where it was put, and the facts of a row get the keys of this version when they are read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from lamlam.memory_backends.model.entity_reader import MOST_OF_A_CODE, EntityReader
from lamlam.memory_backends.model.lookups import (
    Identify,
    Lookup,
    LookupResult,
    PastVersion,
    StoredFact,
)
from lamlam.memory_backends.model.old_keys import may_differ, old_scoped_key, rekeyed
from lamlam.memory_backends.sqlite.placed_rows import EntityRow
from lamlam.memory_backends.sqlite.reader import SqliteReader
from lamlam.memory_backends.sqlite.rows import name_and_key, next_place, row_id

_SCHEMA = 2
_NEAR = f"SELECT ent FROM near WHERE code = ? LIMIT {MOST_OF_A_CODE}"
_ROW = "SELECT name, facts FROM ent WHERE id = ?"


class Schema2Reader(SqliteReader):
    """Answers from a file of schema 2: long rows of facts, and a row for each code of a name."""

    revision_sql = "SELECT revision, -1 FROM store"
    _is_upgraded = False

    def pin(self, now_ns: int) -> None:
        """Take a fresh snapshot, as `SqliteReader` does."""
        super().pin(now_ns)
        # Another process may have upgraded the file meanwhile.
        if not self._is_upgraded and self._schema() > _SCHEMA:
            self._is_upgraded = True
            self.revision_sql = SqliteReader.revision_sql
            self.read_codes()

    def places_of_code(self, code: int) -> list[tuple[int, int]]:
        """Return between which places entities with this code are: each first and last one."""
        if self._is_upgraded:
            return super().places_of_code(code)
        return [(place, place) for (place,) in self.cursor.execute(_NEAR, (code,)).fetchall()]

    def used_codes(self, codes: Collection[int]) -> set[int]:
        """Return the codes under which any entity is indexed."""
        return super().used_codes(codes) if self._is_upgraded else set(codes)

    def _schema(self) -> int:
        (version,) = self.cursor.execute("PRAGMA user_version").fetchone()
        return int(version)


class OldEntityRow(EntityRow):
    """An entity's row whose facts have keys of version 1."""

    __slots__ = ()

    def relation_keys(self) -> list[str]:
        return list(dict.fromkeys(fact.key for fact in self.stored()))

    def of(self, relation_key: str) -> Sequence[StoredFact]:
        return [fact for fact in self.stored() if fact.key == relation_key]

    def stored(self) -> list[StoredFact]:
        return [rekeyed(fact) for fact in super().stored()]

    def first(self, most: int) -> list[StoredFact]:
        return [rekeyed(fact) for fact in super().first(most)]


class OldKeysReader(Schema2Reader):
    """Answers from a file of version 1 with the keys of this version."""

    _beside: str | None = None
    """Key of an entity that in version 1 had the key that was just asked for."""

    def exact(self, query: Lookup, identify: Identify) -> LookupResult | None:
        """Return nothing: `look_up` asks `record`."""
        return None

    def entity_row(self, name: str, key: str, text: str) -> EntityRow:
        """Return the row of an entity."""
        make = OldEntityRow if may_differ(text) else EntityRow
        return make(self, name, key, text)

    def record(self, key: str) -> EntityRow | None:
        """Return the entity with exactly this scoped key."""
        self._behind_alias = None
        self._beside = None
        place = row_id(old_scoped_key(key))
        while (found := self.cursor.execute(_ROW, (place,)).fetchone()) is not None:
            if found[0]:
                name, its_key = name_and_key(found[0])
                if its_key == key:
                    return self.entity_row(name, key, found[1])
                if old_scoped_key(its_key) == key:
                    self._beside = its_key  # in version 1 the two were one name
            place = next_place(place)
        # Another process may have upgraded the file meanwhile.
        return super().record(key) if old_scoped_key(key) != key else None

    def candidates(self, codes: Collection[int]) -> list[str]:
        """Return the scoped keys of the entities indexed under any of these codes, each once."""
        found = super().candidates(codes)
        if self._beside is not None and self._beside not in found:
            found.append(self._beside)
        return found

    def known(self, keys: Collection[str]) -> set[str]:
        """Return those of the scoped keys that are an entity's with facts, or an alias of one."""
        return EntityReader.known(self, keys)

    def used_keys(self, keys: Collection[str]) -> set[str]:
        """Return all keys: many are where another key belongs."""
        return set(keys)

    def used_codes(self, codes: Collection[int]) -> set[int]:
        """Return all codes: `candidates` finds more than the index has."""
        return set(codes)

    def alias(self, key: str) -> str | None:
        """Return the scoped key of the entity that has this one as an alias."""
        found = super().alias(key)
        self._behind_alias = None
        return found

    def past(self, key: str) -> tuple[str | None, list[PastVersion]]:
        """Return the last name and the ended versions of an entity, oldest first."""
        last, versions = None, []
        rows = self.cursor.execute(
            "SELECT name, facts, retracted FROM past WHERE ent = ? ORDER BY id",
            (row_id(old_scoped_key(key)),),
        ).fetchall()
        for name, text, retracted in rows:
            plain, found = name_and_key(name)
            if found == key:
                last = plain
                facts = self.unpack(text)
                versions += [PastVersion(rekeyed(fact), retracted) for fact in facts]
        return last, versions

    def owners(self, key: str) -> Iterator[str]:
        """Yield the scoped keys of entities that have, or once had, this one as a value."""
        return super().owners(old_scoped_key(key))

    def values_among(self, keys: Collection[str]) -> set[str]:
        """Return those of the scoped keys that may be, or once have been, a value's."""
        return EntityReader.values_among(self, keys)

    def keys_of(self, number: int) -> list[str]:
        """Return the keys of the entities, with facts or without, that had this hash."""
        keys: dict[str, None] = {}
        place = number
        while (found := self.cursor.execute(_ROW, (place,)).fetchone()) is not None:
            if found[0]:
                keys[name_and_key(found[0])[1]] = None
            place = next_place(place)
        rows = self.cursor.execute("SELECT DISTINCT name FROM past WHERE ent = ?", (number,))
        for (name,) in rows.fetchall():
            keys[name_and_key(name)[1]] = None
        return [key for key in keys if row_id(old_scoped_key(key)) == number]

    def place_of(self, key: str) -> int | None:
        """Return where the row of an entity is."""
        place = row_id(old_scoped_key(key))
        while (found := self.cursor.execute(_ROW, (place,)).fetchone()) is not None:
            if found[0] and name_and_key(found[0])[1] == key:
                return place
            place = next_place(place)
        return None
