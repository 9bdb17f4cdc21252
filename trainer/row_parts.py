"""The rows of one epoch: in memory, or on disk until they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lamlam.trainer.packing import IGNORED, PackedRows


class RowPart(Protocol):
    """Some rows of an epoch."""

    @property
    def n_learnt(self) -> int:
        """Labels that count in the loss."""

    @property
    def n_later_parts(self) -> int:
        """Parts of long documents, the first part of each left out."""

    def __len__(self) -> int: ...

    def take(self, rows: NDArray[np.int64]) -> PackedRows:
        """Return rows by their numbers."""


class RowsInMemory:
    """Rows that were drawn already."""

    def __init__(self, rows: PackedRows) -> None:
        self._rows = rows
        self.n_learnt = int(np.count_nonzero(rows.labels != IGNORED))
        self.n_later_parts = rows.n_later_parts

    def __len__(self) -> int:
        return len(self._rows.inputs)

    def take(self, rows: NDArray[np.int64]) -> PackedRows:
        """Return rows by their numbers."""
        return PackedRows(self._rows.inputs[rows], self._rows.labels[rows])


class EpochRows:
    """All rows of an epoch, shuffled."""

    def __init__(self, parts: Sequence[RowPart], seed: int) -> None:
        """Put the rows of the parts together in another order.

        Args:
            seed: of the order.
        """
        self._parts = parts
        self._ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
        n_rows = int(self._ends[-1]) if len(parts) else 0
        self._order = np.random.default_rng(seed).permutation(n_rows)
        self.n_learnt = sum(part.n_learnt for part in parts)
        self.n_later_parts = sum(part.n_later_parts for part in parts)

    def __len__(self) -> int:
        return len(self._order)

    def take(self, places: NDArray[np.int64]) -> PackedRows:
        """Return the rows at some places of the order."""
        numbers = self._order[places]
        owners = np.searchsorted(self._ends, numbers, side="right")
        taken: list[PackedRows] = []
        at: list[NDArray[np.int64]] = []
        for owner in np.unique(owners):
            mine = np.flatnonzero(owners == owner)
            part = self._parts[owner]
            taken.append(part.take(numbers[mine] - (self._ends[owner] - len(part))))
            at.append(mine)
        if len(taken) == 1:
            return taken[0]
        back = np.argsort(np.concatenate(at))
        return PackedRows(
            np.concatenate([rows.inputs for rows in taken])[back],
            np.concatenate([rows.labels for rows in taken])[back],
        )
