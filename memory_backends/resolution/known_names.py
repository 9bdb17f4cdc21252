"""Which of many names a store knows, with few questions to it: those of all words of a prompt."""

from __future__ import annotations

from collections.abc import Sequence

from lamlam.memory_backends.model.entity_reader import EntityReader
from lamlam.memory_backends.model.keys import canonical_key, fold, with_other_marks
from lamlam.memory_backends.model.known_names import checked_names
from lamlam.memory_backends.model.values import MAX_NAME_CHARACTERS, is_text
from lamlam.memory_backends.resolution.blocking_codes import letters_code
from lamlam.memory_backends.resolution.resolver import EntityMatch, find_entity
from lamlam.memory_backends.resolution.value_entities import is_plain, known_as_values

_LONGEST_FOLDED = 200
"""Characters of a name that is looked for in other spellings: folding a long one takes long."""


def known_names(reader: EntityReader, names: Sequence[str], *, loosely: bool) -> frozenset[str]:
    """Return those of the names that are an entity's key or alias but for case and spaces.

    Or a value's, of a relation with an inverse: then facts of others answer about it.

    Args:
        reader: asked for all names together.
        names: as a text wrote them.
        loosely: return also names by which `find_entity`, without ``fuzzy``, finds an entity or
            several: of the same letters but for accents, marks, articles and qualifiers.

    Raises:
        BadFact: it is not a list of strings, or there are too many.
    """
    keys = {
        name: canonical_key(name)
        for name in checked_names(names)
        if name and len(name) <= MAX_NAME_CHARACTERS and (name.isascii() or is_text(name))
    }
    asked = set(keys.values())
    known = reader.known(asked)
    if reader.rules:
        known |= known_as_values(reader, asked - known)
    if loosely:
        short = {key for key in asked - known if len(key) <= _LONGEST_FOLDED}
        known |= _found_otherwise(reader, short)
        if reader.rules:
            folded = {key: name.key for key in short - known if is_plain(name := fold(key))}
            values = known_as_values(reader, set(folded.values()))
            known.update([key for key, name in folded.items() if name in values])
    return frozenset([name for name, key in keys.items() if key in known])


def _found_otherwise(reader: EntityReader, keys: set[str]) -> set[str]:
    """Return the keys by which `find_entity` finds anything, of those that nothing has.

    It is asked only where one of its first steps may succeed: most names have nothing near them.
    """
    codes: dict[str, int] = {}
    spellings: dict[str, set[str]] = {}
    for key in keys:
        # What `fold` does with most of them, without its other results.
        if key.isascii() and key.replace(" ", "").isalnum():
            letters = key[4:] if key.startswith("the ") else key
        else:
            letters = fold(key).key
            spellings[key] = {letters, *with_other_marks(key)}
        if letters != key:
            spellings.setdefault(key, {letters})
        codes[key] = letters_code(letters)
    used = reader.used_codes(set(codes.values()))
    near = {key for key, code in codes.items() if code in used}
    known = reader.known(set().union(*spellings.values()))
    near.update([key for key, others in spellings.items() if not known.isdisjoint(others)])
    return {key for key in near if _is_found(find_entity(reader, key, fuzzy=False))}


def _is_found(match: EntityMatch) -> bool:
    return match.record is not None or match.is_ambiguous
