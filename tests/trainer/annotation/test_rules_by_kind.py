"""Facts that rules of one kind each read: places, brackets, casts, clubs, events, directories."""

from __future__ import annotations

import pytest

from lamlam.trainer.annotation.name_places import names_listed_at
from lamlam.trainer.annotation.place_chains import facts_of_place_chains
from lamlam.trainer.annotation.sentence_facts import read_facts
from lamlam.trainer.documents import Document

FILM = "Lowmere is a 1990 film directed by Ada Quill."


def read(title: str, text: str, *, is_person: bool = False) -> set[tuple[str, str, str]]:
    """Return the facts of a text."""
    document = Document(title, text, (), is_person=is_person)
    return {(fact.entity, fact.relation, fact.value) for fact in read_facts(document)}


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("in Bath, Polk County, Minn.", [("Bath", "Polk County"), ("Polk County", "Minn")]),
        ("of Leeds, Ohio, United States.", [("Leeds", "Ohio"), ("Ohio", "United States")]),
        ("at Washington, D.C.", [("Washington", "D.C")]),
        ("in Bath (England) he", [("Bath", "England")]),
        ("France, Germany, and Italy", []),
        ("in Ohio, Iowa, and Texas", []),
        ("Lowmere (Ohio) is", []),
        ("Lake County, Polk County, Iowa", [("Polk County", "Iowa")]),
    ],
)
def test_places_from_small_to_large(text: str, facts: list[tuple[str, str]]) -> None:
    """Each place is in the next one; lists of countries or counties are no chain."""
    assert [(one.entity, one.value) for one in facts_of_place_chains(text)] == facts


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Ada Quill, Tom Ferris and Bo Marsh.", ["Ada Quill", "Tom Ferris", "Bo Marsh"]),
        ("Ada Quill and Tom Ferris, who", ["Ada Quill", "Tom Ferris"]),
        ("Ada Quill, Tom Ferris, went", ["Ada Quill"]),
        ("Ada Quill, his wife, and Tom Ferris", ["Ada Quill"]),
        ("Bath, Leeds and Oslo newspapers", ["Bath"]),
        ("Ada and Tom Quill", []),
        ("Boston newspapers", []),
        ("Ada's brother", []),
        ("nobody", []),
    ],
)
def test_a_list_is_one_for_sure_or_its_first_name(text: str, names: list[str]) -> None:
    """It ends with "and", and nothing longer goes on behind a name."""
    assert [text[start:end] for start, end in names_listed_at(text, 0)] == names


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("Acme joined the Royal Lowmere Union (RLU).", ("Royal Lowmere Union", "abbreviation", "RLU")),
        ("Acme (Italian: Lago Basso) is big.", ("Acme", "Italian name", "Lago Basso")),
        ("Acme (Italian: Lago Basso) is big.", ("Acme", "name in", "Italian")),
        ("Acme, also known as the Old Mill, is big.", ("Acme", "also known as", "Old Mill")),
        ("Acme or Greater Acme is big.", ("Acme", "also called", "Greater Acme")),
        ("Acme is a town. Its county seat is Bath.", ("Acme", "county seat", "Bath")),
        ("Acme is a genus of snails in the family Quillidae.", ("Acme", "family", "Quillidae")),
        ("Acme is a river in the Indian state of Kerala.", ("Acme", "state", "Kerala")),
        ("Founded in 1990 by Ada Quill, Acme is big.", ("Acme", "founded by", "Ada Quill")),
        ("Acme lies in the Bath district of Ohio.", ("Bath district", "location", "Ohio")),
    ],
)  # fmt: skip
def test_facts_of_things(text: str, fact: tuple[str, str, str]) -> None:
    """Other names, larger places, groups that it belongs to."""
    assert fact in read("Acme", text)


@pytest.mark.parametrize(
    "text",
    [
        "Acme joined the Lowmere Union (NBA).",
        "Acme is big. Bath, also known as the Old Mill, is far.",
        "Acme is a town. The largest is Bath.",
        "Founded in 1990 by Ada Quill, Bath is near Acme.",
    ],
)
def test_what_is_not_said_of_things(text: str) -> None:
    """An abbreviation of something else, another subject, no relation."""
    said = {value for entity, _, value in read("Acme", text) if entity == "Acme"}
    assert said.isdisjoint({"NBA", "Old Mill", "Bath", "1990", "Ada Quill"})


def test_casts_with_roles() -> None:
    """A role is of its actor; scenes and other films have their own casts."""
    facts = read("Lowmere", f"{FILM} It stars Bo Marsh as Lil Fenn, and Tom Ferris, Jr. as a cook.")
    assert {
        ("Lowmere", "starring", "Bo Marsh"),
        ("Bo Marsh", "role", "Lil Fenn"),
        ("Lowmere", "starring", "Tom Ferris, Jr."),
    } <= facts
    other = read("Lowmere", f"{FILM} It is based on the 1980 film Juice, starring Bo Marsh.")
    assert "Bo Marsh" not in {value for _, _, value in other}


def test_clubs_and_their_leagues() -> None:
    """A club is of the player, a league of the club."""
    text = (
        "Tom Ferris is a goalkeeper who plays for Bath City in the Avon League. He played for Leeds,"
        " Oslo and Rome. His father played for Hull."
    )
    facts = read("Tom Ferris", text, is_person=True)
    assert {
        ("Tom Ferris", "plays for", "Bath City"), ("Bath City", "league", "Avon League"),
        ("Tom Ferris", "played for", "Leeds"), ("Tom Ferris", "played for", "Oslo"),
        ("Tom Ferris", "played for", "Rome"),
    } <= facts  # fmt: skip
    assert "Hull" not in {value for _, _, value in facts}


def test_events_of_the_subject() -> None:
    """What others did there, or what happened after it, is another matter."""
    text = "Tom Ferris won a medal in rowing at the 1988 Lowmere Games, after Bo had run at the 1984 Bath Games."
    facts = read("Tom Ferris", text, is_person=True)
    assert ("Tom Ferris", "won at", "1988 Lowmere Games") in facts
    assert "1984 Bath Games" not in {value for _, _, value in facts}


def test_directories_say_what_a_person_did_in_each_part() -> None:
    """Schools, parliaments, committees, predecessors, offices and service."""
    text = (
        "Tom Ferris, a Representative; attended Lowmere Academy, and Bath College, Bath, Ohio; J.D.,"
        " Avon University, 1900; mayor, Leeds, 1902; served in the Union Army; elected as a Whig to"
        " the Fiftieth and Fifty-first Congresses to fill the vacancy caused by the death of Bo"
        " Marsh; chairman, Committee on Roads and Canals (Fiftieth Congress); unsuccessful candidate"
        " for reelection to the Fifty-second Congress"
    )
    facts = {(relation, value) for _, relation, value in read("Tom Ferris", text, is_person=True)}
    assert {
        ("attended", "Lowmere Academy"), ("attended", "Bath College"), ("J.D.", "Avon University"),
        ("mayor", "Leeds"), ("served in", "Union Army"), ("elected to", "Fiftieth"),
        ("elected to", "Fifty-first Congresses"), ("vacancy left by", "Bo Marsh"),
        ("chairman", "Committee on Roads and Canals"), ("chairman in", "Fiftieth Congress"),
        ("candidate for reelection to", "Fifty-second Congress"),
    } <= facts  # fmt: skip
