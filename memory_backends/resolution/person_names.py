"""Person names: when two names are one person's although middle names, initials or titles differ."""

from __future__ import annotations

import re
from functools import lru_cache

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


def reads_as_name(key: str) -> bool:
    """Return whether a canonical key has no marks of a list or of the end of a sentence.

    "Hale. Hale" and "Curtis, Fox" are two names; "Gov. Aaron T. Bliss, Jr." is one.
    """
    name = _BRACKET.sub("", key)
    return not (_SENTENCE_END.search(name) or _LIST.search(name) or _LOUD.search(name))


@lru_cache(maxsize=4096)
def person_tokens(folded: str) -> tuple[tuple[str, ...], frozenset[str]] | None:
    """Return the words of a person's name without titles, and its "jr" or "iii".

    ``None`` where the name cannot be a person's or has no two words left.
    """
    tokens = folded.split()
    while len(tokens) > 2 and tokens[0] in _TITLES:
        del tokens[0]
    generation = set()
    while len(tokens) > 2 and tokens[-1] in _SUFFIXES:
        suffix = tokens.pop()
        suffix = _GENERATIONS.get(suffix, suffix)
        if suffix in _TELLING:
            generation.add(suffix)
    if not 2 <= len(tokens) <= _MOST_TOKENS or len(tokens[0]) < 2 or len(tokens[-1]) < 2:
        return None
    if not (_NO_PERSON.isdisjoint(tokens) and "".join(tokens).isalpha()):
        return None
    return tuple(tokens), frozenset(generation)


def person_key(folded: str) -> str | None:
    """Return first and last word of a person's folded name, or ``None``.

    >>> person_key("sir kevin john barron")
    'kevin barron'
    """
    parts = person_tokens(folded)
    return f"{parts[0][0]} {parts[0][-1]}" if parts else None


def person_score(a: str, b: str) -> float:
    """Return how surely two folded names are one person's; 0 where they are not.

    First and last word must be equal; of the words between, one name may lack some that
    the other has, and an initial stands for a word. "Junior" and "senior" are two people.
    """
    first, second = person_tokens(a), person_tokens(b)
    if first is None or second is None:
        return 0.0
    if first[1] and second[1] and first[1] != second[1]:
        return 0.0
    shorter, longer = sorted((first[0], second[0]), key=len)
    if shorter[0] != longer[0] or shorter[-1] != longer[-1]:
        return 0.0
    dropped = len(longer) - len(shorter)
    if dropped > _MOST_DROPPED or not _is_within(shorter[1:-1], longer[1:-1]):
        return 0.0
    return 1.0 - 0.04 * dropped if dropped else 0.98


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
