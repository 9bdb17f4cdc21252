"""Writing a fact file: operations are grouped by entity, and each row is rewritten once."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import islice

from lamlam.errors import BadFact, Conflict
from lamlam.memory_backends import packed
from lamlam.memory_backends.edits import Edited, check_op
from lamlam.memory_backends.keys import canonical_key
from lamlam.memory_backends.lookups import StoredFact
from lamlam.memory_backends.name_index import index_codes, row_id
from lamlam.memory_backends.operations import AddAlias, Commit, Op, Retract

_CHUNK = 50_000  # operations that are held in memory and sorted at a time
_MOST_SOURCES = 100_000
_LAST_ID = 2**63 - 1


class Writer:
    """The one connection of a store that writes, inside a transaction that the store holds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._source_ids: dict[str, int] = {}
        self._source_texts: dict[int, str] = {}
        self._uses: Counter[int] = Counter()
        self._new_codes: list[tuple[int, int]] = []
        self._facts = 0
        self._entities = 0

    def apply(self, ops: Iterable[Op], expected: int | None) -> Commit:
        """The operations have been done; the caller commits or rolls back."""
        self._facts = self._entities = 0
        self._forget_sources()  # another process may have erased what was cached
        (revision,) = self.connection.execute("SELECT revision FROM store").fetchone()
        if expected is not None and expected != revision:
            raise Conflict(
                f"the store is at revision {revision}, not {expected}",
                hint="read again and repeat the change",
            )
        changed = 0
        remaining = iter(ops)
        while chunk := list(islice(remaining, _CHUNK)):
            changed += self._apply_chunk(chunk, revision + 1)
        if not changed:
            return Commit(revision, 0)
        self.connection.execute(
            "UPDATE store SET revision = ?, facts = facts + ?, entities = entities + ?",
            (revision + 1, self._facts, self._entities),
        )
        return Commit(revision + 1, changed)

    def _apply_chunk(self, ops: Sequence[Op], revision: int) -> int:
        by_key: dict[str, list[Op]] = {}
        for op in ops:
            check_op(op)
            name = op.entity if isinstance(op, Retract | AddAlias) else op.fact.entity
            by_key.setdefault(canonical_key(name), []).append(op)
        # In the order of the table, so that a large load touches each page once.
        places = sorted((row_id(key), key) for key in by_key)
        changed = sum(self._edit(place, key, by_key[key], revision) for place, key in places)
        self._insert_codes()
        self._count_uses()
        return changed

    def _edit(self, place: int, key: str, ops: Sequence[Op], revision: int) -> int:
        ident, name, before = self.load(key, place)
        edited = Edited(list(before), revision)
        n_aliases = 0
        for op in ops:
            if isinstance(op, AddAlias):
                n_aliases += self._add_alias(op, ident, bool(edited.facts))
            else:
                edited.do(op)
                if name is None and not isinstance(op, Retract):
                    name = op.fact.entity
        if edited.changed and name is not None:
            self.store(ident, key, name, before, edited.facts)
            self._remember(key, name, edited.ended, revision)
        return edited.changed + n_aliases

    def load(self, key: str, place: int | None = None) -> tuple[int, str | None, list[StoredFact]]:
        """Return where an entity is or would be, its name or ``None``, and its facts."""
        ident = row_id(key) if place is None else place
        free = None
        while True:
            row = self.connection.execute(
                "SELECT name, facts FROM ent WHERE id = ?", (ident,)
            ).fetchone()
            if row is None:
                return (ident if free is None else free), None, []
            name, text = row
            if not name and free is None:
                free = ident
            if name and canonical_key(name) == key:
                return ident, name, packed.unpack(text, self._source)
            ident = _next(ident)

    def store(
        self,
        ident: int,
        key: str,
        name: str,
        before: Sequence[StoredFact],
        after: Sequence[StoredFact],
    ) -> None:
        """The entity's row holds these facts; without any, the entity is gone."""
        self._facts += len(after) - len(before)
        for facts, change in ((after, 1), (before, -1)):
            for fact in facts:
                if fact.source is not None:
                    self._uses[self._source_id(fact.source)] += change
        if not after:
            if before:
                self._remove(ident, key)
            return
        text = packed.pack(after, self._source_id)
        if before:
            self.connection.execute("UPDATE ent SET facts = ? WHERE id = ?", (text, ident))
            return
        self._entities += 1
        # REPLACE: the place may hold the mark of an entity that is gone.
        self.connection.execute("INSERT OR REPLACE INTO ent VALUES (?, ?, ?)", (ident, name, text))
        self._new_codes += [(code, ident) for code in index_codes(key)]

    def reset(self) -> None:
        """Nothing is pending: the transaction was given up."""
        self._new_codes.clear()
        self._uses.clear()
        self._forget_sources()
        self._facts = self._entities = 0

    def finish(self) -> tuple[int, int]:
        """Pending index and source rows are written; return the change of facts and entities."""
        self._insert_codes()
        self._count_uses()
        counts = self._facts, self._entities
        self._facts = self._entities = 0
        return counts

    def _remove(self, ident: int, key: str) -> None:
        self._entities -= 1
        self.connection.executemany(
            "DELETE FROM near WHERE code = ? AND ent = ?",
            [(code, ident) for code in index_codes(key)],
        )
        self._new_codes = [pair for pair in self._new_codes if pair[1] != ident]
        self.connection.execute("DELETE FROM alias WHERE ent = ?", (ident,))
        follower = self.connection.execute(
            "SELECT 1 FROM ent WHERE id = ?", (_next(ident),)
        ).fetchone()
        if follower is None:
            self.connection.execute("DELETE FROM ent WHERE id = ?", (ident,))
        else:
            # What follows may stand there because this place was taken: the way to it stays.
            self.connection.execute("UPDATE ent SET name = '', facts = '' WHERE id = ?", (ident,))

    def _add_alias(self, op: AddAlias, ident: int, is_known: bool) -> int:
        key = canonical_key(op.alias)
        if not is_known:
            raise BadFact(f"no alias for {op.entity!r}: the store holds no facts of it")
        held = self.connection.execute("SELECT ent FROM alias WHERE key = ?", (key,)).fetchone()
        if held is not None and held[0] != ident:
            raise BadFact(f"{op.alias!r} is already the alias of another entity")
        if held is not None:
            return 0
        self.connection.execute("INSERT INTO alias VALUES (?, ?)", (key, ident))
        return 1

    def _remember(self, key: str, name: str, ended: Sequence[StoredFact], revision: int) -> None:
        if ended:
            self.connection.executemany(
                "INSERT INTO history (ent, name, relation, value, source, confidence, asserted,"
                " retracted) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        row_id(key), name, fact.relation, fact.value, fact.source,
                        fact.confidence, fact.revision, revision,
                    )
                    for fact in ended
                ],
            )  # fmt: skip

    def _insert_codes(self) -> None:
        self._new_codes.sort()
        self.connection.executemany("INSERT OR IGNORE INTO near VALUES (?, ?)", self._new_codes)
        self._new_codes.clear()

    # Sources are kept once, however many facts name them ----------------------------------------

    def _source_id(self, text: str) -> int:
        known = self._source_ids.get(text)
        if known is not None:
            return known
        digest = text_hash(text)
        row = self.connection.execute(
            "SELECT id FROM source WHERE hash = ? AND text = ?", (digest, text)
        ).fetchone()
        if row is None:
            inserted = self.connection.execute(
                "INSERT INTO source (hash, uses, text) VALUES (?, 0, ?)", (digest, text)
            )
            assert inserted.lastrowid is not None
            row = (inserted.lastrowid,)
        if len(self._source_ids) >= _MOST_SOURCES:
            self._forget_sources()
        self._source_ids[text] = row[0]
        return int(row[0])

    def _source(self, source_id: int) -> str | None:
        text = self._source_texts.get(source_id)
        if text is None:
            row = self.connection.execute(
                "SELECT text FROM source WHERE id = ?", (source_id,)
            ).fetchone()
            if row is None:
                return None
            text = str(row[0])
            self._source_texts[source_id] = text
            self._source_ids[text] = source_id
        return text

    def _count_uses(self) -> None:
        self.connection.executemany(
            "UPDATE source SET uses = uses + ? WHERE id = ?",
            [(change, source) for source, change in self._uses.items() if change],
        )
        touched = [(source,) for source, change in self._uses.items() if change <= 0]
        self.connection.executemany("DELETE FROM source WHERE id = ? AND uses <= 0", touched)
        self._uses.clear()
        if touched:
            self._forget_sources()

    def _forget_sources(self) -> None:
        self._source_ids.clear()
        self._source_texts.clear()


def _next(ident: int) -> int:
    return ident + 1 if ident < _LAST_ID else -_LAST_ID - 1


def text_hash(text: str) -> int:
    digest = blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
