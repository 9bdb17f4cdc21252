"""The lookup benchmark runs, checks its own answers and has the promised keys."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from lamlam.benchmarks.load import load_benchmark
from lamlam.benchmarks.lookup import lookup_benchmark
from lamlam.benchmarks.peers import installed_peers
from lamlam.errors import BadStore, UsageError


def test_it_measures_a_small_store(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every figure is there and is a figure; progress is on standard error alone."""
    for name, value in (
        ("_N_TIMED", 300), ("_N_FUZZY", 100), ("_N_COLD", 3), ("_N_PROMPTS", 5), ("_N_ROUND", 50)
    ):  # fmt: skip
        monkeypatch.setattr(f"lamlam.benchmarks.lookup.{name}", value)
    figures = lookup_benchmark(2000, peers=2)
    assert figures["facts"] == 2000
    for name in ("exact_us", "fuzzy_us", "absent_us", "names_us", "names_loosely_us"):
        assert 0 < figures[name]["p50"] <= figures[name]["p99"]
    assert figures["fuzzy_found"] > 0.7
    assert figures["bytes_per_fact"] > 20
    beside = figures["peers"]
    # The others are installed by whoever measures; `rdf` brings one of them.
    assert {"lamlam", "sqlite", "oxigraph"} <= set(beside)
    for name, one in beside.items():
        assert 0 < one["p50_us"] <= one["p99_us"] and one["bytes_per_fact"] > 0
        assert ("p50_ratio" in one) == ("p99_ratio" in one) == (name != "lamlam")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["lmdb", "duckdb"])
def test_a_store_that_is_not_installed_is_left_out(name: str, tmp_path: Path) -> None:
    """Its package is imported only when it is used."""
    there = {peer.name for peer in installed_peers(tmp_path)}
    assert (name in there) == (find_spec(name) is not None)


def test_loading_is_measured_on_any_store(tmp_path: Path) -> None:
    """By URL; a store that already holds facts is refused."""
    assert load_benchmark(500, "memory:")["facts_per_s"] > 0
    url = f"sqlite:///{tmp_path / 'facts.db'}"
    assert load_benchmark(500, url)["bytes_per_fact"] > 0
    with pytest.raises(BadStore, match="already holds facts"):
        lookup_benchmark(500, url)
    with pytest.raises(UsageError):
        lookup_benchmark(0)


def test_an_import_is_measured_by_itself_with_what_it_costs() -> None:
    """The command in its process, and lookups in what it made in another one."""
    figures = load_benchmark(40, pairs=0)
    assert figures["facts"] == 40 and figures["processor_s"] > 0
    assert 0 < figures["exact_us"]["p50"] <= figures["exact_us"]["p99"]
    assert not [name for name in figures if name.startswith("sqlite")]
