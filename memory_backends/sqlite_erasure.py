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
from lamlam.memory_backends.sqlite_writer import Writer, text_hash

SHORTEST_SEARCHED = 4
"""Characters that are worth searching for: shorter texts stand everywhere by chance, and are
searched for together with what stood beside them in the file."""
_READ_BYTES = 4 << 20
_CHECKPOINT_MS = 250  # a reader that is at work is gone by then, one that stays is not
# A long text may be cut at the end of a page, so pieces of it are searched for.
_LONGEST_WHOLE = 200
_PIECE = 48

# Columns are joined as they stand in the file.
_LIVE = (
    "SELECT 1 FROM ent WHERE instr(name || facts, ?1) LIMIT 1",
    "SELECT 1 FROM alias WHERE instr(key, ?1) LIMIT 1",
    "SELECT 1 FROM source WHERE instr(text, ?1) LIMIT 1",
    "SELECT 1 FROM history"
    " WHERE instr(name || relation || value || coalesce(source, ''), ?1) LIMIT 1",
)


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
            self.needles.update(_pieces(form))

    @property
    def is_searchable(self) -> bool:
        """Something was erased, and all of it can be searched for."""
        return bool(self.needles) and not self.n_unsearched


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
            for (text,) in aliases.fetchall():
                erased.add(text)
        writer.store(ident, key, name, before, after)
    past = _erase_history(connection, key, relation)
    erased.facts += len(past)
    facts, entities = writer.finish()
    for fact in [*gone, *past]:
        beside = f"{packed.escape(fact.key)}{packed.FIELD}{packed.escape(fact.value)}{packed.FIELD}"
        erased.add(fact.value, beside, f"{fact.relation}{fact.value}")
    for source in {fact.source for fact in [*gone, *past] if fact.source}:
        if not _is_source(connection, source):
            erased.add(source)
    if not after and erased.facts:
        text = name or entity
        erased.add(text, f"{text}{packed.RECORD}", *[f"{text}{fact.relation}" for fact in past])
    if erased.facts:
        connection.execute(
            "UPDATE store SET revision = revision + 1, facts = facts + ?, entities = entities + ?",
            (facts, entities),
        )
    (erased.revision,) = connection.execute("SELECT revision FROM store").fetchone()
    return erased


def write_back_log(connection: sqlite3.Connection) -> bool:
    """Return whether the write-ahead log is empty and all of it stands in the file."""
    (usual,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute(f"PRAGMA busy_timeout = {min(usual, _CHECKPOINT_MS)}")
    try:
        (is_busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {usual}")
    return not is_busy


def leftovers(connection: sqlite3.Connection, path: Path, needles: Collection[str]) -> set[str]:
    """Return the pieces that still stand in the store's files though nothing live holds them."""
    found: set[str] = set()
    for suffix in ("", "-wal", "-journal"):
        file = path.with_name(path.name + suffix)
        if file.exists():
            found |= _found_in(file, {needle for needle in needles if needle not in found})
    return {needle for needle in found if not _is_live(connection, needle)}


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


def _found_in(file: Path, needles: Collection[str]) -> set[str]:
    remaining = {needle.encode(): needle for needle in needles}
    if not remaining:
        return set()
    overlap = max(map(len, remaining)) - 1
    found: set[str] = set()
    tail = b""
    with file.open("rb") as stream:
        while block := stream.read(_READ_BYTES):
            window = tail + block
            for piece in [piece for piece in remaining if piece in window]:
                found.add(remaining.pop(piece))
            tail = window[-overlap:]
    return found


def _pieces(text: str) -> Sequence[str]:
    if len(text.encode()) <= _LONGEST_WHOLE:
        return [text]
    middle = len(text) // 2
    return [text[:_PIECE], text[middle : middle + _PIECE], text[-_PIECE:]]


def _is_live(connection: sqlite3.Connection, needle: str) -> bool:
    """True where something that was not erased holds these bytes."""
    return any(connection.execute(sql, (needle,)).fetchone() for sql in _LIVE)


def _is_source(connection: sqlite3.Connection, text: str) -> bool:
    """True where another fact, or one that has ended, names the source."""
    row = connection.execute(
        "SELECT 1 FROM source WHERE hash = ? AND text = ?", (text_hash(text), text)
    ).fetchone()
    return row is not None or bool(
        connection.execute("SELECT 1 FROM history WHERE source = ? LIMIT 1", (text,)).fetchone()
    )
