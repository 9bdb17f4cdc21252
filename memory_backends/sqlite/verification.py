"""Verify a whole fact file: each table against the others, and the file against its manifest.

Nothing is written, and memory does not grow with the file: a set that has to equal another is
compared by sums over both.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from lamlam.errors import BadStore, FactStoreError
from lamlam.memory_backends.model import row_codec
from lamlam.memory_backends.model.lookups import StoredFact
from lamlam.memory_backends.resolution.blocking_codes import index_codes
from lamlam.memory_backends.sqlite.commit_log import unpack_rules
from lamlam.memory_backends.sqlite.file_manifest import (
    FileManifest,
    is_being_written,
    manifest_beside,
)
from lamlam.memory_backends.sqlite.near_blocks import near_number, unpack_block
from lamlam.memory_backends.sqlite.row_words import RowWords
from lamlam.memory_backends.sqlite.rows import name_and_key, next_place, row_id, text_hash
from lamlam.memory_backends.sqlite.schema import (
    SCHEMA_VERSION,
    check_file,
    check_schema,
    has_old_keys,
    open_reader,
    too_old,
    translated,
)
from lamlam.memory_backends.sqlite.verdicts import OnVerify, Verdict

_ROWS_AT_ONCE = 1_000
_WRAP = (1 << 64) - 1
_DAMAGE = (
    sqlite3.DatabaseError, FactStoreError, struct.error,
    ValueError, LookupError, TypeError, AttributeError, ArithmeticError,
)  # fmt: skip
"""What reading raises where bytes are others than were written: a column may have any type then."""


@dataclass(slots=True)
class _Sum:
    """Equal for equal bags of numbers, and hardly ever for others."""

    n: int = 0
    total: int = 0
    squares: int = 0

    def add(self, number: int, times: int = 1) -> None:
        """Count a number."""
        self.n += times
        self.total = (self.total + times * number) & _WRAP
        self.squares = (self.squares + times * number * number) & _WRAP


@dataclass(slots=True)
class _Added:
    """What the rows of tables add up to."""

    revision: int
    facts: int = 0
    entities: int = 0
    codes: _Sum = field(default_factory=_Sum)
    sources: _Sum = field(default_factory=_Sum)

    def count_sources(self, numbers: Sequence[str]) -> None:
        """Count sources of a fact, by number."""
        for number in numbers:
            self.sources.add(int(number))


def verdicts_of(
    path: Path, on_verify: OnVerify | None = None, *, has_manifest: bool = True
) -> Iterator[Verdict]:
    """Yield what is found of each part of a fact file, in the order in which parts are looked at.

    Args:
        path: of the file.
        on_verify: is called with what is looked at, how much of it was, and of how much.
        has_manifest: whether to compare the file with a manifest beside it.

    Raises:
        StoreMissing: there is no file.
        BadStore: it is not a fact file at all.
        SchemaMismatch: another version wrote it; an older one has to be upgraded first.
    """
    check_file(path, may_create=False)
    try:
        with translated(path), closing(open_reader(path)) as connection:
            version = check_schema(connection, path)
            if version < SCHEMA_VERSION or has_old_keys(connection):
                raise too_old(path, version)
    except BadStore as error:
        if getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_CORRUPT:
            raise
        yield Verdict("pages", (f"{error.__cause__}",), "")
        return
    if has_manifest:
        yield _of_manifest(path)
    with translated(path), closing(open_reader(path)) as connection:
        connection.execute("BEGIN")
        yield _of_pages(connection, path)
        verification = _Verification(connection, on_verify or _unseen)
        for name, part in (
            ("rows", verification.rows),
            ("counts", verification.counts),
            ("spelling index", verification.spellings),
            ("history", verification.past),
            ("sources", verification.sources),
            ("aliases", verification.aliases),
            ("log", verification.log),
        ):
            try:
                yield part()
            except _DAMAGE as error:
                yield Verdict(name, (f"it cannot be read: {type(error).__name__}",), "")


def _of_manifest(path: Path) -> Verdict:
    known = manifest_beside(path)
    if known is None:
        return Verdict("manifest", (), "there is none")
    if is_being_written(path):
        return Verdict("manifest", ("the file is being written: it has a log beside it",), "")
    found = FileManifest.of(path)
    faults = [
        f"{name} is {getattr(found, name)}, not {getattr(known, name)}"
        for name in ("bytes", "sha256", "revision", "facts", "entities")
        if getattr(found, name) != getattr(known, name)
    ]
    return Verdict(
        "manifest", tuple(faults), f"sha256 {found.sha256[:16]}… of {found.bytes:,} bytes"
    )


def _of_pages(connection: sqlite3.Connection, path: Path) -> Verdict:
    (n_pages,) = connection.execute("PRAGMA page_count").fetchone()
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    n_bytes = path.stat().st_size
    if n_bytes % page_bytes:  # SQLite writes whole pages, and reads what is missing as zeros
        return Verdict("pages", (f"the last of {n_bytes:,} bytes end within a page",), "")
    try:
        rows = connection.execute("PRAGMA integrity_check(10)").fetchall()
    except sqlite3.DatabaseError as error:
        return Verdict("pages", (str(error),), "")
    faults = [] if rows == [("ok",)] else [str(row[0]).replace("\n", " ") for row in rows]
    return Verdict("pages", tuple(faults), f"{n_pages:,}")


class _Verification:
    def __init__(self, connection: sqlite3.Connection, on_verify: OnVerify) -> None:
        self._connection = connection
        self._words = RowWords(connection)
        self._on_verify = on_verify
        (revision, self._facts, self._entities) = connection.execute(
            "SELECT revision, facts, entities FROM store"
        ).fetchone()
        self._seen = _Added(revision)

    def rows(self) -> Verdict:
        """Check that every entity is in its place, and its facts can be read and are of the file."""
        faults: list[str] = []
        self._n_done = 0
        # Entities whose places begin alike share a number for a code that both have.
        for _, several in groupby(self._rows_of("ent", "name, facts"), lambda row: row[0] >> 32):
            codes: set[int] = set()
            for place, name, text in several:
                if name:
                    codes |= self._of_row(place, name, text, faults)
            for code in codes:
                self._seen.codes.add(code)
        return Verdict("rows", tuple(faults), f"{self._seen.entities:,} entities")

    def counts(self) -> Verdict:
        """Check that there are as many facts and entities as the file says."""
        faults = [
            f"{known:,} {name} are counted, there are {found:,}"
            for name, known, found in (
                ("facts", self._facts, self._seen.facts),
                ("entities", self._entities, self._seen.entities),
            )
            if known != found
        ]
        return Verdict("counts", tuple(faults), f"{self._facts:,} facts")

    def spellings(self) -> Verdict:
        """Check that the index has the codes of all names and no others, in order."""
        found, faults, last = _Sum(), list[str](), -(1 << 63) - 1
        for first, entries in self._connection.execute(
            "SELECT first, entries FROM near_block ORDER BY first"
        ):
            try:
                numbers = unpack_block(entries)
            except (ValueError, struct.error):
                numbers = []
            is_first = bool(numbers) and numbers[0] == first > last
            if not is_first or numbers != sorted(set(numbers)):
                faults.append(f"row {first} is not in order")
                continue
            last = numbers[-1]
            for number in numbers:
                found.add(number)
        if found != self._seen.codes and not faults:
            faults.append(f"it has {found.n:,} codes, the names have {self._seen.codes.n:,}")
        return Verdict("spelling index", tuple(faults), f"{found.n:,} codes")

    def past(self) -> Verdict:
        """Check that versions that ended can be read, and ended after they began."""
        faults: list[str] = []
        n_versions = 0
        for ident, name, number, retracted, text in self._rows_of(
            "past", "name, ent, retracted, facts"
        ):
            facts = self._unpacked(text, f"row {ident}", faults)
            n_versions += len(facts)
            if row_id(name_and_key(name)[1]) != number:
                faults.append(f"row {ident} is of another entity than it says")
            if any(not fact.revision <= retracted <= self._seen.revision for fact in facts):
                faults.append(f"row {ident} ends before it begins, or later than the file")
        return Verdict("history", tuple(faults), f"{n_versions:,} versions")

    def sources(self) -> Verdict:
        """Check that each source is counted as often as facts name it, and is found by its text."""
        counted = _Sum()
        n_sources = 0
        faults = []
        for ident, uses, digest, text in self._connection.execute(
            "SELECT id, uses, hash, text FROM source"
        ):
            counted.add(ident, uses)
            n_sources += 1
            if text_hash(text) != digest:
                faults.append(f"row {ident} is out of reach of its text")
        if counted != self._seen.sources:
            faults.append(f"{counted.n:,} uses are counted, facts name {self._seen.sources.n:,}")
        return Verdict("sources", tuple(faults), f"{n_sources:,}")

    def aliases(self) -> Verdict:
        """Check that each alias is one of an entity that is there."""
        n_all, n_lost = self._connection.execute(
            "SELECT count(*), count(*) - count(ent.id) FROM alias"
            " LEFT JOIN ent ON ent.id = alias.ent AND ent.name != ''"
        ).fetchone()
        faults = [f"{n_lost:,} are of no entity"] if n_lost else []
        return Verdict("aliases", tuple(faults), f"{n_all:,}")

    def log(self) -> Verdict:
        """Check that the log ends where the file does, and can be read, rules of relations too."""
        last, n_commits, n_unreadable = self._connection.execute(
            "SELECT coalesce(max(revision), 0), count(*), coalesce(sum(typeof(time) != 'integer'"
            " OR typeof(coalesce(events, ?1)) != 'text' OR substr(coalesce(events, ?1), 1, 1) != ?1"
            " OR typeof(coalesce(actor, '')) != 'text'), 0) FROM log",
            (row_codec.RECORD,),
        ).fetchone()
        since, rules = self._connection.execute("SELECT changes_since, rules FROM store").fetchone()
        (odd,) = self._connection.execute(
            "SELECT count(*) FROM touched WHERE length(entities) % 8 != 0 OR revision > ?",
            (self._seen.revision,),
        ).fetchone()
        faults = []
        if last > self._seen.revision:
            faults.append(f"it reaches to revision {last}, the file to {self._seen.revision}")
        if since > self._seen.revision:
            faults.append(f"it begins after revision {since}, the file is at {self._seen.revision}")
        if n_unreadable:
            faults.append(f"{n_unreadable} commits cannot be read")
        if rules and (rules[:1] != row_codec.RECORD or not unpack_rules(rules).all()):
            faults.append("rules of relations cannot be read")
        if odd:
            faults.append(f"{odd} records of changed entities cannot be read")
        return Verdict("log", tuple(faults), f"{n_commits:,} commits")

    # ----------------------------------------------------------------------------------------------

    def _of_row(self, place: int, name: str, text: str, faults: list[str]) -> set[int]:
        """Check a row, and return the numbers of its codes."""
        seen = self._seen
        key = name_and_key(name)[1]
        if not self._is_reached(key, place):
            faults.append(f"row {place} is out of reach of its name")
        facts = self._unpacked(text, f"row {place}", faults)
        if any(fact.revision > seen.revision for fact in facts):
            faults.append(f"row {place} has a fact of a later revision than the file")
        seen.facts += len(facts)
        seen.entities += 1
        if seen.entities % _ROWS_AT_ONCE == 0:
            self._on_verify("rows", seen.entities, self._entities)
        return {near_number(code, place) for code in index_codes(key)}

    def _is_reached(self, key: str, place: int) -> bool:
        """Return whether a search for a name that begins at its own place comes to another one."""
        at = row_id(key)
        while at != place:
            if self._connection.execute("SELECT 1 FROM ent WHERE id = ?", (at,)).fetchone() is None:
                return False
            at = next_place(at)
        return True

    def _unpacked(self, text: str, where: str, faults: list[str]) -> list[StoredFact]:
        """Return the facts of a row, their sources by number; none where it is damaged."""
        try:
            facts = row_codec.unpack(self._words.codes.expand(text), str)
        except (FactStoreError, TypeError):
            faults.append(f"{where} cannot be read")
            return []
        if not facts:
            faults.append(f"{where} has no facts")
        for fact in facts:
            self._seen.count_sources(fact.sources)
        return facts

    def _rows_of(self, table: str, columns: str) -> Iterator[Any]:  # Any: rows
        """Yield the rows of a table in the order of their numbers, some at a time."""
        last, compared = -(1 << 63), ">="
        while rows := self._connection.execute(
            f"SELECT id, {columns} FROM {table} WHERE id {compared} ? ORDER BY id"
            f" LIMIT {_ROWS_AT_ONCE}",
            (last,),
        ).fetchall():
            yield from rows
            last, compared = rows[-1][0], ">"


def _unseen(*_: Any) -> None:
    """Show nothing."""
