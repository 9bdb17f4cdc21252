"""The data loader: each epoch is augmented, encoded and packed while the last one trains.

All draws depend on the seed and the epoch's number alone, so a run that resumes
sees the rows that it would have seen.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np

from lamlam.errors import NothingToLearn, WorkerKilled
from lamlam.trainer.documents import Document
from lamlam.trainer.epoch_draws import (
    DocumentSource,
    Draw,
    Drawer,
    draws_of_epoch,
    rows_in_worker,
    start_drawing,
)
from lamlam.trainer.packing import PackedRows
from lamlam.trainer.replay import read_replay
from lamlam.trainer.row_parts import EpochRows, RowPart, RowsInMemory
from lamlam.trainer.settings import Settings
from lamlam.trainer.shared_rows import SharedRows
from lamlam.trainer.source_shares import log_sources
from lamlam.trainer.tokenizer import LmlmTokenizer
from lamlam.trainer.training_data import TrainingData
from lamlam.usable_cpus import usable_cpus

log = logging.getLogger(__name__)

SHARD = 4096
"""Documents that one task prepares."""
_MOST_WORKERS = 16
_MOST_BEHIND = 8
"""Batches that the feed of another process may lag."""
# Forks share the documents. Elsewhere each worker gets a copy: macOS has forks, but its system
# libraries do not survive them.
START_METHOD = "fork" if sys.platform == "linux" else "spawn"


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch of rows, and where in the order of training it stands."""

    epoch: int
    number: int
    """Number of the batch in its epoch, from 0."""
    rows: PackedRows


_MOST_EMPTY = 100
"""Epochs without rows, after which none will come."""
_Shard = Future[PackedRows] | Draw | None
"""A shard that is being drawn, one to draw in this process, or one that another process draws."""


@dataclass(frozen=True, slots=True)
class _Epoch:
    """An epoch in the making."""

    number: int
    drawn: list[_Shard]
    mapped: Future[list[RowPart]]
    """Rows of token files."""


def choose_workers(workers: int, *, on_gpu: bool, processes: int = 1) -> int:
    """Return how many processes prepare rows.

    Args:
        workers: of the settings; below 0: two processors are left to the loop of a GPU, and all
            to the model where it trains on a CPU.
        processes: that share the processors, one for each GPU.
    """
    if workers >= 0:
        return workers
    return max(1, min(usable_cpus() // processes - 2, _MOST_WORKERS)) if on_gpu else 0


class BatchLoader:
    """Batches of packed rows in the order of training; a context manager.

    Make it before the first use of a GPU: its workers are forks of this process.
    """

    def __init__(
        self,
        settings: Settings,
        data: TrainingData | Sequence[Document],
        tokenizer: LmlmTokenizer,
        *,
        workers: int = 0,
        shared: SharedRows | None = None,
    ) -> None:
        """Start the workers.

        Args:
            data: the sources, or the documents of the only one.
            workers: processes that draw documents; 0 does it in this one. Token files need none.
            shared: where processes that train together exchange the rows that each draws.
        """
        if not isinstance(data, TrainingData):
            source = (DocumentSource("data.documents", data),) if data else ()
            data = TrainingData(settings, source, replay=read_replay(settings.data))
        if not any(source.documents for source in data.documents) and not data.tokens:
            raise NothingToLearn("the training data has no documents")
        self.settings = settings
        self._data = data
        self._shared = shared
        self._end_of_text = tokenizer.ids.end_of_text
        self._has_told_of_parts = False
        # Counts titles once, not in each worker.
        self._drawer = Drawer(settings, data.documents, tokenizer, data.replay)
        if data.tokens or len(data.documents) > 1:
            log_sources(data, self._drawer)
        self._pool: Executor | None = None
        if workers > 0 and data.documents:
            self._pool = ProcessPoolExecutor(
                workers,
                mp_context=get_context(START_METHOD),
                initializer=start_drawing,
                initargs=(self._drawer.for_workers(),),
            )
            self._pool.submit(os.getpid).result()  # where they fork, all do so now
        self._begun: dict[int, _Epoch] = {}
        # One thread finds out which mapped documents share a row, an epoch ahead.
        self._mapping = ThreadPoolExecutor(1, "mapped-rows")

    def __enter__(self) -> BatchLoader:
        return self

    def __exit__(self, *_: object) -> None:
        for pool in (self._pool, self._mapping):
            if pool is not None:
                pool.shutdown(wait=False, cancel_futures=True)

    def begin(self, epoch: int) -> None:
        """Let the workers draw an epoch that will be asked for first; without workers, nothing."""
        if self._pool is not None:
            self._begun[epoch] = self._submit(epoch)

    def epoch(self, number: int) -> PackedRows:
        """Return the shuffled rows of one epoch; the same number gives the same rows."""
        rows = self._join(self._submit(number))
        return rows.take(np.arange(len(rows)))

    def batches(self, epoch: int = 0, first: int = 0) -> Iterator[Batch]:
        """Yield batches for ever.

        Args:
            epoch: the epoch to begin with; those before it are not drawn again.
            first: number of the batch in that epoch to begin with.
        """
        size = self.settings.optimiser.batch_rows
        begun = self._begun.pop(epoch, None) or self._submit(epoch)
        n_empty = 0
        while True:
            is_ahead = self._pool is not None or not self._data.documents
            following = self._submit(epoch + 1) if is_ahead else None
            rows = self._join(begun)
            # An epoch's last rows that fill no batch wait for no one: they are
            # other rows each epoch. A corpus below one batch is repeated to fill it.
            n_rows = len(rows)
            if self._shared is not None:
                # Others are at most the batches of their feed behind: more epochs if those are short.
                behind = _MOST_BEHIND // max(1, n_rows // size)
                self._shared.forget_before(epoch - 1 - behind)
            n_batches = max(n_rows // size, 1) if n_rows else 0  # small weights may leave none
            n_empty = 0 if n_batches else n_empty + 1
            if n_empty == _MOST_EMPTY:
                raise NothingToLearn(
                    f"{n_empty} epochs after one another had no rows",
                    hint="the weights of data.mixture leave no document: raise them",
                )
            for number in range(first, n_batches):
                places = np.arange(number * size, (number + 1) * size) % n_rows
                yield Batch(epoch, number, rows.take(places))
            epoch, first = epoch + 1, 0
            begun = following if following is not None else self._submit(epoch)

    def _submit(self, number: int) -> _Epoch:
        draws = draws_of_epoch(self.settings, self._data.documents, number, SHARD)
        is_ours = self._shared.is_ours if self._shared is not None else lambda shard: True
        pool = self._pool
        drawn: list[_Shard] = [
            None
            if not is_ours(shard)
            else draw
            if pool is None
            else pool.submit(rows_in_worker, draw)
            for shard, draw in enumerate(draws)
        ]
        return _Epoch(number, drawn, self._mapping.submit(self._map, number))

    def _map(self, number: int) -> list[RowPart]:
        return [
            part
            for source in self._data.tokens
            for part in source.parts(self.settings, number, self._end_of_text)
        ]

    def _join(self, epoch: _Epoch) -> EpochRows:
        drawn: dict[int, PackedRows] = {}
        for shard, draw in enumerate(epoch.drawn):
            if draw is None:
                continue
            drawn[shard] = _drawn(draw) if isinstance(draw, Future) else self._drawer.rows(draw)
            if self._shared is not None:
                self._shared.put(epoch.number, shard, drawn[shard])
        if self._shared is not None:
            for shard in range(len(epoch.drawn)):
                if shard not in drawn:
                    drawn[shard] = self._shared.get(epoch.number, shard)
        parts: list[RowPart] = [RowsInMemory(drawn[shard]) for shard in range(len(epoch.drawn))]
        rows = EpochRows([*parts, *epoch.mapped.result()], self.settings.run.seed + epoch.number)
        if rows.n_later_parts and not self._has_told_of_parts:
            self._has_told_of_parts = True
            log.info(
                "documents longer than a row of %d tokens are read in parts: %d more than documents",
                self.settings.model.context, rows.n_later_parts,
            )  # fmt: skip
        if len(rows) and not rows.n_learnt:
            raise NothingToLearn("every token of the documents is masked")
        return rows


def _drawn(rows: Future[PackedRows]) -> PackedRows:
    try:
        return rows.result()
    except BrokenProcessPool:
        raise WorkerKilled(
            "a process that prepares rows was killed, perhaps for want of memory",
            hint="set data.workers to fewer; continue with --resume from the last saved state",
        ) from None
