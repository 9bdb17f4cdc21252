"""The only import of ``neo4j``: one driver on a background loop, and its errors made ours."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from lamlam.background_loop import BackgroundLoop
from lamlam.errors import (
    AccessDenied,
    BadStore,
    FactStoreError,
    MissingExtra,
    StoreMissing,
    Unavailable,
)
from lamlam.memory_backends.neo4j_graph.address import Neo4jAddress
from lamlam.memory_backends.protocol import store_closed

if TYPE_CHECKING:
    from neo4j import AsyncDriver, AsyncManagedTransaction, AsyncSession

T = TypeVar("T")
Row = list[Any]  # Any: what a server sends

# A cloud database drops idle connections after minutes, load balancers earlier.
_LIFETIME_S = 600.0
_LIVENESS_S = 30.0
_POOL = 50
_ACQUISITION_S = 20.0
_CONNECT_S = 10.0
_RETRY_S = 10.0
_GRACE_S = 2.0  # the server's own limit comes first, and says more
_DENIED = (
    "Neo.ClientError.Security.Unauthorized",
    "Neo.ClientError.Security.AuthenticationRateLimit",
    "Neo.ClientError.Security.CredentialsExpired",
    "Neo.ClientError.Security.Forbidden",
)
_NO_DATABASE = "Neo.ClientError.Database.DatabaseNotFound"
_TOO_LARGE = ("OutOfMemory", "MemoryLimit")
_TOO_SLOW = "TransactionTimedOut"


class _Rows(list[Any]):  # Any: what the driver takes
    """A parameter that is not written out.

    The driver writes out every parameter for its log, also where nothing is logged: a fifth of
    the processor time of a load. And facts do not belong in a log.
    """

    def __repr__(self) -> str:
        return f"[{len(self)} rows]"


class Transaction:
    """A managed transaction: it may be repeated, and everything is read inside it."""

    __slots__ = ("_run",)

    def __init__(self, transaction: AsyncManagedTransaction) -> None:
        # Any: the driver takes literal strings only. Ours are made of literals and of a prefix
        # that was checked, and of nothing from outside.
        self._run: Any = transaction.run

    async def rows(self, query: str, **parameters: object) -> list[Row]:
        """Return every row of the answer."""
        result = await self._run(query, _quiet(parameters))
        rows: list[Row] = await result.values()
        return rows

    async def row(self, query: str, **parameters: object) -> Row | None:
        """Return the first row, or ``None``."""
        rows = await self.rows(query, **parameters)
        return rows[0] if rows else None

    async def do(self, query: str, **parameters: object) -> None:
        """Run a statement and drop its result."""
        result = await self._run(query, _quiet(parameters))
        await result.consume()


def _quiet(parameters: Mapping[str, object]) -> dict[str, object]:
    return {
        name: _Rows(value) if isinstance(value, list) else value
        for name, value in parameters.items()
    }


Work = Callable[[Transaction], Awaitable[T]]


class Neo4jConnection:
    """One database of one server. Its `read` and `write` run on the loop that it owns."""

    def __init__(self, address: Neo4jAddress) -> None:
        """Start the event loop; send nothing yet.

        Raises:
            MissingExtra: the driver is not installed.
        """
        try:
            import neo4j
        except ImportError:
            raise MissingExtra("neo4j", "neo4j") from None
        if not hasattr(neo4j, "AsyncGraphDatabase"):
            # neo4j-rust-ext, left alone, still makes a package of that name.
            raise MissingExtra("neo4j", "neo4j")
        self.address = address
        self.database = address.database
        self.loop = BackgroundLoop("lamlam-neo4j-loop", store_closed)
        self._neo4j = neo4j
        self._driver: AsyncDriver | None = None
        self._bookmarks = neo4j.AsyncGraphDatabase.bookmark_manager()

    async def open(self) -> tuple[str, str]:
        """Connect, find out the database's name, and return version and edition of the server.

        Raises:
            AccessDenied: user or password is wrong, or may not do this.
            StoreMissing: the database does not exist.
            Unavailable: no server answers.
        """
        # What the driver logs comes as our errors too; a caller that set up logging still sees it.
        logging.getLogger("neo4j").addHandler(logging.NullHandler())
        with self._ours():
            self._driver = self._make_driver()
            # At once, where transactions would be tried again for a while.
            await self._driver.verify_connectivity()
        if self.database is None:
            self.database = await self._home_database()
        found = await self.read(
            lambda tx: tx.row(
                "CALL dbms.components() YIELD name, versions, edition"
                " WHERE name = 'Neo4j Kernel' RETURN versions[0], edition"
            )
        )
        if found is None:
            raise BadStore("the server does not say which version of Neo4j it is")
        return found[0], found[1]

    async def read(
        self, work: Work[T], bookmarks: Iterable[str] = (), *, timeout_s: float | None = None
    ) -> T:
        """Return what the work returns, done in a transaction for reading.

        A server that falls silent is given up after a while: the protocol has no sign of it.

        Args:
            work: may be done more than once.
            bookmarks: of commits that it has to see.
            timeout_s: instead of the address's; 0: as long as it takes.
        """
        limit = self.address.timeout_s if timeout_s is None else timeout_s
        with self._ours():
            async with asyncio.timeout(limit + _GRACE_S if limit else None):
                async with self._session(self._neo4j.READ_ACCESS, bookmarks) as session:
                    return await session.execute_read(self._unit(work, limit))

    async def write(
        self, work: Work[T], bookmarks: Iterable[str] = (), *, timeout_s: float | None = None
    ) -> tuple[T, frozenset[str]]:
        """Return what the work returns, and the bookmarks of its commit.

        Raises:
            CommitUnknown: the connection broke while the server committed.
            Unavailable: no answer in time; says where it is unknown whether the commit was done.
        """
        limit = self.address.timeout_s if timeout_s is None else timeout_s
        is_committing = False

        async def noted(transaction: Transaction) -> T:
            nonlocal is_committing
            is_committing = False
            done = await work(transaction)
            is_committing = True
            return done

        with self._ours():
            try:
                async with asyncio.timeout(limit + _GRACE_S if limit else None):
                    async with self._session(self._neo4j.WRITE_ACCESS, bookmarks) as session:
                        done = await session.execute_write(self._unit(noted, limit))
                        return done, frozenset((await session.last_bookmarks()).raw_values)
            except TimeoutError as error:
                if not is_committing:
                    raise
                raise Unavailable(
                    f"{self.address} did not answer in {limit:g} s while it committed",
                    hint="whether the change was done is unknown: repeat it with its "
                    "idempotency_key, or read what the store holds",
                ) from error

    async def close(self) -> None:
        """Close the driver's connections."""
        driver, self._driver = self._driver, None
        if driver is not None:
            try:
                await driver.close()
            except (self._neo4j.exceptions.DriverError, OSError):
                pass  # the server is gone: so are the connections

    def shut(self) -> None:
        """Close the connections and the loop; closing again does nothing."""
        self.loop.close(self.close)

    # ----------------------------------------------------------------------------------------------

    def _make_driver(self) -> AsyncDriver:
        from lamlam.version import __version__

        address = self.address
        auth = None
        if address.user is not None:
            auth = self._neo4j.basic_auth(address.user, address.password.get_secret_value())
        return self._neo4j.AsyncGraphDatabase.driver(
            address.uri,
            auth=auth,
            max_connection_lifetime=_LIFETIME_S,
            liveness_check_timeout=_LIVENESS_S,
            max_connection_pool_size=_POOL,
            connection_acquisition_timeout=_ACQUISITION_S,
            connection_timeout=_CONNECT_S,
            max_transaction_retry_time=_RETRY_S,
            notifications_min_severity=self._neo4j.NotificationMinimumSeverity.WARNING,
            **self._silenced(),
            user_agent=f"lamlam/{__version__}",
            telemetry_disabled=True,
        )

    def _silenced(self) -> dict[str, Any]:
        """Return the setting against notes on unknown names: an empty store knows no label yet."""
        # One name is a preview in release 5 of the driver, the other is deprecated in release 6:
        # each would warn whoever opens a store.
        if int(self._neo4j.__version__.partition(".")[0]) < 6:
            categories = [self._neo4j.NotificationDisabledCategory.UNRECOGNIZED]
            return {"notifications_disabled_categories": categories}
        classes = [self._neo4j.NotificationDisabledClassification.UNRECOGNIZED]
        return {"notifications_disabled_classifications": classes}

    async def _home_database(self) -> str:
        """Return the name of the user's home database, so that every later call can give it."""
        found = await self.read(lambda tx: tx.row("CALL db.info() YIELD name RETURN name"))
        if found is None:
            raise StoreMissing("the server names no home database", hint="name one in the URL")
        name: str = found[0]
        return name

    def _session(self, mode: str, bookmarks: Iterable[str]) -> AsyncSession:
        if self._driver is None:
            raise Unavailable("the connection is closed")
        held = list(bookmarks)
        return self._driver.session(
            database=self.database,
            default_access_mode=mode,
            bookmark_manager=self._bookmarks,
            bookmarks=self._neo4j.Bookmarks.from_raw_values(held) if held else None,
        )

    def _unit(
        self, work: Work[T], timeout_s: float
    ) -> Callable[[AsyncManagedTransaction], Awaitable[T]]:
        async def unit(transaction: AsyncManagedTransaction) -> T:
            return await work(Transaction(transaction))

        decorate = self._neo4j.unit_of_work(metadata={"app": "lamlam"}, timeout=timeout_s)
        return decorate(unit)

    @contextmanager
    def _ours(self) -> Iterator[None]:
        """Translate errors of the driver into errors of lamlam, without values or passwords in them."""
        errors = self._neo4j.exceptions
        try:
            yield
        except FactStoreError:
            raise
        except TimeoutError as error:
            raise Unavailable(
                f"{self.address} did not answer in {self.address.timeout_s:g} s",
                hint="?timeout=… in the URL allows more",
            ) from error
        except errors.IncompleteCommit as error:
            raise CommitUnknown(f"{self.address} went away during a commit") from error
        except (errors.Neo4jError, errors.DriverError, OSError) as error:
            raise self._translated(error) from error

    def _translated(self, error: Exception) -> FactStoreError:
        code = str(getattr(error, "code", None) or "")
        where = self.address
        if code in _DENIED:
            return AccessDenied(
                f"{where} refuses the user {where.user!r} ({code.rpartition('.')[2]})",
                hint="check user and password: in the URL, or NEO4J_USERNAME and NEO4J_PASSWORD",
            )
        if code == _NO_DATABASE:
            return StoreMissing(
                f"{where.uri} has no database {self.database!r}",
                hint="Community has one, named neo4j; SHOW DATABASES lists them",
            )
        if any(word in code for word in _TOO_LARGE):
            return Unavailable(
                f"{where} has too little memory for so large a transaction",
                hint="write in smaller parts, or give the server more memory",
            )
        if _TOO_SLOW in code:
            return Unavailable(
                f"{where} needed more than {where.timeout_s:g} s", hint="?timeout=… allows more"
            )
        retryable = isinstance(error, OSError) or bool(getattr(error, "is_retryable", bool)())
        errors = self._neo4j.exceptions
        if retryable or isinstance(error, errors.ServiceUnavailable | errors.SessionExpired):
            return Unavailable(
                f"{where} does not answer ({type(error).__name__})",
                hint="is the server running, and is the address right?",
            )
        if isinstance(error, errors.DriverError):
            # No connection within the time, a wrong setting, a broken handshake.
            return Unavailable(f"{where} cannot be used: {type(error).__name__}: {error}")
        return BadStore(f"{where} refused a statement: {code or type(error).__name__}")


class CommitUnknown(Unavailable):
    """The connection broke during a commit, so that it is unknown whether it was done."""
