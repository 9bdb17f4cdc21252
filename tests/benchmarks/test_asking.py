"""`lamlam bench asking`: the time to read a prompt, by its form."""

from __future__ import annotations

from lamlam.benchmarks.asking import FORMS, asking_benchmark


def test_every_form_is_read_and_asks_for_its_fact() -> None:
    """The figures are of prompts whose words are understood."""
    figures = asking_benchmark(200, prompts=8)
    assert figures["by_form"].keys() == figures["asked"].keys() == FORMS.keys()
    assert figures["read_us"]["p99"] >= figures["read_us"]["p50"] > 0
    assert figures["asked"]["question"] > 0.5
    assert figures["about_by_form"].keys() == figures["told"].keys() == FORMS.keys()
    assert figures["about_us"]["p50"] > 0
    assert figures["told"]["lower_case"] > 0.5
