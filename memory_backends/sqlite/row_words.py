"""What rows of facts say by number, while a transaction writes: sources, and frequent relations."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from lamlam.errors import BadStore
from lamlam.memory_backends.model import row_codec
from lamlam.memory_backends.model.lookups import StoredFact
from lamlam.memory_backends.sqlite.short_rows import MOST_CODES, RelationCodes
from lamlam.memory_backends.sqlite.sources import SourceTable

_FEW = 64
"""So many relations get a code at once; later ones where several facts of one part have them."""
_SHORT = 94
"""Codes of one byte."""
_OFTEN = 4


def current_codes(
    cursor: sqlite3.Connection | sqlite3.Cursor, known: RelationCodes | None = None
) -> RelationCodes:
    """Return the codes of relations that a file has now: those known where nothing changed.

    Raises:
        BadStore: a number or a key cannot have been written there.
    """
    (version,) = cursor.execute("SELECT relations FROM store").fetchone()
    if known is not None and known.version == version:
        return known
    numbers = {key: code for code, key in cursor.execute("SELECT code, key FROM relation")}
    if not all(isinstance(key, str) and 0 <= n < MOST_CODES for key, n in numbers.items()):
        raise BadStore("the file is damaged: its table of relations cannot be read")
    return RelationCodes(numbers, version)


class RowWords(SourceTable):
    """The tables of sources and of codes: packs rows of facts, and unpacks them."""

    __slots__ = ("_codes", "_is_changed", "_is_current")

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._codes: RelationCodes | None = None
        self._is_current = False
        self._is_changed = False

    @property
    def codes(self) -> RelationCodes:
        """The codes of relations, read once and again when they were changed."""
        if not self._is_current or self._codes is None:
            self._codes = current_codes(self._connection, self._codes)
            self._is_current = True
        return self._codes

    def pack(self, facts: Iterable[StoredFact]) -> str:
        """Return the facts of an entity as a row has them, in their order."""
        return self.codes.shorten(row_codec.pack(facts, self.id_of))

    def unpack(self, text: str) -> list[StoredFact]:
        """Return the facts of a row.

        Raises:
            BadStore: the row is damaged.
        """
        return row_codec.unpack(self.codes.expand(text), self.text_of)

    def learn(self, counts: Mapping[str, int]) -> None:
        """Give codes to those relations that are frequent, as long as there are any.

        Args:
            counts: how many facts that are about to be written have each relation, by its key.
        """
        codes = self.codes
        if len(codes) >= MOST_CODES:
            return
        new: dict[str, int] = {}
        wanted = Counter({key: n for key, n in counts.items() if key not in codes}).most_common()
        (free,) = self._connection.execute(
            "SELECT coalesce(max(code), -1) + 1 FROM relation"
        ).fetchone()
        for key, n in wanted:
            number = free + len(new)
            if number >= MOST_CODES or n < (
                1 if number < _FEW else 2 if number < _SHORT else _OFTEN
            ):
                break
            new[key] = number
        if new:
            self._connection.executemany(
                "INSERT INTO relation (key, code) VALUES (?, ?)", new.items()
            )
            self._changed()

    def forget_relations(self, keys: Collection[str]) -> list[str]:
        """Remove the codes of those relations that no row has any more; return their keys.

        Every row may be looked at: for erasures.
        """
        unused = {key for key in keys if key in self.codes}
        for table in ("ent", "past"):
            if not unused:
                break
            for (text,) in self._connection.execute(f"SELECT facts FROM {table}"):
                unused -= self.codes.used_in(text)
                if not unused:
                    break
        if unused:
            self._connection.executemany(
                "DELETE FROM relation WHERE key = ?", [(key,) for key in unused]
            )
            self._changed()
        return sorted(unused)

    def forget(self) -> None:
        """Forget what another process may have changed."""
        super().forget()
        self._is_current = False

    def reset(self) -> None:
        """Forget what is pending: the transaction was given up."""
        super().reset()
        if self._is_changed:  # another change may get the same version
            self._codes = None
            self._is_changed = False

    def _changed(self) -> None:
        self._connection.execute("UPDATE store SET relations = relations + 1")
        self._is_changed = True
        self._is_current = False
