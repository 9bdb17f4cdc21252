"""Texts that are cut for display end in a whole character, as people see characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.cli.graph_picture import label
from lamlam.cli.output import shortened
from lamlam.cut_text import cut_text

WHOLE = ["a", "e\u0301", "👩‍👩‍👧", "👍🏽", "🇳🇴", "🇨🇭", "कि", "☀️", "日", "\r\n"]


@given(st.lists(st.sampled_from(WHOLE), max_size=30), st.integers(9, 40))
def test_a_cut_is_between_characters(characters: list[str], most: int) -> None:
    text = "".join(characters)
    cut = cut_text(text, most)
    assert len(cut) <= most
    if len(text) <= most:
        assert cut == text
        return
    beginnings = {"".join(characters[:n]) for n in range(len(characters))}
    assert cut.removesuffix("…") in beginnings
    assert len(cut) > most - 10


def test_a_text_of_marks_alone_is_cut_all_the_same() -> None:
    assert len(cut_text("\u0301" * 100, 10)) == 10


@pytest.mark.parametrize("n", range(40, 60))
def test_labels_and_long_values_are_cut_so(n: int) -> None:
    text = "x" * n + "e\u0301" * 20
    assert label(text)[-2] in "x\u0301"
    assert shortened("y" * n + "e\u0301" * 200_000).partition("…")[0][-1] in "y\u0301"
