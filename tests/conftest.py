"""What holds for every test: a separate data folder, and plain, narrow output from the command.

And the Neo4j servers: tests get one from an address, a container engine, or Java alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from lamlam.testing.neo4j_search import running_neo4j
from lamlam.testing.neo4j_servers import Neo4jServer
from lamlam.testing.plugin import MARKER, in_few_words
from tests.limits import HANG_S
from tests.neo4j_server.jdks import NEWEST, releases_here
from tests.neo4j_server.session import OUR_WAYS, Neo4jTally, ways_to
from tests.paths import ROOT
from tests.warning_filters import restore_at_exit

pytest_plugins = ["pytester", "tests.checkpoints", "tests.parts"]

# Before anything loads llama.cpp; the reason stands in lamlam/cli/app.py.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# No example fails by the clock, however busy the machine. The parent is what Hypothesis chose:
# where CI is set, the same examples in every run.
settings.register_profile(
    "lamlam",
    settings.default,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("lamlam")

TALLY = pytest.StashKey[Neo4jTally]()

_PLAIN = {"COLUMNS": "100", "NO_COLOR": "1"}
Command = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--require-neo4j``: tests against Neo4j belong to this run."""
    parser.addoption(
        "--require-neo4j",
        action="store_true",
        help="say how many tests ran against Neo4j; with LAMLAM_REQUIRE_NEO4J=1 none is a failure",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tests against Neo4j are counted, and a run ends without a word after its summary."""
    restore_at_exit()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As where a script runs the suite in the background. Tests send it to what they start.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.stash[TALLY] = Neo4jTally(is_expected=bool(config.getoption("--require-neo4j")))
    config.pluginmanager.register(config.stash[TALLY])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the newest release have the marker, too."""
    for item in items:
        callspec: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
        wanted = {*getattr(item, "fixturenames", ()), *map(str, callspec.values())}
        if wanted & {"lamlam_neo4j", "newest_neo4j"}:
            item.add_marker(MARKER)


@pytest.fixture(scope="session")
def lamlam_neo4j(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Neo4jServer]:
    """A Neo4j server: by address, as a container, or by Java alone (the LTS if it runs here)."""
    starting = running_neo4j(tmp_path_factory.mktemp("neo4j"), OUR_WAYS)
    with in_few_words(), pytestconfig.stash[TALLY].counted(starting) as server:
        yield server


@pytest.fixture(scope="session")
def newest_neo4j(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Neo4jServer]:
    """The newest release, as a container or by Java alone."""
    if NEWEST not in releases_here():
        pytest.skip(f"Neo4j {NEWEST.version} needs {NEWEST.needs}")
    starting = running_neo4j(tmp_path_factory.mktemp("newest-neo4j"), ways_to(NEWEST))
    with in_few_words(), pytestconfig.stash[TALLY].counted(starting) as server:
        yield server


@pytest.fixture(autouse=True)
def _own_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads or writes the facts of the person who runs it."""
    monkeypatch.setenv("LAMLAM_HOME", str(tmp_path / "lamlam-home"))
    monkeypatch.delenv("LAMLAM_DEBUG", raising=False)


@pytest.fixture
def lamlam_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """Runs ``lamlam`` in this process, in an empty folder."""
    from lamlam.cli.app import run as run_command

    before = signal.getsignal(signal.SIGTERM)  # the command sets another handler
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as changed:
            for name, value in {**_PLAIN, **environment}.items():
                changed.setenv(name, value)
            capsys.readouterr()
            status = run_command(list(arguments))
        shown = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, status, shown.out, shown.err)

    yield run
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def lamlam_process(tmp_path: Path) -> Command:
    """Runs ``lamlam`` in a separate process, in an empty folder, for tests about the process."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "lamlam", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **_PLAIN, **environment},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=HANG_S,
            check=False,
        )

    return run
