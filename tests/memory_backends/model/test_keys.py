"""When two spellings are one name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.memory_backends.model.keys import canonical_key, fold, folded_key, qualifiers_agree


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_keys_are_stable_and_never_empty(text: str) -> None:
    """The key of a key is itself, also folded, and a name always has one."""
    key = canonical_key(text)
    assert key
    assert canonical_key(key) == key
    assert fold(key).key


def test_no_key_is_more_than_eighteen_times_as_long_as_the_name() -> None:
    """Names that are short enough are not looked at more closely (`values.name_fault`)."""
    characters = (chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    assert max(len(canonical_key(character)) for character in characters) == 18


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Marie Curie", "marie  CURIE"),
        ("Marie_Curie", " Marie Curie\n"),
        ("STRASSE", "straße"),
        ("e\u0301", "É"),
        ("ﬁlm", "FILM"),
    ],
)
def test_equal_keys(one: str, other: str) -> None:
    """Case, white space, underscores and compatibility forms do not matter."""
    assert canonical_key(one) == canonical_key(other)


@pytest.mark.parametrize(
    ("text", "key", "qualifier"),
    [
        ("The Béatles (band)", "beatles", "band"),
        ("Beatles, The", "beatles", ""),
        ("Lovelace, Ada", "ada lovelace", ""),
        ("Sammy Davis, Jr.", "sammy davis jr", ""),
        ("Springfield, Illinois", "springfield", "illinois"),
        ("Raritan Township, New Jersey", "raritan township", "new jersey"),
        ("Cambridge, Ontario, Canada", "cambridge", "ontario canada"),
        ("Thomas Worthington (governor)", "thomas worthington", "governor"),
        ("Łódź", "lodz", ""),
        ("O'Brien", "obrien", ""),
        ("Jean-Luc Picard", "jean luc picard", ""),
        ("J.R.R. Tolkien", "j r r tolkien", ""),
        ("The The", "the", ""),
        ("हिन्दी", "हिन्दी", ""),
    ],
)
def test_folding(text: str, key: str, qualifier: str) -> None:
    """What people add, drop or spell differently is gone from the folded key."""
    folded = fold(canonical_key(text))
    assert (folded.key, folded.qualifier, folded.signs) == (key, qualifier, "")
    assert folded_key(text) == key


@pytest.mark.parametrize(
    ("a", "b", "agree"),
    [
        ("", "actor", True),
        ("actor", "actor", True),
        ("film", "1972 film", True),
        ("actor", "footballer", False),
        ("ohio", "illinois", False),
    ],
)
def test_qualifiers(a: str, b: str, agree: bool) -> None:
    """Two different qualifiers are two different things; a missing one fits any."""
    assert qualifiers_agree(a, b) is agree
    assert qualifiers_agree(b, a) is agree
