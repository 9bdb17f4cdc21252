"""The planets and the main moons: sizes and orbits from packages, discoverers by hand."""

from __future__ import annotations

import ast
from decimal import Decimal

from lamlam.bundled.well_known.archives import PINNED, PackageFolder
from lamlam.bundled.well_known.known_thing import KnownThing
from lamlam.memory_backends.model.values import EntityRef, PartialDate, Quantity

PLANETS = ("Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune", "Pluto")
"""In the order in which the package lists their periods; the last is a dwarf planet."""
QUALIFIED = {"Mercury": "Mercury (planet)"}
BY_HAND = "lamlam: written by hand"
DISCOVERIES = {
    "Uranus": (1781, ("William Herschel",)),
    "Neptune": (1846, ("Johann Gottfried Galle", "Urbain Le Verrier", "John Couch Adams")),
    "Pluto": (1930, ("Clyde Tombaugh",)),
}
GALILEO, CASSINI = "Galileo Galilei", "Giovanni Domenico Cassini"
MOONS = {
    "Moon": ("Earth", None, None),
    "Phobos": ("Mars", 1877, "Asaph Hall"),
    "Deimos": ("Mars", 1877, "Asaph Hall"),
    "Io": ("Jupiter", 1610, GALILEO),
    "Europa": ("Jupiter", 1610, GALILEO),
    "Ganymede": ("Jupiter", 1610, GALILEO),
    "Callisto": ("Jupiter", 1610, GALILEO),
    "Titan": ("Saturn", 1655, "Christiaan Huygens"),
    "Iapetus": ("Saturn", 1671, CASSINI),
    "Rhea": ("Saturn", 1672, CASSINI),
    "Tethys": ("Saturn", 1684, CASSINI),
    "Dione": ("Saturn", 1684, CASSINI),
    "Mimas": ("Saturn", 1789, "William Herschel"),
    "Enceladus": ("Saturn", 1789, "William Herschel"),
    "Titania": ("Uranus", 1787, "William Herschel"),
    "Oberon": ("Uranus", 1787, "William Herschel"),
    "Umbriel": ("Uranus", 1851, "William Lassell"),
    "Triton": ("Neptune", 1846, "William Lassell"),
    "Charon": ("Pluto", 1978, "James W. Christy"),
}
"""Of each moon its planet, the year of its discovery and by whom."""
DAYS_OF_EARTH = "_EARTH_ORBITAL_PERIOD"


def planets(packages: PackageFolder) -> list[KnownThing]:
    """Return the planets, Pluto and the main moons."""
    constants = packages.syntax("hapsira", "hapsira/constants/general.py")
    radii = _radii(constants)
    periods = _periods(packages.syntax("astronomy-engine", "astronomy/astronomy.py"))
    moons: dict[str, list[str]] = {}
    for moon, (planet, _, _) in MOONS.items():
        moons.setdefault(planet, []).append(moon)
    found = []
    for place, (name, days) in enumerate(zip(PLANETS, periods, strict=True), 1):
        thing = KnownThing(QUALIFIED.get(name, name), BY_HAND)
        is_dwarf = name == "Pluto"
        thing.say("type", "dwarf planet" if is_dwarf else "planet")
        thing.say("orbits", "Sun")
        if not is_dwarf:
            thing.say("position from the Sun", place)
        _say_radius(thing, radii.get(name))
        thing.say(
            "orbital period", Quantity(days, "days"), source=PINNED["astronomy-engine"].source
        )
        for moon in moons.get(name, ()):
            thing.say("moon", EntityRef(moon))
        year, people = DISCOVERIES.get(name, (None, ()))
        _say_discovery(thing, year, people)
        found.append(thing)
    for name, (planet, year, person) in MOONS.items():
        thing = KnownThing(name, BY_HAND)
        thing.say("type", "moon")
        thing.say("orbits", EntityRef(planet))
        _say_radius(thing, radii.get(name))
        _say_discovery(thing, year, (person,) if person else ())
        found.append(thing)
    return found


def _say_radius(thing: KnownThing, metres: Decimal | None) -> None:
    if metres is not None:
        kilometres = _number((metres / 1000).quantize(Decimal("0.1")))
        value = Quantity(kilometres, "km")
        thing.say("radius", value, f"{kilometres:,} km", PINNED["hapsira"].source)


def _say_discovery(thing: KnownThing, year: int | None, people: tuple[str, ...]) -> None:
    for person in people:
        thing.say("discovered by", person)
    if year is not None:
        thing.say("discovered", PartialDate(year))


def _radii(tree: ast.Module) -> dict[str, Decimal]:
    """Return the mean radii, in metres, of the constants ``R_mean_…``."""
    found: dict[str, Decimal] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            (target,) = node.targets
            if isinstance(target, ast.Name) and target.id.startswith("R_mean_"):
                metres = ast.literal_eval(node.value.args[2])
                found[target.id.removeprefix("R_mean_").capitalize()] = Decimal(str(metres))
    return found


def _periods(tree: ast.Module) -> list[Decimal]:
    """Return how many days each planet takes, in their order from the Sun."""
    numbers: dict[str, Decimal] = {}
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if not isinstance(target, ast.Name) or value is None:
            continue
        if isinstance(value, ast.Constant) and isinstance(value.value, float):
            numbers[target.id] = _number(value.value)
        if target.id == "_PlanetOrbitalPeriod" and isinstance(value, ast.List):
            return [
                numbers[item.id] if isinstance(item, ast.Name) else _number(item.value)
                for item in value.elts
                if isinstance(item, ast.Name | ast.Constant)
            ]
    raise AssertionError("the package has no list of orbital periods")


def _number(written: object) -> Decimal:
    """Return a number without the zero behind its point."""
    return Decimal(str(written).removesuffix(".0"))
