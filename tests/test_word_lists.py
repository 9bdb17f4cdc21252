"""Word lists read as they are written."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from lamlam.word_lists import WordLists

LISTS = """# a comment
[towns]
New York, Bath,
St. John's

[more towns]
# another
Bath, {} City
"""


@pytest.fixture
def lists(tmp_path: Path) -> WordLists:
    path = tmp_path / "lists.txt"
    path.write_text(LISTS, encoding="utf-8")
    return WordLists(path)


def test_entries_keep_their_order_and_repetitions(lists: WordLists) -> None:
    assert lists.words("towns") == ("New York", "Bath", "St. John's")
    assert lists.words("more towns", "towns") == (
        "Bath", "{} City", "New York", "Bath", "St. John's",
    )  # fmt: skip


def test_a_pick_is_an_entry_of_one_of_the_lists(lists: WordLists) -> None:
    rng = random.Random(0)
    picks = {lists.pick(rng, "towns", "more towns") for _ in range(100)}
    assert picks == {"New York", "Bath", "St. John's", "{} City"}


def test_an_unknown_list_is_an_error(lists: WordLists) -> None:
    with pytest.raises(KeyError, match="rivers"):
        lists.words("rivers")


def test_a_file_is_read_when_a_list_is_used(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        WordLists(tmp_path / "none.txt").words("towns")
