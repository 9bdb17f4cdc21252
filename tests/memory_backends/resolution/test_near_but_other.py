"""What is a letter or a middle name away from a stored name, and still is something else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, Op
from lamlam.memory_backends.resolution.known_words import (
    WordFilter,
    is_common_word,
    is_known_word,
    pack_filters,
)
from lamlam.memory_backends.resolution.name_counts import expected_bearers, is_name_like
from lamlam.memory_backends.resolution.opposites import are_opposed
from lamlam.memory_backends.resolution.person_names import SURE_SCORE, person_score
from lamlam.memory_backends.resolution.typos import ACCEPTED_SCORE, count_slips
from lamlam.memory_backends.sync import SyncFactStore

OTHERS = """
    hypotension/hypertension methanol/ethanol hypothyroidism/hyperthyroidism sulfate/sulfite
    hypoglycemia/hyperglycemia hypokalemia/hyperkalemia chlorine/chlorite chlorate/chlorite
    copper/Cooper Gambia/Zambia Austria/Australia Iran/Iraq Niger/Nigeria Slovakia/Slovenia
    Dominica/Dominican Mauritius/Mauritania alanine/aniline butane/butene hexane/hexene
    lactose/lactase amylose/amylase nitrate/nitrite nitrite/nitride phosphate/phosphite
    bromide/bromate interstate/intrastate prescription/proscription macroscopic/microscopic
    monoxide/dioxide homozygous/heterozygous unilateral/bilateral antebellum/antibellum
    prednisone/prednisolone quinine/quinidine afferent/efferent abduction/adduction
    perineal/peroneal arthritis/arteritis propanol/propanal vinblastine/vincristine
    cycloserine/cyclosporine typical/atypical symptomatic/asymptomatic carbonate/bicarbonate
    calcification/decalcification immigration/emigration ferric/ferrous Georgia/Georgian
    Aptana/Astana Heartbreak/Heartbeat Iris/Idris Stuck/Stick Cambridge/Ambridge
    Chlorid/Chlorit Chlorat/Chlorit Natriumnitrat/Natriumnitrit Phosphid/Phosphit Cyclohexan/Cyclohexen
    nitrato/nitrito solfato/solfito fosfato/fosfito propano/propeno natriumsulfaat/natriumsulfiet
    Anleitung/Ableitung Vorstand/Verstand Aufstellung/Ausstellung Stockton/Stocktown
    Papadopoulos/Papadopoulou сульфат/сульфит нитрат/нитрит Сульфид/Сульфит
""".split()
OTHERS_OF_SEVERAL_WORDS = (
    "Sodium chlorite/Sodium chloride", "Potassium bromide/Potassium bromate",
    "Sulfuric acid/Sulfurous acid", "John Wood/John Woods", "John Smith/John Smyth",
    "Bob Willis/Bob Wills", "Working Girl/Working Girls", "Mario Rossi/Maria Rossi",
    "Carbon monoxide/Carbon dioxide", "Katherine Jones/Catherine Jones",
    "Turkey/Turvey, Bedfordshire", "Newton/Newtown, Queensland",
)  # fmt: skip
OTHER_PEOPLE = (
    "George W. Bush/George H. W. Bush", "John Adams/John Quincy Adams",
    "Michael Jordan/Michael B. Jordan", "Samuel Jackson/Samuel L. Jackson",
    "John Kennedy/John F. Kennedy", "George Bush/George W. Bush",
    "Tobin W. Marsk/Tobin H. W. Marsk", "Ken Griffey/Ken Griffey Sr.",
    "Kevin Barron/Mrs. Kevin Barron", "John A. Smith/John Albert Smith",
    "William Harrison/William Henry Harrison", "Jean Marsk/Jean-Paul Marsk",
    "John Smith/Sir John Smith",
)  # fmt: skip


def answered(stored: str, asked: str) -> tuple[str, list[str]]:
    """Return the status of a lookup with only one name in memory, and its candidates."""
    with SyncFactStore("memory:") as store:
        store.apply([Assert(Fact(entity=stored, relation="capital", value="x"))])
        result = store.lookup(asked, "capital")
        assert store.describe_nowait(asked, fuzzy=True) is None
        assert store.describe_nowait(asked, fuzzy=False) is None
        assert all(one.score < ACCEPTED_SCORE for one in result.candidates)
        return result.status, [one.entity for one in result.candidates]


@pytest.mark.parametrize("pair", [*OTHERS, *OTHERS_OF_SEVERAL_WORDS])
def test_a_word_that_exists_is_not_a_misspelling(pair: str) -> None:
    """With only one of them in memory, the other is a miss."""
    one, other = pair.split("/")
    assert answered(one, other)[0] == "miss"
    assert answered(other, one)[0] == "miss"


def test_what_is_near_is_named() -> None:
    """The name that was perhaps meant is a candidate."""
    assert answered("Zambia", "Gambia") == ("miss", ["Zambia"])
    assert answered("hypertension", "hypotension") == ("miss", ["hypertension"])
    assert answered("London", "Lodon") == ("miss", ["London"])


@pytest.mark.parametrize("pair", OTHER_PEOPLE)
def test_somebody_else_who_may_be_meant_is_a_candidate(pair: str) -> None:
    """A missing middle name is forgiven only where hardly anybody else has both names."""
    one, other = pair.split("/")
    assert answered(one, other) == ("miss", [one])
    assert answered(other, one) == ("miss", [other])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Barack Obama", "Barack Hussein Obama"),
        ("Grace Hopper", "Grace Brewster Hopper"),
        ("John F. Kennedy", "John Fitzgerald Kennedy"),
        ("Warren G. Harding", "Warren Gamaliel Harding"),
        ("Isaac Newton", "Sir Isaac Newton"),
        ("Pope Pius VII", "Pius VII"),
    ],
)
def test_a_person_whose_name_is_rare_has_two_forms(one: str, other: str) -> None:
    """Each form finds the other."""
    with SyncFactStore("memory:") as store:
        for stored, asked in ((one, other), (other, one)):
            store.apply([Assert(Fact(entity=stored, relation="born", value="x"))])
            assert store.lookup(asked, "born").match.entity.matched == stored
            store.erase(stored)


def test_a_word_of_another_name_in_memory_is_not_a_misspelling() -> None:
    """Beside other names with that word even an invented one is not a slip."""
    with SyncFactStore("memory:") as store:
        store.apply([Assert(Fact(entity="Gorbo Wolpek", relation="job", value="x"))])
        assert store.lookup("Gorbo Wolpeks", "job").value is None
        assert store.lookup("Gorbo Wolbek", "job").value == "x"
        store.apply([Assert(Fact(entity="Garba Wolbek", relation="job", value="y"))])
        assert store.lookup("Gorbo Wolbek", "job").status == "miss"


def test_two_that_are_equally_near_are_an_ambiguity() -> None:
    """As many slips from two names is no answer, whatever their lengths."""
    ops: list[Op] = [
        Assert(Fact(entity=name, relation="job", value=name))
        for name in ("Quarbolent", "Quarboliint")
    ]
    with SyncFactStore("memory:") as store:
        store.apply(ops)
        assert store.lookup("Quarbolint", "job").status == "ambiguous"


@pytest.mark.parametrize(
    ("typed", "stored", "slips"),
    [
        ("massachusets", "massachusetts", 1),
        ("masachusets", "massachusetts", 2),
        ("casablnca", "casablanca", 1),
        ("einstien", "einstein", 1),
        ("germny", "germany", 0),  # one short word alone
        ("kinz", "king", 0),
        ("kevin barron", "kevin barron", 0),
        ("wesltington hall", "wellington hall", 0),  # two slips side by side
        ("apollo 12", "apollo 13", 0),
        ("gorbo wolpek", "gorbo wolpek hill", 0),
        ("kevvin barron", "kevin barron", 1),
        ("bevin barron", "kevin barron", 0),
        ("", "a", 0),
    ],
)
def test_slips(typed: str, stored: str, slips: int) -> None:
    """One slip a word, two in a long one, and none that could be a word."""
    assert count_slips(typed, stored) == slips


def test_a_qualifier_that_is_right_lets_a_short_word_be_wrong() -> None:
    """ "Oranwe (film)" is "Orange (film)"."""
    assert count_slips("oranwe", "orange", is_qualified=True) == 1
    assert count_slips("oranwe", "orange") == 0


@given(st.text("abeilnorst", min_size=1, max_size=9), st.text("abeilnorst", min_size=1, max_size=9))
def test_opposition_and_identity_of_persons_have_no_direction(a: str, b: str) -> None:
    """Which of two names was asked for changes nothing."""
    assert are_opposed(a, b) == are_opposed(b, a)
    assert person_score(f"{a} x {b}", f"{a} {b}") == person_score(f"{a} {b}", f"{a} x {b}")


@given(st.sets(st.text(max_size=8), max_size=30))
def test_a_filter_forgets_nothing(words: set[str]) -> None:
    """Every word that was put in is found."""
    made = WordFilter.of(words, 64)
    assert all(word in made for word in words)
    assert len(pack_filters(made, made)) == 4 + 64 + 64


def test_the_shipped_words() -> None:
    """Words and names are known, slips of them are not."""
    assert all(map(is_known_word, "gambia zambia iris chlorite peroneal woods smyth".split()))
    slips = "massachusets casablnca einstien recieve goverment washingtn shakespear".split()
    assert not any(map(is_known_word, slips))
    assert is_common_word("motor") and not is_common_word("brewster")
    assert is_name_like("baker") and not is_name_like("motor")
    assert expected_bearers("john", "adams") > 3 > 0.1 > expected_bearers("grace", "hopper")
    assert person_score("john adams", "john quincy adams") < SURE_SCORE
    assert person_score("indianapolis speedway", "indianapolis motor speedway") == 0
