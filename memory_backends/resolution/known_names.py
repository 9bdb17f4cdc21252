"""Which of many names a store knows, with few questions to it: those of all words of a prompt."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

from lamlam.memory_backends.model.entity_reader import EntityReader
from lamlam.memory_backends.model.facts import Namespace, check_flags
from lamlam.memory_backends.model.keys import canonical_key, fold, with_other_marks
from lamlam.memory_backends.model.known_names import checked_names
from lamlam.memory_backends.model.namespaces import salted, scoped
from lamlam.memory_backends.model.values import MAX_NAME_CHARACTERS, is_text
from lamlam.memory_backends.resolution.blocking_codes import letters_code
from lamlam.memory_backends.resolution.person_names import person_key
from lamlam.memory_backends.resolution.resolver import EntityMatch, find_entity
from lamlam.memory_backends.resolution.value_entities import is_plain, known_as_values
from lamlam.memory_backends.resolution.views import NamespaceView

_LONGEST_FOLDED = 200
"""Characters of a name that is looked for in other spellings: folding a long one takes long."""
_MOST_KEPT, _N_KEPT = 512, 8
"""Names of one question whose keys are kept, and how many questions."""


def known_names(
    reader: EntityReader,
    names: Sequence[str],
    *,
    loosely: bool,
    namespaces: Sequence[Namespace] = ((),),
) -> frozenset[str]:
    """Return those of the names that are an entity's key or alias but for case and spaces.

    Or a value's, of a relation with an inverse: then facts of others answer about it.

    Args:
        reader: asked for all names together.
        names: as a text wrote them.
        namespaces: of the reader, where one of them has the name; all are asked together.
        loosely: return also names by which `find_entity`, without ``fuzzy``, finds an entity or
            several: of the same letters but for accents, marks, articles and qualifiers.

    Raises:
        BadFact: it is not a list of strings, or there are too many.
    """
    check_flags(loosely=loosely)
    given = tuple(checked_names(names))
    keys = _keys_of(given)
    asked = set(keys.values())
    spaces = _Namespaces(reader, namespaces)
    known = spaces.known(asked)
    if reader.rules:
        known |= spaces.known_as_values(asked - known)
    if loosely:
        short = {key for key in asked - known if len(key) <= _LONGEST_FOLDED}
        known |= _found_otherwise(spaces, short)
        if reader.rules:
            folded = {key: name.key for key in short - known if is_plain(name := fold(key))}
            values = spaces.known_as_values(set(folded.values()))
            known.update([key for key, name in folded.items() if name in values])
    return frozenset([name for name, key in keys.items() if key in known])


def _keys_of(names: tuple[str, ...]) -> dict[str, str]:
    return _keys(names) if len(names) <= _MOST_KEPT else _keys.__wrapped__(names)


@lru_cache(maxsize=_N_KEPT)
def _keys(names: tuple[str, ...]) -> dict[str, str]:
    """Return the canonical keys of names that can be some; a text asks two namespaces for each."""
    return {
        name: canonical_key(name)
        for name in names
        if name and len(name) <= MAX_NAME_CHARACTERS and (name.isascii() or is_text(name))
    }


def possible_names(
    reader: EntityReader, names: Sequence[str], *, namespaces: Sequence[Namespace] = ((),)
) -> frozenset[str]:
    """Return the names by which `find_entity`, without ``fuzzy``, may find anything.

    It looks nowhere else than where these clues lead: a name without any is that of nothing.

    Raises:
        BadFact: it is not a list of strings, or there are too many.
    """
    given = tuple(checked_names(names))
    clues = {
        name: _clues(key) if len(key) <= _LONGEST_FOLDED else _ANYTHING
        for name, key in _keys_of(given).items()
    }
    spellings = set().union(*[clue.spellings for clue in clues.values()])
    codes = set().union(*[clue.codes for clue in clues.values()])
    spaces = _Namespaces(reader, namespaces)
    known = spaces.known(spellings)
    if reader.rules:
        known |= spaces.known_as_values(spellings - known)
    used = spaces.used_codes(codes)
    return frozenset(
        [
            name
            for name, clue in clues.items()
            if clue is _ANYTHING
            or not known.isdisjoint(clue.spellings)
            or not used.isdisjoint(clue.codes)
        ]
    )


class _Clues(NamedTuple):
    """Where a name leads: entities and aliases of these spellings, and those of these codes."""

    spellings: frozenset[str]
    codes: frozenset[int]


_ANYTHING = _Clues(frozenset(), frozenset())


@lru_cache(maxsize=8192)
def _clues(key: str) -> _Clues:
    folded = fold(key).key
    spellings = {key, folded, *with_other_marks(key)}
    codes = {letters_code(folded)}
    if folded.count(" ") != 1 and (person := person_key(folded)) is not None:
        spellings.add(person)
        codes.add(letters_code(person))
    return _Clues(frozenset(spellings), frozenset(codes))


class _Otherwise(NamedTuple):
    """How a name may be found that is no entity's own."""

    code: int
    spellings: frozenset[str]


@lru_cache(maxsize=8192)
def _otherwise(key: str) -> _Otherwise:
    # What `fold` does with most of them, without its other results.
    if key.isascii() and key.replace(" ", "").isalnum():
        letters = key[4:] if key.startswith("the ") else key
        others = frozenset((letters,)) if letters != key else frozenset()
    else:
        letters = fold(key).key
        others = frozenset((letters, *with_other_marks(key)))
    return _Otherwise(letters_code(letters), others)


def _found_otherwise(spaces: _Namespaces, keys: set[str]) -> set[str]:
    """Return the keys by which `find_entity` finds anything, of those that nothing has.

    It is asked only where one of its first steps may succeed: most names have nothing near them.
    """
    ways = {key: _otherwise(key) for key in keys}
    used = spaces.used_codes({way.code for way in ways.values()})
    near = {key for key, way in ways.items() if way.code in used}
    spelt = {key: way.spellings for key, way in ways.items() if way.spellings}
    if spelt:
        known = spaces.known(set().union(*spelt.values()))
        near.update([key for key, others in spelt.items() if not known.isdisjoint(others)])
    return {key for key in near if spaces.find(key)}


class _Namespaces:
    """Some namespaces of a reader as one: what any of them has, in one question where it can be."""

    def __init__(self, reader: EntityReader, namespaces: Sequence[Namespace]) -> None:
        self._reader = reader
        self._spaces = namespaces
        self._views = [NamespaceView(reader, one) if one else reader for one in namespaces]

    def known(self, keys: Collection[str]) -> set[str]:
        """Return those of the canonical keys that `EntityReader.known` has in any namespace."""
        if len(self._views) == 1 or not keys:
            return self._views[0].known(keys) if keys else set()
        asked = {scoped(space, key): key for space in self._spaces for key in keys}
        return {asked[key] for key in self._reader.known(asked)}

    def used_codes(self, codes: Collection[int]) -> set[int]:
        """Return the codes under which any namespace may have an entity."""
        if len(self._views) == 1 or not codes:
            return self._views[0].used_codes(codes) if codes else set()
        asked: dict[int, list[int]] = {}
        for space in self._spaces:
            for own, code in zip(salted(space, codes), codes, strict=True):
                asked.setdefault(own, []).append(code)
        return {code for own in self._reader.used_codes(asked) for code in asked[own]}

    def known_as_values(self, keys: Collection[str]) -> set[str]:
        """Return those of the canonical keys that others of their namespace have as a value."""
        return {key for view in self._views for key in known_as_values(view, keys)}

    def find(self, key: str) -> bool:
        """Return whether `find_entity`, without ``fuzzy``, finds anything in any namespace."""
        return any(_is_found(find_entity(view, key, fuzzy=False)) for view in self._views)


def _is_found(match: EntityMatch) -> bool:
    return match.record is not None or match.is_ambiguous
