"""Rows of a mapped shard: which documents share each row is known at once, the tokens when asked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lamlam.trainer.packing import IGNORED, PackedRows, fit_whole
from lamlam.trainer.token_files.shard_files import MappedShard

Numbers = NDArray[np.int64]


class MappedRows:
    """The rows that `pack` would make of some documents of a shard, read as they are asked for."""

    def __init__(
        self, shard: MappedShard, documents: Numbers, seq_len: int, end_of_text: int
    ) -> None:
        """Find out which documents share each row.

        Args:
            documents: numbers of them, in the order in which they are to be seen; none is longer
                than a row.
        """
        self._shard = shard
        self._seq_len = seq_len
        self._end_of_text = end_of_text
        lengths = shard.lengths[documents]
        groups = fit_whole(lengths.tolist(), seq_len)
        sizes = np.array([len(group) for group in groups], dtype=np.int64)
        inside = np.array([i for group in groups for i in group], dtype=np.int64)
        self._documents = documents[inside]
        self._counts = sizes
        self._firsts = np.cumsum(sizes) - sizes
        # Where in its row each document begins.
        before = np.cumsum(lengths[inside]) - lengths[inside]
        self._offsets = before - np.repeat(before[self._firsts], sizes)
        self.n_later_parts = int(np.count_nonzero(shard.is_later_part[documents]))
        self.n_learnt = int(shard.learnt[documents].sum())

    def __len__(self) -> int:
        return len(self._counts)

    def take(self, rows: Numbers) -> PackedRows:
        """Return rows by their numbers."""
        counts = self._counts[rows]
        chosen = _ranges(self._firsts[rows], counts)
        documents = self._documents[chosen]
        lengths = self._shard.lengths[documents]
        width = self._seq_len + 1
        # One token more than a row: the end of the text behind its last document.
        begins = np.repeat(np.arange(len(rows)), counts) * width + self._offsets[chosen]
        targets = _ranges(begins, lengths)
        tokens = np.full(len(rows) * width, self._end_of_text, dtype=np.int32)
        mask = np.zeros(len(rows) * width, dtype=np.bool_)
        tokens[targets], mask[targets] = self._shard.take(
            _ranges(self._shard.starts[documents], lengths)
        )
        # The token that ends a document is the first of the next one.
        mask[begins + lengths] = self._shard.ends_in_loss[documents]
        labels = np.where(mask, tokens, IGNORED).astype(np.int32).reshape(-1, width)
        return PackedRows(np.ascontiguousarray(tokens.reshape(-1, width)[:, :-1]), labels[:, 1:])


def _ranges(starts: Numbers, counts: Numbers) -> Numbers:
    """Return the numbers of each range one behind another: 5, 3 and 2, 4 give 5, 6, 7, 2, 3, 4, 5."""
    before = np.cumsum(counts) - counts
    result: Numbers = np.arange(counts.sum()) + np.repeat(starts - before, counts)
    return result
