"""Many byte strings in one file: what one search each would find."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.memory_backends.sqlite import byte_search
from lamlam.memory_backends.sqlite.byte_search import found_in, found_in_texts


@given(
    data=st.binary(max_size=400) | st.text("abc", max_size=400).map(str.encode),
    others=st.sets(st.binary(min_size=4, max_size=40), max_size=50),
    cuts=st.sets(st.tuples(st.integers(0, 400), st.integers(4, 60)), max_size=60),
    read_bytes=st.sampled_from([1, 3, 16, 1 << 20]),
    few=st.sampled_from([0, 32]),
    near=st.sampled_from([1, 50, 1 << 15]),
    has_numpy=st.booleans(),
)
def test_many_are_found_as_one_by_one(
    data: bytes,
    others: set[bytes],
    cuts: set[tuple[int, int]],
    read_bytes: int,
    few: int,
    near: int,
    has_numpy: bool,
) -> None:
    """Wherever they stand, across the parts in which the file is read too, with NumPy or without."""
    needles = others | {data[at : at + n] for at, n in cuts if len(data[at : at + n]) >= 4}
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        file = Path(folder) / "file"
        file.write_bytes(data)
        patch.setattr(byte_search, "_READ_BYTES", read_bytes)
        patch.setattr(byte_search, "_FEW", few)
        patch.setattr(byte_search, "_NEAR", near)
        if not has_numpy:
            patch.setitem(sys.modules, "numpy", None)
        assert found_in(file, needles) == {needle for needle in needles if needle in data}


@given(
    texts=st.lists(st.text("abcä", max_size=40), max_size=20),
    others=st.sets(st.text("abcä", min_size=4, max_size=12), max_size=40),
    read_bytes=st.sampled_from([1, 16, 1 << 20]),
    few=st.sampled_from([0, 32]),
)
def test_what_texts_hold_is_found_in_each_and_never_across_two(
    texts: list[str], others: set[str], read_bytes: int, few: int
) -> None:
    """Texts that are searched together are texts of their own."""
    needles = others | {text[:5] for text in texts if len(text) >= 5}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(byte_search, "_READ_BYTES", read_bytes)
        patch.setattr(byte_search, "_FEW", few)
        found = found_in_texts(iter(texts), {needle.encode() for needle in needles})
    assert found == {needle.encode() for needle in needles if any(needle in text for text in texts)}
