"""Rows of an epoch that many processes draw together, through files in a folder that all see."""

from __future__ import annotations

import io
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from lamlam.errors import ProcessLost, SavingFailed
from lamlam.trainer.packing import PackedRows
from lamlam.trainer.ranks import Ranks
from lamlam.trainer.write_errors import write_error
from lamlam.unfinished_files import part_beside

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None  # type: ignore[assignment]

_POLL_S = 0.02
_POLLS_BETWEEN_CHECKS = 25


class SharedRows:
    """Each process writes the shards that it drew and reads those of the others; a context manager.

    Each holds a lock as long as it lives: nobody waits for the rows of one that has ended.
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
        self._lock: IO[bytes] | None = None
        if fcntl is not None:
            self._lock = self._lock_of(self._rank).open("wb")
            with suppress(OSError):  # a file system without locks
                fcntl.lockf(self._lock, fcntl.LOCK_EX)
        ranks.wait()
        # All hold theirs now: who can take one of another machine looks at locks of its own only.
        others = [rank for rank in range(self._world) if rank != self._rank]
        self._locks_are_seen = not any(self._has_ended(rank) for rank in others)
        ranks.wait()

    def __enter__(self) -> SharedRows:
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            self._lock.close()
        if self._rank == 0:
            shutil.rmtree(self._folder, ignore_errors=True)

    def is_ours(self, shard: int) -> bool:
        """Return whether this process draws a shard."""
        return shard % self._world == self._rank

    def put(self, epoch: int, shard: int, rows: PackedRows) -> None:
        """Write a shard, visible to others when it is whole.

        Raises:
            SavingFailed: there is no room for it.
        """
        target = self._path(epoch, shard)
        part = part_beside(target)
        try:
            whole = io.BytesIO()  # numpy itself does not say why it cannot write
            np.save(whole, np.stack([rows.inputs, rows.labels]))
            part.write_bytes(whole.getbuffer())
            os.replace(part, target)
        except OSError as problem:
            raise SavingFailed(
                f"cannot write rows for the other processes in {self._folder}:"
                f" {write_error(problem)}",
                hint="make room there, and continue with --resume",
            ) from None
        finally:
            part.unlink(missing_ok=True)

    def get(self, epoch: int, shard: int) -> PackedRows:
        """Return a shard that another process draws, once it is there.

        Raises:
            ProcessLost: it ended before.
        """
        path = self._path(epoch, shard)
        polls = 0
        while True:
            with suppress(FileNotFoundError):
                both: NDArray[np.int32] = np.load(path)
                return PackedRows(both[0], both[1])
            polls += 1
            is_time = self._locks_are_seen and polls % _POLLS_BETWEEN_CHECKS == 0
            if is_time and self._has_ended(shard % self._world):
                raise ProcessLost(
                    f"process {shard % self._world} ended before it gave its rows",
                    hint="its own message says why; go on with --resume",
                )
            time.sleep(_POLL_S)

    def forget_before(self, epoch: int) -> None:
        """Remove this process's shards of the epochs before one, which all must have read."""
        for path in self._folder.glob("[0-9]*.npy"):
            number, shard = map(int, path.stem.split("-"))
            if number < epoch and self.is_ours(shard):
                path.unlink(missing_ok=True)

    def _has_ended(self, rank: int) -> bool:
        """Return whether a process no longer holds its lock: a system lets it go with the process."""
        if fcntl is None:
            return False
        try:
            with self._lock_of(rank).open("rb+") as lock:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return True  # the folder is gone with the first process
        except OSError:
            return False
        return True

    def _lock_of(self, rank: int) -> Path:
        return self._folder / f"process-{rank}.lock"

    def _path(self, epoch: int, shard: int) -> Path:
        return self._folder / f"{epoch}-{shard}.npy"
