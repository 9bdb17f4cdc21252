"""The judgements of annotated facts: complete, without text, and as the page says."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.trainer.annotation.judgements.draw import VERDICTS, draw, judged, main, shares, wilson


def test_each_fact_has_a_verdict_and_each_other_verdict_a_reason() -> None:
    """Two hundred facts of each kind for a seed; a document is a hash, never a sentence."""
    rows = judged()
    assert set(Counter((row["seed"], row["kind"]) for row in rows).values()) == {200}
    for row in rows:
        assert re.fullmatch(r"[0-9a-f]{16}", row["document"]) and row["offset"].isdecimal()
        assert row["verdict"] in VERDICTS
        assert bool(row["reason"]) == (row["verdict"] != "right")
        assert len(row["reason"]) < 60


def test_the_page_has_the_shares() -> None:
    """Those that the judgements give."""
    page = (ROOT / "docs" / "annotating.md").read_text(encoding="utf-8")
    for line in shares(judged()):
        seed, kind, right, share, low, high = re.findall(
            r"seed (\d+), (\w+): (\d+) of 200 right, ([\d.]+) \(([\d.]+)-([\d.]+)\)", line
        )[0]
        assert f"{right} are right ({share}," in page and f"{low} to {high}" in page, (seed, kind)


def test_draws_depend_on_the_seed_and_the_facts_alone() -> None:
    """Not on the order of the documents; each kind has its own."""
    before = [
        {
            "text": f"Acme {n} is in Bath.",
            "facts": [["a", "in", "Bath"]],
            "at": [len(f"Acme {n} is in ")],
        }
        for n in range(100)
    ]
    after = [
        {**one, "facts": [*one["facts"], ["a", "name", "Acme"]], "at": [*one["at"], 0]}
        for one in before
    ]  # fmt: skip
    pairs = list(zip(before, after, strict=True))
    first = draw(pairs, 1, 10)
    assert first == draw(reversed(pairs), 1, 10) != draw(pairs, 2, 10)
    assert Counter(fact.kind for fact in first) == {"new": 10, "old": 10}


def test_the_command_draws_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With sentences only if they are asked for."""
    line = {"text": "Acme is in Bath.", "facts": [["Acme", "in", "Bath"]], "at": [11], "by": "r"}
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text(json.dumps(line) + "\n")
    files = [str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")]
    assert main(files) == 0
    assert re.fullmatch(r"1,old,[0-9a-f]{16},11,in,,\n", capsys.readouterr().out)
    assert main([*files, "--show"]) == 0
    assert "Acme is in [[Bath]]." in capsys.readouterr().out
    assert main(["--shares"]) == 0
    assert "of 200 right" in capsys.readouterr().out


def test_wilson() -> None:
    """Within the shares that are possible, around the share seen."""
    assert wilson(0, 10)[0] == pytest.approx(0) and wilson(10, 10)[1] == pytest.approx(1)
    low, high = wilson(5, 10)
    assert low < 0.5 < high
