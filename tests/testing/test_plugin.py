"""The pytest plugin for users: each run is a separate pytest, as in somebody else's project."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from neo4j import Driver, GraphDatabase

from lamlam.errors import StoreMissing
from lamlam.testing import neo4j_containers, neo4j_search
from lamlam.testing.neo4j_search import running_neo4j
from lamlam.testing.neo4j_servers import Neo4jServer, url_of
from tests.limits import HANG_S
from tests.neo4j_server.jars import cache_folder, jars_of
from tests.neo4j_server.jdks import LTS, find_jdks, jdk_for, releases_here
from tests.neo4j_server.native import JAVA_OPTIONS, SOURCE
from tests.pages import fences, page
from tests.paths import ROOT
from tests.programs import output_of

CACHE = cache_folder()  # before pytester gives each test another home folder

PAGE = page("testing.md")


def _fence(language: str) -> str:
    return fences(PAGE, language)[0]  # the later ones are about lamlam's own tests


@pytest.fixture(autouse=True)
def _nothing_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pytester: pytest.Pytester
) -> None:
    """No server is found but the one that a test names; each run makes errors of warnings."""
    for variable in ("LAMLAM_TEST_NEO4J", "LAMLAM_REQUIRE_NEO4J", "NEO4J_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine")
    monkeypatch.setenv("LAMLAM_TEST_CACHE", str(CACHE))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeini(
        "[pytest]\nfilterwarnings = error\naddopts = --strict-markers -p no:cacheprovider"
    )


def test_the_example_of_the_page_runs(pytester: pytest.Pytester) -> None:
    """Memory and SQLite need nothing; what needs a server is skipped, and the reason says why."""
    pytester.makepyfile(_fence("python"))
    run = pytester.runpytest_subprocess("-rs")
    run.assert_outcomes(passed=2 + 2 + 1, skipped=1 + 1)
    run.stdout.fnmatch_lines(
        [
            "*SKIPPED*no Neo4j server to test against: LAMLAM_TEST_NEO4J is not set; "
            "no container engine answers*; NEO4J_HOME is not set and there is no neo4j on PATH*",
            "*set LAMLAM_TEST_NEO4J=neo4j://neo4j:secret@localhost:7687*",
        ]
    )


def test_the_example_of_the_page_runs_on_neo4j(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, lamlam_neo4j: Neo4jServer
) -> None:
    """Async and sync stores open on a server given by address, and leave nothing there."""
    monkeypatch.setenv("LAMLAM_TEST_NEO4J", lamlam_neo4j.url)
    pytester.makepyfile(_fence("python"))
    run = pytester.runpytest_subprocess()
    run.assert_outcomes(passed=3 + 3 + 1)
    with _driver(lamlam_neo4j) as driver:
        for left in (
            "MATCH (n) WHERE labels(n)[0] STARTS WITH 'LamlamTest' RETURN n LIMIT 1",
            "SHOW INDEXES YIELD * WHERE labelsOrTypes[0] STARTS WITH 'LamlamTest' RETURN name",
        ):
            assert not driver.execute_query(left).records


def test_each_test_has_an_empty_store(pytester: pytest.Pytester) -> None:
    """What one test wrote is not there in the next; async stores also open on trio."""
    pytester.makepyfile(
        """
        import lamlam, pytest

        FACT = lamlam.Fact(entity="Ada Quill", relation="birth place", value="Lowmere")

        @pytest.mark.anyio
        @pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
        async def test_async(lamlam_store, anyio_backend):
            assert (await lamlam_store.info()).facts == 0
            await lamlam_store.apply([lamlam.Assert(FACT)])

        @pytest.mark.parametrize("again", [1, 2])
        def test_sync(lamlam_sync_store, again):
            assert lamlam_sync_store.info().facts == 0
            lamlam_sync_store.apply([lamlam.Assert(FACT)])
        """
    )
    run = pytester.runpytest_subprocess("-m", "not lamlam_neo4j")
    run.assert_outcomes(passed=2 * 2 + 2 * 2, deselected=2 + 2)


def test_the_workflow_of_the_page_fits_the_plugin() -> None:
    """Its image is the pinned one, and its address opens what its service sets up."""
    workflow = _fence("yaml")
    assert f"image: {neo4j_containers.IMAGE}\n" in workflow
    (address,) = re.findall(r"LAMLAM_TEST_NEO4J: (\S+)", workflow)
    server = Neo4jServer(address, "", "", is_ours=False)
    assert f"NEO4J_AUTH: {server.user}/{server.password}\n" in workflow
    assert f"cypher-shell -u {server.user} -p {server.password} " in workflow
    assert server.address == "neo4j://localhost:7687"
    (extras,) = re.findall(r"run: pip install '\.\./lamlam(\[.*\])'", workflow)
    assert f"pip install 'PATH/TO/lamlam{extras}'" in _fence("sh")


def test_a_required_server_that_is_missing_is_an_error(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``LAMLAM_REQUIRE_NEO4J=1`` turns the skips into errors."""
    monkeypatch.setenv("LAMLAM_REQUIRE_NEO4J", "1")
    pytester.makepyfile("def test_it(lamlam_store_url): pass")
    run = pytester.runpytest_subprocess()
    run.assert_outcomes(passed=2, errors=1)
    run.stdout.fnmatch_lines(["*no Neo4j server to test against*"])


def test_the_marker_leaves_neo4j_out(pytester: pytest.Pytester) -> None:
    """``-m 'not lamlam_neo4j'`` runs what needs no server, however a test asks for one."""
    pytester.makepyfile(
        """
        import pytest
        def test_each(lamlam_store_url): pass
        def test_server(lamlam_neo4j): pass
        @pytest.mark.parametrize("lamlam_store_url", ["neo4j"], indirect=True)
        def test_picked(lamlam_store_url): pass
        """
    )
    run = pytester.runpytest_subprocess("-m", "not lamlam_neo4j")
    run.assert_outcomes(passed=2, deselected=3)


def test_an_unknown_kind_is_named(pytester: pytest.Pytester) -> None:
    """A misspelt kind of store fails with those that there are."""
    pytester.makepyfile(
        """
        import pytest
        @pytest.mark.parametrize("lamlam_store_url", ["sqlit"], indirect=True)
        def test_it(lamlam_store_url): pass
        """
    )
    run = pytester.runpytest_subprocess()
    run.assert_outcomes(errors=1)
    run.stdout.fnmatch_lines(["*knows memory, sqlite and neo4j, not 'sqlit'*"])


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("neo4j://neo4j:hushhush@127.0.0.1:1", "*neo4j://127.0.0.1:1 (LAMLAM_TEST_NEO4J) cannot*"),
        ("localhost:7687", "*is not a URL with user and password*"),
    ],
)
def test_a_wrong_address_is_an_error(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, url: str, message: str
) -> None:
    """A server that was named and does not answer is never skipped; its password is not shown."""
    monkeypatch.setenv("LAMLAM_TEST_NEO4J", url)
    pytester.makepyfile("def test_it(lamlam_neo4j): pass")
    run = pytester.runpytest_subprocess()
    run.assert_outcomes(errors=1)
    run.stdout.fnmatch_lines([message])
    run.stdout.no_fnmatch_line("*hushhush*")


def test_a_server_by_address_may_need_time_to_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is asked again for as long as the variable says, and not if it refuses the password."""
    from neo4j.exceptions import AuthError, ServiceUnavailable

    from lamlam.errors import Unavailable, UsageError

    monkeypatch.setenv("LAMLAM_TEST_NEO4J", "neo4j://neo4j:hush@127.0.0.1:1")
    monkeypatch.setenv("LAMLAM_TEST_NEO4J_WAIT", "1000")
    answers: list[Exception | None] = [ServiceUnavailable(), ServiceUnavailable(), None]

    def answering(server: Neo4jServer) -> Neo4jServer:
        if (error := answers.pop(0)) is not None:
            raise Unavailable("no") from error
        return server

    monkeypatch.setattr(neo4j_search, "answering", answering)
    with running_neo4j(tmp_path) as server:
        assert server.found_by == "LAMLAM_TEST_NEO4J"
    answers[:] = [AuthError(), None]
    with pytest.raises(Unavailable), running_neo4j(tmp_path):
        pass
    for wrong in ("soon", "-1", "inf", "nan"):
        monkeypatch.setenv("LAMLAM_TEST_NEO4J_WAIT", wrong)
        with (
            pytest.raises(UsageError, match="must be a number of seconds"),
            running_neo4j(tmp_path),
        ):
            pass


def test_a_server_by_address_keeps_what_is_not_ours(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, lamlam_neo4j: Neo4jServer
) -> None:
    """Each test has separate labels there; they and their indexes are gone afterwards."""
    monkeypatch.setenv("LAMLAM_TEST_NEO4J", lamlam_neo4j.url)
    pytester.makepyfile(
        """
        from urllib.parse import parse_qs, urlsplit
        import neo4j, pytest

        seen = set()

        @pytest.mark.parametrize("again", [1, 2])
        @pytest.mark.parametrize("lamlam_store_url", ["neo4j"], indirect=True)
        def test_it(lamlam_store_url, lamlam_neo4j, again):
            assert lamlam_store_url.startswith(lamlam_neo4j.url)
            (prefix,) = parse_qs(urlsplit(lamlam_store_url).query)["prefix"]
            assert prefix not in seen
            seen.add(prefix)
            with neo4j.GraphDatabase.driver(
                lamlam_neo4j.address, auth=(lamlam_neo4j.user, lamlam_neo4j.password)
            ) as driver:
                for query in (
                    f"CREATE CONSTRAINT {prefix}_id FOR (n:{prefix}Fact) REQUIRE n.id IS UNIQUE",
                    f"CREATE FULLTEXT INDEX {prefix}_text FOR (n:{prefix}Name) ON EACH [n.text]",
                    f"UNWIND range(1, 12000) AS id CREATE (:{prefix}Fact {{id: id}})-[:X]->()",
                    f"CREATE (:{prefix}Name {{text: 'x'}})",
                ):
                    driver.execute_query(query)
        """
    )
    with _driver(lamlam_neo4j) as driver:
        driver.execute_query("MATCH (node) DETACH DELETE node")
        driver.execute_query("CREATE CONSTRAINT theirs FOR (n:Theirs) REQUIRE n.id IS UNIQUE")
        driver.execute_query("CREATE (:Theirs {id: 1})")
        try:
            pytester.runpytest_subprocess().assert_outcomes(passed=2)
            labelled = driver.execute_query(
                "MATCH (n) WHERE size(labels(n)) > 0 RETURN DISTINCT labels(n) AS labels"
            )
            assert [record["labels"] for record in labelled.records] == [["Theirs"]]
            indexes = driver.execute_query(
                "SHOW INDEXES YIELD labelsOrTypes WHERE labelsOrTypes[0] STARTS WITH 'LamlamTest' RETURN *"
            )
            assert not indexes.records
            theirs = driver.execute_query("SHOW CONSTRAINTS YIELD name RETURN name")
            assert "theirs" in [record["name"] for record in theirs.records]
        finally:
            driver.execute_query("DROP CONSTRAINT theirs")


@pytest.fixture
def install(tmp_path: Path) -> Path:
    """The home of an installed Neo4j: the real server behind a start script like that of Neo4j.

    It listens where its settings say, and its user has the first password of every new Neo4j.
    """
    release = next(iter(releases_here()), LTS)
    jdk = jdk_for(release, find_jdks())
    home = tmp_path / "installed"
    (home / "bin").mkdir(parents=True)
    script = home / "bin" / "neo4j"
    script.write_text(
        "#!/bin/sh\n"
        '[ "$1" = console ] || exit 2\n'
        'data=$(sed -n "s/^server.directories.data=//p" "$NEO4J_CONF/neo4j.conf")\n'
        "sleep 600 | "  # standard input stays open: a console does not end with it
        f"'{jdk.java}' {' '.join(JAVA_OPTIONS)} -cp '{jars_of(release, jdk)}/*' '{SOURCE}' "
        '"$data" "$NEO4J_CONF/neo4j.conf"\n',
        encoding="utf-8",
    )
    script.chmod(0o755)
    return home


@pytest.mark.lamlam_neo4j
def test_an_installed_neo4j_is_run_and_emptied(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, install: Path
) -> None:
    """It runs for the session with separate data, is empty for each test, and ends."""
    monkeypatch.setenv("NEO4J_HOME", str(install))
    pytester.makepyfile(
        """
        import neo4j, pytest

        @pytest.mark.parametrize("again", [1, 2])
        @pytest.mark.parametrize("lamlam_store_url", ["neo4j"], indirect=True)
        def test_it(lamlam_store_url, lamlam_neo4j, again):
            assert lamlam_store_url == lamlam_neo4j.url
            assert "installed" in lamlam_neo4j.found_by
            auth = lamlam_neo4j.user, lamlam_neo4j.password
            with neo4j.GraphDatabase.driver(lamlam_neo4j.address, auth=auth) as driver:
                assert not driver.execute_query("MATCH (n) RETURN n LIMIT 1").records
                driver.execute_query("UNWIND range(1, 12000) AS id CREATE (:Any {id: id})")
            print("address", lamlam_neo4j.address)
        """
    )
    run = pytester.runpytest_subprocess("-s")
    run.assert_outcomes(passed=2)
    address, _ = re.findall(r"address (\S+)", run.stdout.str())
    with pytest.raises(OSError), _connection(address):
        pass
    assert not [path for path in install.iterdir() if path.name != "bin"]


def test_an_installed_neo4j_that_ends_shows_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason of a skip has what the start script wrote."""
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "neo4j"
    script.write_text("#!/bin/sh\necho no Java here\nexit 1\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("NEO4J_HOME", str(tmp_path))
    with pytest.raises(StoreMissing, match="no Java here"), running_neo4j(tmp_path / "run"):
        pass


def test_a_container_engine_that_is_absent_is_told_without_a_warning() -> None:
    """The probe of containers says why there are none."""
    reason = neo4j_containers.why_no_containers()
    assert reason is not None
    assert reason.startswith("no container engine answers")


def test_the_parts_of_a_url_are_unescaped() -> None:
    """User, password and database are given as they are, whatever characters they hold."""
    url = url_of("db.example:7687", "ann@home", "p/a:s s%?#@") + "/fa%20cts?prefix=X"
    server = Neo4jServer(url, "5", "test", is_ours=False)
    assert server.user == "ann@home"
    assert server.password == "p/a:s s%?#@"
    assert server.database == "fa cts"
    assert server.address == "neo4j://db.example:7687"
    assert server.password not in repr(server)


def test_loading_the_plugin_is_cheap() -> None:
    """pytest loads it in every run of everybody who installed lamlam: nothing heavy comes along."""
    program = (
        "import sys, pytest; before = set(sys.modules); import lamlam.testing.plugin; "
        "print(*sorted({name for name in set(sys.modules) - before}))"
    )
    loaded = {name for name in output_of(program).split() if not name.startswith("lamlam")}
    assert loaded <= set(sys.stdlib_module_names)


@contextmanager
def _driver(server: Neo4jServer) -> Iterator[Driver]:
    with GraphDatabase.driver(server.address, auth=(server.user, server.password)) as driver:
        yield driver


@contextmanager
def _connection(address: str) -> Iterator[None]:
    import socket

    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=HANG_S):
        yield
