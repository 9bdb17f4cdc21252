"""``lamlam ask --strict --no-words``: the model chooses, among what memory has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import lamlam
from lamlam.cli.app import run


def test_the_model_alone_chooses_among_what_memory_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The words name a relation that memory lacks: read, they are asked for; else they are not."""
    url = f"sqlite:///{tmp_path / 'facts.db'}"
    with lamlam.SyncFactStore(url) as store:
        fact = lamlam.Fact(entity="Ada Quill", relation="birth place", value="Lowmere")
        store.apply([lamlam.Assert(fact)])
    asked: dict[str, list[str]] = {}
    for options in ("", "--strict --no-words"):
        words = ["ask", "Ada Quill died in", "--memory", url, "--max-tokens", "4", "--json"]
        assert run([*words, *options.split()]) == 0
        answer = json.loads(capsys.readouterr().out)
        asked[options] = [lookup["relation"] for lookup in answer["lookups"]]
    assert "death place" in asked[""]
    assert set(asked["--strict --no-words"]) <= {"birth place"}
