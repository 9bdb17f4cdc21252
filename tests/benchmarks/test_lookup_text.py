"""The speed of text with lookups, with and without the choice by words."""

from __future__ import annotations

from lamlam.benchmarks.lookup_text import lookup_text_benchmark
from lamlam.bundled import model_path


def test_both_kinds_of_text_are_measured_with_and_without_words() -> None:
    done: list[tuple[int, int]] = []
    figures = lookup_text_benchmark(
        model_path(), lookups=1, pairs=1, on_progress=lambda n, of: done.append((n, of))
    )
    assert done == [(1, 1)]
    for kind in ("lookup", "plain"):
        assert figures[f"{kind}_text_tokens_per_s"] > 0
        assert figures[f"{kind}_text_tokens_per_s_without_words"] > 0
        assert figures[f"{kind}_text_to_without_words"] > 0
