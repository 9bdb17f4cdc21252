"""The lookup benchmark runs, checks its own answers and has the promised keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.benchmarks.lookup import load_benchmark, lookup_benchmark
from lamlam.errors import BadStore, UsageError


def test_it_measures_a_small_store(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every figure is there and is a figure; progress is on standard error alone."""
    for name, value in (("_N_TIMED", 300), ("_N_FUZZY", 100), ("_N_COLD", 3), ("_N_PROMPTS", 5)):
        monkeypatch.setattr(f"lamlam.benchmarks.lookup.{name}", value)
    figures = lookup_benchmark(2000)
    assert figures["facts"] == 2000
    for name in ("exact_us", "fuzzy_us", "absent_us", "names_us", "names_loosely_us"):
        assert 0 < figures[name]["p50"] <= figures[name]["p99"]
    assert figures["fuzzy_found"] > 0.7
    assert figures["bytes_per_fact"] > 20
    assert capsys.readouterr().out == ""


def test_loading_is_measured_on_any_store(tmp_path: Path) -> None:
    """By URL; a store that already holds facts is refused."""
    assert load_benchmark(500, "memory:")["facts_per_s"] > 0
    url = f"sqlite:///{tmp_path / 'facts.db'}"
    assert load_benchmark(500, url)["bytes_per_fact"] > 0
    with pytest.raises(BadStore, match="already holds facts"):
        lookup_benchmark(500, url)
    with pytest.raises(UsageError):
        lookup_benchmark(0)
