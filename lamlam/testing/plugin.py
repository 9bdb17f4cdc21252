"""The pytest fixtures: a fresh fact store of each kind, and the Neo4j server behind one of them.

pytest loads this module in every run where lamlam is installed: it imports nothing
heavy before a fixture needs it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from lamlam.memory_backends.protocol import FactStore
    from lamlam.memory_backends.sync import SyncFactStore
    from lamlam.testing.neo4j_servers import Neo4jServer

REQUIRE_VARIABLE = "LAMLAM_REQUIRE_NEO4J"
MARKER = "lamlam_neo4j"


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", f"{MARKER}: runs against a Neo4j server")


@pytest.hookimpl(tryfirst=True)  # before -m sorts out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses the server: ``-m 'not lamlam_neo4j'`` leaves it out."""
    for item in items:
        kind = getattr(getattr(item, "callspec", None), "params", {}).get("lamlam_store_url")
        if kind == "neo4j" or "lamlam_neo4j" in getattr(item, "fixturenames", ()):
            item.add_marker(MARKER)


@pytest.fixture(scope="session")
def lamlam_neo4j(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neo4jServer]:
    """Yield a Neo4j server that answers: url, address, user, password, version, found_by.

    From ``LAMLAM_TEST_NEO4J``, a container, or an installed Neo4j. Without any the test is
    skipped, or fails where ``LAMLAM_REQUIRE_NEO4J=1``.
    """
    from lamlam.testing.neo4j_search import running_neo4j

    with in_few_words(), running_neo4j(tmp_path_factory.mktemp("neo4j")) as server:
        yield server


@contextmanager
def in_few_words() -> Iterator[None]:
    """Fail with the reason and the hint alone if a server cannot be used; skip if there is none.

    A traceback would hold nothing of the user's.
    """
    from lamlam.errors import LamLamError, StoreMissing

    try:
        yield
    except StoreMissing as why:
        without_neo4j(why)
    except LamLamError as why:
        raise _failure(why) from None


def without_neo4j(why: Exception) -> NoReturn:
    """Skip the test, or fail it where ``LAMLAM_REQUIRE_NEO4J=1``."""
    if os.environ.get(REQUIRE_VARIABLE) == "1":
        raise _failure(why) from None
    pytest.skip(_with_hint(why))


def _failure(why: Exception) -> BaseException:
    """Return what fails a test with these words alone: it is raised ``from None``."""
    return pytest.fail.Exception(_with_hint(why), pytrace=False)


def _with_hint(why: Exception) -> str:
    return "\n".join([str(why), *getattr(why, "__notes__", ())])


@pytest.fixture(params=["memory", "sqlite", "neo4j"])
def lamlam_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the URL of an empty store for `lamlam.open_store`; the test runs once per kind.

    Two openings of ``memory:`` are two stores. ``@pytest.mark.parametrize("lamlam_store_url",
    ["sqlite"], indirect=True)`` picks kinds.
    """
    if request.param == "memory":
        yield "memory:"
    elif request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'lamlam-facts.db'}"
    elif request.param == "neo4j":
        server: Neo4jServer = request.getfixturevalue("lamlam_neo4j")
        from lamlam.testing.neo4j_stores import fresh_url

        with in_few_words(), fresh_url(server) as url:
            yield url
    else:
        pytest.fail(f"lamlam_store_url knows memory, sqlite and neo4j, not {request.param!r}")


@pytest.fixture
async def lamlam_store(lamlam_store_url: str) -> AsyncIterator[FactStore]:
    """Yield an empty open `lamlam.FactStore`, for tests on an event loop; once per kind.

    For anyio's pytest plugin, or pytest-asyncio in its auto mode.
    """
    import lamlam

    async with lamlam.open_store(lamlam_store_url) as store:
        yield store


@pytest.fixture
def lamlam_sync_store(lamlam_store_url: str) -> Iterator[SyncFactStore]:
    """Yield an empty open `lamlam.SyncFactStore`; once per kind."""
    import lamlam

    with lamlam.SyncFactStore(lamlam_store_url) as store:
        yield store
