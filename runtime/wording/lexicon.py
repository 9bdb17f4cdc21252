"""Names of relations as sequences of stems, found in a sentence longest first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from lamlam.memory_backends.model.words import stem, words_of
from lamlam.runtime.wording.phrases import flags_of

MOST_WORDS = 7
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BRACKET = re.compile(r"\s[(\[][^()\[\]]{1,8}[)\]]$")
"""A unit behind a column's head: "height (m)"."""
_LEFT_OUT = frozenset(("the",))


class Target(NamedTuple):
    """What a name or phrase asks for."""

    kind: Literal["group", "family", "own"]
    """A group of synonyms by its number, a family of phrases by its number, or a relation that the
    entity holds, by its place there."""
    number: int


@dataclass(frozen=True, slots=True)
class RelationMention:
    """A name of relations in a sentence."""

    start: int
    """Its first word."""
    end: int
    n_words: int
    """Without words that may stand between any others."""
    targets: frozenset[Target]


Names = Mapping[tuple[str, ...], frozenset[Target]]


def name_stems(name: str) -> tuple[str, ...]:
    """Return the stems of a relation's name, articles left out.

    >>> name_stems("countryOfCitizenship"), name_stems("gdp_per_capita")
    (('country', 'of', 'citizenship'), ('gdp', 'per', 'capita'))
    """
    spaced = _BRACKET.sub("", _CAMEL.sub(" ", name)).replace("_", " ") or name
    stems = (word.norm for word in words_of(spaced) if word.kind in ("word", "mark", "possessive"))
    return tuple(one for one in stems if one not in _LEFT_OUT and one not in "()/,.-")


@lru_cache(maxsize=1)
def shared_names() -> Names:
    """Return the names of the synonym table and the bare words of the phrase table."""
    from lamlam.memory_backends.model.synonyms import group_of, relation_groups
    from lamlam.runtime.wording.phrases import phrase_table

    names: dict[tuple[str, ...], set[Target]] = {}
    for number, group in enumerate(relation_groups()):
        for name in group:
            names.setdefault(name_stems(name), set()).add(Target("group", number))
    table = phrase_table()
    for family in table.families:
        for key in family.names:
            if group_of(key) is not None:  # it asks for its own relation alone
                continue
            names.setdefault(name_stems(key), set()).add(Target("family", family.number))
    for text, number in table.bare:
        names.setdefault(tuple(map(stem, text.split())), set()).add(Target("family", number))
    return {
        stems: frozenset(targets)
        for stems, targets in names.items()
        if stems and len(stems) <= MOST_WORDS and stems not in _NO_MENTION
    }


_NO_MENTION = frozenset(
    (stem(word),)
    for word in (
        "from to when where who what start end be in on of at by date year name people office home"
        " recorded released issued holds owns uses created established opened closed launched"
        " completed built elected won wrote written performed directed composed produced designed"
        " developed edited taught killed defeated beat started began ended finished operates"
        " employs makes produces works plays played represents represented role roles lead leads"
        " against seat seats head chief press place work works action film book station career"
        " called held known made located carries served drafted featuring attended born died"
    ).split()
)
"""Names that stand in sentences of every kind: only a structure around them says more, or a
phrase."""


@lru_cache(maxsize=1)
def _shared_firsts() -> frozenset[str]:
    return frozenset(key[0] for key in shared_names())


@lru_cache(maxsize=1)
def relation_words() -> frozenset[str]:
    """Return the stems that are names of relations, or that begin or end one."""
    return frozenset(word for key in shared_names() for word in (key[0], key[-1]))


def own_names(names: Iterable[tuple[str, int]]) -> Names:
    """Return the stems of an entity's own relation names, each with its number."""
    found: dict[tuple[str, ...], set[Target]] = {}
    for name, number in names:
        stems = name_stems(name)
        if not stems or len(stems) > MOST_WORDS:
            continue
        found.setdefault(stems, set()).add(Target("own", number))
        if len(stems) == 2 and stems[1] in _VERB_ENDINGS:  # "managed by": "Who managed it?"
            found.setdefault(stems[:1], set()).add(Target("own", number))
    return {stems: frozenset(targets) for stems, targets in found.items()}


_VERB_ENDINGS = frozenset("by in at on for from with to".split())


def find_mentions(stems: Sequence[str], *names: Names) -> list[RelationMention]:
    """Return the longest names at each place of a sentence, none inside another."""
    found: list[RelationMention] = []
    shared = shared_names()
    firsts = {key[0] for one in names if one is not shared for key in one}
    shared_firsts = _shared_firsts() if any(one is shared for one in names) else firsts
    at = 0
    while at < len(stems):
        mention = None
        if stems[at] in firsts or stems[at] in shared_firsts:
            mention = _longest_at(stems, at, names)
        if mention is None:
            at += 1
        else:
            found.append(mention)
            at = mention.end
    return found


def _is_entity_at(stems: Sequence[str], place: int) -> bool:
    """Return whether the entity stands at a place, with its article: "of the Netherlands"."""
    while place < len(stems) and stems[place] in _LEFT_OUT:
        place += 1
    return stems[place : place + 1] == ["E"]


def _longest_at(stems: Sequence[str], at: int, names: Sequence[Names]) -> RelationMention | None:
    # Articles between the words count for nothing: "country of the origin".
    ends: list[int] = []
    words: list[str] = []
    for place in range(at, min(at + MOST_WORDS + 2, len(stems))):
        if stems[place] in _LEFT_OUT:
            if place == at:
                return None
            continue
        words.append(stems[place])
        ends.append(place + 1)
    for n in range(min(len(words), MOST_WORDS), 0, -1):
        if n > 1 and words[n - 1] == "of" and _is_entity_at(stems, ends[n - 1]):
            continue  # "the capital of Norway" asks for a capital, not for what it is the one of
        key = tuple(words[:n])
        targets = frozenset().union(*(one.get(key, ()) for one in names))
        if targets:
            n_words = sum("~" not in flags_of(word) for word in key)
            return RelationMention(at, ends[n - 1], max(n_words, 1), targets)
    return None
