"""What a load does with many names at once is what is done with each of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.resolution.blocking_codes import index_codes, index_codes_of
from lamlam.memory_backends.sqlite.bulk.plain_columns import PlainColumns, keys_of, unpacked
from lamlam.memory_backends.sqlite.near_blocks import pack_block, unpack_block

WORDS = st.sampled_from(
    ("Ada", "ada", "the", "The", "of", "Jr", "é", "Ｑ", "x1", "7", "O'Hara", "_", "a_b", "", "Dr")
)
NAMES = st.one_of(
    st.lists(WORDS, min_size=1, max_size=5).map(" ".join),
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1, max_size=12),
).filter(lambda name: not name.isspace() and name != "")
PLACES = st.integers(-(1 << 63), (1 << 63) - 1)


@given(st.lists(NAMES, max_size=20))
def test_keys_of_many_names(names: list[str]) -> None:
    """They are those of each, of ASCII and other names beside each other."""
    assert keys_of(names) == list(map(canonical_key, names))


@given(st.lists(NAMES.map(canonical_key), max_size=20))
def test_codes_of_many_names(keys: list[str]) -> None:
    """They are those of each, but that one may come twice."""
    assert list(map(set, index_codes_of(keys))) == list(map(index_codes, keys))


@given(st.lists(st.tuples(PLACES, NAMES, NAMES), max_size=20))
def test_columns_are_read_back(rows: list[tuple[int, str, str]]) -> None:
    """What is unpacked is what was packed, also of none."""
    columns = (
        PlainColumns(*map(list, zip(*rows, strict=True))) if rows else PlainColumns([], [], [])
    )
    assert list(map(list, unpacked(columns.packed()))) == list(map(list, columns))


@given(st.lists(PLACES, min_size=1, max_size=156))
def test_blocks_of_numbers_are_read_back(numbers: list[int]) -> None:
    """Numbers from all over the range, and ones with the same code, are there as they were."""
    ordered = sorted({*numbers, *[number ^ 1 for number in numbers[:9]]})
    assert unpack_block(pack_block(ordered)) == ordered
