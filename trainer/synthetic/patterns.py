"""The pattern language of synthetic documents; ``patterns.txt`` explains it and has the patterns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lamlam.word_lists import read_sections

PEOPLE = frozenset({"person", "politician", "player"})
"""Kinds of entity that are people."""
_TOKEN = re.compile(r"\{[^{}]*\}|[<>|\[\]]|[^{}<>|\[\]]+")


@dataclass(frozen=True, slots=True)
class Options:
    """One of several sequences; an empty one makes the rest optional."""

    options: tuple[tuple[Part, ...], ...]


Part = str | Options


@cache
def patterns_of(kind: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return how texts of a kind of entity begin, and how they go on.

    Raises:
        KeyError: there are no patterns for this kind.
    """
    sections = read_sections(Path(__file__).with_name("patterns.txt"))
    shared = [line.split(" = ", 1) for line in sections["shared"]]
    openings = []
    for opening in sections[kind]:
        for name, part in shared:
            opening = opening.replace(name, part)
        openings.append(opening)
    more = sections.get(f"{kind}, more", ())
    if kind in PEOPLE - {"person"}:
        more += sections["person, more"]
    return tuple(openings), more


@cache
def parse_pattern(pattern: str) -> tuple[Part, ...]:
    """Return the parts of a pattern: text, fields with their braces, and options."""
    tokens = _TOKEN.findall(pattern)

    def sequence(i: int, closers: str) -> tuple[tuple[Part, ...], int]:
        parts: list[Part] = []
        while i < len(tokens) and tokens[i] not in closers:
            if tokens[i] == "<":
                options: list[tuple[Part, ...]] = []
                while tokens[i] != ">":
                    option, i = sequence(i + 1, "|>")
                    options.append(option)
                parts.append(Options(tuple(options)))
            elif tokens[i] == "[":
                option, i = sequence(i + 1, "]")
                parts.append(Options((option, ())))
            else:
                parts.append(tokens[i])
            i += 1
        return tuple(parts), i

    return sequence(0, "")[0]
