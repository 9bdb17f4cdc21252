"""How a text calls an entity, and the entity's name changed throughout a document.

A lookup's entity is copied from the text, so it is written as the text writes
it: "Ada Quill" for the title "Ada Quill (engineer)", "Kevin John Barron" for
"Kevin Barron". A document whose title is exchanged keeps the names of the
other entities that it states facts about.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_QUALIFIER = re.compile(r"\s*(\([^()]*\)|\[[^\[\]]*\])\s*$")
_LATIN_END = "\u0250"
"""Letters from here on belong to scripts in which a name may stand without a space around it."""
_VERB_FOLLOWS = re.compile(r"(?:['’]s)? [a-z]")
_LONGEST = 200
"""Characters of a name; longer titles are sentences, which no text repeats in other words."""
_SUFFIX = re.compile(r"(?:[Jj]r|[Ss]r|[IVX]{1,5})\.?")
_OF_PLACES = {"of", "in", "at", "from", "and", "the"}
"""A name with one of these ends in a place or a title, in no surname."""
_BEFORE_OTHER_NAMES = {"in", "the", "of", "at", "to", "from", "near", "a", "an", "and", "as"}
"""Words after which a given name is as likely a month, a place or a role."""


def bare_title(title: str) -> str:
    """Return the title without bracketed qualifiers.

    >>> bare_title("James Patterson (skier)")
    'James Patterson'
    """
    while (shorter := _QUALIFIER.sub("", title)) != title and shorter:
        title = shorter
    return title


def folded_name(name: str) -> str:
    """Return the name as it is compared: letter case, underscores and spaces count alike.

    >>> folded_name("Ada_Quill"), folded_name(" ada  QUILL")
    ('ada quill', 'ada quill')
    """
    return " ".join(unicodedata.normalize("NFKC", name).replace("_", " ").casefold().split())


def is_same_entity(name: str, title: str) -> bool:
    """Return whether two names mean one entity, up to letter case and a qualifier that one lacks.

    >>> is_same_entity("acme robotics", "Acme Robotics (company)")
    True
    >>> is_same_entity("Mercury (planet)", "Mercury (element)")
    False
    """
    first, second = folded_name(name), folded_name(title)
    if first == second:
        return True
    bare_first, bare_second = folded_name(bare_title(name)), folded_name(bare_title(title))
    return bare_first == bare_second and (first == bare_first or second == bare_second)


def find_name(name: str, text: str, start: int = 0) -> int:
    """Return where the name stands in the text as whole words, from ``start`` on; -1 if nowhere.

    >>> find_name("Ada", "Adamant Ada"), find_name("Ada", "Adamant")
    (8, -1)
    """
    while name and (at := text.find(name, start)) >= 0:
        before, after = text[at - 1 : at] if at else "", text[at + len(name) :][:1]
        if not (_joins(before, name[0]) or _joins(name[-1], after)):
            return at
        start = at + 1
    return -1


def name_in_text(name: str, text: str, *, opening: int | None = 200) -> str | None:
    """Return the name by which the text itself calls the entity of this title.

    The title as it stands, with its qualifier where the text has it; or, from its first word to its last, with what the
    text puts in between ("Kevin John Barron"); or what comes before a comma
    ("Leonia" of "Leonia, New Jersey"); or the title in other letter case. None
    where the text has none of these.

    Args:
        opening: characters at the text's beginning in which the second and third form are
            looked for, since a document begins with its title; everywhere when None.
    """
    bare = bare_title(name)
    if bare != name and find_name(name, text) >= 0:
        return name
    if find_name(bare, text) >= 0:
        return bare
    if len(bare) > _LONGEST:
        return None
    beginning = text[:opening]
    words = bare.split()
    if len(words) > 1:
        spread = _spread_name(words[0], words[-1], beginning)
        # Where one quotation mark is inside, the other is not: no name, but parts of two.
        if spread and spread.count('"') % 2 == 0:
            return spread
    head = bare.split(",")[0]
    if len(head) > 2 and head != bare and find_name(head, beginning) >= 0:
        return head
    return _in_other_case(bare, text)


def called_before(entity: str, text: str, at: int) -> str:
    """Return how the text calls an entity that is not its title, by preference before ``at``."""
    return (
        name_in_text(entity, text[:at], opening=None)
        or name_in_text(entity, text, opening=None)
        or bare_title(entity)
    )


Place = tuple[int, int, str]
"""Start and end in a text, and what is written there instead."""


@dataclass(frozen=True, slots=True)
class Renaming:
    """One document's text with another name for its title's entity, or with none changed."""

    text: str
    swaps: Mapping[str, str]
    """Names of the entity and what is written instead."""
    places: tuple[Place, ...]
    """In the order of the text; they do not overlap."""

    @classmethod
    def none(cls, text: str) -> Renaming:
        """Return the text as it is."""
        return cls(text, {}, ())

    @classmethod
    def of(
        cls,
        text: str,
        name: str,
        new: str,
        *,
        is_person: bool,
        kept: Iterable[str] = (),
        fixed: Iterable[tuple[int, int]] = (),
    ) -> Renaming:
        """Return the text with ``new`` in place of ``name``.

        A person's surname goes along where it stands alone, and so does the given name before
        a word in small letters.

        Args:
            kept: names that stay, unless they are themselves names of this entity.
            fixed: places that stay.
        """
        swaps = {name: new}
        if is_person:
            swaps |= _parts_of_person(name, new)
        taken = bytearray(len(text))
        places = _places(text, swaps, kept, taken)
        if is_person:
            places += _given_names(text, name, new, taken)
        stay = set(fixed)
        return cls(text, swaps, tuple(sorted(p for p in places if p[:2] not in stay)))

    def cuts_into(self, spans: Iterable[tuple[int, int]]) -> bool:
        """Return whether a place that changes overlaps one of the spans without being it."""
        for first, stop in spans:
            for start, end, _ in self.places[self._first_place(first) :]:
                if start >= stop:
                    break
                if first < end and (first, stop) != (start, end):
                    return True
        return False

    def between(self, start: int, end: int) -> str:
        """Return this part of the text, renamed."""
        if not self.places:
            return self.text[start:end]
        parts: list[str] = []
        for first, stop, new in self.places[self._first_place(start) :]:
            if stop > end:
                break
            if first >= start:
                parts += [self.text[start:first], new]
                start = stop
        return "".join(parts) + self.text[start:end]

    def name(self, name: str) -> str:
        """Return the name, exchanged if it is one that this renaming exchanges."""
        return self.swaps.get(name, name)

    def _first_place(self, at: int) -> int:
        """Return the number of the first place that may reach behind ``at``."""
        return max(0, bisect_left(self.places, (at,)) - 1)


def surname(name: str) -> str:
    """Return the last word of a person's name that is no suffix; empty where there is none.

    >>> surname("Harry Quill Jr."), surname("Ada of Lowmere"), surname("Ada IV")
    ('Quill', '', '')
    """
    words = [word.rstrip(",") for word in name.split()]
    if _OF_PLACES & set(words):
        return ""
    while len(words) > 1 and _SUFFIX.fullmatch(words[-1]):
        words.pop()
    return words[-1] if len(words) > 1 else ""


def _parts_of_person(name: str, new: str) -> Mapping[str, str]:
    last = surname(name)
    if not last[:1].isupper() or not last[-1].isalnum():
        return {}
    return {last: surname(new) or new}


def _places(
    text: str, swaps: Mapping[str, str], kept: Iterable[str], taken: bytearray
) -> list[Place]:
    """Return the places of the swapped names, without those inside a kept or a longer one.

    Args:
        taken: one byte for each character, set here where one of the names stands.
    """
    keep = {name for name in kept if name not in swaps and any(old in name for old in swaps)}
    places: list[Place] = []
    # No patterns: compiling one for each document costs more than all the rest.
    for name in sorted({*swaps, *keep}, key=lambda name: (-len(name), name)):
        for start in _all_places(name, text):
            end = start + len(name)
            if any(taken[start:end]):
                continue
            taken[start:end] = b"\1" * len(name)
            if name in swaps:
                places.append((start, end, swaps[name]))
    return places


def _all_places(name: str, text: str) -> Iterator[int]:
    at = find_name(name, text)
    while at >= 0:
        yield at
        at = find_name(name, text, at + len(name))


def _given_names(text: str, name: str, new: str, taken: bytearray) -> list[Place]:
    """Return the places where the given name stands alone for the person."""
    given = name.split()[0]
    if len(name.split()) < 2 or len(given) < 3 or not given[:1].isupper():
        return []
    places: list[Place] = []
    for start in _all_places(given, text):
        end = start + len(given)
        goes_on = _VERB_FOLLOWS.match(text, end)
        if goes_on and not any(taken[start:end]) and _may_follow(text[max(0, start - 40) : start]):
            places.append((start, end, new.split()[0]))
    return places


def _may_follow(before: str) -> bool:
    """Return whether a given name after this text stands for a person, not in a longer name."""
    if not before or before[-2:] in (". ", "! ", "? ", ", "):
        return True
    word = before.split()[-1:]
    return bool(word) and word[0].islower() and word[0] not in _BEFORE_OTHER_NAMES


# No patterns of names: compiling one takes a hundred times as long as looking for it.
def _spread_name(first: str, last: str, text: str) -> str | None:
    """Return the first part of the text that goes from one word to another, with a little between.

    As ``\\bfirst\\b[^,;()\\d]{1,40}?\\blast\\b`` finds it.
    """
    if last not in text:
        return None
    start = text.find(first)
    while start >= 0:
        between = start + len(first)
        if _is_word_edge(text, start) and _is_word_edge(text, between):
            stop = _NOT_BETWEEN.search(text, between, between + _MOST_BETWEEN)
            most = between + _MOST_BETWEEN if stop is None else stop.start()
            at = text.find(last, between + 1, most + len(last))
            while at >= 0:
                if _is_word_edge(text, at) and _is_word_edge(text, at + len(last)):
                    return text[start : at + len(last)]
                at = text.find(last, at + 1, most + len(last))
        start = text.find(first, start + 1)
    return None


_NOT_BETWEEN = re.compile(r"[,;()\d]")
_MOST_BETWEEN = 40


def _is_word_edge(text: str, at: int) -> bool:
    """Return whether ``\\b`` matches there."""
    before = at > 0 and (text[at - 1].isalnum() or text[at - 1] == "_")
    after = at < len(text) and (text[at].isalnum() or text[at] == "_")
    return before is not after


def _in_other_case(name: str, text: str) -> str | None:
    if len(name) < 3:
        return None
    for start, end in _places_in_any_case(name, text):
        found = text[start:end]
        # A common word in small letters ("the girls") is not the name of a thing.
        is_name = not found[0].islower() or found[0] == name[0]
        if is_name and find_name(found, text, start) == start:
            return found
    return None


def _places_in_any_case(name: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield where the name stands, in whatever letter case; the places do not overlap."""
    if not (name.isascii() and text.isascii()):
        for match in re.finditer(re.escape(name), text, re.IGNORECASE):
            yield match.span()
        return
    folded, text = name.lower(), text.lower()
    at = text.find(folded)
    while at >= 0:
        yield at, at + len(name)
        at = text.find(folded, at + len(name))


def _joins(left: str, right: str) -> bool:
    """Return whether two characters, one of them perhaps missing, are within one word."""
    return left.isalnum() and right.isalnum() and left < _LATIN_END and right < _LATIN_END
