"""Person names: when two names are one person's although middle names, initials or titles differ."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from lamlam.memory_backends.resolution.name_counts import expected_bearers, is_name_like

_BRACKET = re.compile(r"\s*[(\[][^()\[\]]*[)\]]$")
_SENTENCE_END = re.compile(r"\w{5,}\.\s|(?<![.\s])\w{4}\.\s+\w+$")
_LIST = re.compile(r",(?!\s*(?:jr|sr|ii|iii|iv|ph\.?d|m\.?d|esq)\b)")
_LOUD = re.compile(r"[!?:;\"/&+]")

_TITLES = frozenset(
    """sir dr mr mrs ms miss lord lady dame prof professor rev reverend captain capt colonel col
    general gen major lieutenant lt sergeant sgt admiral president senator sen governor gov king
    queen prince princess baron baroness count countess earl duke duchess pope cardinal bishop
    archbishop father sister brother hon judge justice chief sheikh mullah maulana pandit swami
    """.split()
)
_SUFFIXES = frozenset("jr sr junior senior ii iii iv v phd md esq kbe obe cbe mbe qc mp".split())
_GENERATIONS = {"junior": "jr", "senior": "sr"}
_TELLING = frozenset("jr sr ii iii iv v".split())

# Words that no person's name has. Between "University of Michigan" and "University
# of Northern Michigan" no word may be dropped.
_NO_PERSON = frozenset(
    """the of and in on at for to a an or with from by as vs against into over under
    north south east west northern southern eastern western central new old great greater upper
    lower saint st san santa fort port mount lake cape los las el la le les
    university college school academy institute museum library hospital church cathedral temple
    city town village county district province state region republic kingdom empire island islands
    river creek bay sea ocean valley mountain mountains hill hills forest park beach road street
    avenue bridge tower house hall castle palace building station airport railway line stadium
    arena theatre theater center centre company corporation inc ltd group bank records press
    party association society club fc united team league cup championship championships open
    games tour series season show film films movie band orchestra choir army navy force division
    regiment battalion brigade battle war treaty act court council committee commission
    department ministry agency office union federation conference festival award awards
    prize records entertainment studios pictures productions magazine newspaper news radio
    television channel network story stories life love night day man woman boy girl world
    highway route class type language languages people
    i me my we us our you your he him his she her hers it its they them their this that these those
    there here who what when where why how which is are was were be been am do does did has have
    had can will would not no yes all some any more most many few other first second last next
    one two three four five six seven eight nine ten hundred thousand years year days months born
    died during after before between since until than then also only miss women womens mens world
    area statistical metropolitan national international american british electric""".split()
)
_MOST_TOKENS = 7
_MOST_DROPPED = 4

_WOMEN = frozenset("mrs ms miss lady dame queen princess baroness countess duchess sister".split())
_MEN = frozenset(
    """sir mr lord king prince baron count earl duke pope cardinal bishop archbishop father brother
    sheikh mullah maulana pandit swami""".split()
)
_RANKS = frozenset(
    """king queen prince princess baron baroness count countess earl duke duchess pope cardinal
    bishop archbishop""".split()
)

# Counted on all pairs of biographies in the training corpus whose names differ so and whose birth
# dates are given: where so many of the 61,142 people would bear first and last name, half of the
# pairs or more are one person. John Adams: 3.5, George Bush: 0.23, Kevin Barron: 0.025.
_MOST_WITHOUT_MIDDLE = 1 / 32
_MOST_WITH_INITIAL = 2.5
_MOST_WITH_TITLE = 1.0
SURE_SCORE = 0.90
"""Lowest score of two names that are one person's; below it somebody else may be meant."""
_UNSURE_SCORE = 0.76


def reads_as_name(key: str) -> bool:
    """Return whether a canonical key has no marks of a list or of the end of a sentence.

    "Hale. Hale" and "Curtis, Fox" are two names; "Gov. Aaron T. Bliss, Jr." is one.
    """
    name = _BRACKET.sub("", key)
    return not (_SENTENCE_END.search(name) or _LIST.search(name) or _LOUD.search(name))


class PersonName(NamedTuple):
    """A person's folded name, taken apart."""

    words: tuple[str, ...]
    """First name, middle names and initials, last name."""
    generation: frozenset[str]
    """"jr", "iii" and the like."""
    titles: frozenset[str]


@lru_cache(maxsize=4096)
def person_tokens(folded: str) -> PersonName | None:
    """Return the words of a person's name without titles, its "jr" or "iii", and the titles.

    ``None`` where the name cannot be a person's or has no two words left.
    """
    tokens = folded.split()
    titles = set()
    while len(tokens) > 2 and tokens[0] in _TITLES:
        titles.add(tokens.pop(0))
    generation = set()
    while len(tokens) > 2 and tokens[-1] in _SUFFIXES:
        suffix = tokens.pop()
        suffix = _GENERATIONS.get(suffix, suffix)
        if suffix in _TELLING:
            generation.add(suffix)
    if not _are_of_person(tokens):
        return None
    return PersonName(tuple(tokens), frozenset(generation), frozenset(titles))


def person_key(folded: str) -> str | None:
    """Return first and last word of a person's folded name, or ``None``.

    >>> person_key("sir kevin john barron")
    'kevin barron'
    """
    tokens = folded.split()
    if tokens and tokens[0] not in _TITLES and tokens[-1] not in _SUFFIXES:
        # Most: nothing is to be taken off. A load of a file asks for each name once.
        return f"{tokens[0]} {tokens[-1]}" if _are_of_person(tokens) else None
    parts = person_tokens(folded)
    return f"{parts.words[0]} {parts.words[-1]}" if parts else None


def _are_of_person(tokens: list[str]) -> bool:
    """Return whether words, without titles and what stands behind a name, may be a person's."""
    if not 2 <= len(tokens) <= _MOST_TOKENS or len(tokens[0]) < 2 or len(tokens[-1]) < 2:
        return False
    return _NO_PERSON.isdisjoint(tokens) and "".join(tokens).isalpha()


def person_score(a: str, b: str, *, is_compound: bool = False) -> float:
    """Return how surely two folded names are one person's; 0 where they are not.

    First and last word must be equal; of the words between, one name may lack all that
    the other has, and an initial stands for a word. `SURE_SCORE` and more only where hardly
    anybody else can be meant: few people bear both names, and neither is a "junior" whom
    the other may be the father of.

    Args:
        is_compound: a word of one of the names was joined to another ("Jean-Paul").
    """
    first, second = person_tokens(a), person_tokens(b)
    if first is None or second is None or _are_apart(first, second):
        return 0.0
    shorter, longer = sorted((first.words, second.words), key=len)
    if shorter[0] != longer[0] or shorter[-1] != longer[-1]:
        return 0.0
    dropped = len(longer) - len(shorter)
    if dropped > _MOST_DROPPED or not _is_within(shorter[1:-1], longer[1:-1]):
        return 0.0
    if not all(map(is_name_like, longer)):
        return 0.0  # "Indianapolis Motor Speedway" is not a fuller name of another
    if _is_unsure(first, second, is_compound):
        return _UNSURE_SCORE - 0.04 * dropped
    return 1.0 - 0.02 * dropped if dropped else 0.98


def _are_apart(first: PersonName, second: PersonName) -> bool:
    """Return whether a mark of generation, sex or rank says that these are two people."""
    if first.generation and second.generation and first.generation != second.generation:
        return True
    for one, other in ((first.titles, second.titles), (second.titles, first.titles)):
        if one & _WOMEN and other & _MEN:
            return True
    ranks = first.titles & _RANKS, second.titles & _RANKS
    return bool(ranks[0] and ranks[1] and ranks[0] != ranks[1])


def _is_unsure(first: PersonName, second: PersonName, is_compound: bool) -> bool:
    """Return whether somebody else may be meant, of two names that one person can have."""
    if first.generation != second.generation:
        return True
    # Mrs John Smith may be the wife of John Smith.
    if ("mrs" in first.titles) != ("mrs" in second.titles):
        return True
    shorter, longer = sorted((first.words, second.words), key=len)
    bearers = expected_bearers(shorter[0], shorter[-1])
    if shorter == longer:
        return len(shorter) == 2 and bearers > _MOST_WITH_TITLE
    if len(shorter) == len(longer):
        return bearers > _MOST_WITH_INITIAL
    # George W. Bush is not George H. W. Bush: a name with a middle name has all of them.
    return is_compound or len(shorter) > 2 or bearers > _MOST_WITHOUT_MIDDLE


def _is_within(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    """Return whether the words of one occur in the other in order; an initial stands for a word."""
    at = 0
    for word in short:
        while at < len(long) and not _same_middle(word, long[at]):
            at += 1
        if at == len(long):
            return False
        at += 1
    return True


def _same_middle(a: str, b: str) -> bool:
    return a == b or ((len(a) == 1 or len(b) == 1) and a[0] == b[0])
