"""`lamlam bench decode` measures what it says, on a model too small to mean anything."""

from __future__ import annotations

from pathlib import Path

from lamlam.benchmarks.decode import decode_benchmark
from tests.tiny_model import write_tiny_model


def test_every_figure_is_there(tmp_path: Path) -> None:
    """One short round gives all keys, each a positive number."""
    model = write_tiny_model(tmp_path / "m.gguf", context=1024)
    rounds: list[int] = []
    figures = decode_benchmark(
        model, pairs=1, tokens=8, threads=1, on_progress=lambda done, _: rounds.append(done)
    )
    assert rounds == [1]
    promised = (
        "bare_tokens_per_s",
        "lamlam_tokens_per_s",
        "llama_cpp_python_tokens_per_s",
        "value_step_ms",
        "reprefill_step_ms",
        "time_to_first_token_s",
        "peak_rss_mb",
    )
    assert all(figures[name] > 0 for name in promised)
