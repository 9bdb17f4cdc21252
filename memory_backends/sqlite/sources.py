"""Sources of facts: each string once in the file, as long as any fact names it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping

from lamlam.memory_backends.model.lookups import StoredFact
from lamlam.memory_backends.sqlite.rows import text_hash

_MOST_KEPT = 100_000


class SourceTable:
    """The table of sources, while a transaction writes."""

    __slots__ = ("_connection", "_ids", "_texts", "_uses")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ids: dict[str, int] = {}
        self._texts: dict[int, str] = {}
        self._uses: Counter[int] = Counter()

    def id_of(self, text: str) -> int:
        """Return the number of a source, which it gets if it has none."""
        known = self._ids.get(text)
        if known is not None:
            return known
        digest = text_hash(text)
        row = self._connection.execute(
            "SELECT id FROM source WHERE hash = ? AND text = ?", (digest, text)
        ).fetchone()
        if row is None:
            inserted = self._connection.execute(
                "INSERT INTO source (hash, uses, text) VALUES (?, 0, ?)", (digest, text)
            )
            assert inserted.lastrowid is not None
            row = (inserted.lastrowid,)
        if len(self._ids) >= _MOST_KEPT:
            self.forget()
        self._ids[text] = row[0]
        return int(row[0])

    def text_of(self, ident: int) -> str | None:
        """Return the text of a source."""
        text = self._texts.get(ident)
        if text is None:
            row = self._connection.execute(
                "SELECT text FROM source WHERE id = ?", (ident,)
            ).fetchone()
            if row is None:
                return None
            text = str(row[0])
            if len(self._texts) >= _MOST_KEPT:
                self.forget()
            self._texts[ident] = text
            self._ids[text] = ident
        return text

    def count(self, facts: Iterable[StoredFact], change: int) -> None:
        """Count the uses of the sources of facts up or down."""
        uses = self._uses
        for fact in facts:
            for source in fact.sources:
                uses[self.id_of(source)] += change

    def count_numbers(self, uses: Mapping[int, int]) -> None:
        """Count the uses of sources up, by their numbers."""
        self._uses.update(uses)

    def flush(self) -> None:
        """Write the counts to the file and remove sources that nothing names."""
        changed = [(change, ident) for ident, change in self._uses.items() if change]
        self._connection.executemany("UPDATE source SET uses = uses + ? WHERE id = ?", changed)
        # One that was taken up and given up again was never counted.
        idle = [(ident,) for ident, change in self._uses.items() if change <= 0]
        self._connection.executemany("DELETE FROM source WHERE id = ? AND uses <= 0", idle)
        self._uses.clear()
        if idle:
            self.forget()

    def forget(self) -> None:
        """Forget what another process may have changed."""
        self._ids.clear()
        self._texts.clear()

    def reset(self) -> None:
        """Forget what is pending: the transaction was given up."""
        self._uses.clear()
        self.forget()
