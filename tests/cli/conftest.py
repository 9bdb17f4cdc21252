"""``lamlam facts`` in this process, in an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.cli.app import run
from tests.cli.facts_command import LINES, Facts


@pytest.fixture
def facts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Facts:
    """Runs ``lamlam facts`` in this process, in an empty folder; status, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def run_facts(*arguments: str) -> tuple[int, str, str]:
        status = run(["facts", *arguments])
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return run_facts


@pytest.fixture
def own(facts: Facts, tmp_path: Path) -> Path:
    """The user's own file, filled from a file of JSON lines."""
    (tmp_path / "mine.jsonl").write_text(LINES)
    status, _, err = facts("import", "mine.jsonl")
    assert status == 0, err
    return tmp_path / "lamlam-home" / "facts.db"
