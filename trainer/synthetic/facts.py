"""Plausible facts about an invented entity of each kind."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from lamlam.trainer.synthetic import names
from lamlam.word_lists import WordLists

KINDS = {
    "person": 26, "politician": 7, "player": 8, "film": 18, "town": 12, "company": 11, "book": 9,
    "album": 3, "band": 3, "building": 3, "school": 3, "river": 2, "series": 3,
}  # fmt: skip
"""Kinds of entity, each with its weight."""

_LISTS = WordLists(Path(__file__).with_name("facts.txt"))
pick = _LISTS.pick

Facts = dict[str, Callable[[], str]]


def invent_facts(kind: str, rng: random.Random) -> tuple[str, dict[str, str]]:
    """Return a name and some facts, by the relation names of the corpus; a part is left out.

    Raises:
        KeyError: the kind is not one of `KINDS`.
    """
    name, makers = _KINDS[kind](rng)
    keep = rng.uniform(0.75 if kind == "politician" else 0.4, 1.0)
    kept = [relation for relation in makers if rng.random() < keep] or list(makers)[:1]
    return name, {relation: makers[relation]() for relation in kept}


def _person(rng: random.Random, dead: float = 0.6) -> tuple[str, Facts]:
    born = rng.randint(1690, 2000)
    died = born + rng.randint(24, 97)
    facts: Facts = {
        "Birth Date": lambda: names.date(rng, born),
        "Birth Place": lambda: names.place(rng),
        "Nationality": lambda: names.pick(rng, "nationalities"),
        "Occupation": lambda: pick(rng, "occupations"),
        "Education": lambda: names.institute(rng),
        "Spouse": lambda: names.person(rng),
        "Award": lambda: f"{names.surname(rng)} {rng.choice(('Prize', 'Medal', 'Award'))}",
        "Known For": lambda: names.title(rng),
        "Parent": lambda: names.person(rng),
    }
    if rng.random() < dead:
        facts["Death Date"] = lambda: names.date(rng, died)
        facts["Death Place"] = lambda: names.place(rng)
        facts["Burial Place"] = lambda: cemetery(rng)
    return names.person(rng), facts


def cemetery(rng: random.Random) -> str:
    """Return the name of a burial place, with or without the town."""
    word = names.surname(rng) if rng.random() < 0.5 else names.pick(rng, "nouns")
    form = rng.choice(("Cemetery", "Cemetery", "Churchyard", "Memorial Park", "Burial Ground"))
    where = f", {names.place(rng)}" if rng.random() < 0.5 else ""
    return f"{word} {form}{where}"


def _politician(rng: random.Random) -> tuple[str, Facts]:
    name, facts = _person(rng, dead=0.9)
    facts |= {
        "State": lambda: names.pick(rng, "states"),
        "Office": lambda: rng.choice(("Representative", "Senator", "Delegate")),
        "Party": lambda: pick(rng, "parties"),
        "Practice Place": lambda: names.place(rng),
    }
    return name, facts


def _player(rng: random.Random) -> tuple[str, Facts]:
    name, facts = _person(rng)

    def club() -> str:
        return pick(rng, "clubs").format(names.town(rng))

    facts |= {
        "Occupation": lambda: pick(rng, "sports"),
        "Position": lambda: pick(rng, "positions"),
        "Team": club,
        "Played For": club,
        "Coach": lambda: names.person(rng),
    }
    return name, facts


def _film(rng: random.Random) -> tuple[str, Facts]:
    year = rng.randint(1908, 2021)
    return names.title(rng), {
        "Release Year": lambda: str(year),
        "Country": lambda: names.pick(rng, "nationalities"),
        "Genre": lambda: pick(rng, "genres"),
        "Director": lambda: names.people(rng, 2) if rng.random() < 0.15 else names.person(rng),
        "Starring": lambda: names.people(rng, 4),
        "Writer": lambda: names.people(rng, 2),
        "Producer": lambda: names.people(rng, 2),
        "Release Date": lambda: names.full_date(rng, year),
        "Composer": lambda: names.person(rng),
        "Label": lambda: f"{names.surname(rng)} {rng.choice(('Pictures', 'Films', 'Studios'))}",
    }


def _town(rng: random.Random) -> tuple[str, Facts]:
    area = rng.choice(
        ("{} km²", "{} km2", "{} square kilometres", "{} square miles", "{} hectares")
    )

    def location() -> str:
        parts = [names.region(rng), names.country(rng)]
        return rng.choice((", ".join(parts), ", ".join(parts), parts[0], parts[1]))

    return names.town(rng), {
        "Type": lambda: pick(rng, "town types"),
        "Location": location,
        "County": lambda: names.region(rng),
        "Country": lambda: names.country(rng),
        "Population": lambda: names.number(rng, 60, 900_000),
        "Area": lambda: area.format(rng.choice((rng.randint(2, 900), rng.randint(20, 9999) / 10))),
        "Elevation": lambda: f"{names.number(rng, 2, 3200)} {rng.choice(('m', 'metres', 'feet'))}",
        "Part Of": lambda: names.region(rng),
        "Located In": lambda: names.region(rng),
        "Capital Of": lambda: names.region(rng),
        "County Seat Of": lambda: f"{names.town(rng)} County",
        "Founded": lambda: str(rng.randint(870, 1950)),
        "Established": lambda: str(rng.randint(1200, 1960)),
        "Named After": lambda: names.person(rng),
        "Mayor": lambda: names.person(rng),
        "River": lambda: f"{names.town(rng)} River",
    }


def _company(rng: random.Random) -> tuple[str, Facts]:
    year = rng.randint(1790, 2018)
    return names.firm(rng), {
        "Founded": lambda: str(year),
        "Founder": lambda: names.people(rng, 2),
        "Country": lambda: names.pick(rng, "nationalities"),
        "Type": lambda: pick(rng, "firm types"),
        "Headquarters": lambda: names.place(rng),
        "Location": lambda: names.place(rng),
        "Based In": lambda: names.place(rng),
        "Owner": lambda: names.firm(rng) if rng.random() < 0.6 else names.person(rng),
        "CEO": lambda: names.person(rng),
        "Employees": lambda: names.number(rng, 12, 90_000),
        "Established": lambda: str(year),
        "Industry": lambda: pick(rng, "industries"),
        "Named After": lambda: names.person(rng),
    }


def _book(rng: random.Random) -> tuple[str, Facts]:
    year = rng.randint(1780, 2020)
    return names.title(rng), {
        "Author": lambda: names.person(rng),
        "Publisher": lambda: names.publisher(rng),
        "Type": lambda: pick(rng, "book types"),
        "Release Year": lambda: str(year),
        "First published": lambda: str(year),
        "Genre": lambda: pick(rng, "genres"),
        "Language": lambda: names.pick(rng, "nationalities"),
        "Nationality": lambda: names.pick(rng, "nationalities"),
        "Award": lambda: f"{names.surname(rng)} {rng.choice(('Prize', 'Medal', 'Award'))}",
        "Pages": lambda: str(rng.randint(60, 1100)),
        "Release Date": lambda: names.full_date(rng, year),
    }


def _album(rng: random.Random) -> tuple[str, Facts]:
    year = rng.randint(1950, 2021)
    return names.title(rng), {
        "Performer": lambda: names.person(rng) if rng.random() < 0.6 else names.title(rng),
        "Release Year": lambda: str(year),
        "Release Date": lambda: names.full_date(rng, year),
        "Label": lambda: names.publisher(rng),
        "Genre": lambda: pick(rng, "music"),
        "Producer": lambda: names.people(rng, 2),
        "Writer": lambda: names.people(rng, 2),
    }


def _band(rng: random.Random) -> tuple[str, Facts]:
    return names.title(rng), {
        "Country": lambda: names.pick(rng, "nationalities"),
        "Genre": lambda: pick(rng, "music"),
        "Type": lambda: f"{pick(rng, 'music')} {rng.choice(('band', 'duo', 'group'))}",
        "Formed": lambda: str(rng.randint(1955, 2018)),
        "Origin": lambda: names.place(rng),
        "Founder": lambda: names.people(rng, 2),
        "Label": lambda: names.publisher(rng),
        "Award": lambda: f"{names.surname(rng)} Prize",
    }


def _building(rng: random.Random) -> tuple[str, Facts]:
    year = rng.randint(1250, 2015)
    kind = pick(rng, "buildings")
    word = names.town(rng) if rng.random() < 0.6 else names.surname(rng)
    return f"{word} {kind.title()}", {
        "Type": lambda: kind,
        "Location": lambda: names.place(rng),
        "Located In": lambda: names.place(rng),
        "Built": lambda: str(year),
        "Completed": lambda: str(year),
        "Opened": lambda: names.full_date(rng, year) if rng.random() < 0.5 else str(year),
        "Designer": lambda: names.person(rng),
        "Owner": lambda: names.firm(rng),
        "Named After": lambda: names.person(rng),
    }


def _school(rng: random.Random) -> tuple[str, Facts]:
    year = rng.randint(1400, 2010)
    return names.institute(rng), {
        "Type": lambda: pick(rng, "schools"),
        "Location": lambda: names.place(rng),
        "Located In": lambda: names.place(rng),
        "Founded": lambda: str(year),
        "Established": lambda: str(year),
        "Founder": lambda: names.person(rng),
        "Enrollment": lambda: names.number(rng, 90, 45_000),
        "President": lambda: names.person(rng),
        "Part Of": lambda: names.institute(rng),
        "Named After": lambda: names.person(rng),
    }


def _river(rng: random.Random) -> tuple[str, Facts]:
    kind = pick(rng, "landforms")
    word = names.town(rng)
    name = rng.choice((f"{word} {kind.title()}", word))
    if kind == "lake":
        name = f"Lake {word}"
    return name, {
        "Type": lambda: kind,
        "Location": lambda: rng.choice((names.region(rng), names.country(rng))),
        "Length": lambda: f"{rng.randint(6, 1400)} {rng.choice(('km', 'kilometres', 'miles'))}",
        "Area": lambda: f"{rng.randint(2, 9000):,} {rng.choice(('km²', 'km2', 'hectares'))}",
        "Elevation": lambda: f"{names.number(rng, 40, 6500)} {rng.choice(('m', 'metres', 'ft'))}",
        "Emptying into": lambda: names.town(rng),
        "Named After": lambda: names.person(rng),
        "Part Of": lambda: f"{names.town(rng)} Range",
    }


def _series(rng: random.Random) -> tuple[str, Facts]:
    year = rng.randint(1950, 2021)
    return names.title(rng), {
        "Type": lambda: pick(rng, "series types"),
        "Country": lambda: names.pick(rng, "nationalities"),
        "Creator": lambda: names.people(rng, 2),
        "Network": lambda: pick(rng, "networks"),
        "Release Year": lambda: str(year),
        "Release Date": lambda: names.full_date(rng, year),
        "Developer": lambda: names.firm(rng),
        "Publisher": lambda: names.publisher(rng),
        "Starring": lambda: names.people(rng, 3),
    }


_KINDS: dict[str, Callable[[random.Random], tuple[str, Facts]]] = {
    "person": _person, "politician": _politician, "player": _player, "film": _film, "town": _town,
    "company": _company, "book": _book, "album": _album, "band": _band, "building": _building,
    "school": _school, "river": _river, "series": _series,
}  # fmt: skip
