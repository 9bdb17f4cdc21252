"""All well known things, and what happens to a page of the corpus that has the name of one."""

from __future__ import annotations

from collections.abc import Sequence

from lamlam.bundled.well_known.archives import PackageFolder
from lamlam.bundled.well_known.cities import cities, us_states
from lamlam.bundled.well_known.countries import capitals_of, codes_and_names, countries
from lamlam.bundled.well_known.elements import elements
from lamlam.bundled.well_known.known_thing import KnownThing
from lamlam.bundled.well_known.planets import planets


def well_known_things(packages: PackageFolder) -> Sequence[KnownThing]:
    """Return countries, states, elements, planets, moons and cities, each name once.

    The first of several things of one name keeps it: no city is called as a country is.
    """
    found = {thing.name: thing for thing in countries(packages)}
    names = codes_and_names(packages)
    for thing in (
        *us_states(packages),
        *elements(packages),
        *planets(packages),
        *cities(packages, names, capitals_of(packages)),
    ):
        assert thing.name not in found, thing.name
        found[thing.name] = thing
    return list(found.values())
