"""Training documents about invented entities, written by patterns from facts.

Ordinary corpora state few facts right at a name ("N was born on ...") and their
names recur; a model that is to look up entities outside its training data
needs many such beginnings, with names that it can only copy. Each document has
the corpus's format: a value is verbatim in the text, a lookup goes right
before it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lamlam.trainer.documents import Document, StatedFact
from lamlam.trainer.synthetic import names
from lamlam.trainer.synthetic.facts import KINDS, invent_facts
from lamlam.trainer.synthetic.patterns import PEOPLE, Options, Part, parse_pattern, patterns_of

GENERIC = (
    "The {relation} of {N} is {V}.",
    "{N} has {V} as its {relation}.",
    "{N}'s {relation} is {V}.",
    "{N}; {relation}: {V}.",
)
"""Sentences for any relation, also for one that no pattern knows."""
_GENERIC_SHARE = 0.03


@dataclass(slots=True)
class _PatternWriter:
    """The text so far, with the facts that it states."""

    name: str
    short: str
    pronouns: tuple[str, str]
    facts: Mapping[str, str]
    rng: random.Random
    pieces: list[tuple[str, str | None]] = field(default_factory=list)
    """Text, and the relation whose value it is; ``None`` for what lies between."""
    stated: set[str] = field(default_factory=set)

    def try_pattern(self, pattern: str) -> bool:
        """Write the pattern; nothing where a fact that it needs is lacking or already stated."""
        return self._try(parse_pattern(pattern))

    def _try(self, parts: tuple[Part, ...]) -> bool:
        n_pieces, stated = len(self.pieces), set(self.stated)
        if all(self._put(part) for part in parts):
            return True
        del self.pieces[n_pieces:]
        self.stated = stated
        return False

    def _put(self, part: Part) -> bool:
        if isinstance(part, Options):
            options = self.rng.sample(part.options, len(part.options))
            return any(self._try(option) for option in options)
        if not part.startswith("{"):
            self.pieces.append((part, None))
            return True
        key = part[1:-1]
        if key.startswith("="):
            relation, _, otherwise = key[1:].partition(":")
            self.stated.add(relation)
            self.pieces.append((self.facts.get(relation, otherwise), None))
            return True
        if plain := self._plain(key):
            self.pieces.append((plain, None))
            return True
        if key not in self.facts or key in self.stated:
            return False
        self.stated.add(key)
        self.pieces.append((self.facts[key], key))
        return True

    def _plain(self, key: str) -> str | None:
        he, his = self.pronouns
        fixed = {
            "N": self.name, "S": self.short, "a": "\0",
            "He": he.capitalize(), "he": he, "His": his.capitalize(), "his": his,
            "child": {"he": "son", "she": "daughter"}.get(he, "child"),
        }  # fmt: skip
        fillers: dict[str, Callable[[], str]] = {
            "#y": lambda: str(self.rng.randint(1780, 2019)),
            "#n": lambda: str(self.rng.randint(4, 19)),
            "#p": lambda: names.town(self.rng),
            "#w": lambda: names.person(self.rng),
        }
        return fixed.get(key) or (fillers[key]() if key in fillers else None)

    def finish(self) -> tuple[str, list[tuple[str, str, str]], list[int]]:
        """Return text, facts and the offsets of their values."""
        text, facts, at = "", [], []
        for i, (piece, relation) in enumerate(self.pieces):
            if piece == "\0":
                rest = "".join(piece for piece, _ in self.pieces[i + 1 : i + 4]).strip()
                text += article(rest)
            elif relation is not None:
                facts.append((self.name, relation, piece))
                at.append(len(text))
                text += piece
            else:
                # An abbreviation's full stop ends the sentence too.
                text += piece[1:] if text.endswith(".") and piece.startswith(".") else piece
        return text, facts, at


def article(text: str) -> str:
    """Return "a" or "an", depending on the sound of the first word.

    >>> article("1957 film"), article("1830 novel"), article("Irish poet"), article("union")
    ('a', 'an', 'an', 'a')
    """
    if re.match(r"(uni|use|euro|one\b|ukrain|urug|ut)", text, re.IGNORECASE):
        return "a"
    return "an" if re.match(r"[aeiou]|hono|hour|heir|8|11\b|1[18]\d\d\b", text, re.I) else "a"


def write_opening(
    kind: str, name: str, facts: Mapping[str, str], rng: random.Random
) -> tuple[str, list[tuple[str, str, str]], list[int]]:
    """Return a short text about the entity, the facts that it states, and where.

    Args:
        kind: one that ``patterns.txt`` has.
        name: the entity, as the text calls it.
        facts: relation (as the corpus names it) to value; some may be left out of the text.
        rng: what makes this text differ from the next.

    Returns:
        The text; ``(entity, relation, value)`` triples; the offset of each value in the text.

    Raises:
        KeyError: there are no patterns for this kind.
    """
    openings, continuations = patterns_of(kind)
    is_person = kind in PEOPLE
    pronouns = _pronouns(name, rng)
    short = name.split()[-1] if is_person else name
    if short.rstrip(".") in ("Jr", "Sr", "III"):
        short = name
    writer = _PatternWriter(name, short, pronouns if is_person else ("it", "its"), facts, rng)
    candidates = rng.sample(openings, len(openings))
    is_generic = rng.random() < _GENERIC_SHARE
    if is_generic or not any(writer.try_pattern(pattern) for pattern in candidates):
        _write_generic(writer)
    n_more = rng.choices((0, 1, 2, 3), (25, 35, 25, 15))[0]
    for pattern in rng.sample(continuations, len(continuations)):
        if n_more == 0:
            break
        n_pieces = len(writer.pieces)
        if writer.try_pattern(pattern):
            n_more -= 1
            writer.pieces.insert(n_pieces, (" ", None))
    return writer.finish()


def _pronouns(name: str, rng: random.Random) -> tuple[str, str]:
    first = name.split()[0]
    if rng.random() < 0.02:
        return "they", "their"
    is_woman = first in names.words("women") or (
        first not in names.words("men") and rng.random() < 0.5
    )
    return ("she", "her") if is_woman else ("he", "his")


def _write_generic(writer: _PatternWriter) -> None:
    left = [relation for relation in writer.facts if relation not in writer.stated]
    if not left:
        writer.try_pattern("{N}.")
        return
    relation = writer.rng.choice(left)
    pattern = writer.rng.choice(GENERIC).replace("{relation}", relation.lower())
    writer.try_pattern(pattern.replace("{V}", f"{{{relation}}}"))


def invent(rng: random.Random) -> Document:
    """Return a document about an entity that does not exist, of a random kind."""
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    name, facts = invent_facts(kind, rng)
    text, stated, at = write_opening(kind, name, facts, rng)
    return Document(
        title=name,
        text=text,
        facts=tuple(
            StatedFact(entity, relation, value, offset, is_structured=True)
            for (entity, relation, value), offset in zip(stated, at, strict=True)
        ),
        source="invented",
        is_person=kind in PEOPLE,
    )
