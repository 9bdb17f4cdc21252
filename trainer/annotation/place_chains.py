"""Places named from small to large: "Lowmere, Polk County, Minnesota, United States"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lamlam.trainer.documents import StatedFact
from lamlam.word_lists import WordLists, read_sections

_PATH = Path(__file__).with_name("places.txt")
_LISTS = WordLists(_PATH)
_NO_NAMES = frozenset(
    "In On At By From And But With For January February March April May June July August September"
    " October November December The It He She North South East West".split()
)
_TITLED = re.compile(r" \((?:1[89]|20)\d\d")
_PLACES_OF = re.compile(
    r"(?:City|Town|Village|County|Borough|Township|District|Region|Province|State|University|College"
    r"|School|Academy|Church|Cathedral|Museum|Port|Isle|Municipality|Battle|Bay|Gulf|Hamlet|Parish)\Z"
)
_IN = re.compile(r"\b(?:in|at|near|from|of|to) (?:the )?\Z")
_KINDS = (
    r"(?:County|Parish|Province|Prefecture|Oblast|Voivodeship|Department|Municipality|Governorate"
    r"|District|Rural District|Region)"
)
_NAME = r"[A-Z][\w'’-]*(?: (?:(?:of|of the|the|de|del|la|du) )?[A-Z][\w'’-]*){0,9}"
_CITIES = frozenset({("Washington", "D.C"), ("New York", "N.Y")})
"""Cities that are called like a region."""
_ALONE = r"(?<![\w'’.-])(?<!St\. )(?<!Mt\. )(?<!Ft\. )"


@cache
def _regions() -> dict[str, frozenset[str]]:
    """Return each region with the names of the country that it is in; none of a country."""
    also = {line.split(", ")[0]: line.split(", ") for line in read_sections(_PATH)["also"]}
    regions: dict[str, frozenset[str]] = {}
    for section in read_sections(_PATH):
        if section not in ("also", "countries"):
            names = frozenset(also.get(section, [section]))
            for region in _LISTS.words(section):
                regions[region] = names
    for names_of_one in also.values():
        regions |= dict.fromkeys(names_of_one, frozenset())
    for country in _LISTS.words("countries"):
        regions.setdefault(country, frozenset())
    for part in _LISTS.words("England"):
        regions[part] = frozenset({"England", *also["United Kingdom"]})
    return regions


@cache
def _pattern() -> re.Pattern[str]:
    """Return the pattern of a place, and behind it the larger one that it is in."""
    regions = "|".join(map(re.escape, sorted(_regions(), key=lambda one: (-len(one), one))))
    larger = rf"(?:{regions})(?![\w'’-]| [A-Z])"
    return re.compile(
        rf"{_ALONE}(?P<name>{_NAME})(?:(?:\.,|,) (?=(?P<place>{larger}|{_NAME} {_KINDS}(?=\.?, {larger})))"
        rf"| \((?P<bracket>{larger})\))"
    )


def facts_of_place_chains(text: str) -> Iterator[StatedFact]:
    """Yield the larger place of each place that a text names before it.

    >>> [(one.entity, one.value) for one in facts_of_place_chains("in Bath, Polk County, Minn.")]
    [('Bath', 'Polk County'), ('Polk County', 'Minn')]
    """
    regions = _regions()
    for match in _pattern().finditer(text):
        name, place = match["name"], match["place"] or match["bracket"]
        within = regions.get(name)
        if name.split()[0] in _NO_NAMES:
            continue
        is_county = match["place"] is not None and place not in regions
        is_within = within is None or place in within or (name, place) in _CITIES
        if not is_within and not is_county:
            continue  # a list of countries
        if name.split()[-1] == place.split()[-1]:
            continue  # a list of counties
        if match["bracket"] and not _IN.search(text, max(0, match.start() - 12), match.start()):
            continue  # "Lowmere (Ohio)" may be the name of anything
        if _TITLED.match(text, match.end("place") if match["place"] else match.end()):
            continue  # "Good Morning, Ohio (1990)"
        if " of " in name and not _PLACES_OF.search(name[: name.rfind(" of ")]):
            name = name[name.rfind(" of ") + 4 :].removeprefix("the ")  # "Mayor of Lowmere, Ohio"
        start = match.start("place") if match["place"] else match.start("bracket")
        yield StatedFact(name, "location", place, start)
