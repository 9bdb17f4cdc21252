"""Texts that are much the same as others: shingles of eight words, compared by their hashes."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SHINGLE = 8
"""Words of one shingle."""
ENOUGH = 0.5
"""Share of the shorter text's shingles that makes a near-copy."""
_BATCH = 4096
_COMMON = 20
_COMMON_SHARE = 0.01
_MOST_WORDS = 1 << 20

_WORD = re.compile(r"\w+")
_PRIME = np.uint64(0x9E3779B97F4A7C15)

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
    n_texts_with = np.zeros(len(index.hashes), dtype=np.int64)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []  # (text, shingle)
    sizes = np.zeros(len(texts), dtype=np.int64)
    for start in range(0, len(texts), _BATCH):
        parts = [hasher.shingles(text) for text in texts[start : start + _BATCH]]
        n_each = np.array([len(part) for part in parts], dtype=np.int64)
        sizes[start : start + len(parts)] = n_each
        text, shingle = index.find(np.concatenate(parts), np.repeat(np.arange(len(parts)), n_each))
        n_texts_with += np.bincount(shingle, minlength=len(n_texts_with))
        is_rare = n_texts_with[shingle] <= common  # what is common by now need not be kept
        found.append((text[is_rare] + start, shingle[is_rare]))
    text = np.concatenate([part for part, _ in found])
    shingle = np.concatenate([part for _, part in found])
    is_rare = n_texts_with[shingle] <= common
    text, original = index.originals_of(text[is_rare], shingle[is_rare])
    # Count the shingles that each pair shares.
    pairs, shared = np.unique(text * len(originals) + original, return_counts=True)
    text, original = np.divmod(pairs, len(originals))
    is_copy = np.zeros(len(texts), dtype=np.bool_)
    is_copy[text[shared >= ENOUGH * np.minimum(sizes[text], lengths[original])]] = True
    return [bool(copy) for copy in is_copy]


class _Hasher:
    """Hashes shingles; remembers the hashes of words."""

    def __init__(self) -> None:
        self._words: dict[str, int] = {}

    def shingles(self, text: str) -> Hashes:
        """Return the different shingles' hashes, sorted; a shorter text is one shingle."""
        if len(self._words) > _MOST_WORDS:
            self._words.clear()
        known = self._words
        hashes: list[int] = []
        for word in _WORD.findall(text.casefold()):
            number = known.get(word)
            if number is None:
                number = known[word] = zlib.crc32(word.encode(errors="surrogatepass"))
            hashes.append(number)
        words = np.array(hashes, dtype=np.uint64)
        length = min(SHINGLE, len(words))
        n = len(words) - length + 1 if length else 0
        result = np.zeros(n, dtype=np.uint64)
        for i in range(length):
            result = result * _PRIME + words[i : i + n]
        return np.unique(result)


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

    def find(
        self, hashes: Hashes, texts: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return text and place here of each of the hashes that is here."""
        at = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        is_here = self.hashes[at] == hashes
        return texts[is_here], at[is_here]

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
