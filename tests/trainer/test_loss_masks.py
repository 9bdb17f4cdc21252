"""The fast masks equal a slow, obvious reading of their definition."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lamlam.trainer.loss_masks import LookupIds, lookup_masks, spans

IDS = LookupIds(entity=1, relationship=2, return_=3, end=4, end_of_text=0)
rows = st.lists(st.integers(0, 7), max_size=40)


def slow_spans(tokens: list[int], opening: int, closing: int) -> list[bool]:
    """Token by token: inside a span if the nearest mark before is the opening one,
    and a closing one (or the end) comes before another opening one."""
    inside = []
    for i, token in enumerate(tokens):
        before = [t for t in tokens[:i] if t in (opening, closing, IDS.end_of_text)]
        after = [t for t in tokens[i + 1 :] if t in (opening, closing, IDS.end_of_text)]
        is_open = bool(before) and before[-1] == opening
        is_closed_next = not after or after[0] != opening
        is_mark = token in (opening, closing, IDS.end_of_text)
        inside.append(is_open and is_closed_next and not is_mark)
    return inside


@given(rows)
def test_spans_equal_the_obvious_version(tokens: list[int]) -> None:
    array = np.array(tokens, dtype=np.int32)
    for opening, closing in ((1, 2), (2, 3), (3, 4), (1, 4)):
        fast = spans(array, opening, closing, IDS.end_of_text).tolist()
        assert fast == slow_spans(tokens, opening, closing)


@given(rows, st.integers(0, 40))
def test_masks_equal_the_obvious_version(tokens: list[int], n_real: int) -> None:
    masks = lookup_masks(np.array(tokens, dtype=np.int32), IDS, n_real)
    value = slow_spans(tokens, 3, 4)
    inner = slow_spans(tokens, 1, 4)
    for i, token in enumerate(tokens):
        real = i < n_real
        in_lookup = inner[i] or token in (1, 2, 3, 4)
        assert masks.lookup[i] == (in_lookup and real)
        assert masks.text[i] == (not in_lookup and real)
        assert masks.value[i] == (value[i] and real)
        assert masks.loss[i] == (not value[i] and token != 4 and real)


def test_a_whole_lookup() -> None:
    #         text E  name R  rel V  value end text eos
    tokens = [9, 1, 5, 5, 2, 6, 3, 7, 7, 4, 9, 0]
    loss = lookup_masks(np.array(tokens), IDS).loss
    assert [t for t, ok in zip(tokens, loss, strict=True) if not ok] == [7, 7, 4]


def test_a_value_cut_by_the_end_of_the_row_is_not_learnt() -> None:
    loss = lookup_masks(np.array([9, 1, 5, 2, 6, 3, 7, 7]), IDS).loss
    assert loss.tolist() == [True] * 6 + [False] * 2


def test_the_end_of_a_text_is_learnt() -> None:
    assert lookup_masks(np.array([9, 9, 0]), IDS).loss.all()
