"""Tests of another project, against a server in a container, through the fixtures of lamlam."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lamlam.testing import neo4j_containers
from lamlam.testing.neo4j_servers import Neo4jServer
from tests.containers.killable import engine_client
from tests.containers.user_project import UserProject, ended, new_project
from tests.neo4j_server.container_image import tag_of
from tests.neo4j_server.jdks import LTS
from tests.paths import ROOT

REQUIRED = {"LAMLAM_REQUIRE_NEO4J": "1"}

_ANOTHER_TEST = """
import lamlam, pytest

@pytest.mark.parametrize("lamlam_store_url", ["neo4j"], indirect=True)
@pytest.mark.parametrize("again", [1, 2])
def test_it(lamlam_sync_store, lamlam_neo4j, again):
    assert lamlam_sync_store.info().facts == 0  # nothing of the tests before
    fact = lamlam.Fact(entity="Ada Quill", relation="birth place", value="Lowmere")
    lamlam_sync_store.apply([lamlam.Assert(fact)])
    assert not lamlam_neo4j.address.endswith(":7687")  # a port of its own
    print("container", lamlam_neo4j.container)
"""


def test_two_projects_at_once(tmp_path: Path) -> None:
    """Each has one container, which all its tests share, each with an empty store."""
    projects = [new_project(tmp_path / name) for name in ("first", "second")]
    for project in projects:
        project.write("test_another.py", _ANOTHER_TEST)
    runs = [ended(one) for one in [project.start("-s", **REQUIRED) for project in projects]]
    containers = []
    for run in runs:
        assert run.outcomes == {"passed": 3 + 3 + 1 + 2}, run.text
        containers += re.findall(r"container (\S+)", run.text)
    assert [containers.count(name) for name in sorted(set(containers))] == [2, 2]
    with engine_client() as client:
        left = client.containers.list(all=True, filters={"label": neo4j_containers.LABEL})
        assert not {one.name for one in left} & set(containers)
        assert not client.volumes.list(filters={"dangling": True})


_STORY = """
import os, signal, threading
import docker, lamlam, lamlam.errors, pytest
from lamlam.testing.neo4j_containers import wait_for_container

on_neo4j = pytest.mark.parametrize("lamlam_store_url", ["neo4j"], indirect=True)
FACTS = [lamlam.Fact(entity=f"Part {n}", relation="of", value="Mill") for n in range(4000)]

@pytest.fixture
def container(lamlam_neo4j):
    client = docker.from_env()
    yield client.containers.get(lamlam_neo4j.container)
    client.close()

@on_neo4j
def test_a_restart(lamlam_sync_store, container):
    lamlam_sync_store.apply([lamlam.Assert(FACTS[0])])
    container.restart()

@on_neo4j
def test_b_after_the_restart(lamlam_sync_store):
    assert lamlam_sync_store.info().facts == 0
    lamlam_sync_store.apply([lamlam.Assert(FACTS[0])])

@on_neo4j
def test_c_killed_in_a_commit(lamlam_sync_store, lamlam_neo4j, container):
    killer = threading.Timer(0.3, container.kill)
    killer.start()
    changes = [lamlam.Assert(fact) for fact in FACTS]
    try:
        lamlam_sync_store.apply(changes, idempotency_key="mill")
    except lamlam.errors.Unavailable as error:
        print("unknown:", error)
    killer.join()
    container.start()
    wait_for_container(lamlam_neo4j)
    assert lamlam_sync_store.info().facts in (0, len(FACTS))  # whole or absent
    lamlam_sync_store.apply(changes, idempotency_key="mill")
    assert lamlam_sync_store.info().facts == len(FACTS)

@on_neo4j
def test_d_killed(lamlam_sync_store, container):
    container.kill()

@on_neo4j
def test_e_after_the_kill(lamlam_sync_store):
    raise AssertionError("there is no server")

def test_f_started_again(container):
    container.start()

@on_neo4j
def test_g_as_before(lamlam_sync_store):
    assert lamlam_sync_store.info().facts == 0

@on_neo4j
def test_h_the_engine_goes(lamlam_store_url):
    os.kill(int(os.environ["ENGINE"]), signal.SIGKILL)

@on_neo4j
def test_i_without_the_engine(lamlam_sync_store):
    lamlam_sync_store.apply([lamlam.Assert(FACTS[0])])
"""


def test_a_container_through_its_life(project: UserProject) -> None:
    """Restarted, killed in a commit, dead, started again, and left by its engine: all is told."""
    project.write("test_story.py", _STORY)
    with _engine_by_tcp() as (engine, address):
        run = project.run(
            "test_story.py",
            "-p",
            "no:randomly",
            ENGINE=str(engine),
            DOCKER_HOST=address,
            **REQUIRED,
        )
    name = re.findall(r"lamlam-neo4j-\w+", run.text)
    assert name, run.text
    try:
        assert run.outcomes == {"passed": 8, "error": 2}, run.text
        assert "the Neo4j server of these tests is gone: the container" in run.text
        assert "it ended (status 137). Its last lines:\nINFO" in run.text, run.text
        assert f"did not remove {name[0]}" in run.text
        assert f"when it answers again, run: docker rm --force --volumes {name[0]}" in run.text
        assert "direct cause" not in run.text
    finally:
        with engine_client() as client:
            client.containers.get(name[0]).remove(force=True, v=True)


@contextmanager
def _engine_by_tcp() -> Iterator[tuple[int, str]]:
    """Yield the process id and the address of a way to the engine."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.containers.engine_proxy"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            yield process.pid, f"tcp://127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.fixture
def broken_image() -> Iterator[str]:
    """An image whose server says what is wrong, and ends."""
    with engine_client() as client:
        command = ["/bin/sh", "-c", "echo starting; echo disk is full >&2; exit 3"]
        container = client.containers.create(tag_of(LTS), command)
        try:
            container.commit("lamlam/broken", "1")
        finally:
            container.remove(v=True)
        try:
            yield "lamlam/broken:1"
        finally:
            client.images.remove("lamlam/broken:1", force=True)


def test_a_server_that_does_not_start_shows_its_log(
    project: UserProject, broken_image: str
) -> None:
    """The error has the exit status and the last lines."""
    run = project.run("-k", "test_sync", LAMLAM_NEO4J_IMAGE=broken_image)
    assert run.outcomes == {"passed": 2, "error": 1}, run.text
    assert "Neo4j in a container of lamlam/broken:1 did not start: it ended (status 3)." in run.text
    assert "\ndisk is full" in run.text, run.text
    assert "direct cause" not in run.text


def test_too_little_memory_is_told(project: UserProject) -> None:
    """Killed for lack of memory, it names the variable that sets the limit."""
    run = project.run("-k", "test_sync", LAMLAM_NEO4J_MEMORY="100m")
    assert run.outcomes == {"passed": 2, "error": 1}, run.text
    assert "did not start: it ended (status 137, out of memory)" in run.text, run.text
    assert "give it more than LAMLAM_NEO4J_MEMORY=100m" in run.text


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("LAMLAM_NEO4J_IMAGE", "lamlam/none:1", "the image lamlam/none:1 "),
        ("LAMLAM_NEO4J_IMAGE", "Neo4J:5", "the image Neo4J:5 "),
        ("LAMLAM_NEO4J_IMAGE", "neo4j 5", "the image neo4j 5 "),
        ("LAMLAM_NEO4J_MEMORY", "plenty", "LAMLAM_NEO4J_MEMORY='plenty' is not an amount"),
        ("LAMLAM_NEO4J_MEMORY", "1k", "LAMLAM_NEO4J_MEMORY='1k' is not an amount"),
    ],
)
def test_a_wrong_setting_is_named(
    project: UserProject, variable: str, value: str, told: str
) -> None:
    """An image that was named and cannot be had, or an amount that is none, is never a skip."""
    run = project.run("-k", "test_sync", **{variable: value})
    assert run.outcomes == {"passed": 2, "error": 1}, run.text
    assert told in run.text
    assert f"{variable}" in run.text
    assert "direct cause" not in run.text


def test_the_usual_image_that_cannot_be_had_is_a_skip(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On a laptop without a network the next kind of server is looked for."""
    monkeypatch.setattr(neo4j_containers, "IMAGE", "lamlam/none:1")
    monkeypatch.delenv("LAMLAM_NEO4J_IMAGE", raising=False)
    from lamlam.errors import StoreMissing

    with (
        pytest.raises(StoreMissing, match="the image lamlam/none:1 "),
        neo4j_containers.container_server(tmp_path),
    ):
        pass


@pytest.mark.parametrize("container", ["newest_neo4j"], indirect=True)
def test_a_wrong_password_is_refused(project: UserProject, container: Neo4jServer) -> None:
    """A server by address that refuses the password is an error, and the password is not shown."""
    address = container.address.replace("://", "://neo4j:hushhush@")
    run = project.run("-k", "test_sync", LAMLAM_TEST_NEO4J=address)
    assert run.outcomes == {"passed": 2, "error": 1}, run.text
    assert "(LAMLAM_TEST_NEO4J) cannot be used" in run.text
    assert "hushhush" not in run.text
