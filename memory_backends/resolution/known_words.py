"""Words that exist: a name made of them is not a typing error for another name.

Two Bloom filters in one file, made by `lamlam.bundled.build_words` from the texts and titles
of the training corpus and from a dictionary in the public domain. A filter never forgets a word,
and takes one in two hundred strings for a word that is none: such a slip is not forgiven.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from zlib import crc32

_N_PROBES = 6
_SIZE_BYTES = 4


class WordFilter:
    """A Bloom filter of folded words."""

    __slots__ = ("_bits", "_n_bits")

    def __init__(self, bits: bytes | bytearray) -> None:
        """Take the bits of a filter; a new one begins with zeros."""
        self._bits = bits
        self._n_bits = 8 * len(bits)

    def __contains__(self, word: str) -> bool:
        bits, n_bits = self._bits, self._n_bits
        at, step = _hashes(word)
        for _ in range(_N_PROBES):
            at = (at + step) % n_bits
            if not bits[at >> 3] >> (at & 7) & 1:
                return False
        return True

    @classmethod
    def of(cls, words: Iterable[str], n_bytes: int) -> WordFilter:
        """Return a filter of so many bytes that holds these words."""
        bits = bytearray(n_bytes)
        made = cls(bits)
        for word in words:
            at, step = _hashes(word)
            for _ in range(_N_PROBES):
                at = (at + step) % made._n_bits
                bits[at >> 3] |= 1 << (at & 7)
        return made

    def __bytes__(self) -> bytes:
        return bytes(self._bits)


def _hashes(word: str) -> tuple[int, int]:
    """Return where the bits of a word begin, and how far apart they are."""
    return crc32(word.encode()), crc32(word[::-1].encode(), 1)


def is_known_word(word: str) -> bool:
    """Return whether a folded word occurs in a name, in a text or in the dictionary."""
    return word in _filters()[0]


def is_common_word(word: str) -> bool:
    """Return whether a folded word is a frequent one that texts write with a small letter."""
    return word in _filters()[1]


def pack_filters(known: WordFilter, common: WordFilter) -> bytes:
    """Return both filters as the bytes of a file."""
    first = bytes(known)
    return len(first).to_bytes(_SIZE_BYTES, "big") + first + bytes(common)


@lru_cache(maxsize=1)
def _filters() -> tuple[WordFilter, WordFilter]:
    # Read when the first misspelling is judged: most processes never meet one.
    packed = Path(__file__).with_name("known_words.bloom").read_bytes()
    middle = _SIZE_BYTES + int.from_bytes(packed[:_SIZE_BYTES], "big")
    return WordFilter(packed[_SIZE_BYTES:middle]), WordFilter(packed[middle:])
