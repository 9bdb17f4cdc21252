"""Names and values of the invented set.

No list here is shared with the templates that training may use: every name of
the set holds a word that those cannot write, so a model cannot have met it.
"""

from __future__ import annotations

import random
from pathlib import Path

from lamlam.word_lists import WordLists

_LISTS = WordLists(Path(__file__).with_name("invented_names.txt"))
pick = _LISTS.pick


def person(rng: random.Random) -> str:
    """Return a full name."""
    first = pick(rng, "women", "men")
    middle = f"{rng.choice('ABCDEFGHKLMPRSTW')}. " if rng.random() < 0.2 else ""
    return f"{first} {middle}{pick(rng, 'surnames')}"


def town(rng: random.Random) -> str:
    """Return the bare name of a town."""
    return pick(rng, "town heads") + pick(rng, "town tails")


def place(rng: random.Random) -> str:
    """Return a town, at times with its country."""
    return f"{town(rng)}, {pick(rng, 'countries')}" if rng.random() < 0.4 else town(rng)


def location(rng: random.Random) -> str:
    """Return where a town lies: a region, a country, or both."""
    region = pick(rng, "region forms").format(town(rng))
    country = pick(rng, "countries")
    return rng.choice((f"{region}, {country}", f"{region}, {country}", region, country))


def title(rng: random.Random) -> str:
    """Return a title of one to six words."""
    head, tail, other = pick(rng, "title heads"), pick(rng, "title tails"), pick(rng, "title tails")
    forms = (
        tail, f"The {head} {tail}", f"{head} {tail}", f"The {tail} of {town(rng)}",
        f"{tail} and {other}", f"A {tail} for the {other}", f"The {tail} Under the {other}",
        f"{pick(rng, 'women', 'men')} and the {head} {tail}", f"My {head} {tail}",
        f"The {tail}'s {other}", f"{head} {tail}, {head} {other}",
    )  # fmt: skip
    return rng.choice(forms)


def firm(rng: random.Random) -> str:
    """Return the name of a company."""
    name = pick(rng, "surnames") if rng.random() < 0.6 else town(rng)
    forms = (
        f"{name} {pick(rng, 'trades')}", f"{name} {pick(rng, 'trades')}", name,
        f"{name} & {pick(rng, 'surnames')}", f"{name} {pick(rng, 'trades')} Ltd",
        f"{pick(rng, 'title heads')} {pick(rng, 'title tails')} {pick(rng, 'trades')}",
    )  # fmt: skip
    return rng.choice(forms)


def school(rng: random.Random) -> str:
    """Return the name of a university, college or school."""
    name = town(rng) if rng.random() < 0.6 else pick(rng, "surnames")
    forms = ("University of {}", "{} University", "{} College", "{} Law School", "{} Polytechnic")
    return rng.choice(forms).format(name)


def cemetery(rng: random.Random) -> str:
    """Return the name of a burial place."""
    name = rng.choice((town(rng), pick(rng, "title tails"), pick(rng, "surnames")))
    where = f", {town(rng)}" if rng.random() < 0.3 else ""
    return f"{name} {rng.choice(('Cemetery', 'Cemetery', 'Churchyard', 'Burying Ground'))}{where}"


def publisher(rng: random.Random) -> str:
    """Return the name of a publishing house."""
    name = pick(rng, "surnames")
    forms = ("{} Press", "{} Books", "{} & Daughters", "{} Editions")
    return rng.choice(forms).format(name)


def date(rng: random.Random, year: int) -> str:
    """Return a day of that year, month first or day first."""
    day, month = rng.randint(1, 28), pick(rng, "months")
    return f"{day} {month} {year}" if rng.random() < 0.5 else f"{month} {day}, {year}"


def cast(rng: random.Random) -> str:
    """Return one to three actors as a list in prose."""
    actors = [person(rng) for _ in range(rng.randint(1, 3))]
    return " and ".join((", ".join(actors[:-1]), actors[-1])) if actors[1:] else actors[0]
