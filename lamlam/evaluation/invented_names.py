"""Names and values of the invented set.

No list here is shared with the templates that training may use: every name of
the set holds a word that those cannot write, so a model cannot have met it.
"""

from __future__ import annotations

import random

WOMEN = """Aldona Anahit Apolline Bettina Blodwen Calliope Chidinma Dagny Despina Eloise Erzsebet
Euphemia Filomena Gisela Halina Henrietta Hyacinth Ilona Isolde Jacinta Kirsten Leocadia Liesbeth
Lubna Marguerite Milica Nerys Ndidi Oksana Ottoline Perpetua Philippa Quilla Ragnhild Rosamund Rukmini
Sunniva Tatsuko Theodora Tirzah Ulrike Vigdis Winifred Xochitl Yewande Zdenka""".split()
MEN = """Aneurin Anselm Archibald Balthazar Barnaby Bohumil Chukwudi Crispin Dagfinn Desmond
Dragomir Eberhard Evaristo Florian Fridtjof Gaspar Godfrey Gunther Hernando Hieronymus Ignatius Jasper
Jorma Kalervo Kazimierz Leofric Lucjan Manfred Mordecai Nazim Nicodemus Odhran Osvaldo Percival
Prosper Quentin Radovan Raimund Rufus Sandor Seamus Sigmund Takeshi Thaddeus Ulises Vaclav Vladislav
Wendell Wojciech Yevgeny Zbigniew""".split()
SURNAMES = """Abernethy Achebe Ashdown Aylward Babbington Bjornstad Blagojevic Brzezicki Bulstrode
Carrasquillo Chakrabarti Cholmeley Cwmgiedd Czerwinski Dinwiddie Drummondson Dziedzic Eckhardt
Echeverria Egwu Etxeberria Featherstone Fjeldstad Frobisher Gwynedd Gyllenhamn Hajdukovic Higginbottom
Hjelmeland Hrabovsky Huxtable Iheanacho Ishiguma Jaszczak Juhasz Kjaergaard Krzywicki Kuwahara
Lefkowicz Llanwelyn Ljungqvist Maccheroni Mazurkiewicz McGillivray Mkhize Mwangangi Myrvoll Nkosana
Nwachukwu Oyelaran Ormsby Osterhoudt Pankhurst Pfefferkorn Phiri Pomeroy Przybylski Pudziuvelyte
Quackenbush Rathbone Ruxandrescu Schimmelpfennig Skjelbred Smythson Strickland Szczepanik Tchaikouski
Thwaite Tjaderson Trzcinski Tshabalala Uchechukwu Uzodinma Vrabie Vyhnalek Wetherby Wigglesworth
Wyszynski Xhakaj Yarborough Yeboah Zhivkovich Zsigmond Zwingenberger""".split()
_TOWN_HEADS = """Aber Bishop Blag Brzez Caer Chip Clun Cwm Dnip Dzier Eyja Fjell Gnos Grzy Gwyn
Hjort Hvam Ixto Jyvas Kirch Knyaz Kvit Llan Ljub Mghet Mlad Njar Ouj Pfaff Quetz Rhos Schwar Skib
Smol Strz Sveti Szek Thorpe Tlax Trond Tys Uitge Vlis Wroc Wyv Xal Yzer Ystrad Zhov Zwart""".split()
_TOWN_TAILS = """aboya acre alto apec avice bach bakken botn broek chuk combe czyn dalur efi elsloh
enko eyri fell foss gwili hoek huizen ingham ivka jov kesh kloof kuk legg lunga mynydd nesh nova oder
ovci oxley pec quay rhyd rzyn sjoen skog strom szeg tuna tzel uchi urias varde vik vyshte wijk xtla
yrene zhetsk""".split()
_REGION_FORMS = (
    "{} County",
    "{} County",
    "{} Province",
    "{} District",
    "{} Parish",
    "{} Voivodeship",
)
COUNTRIES = """Iceland Uruguay Slovenia Bhutan Malta Paraguay Moldova Namibia Botswana Luxembourg
Honduras Armenia Mauritius Albania Mongolia Zimbabwe Cyprus Panama Laos Guatemala""".split()
NATIONALITIES = """Icelandic Uruguayan Slovenian Bhutanese Maltese Paraguayan Moldovan Namibian Swedish
Luxembourgish Honduran Armenian American Albanian Mongolian Zimbabwean Cypriot Panamanian Canadian
Guatemalan British Norwegian""".split()
OCCUPATIONS = """glassblower cellist beekeeper balloonist cartographer clockmaker jockey acrobat
mountaineer lexicographer puppeteer sculptor novelist economist botanist painter watchmaker
illustrator organist chess-player""".split() + [
    "marine biologist", "opera singer", "stage magician", "railway engineer", "textile artist",
    "folk musician", "landscape architect", "crime writer", "wood engraver", "court painter",
]  # fmt: skip
_TITLE_HEADS = """Absent Borrowed Brittle Cardboard Clumsy Copper Cunning Drowsy Ebony Fragile
Glittering Haunted Impossible Jagged Kindred Luminous Marble Nimble Obedient Ordinary Patient
Peculiar Porcelain Reluctant Rusty Salted Scattered Sideways Slender Stubborn Tangled Thirsty
Timid Turquoise Unfinished Vanishing Wandering Weary Woollen Yellow""".split()
_TITLE_TAILS = """Accordion Almanac Apothecary Avalanche Barometer Beekeeper Bicycle Blizzard
Bonfire Caravan Cartwheel Cathedral Chandelier Chimney Clarinet Compass Cucumber Dragonfly Envelope
Ferryman Fiddler Gondola Hammock Harvest Hedgehog Icebreaker Jackdaw Kettle Lighthouse Locksmith
Magpie Marmalade Molehill Monsoon Mushroom Notebook Oyster Parachute Peppercorn Pilgrim Quarrel
Quarry Riddle Sandcastle Scarecrow Seamstress Semaphore Skylark Sledge Spiderweb Submarine Suitcase
Telescope Thimble Trampoline Tugboat Umbrella Ventriloquist Walnut Weathervane Wheelbarrow Windmill
Xylophone Yardstick Zeppelin""".split()
GENRES = """comedy drama thriller western horror mystery musical adventure""".split() + [
    "crime drama", "romantic comedy", "science fiction", "silent comedy", "war drama", "fantasy",
]  # fmt: skip
_TRADES = """Cartography Ballooning Ironmongery Looms Confectionery Telegraphs Watchworks Seafoods
Ceramics Bicycles Lanterns Umbrellas Tramways Vineyards Hydraulics Typewriters Fertilisers""".split()
FIRM_TYPES = [
    "clock manufacturer", "bicycle company", "seed company", "ferry operator", "software company",
    "glass manufacturer", "publishing company", "coffee company", "shipbuilding company",
    "insurance company", "piano manufacturer", "map publisher", "umbrella company",
]  # fmt: skip
FIELDS = """law medicine chemistry theology music botany history engineering philosophy""".split()
STATES = """Ohio Vermont Nebraska Georgia Maine Iowa Kentucky Delaware Missouri Oregon""".split()
MONTHS = """January February March April May June July August September October November
December""".split()


def person(rng: random.Random) -> str:
    """Return a full name."""
    first = rng.choice(WOMEN + MEN)
    middle = f"{rng.choice('ABCDEFGHKLMPRSTW')}. " if rng.random() < 0.2 else ""
    return f"{first} {middle}{rng.choice(SURNAMES)}"


def town(rng: random.Random) -> str:
    """Return the bare name of a town."""
    return rng.choice(_TOWN_HEADS) + rng.choice(_TOWN_TAILS)


def place(rng: random.Random) -> str:
    """Return a town, at times with its country."""
    return f"{town(rng)}, {rng.choice(COUNTRIES)}" if rng.random() < 0.4 else town(rng)


def location(rng: random.Random) -> str:
    """Return where a town lies: a region, a country, or both."""
    region = rng.choice(_REGION_FORMS).format(town(rng))
    country = rng.choice(COUNTRIES)
    return rng.choice((f"{region}, {country}", f"{region}, {country}", region, country))


def title(rng: random.Random) -> str:
    """Return a title of one to six words."""
    head, tail, other = rng.choice(_TITLE_HEADS), rng.choice(_TITLE_TAILS), rng.choice(_TITLE_TAILS)
    forms = (
        tail, f"The {head} {tail}", f"{head} {tail}", f"The {tail} of {town(rng)}",
        f"{tail} and {other}", f"A {tail} for the {other}", f"The {tail} Under the {other}",
        f"{rng.choice(WOMEN + MEN)} and the {head} {tail}", f"My {head} {tail}",
        f"The {tail}'s {other}", f"{head} {tail}, {head} {other}",
    )  # fmt: skip
    return rng.choice(forms)


def firm(rng: random.Random) -> str:
    """Return the name of a company."""
    name = rng.choice(SURNAMES) if rng.random() < 0.6 else town(rng)
    forms = (
        f"{name} {rng.choice(_TRADES)}", f"{name} {rng.choice(_TRADES)}", name,
        f"{name} & {rng.choice(SURNAMES)}", f"{name} {rng.choice(_TRADES)} Ltd",
        f"{rng.choice(_TITLE_HEADS)} {rng.choice(_TITLE_TAILS)} {rng.choice(_TRADES)}",
    )  # fmt: skip
    return rng.choice(forms)


def school(rng: random.Random) -> str:
    """Return the name of a university, college or school."""
    name = town(rng) if rng.random() < 0.6 else rng.choice(SURNAMES)
    forms = ("University of {}", "{} University", "{} College", "{} Law School", "{} Polytechnic")
    return rng.choice(forms).format(name)


def cemetery(rng: random.Random) -> str:
    """Return the name of a burial place."""
    name = rng.choice((town(rng), rng.choice(_TITLE_TAILS), rng.choice(SURNAMES)))
    where = f", {town(rng)}" if rng.random() < 0.3 else ""
    return f"{name} {rng.choice(('Cemetery', 'Cemetery', 'Churchyard', 'Burying Ground'))}{where}"


def publisher(rng: random.Random) -> str:
    """Return the name of a publishing house."""
    name = rng.choice(SURNAMES)
    forms = ("{} Press", "{} Books", "{} & Daughters", "{} Editions")
    return rng.choice(forms).format(name)


def date(rng: random.Random, year: int) -> str:
    """Return a day of that year, month first or day first."""
    day, month = rng.randint(1, 28), rng.choice(MONTHS)
    return f"{day} {month} {year}" if rng.random() < 0.5 else f"{month} {day}, {year}"


def cast(rng: random.Random) -> str:
    """Return one to three actors as a list in prose."""
    actors = [person(rng) for _ in range(rng.randint(1, 3))]
    return " and ".join((", ".join(actors[:-1]), actors[-1])) if actors[1:] else actors[0]
