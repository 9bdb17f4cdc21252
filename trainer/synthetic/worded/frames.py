"""The ways in which people ask for a relation and state it: families of frames.

A frame is a sentence with places: ``{E}`` the entity, ``{V}`` the value, ``{on}`` the word before
a date ("on" a day, "in" a year), ``{a}`` an article before the value, ``{R}`` the relation's name,
in frames that fit any relation. ``<x|y>`` is a choice, ``[x]`` is there or not. What a frame is
for can be seen in it: with a value it states, without one it asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from lamlam.errors import BadSettings
from lamlam.trainer.synthetic.patterns import Options, Part, parse_pattern
from lamlam.word_lists import read_sections

FOLDER = Path(__file__).parent
FILES = ("people", "places", "works", "organisations", "nature", "events")
ANY = "any"
"""Of a family: entities of every kind have the relation."""
_MOST_VARIANTS = 64
_PLACE = re.compile(r"\{(?:E|V|R|on|a)\}")

Token = str
"""Text, or one of the places ``{E}``, ``{V}``, ``{R}``, ``{on}`` and ``{a}``."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One sentence with places, all choices made."""

    tokens: tuple[Token, ...]
    states: bool
    """Whether it has the value; otherwise it asks for it."""
    ends_with_value: bool
    """Whether nothing but a mark comes behind the value: what a prompt that ends there wants."""
    names_first: bool
    """Whether the entity stands before the value, so that it can be asked about there."""


@dataclass(frozen=True, slots=True)
class FrameFamily:
    """A relation, the names that stores give it, and the frames that ask for it or state it."""

    name: str
    kind: str
    """What has it: person, place, work, organisation, thing, event or any."""
    value: str
    """place, date, person, number or any."""
    names: tuple[str, ...]
    """What memories call it, the training text's own name first."""
    loose: frozenset[str]
    """Those of the names that do not tell the relation: a memory's "parent" may be the father."""
    nouns: tuple[str, ...]
    """Names that can stand in a sentence: "the {R} of {E} is"."""
    own_nouns: frozenset[str]
    """Those of the nouns that mean less than the family: who says "mayor" wants no president."""
    inverse: tuple[str, ...]
    """What memories call the relation from the value back to the entity; empty where nobody asks."""
    inverse_verbs: tuple[str, ...]
    """Words between the value and the entity: "is the capital of"."""
    questions: tuple[tuple[Frame, ...], ...]
    """Variants of each frame that asks."""
    statements: tuple[tuple[Frame, ...], ...]
    """Variants of each frame that states, the entity before the value."""
    reversed: tuple[tuple[Frame, ...], ...]
    """Variants of each frame that states, the value first: for gaps, and values that stand in the
    text already."""


@cache
def read_families(folder: Path = FOLDER) -> tuple[FrameFamily, ...]:
    """Return the families of the files of a folder, in their order.

    Raises:
        BadSettings: a section is not a family.
    """
    return tuple(
        _family(header, lines)
        for file in FILES
        for header, lines in read_sections(folder / f"{file}.txt").items()
    )


@cache
def read_general_frames(folder: Path = FOLDER) -> FrameFamily:
    """Return the frames that fit any relation, as a family without names."""
    lines = read_sections(folder / "any_relation.txt")["frames"]
    return _with_frames(_About("", ANY, "any"), lines)


class _About(NamedTuple):
    """All of a family but its frames."""

    name: str
    kind: str
    value: str
    names: tuple[str, ...] = ()
    loose: frozenset[str] = frozenset()
    nouns: tuple[str, ...] = ()
    own_nouns: frozenset[str] = frozenset()
    inverse: tuple[str, ...] = ()
    inverse_verbs: tuple[str, ...] = ()


def _family(header: str, lines: tuple[str, ...]) -> FrameFamily:
    parts = [part.strip() for part in header.split("|")]
    if len(parts) != 3 or not lines or not lines[0].startswith("= "):
        raise BadSettings(
            f"the frames of [{header}] must begin with [name | kind | value] and a line of names"
        )
    about = _About(parts[0], parts[1], parts[2])
    frames = []
    for line in lines:
        if line.startswith("= "):
            all_names, loose = _starred(line[2:])
            about = about._replace(names=all_names, loose=loose)
        elif line.startswith("~ "):
            nouns, own_nouns = _starred(line[2:])
            about = about._replace(nouns=nouns, own_nouns=own_nouns)
        elif line.startswith("^ "):
            names, _, verbs = line[2:].partition("|")
            about = about._replace(inverse=_listed(names), inverse_verbs=_listed(verbs, ";"))
        else:
            frames.append(line)
    return _with_frames(about, frames)


def _starred(text: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return all names of a list, and those with a star."""
    listed = _listed(text)
    starred = frozenset(name[:-1] for name in listed if name.endswith("*"))
    return tuple(name.removesuffix("*") for name in listed), starred


def _listed(text: str, mark: str = ",") -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(mark))


def _with_frames(about: _About, lines: Iterable[str]) -> FrameFamily:
    frames = [tuple(variants_of(line)) for line in lines]
    stating = [one for one in frames if one[0].states]
    return FrameFamily(
        *about,
        questions=tuple(one for one in frames if not one[0].states),
        statements=tuple(one for one in stating if one[0].names_first),
        reversed=tuple(one for one in stating if not one[0].names_first),
    )


def variants_of(line: str) -> list[Frame]:
    """Return the frames that a line with choices stands for.

    >>> ["".join(frame.tokens) for frame in variants_of("<Who|Which man> leads {E}[ now]?")][:2]
    ['Who leads {E} now?', 'Who leads {E}?']
    """
    texts = list(dict.fromkeys(_expanded(parse_pattern(line))))[:_MOST_VARIANTS]
    return [_frame(text) for text in texts]


def _expanded(parts: tuple[Part, ...]) -> Iterator[str]:
    if not parts:
        yield ""
        return
    first, rest = parts[0], parts[1:]
    if isinstance(first, Options):
        for option in first.options:
            yield from _expanded((*option, *rest))
        return
    for end in _expanded(rest):
        yield first + end


def _frame(text: str) -> Frame:
    tokens: list[str] = []
    end = 0
    for place in _PLACE.finditer(text):
        if place.start() > end:
            tokens.append(text[end : place.start()])
        tokens.append(place.group())
        end = place.end()
    if end < len(text):
        tokens.append(text[end:])
    states = "{V}" in tokens
    behind = tokens[tokens.index("{V}") + 1 :] if states else []
    ends = states and all(len(token) < 2 for token in behind)
    names_first = not states or "{E}" in tokens[: tokens.index("{V}")]
    return Frame(tuple(tokens), states, ends, names_first)
