"""Names that differ in signs are different; punctuation of writing comes and goes."""

from __future__ import annotations

import pytest

from lamlam.memory_backends.model.keys import canonical_key, fold, names_agree, signs_of
from lamlam.memory_backends.model.synonyms import same_relation
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.stores import put

APART = (
    ("C++", "C#", "C", "C--", "C*"),
    ("Na+", "Na-", "Na"),
    ("A*", "A+", "A-", "A"),
    ("-40 °C", "40 °C", "+40 °C"),
    ("(+)-limonene", "(-)-limonene", "(±)-limonene", "limonene"),
    ("Limonene (+)", "Limonene (-)", "Limonene"),
    ("x > 5", "x < 5", "x = 5", "x >= 5", "x - 5"),
    ("a -> b", "a > b", "a <- b"),
    ("F#", "F", "F♭"),
    (".NET", "Net"),
    ("price €", "price $", "price"),
    ("50%", "50", "50‰"),
    ("1/2", "1.2", "1,2", "1:2", "1 2", "1+2"),
    ("5'", '5"', "5", "5°", "5!"),
    ("km/h", "km h"),
    ("P!nk", "P nk"),
    ("#MeToo", "MeToo", "@MeToo"),
    ("Sagittarius A*", "Sagittarius A"),
    ("a ≠ b", "a = b", "a ≈ b"),
    ("I ❤ Lowmere", "I ★ Lowmere", "I Lowmere"),
    ("up ↑", "up ↓", "up"),
    ("Fe(II)", "Fe(III)", "Fe"),
    ("AT&T", "AT T"),
    ("~5", "5", "±5"),
    ("M*A*S*H", "M A S H"),
)
ALIKE = (
    ("Spider-Man", "Spider Man", "SPIDER–MAN"),
    ("O'Brien", "OBrien", "O’Brien"),
    ("St. Louis", "St Louis"),
    ("U.S.", "U S"),
    ("Jean-Luc Picard", "Jean Luc Picard"),
    ("The Béatles (band)", "Beatles", "beatles, the"),
    ("AC/DC", "AC DC"),
    ("AT&T", "AT & T"),
    ("Tom & Jerry", "Tom&Jerry"),
    ("Auliʻi Marsk", "Auli'i Marsk", "Auli’i Marsk"),
    ("Yahoo!", "Yahoo"),
    ("Panic! at the Disco", "Panic at the Disco"),
    ("Who is Who?", "Who is Who"),
    ("Guns N' Roses", "Guns N Roses"),
    ('"Route 66"', "Route 66", "“Route 66”"),
    ("'Summer of 69'", "Summer of 69"),
    ("1990's", "1990s"),
    ("1939-1945", "1939–1945", "1939 1945"),
    ("F-16", "F 16"),
    ("2001: A Space Odyssey", "2001 A Space Odyssey"),
    ("...And Justice for All", "And Justice for All"),
    ("Lowmere - Highmere", "Lowmere Highmere", "Lowmere — Highmere"),
    ("Sammy Davis, Jr.", "Sammy Davis Jr"),
    ("hypo- and hyperbole", "hypo and hyperbole"),
    ("Windows®", "Windows"),
    ("x>5", "x > 5"),
    ("-40 °C", "–40 °C", "−40 °C"),
    ("Mercury(planet)", "Mercury (planet)", "Mercury"),
)


def _pairs(groups: tuple[tuple[str, ...], ...]) -> list[tuple[str, str]]:
    return [(a, b) for group in groups for a in group for b in group if a != b]


@pytest.mark.parametrize(("stored", "asked"), _pairs(APART))
def test_names_with_other_signs_are_candidates_at_most(stored: str, asked: str) -> None:
    """Nothing is answered of a thing whose name has other signs, also where it is alone."""
    with SyncFactStore("memory:") as store:
        put(store, (stored, "kind", "x"))
        result = store.lookup(asked, "kind")
        assert (result.status, result.values) == ("miss", ())
        assert store.describe_nowait(asked) is None
        if fold(canonical_key(stored)).key == fold(canonical_key(asked)).key:
            assert [one.entity for one in result.candidates] == [stored]
        put(store, (asked, "kind", "y"))
        assert store.lookup(asked, "kind").value == "y"
        assert store.lookup(stored, "kind").value == "x"


@pytest.mark.parametrize(("stored", "asked"), _pairs(ALIKE))
def test_punctuation_comes_and_goes(stored: str, asked: str) -> None:
    """A name is found with and without the marks that only punctuate."""
    with SyncFactStore("memory:") as store:
        put(store, (stored, "kind", "x"))
        result = store.lookup(asked, "kind")
        assert (result.status, result.value) == ("hit", "x")
        assert result.match.entity.matched == stored


@pytest.mark.parametrize(
    ("one", "other"),
    [("price €", "price $"), ("price €", "price"), ("share %", "share"), ("born >", "born <")],
)
def test_relations_with_other_signs_are_others(one: str, other: str) -> None:
    """A relation is not read as one that has another sign, or none."""
    assert not same_relation(one, other)
    with SyncFactStore("memory:") as store:
        put(store, ("Mill", one, "5"))
        assert store.lookup("Mill", other).status == "miss"
        assert store.lookup("Mill", one).value == "5"


def test_signs_are_compared_in_one_form() -> None:
    """Dashes are one minus, strokes one stroke, primes one prime, and spaces around do not count."""
    for one, other in (
        ("a −5", "a –5"),
        ("1⁄2", "1/2"),
        ("5″", '5"'),
        ("5′", "5'"),
        ("x<y", "x < y"),
    ):
        assert signs_of(canonical_key(one)) == signs_of(canonical_key(other)) != ""
        assert names_agree(fold(canonical_key(one)), fold(canonical_key(other)))


def test_signs_of_a_qualifier_tell_apart() -> None:
    """Of two things with one name, told apart by a sign in brackets, neither is the other."""
    with SyncFactStore("memory:") as store:
        put(store, ("Primer (C++)", "pages", "900"))
        assert store.lookup("Primer (C#)", "pages").status == "miss"
        assert store.lookup("Primer (C)", "pages").status == "miss"
        assert store.lookup("Primer", "pages").value == "900"
