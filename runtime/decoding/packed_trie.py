"""A trie of all entity names as paths of tokens, in a few bytes for each token.

All paths are concatenated in one sorted array, so those with a common prefix are neighbours and a
node of the trie is a range of rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from lamlam.runtime.decoding.sampling import TokenIds


class PackedTrie:
    """All paths, each ended by the token that closes a name."""

    def __init__(self, names: Iterable[tuple[int, ...]], closing: int) -> None:
        """Sort the names; ``closing`` occurs in none of them."""
        paths = sorted({(*name, closing) for name in names})
        self.tokens = np.fromiter(chain.from_iterable(paths), np.int32)
        lengths = np.fromiter(map(len, paths), np.int64, len(paths))
        self.starts = np.cumsum(lengths) - lengths
        self.ends = np.cumsum(lengths)
        self.root = PackedPaths(self, 0, len(paths), 0) if paths else None
        """The root node; ``None`` if there are no names."""


class PackedPaths:
    """A node: the rows that begin with the tokens so far."""

    def __init__(self, table: PackedTrie, first: int, end: int, depth: int) -> None:
        self._table = table
        self._first = first
        self._end = end
        self._depth = depth
        self._choices: TokenIds | None = None

    @property
    def choices(self) -> TokenIds:
        """The tokens that lead on, in ascending order; none behind the closing one."""
        if self._choices is None:
            column = self._column
            first_of_each = np.flatnonzero(np.diff(column, prepend=-1))
            self._choices = column[first_of_each].astype(np.int64)
        return self._choices

    def after(self, token: int) -> PackedPaths | None:
        """Return where the token leads; none off every path."""
        column = self._column
        low, high = (int(np.searchsorted(column, token, side)) for side in ("left", "right"))
        if low == high:
            return None
        return PackedPaths(self._table, self._first + low, self._first + high, self._depth + 1)

    @cached_property
    def _column(self) -> NDArray[np.int32]:
        table = self._table
        at = table.starts[self._first : self._end] + self._depth
        # No path is the beginning of another: each has a token here, or is the only one and over.
        column: NDArray[np.int32] = table.tokens[at[at < table.ends[self._first : self._end]]]
        return column
