"""Names of scripts that need no spaces: what differs in them alone is a candidate, never a hit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import AddAlias, Assert
from lamlam.memory_backends.resolution.other_spaces import other_spacings
from lamlam.memory_backends.sync import SyncFactStore

NAMES = st.text("김연아山田ペンไทยกရမခ", min_size=2, max_size=8)


def _lookup(stored: str, asked: str, *, alias: str | None = None) -> tuple[str, list[str]]:
    with SyncFactStore("memory:") as store:
        store.apply(
            [Assert(Fact(entity=stored, relation="job", value="x"))]
            + ([AddAlias(stored, alias)] if alias else [])
        )
        result = store.lookup(asked, "job")
        return result.status.value, [candidate.entity for candidate in result.candidates]


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("김연아", "김 연아"),
        ("김 연아", "김연아"),
        ("서울 특별시", "서울특별 시"),
        ("山田太郎", "山田 太郎"),
        ("山田\u3000太郎", "山田太郎"),
        ("マリー・キュリー", "マリーキュリー"),
        ("マリーキュリー", "マリー・キュリー"),
        ("阿尔伯特·爱因斯坦", "阿尔伯特爱因斯坦"),
        ("กรุงเทพมหานคร", "กรุงเทพ มหานคร"),
        ("김 연아 (가수)", "김연아"),
    ],
)
def test_other_spaces_make_a_candidate(stored: str, asked: str) -> None:
    """In either direction, over middle dots and the ideographic space."""
    assert _lookup(stored, asked) == ("miss", [stored])


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("김연아", "김연우"), ("김연아", "김연"), ("東京都", "京都"), ("New York", "NewYork"),
        ("김 연아 (가수)", "김연아 (배우)"),
    ],
)  # fmt: skip
def test_other_letters_make_none(stored: str, asked: str) -> None:
    """Nor do spaces of other scripts, nor another qualifier."""
    assert _lookup(stored, asked) == ("miss", [])


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("山田 太郎", "山田\u3000太郎"),
        ("マリー・キュリー", "マリー キュリー"),
        ("ﾏﾘｰ･ｷｭﾘｰ", "マリー・キュリー"),
    ],
)
def test_other_signs_between_the_same_words_are_the_same_name(stored: str, asked: str) -> None:
    """A space of another width, or a middle dot for it."""
    assert _lookup(stored, asked) == ("hit", [])


def test_an_alias_is_found_so_too() -> None:
    """The candidate is the entity that it names."""
    assert _lookup("Yuna Kim", "김 연아", alias="김연아") == ("miss", ["Yuna Kim"])


@given(NAMES, st.integers(1, 7))
def test_spacings_are_all_of_the_same_letters(name: str, at: int) -> None:
    """No two are equal, and whichever is asked for, the other ones are among them."""
    forms = other_spacings(name)
    assert len({name, *forms}) == len(forms) + 1
    assert {form.replace(" ", "") for form in forms} <= {name}
    parted = f"{name[:at]} {name[at:]}".strip()
    if parted != name:
        assert parted in forms and name in other_spacings(parted)
