"""The files that `docs/testing.md` gives to users, as far as they run without their service."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from lamlam.testing.neo4j_containers import IMAGE
from lamlam.testing.neo4j_servers import Neo4jServer
from tests.containers.killable import engine_client
from tests.containers.user_project import PAGE, UserProject
from tests.limits import HANG_S
from tests.neo4j_server.container_image import tag_of
from tests.neo4j_server.jdks import LTS
from tests.pages import fences

_load: Any = yaml.safe_load  # Any: yaml has no types
_FILES: list[dict[str, Any]] = [_load(text) for text in fences(PAGE, "yaml")]
GITHUB_SERVICE, GITHUB_CONTAINERS = (file["jobs"]["tests"] for file in _FILES[:2])
GITLAB_SERVICE, GITLAB_CONTAINERS = _FILES[2].values()


def test_each_file_is_whole() -> None:
    """Each names its machine, installs lamlam with what the page says, and runs pytest."""
    for job in (GITHUB_SERVICE, GITHUB_CONTAINERS):
        assert job["runs-on"] == "ubuntu-latest"
        _installs_and_runs([step["run"] for step in job["steps"] if "run" in step])
    for job in (GITLAB_SERVICE, GITLAB_CONTAINERS):
        assert job["image"].startswith("python:3.")
        _installs_and_runs(job["script"])
    assert GITLAB_SERVICE["services"][0]["name"] == IMAGE
    assert GITHUB_SERVICE["services"]["neo4j"]["image"] == IMAGE


def _installs_and_runs(commands: list[str]) -> None:
    (extras,) = re.findall(r"pip install 'PATH/TO/lamlam(\[.*\])'", fences(PAGE, "sh")[0])
    assert f"pip install '../lamlam{extras}'" in commands
    assert commands[-1] == "pytest"


@pytest.mark.parametrize("job", [GITHUB_CONTAINERS, GITLAB_CONTAINERS], ids=["github", "gitlab"])
def test_with_testcontainers(job: dict[str, Any]) -> None:
    """They set what `test_user_project.py` sets; the engine of GitLab's is reached by TCP."""
    variables = dict(job.get("env") or job.get("variables") or {})
    address = variables.pop("DOCKER_HOST", None)
    assert address is None or re.fullmatch(r"tcp://docker:\d+", address)
    assert variables.pop("DOCKER_TLS_CERTDIR", "") == ""
    assert variables == {"LAMLAM_REQUIRE_NEO4J": "1"}
    if address:
        assert job["services"] == [{"name": "docker:27-dind", "alias": "docker"}]


def test_with_a_service(project: UserProject) -> None:
    """The service of both files, started with its own options, serves the project's tests."""
    service = GITHUB_SERVICE["services"]["neo4j"]
    variables = GITLAB_SERVICE["variables"]
    assert service["env"] == {"NEO4J_AUTH": variables["NEO4J_AUTH"]}
    assert service["ports"] == ["7687:7687"]
    with _running(service) as (host_port, address_inside):
        given = GITHUB_SERVICE["env"]["LAMLAM_TEST_NEO4J"]
        assert Neo4jServer(given, "", "", is_ours=False).address == "neo4j://localhost:7687"
        here = given.replace("localhost:7687", f"localhost:{host_port}")
        github = {**GITHUB_SERVICE["env"], "LAMLAM_TEST_NEO4J": here}
        alias = GITLAB_SERVICE["services"][0]["alias"]
        inside = variables["LAMLAM_TEST_NEO4J"].replace(f"@{alias}:", f"@{address_inside}:")
        run = project.run(**github)
        assert run.outcomes == {"passed": 3 + 3 + 1}, run.text
        run = project.run("-k", "test_sync", **{**variables, "LAMLAM_TEST_NEO4J": inside})
        assert run.outcomes == {"passed": 3}, run.text


@contextmanager
def _running(service: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Start a service as GitHub's runner does; yield its port here and its address inside."""
    with engine_client() as client:
        options = shlex.split(service["options"])
        environment = [f"--env={name}={value}" for name, value in service["env"].items()]
        # A port of the engine's choice: 7687 may be in use here.
        command = ["docker", "create", "--publish=7687", *environment, *options, tag_of(LTS)]
        made = subprocess.run(command, capture_output=True, text=True, check=True)
        container = client.containers.get(made.stdout.strip())
        try:
            container.start()
            _wait_until_healthy(container)
            (port, *_) = container.ports["7687/tcp"]
            yield port["HostPort"], container.attrs["NetworkSettings"]["IPAddress"]
        finally:
            container.remove(force=True, v=True)


def _wait_until_healthy(container: Any) -> None:  # Any: docker has no types
    import time

    deadline = time.monotonic() + HANG_S
    health = ""
    while health != "healthy":
        assert health != "unhealthy" and time.monotonic() < deadline, container.logs()
        time.sleep(0.5)
        container.reload()
        health = container.attrs["State"]["Health"]["Status"]
