"""Texts that are much the same as others: shingles of eight words, compared by their hashes."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from lamlam.trainer.forked_slices import in_slices

SHINGLE = 8
"""Words of one shingle."""
ENOUGH = 0.5
"""Share of the shorter text's shingles that makes a near-copy."""
_BATCH = 4096
_COMMON = 20
_COMMON_SHARE = 0.01
_MOST_WORDS = 1 << 20

_WORD = re.compile(r"\w+")
_ONLY_WORDS = bytes(i if _WORD.match(chr(i)) and i < 128 else 32 for i in range(256))
"""ASCII text to its words and spaces."""
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_TABLE_BITS = 22
_SHIFT = np.uint64(64 - _TABLE_BITS)

Hashes = NDArray[np.uint64]


def find_near_copies(texts: Sequence[str], originals: Sequence[str]) -> list[bool]:
    """Return for each text whether it is a near-copy of one of the originals.

    It is where half of the shingles of the shorter one are in both. Shingles that
    one text in a hundred has are how such texts are worded, and do not count.
    Memory grows with the originals, not with the texts.
    """
    hasher = _Hasher()
    kept = [hasher.shingles(text) for text in originals]
    lengths = np.array([len(hashes) for hashes in kept], dtype=np.int64)
    if not texts or not lengths.sum():
        return [False] * len(texts)
    index = _Index(kept)
    common = max(_COMMON, int(_COMMON_SHARE * len(texts)))
    found = in_slices(partial(_find_shared, texts, hasher, index, common), len(texts))
    text = np.concatenate([one.text for one in found])
    shingle = np.concatenate([one.shingle for one in found])
    sizes = np.concatenate([one.sizes for one in found])
    n_texts_with = np.sum([one.n_texts_with for one in found], axis=0)
    is_rare = n_texts_with[shingle] <= common
    text, original = index.originals_of(text[is_rare], shingle[is_rare])
    # Count the shingles that each pair shares.
    pairs, shared = np.unique(text * len(originals) + original, return_counts=True)
    text, original = np.divmod(pairs, len(originals))
    is_copy = np.zeros(len(texts), dtype=np.bool_)
    is_copy[text[shared >= ENOUGH * np.minimum(sizes[text], lengths[original])]] = True
    return [bool(copy) for copy in is_copy]


@dataclass(frozen=True, slots=True)
class _SharedShingles:
    """What a slice of the texts shares with the originals."""

    text: NDArray[np.int64]
    """Numbers of texts, and beside each a shingle that it shares."""
    shingle: NDArray[np.int64]
    sizes: NDArray[np.int64]
    """Different shingles of each text of the slice that shares something."""
    n_texts_with: NDArray[np.int64]
    """In how many texts of the slice each shingle is."""


def _find_shared(
    texts: Sequence[str], hasher: _Hasher, index: _Index, common: int, first: int, stop: int
) -> _SharedShingles:
    n_texts_with = np.zeros(len(index.hashes), dtype=np.int64)
    sizes = np.zeros(stop - first, dtype=np.int64)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for start in range(first, stop, _BATCH):
        hashes, n_each = hasher.all_shingles(texts[start : min(start + _BATCH, stop)])
        ends = np.cumsum(n_each)
        place, shingle = index.find(hashes)
        text = np.searchsorted(ends, place, side="right")
        # A text that has a shingle twice has it once.
        each = np.unique(text * len(index.hashes) + shingle)
        text, shingle = np.divmod(each, len(index.hashes))
        n_texts_with += np.bincount(shingle, minlength=len(n_texts_with))
        is_rare = n_texts_with[shingle] <= common  # what is common by now need not be kept
        text, shingle = text[is_rare], shingle[is_rare]
        for i in np.unique(text):
            sizes[start - first + i] = _n_different(hashes[ends[i] - n_each[i] : ends[i]])
        found.append((text + start, shingle))
    return _SharedShingles(
        np.concatenate([text for text, _ in found]),
        np.concatenate([shingle for _, shingle in found]),
        sizes,
        n_texts_with,
    )


class _WordNumbers(dict[bytes, int]):
    """A number for each word, worked out once."""

    def __missing__(self, word: bytes) -> int:
        number = self[word] = zlib.crc32(word)
        return number


class _Hasher:
    """Hashes shingles; remembers the hashes of words."""

    def __init__(self) -> None:
        self._words = _WordNumbers()

    def shingles(self, text: str) -> Hashes:
        """Return the different shingles' hashes, sorted; a shorter text is one shingle."""
        return np.unique(self.all_shingles([text])[0])

    def all_shingles(self, texts: Sequence[str]) -> tuple[Hashes, NDArray[np.int64]]:
        """Return the shingles' hashes of all texts in order, and how many each text has."""
        if len(self._words) > _MOST_WORDS:
            self._words.clear()
        words = [_words_of(text) for text in texts]
        n_words = np.array([len(found) for found in words], dtype=np.int64)
        n_all = int(n_words.sum())
        every = map(self._words.__getitem__, chain.from_iterable(words))
        numbers = np.fromiter(every, dtype=np.uint64, count=n_all)
        ends = np.cumsum(n_words)
        # Of every word the shingle that begins there; those that leave their text are dropped.
        numbers = np.concatenate([numbers, np.zeros(SHINGLE - 1, dtype=np.uint64)])
        hashes = np.zeros(n_all, dtype=np.uint64)
        for i in range(SHINGLE):
            hashes = hashes * _PRIME + numbers[i : i + n_all]
        for short in np.flatnonzero((n_words > 0) & (n_words < SHINGLE)).tolist():
            first = int(ends[short] - n_words[short])
            whole = 0
            for number in numbers[first : int(ends[short])].tolist():
                whole = (whole * int(_PRIME) + number) % 2**64
            hashes[first] = whole
        n_each = np.where(n_words > 0, np.maximum(n_words - SHINGLE + 1, 1), 0)
        left = np.repeat(ends, n_words) - np.arange(n_all)  # words from here to the text's end
        is_first = left == np.repeat(n_words, n_words)
        return hashes[(left >= SHINGLE) | is_first], n_each


def _words_of(text: str) -> list[bytes]:
    """Return the words of a text in small letters, as `_WORD` finds them."""
    text = text.casefold()
    if text.isascii():
        return text.encode().translate(_ONLY_WORDS).split()
    return [word.encode(errors="surrogatepass") for word in _WORD.findall(text)]


def _n_different(hashes: Hashes) -> int:
    ordered = np.sort(hashes)
    return 1 + int(np.count_nonzero(ordered[1:] != ordered[:-1]))


class _Index:
    """Shingles of the originals: each once, with the originals that have it."""

    def __init__(self, shingles: Sequence[Hashes]) -> None:
        every = np.concatenate(shingles)
        owner = np.repeat(np.arange(len(shingles)), [len(hashes) for hashes in shingles])
        order = np.argsort(every, kind="stable")
        self._owners = owner[order]
        self.hashes, self._starts, self._counts = np.unique(
            every[order], return_index=True, return_counts=True
        )
        # Most hashes are not here: one look into a table tells, where a search takes twenty.
        self._may_be_here = np.zeros(1 << _TABLE_BITS, dtype=np.bool_)
        self._may_be_here[self.hashes >> _SHIFT] = True

    def find(self, hashes: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return of each of the hashes that is here its place there and here."""
        likely = np.flatnonzero(self._may_be_here[hashes >> _SHIFT])
        at = np.minimum(np.searchsorted(self.hashes, hashes[likely]), len(self.hashes) - 1)
        is_here = self.hashes[at] == hashes[likely]
        return likely[is_here], at[is_here]

    def originals_of(
        self, texts: NDArray[np.int64], shingles: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the pairs (text, original), one for each original that has the shingle."""
        counts = self._counts[shingles]
        before = np.cumsum(counts) - counts
        within = np.arange(counts.sum()) - np.repeat(before, counts)
        return np.repeat(texts, counts), self._owners[
            np.repeat(self._starts[shingles], counts) + within
        ]
