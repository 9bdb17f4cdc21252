"""Schemathesis asks the server all that its description allows, and much that it does not.

Run by `make test-adapters`, in an environment that has schemathesis and not in `.venv`, where it
would be a plugin of every run of pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with an empty memory that can be written, in a process of its own."""
    folder = tmp_path_factory.mktemp("server")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "lamlam", "serve", "--port", "0"),
            *("--memory", f"sqlite:///{folder}/facts.db"),
        ],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200", "LAMLAM_HOME": str(folder)},
    )
    assert process.stderr is not None
    first = process.stderr.readline()
    try:
        yield first.rpartition(" ")[2].strip()
    finally:
        process.terminate()
        process.communicate()


def test_all_phases(url: str, tmp_path: Path) -> None:
    """Examples, coverage, fuzzing, stateful: no failure."""
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")), "--config-file"),
            *(str(HERE / "schemathesis.toml"), "run", f"{url}/openapi.json"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2000:]
    assert "Stateful (in" in done.stdout
