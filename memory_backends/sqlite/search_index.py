"""The search index of a fact file: which letter groups the names, values and sources of entities have.

A table of FTS5 without contents, which keeps no text: its words are hashes of letter groups, made
in Python, so that every backend folds alike. Its rows are parts of the table of entities: those
whose numbers begin with the same bits, two to sixteen, so that no table says what is where.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from lamlam.errors import NotSupported
from lamlam.memory_backends.model import row_codec
from lamlam.memory_backends.model.namespaces import split, written
from lamlam.memory_backends.model.search_terms import (
    INDEX_VERSION,
    NAME,
    OTHER_SPACE,
    SOURCE,
    SPACE,
    VALUE,
    AskedTerms,
    Term,
    term_number,
)
from lamlam.memory_backends.model.search_text import all_grams
from lamlam.memory_backends.sqlite.row_words import RowWords
from lamlam.memory_backends.sqlite.rows import name_and_key

_TABLE = (
    "CREATE VIRTUAL TABLE search USING fts5(terms, content='', detail=none, columnsize=0,"
    " tokenize='ascii')"
)
_STATE = (
    "CREATE TABLE search_state (one INTEGER PRIMARY KEY CHECK (one = 1), bits INTEGER NOT NULL,"
    " sources INTEGER NOT NULL, version INTEGER NOT NULL)"
)
_ENTITIES_A_PART = 4
"""When the index is made; there are half as many at least."""
_MOST_A_PART = 16
_FEWEST_BITS = 4
_MOST_TOUCHED = 20_000
"""Parts that are changed one by one; from there on the index is made anew."""
_HASH_BYTES = 1 << 27
"""Of memory, at most, for an index that is made: written in one go it leaves no free pages."""
_USUAL_HASH_BYTES = 1 << 20
_OFFSET = 1 << 63
_EMPTY = ((1, b""), (10, bytes(7)))
"""The records of a table of FTS5 that holds nothing."""
_STALE = 0
"""The version of an index that was not kept in step."""


class IndexState(NamedTuple):
    """What a file says of its index."""

    bits: int
    """By so many first bits of their numbers entities are together."""
    sources: bool
    is_current: bool
    """It can be asked: it was made and kept by this version's rules."""


class _TermTokens(dict[str, str]):
    """Words of the table, by letter group: two characters that no text has."""

    def __init__(self, field: str) -> None:
        super().__init__()
        self._field = field

    def __missing__(self, gram: str) -> str:
        if len(self) > 200_000:
            self.clear()
        number = term_number((self._field, gram))
        # Of a plane for private use, so that no erased text is found in the index by chance.
        token = self[gram] = (
            f"{chr(0xF0000 + number % 0xFFF0)}{chr(0xF0000 + (number >> 16) % 0xFFF0)}"
        )
        return token


_TOKENS = {field: _TermTokens(field) for field in (NAME, VALUE, SOURCE, SPACE)}


def part_of(place: int, bits: int) -> int:
    """Return the part of the index in which an entity's row is."""
    return (place + _OFFSET) >> (64 - bits)


def places_of(part: int, bits: int) -> tuple[int, int]:
    """Return the first and the last number of entities in a part."""
    width = 64 - bits
    return (part << width) - _OFFSET, ((part + 1) << width) - 1 - _OFFSET


def read_index_state(cursor: sqlite3.Connection | sqlite3.Cursor) -> IndexState | None:
    """Return what the file says of its index; ``None`` where it has none."""
    there = "SELECT 1 FROM sqlite_schema WHERE name = 'search_state'"
    if cursor.execute(there).fetchone() is None:
        return None
    row = cursor.execute("SELECT bits, sources, version FROM search_state").fetchone()
    if row is None:
        return None
    return IndexState(row[0], bool(row[1]), row[2] == INDEX_VERSION)


def mark_stale(connection: sqlite3.Connection) -> None:
    """Note that the index, if there is one, was not kept in step: the next write makes it anew."""
    if read_index_state(connection) is not None:
        connection.execute("UPDATE search_state SET version = ?", (_STALE,))


def has_fts5(connection: sqlite3.Connection | sqlite3.Cursor) -> bool:
    """Return whether this SQLite was built with full-text search."""
    found = connection.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone()
    return found is not None


def find_parts(cursor: sqlite3.Cursor, asked: AskedTerms, most: int) -> list[int]:
    """Return the parts that have what is asked for, at most so many; negative: all."""
    rows = cursor.execute("SELECT rowid FROM search(?) LIMIT ?", (_expression(asked), most))
    return [part for (part,) in rows.fetchall()]


def has_other_spaces(cursor: sqlite3.Cursor) -> bool:
    """Return whether there is an entity in another namespace than the usual one."""
    return bool(find_parts(cursor, AskedTerms((((OTHER_SPACE,),),)), 1))


def _expression(asked: AskedTerms) -> str:
    # Of characters of the tokens alone: nothing of a user's text is in it.
    return " AND ".join(
        "(" + " OR ".join(f"({' AND '.join(map(_token, group))})" for group in groups) + ")"
        for groups in asked.all_of
    )


def _token(term: Term) -> str:
    return _TOKENS[term[0]][term[1]]


class SearchIndexWriter:
    """Keeps the index in step with the rows that a transaction changes."""

    def __init__(self, connection: sqlite3.Connection, words: RowWords) -> None:
        self._connection = connection
        self._words = words
        self.reset()

    def reset(self) -> None:
        """Forget what is pending: a transaction begins, or was given up."""
        self._is_known = False
        self._state: IndexState | None = None
        self._before: dict[int, bytes] = {}
        self._is_made_anew = False

    @property
    def state(self) -> IndexState | None:
        """What the file says, read once in a transaction."""
        if not self._is_known:
            self._state = read_index_state(self._connection)
            self._is_known = True
            if self._state is not None and not self._state.is_current:
                self._is_made_anew = True
        return self._state

    def touch(self, place: int) -> None:
        """Note that the row of an entity, or an alias of it, is about to change."""
        state = self.state
        if state is None or self._is_made_anew:
            return
        part = part_of(place, state.bits)
        if part in self._before:
            return
        if len(self._before) >= min(_MOST_TOUCHED, (1 << state.bits) // 2 + _FEWEST_BITS):
            self._is_made_anew = True
            self._before.clear()
            return
        self._before[part] = self._terms(part, state).encode()

    def touch_alias(self, alias: str) -> None:
        """Note that the entity with an alias, if there is one, is about to lose it."""
        if self.state is not None and not self._is_made_anew:
            row = self._connection.execute(
                "SELECT ent FROM alias WHERE key = ?", (alias,)
            ).fetchone()
            if row is not None:
                self.touch(row[0])

    def finish(self) -> None:
        """Write what the changes of the transaction come to, behind the count of entities."""
        state = self.state
        if state is None or not (self._before or self._is_made_anew):
            return
        (n_entities,) = self._connection.execute("SELECT entities FROM store").fetchone()
        if not has_fts5(self._connection):
            self._leave()
        elif self._is_made_anew or n_entities > _MOST_A_PART << state.bits:
            self.make(sources=state.sources)
        else:
            # In the order of the parts FTS5 gathers all changes before it writes.
            for part in sorted(self._before):
                before, after = self._before[part].decode(), self._terms(part, state)
                if before != after:
                    self._replace(part, before, after)
        self._before.clear()
        self._is_made_anew = False

    def make(self, *, sources: bool, on_progress: Callable[[int, int], None] | None = None) -> None:
        """Make the index of all that there is, in place of the one that there was.

        Raises:
            NotSupported: this SQLite has no full-text search.
        """
        execute = self._connection.execute
        if not has_fts5(self._connection):
            raise NotSupported(
                f"SQLite {sqlite3.sqlite_version} was built without FTS5, which a search index needs",
                hint="use a Python whose sqlite3 has it, or search without an index",
            )
        self.drop()
        execute(_TABLE)
        execute(_STATE)
        (n_entities,) = execute("SELECT count(*) FROM ent WHERE name != ''").fetchone()
        bits = max(_FEWEST_BITS, (n_entities // _ENTITIES_A_PART).bit_length())
        state = IndexState(bits, sources, is_current=True)
        execute("INSERT INTO search_state VALUES (1, ?, ?, ?)", (bits, int(sources), INDEX_VERSION))
        self._state, self._is_known = state, True
        self._set("hashsize", _HASH_BYTES)
        n_done = 0
        for part, n_rows, terms in self._all(state):
            self._insert(part, terms)
            n_done += n_rows
            if on_progress is not None:
                on_progress(n_done, n_entities)
        self.compact()
        self._set("hashsize", _USUAL_HASH_BYTES)

    def drop(self) -> None:
        """Remove the index."""
        if self.state is None:
            return
        if not has_fts5(self._connection):
            self._leave()
            return
        self._connection.execute("DROP TABLE search")
        self._connection.execute("DROP TABLE search_state")
        self._state = None

    def compact(self) -> None:
        """Remove the traces that FTS5 keeps of terms that were taken out, until it merges its parts.

        Its option for that, ``secure-delete``, is newer than the SQLite of many Pythons, which
        then cannot read a table that was changed with it.
        """
        if self.state is not None and has_fts5(self._connection):
            self._connection.execute("INSERT INTO search (search) VALUES ('optimize')")

    def _leave(self) -> None:
        """Empty an index that this SQLite cannot keep, without FTS5: another one makes it anew."""
        for table in ("search_data", "search_idx"):
            self._connection.execute(f"DELETE FROM {table}")
        self._connection.executemany("INSERT INTO search_data (id, block) VALUES (?, ?)", _EMPTY)
        self._connection.execute("UPDATE search_state SET version = ?", (_STALE,))

    def _set(self, option: str, value: int) -> None:
        with suppress(sqlite3.OperationalError):  # an option that this SQLite does not know
            self._connection.execute(
                "INSERT INTO search (search, rank) VALUES (?, ?)", (option, value)
            )

    def _replace(self, part: int, before: str, after: str) -> None:
        if before:
            self._connection.execute(
                "INSERT INTO search (search, rowid, terms) VALUES ('delete', ?, ?)", (part, before)
            )
        if after:
            self._insert(part, after)

    def _insert(self, part: int, terms: str) -> None:
        self._connection.execute("INSERT INTO search (rowid, terms) VALUES (?, ?)", (part, terms))

    # What a part has --------------------------------------------------------------------------------

    def _terms(self, part: int, state: IndexState) -> str:
        rows = self._connection.execute(
            "SELECT id, name, facts FROM ent WHERE id BETWEEN ? AND ? ORDER BY id",
            places_of(part, state.bits),
        ).fetchall()
        return self._terms_of(rows, state)

    def _all(self, state: IndexState) -> Iterator[tuple[int, int, str]]:
        """Yield every part that has entities: its number, of how many, and its terms."""
        last, rows = -1, list[tuple[int, str, str]]()
        for row in self._connection.execute("SELECT id, name, facts FROM ent ORDER BY id"):
            part = part_of(row[0], state.bits)
            if part != last and rows:
                yield last, len(rows), self._terms_of(rows, state)
                rows = []
            last = part
            rows.append(row)
        if rows:
            yield last, len(rows), self._terms_of(rows, state)

    def _terms_of(self, rows: Iterable[tuple[int, str, str]], state: IndexState) -> str:
        """Return the terms of the rows of a part as one text; empty where no entity is in it."""
        names: list[str] = []
        values: list[str] = []
        sources: dict[str, None] = {}
        spaces: set[str] = set()
        for place, row_name, text in rows:
            if not row_name:
                continue
            name, key = name_and_key(row_name)
            space = split(key)[0]
            spaces |= {written(space), OTHER_SPACE[1]} if space else {""}
            names.append(name)
            names += self._aliases(place)
            if state.sources:
                facts = self._words.unpack(text)
                sources.update((source, None) for fact in facts for source in fact.sources)
            values += row_codec.values(self._words.codes.expand(text))
        tokens = [
            _TOKENS[field][gram]
            for field, grams in (
                (NAME, all_grams(names)),
                (VALUE, all_grams(values)),
                (SOURCE, all_grams(sources)),
                (SPACE, spaces),
            )
            for gram in sorted(grams)
        ]
        return " ".join(tokens)

    def _aliases(self, place: int) -> list[str]:
        rows = self._connection.execute("SELECT key FROM alias WHERE ent = ?", (place,))
        return [split(key)[1] for (key,) in rows.fetchall()]
