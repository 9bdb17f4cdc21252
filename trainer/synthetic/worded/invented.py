"""Invented entities of many kinds with facts, so that names and values can only be copied."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path

from lamlam.trainer.synthetic import names
from lamlam.trainer.synthetic.facts import invent_facts
from lamlam.trainer.synthetic.worded.known import HeldEntity, held_entity
from lamlam.word_lists import WordLists

_LISTS = WordLists(Path(__file__).with_name("invented.txt"))
pick = _LISTS.pick

Values = Mapping[str, Callable[[], str | list[str]]]
_OLD_KINDS = {
    "person": "person", "politician": "person", "player": "person", "film": "work",
    "town": "place", "company": "organisation", "book": "work", "album": "work",
    "band": "organisation", "building": "building", "school": "organisation", "river": "thing",
    "series": "work",
}  # fmt: skip
"""Kinds of `invent_facts`, and what they are here."""


def invent_entity(rng: random.Random) -> HeldEntity:
    """Return an invented entity of a random kind; a part of its facts is left out."""
    chance = rng.random()
    if chance < 0.45:
        old = rng.choice(tuple(_OLD_KINDS))
        name, told = invent_facts(old, rng)
        facts: dict[str, list[str]] = {relation.lower(): [v] for relation, v in told.items()}
        kind = _OLD_KINDS[old]
        if kind == "person":
            facts |= _kept(_more_of_person(rng), rng, 0.35)
        if old == "player":
            facts["sport"] = [pick(rng, "sports")]
    else:
        kind, name, values = rng.choice(_MAKERS)(rng)
        facts = _kept(values, rng, rng.uniform(0.5, 1.0))
    for _ in range(rng.choices((0, 1, 2, 3), (55, 25, 12, 8))[0]):
        head, _, value = pick(rng, *_heads(kind)).partition(": ")
        facts.setdefault(head, [_some_value(rng, value)])
    facts = facts or {"named after": [names.person(rng)]}
    return held_entity(name, kind, _pronoun(name, kind, rng), facts)


def invented_entities(rng: random.Random, n: int) -> list[HeldEntity]:
    """Return so many invented entities with at least one fact each."""
    entities: dict[str, HeldEntity] = {}
    while len(entities) < n:
        entity = invent_entity(rng)
        if entity.facts:
            entities[entity.name] = entity
    return list(entities.values())


def _kept(values: Values, rng: random.Random, share: float) -> dict[str, list[str]]:
    kept: dict[str, list[str]] = {}
    for relation, make in values.items():
        if rng.random() < share:
            value = make()
            kept[relation] = value if isinstance(value, list) else [value]
    return kept


def _pronoun(name: str, kind: str, rng: random.Random) -> str:
    if kind != "person":
        return "it"
    first = name.split()[0]
    if first in names.words("women"):
        return "she"
    if first in names.words("men"):
        return "he"
    return rng.choice(("he", "she"))


def _heads(kind: str) -> tuple[str, ...]:
    has_own = kind in ("person", "place", "work", "organisation", "thing", "event")
    return (f"{kind} heads",) if has_own else ("any heads",)


def _some_value(rng: random.Random, kind: str) -> str:
    if kind == "person":
        return names.person(rng)
    if kind == "place":
        return names.town(rng)
    if kind == "number":
        return names.number(rng, 2, 90_000)
    if kind == "title":
        return names.title(rng)
    if kind == "year":
        return str(rng.randint(1400, 2020))
    return pick(rng, "plain values")


def _several(rng: random.Random, make: Callable[[], str], most: int) -> list[str]:
    return list(dict.fromkeys(make() for _ in range(rng.randint(1, most))))


def _more_of_person(rng: random.Random) -> Values:
    return {
        "child": lambda: _several(rng, lambda: names.person(rng), 3),
        "father": lambda: names.person(rng, woman=False),
        "mother": lambda: names.person(rng, woman=True),
        "sibling": lambda: _several(rng, lambda: names.person(rng), 2),
        "employer": lambda: names.firm(rng),
        "native language": lambda: pick(rng, "languages"),
        "languages spoken": lambda: _several(rng, lambda: pick(rng, "languages"), 3),
        "religion": lambda: pick(rng, "faiths"),
        "instrument": lambda: pick(rng, "instruments"),
        "notable work": lambda: _several(rng, lambda: names.title(rng), 3),
        "residence": lambda: names.town(rng),
        "field of work": lambda: pick(rng, "fields"),
        "teacher": lambda: names.person(rng),
        "member of": lambda: _several(
            rng, lambda: f"{names.town(rng)} {pick(rng, 'societies')}", 2
        ),
        "cause of death": lambda: pick(rng, "ends"),
        "military branch": lambda: pick(rng, "forces"),
        "term start": lambda: names.full_date(rng, rng.randint(1790, 2019)),
    }


Made = tuple[str, str, Values]
"""Kind, name and facts."""


def _country(rng: random.Random) -> Made:
    name = names.town(rng)
    name = rng.choice((name, f"Republic of {name}", f"{name} Islands", f"Kingdom of {name}"))
    return "place", name, {
        "capital": lambda: names.town(rng),
        "currency": lambda: pick(rng, "currencies"),
        "official language": lambda: _several(rng, lambda: pick(rng, "languages"), 3),
        "continent": lambda: pick(rng, "continents"),
        "population": lambda: names.number(rng, 9_000, 90_000_000),
        "area": lambda: f"{names.number(rng, 90, 900_000)} km²",
        "head of state": lambda: names.person(rng),
        "borders": lambda: _several(rng, lambda: names.town(rng), 4),
        "largest city": lambda: names.town(rng),
        "highest point": lambda: f"Mount {names.town(rng)}",
        "country code": lambda: name[:2].upper(),
        "calling code": lambda: f"+{rng.randint(20, 998)}",
        "internet domain": lambda: f".{name[:2].lower()}",
        "currency code": lambda: f"{name[:2].upper()}{rng.choice('DFKLPR')}",
        "time zone": lambda: f"UTC{rng.choice('+-')}{rng.randint(1, 11)}",
    }  # fmt: skip


def _city(rng: random.Random) -> Made:
    return "place", names.town(rng), {
        "country": lambda: names.country(rng),
        "located in": lambda: names.region(rng),
        "population": lambda: names.number(rng, 60, 900_000),
        "elevation": lambda: f"{names.number(rng, 2, 3200)} {rng.choice(('m', 'metres', 'feet'))}",
        "mayor": lambda: names.person(rng),
        "twin town": lambda: _several(rng, lambda: names.town(rng), 3),
        "river": lambda: names.town(rng),
        "postal code": lambda: str(rng.randint(1000, 99_999)),
        "founded": lambda: str(rng.randint(870, 1950)),
        "named after": lambda: names.person(rng),
    }  # fmt: skip


def _element(rng: random.Random) -> Made:
    word = names.town(rng).split()[0].split("-")[0]
    name = word.rstrip("aeiouy") + rng.choice(("ium", "ium", "on", "ine"))
    return "thing", name.lower() if rng.random() < 0.4 else name, {
        "chemical symbol": lambda: name[:2].capitalize(),
        "atomic number": lambda: str(rng.randint(3, 190)),
        "discoverer": lambda: names.person(rng),
        "discovery date": lambda: str(rng.randint(1690, 1990)),
        "melting point": lambda: f"{names.number(rng, 20, 3400)} °C",
        "boiling point": lambda: f"{names.number(rng, 90, 5900)} °C",
        "atomic weight": lambda: f"{rng.randint(2, 290)}.{rng.randint(1, 99)}",
        "density": lambda: f"{rng.randint(1, 22)}.{rng.randint(1, 99)} g/cm³",
        "named after": lambda: names.person(rng),
    }  # fmt: skip


def _species(rng: random.Random) -> Made:
    word = f"{rng.choice((names.surname(rng) + chr(39) + 's', pick(rng, 'colours')))}"
    genus = names.town(rng).split()[0].split("-")[0].rstrip("aeiouy")
    return "thing", f"{word} {pick(rng, 'animals')}", {
        "scientific name": lambda: f"{genus.capitalize()}us {names.town(rng).split()[0].lower()}i",
        "family": lambda: f"{genus.capitalize()}idae",
        "habitat": lambda: pick(rng, "habitats"),
        "conservation status": lambda: pick(rng, "statuses"),
        "discoverer": lambda: names.person(rng),
    }  # fmt: skip


def _moon(rng: random.Random) -> Made:
    return "thing", names.town(rng), {
        "parent astronomical body": lambda: names.town(rng),
        "diameter": lambda: f"{names.number(rng, 3, 90_000)} km",
        "orbital period": lambda: f"{names.number(rng, 2, 9_000)} days",
        "moon": lambda: _several(rng, lambda: names.town(rng), 3),
        "discoverer": lambda: names.person(rng),
        "discovery date": lambda: names.date(rng, rng.randint(1640, 2015)),
        "named after": lambda: names.first_name(rng, rng.random() < 0.5),
    }  # fmt: skip


def _mountain(rng: random.Random) -> Made:
    return "thing", f"{rng.choice(('Mount', 'Piz', 'Pico', 'Ben'))} {names.town(rng)}", {
        "type": lambda: pick(rng, "kinds"),
        "mountain range": lambda: f"{names.town(rng)} Mountains",
        "elevation": lambda: f"{names.number(rng, 300, 8000)} m",
        "country": lambda: names.country(rng),
        "length": lambda: f"{rng.randint(2, 300)} km",
    }  # fmt: skip


def _river(rng: random.Random) -> Made:
    return "thing", f"{names.town(rng)} {rng.choice(('River', 'Creek', 'Brook', 'Canal'))}", {
        "length": lambda: f"{names.number(rng, 4, 3000)} {rng.choice(('km', 'miles'))}",
        "mouth": lambda: rng.choice((f"Lake {names.town(rng)}", f"{names.town(rng)} Bay")),
        "country": lambda: names.country(rng),
        "named after": lambda: names.person(rng),
    }  # fmt: skip


def _event(rng: random.Random) -> Made:
    year = rng.randint(1300, 2022)
    place = names.town(rng)
    forms = (
        f"Battle of {place}", f"{year} {place} Open", f"{place} Festival", f"Siege of {place}",
        f"{year} {place} Cup", f"Treaty of {place}", f"{place} Marathon", f"{year} {place} flood",
    )  # fmt: skip
    return "event", rng.choice(forms), {
        "event date": lambda: names.full_date(rng, year),
        "venue": lambda: names.place(rng),
        "type": lambda: pick(rng, "kinds"),
        "winner": lambda: names.person(rng),
        "runner-up": lambda: names.person(rng),
        "participant": lambda: _several(rng, lambda: names.country(rng), 3),
        "organiser": lambda: names.firm(rng),
        "number of deaths": lambda: names.number(rng, 2, 9000),
    }  # fmt: skip


def _vehicle(rng: random.Random) -> Made:
    kind = rng.choice(("MS", "SS", "HMS", "USS", "Class", "Type"))
    name = (
        f"{kind} {names.town(rng)}"
        if kind[-1] == "S"
        else f"{names.surname(rng)} {rng.randint(2, 900)}"
    )
    return "vehicle", name, {
        "manufacturer": lambda: names.firm(rng),
        "operator": lambda: names.firm(rng),
        "class": lambda: names.surname(rng),
        "launched": lambda: names.full_date(rng, rng.randint(1860, 2015)),
        "length": lambda: f"{rng.randint(9, 330)} m",
    }  # fmt: skip


def _station(rng: random.Random) -> Made:
    return "station", f"{names.town(rng)} {rng.choice(('station', 'Central', 'Junction'))}", {
        "line": lambda: f"{names.town(rng)} Line",
        "operator": lambda: names.firm(rng),
        "opened": lambda: str(rng.randint(1840, 2018)),
        "city": lambda: names.town(rng),
    }  # fmt: skip


def _game(rng: random.Random) -> Made:
    year = rng.randint(1978, 2022)
    return "work", names.title(rng), {
        "developer": lambda: names.firm(rng),
        "publisher": lambda: names.firm(rng),
        "platform": lambda: _several(rng, lambda: pick(rng, "platforms"), 3),
        "release year": lambda: str(year),
        "series": lambda: names.title(rng),
        "composer": lambda: names.person(rng),
        "based on": lambda: names.title(rng),
        "main character": lambda: names.person(rng),
        "set in": lambda: names.town(rng),
    }  # fmt: skip


def _play(rng: random.Random) -> Made:
    return "work", names.title(rng), {
        "author": lambda: names.person(rng),
        "original language": lambda: pick(rng, "languages"),
        "country of origin": lambda: names.country(rng),
        "running time": lambda: f"{rng.randint(40, 240)} minutes",
        "cast member": lambda: _several(rng, lambda: names.person(rng), 4),
        "director": lambda: names.person(rng),
        "network": lambda: f"{names.town(rng)} TV",
        "creator": lambda: names.person(rng),
        "based on": lambda: names.title(rng),
        "premiere": lambda: names.full_date(rng, rng.randint(1880, 2020)),
    }  # fmt: skip


def _club(rng: random.Random) -> Made:
    name = f"{names.town(rng)} {rng.choice(('United', 'Rovers', 'FC', 'Athletic', 'Tigers'))}"
    return "organisation", name, {
        "stadium": lambda: f"{names.surname(rng)} {rng.choice(('Park', 'Stadium', 'Road'))}",
        "league": lambda: f"{names.region(rng)} League",
        "location of formation": lambda: names.town(rng),
        "head coach": lambda: names.person(rng),
        "founded": lambda: str(rng.randint(1860, 2010)),
        "owner": lambda: names.person(rng),
        "members": lambda: _several(rng, lambda: names.person(rng), 4),
    }  # fmt: skip


def _firm(rng: random.Random) -> Made:
    return "organisation", names.firm(rng), {
        "ceo": lambda: names.person(rng),
        "headquarters": lambda: names.place(rng),
        "employees": lambda: names.number(rng, 12, 90_000),
        "parent company": lambda: names.firm(rng),
        "products": lambda: _several(rng, lambda: pick(rng, "goods"), 3),
        "founder": lambda: _several(rng, lambda: names.person(rng), 2),
        "inception": lambda: str(rng.randint(1790, 2018)),
        "industry": lambda: pick(rng, "goods"),
        "location of formation": lambda: names.town(rng),
    }  # fmt: skip


def _house(rng: random.Random) -> Made:
    name = f"{names.surname(rng)} {rng.choice(('Hall', 'Tower', 'House', 'Bridge', 'Arena'))}"
    return "building", name, {
        "type": lambda: pick(rng, "kinds"),
        "architect": lambda: names.person(rng),
        "architectural style": lambda: pick(rng, "building styles"),
        "completed": lambda: str(rng.randint(1300, 2018)),
        "location": lambda: names.place(rng),
        "capacity": lambda: names.number(rng, 90, 90_000),
    }  # fmt: skip


_MAKERS: tuple[Callable[[random.Random], Made], ...] = (
    _country, _country, _city, _city, _element, _species, _moon, _mountain, _river, _event, _event,
    _vehicle, _station, _game, _play, _club, _firm, _house,
)  # fmt: skip
