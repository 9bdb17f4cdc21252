"""Rows of an epoch that many processes draw together, through files in a folder that all see."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lamlam.trainer.packing import PackedRows
from lamlam.trainer.ranks import Ranks
from lamlam.unfinished_files import part_beside

_POLL_S = 0.02


class SharedRows:
    """Each process writes the shards that it drew and reads those of the others.

    A process that dies is noticed by ``torchrun``, which ends the others; so waiting has no limit.
    """

    def __init__(self, folder: Path, ranks: Ranks) -> None:
        """Empty the folder: what a run that was killed left there may be of other settings.

        Args:
            folder: on a file system that all processes share.
        """
        self._folder = folder
        self._rank = ranks.rank
        self._world = ranks.world
        if ranks.is_first:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        ranks.wait()

    def is_ours(self, shard: int) -> bool:
        """Return whether this process draws a shard."""
        return shard % self._world == self._rank

    def put(self, epoch: int, shard: int, rows: PackedRows) -> None:
        """Write a shard, visible to others when it is whole."""
        target = self._path(epoch, shard)
        part = part_beside(target)
        try:
            with part.open("wb") as stream:
                np.save(stream, np.stack([rows.inputs, rows.labels]))
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)

    def get(self, epoch: int, shard: int) -> PackedRows:
        """Return a shard that another process draws, once it is there."""
        path = self._path(epoch, shard)
        while not path.exists():
            time.sleep(_POLL_S)
        both: NDArray[np.int32] = np.load(path)
        return PackedRows(both[0], both[1])

    def forget_before(self, epoch: int) -> None:
        """Remove this process's shards of the epochs before one, which all must have read."""
        for path in self._folder.glob("[0-9]*.npy"):
            number, shard = map(int, path.stem.split("-"))
            if number < epoch and self.is_ours(shard):
                path.unlink(missing_ok=True)

    def _path(self, epoch: int, shard: int) -> Path:
        return self._folder / f"{epoch}-{shard}.npy"
