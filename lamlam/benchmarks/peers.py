"""Other stores of the same facts, beside which ours is measured: each as plain as it can be used."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

Triple = tuple[str, str, str]
_CACHE_KIB = 32_768
"""As much as a fact file of ours takes."""
_AT_ONCE = 100_000
_BETWEEN = "\x1f"


class Peer(ABC):
    """A store with one value, or the first of several, for each relation of an entity."""

    name: str
    needs: str | None = None
    """A package that is not always installed."""

    def __init__(self, folder: Path) -> None:
        """Take a folder that is the peer's own."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def fill(self, facts: Iterable[Triple]) -> None:
        """Write facts, as fast as the store's own way of loading does."""

    @abstractmethod
    def open(self) -> None:
        """Prepare for lookups, in one snapshot where the store has any."""

    @abstractmethod
    def lookup(self, entity: str, relation: str) -> str | None:
        """Return the value of a relation of an entity."""

    @abstractmethod
    def close(self) -> None:
        """Close the store."""

    def n_bytes(self) -> int:
        """Return what the store takes on disk."""
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())


class PlainSqlite(Peer):
    """A table of texts with a primary key; read in a transaction that stays open."""

    name = "sqlite"
    _connection: sqlite3.Connection

    def fill(self, facts: Iterable[Triple]) -> None:
        """Write facts by `executemany`, in one transaction."""
        connection = sqlite3.connect(self.folder / "facts.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(
            "CREATE TABLE fact (entity TEXT, relation TEXT, value TEXT,"
            " PRIMARY KEY (entity, relation)) WITHOUT ROWID"
        )
        connection.execute("BEGIN")
        connection.executemany("INSERT OR IGNORE INTO fact VALUES (?, ?, ?)", facts)
        connection.execute("COMMIT")
        connection.close()

    def open(self) -> None:
        """Begin the transaction."""
        url = f"file:{quote(str(self.folder / 'facts.db'))}?mode=ro"
        self._connection = sqlite3.connect(url, uri=True, isolation_level=None)
        self._connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        cursor = self._connection.cursor()
        cursor.execute("BEGIN")
        self._execute = cursor.execute

    def lookup(self, entity: str, relation: str) -> str | None:
        """Return the value of a relation of an entity."""
        row = self._execute(
            "SELECT value FROM fact WHERE entity = ? AND relation = ?", (entity, relation)
        ).fetchone()
        return row[0] if row is not None else None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class Lmdb(Peer):
    """A memory-mapped tree; entity and relation are one key."""

    name = "lmdb"
    needs = "lmdb"
    _opened: Any = None  # Any: of a package that may be missing

    def fill(self, facts: Iterable[Triple]) -> None:
        """Write facts in one transaction, in the order of the keys a part at a time."""
        environment = self._environment(readonly=False)
        remaining = iter(facts)
        with environment.begin(write=True) as transaction:
            while part := [
                (_key(entity, relation), value.encode())
                for entity, relation, value in islice(remaining, _AT_ONCE)
            ]:
                with transaction.cursor() as cursor:
                    cursor.putmulti(sorted(part), overwrite=False)
        environment.close()

    def open(self) -> None:
        """Begin the transaction."""
        self._opened = self._environment(readonly=True)
        self._get = self._opened.begin().get

    def lookup(self, entity: str, relation: str) -> str | None:
        """Return the value of a relation of an entity."""
        value = self._get(_key(entity, relation))
        return value.decode() if value is not None else None

    def close(self) -> None:
        """Close the environment."""
        self._opened.close()

    def n_bytes(self) -> int:
        """Return the bytes of the pages that are used: the file itself is as long as the map."""
        is_open = self._opened is not None  # a second time in one process it refuses to be
        environment = self._opened if is_open else self._environment(readonly=True)
        used = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
        if not is_open:
            environment.close()
        return int(used)

    def _environment(self, *, readonly: bool) -> Any:  # Any: of a package that may be missing
        lmdb = import_module("lmdb")
        return lmdb.open(str(self.folder), map_size=1 << 36, readonly=readonly, lock=False)


class Oxigraph(Peer):
    """An RDF store on disk; names are IRIs and values literals."""

    name = "oxigraph"
    needs = "pyoxigraph"

    def fill(self, facts: Iterable[Triple]) -> None:
        """Write facts by its bulk loader."""
        rdf = import_module("pyoxigraph")
        store = rdf.Store(str(self.folder))
        store.bulk_extend(
            rdf.Quad(_iri(rdf, entity), _iri(rdf, relation), rdf.Literal(value))
            for entity, relation, value in facts
        )
        store.flush()
        del store

    def open(self) -> None:
        """Open the store for reading."""
        self._rdf = import_module("pyoxigraph")
        self._store = self._rdf.Store.read_only(str(self.folder))

    def lookup(self, entity: str, relation: str) -> str | None:
        """Return the value of a relation of an entity."""
        found = self._store.quads_for_pattern(
            _iri(self._rdf, entity), _iri(self._rdf, relation), None
        )
        quad = next(found, None)
        return str(quad.object.value) if quad is not None else None

    def close(self) -> None:
        """Close the store."""
        del self._store


class DuckDb(Peer):
    """A column store with an index on entity and relation."""

    name = "duckdb"
    needs = "duckdb"

    def fill(self, facts: Iterable[Triple]) -> None:
        """Write facts by a CSV file, its fastest way from Python without Arrow, then the index."""
        import csv

        connection = import_module("duckdb").connect(str(self.folder / "facts.duckdb"))
        written = self.folder / "facts.csv"
        with written.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(facts)
        connection.execute("CREATE TABLE fact (entity TEXT, relation TEXT, value TEXT)")
        connection.execute(f"COPY fact FROM '{written}' (HEADER false)")
        connection.execute("CREATE INDEX by_key ON fact (entity, relation)")
        connection.close()
        written.unlink()

    def open(self) -> None:
        """Open the file for reading."""
        path = str(self.folder / "facts.duckdb")
        self._connection = import_module("duckdb").connect(path, read_only=True)

    def lookup(self, entity: str, relation: str) -> str | None:
        """Return the value of a relation of an entity."""
        row = self._connection.execute(
            "SELECT value FROM fact WHERE entity = ? AND relation = ?", (entity, relation)
        ).fetchone()
        return row[0] if row is not None else None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


PEERS: tuple[type[Peer], ...] = (PlainSqlite, Lmdb, Oxigraph, DuckDb)


def installed_peers(folder: Path) -> Iterator[Peer]:
    """Yield the stores that can be used here, each in a folder of its own."""
    for kind in PEERS:
        with suppress(ImportError, ValueError):
            if kind.needs is None or find_spec(kind.needs) is not None:
                yield kind(folder / kind.name)


def _key(entity: str, relation: str) -> bytes:
    return f"{entity}{_BETWEEN}{relation}".encode()


def _iri(rdf: Any, name: str) -> Any:  # Any: of a package that may be missing
    return rdf.NamedNode(f"urn:lamlam:{quote(name, safe='')}")
