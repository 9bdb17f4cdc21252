"""Names and values for invented entities: people, places, titles, firms, dates.

Word lists are short and recombined; half of the surnames and most of the places
are coined from syllables, so that a reader meets names it has never seen and
must copy them. ``can_write_word`` says which words can come out of here.
"""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

from lamlam.word_lists import WordLists

_LISTS = WordLists(Path(__file__).with_name("names.txt"))
words, pick = _LISTS.words, _LISTS.pick


def can_write_word(word: str) -> bool:
    """Return whether an invented name may contain this word."""
    known = words("women", "men", "surnames", "adjectives", "nouns", "verbs", "small words")
    if word in known or word.removesuffix("s") in known or word in map(plural, words("nouns")):
        return True
    return _coined_pattern().fullmatch(word.lower()) is not None


@cache
def _coined_pattern() -> re.Pattern[str]:
    head, middle = "|".join(words("heads")), "|".join(words("middles"))
    tail = "|".join(sorted(set(words("person tails", "place tails")), key=len, reverse=True))
    return re.compile(f"(?:{head})(?:{middle})?(?:{head})?(?:{tail})")


def first_name(rng: random.Random, woman: bool) -> str:
    """Return a first name of one of many languages."""
    return pick(rng, "women" if woman else "men")


def _coined(rng: random.Random, tails: str) -> str:
    word = pick(rng, "heads")
    if rng.random() < 0.55:
        word += pick(rng, "middles")
    if rng.random() < 0.25:
        word += pick(rng, "heads")
    return (word + pick(rng, tails)).capitalize()


def surname(rng: random.Random) -> str:
    """Return a surname, listed or coined, sometimes of two parts."""
    name = pick(rng, "surnames") if rng.random() < 0.5 else _coined(rng, "person tails")
    chance = rng.random()
    if chance < 0.05:
        return f"{name}-{pick(rng, 'surnames')}"
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
    name = _coined(rng, "place tails")
    chance = rng.random()
    if chance < 0.05:
        return f"{rng.choice(('New', 'Old', 'Great', 'Little', 'Northern', 'Royal'))} {name}"
    if chance < 0.08:
        return f"{name} {rng.choice(('Hill', 'Lake', 'Valley', 'Bridge', 'Forest', 'Shore'))}"
    if chance < 0.10:
        return f"{name}-{rng.choice(('on', 'in', 'under'))}-{_coined(rng, 'place tails')}"
    return name


def region(rng: random.Random) -> str:
    """Return a county, province or district."""
    name = _coined(rng, "place tails")
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
        return f"{name}, {pick(rng, 'states')}"
    return f"{name}, {region(rng)}, {country(rng)}"


def country(rng: random.Random) -> str:
    """Return a country that exists."""
    return pick(rng, "countries").removeprefix("the ")


def date(rng: random.Random, year: int) -> str:
    """Return a day of that year, or only the year, in one of the usual forms."""
    day, month = rng.randint(1, 28), pick(rng, "months")
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
    day, month = rng.randint(1, 28), pick(rng, "months")
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
    a, b = pick(rng, "adjectives"), pick(rng, "adjectives")
    n, m = pick(rng, "nouns"), pick(rng, "nouns")
    v, who = pick(rng, "verbs"), pick(rng, "women", "men")
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
    trade = pick(rng, "trades")
    forms = (
        name, f"{name} {trade}", f"{name} {trade}", f"{name} & {surname(rng)}", f"{name} Group",
        f"{name} {trade} Ltd", f"{name} and Sons", f"{name} Inc.", f"{name} AG", f"{name} Oy",
        f"{name} Brothers", f"{name}{rng.choice(('tech', 'soft', 'com', 'lab', 'works'))}",
        f"{pick(rng, 'adjectives')} {pick(rng, 'nouns')} {trade}", f"{name} Holdings",
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
