"""Erasing from a fact file, and searching the file's bytes for what was erased."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lamlam.memory_backends import packed
from lamlam.memory_backends.edits import covered_keys
from lamlam.memory_backends.keys import canonical_key
from lamlam.memory_backends.lookups import StoredFact
from lamlam.memory_backends.name_index import row_id
from lamlam.memory_backends.sqlite_writer import Writer

SHORTEST_SEARCHED = 4
"""Characters of a value that is worth searching for: shorter ones stand everywhere by chance."""
_READ_BYTES = 4 << 20
# A long value may be cut at the end of a page, so pieces of it are searched for.
_LONGEST_WHOLE = 200
_PIECE = 48

_LIVE = (
    "SELECT 1 FROM ent WHERE instr(name, ?1) OR instr(facts, ?1) LIMIT 1",
    "SELECT 1 FROM alias WHERE instr(key, ?1) LIMIT 1",
    "SELECT 1 FROM source WHERE instr(text, ?1) LIMIT 1",
    "SELECT 1 FROM history WHERE instr(name, ?1) OR instr(relation, ?1) OR instr(value, ?1)"
    " OR instr(source, ?1) LIMIT 1",
)


@dataclass(slots=True)
class Erased:
    """What was taken out of the tables."""

    facts: int = 0
    revision: int = 0
    texts: set[str] = field(default_factory=set)
    """Values, and names and sources that nothing else holds: to be searched for."""


def erase_rows(writer: Writer, entity: str, relation: str | None) -> Erased:
    """Facts, history, aliases and index keys are out of the tables; the caller commits."""
    connection = writer.connection
    key = canonical_key(entity)
    alias = connection.execute(
        "SELECT ent.name FROM alias JOIN ent ON ent.id = alias.ent WHERE key = ?", (key,)
    ).fetchone()
    ident, name, before = writer.load(key)
    if name is None and alias is not None:
        key = canonical_key(alias[0])
        ident, name, before = writer.load(key)
    covered = covered_keys(before, relation)
    after = [fact for fact in before if fact.key not in covered]
    erased = Erased(facts=len(before) - len(after))
    gone = [fact for fact in before if fact.key in covered]
    if gone and name is not None:
        if not after:
            aliases = connection.execute("SELECT key FROM alias WHERE ent = ?", (ident,))
            erased.texts.update(text for (text,) in aliases.fetchall())
        writer.store(ident, key, name, before, after)
    past = _erase_history(connection, key, relation)
    erased.facts += len(past)
    for fact in [*gone, *past]:
        erased.texts.add(fact.value)
        if fact.source:
            erased.texts.add(fact.source)
    if not after and erased.facts:
        erased.texts.add(name or entity)
    facts, entities = writer.finish()
    if erased.facts:
        connection.execute(
            "UPDATE store SET revision = revision + 1, facts = facts + ?, entities = entities + ?",
            (facts, entities),
        )
    (erased.revision,) = connection.execute("SELECT revision FROM store").fetchone()
    return erased


def write_back_log(connection: sqlite3.Connection) -> bool:
    """Return whether the write-ahead log is empty and all of it stands in the file."""
    (is_busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not is_busy


def leftovers(connection: sqlite3.Connection, path: Path, texts: Collection[str]) -> set[str]:
    """Return the texts whose bytes still stand in the store's files though no fact holds them."""
    searched = {text for text in texts if len(text) >= SHORTEST_SEARCHED}
    found: set[str] = set()
    for suffix in ("", "-wal", "-journal"):
        file = path.with_name(path.name + suffix)
        if file.exists():
            found |= _found_in(file, searched - found)
    return {text for text in found if not _is_live(connection, text)}


def _erase_history(
    connection: sqlite3.Connection, key: str, relation: str | None
) -> list[StoredFact]:
    rows = connection.execute(
        "SELECT id, name, relation, value, source FROM history WHERE ent = ?", (row_id(key),)
    ).fetchall()
    own = [
        (ident, StoredFact(held, canonical_key(held), value, source, 0, 1.0))
        for ident, name, held, value, source in rows
        if canonical_key(name) == key
    ]
    covered = covered_keys([fact for _, fact in own], relation)
    gone = [(ident, fact) for ident, fact in own if fact.key in covered]
    connection.executemany("DELETE FROM history WHERE id = ?", [(ident,) for ident, _ in gone])
    return [fact for _, fact in gone]


def _found_in(file: Path, texts: Collection[str]) -> set[str]:
    pieces = [(piece, text) for text in texts for piece in _pieces(packed.escape(text))]
    if not pieces:
        return set()
    overlap = max(len(piece) for piece, _ in pieces) - 1
    found: set[str] = set()
    tail = b""
    with file.open("rb") as stream:
        while block := stream.read(_READ_BYTES):
            window = tail + block
            found.update(text for piece, text in pieces if text not in found and piece in window)
            tail = window[len(window) - overlap :] if overlap else b""
    return found


def _pieces(text: str) -> Sequence[bytes]:
    whole = text.encode()
    if len(whole) <= _LONGEST_WHOLE:
        return [whole]
    middle = len(whole) // 2
    return [whole[:_PIECE], whole[middle : middle + _PIECE], whole[-_PIECE:]]


def _is_live(connection: sqlite3.Connection, text: str) -> bool:
    """True where something that was not erased holds the text, whole or as a part."""
    pieces = {packed.escape(text), text}
    if len(text.encode()) > _LONGEST_WHOLE:
        return False
    return any(connection.execute(sql, (piece,)).fetchone() for sql in _LIVE for piece in pieces)
