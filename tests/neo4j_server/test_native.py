"""The native Neo4j server: starts, survives a crash with its data, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from neo4j import Driver, GraphDatabase
from neo4j.exceptions import AuthError, DriverError

from lamlam.testing.plugin import without_neo4j
from tests.neo4j_server.jars import jars_of
from tests.neo4j_server.jdks import (
    LTS,
    NEWEST,
    Jdk,
    NoServer,
    Release,
    find_jdks,
    jdk_for,
    read_jdk,
    releases_here,
)
from tests.neo4j_server.native import NativeServer
from tests.paths import ROOT


@pytest.fixture(scope="module", params=[LTS, NEWEST], ids=lambda release: release.version)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NativeServer]:
    """A server for these tests alone, of each release that runs here."""
    release: Release = request.param
    if release not in releases_here():
        pytest.skip(f"Neo4j {release.version} needs {release.needs}")
    try:
        with NativeServer(tmp_path_factory.mktemp("server"), release) as started:
            yield started
    except NoServer as why:
        without_neo4j(why)


def _driver(server: NativeServer, password: str | None = None) -> Driver:
    return GraphDatabase.driver(server.address, auth=(server.user, password or server.password))


def _is_alive(pid: int) -> bool:
    """Whether the process runs; one that ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2][1] != "Z"
    except OSError:
        pass
    if Path("/proc/self").exists():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.lamlam_neo4j
def test_committed_writes_outlive_a_kill(server: NativeServer) -> None:
    """What was committed is there after SIGKILL, what was not is gone; address and user stay."""
    with _driver(server) as driver:
        assert driver.get_server_info().agent == f"Neo4j/{server.version}"
        driver.execute_query("UNWIND range(1, 1000) AS n CREATE (:Committed {n: n})")
    pid, address = server.pid, server.address
    with (
        pytest.raises(DriverError),
        _driver(server) as driver,
        driver.session() as session,
        session.begin_transaction() as transaction,
    ):
        transaction.run("CREATE (:Open {n: 1})").consume()
        server.kill()
        assert not _is_alive(pid)
        transaction.commit()
    server.start()
    assert server.address == address
    assert server.pid != pid
    with _driver(server) as driver:
        count = "MATCH (node) RETURN labels(node)[0] AS label, count(*) AS n"
        records = driver.execute_query(count).records
    assert [(record["label"], record["n"]) for record in records] == [("Committed", 1000)]


@pytest.mark.lamlam_neo4j
def test_another_password_is_refused(server: NativeServer) -> None:
    """Neither the first password of a new Neo4j nor any other opens it."""
    for password in ("neo4j", "wrong"):
        with pytest.raises(AuthError), _driver(server, password) as driver:
            driver.verify_connectivity()


@pytest.mark.lamlam_neo4j
def test_a_second_server_on_the_same_folder_shows_its_last_words(server: NativeServer) -> None:
    """A server that ends at once is an error that carries the end of its log."""
    with pytest.raises(NoServer, match=r"(?s)ended at once .*[Ll]ock"):
        NativeServer(server.folder, _release(server)).start()


def _release(server: NativeServer) -> Release:
    return next(release for release in (LTS, NEWEST) if release.version == server.version)


_STARTER = """
import os, sys, time
from pathlib import Path
from tests.neo4j_server.native import NativeServer
from tests.neo4j_server.jdks import releases_here
server = NativeServer(Path(sys.argv[1]), releases_here()[0]).start()
held = os.fork()  # keeps the pipe to the server open
if held:
    print(server.pid, held, flush=True)
time.sleep(300)
"""


@pytest.mark.lamlam_neo4j
def test_the_server_dies_with_its_starter(tmp_path: Path) -> None:
    """A starter killed by SIGKILL leaves no server, even if a child of it lives on."""
    if not releases_here():
        without_neo4j(NoServer("no JDK runs Neo4j"))
    starter = subprocess.Popen(
        [sys.executable, "-c", _STARTER, str(tmp_path / "server")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    held = None
    try:
        assert starter.stdout is not None
        pid, held = map(int, starter.stdout.readline().split())
        assert _is_alive(pid)
        starter.kill()
        starter.wait()
        while _is_alive(pid):  # the time limit of the test ends this
            time.sleep(0.1)
    finally:
        starter.kill()
        if held is not None:
            os.kill(held, signal.SIGKILL)
        starter.communicate()


def test_two_at_once_fetch_the_jars_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starters that find no jars at the same time run Maven once, and all get every jar."""
    maven = shutil.which("mvn")
    if maven is None or not releases_here():
        without_neo4j(NoServer("Maven or a JDK is missing"))
    (tmp_path / "bin").mkdir()
    counted = tmp_path / "bin" / "mvn"
    counted.write_text(f'#!/bin/sh\necho run >> "{tmp_path}/runs"\nexec "{maven}" "$@"\n')
    counted.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("LAMLAM_TEST_CACHE", str(tmp_path / "cache"))
    command = [sys.executable, "-m", "tests.neo4j_server.jars"]
    starters = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    outputs = [starter.communicate()[0] for starter in starters]
    assert [starter.returncode for starter in starters] == [0, 0]
    assert outputs[0] == outputs[1]
    runs = (tmp_path / "runs").read_text(encoding="utf-8").splitlines()
    assert len(runs) == len(releases_here())
    for release in releases_here():
        jars = tmp_path / "cache" / f"neo4j-{release.version}"
        assert (jars / f"neo4j-{release.version}.jar").exists()
    left = {path.name for path in (tmp_path / "cache").iterdir() if path.is_dir()}
    assert left == {f"neo4j-{release.version}" for release in releases_here()}


def test_a_missing_maven_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without jars and without Maven the error says what to install."""
    monkeypatch.setenv("LAMLAM_TEST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoServer, match="apt install maven"):
        jars_of(LTS, Jdk(tmp_path, 17))


def test_the_release_follows_from_the_java() -> None:
    """Each Java gets what runs on it; one that is too old is named with what is needed."""
    java_11, java_17, java_21, java_25 = (Jdk(Path(f"/java-{n}"), n) for n in (11, 17, 21, 25))
    assert jdk_for(LTS, [java_11, java_17, java_25]) == java_17
    assert jdk_for(NEWEST, [java_17, java_21]) == java_21
    with pytest.raises(NoServer, match=r"needs Java 21 or later; found: Java 17 in /java-17"):
        jdk_for(NEWEST, [java_17])
    with pytest.raises(NoServer, match=r"needs Java 17 to 21; found: Java 25"):
        jdk_for(LTS, [java_25])
    with pytest.raises(NoServer, match="found: no JDK"):
        jdk_for(LTS, [])


@pytest.mark.parametrize(("written", "major"), [("17.0.15", 17), ("1.8.0_292", 8), ("25", 25)])
def test_a_jdk_is_known_by_its_release_file(tmp_path: Path, written: str, major: int) -> None:
    """The version is read without running Java; a runtime without a compiler is no JDK."""
    (tmp_path / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{written}"\n')
    assert read_jdk(tmp_path) is None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "javac").touch()
    assert read_jdk(tmp_path) == Jdk(tmp_path, major)


def test_java_home_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A JDK that only ``JAVA_HOME`` names is found."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "javac").touch()
    (tmp_path / "release").write_text('JAVA_VERSION="21.0.1"\n')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert Jdk(tmp_path, 21) in find_jdks()
