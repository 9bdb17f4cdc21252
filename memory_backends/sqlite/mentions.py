"""What in a fact file still mentions an erased name: found by SQL, then compared as names are."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from lamlam.memory_backends.commits.erasure_reach import is_one_of
from lamlam.memory_backends.commits.mentions import Mentions
from lamlam.memory_backends.model import row_codec
from lamlam.memory_backends.model.entity_reader import EntityHistory
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.lookups import PastVersion
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.sqlite.commit_log import namespace_of, unpack_events, unpack_rules
from lamlam.memory_backends.sqlite.row_words import RowWords
from lamlam.memory_backends.sqlite.rows import name_and_key, unpack_numbers

# Letters that become others in a canonical key, so that SQL does not see what they are: ß, long s,
# Kelvin, ligatures, and letters in circles, of mathematics, raised, or as wide as Chinese ones.
_ODD = "*[ßẞſK\u00aa\u00ba\u02b0-\u02b8\u2070-\u209c\u2100-\u214f\u24b6-\u24e9\ufb00-\ufb06\uff10-\uff5a\U0001d400-\U0001d7ff]*"
_MOST_SOURCES = 20
"""From so many sources on that mention a name, every row is looked at."""


def find_mentions(connection: sqlite3.Connection, sources: RowWords, found: Mentions) -> None:
    """Search for the names of ``found`` in all tables but the log, whose actors are `forget_actors`'."""
    if not found.names:
        return
    search = _Search(connection, found)
    named = sources.codes.marks(key for key in sources.codes.keys() if found.are_in(key))
    rows = search.rows_of_facts("SELECT name, facts, NULL FROM ent WHERE name != ''", named)
    rows_of_past = search.rows_of_facts("SELECT name, facts, retracted FROM past WHERE 1", named)
    for name, text, retracted in [*rows, *rows_of_past]:
        plain, key = name_and_key(name)
        facts = sources.unpack(text)
        if retracted is None:
            found.add_entity(key, EntityHistory(plain, facts))
        else:
            past = [PastVersion(fact, retracted) for fact in facts]
            found.add_entity(key, EntityHistory(plain, (), past))
    aliases = "SELECT alias.key, ent.name FROM alias JOIN ent ON ent.id = alias.ent WHERE 1"
    for alias, holder in search.rows(aliases, "alias.key"):
        space, plain = split(alias)
        found.add_alias(plain, name_and_key(holder)[0], space)
    (rules,) = connection.execute("SELECT rules FROM store").fetchone()
    found.add_rules(unpack_rules(rules).all() if rules else ())


def owners_of(
    connection: sqlite3.Connection, sources: RowWords, found: Mentions, namespace: Namespace
) -> list[str]:
    """Return the scoped keys of entities of a namespace that have, or had, a name as a value."""
    search = _Search(connection, found)
    owners: dict[str, None] = {}
    for table in ("ent", "past"):
        statement = f"SELECT name, facts FROM {table} WHERE name != ''"
        for name, text in search.rows(statement, "facts"):
            key = name_and_key(name)[1]
            if split(key)[0] == namespace and key not in owners:
                facts = sources.unpack(text)
                if any(is_one_of(fact, found.names) for fact in facts):
                    owners[key] = None
    return list(owners)


def own_commits(
    connection: sqlite3.Connection, found: Mentions, namespace: Namespace
) -> set[int] | None:
    """Return which commits that one of the names made changed a namespace alone; ``None``: all.

    Args:
        connection: to the store, before anything is erased.
        found: all names that may go.
        namespace: whose erasure it is; the unnamed one is that of whoever keeps the whole store.
    """
    if not namespace:
        return None
    if not found.names:
        return set()
    named = "SELECT revision, actor FROM log WHERE actor IS NOT NULL"
    rows = list(_Search(connection, found).rows(named, "actor"))
    return {
        revision
        for revision, actor in rows
        if found.is_name(actor) and _namespaces_of(connection, revision) == {namespace}
    }


def _namespaces_of(connection: sqlite3.Connection, revision: int) -> set[Namespace | None]:
    """Return which namespaces a commit changed; ``None`` stands for the whole store."""
    (text,) = connection.execute(
        "SELECT events FROM log WHERE revision = ?", (revision,)
    ).fetchone()
    spaces = {namespace_of(event) for event in unpack_events(text)}
    blobs = "SELECT entities FROM touched WHERE revision = ?"
    for (blob,) in connection.execute(blobs, (revision,)).fetchall():
        numbers = unpack_numbers(blob)
        if not numbers:  # any entity may have been changed
            spaces.add(None)
        for number in numbers:
            row = connection.execute(
                "SELECT name FROM ent WHERE id = ? AND name != ''"
                " UNION ALL SELECT name FROM past WHERE ent = ? LIMIT 1",
                (number, number),
            ).fetchone()
            if row is not None:
                spaces.add(split(name_and_key(row[0])[1])[0])
            if len(spaces) > 1:
                return spaces
    return spaces


def forget_actors(
    connection: sqlite3.Connection, found: Mentions, own: Collection[int] | None
) -> list[str]:
    """Remove the names from the log as actors; return how they were written there.

    Others that mention one are added to ``found``.

    Args:
        connection: to the store.
        found: the names.
        own: revisions whose actors may be forgotten; ``None``: all.
    """
    if not found.names:
        return []
    gone: list[str] = []
    named = "SELECT revision, actor FROM log WHERE actor IS NOT NULL"
    for revision, actor in list(_Search(connection, found).rows(named, "actor")):
        if found.is_name(actor) and (own is None or revision in own):
            connection.execute("UPDATE log SET actor = NULL WHERE revision = ?", (revision,))
            gone.append(actor)
        else:
            found.add_actor(actor, revision)
    return gone


class _Search:
    def __init__(self, connection: sqlite3.Connection, found: Mentions) -> None:
        self._connection = connection
        self._found = found
        self._runs = found.runs

    def rows(self, statement: str, column: str) -> Iterator[Any]:  # Any: rows
        """Yield the rows whose column may mention a name."""
        yield from self._execute(statement, self._may_mention(column))

    def rows_of_facts(
        self, statement: str, relations: Sequence[str]
    ) -> Iterator[tuple[str, str, int | None]]:
        """Yield the rows of facts that may mention a name, in themselves or by their sources.

        Args:
            relations: how facts begin in a row whose relation mentions one but is not written out.
        """
        condition, values = self._may_mention("facts")
        if condition:
            numbers = self._sources()
            if len(numbers) + len(relations) > _MOST_SOURCES:
                condition, values = "", []
            else:
                in_name, more = self._may_mention("name")
                marks = [
                    f"{before}{number:x}{after}"
                    for number in numbers
                    for before in (row_codec.FIELD, f"{row_codec.FIELD}@", "+")
                    for after in (",", "+")
                ]
                marks += relations
                condition = " OR ".join([condition, in_name, *["instr(facts, ?)"] * len(marks)])
                values = [*values, *more, *marks]
        yield from self._execute(statement, (condition, values))

    def _sources(self) -> list[int]:
        named = self._execute("SELECT id, text FROM source WHERE 1", self._may_mention("text"))
        return [ident for ident, text in named if self._found.are_in(text)]

    def _may_mention(self, column: str) -> tuple[str, Sequence[str]]:
        if self._runs is None:
            return "", []
        names = [" AND ".join([f"{column} LIKE ?"] * len(runs)) for runs in self._runs]
        values = [f"%{run}%" for runs in self._runs for run in runs]
        # The pattern is slow, and most texts are ASCII.
        odd = f"length(CAST({column} AS BLOB)) != length({column}) AND {column} GLOB ?"
        return " OR ".join([*names, odd]), [*values, _ODD]

    def _execute(
        self, statement: str, where: tuple[str, Sequence[str]]
    ) -> Iterator[Any]:  # Any: rows
        condition, values = where
        if condition:
            statement = f"{statement} AND ({condition})"
        yield from self._connection.execute(statement, values)
