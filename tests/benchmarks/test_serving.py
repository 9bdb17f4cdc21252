"""The benchmark of the server measures the same texts by both ways."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.benchmarks.serving import serving_benchmark
from tests.tiny_model import write_tiny_model


def test_clients_and_tasks_read_the_same_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each figure is there, and is above nothing."""
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    model = write_tiny_model(tmp_path / "tiny.gguf")
    figures = serving_benchmark(model, clients=2, pairs=1, tokens=4, threads=1)
    for name in ("engine_tokens_per_s", "served_tokens_per_s", "served_to_engine"):
        assert figures[name] > 0
    assert figures["served_first_ms"] > 0 and figures["engine_first_ms"] > 0
