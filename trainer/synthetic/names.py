"""Names and values for invented entities: people, places, titles, firms, dates.

Word lists are short and recombined; half of the surnames and most of the places
are coined from syllables, so that a reader meets names it has never seen and
must copy them. ``can_write_word`` says which words can come out of here.
"""

from __future__ import annotations

import random
import re

WOMEN = """Adelaide Aino Alba Amara Amina Anneke Asha Astrid Beatriz Bianca Birgit Bronwen Camille
Carmen Chiara Clara Daniela Deirdre Dorothea Edith Elena Elif Elsa Emiko Esther Fatima Fiona
Florence Frida Gabriela Greta Gulnara Hana Harriet Helga Hilda Ifeoma Ilse Imogen Ingrid Irina Iris
Jadwiga Jana Josephine Judith Kamala Katarina Keiko Lakshmi Leila Ljubica Lorna Lucia Lydia Mabel
Magda Maja Margit Mariam Marisol Martha Matilda Mercy Meera Miriam Nadia Naomi Natalia Ngozi Nora
Olga Ottilie Paloma Petra Phoebe Priya Rania Renata Rosalind Roxana Ruth Sabine Saoirse Selma
Shirin Sigrid Siobhan Sofia Svetlana Tamar Teresa Thandi Ursula Valentina Vera Wanda Xiulan Yael
Yuki Zainab Zofia Abigail Alice Barbara Caroline Diana Emily Frances Georgia Helen Jane Laura
Louise Mary Nancy Pauline Rachel Sarah Susan Victoria""".split()

MEN = """Abdul Achille Akira Alasdair Albert Aleksander Alfonso Ambrose Anders Andrei Anton Ari
Arjun Arnold Arturo Augustin Baptiste Bartolomeo Benedikt Bogdan Boris Caleb Carlos Casimir Cedric
Clement Cornelius Cyril Dag Darius Davit Dieter Dmitri Duncan Edgar Edmund Eino Emeka Emil Enrique
Erik Ernest Ezra Felix Ferdinand Francesco Fyodor Gareth Gaston George Gerhard Giorgio Gustav Hamid
Harald Haruto Hector Henrik Hugo Ibrahim Igor Ilmari Isaac Ivan Ivor Jaakko Jamal Jarek Javier
Jerome Joaquin Jonas Jorge Josef Kaito Karim Kenji Klaus Kofi Konrad Kwame Lars Leopold Liam Lorenzo
Luca Magnus Manuel Marcel Matteo Mehmet Milan Mikhail Nabil Nathaniel Nikola Obadiah Oluf Omar Oscar
Otto Pablo Patrick Pavel Pieter Rafael Rajesh Ramon Reinhold Rhys Roland Rune Salvador Samuel Sanjay
Sergei Silas Simon Stefan Tadeusz Tariq Theodore Tomas Umberto Vasil Viktor Walter Wilhelm Xavier
Yannick Youssef Zoltan Andrew Charles David Edward Frank Harold James John Joseph Kenneth Lewis
Michael Peter Richard Robert Thomas William""".split()

SURNAMES = """Abbott Achterberg Adeyemi Aguilar Akhtar Almeida Amsel Andersen Appleyard Arbuthnot
Baker Balogun Banerjee Barlow Baumgartner Becker Bellini Bergman Bianchi Blackwood Boateng Bondarenko
Borges Bradshaw Brandt Brennan Caldwell Cardoso Carmichael Castellano Chandra Chen Christensen Clarke
Conti Cooper Cordeiro Crawford Dahl Dalgaard Dashwood Delacroix Demir Diallo Dimitrov Donnelly Dubois
Dvorak Eastman Eklund Ellison Engel Estrada Fairfax Falk Farkas Fernandes Fischer Fitzgerald Fontaine
Forsberg Fraser Fujita Gallagher Garrido Gebhardt Georgiou Gibson Goldberg Gonzalez Grabowski Greaves
Gunnarsson Gupta Haddad Hakala Halloran Hansen Harcourt Hartley Hashimoto Haugen Herrera Hoffmann
Holloway Horvat Hussein Ibsen Ivanov Iversen Jablonski Jansson Jimenez Johansen Jovanovic Kamara
Kaplan Karlsson Kato Kaufman Keller Khalil Kimura Kinsella Kirk Kovacs Kowalski Kuznetsov Lacroix
Langley Larkin Larsen Laurent Lehtonen Leone Lindqvist Lombardi Lopez Lundgren MacAllister Maddox
Magnusson Maier Marchetti Markovic Marlowe Martinez Mbeki McCarthy McLeod Mensah Mercer Meyer Mitchell
Moreau Morgan Mukherjee Murphy Nakamura Navarro Nguyen Nielsen Novak Nyberg OBrien Ocampo Okafor Olsen
Osborne Ozturk Palmer Papadopoulos Park Patel Pavlov Pereira Petrov Pettersson Popescu Prescott
Quigley Quist Rahman Ramirez Rasmussen Reyes Ricci Robinson Rossi Rutherford Sakamoto Salazar Sandoval
Santos Sato Schneider Schultz Serrano Shapiro Sharma Shepherd Silva Singh Sokolov Sorensen Stewart
Suzuki Svensson Takahashi Talbot Tanaka Thackeray Tolliver Torres Toth Underwood Vance Varga Vasquez
Vogel Volkov Wagner Walsh Watanabe Weaver Whitfield Wiklund Wilkinson Winslow Wolff Yamamoto Yilmaz
Young Zapata Zhang Zielinski Zimmermann""".split()

_HEADS = """al an ar bal bar bel ber bor bra bre car cas cor cul dal dar del dor dun el em fal fen
fer gal gar gil gor gran hal har hel hol il is jas jor kal kar kel kol kor lan lar len lin lor mal mar
mel mer mor nar nel nor ol or os pal par pel per pol quin ral ran rel ros sal san sel sil sol sor tal
tan tar tel tor tre ul ur val van var vel ven vin vol wal war wel wil yar yel zal zel zor""".split()
_MIDDLES = "a e i o u an en in on ar er or al el il as es is ad ed id av ev iv ach est ist".split()
_PERSON_TAILS = """ak an ano ard aro ek ell en enko eno er ero esco et ez i ian ic ik in ini is ko
lund man mann nik o off old on one os ov ova own sen ski son ston stra tti ul ume us vik wick wood
worth""".split()
_PLACE_TAILS = """a abad ago ana anda au beck berg borough bourne bridge burg burgh bury by chester
dale den dorf dorp field fjord ford gard grad ham haven heim hill holm hurst ia ica in ino ito kirk
lake land leigh ley lin mere minster mouth nice o ona ora ovo ow polis pool port sk stad stead stein
stow sund ton upol vale ville wall wick wood worth ya zig""".split()
_COINED = re.compile(
    rf"(?:{'|'.join(_HEADS)})(?:{'|'.join(_MIDDLES)})?(?:{'|'.join(_HEADS)})?"
    rf"(?:{'|'.join(sorted({*_PERSON_TAILS, *_PLACE_TAILS}, key=len, reverse=True))})"
)

ADJECTIVES = """Amber Ancient Bitter Black Blue Brave Bright Broken Burning Careless Clever Cold
Crimson Crooked Cruel Dark Dead Distant Double Empty Endless Eternal Fading Faithful Fatal Final
First Foolish Forgotten Frozen Gentle Golden Great Green Grey Happy Hidden Hollow Honest Hungry
Idle Innocent Invisible Last Little Lonely Long Lost Loud Lucky Mad Midnight New Northern Old Other
Pale Perfect Quiet Red Restless Royal Sacred Scarlet Second Secret Seventh Silent Silver Sleeping
Small Southern Stolen Strange Sweet Tall Third Tired Twisted Velvet Western White Wicked Wild
Winter Wrong Young""".split()
NOUNS = """Affair Angel Anchor Apple Arrow Autumn Ballad Bell Bird Blood Bride Bridge Brother Candle
Captain Carnival Castle Circle City Clock Cloud Coast Colonel Corner Country Cousin Crown Dance
Daughter Day Desert Detective Devil Diary Doctor Door Dream Echo Empire Enemy Eye Falcon Family Father
Fever Field Fire Fish Flood Flower Forest Fortune Fox Friend Game Garden Gate Ghost Girl Glass
Guest Hand Harbour Heart Heaven Heir Hill Home Honour Horse Hotel Hour House Hunter Island Journey
Judge Jungle Key King Kiss Ladder Lady Lake Lantern Law Letter Lie Light Lion Love Lover Machine Magic
Man Mask Master Memory Miracle Mirror Money Moon Morning Mother Mountain Murder Night Ocean Orchard
Palace Paper Paradise Party Pearl Piano Pilot Pirate Playground Poet Prince Prison Promise Queen Rain
Return Revenge Ring River Road Room Rose Sailor Sea Season Secret Shadow Ship Shore Silence Sin Sister
Sky Sleep Snow Soldier Song Sparrow Spring Stairs Star Station Storm Stranger Street Summer Sun Tale
Tear Thief Thing Tiger Tower Town Train Traveller Tree Trial Valley Village Voice Wall War Water Wave
Wedding Weekend Whisper Widow Wife Wind Window Winter Witness Wolf Woman Word World Year""".split()
VERBS = """Ask Bring Buy Call Carry Catch Chase Count Dance Defend Dream Escape Find Follow Forget
Hear Hide Hold Hunt Keep Kill Know Leave Lose Love Make Marry Meet Play Remember Run Save See Sell
Shoot Sing Speak Stop Take Teach Tell Trust Wait Wake Walk Watch""".split()
SMALL_WORDS = """The A An Of In On At To From With And For Me My You Your His Her Our Their No Not
All Under Over Beyond Before After Without Between Behind Through What When Where Who Why How It Is
Never Always Again Tonight Tomorrow Only Every One Two Three Four Five Seven Ten Hundred Thousand
de van der la al bin Jr Sr III""".split()

COUNTRIES = (
    """Argentina Australia Austria Bangladesh Belgium Bolivia Brazil Bulgaria Canada Chile
Colombia Croatia Denmark Ecuador Egypt England Estonia Ethiopia Finland France Georgia Germany Ghana
Greece Hungary Iceland India Indonesia Iran Ireland Israel Italy Jamaica Japan Kenya Latvia Lebanon
Lithuania Malaysia Mexico Morocco Nepal Netherlands Nigeria Norway Pakistan Peru Philippines Poland
Portugal Romania Russia Scotland Senegal Serbia Singapore Slovakia Slovenia Spain Sweden Switzerland
Tanzania Thailand Tunisia Turkey Uganda Ukraine Uruguay Venezuela Vietnam Wales Zambia""".split()
    + [
        "New Zealand",
        "South Africa",
        "Sri Lanka",
        "the United States",
        "United States",
        "the Czech Republic",
        "South Korea",
        "Costa Rica",
        "United Kingdom",
    ]
)
NATIONALITIES = (
    """American Argentine Armenian Australian Austrian Bangladeshi Belgian Bolivian
Brazilian British Bulgarian Canadian Chilean Chinese Colombian Croatian Cuban Czech Danish Dutch
Ecuadorian Egyptian English Estonian Ethiopian Finnish French Georgian German Ghanaian Greek Hungarian
Icelandic Indian Indonesian Iranian Irish Israeli Italian Jamaican Japanese Kenyan Korean Latvian
Lebanese Lithuanian Malaysian Maltese Mexican Mongolian Moroccan Nepalese Nigerian Norwegian Pakistani
Peruvian Filipino Polish Portuguese Romanian Russian Scottish Senegalese Serbian Slovak Slovenian
Spanish Swedish Swiss Syrian Thai Tunisian Turkish Ugandan Ukrainian Uruguayan Venezuelan Vietnamese
Welsh Zambian""".split()
    + ["New Zealand", "South African", "Sri Lankan", "Puerto Rican"]
)
STATES = (
    """Alabama Arizona Arkansas California Colorado Connecticut Delaware Florida Georgia Idaho
Illinois Indiana Iowa Kansas Kentucky Louisiana Maine Maryland Massachusetts Michigan Minnesota
Mississippi Missouri Montana Nebraska Nevada Ohio Oklahoma Oregon Pennsylvania Tennessee Texas Utah
Vermont Virginia Washington Wisconsin Wyoming""".split()
    + [
        "New York",
        "New Jersey",
        "North Carolina",
        "South Dakota",
        "West Virginia",
        "New Mexico",
    ]
)
MONTHS = """January February March April May June July August September October November
December""".split()


def can_write_word(word: str) -> bool:
    """Return whether a name that is invented here may hold this word."""
    lists = (WOMEN, MEN, SURNAMES, ADJECTIVES, NOUNS, VERBS, SMALL_WORDS)
    plurals = (plural(noun) for noun in NOUNS)
    if word in plurals or any(word in words or word.removesuffix("s") in words for words in lists):
        return True
    return _COINED.fullmatch(word.lower()) is not None


def first_name(rng: random.Random, woman: bool) -> str:
    """Return a first name of one of many languages."""
    return rng.choice(WOMEN if woman else MEN)


def _coined(rng: random.Random, tails: list[str]) -> str:
    word = rng.choice(_HEADS)
    if rng.random() < 0.55:
        word += rng.choice(_MIDDLES)
    if rng.random() < 0.25:
        word += rng.choice(_HEADS)
    return (word + rng.choice(tails)).capitalize()


def surname(rng: random.Random) -> str:
    """Return a surname, listed or coined, sometimes of two parts."""
    name = rng.choice(SURNAMES) if rng.random() < 0.5 else _coined(rng, _PERSON_TAILS)
    chance = rng.random()
    if chance < 0.05:
        return f"{name}-{rng.choice(SURNAMES)}"
    if chance < 0.09:
        return f"{rng.choice(('de', 'van', 'van der', 'de la', 'al', 'bin'))} {name}"
    return name


def person(rng: random.Random, woman: bool | None = None) -> str:
    """Return a full name; of two to four words."""
    if woman is None:
        woman = rng.random() < 0.4
    parts = [first_name(rng, woman)]
    chance = rng.random()
    if chance < 0.15:
        parts.append(f"{rng.choice('ABCDEFGHJKLMNOPRSTVW')}.")
    elif chance < 0.32:
        parts.append(first_name(rng, woman))
    elif chance < 0.40:
        parts.append(surname(rng))
    parts.append(surname(rng))
    if not woman and rng.random() < 0.02:
        parts.append(rng.choice(("Jr.", "Sr.", "III")))
    return " ".join(parts)


def people(rng: random.Random, most: int) -> str:
    """Return one to ``most`` names as a list in prose."""
    names = [person(rng) for _ in range(rng.randint(1, most))]
    if len(names) == 1:
        return names[0]
    comma = "," if len(names) > 2 and rng.random() < 0.5 else ""
    return ", ".join(names[:-1]) + f"{comma} and {names[-1]}"


def town(rng: random.Random) -> str:
    """Return the bare name of a town."""
    name = _coined(rng, _PLACE_TAILS)
    chance = rng.random()
    if chance < 0.05:
        return f"{rng.choice(('New', 'Old', 'Great', 'Little', 'Northern', 'Royal'))} {name}"
    if chance < 0.08:
        return f"{name} {rng.choice(('Hill', 'Lake', 'Valley', 'Bridge', 'Forest', 'Shore'))}"
    if chance < 0.10:
        return f"{name}-{rng.choice(('on', 'in', 'under'))}-{_coined(rng, _PLACE_TAILS)}"
    return name


def region(rng: random.Random) -> str:
    """Return a county, province or district."""
    name = _coined(rng, _PLACE_TAILS)
    form = rng.choice(
        ("{} County",) * 5
        + ("{} Province", "{} District", "County {}", "{} Region", "{}shire", "{} Municipality",
           "{} Department", "the {} region", "the canton of {}", "the province of {}")
    )  # fmt: skip
    return form.format(name)


def place(rng: random.Random) -> str:
    """Return a town as texts name it: bare, or with region, state or country."""
    name = town(rng)
    chance = rng.random()
    if chance < 0.4:
        return name
    if chance < 0.65:
        return f"{name}, {country(rng)}"
    if chance < 0.85:
        return f"{name}, {rng.choice(STATES)}"
    return f"{name}, {region(rng)}, {country(rng)}"


def country(rng: random.Random) -> str:
    """Return a country that exists."""
    return rng.choice(COUNTRIES).removeprefix("the ")


def date(rng: random.Random, year: int) -> str:
    """Return a day of that year, or only the year, in one of the usual forms."""
    day, month = rng.randint(1, 28), rng.choice(MONTHS)
    forms = (
        (f"{day} {month} {year}", 40),
        (f"{month} {day}, {year}", 40),
        (f"{year}", 12),
        (f"{month} {year}", 4),
        (f"c. {year}", 4),
    )
    return rng.choices([form for form, _ in forms], [weight for _, weight in forms])[0]


def full_date(rng: random.Random, year: int) -> str:
    """Return a day of that year, month first or day first."""
    day, month = rng.randint(1, 28), rng.choice(MONTHS)
    return f"{month} {day}, {year}" if rng.random() < 0.6 else f"{day} {month} {year}"


def plural(noun: str) -> str:
    """Return the plural of an ordinary noun.

    >>> plural("City"), plural("Witness"), plural("Day")
    ('Cities', 'Witnesses', 'Days')
    """
    if noun.endswith("y") and noun[-2] not in "aeo":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "sh", "ch", "x")) else f"{noun}s"


def title(rng: random.Random) -> str:
    """Return a title of one to six words, as films, books and songs bear."""
    a, b = rng.choice(ADJECTIVES), rng.choice(ADJECTIVES)
    n, m = rng.choice(NOUNS), rng.choice(NOUNS)
    v, who = rng.choice(VERBS), rng.choice(WOMEN + MEN)
    forms = (
        n, a, plural(n), who, f"The {n}", f"The {a} {n}", f"{a} {n}", f"{a} {plural(n)}", f"The {a} {plural(n)}",
        f"{n} of {m}", f"The {n} of {m}", f"The {n} of the {a} {m}", f"{n} and {m}", f"{v} the {n}",
        f"{v} Me Again", f"{v} Your {plural(n)}", f"{who} and the {n}", f"{who}'s {n}", f"A {n} for {who}",
        f"No {n} for the {a}", f"The {n} in the {m}", f"{n} Without {m}", f"My {a} {n}",
        f"Where the {plural(n)} {v}", f"Who Will {v} the {n}?", f"Two {n}s and a {m}", f"The {a}, the {b}",
        f"{v}, {who}, {v}", f"{town(rng)}", f"{n} in {town(rng)}", f"The {town(rng)} {n}",
        f"{rng.randint(2, 99)} {plural(n)}", f"{n} {rng.randint(2, 9)}", f"Before the {n} {v}s",
        f"Every {n} Has a {m}", f"The {n} Who Could Not {v}", f"{surname(rng)}'s {n}",
    )  # fmt: skip
    return rng.choice(forms)


def firm(rng: random.Random) -> str:
    """Return the name of a company."""
    name = surname(rng) if rng.random() < 0.6 else town(rng)
    trade = rng.choice(
        """Foods Motors Systems Industries Energy Textiles Airlines Electric Brewery Software Mining
        Instruments Press Bank Pharmaceuticals Logistics Steel Games Robotics Shipping Insurance
        Chemicals Furniture Aviation Railways Media Paper Optics Audio Tools""".split()
    )
    forms = (
        name, f"{name} {trade}", f"{name} {trade}", f"{name} & {surname(rng)}", f"{name} Group",
        f"{name} {trade} Ltd", f"{name} and Sons", f"{name} Inc.", f"{name} AG", f"{name} Oy",
        f"{name} Brothers", f"{name}{rng.choice(('tech', 'soft', 'com', 'lab', 'works'))}",
        f"{rng.choice(ADJECTIVES)} {rng.choice(NOUNS)} {trade}", f"{name} Holdings",
    )  # fmt: skip
    return rng.choice(forms)


def institute(rng: random.Random) -> str:
    """Return the name of a university, college or school."""
    name = town(rng) if rng.random() < 0.6 else surname(rng)
    forms = (
        f"University of {name}", f"{name} University",
        f"{name} College", f"{name} High School", f"{name} Law School", f"{name} Academy",
        f"{name} State University", f"Technical University of {name}", f"{name} Conservatory",
        f"{name} Medical College", f"{name} Institute of Technology", f"{name} School of Art",
    )  # fmt: skip
    return rng.choice(forms)


def publisher(rng: random.Random) -> str:
    """Return the name of a publisher or record label."""
    name = surname(rng) if rng.random() < 0.6 else town(rng)
    forms = (
        f"{name} Press", f"{name} Books", f"{name} & {surname(rng)}", f"{name} Records",
        f"{name} House", name, f"{name} Verlag", f"{name} and Company", f"Editions {name}",
    )  # fmt: skip
    return rng.choice(forms)


def number(rng: random.Random, least: int, most: int) -> str:
    """Return a whole number, small ones as likely as large ones, with thousands marked."""
    low, high = len(str(least)), len(str(most))
    n_digits = rng.randint(low, high)
    value = min(max(rng.randrange(10 ** (n_digits - 1), 10**n_digits), least), most)
    return f"{value:,}"
