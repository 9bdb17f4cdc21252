"""Chemical elements, as the package mendeleev lists them."""

from __future__ import annotations

from decimal import Decimal

from lamlam.bundled.well_known.archives import PINNED, PackageFolder
from lamlam.bundled.well_known.known_thing import KnownThing
from lamlam.memory_backends.model.values import PartialDate, Quantity

KELVIN_OF_ZERO = Decimal("273.15")
QUALIFIED = {"Mercury": "Mercury (element)"}
"""Names that something else has as well."""
OTHER_NAMES = {
    "Aluminum": ("Aluminium",),
    "Cesium": ("Caesium",),
    "Mercury": ("Quicksilver",),
    "Sulfur": ("Sulphur",),
    "Tungsten": ("Wolfram",),
}
CATEGORIES = {
    "Nonmetals": "nonmetal",
    "Noble gases": "noble gas",
    "Alkali metals": "alkali metal",
    "Alkaline earth metals": "alkaline earth metal",
    "Metalloids": "metalloid",
    "Halogens": "halogen",
    "Poor metals": "post-transition metal",
    "Transition metals": "transition metal",
    "Lanthanides": "lanthanide",
    "Actinides": "actinide",
}
SPELLINGS = {
    "A. Crawford": "Adair Crawford",
    "A. Ghiorso": "Albert Ghiorso",
    "A.A.Bussy": "Antoine Bussy",
    "A.Ghiorso": "Albert Ghiorso",
    "Antoine J. Balard": "Antoine Jérôme Balard",
    "C.D. Coryell": "Charles D. Coryell",
    "C.F. Aver von Welsbach": "Carl Auer von Welsbach",
    "Charles Hatchet": "Charles Hatchett",
    "D.R.Corson": "Dale R. Corson",
    "E.M. McMillan": "Edwin McMillan",
    "E.M.McMillan": "Edwin McMillan",
    "E.Segré": "Emilio Segrè",
    "Fausto and Juan José de Elhuyar": "Juan José Elhuyar; Fausto Elhuyar",
    "Fredrich Ernst Dorn": "Friedrich Ernst Dorn",
    "Fredrich Soddy": "Frederick Soddy",
    "Fredrich Stromeyer": "Friedrich Stromeyer",
    "Fredrich Wöhler": "Friedrich Wöhler",
    "G. Kirchoff": "Gustav Kirchhoff",
    "G.T.Seaborg": "Glenn T. Seaborg",
    "George Brandt": "Georg Brandt",
    "Gustov Kirchoff": "Gustav Kirchhoff",
    "Hans Christian Oersted": "Hans Christian Ørsted",
    "J. Berzelius": "Jöns Jacob Berzelius",
    "J.A. Marinsky": "Jacob A. Marinsky",
    "J.L. Gay-Lussac": "Joseph Louis Gay-Lussac",
    "J.L. Soret": "Jacques-Louis Soret",
    "J.W.Kennedy": "Joseph W. Kennedy",
    "Johann Arfwedson": "Johan August Arfwedson",
    "Johann Gadolin": "Johan Gadolin",
    "Johann Gahn": "Johan Gottlieb Gahn",
    "Joseph Priestly": "Joseph Priestley",
    "Jöns Berzelius": "Jöns Jacob Berzelius",
    "K.R.MacKenzie": "Kenneth Ross MacKenzie",
    "L.E. Glendenin": "Lawrence E. Glendenin",
    "L.J. Thénard": "Louis Jacques Thénard",
    "L.O.Morgan": "Leon O. Morgan",
    "Lars Nilson": "Lars Fredrik Nilson",
    "Louis Vauquelin": "Louis Nicolas Vauquelin",
    "M. Klaproth": "Martin Heinrich Klaproth",
    "M. W. Travers": "Morris Travers",
    "M.W. Travers": "Morris Travers",
    "Marguerite Derey": "Marguerite Perey",
    "Martin Klaproth": "Martin Heinrich Klaproth",
    "Nils Langet": "Nils Abraham Langlet",
    "Nils Sefström": "Nils Gabriel Sefström",
    "P.H. Abelson": "Philip H. Abelson",
    "P.T.Cleve": "Per Teodor Cleve",
    "Per Theodor Cleve": "Per Teodor Cleve",
    "Pierre and Marie Curie": "Marie Curie; Pierre Curie",
    "R. Bunsen": "Robert Bunsen",
    "R.A.James": "Ralph A. James",
    "S.G.Tompson": "Stanley G. Thompson",
    "Sir H. Davy": "Humphry Davy",
    "Sir Humphrey Davy": "Humphry Davy",
    "Sir William Crookes": "William Crookes",
    "Sir William Ramsay": "William Ramsay",
    "Sir William Ramsey": "William Ramsay",
    "Baron Rayleigh": "Lord Rayleigh",
    "Smithson Tenant": "Smithson Tennant",
    "T. Richter": "Hieronymous Theodor Richter",
    "W. von Hisinger": "Wilhelm Hisinger",
    "William Wollaston": "William Hyde Wollaston",
    "Émillo Segrè": "Emilio Segrè",
}
"""The names that the package abbreviates or misspells, as encyclopaedias write them."""
NOT_PEOPLE = {
    "Argonne",
    "Los Alamos",
    "U of Calif",
    "et al",
    "A.F.Fourcory",
    "L.N.Vauquelin",
    "H.V.Collet-Descoltils",
    "A.C.Wohl",
    "A.E.Larsh",
    "R.M.Latimer",
    "T.Sikkeland",
    "K.Street Jr.",
    "Heavy Ion Research Laboratory (HIRL)",
    "Soviet Nuclear Research/ U. of Cal at Berkeley",
    "Joint Institute for Nuclear Research/Oak Ridge National Laboratory",
    "Nobel Institute for Physics",
    "Lawrence Livermore National Laboratory",
}
"""Left out: laboratories, some of them the wrong ones, and names that cannot be told."""
YEARS = {"Helium": 1868, "Neodymium": 1885, "Zirconium": 1789}
"""Where the package means the year of the first sample, or misprints it."""
UNCERTAIN_YEARS = {
    "Americium", "Beryllium", "Cobalt", "Dubnium", "Fermium", "Iridium", "Nihonium", "Oganesson",
    "Osmium", "Platinum", "Protactinium", "Radon", "Ruthenium", "Rutherfordium", "Selenium",
    "Vanadium", "Yttrium",
}  # fmt: skip
"""Elements to which tables give different years, or one that fits no discoverer."""
UNCERTAIN_PEOPLE = {"Beryllium", "Platinum", "Vanadium"}
"""Elements with people who isolated or described them later."""
HELIUM = ("Pierre Janssen", "Norman Lockyer")
LAST_MEASURED = 99
"""Beyond it densities and melting points are estimates."""


def elements(packages: PackageFolder) -> list[KnownThing]:
    """Return all 118 elements."""
    with packages.database("mendeleev", "mendeleev/elements.db") as table:
        rows = table.execute(
            "select e.atomic_number, e.name, e.symbol, e.atomic_weight, e.atomic_weight_uncertainty,"
            " e.density, e.group_id, e.period, e.block, s.name, e.discoverers, e.discovery_year,"
            " e.electronic_configuration, e.en_pauling"
            " from elements e left join series s on s.id = e.series_id order by 1"
        ).fetchall()
        points: dict[int, tuple[float | None, float | None]] = {}
        for number, melting, boiling, sublimes, is_transition in table.execute(
            "select atomic_number, melting_point, boiling_point, is_sublimation_point,"
            " is_transition from phasetransitions order by id"
        ):
            # The first form of an element that melts is its common one.
            if not is_transition and number not in points:
                points[number] = (None if sublimes else melting, boiling)
    found = []
    for row in rows:
        (
            number,
            name,
            symbol,
            weight,
            _,
            density,
            group,
            period,
            block,
            category,
            by,
            year,
            *rest,
        ) = row
        thing = KnownThing(QUALIFIED.get(name, str(name)), PINNED["mendeleev"].source)
        thing.aliases += OTHER_NAMES.get(name, ())
        thing.say("type", "chemical element")
        thing.say("symbol", symbol)
        thing.say("atomic number", number)
        thing.say("atomic weight", _decimal(weight))
        melting, boiling = points.get(number, (None, None))
        if number <= LAST_MEASURED:
            thing.say("melting point", _celsius(melting))
            thing.say("boiling point", _celsius(boiling))
            if density:
                thing.say("density", Quantity(_decimal(density), "g/cm³"))
        thing.say("group", group)
        thing.say("period", period)
        thing.say("block", block)
        thing.say("category", CATEGORIES.get(category or ""))
        for person in HELIUM if name == "Helium" else _people(by or ""):
            if name not in UNCERTAIN_PEOPLE:
                thing.say("discovered by", person)
        year = YEARS.get(name, year)
        if year and name not in UNCERTAIN_YEARS:
            thing.say("discovered", PartialDate(year))
        thing.say("electron configuration", rest[0])
        thing.say("electronegativity", _decimal(rest[1]) if rest[1] else None)
        found.append(thing)
    return found


def _people(text: str) -> list[str]:
    if text.startswith("Known to"):
        return []
    found = []
    for part in text.replace(";", ",").split(","):
        name = part.strip()
        if name and name not in NOT_PEOPLE:
            found += SPELLINGS.get(name, name).split("; ")
    return found


def _decimal(number: float) -> Decimal:
    """Return the number of a table that was written with few digits."""
    return Decimal(f"{number:.9g}")


def _celsius(kelvin: float | None) -> Quantity | None:
    if kelvin is None:
        return None
    degrees = Decimal(f"{kelvin:.7g}") - KELVIN_OF_ZERO
    return Quantity(Decimal(f"{degrees.normalize():f}"), "°C")
