"""Blocking: the short codes under which a name is indexed, so that near names are found by equality.

The candidate generation of record linkage. A code is 32 bits of a checksum: the names of candidates
are compared afterwards, so that a collision costs a comparison and never a wrong answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from string import ascii_lowercase, digits
from zlib import crc32

from lamlam.memory_backends.model.keys import fold
from lamlam.memory_backends.model.namespaces import salted, split
from lamlam.memory_backends.resolution.person_names import person_key

_SHORTEST_MISSPELT = 4
# Checksums of what the codes of a name's words begin with, by the first letter of the word that a
# code leaves out.
_BEFORE_0, _BEFORE_1, _BEFORE_2 = (
    {letter: crc32(f"l{place}{letter} ".encode()) for letter in ascii_lowercase + digits}
    for place in range(3)
)


def letters_code(folded: str) -> int:
    """Return the code of a folded name, or of the first and last word of a person's."""
    return _code(f"f{folded}")


def index_codes(scoped_key: str) -> set[int]:
    """Return every code under which the stored name of a scoped key is found.

    No code is made for what the key itself already answers: a plain two-word name costs
    nothing but its two codes for typing errors.
    """
    if scoped_key.isascii():  # most names, in less than half of the time
        words = scoped_key.split(" ")
        if words[0] != "the":
            if len(words) == 2 and words[0].isalnum() and words[1].isalnum():
                return set(_codes_of_two(*words))
            if len(words) == 3 and all(map(str.isalnum, words)):
                return _codes_of_three(scoped_key, *words)
    namespace, key = split(scoped_key)
    folded = fold(key).key
    codes = set(_typo_codes(folded))
    if folded != key:
        codes.add(letters_code(folded))
    person = person_key(folded)
    if person is not None and person != folded:
        codes.add(letters_code(person))
    return set(salted(namespace, codes))


def index_codes_of(scoped_keys: Iterable[str]) -> list[Collection[int]]:
    """Return what `index_codes` does for each of many scoped keys, of which most are plain.

    One code may come twice.
    """
    found: list[Collection[int]] = []
    for key in scoped_keys:
        words = key.split(" ")
        if len(words) == 2 and key.isascii():
            first, second = words
            if first.isalnum() and second.isalnum() and first != "the":
                found.append(_codes_of_two(first, second))
                continue
        found.append(index_codes(key))
    return found


def typo_probes(folded: str) -> set[int]:
    """Return the codes that a stored name shares with this misspelling of it.

    One slip leaves something whole: one half of a single word, all words but one of a
    short name (and that one's first letter), one half of the words of a long name.
    """
    tokens = folded.split()
    if len(tokens) != 1:
        return set(_typo_codes(folded))
    word = tokens[0]
    codes = set()
    # The stored word may be a letter shorter or longer, which moves its middle.
    for length in (len(word) - 1, len(word), len(word) + 1):
        half = length // 2
        if half >= 1 and length >= _SHORTEST_MISSPELT:
            codes.add(_code(f"p{word[:half]}"))
            codes.add(_code(f"s{word[-(length - half) :]}"))
    return codes


def _typo_codes(folded: str) -> list[int]:
    tokens = folded.split()
    n = len(tokens)
    if n == 1:
        half = len(folded) // 2
        if len(folded) < _SHORTEST_MISSPELT:
            return []
        return [_code(f"p{folded[:half]}"), _code(f"s{folded[half:]}")]
    if n <= 3:
        return [
            _code(f"l{i}{token[0]} {' '.join(tokens[:i] + tokens[i + 1 :])}")
            for i, token in enumerate(tokens)
        ]
    return [
        _code(f"p{n} {' '.join(tokens[: n // 2])}"),
        _code(f"s{n} {' '.join(tokens[n // 2 :])}"),
    ]


def _codes_of_two(first: str, second: str) -> tuple[int, int]:
    """Return the codes of a name of two plain words: it is its own folded name and person's key."""
    # Checksums of "l0a second" and "l1b first": what they begin with is a checksum already.
    return (
        crc32(second.encode(), _BEFORE_0[first[0]]) - 0x8000_0000,
        crc32(first.encode(), _BEFORE_1[second[0]]) - 0x8000_0000,
    )


def _codes_of_three(key: str, first: str, second: str, third: str) -> set[int]:
    """Return the codes of a name of three plain words: it is its own folded name."""
    codes = {
        crc32(f"{second} {third}".encode(), _BEFORE_0[first[0]]) - 0x8000_0000,
        crc32(f"{first} {third}".encode(), _BEFORE_1[second[0]]) - 0x8000_0000,
        crc32(f"{first} {second}".encode(), _BEFORE_2[third[0]]) - 0x8000_0000,
    }
    person = person_key(key)
    if person is not None:  # two words of them
        codes.add(letters_code(person))
    return codes


def _code(text: str) -> int:
    # Shifted into the signed range, which SQLite keeps in four bytes.
    return crc32(text.encode()) - 0x8000_0000
