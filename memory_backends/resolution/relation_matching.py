"""Match a name to one of an entity's relations: exact, by synonym, by edit distance."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache

from rapidfuzz.distance import OSA

from lamlam.memory_backends.model.entity_reader import EntityRecord
from lamlam.memory_backends.model.keys import signs_of
from lamlam.memory_backends.model.lazy_facts import LongFacts
from lamlam.memory_backends.model.lookups import NO_MATCH, MatchKind, MatchPart, StoredFact
from lamlam.memory_backends.model.synonyms import (
    Sense,
    asks_for,
    group_of,
    is_known_word,
    may_answer,
    names_answered_by,
    names_in_table,
    same_relation,
    same_topic,
)
from lamlam.memory_backends.resolution.typos import likeness

ACCEPTED_SCORE = 0.90
"""Lowest likeness at which a misspelt name is taken for another."""
_WIDER_SCORE = 0.95
_PLURAL_SCORE = 0.95
_SAME_TOPIC = 0.75
_NEAR_RELATION = 0.70
_MOST_CANDIDATES = 3
_SHORTEST_MISSPELT = 4
_MOST_COMPARED = 256
_BRACKET = re.compile(r"\s*[(\[][^()\[\]]*[)\]]$")
_SMALL = frozenset("is are was were has had the a an of".split())
# British spellings; the ends are those of the American ones.
_OUR = re.compile(r"\b(behavi|col|fav|flav|harb|hon|hum|lab|neighb)our")
_RE = re.compile(r"\b(cent|fib|lit|met|theat)re\b")
_ISE = re.compile(r"\b(author|organ|special|util)is(?=[aei])")
_MONTHS = (
    "january february march april may june july august september october november december"
    " jan feb mar apr jun jul aug sep sept oct nov dec"
)
_TIME_WORDS = (
    rf"c|ca|circa|about|early|late|mid|bc|bce|ad|ce|of|century|{_MONTHS.replace(' ', '|')}"
)
# "1867", "3 May 1867", "1867-05-03", "c. 1867", "1860s".
_BARE_TIME = re.compile(rf"(?=.*\d)(?:[\W\d_]|(?<=\d)(?:st|nd|rd|th|s)\b|\b(?:{_TIME_WORDS})\b)+")
_OTHER_TIME = frozenset(f"present now today incumbent ongoing unknown {_MONTHS}".split())


def matching_facts(record: EntityRecord, wanted: str) -> tuple[MatchPart, Sequence[StoredFact]]:
    """Return how a relation was understood that the entity lacks, and the facts that answer for it.

    "Born in" and "founded" are followed by a place or by a time: facts that say the other one
    are left out.
    """
    held = compared_relations(record)
    asked = asks_for(wanted)
    while True:
        kind, score, key = _match(wanted, tuple(held))
        if key is None:
            return NO_MATCH, ()
        stored = record.of(key)
        fitting = stored if asked is None else _fitting(stored, asked)
        if fitting:
            return MatchPart(kind, score, fitting[0].relation), fitting
        held.remove(key)


def _fitting(stored: Sequence[StoredFact], asked: Sense) -> Sequence[StoredFact]:
    found = (one for one in stored if _fits(one.value, asked))
    if isinstance(stored, LongFacts):
        return LongFacts(found, is_timeless=stored.is_timeless)
    return list(found)


def compared_relations(record: EntityRecord) -> list[str]:
    """Return the relations that a name is compared with: of very many the first, and known ones."""
    held = record.relation_keys()
    if len(held) <= _MOST_COMPARED:
        return list(held)
    places = dict(zip(held, range(len(held)), strict=True))
    known = sorted([places[name] for name in names_in_table() if name in places])
    others = [held[place] for place in known if place >= _MOST_COMPARED]
    return [*held[:_MOST_COMPARED], *others[:_MOST_COMPARED]]


def match_relation(wanted: str, held: Sequence[str]) -> tuple[MatchKind, float, str | None]:
    """Return how, how surely and which of the held relation keys is meant, or none of them.

    Exact, then the synonym table, then a slip of the pen. Where the entity holds two
    synonyms of the wanted name, the first stored is taken; of several relations that the
    wanted one includes ("author" and "screenwriter" for "writer") none. Two names that are
    both in the table and not synonyms never match, however alike they look.
    """
    if wanted in held:
        return "exact", 1.0, wanted
    for key in held:
        if same_relation(wanted, key):
            return "synonym", 1.0, key
    narrower = [key for key in held if may_answer(key, wanted)]
    if narrower:
        is_one = all(same_relation(narrower[0], key) for key in narrower)
        return ("synonym", _WIDER_SCORE, narrower[0]) if is_one else ("none", 0.0, None)
    # Vectors of meaning belong here, for names outside the table only.
    if group_of(wanted) is not None:
        others = [key for key in held if group_of(key) is None]
        scored = [(_slip_score(wanted, key), key) for key in others]
    else:
        scored = [
            (max(_slip_score(wanted, name) for name in names_answered_by(key)), key) for key in held
        ]
    score, best = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    return ("fuzzy", score, best) if score else ("none", 0.0, None)


@lru_cache(maxsize=4096)
def _match(wanted: str, held: tuple[str, ...]) -> tuple[MatchKind, float, str | None]:
    return match_relation(wanted, held)


def is_hidden(relation_key: str, held: Collection[str]) -> bool:
    """Return whether a relation that is held answers for another one, which another layer has."""
    return bool(held) and _match(relation_key, tuple(held))[0] in ("exact", "synonym")


def _fits(value: str, asked: Sense) -> bool:
    """Return whether a value may be the time, or the place, that was asked for."""
    text = value.casefold()
    if asked == "time":
        return any(map(str.isdigit, text)) or not _OTHER_TIME.isdisjoint(text.split())
    return _BARE_TIME.fullmatch(text) is None


def near_relations(wanted: str, held: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """Return the held keys that look like the wanted name or are about the same, best first."""
    return _near(wanted, tuple(held))


@lru_cache(maxsize=4096)
def _near(wanted: str, held: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    core = _core(wanted)
    scored = [
        (key, round(max(likeness(wanted, key), _SAME_TOPIC * _is_close(core, _core(key))), 4))
        for key in held
    ]
    near = sorted((pair for pair in scored if pair[1] >= _NEAR_RELATION), key=lambda p: -p[1])
    return tuple(near[:_MOST_CANDIDATES])


def _is_close(core: str, other: str) -> bool:
    return core == other or same_topic(core, other)


def _core(name: str) -> str:
    """Return the name without the small words that may turn it round, and without its unit or year.

    "height (m)" is suggested for "height", and so is "population (2020)" for "population".
    """
    words = (_BRACKET.sub("", name) or name).split()
    while len(words) > 1 and words[0] in _SMALL:
        del words[0]
    while len(words) > 1 and words[-1] in _SMALL:
        del words[-1]
    return " ".join(words)


def _slip_score(wanted: str, held: str) -> float:
    """Return how surely one relation name is a slip for another; 0 where it may be a word itself.

    "winner" and "winners", "head coach" and "head-coach", "birth plce" and "birth place"; but
    not "county of birth" and "country of birth", "employer" and "employee", "northern border"
    and "southern border", nor "cast member 2" and "3", nor "price €" and "price $".
    """
    if signs_of(wanted) != signs_of(held):
        return 0.0
    first, second = _words(wanted), _words(held)
    if "".join(first) == "".join(second):
        return 1.0
    if len(first) != len(second):
        return 0.0
    differing = [(a, b) for a, b in zip(first, second, strict=True) if a != b]
    slips = [(a, b) for a, b in differing if _singular(a) != _singular(b)]
    if not slips:
        return _PLURAL_SCORE
    if len(slips) > 1 or not _is_slip(*slips[0]):
        return 0.0
    score = likeness(" ".join(first), " ".join(second))
    return score if score >= ACCEPTED_SCORE else 0.0


def _is_slip(word: str, other: str) -> bool:
    """Return whether an unknown word is one letter inside it away from a word of the table.

    Of two words that the table does not know either may be meant: "contract number" and
    "contact number", "marital status" and "martial status".
    """
    return (
        not is_known_word(word)
        and is_known_word(other)
        and word.isalpha()
        and min(len(word), len(other)) >= _SHORTEST_MISSPELT
        and (word[0], word[-1]) == (other[0], other[-1])
        and OSA.distance(word, other, score_cutoff=1) <= 1
    )


def _words(name: str) -> list[str]:
    """Return the words, in American spelling: "favourite colour" is "favorite color"."""
    text = "".join(char if char.isalnum() else " " for char in name)
    return _ISE.sub(r"\1iz", _RE.sub(r"\1er", _OUR.sub(r"\1or", text))).split()


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
