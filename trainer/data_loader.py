"""The data loader: each epoch is augmented, encoded and packed while the last one trains.

All draws depend on the seed and the epoch's number alone, so a run that resumes
sees the rows that it would have seen.
"""

from __future__ import annotations

import logging
import os
import random
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from lamlam.ending_signals import leave_to_parent
from lamlam.errors import NothingToLearn
from lamlam.trainer.augmentation import NO_AUGMENTATION, titles_by_kind
from lamlam.trainer.documents import Document, read_documents
from lamlam.trainer.endings import mark_cut
from lamlam.trainer.packing import IGNORED, EncodedDocument, PackedRows, augment_and_encode, pack
from lamlam.trainer.replay import draw_replay, read_replay
from lamlam.trainer.settings import Settings
from lamlam.trainer.shared_rows import SharedRows
from lamlam.trainer.split import log_split, split_documents
from lamlam.trainer.synthetic.documents import invent
from lamlam.trainer.tokenizer import LmlmTokenizer
from lamlam.usable_cpus import usable_cpus

log = logging.getLogger(__name__)

SHARD = 4096
"""Documents that one task prepares."""
_MOST_WORKERS = 16
_MOST_BEHIND = 8
"""Batches that the feed of another process may lag."""
# Forks share the documents. Elsewhere each worker gets a copy: macOS has forks, but its system
# libraries do not survive them.
_START_METHOD = "fork" if sys.platform == "linux" else "spawn"


def training_documents(settings: Settings, *, skip_invalid: bool = False) -> list[Document]:
    """Return the documents to train on, each marked as cut or not.

    Without those that are held out, and without what would give those away.

    Args:
        skip_invalid: leave out lines that are not documents; the log counts them.

    Raises:
        BadDocument: the file cannot be read, or a line is not a document.
        NothingToLearn: no document is left.
    """
    data = settings.data
    split = split_documents(
        read_documents(data.documents, skip_invalid=skip_invalid), data.held_out
    )
    log_split(split)
    if not split.training and split.held_out:
        raise NothingToLearn(
            "every document is held out, or much the same as one that is",
            hint="set data.held_out = 0 where documents are few",
        )
    documents = mark_cut(split.training)
    n_without = sum(not document.facts for document in documents)
    if n_without and not data.plain:
        log.warning(
            "%d of %d documents state no fact: their text is learnt by heart, with no lookup%s",
            n_without, len(documents),
            ", and the model will never ask memory" if n_without == len(documents) else "",
        )  # fmt: skip
    return documents


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch of rows, and where in the order of training it stands."""

    epoch: int
    number: int
    """Number of the batch in its epoch, from 0."""
    rows: PackedRows


@dataclass(frozen=True, slots=True)
class _Task:
    """One shard of one epoch."""

    indices: NDArray[np.int64]
    n_invented: int
    seed: int


class _Worker:
    """The state of a worker process: the documents and the tokenizer."""

    current: _Worker | None = None

    def __init__(
        self,
        settings: Settings,
        documents: Sequence[Document],
        titles: dict[str, list[str]],
        tokenizer_json: tuple[str, str],
        replay: Sequence[Document],
    ) -> None:
        from tokenizers import Tokenizer

        self.settings = settings
        self.documents = documents
        self.tokenizer = LmlmTokenizer(Tokenizer.from_str(tokenizer_json[0]), tokenizer_json[1])
        self.titles = titles
        self.replay = replay

    @classmethod
    def start(
        cls,
        settings: Settings,
        documents: Sequence[Document],
        titles: dict[str, list[str]],
        tokenizer_json: tuple[str, str],
        replay: Sequence[Document],
    ) -> None:
        # Each process encodes alone: threads inside would fight over the cores.
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        leave_to_parent()
        cls.current = cls(settings, documents, titles, tokenizer_json, replay)

    def rows(self, task: _Task) -> PackedRows:
        """Return the packed rows of one shard: rows are sent between processes, not documents."""
        settings = self.settings
        documents = self._encode(task)
        if self.replay:
            n_tokens = sum(len(document.tokens) for document in documents)
            documents += draw_replay(
                self.replay,
                settings.data.replay_share,
                n_tokens,
                self.tokenizer,
                task.seed + 2,
                longest=settings.model.context if settings.data.rows == "documents" else None,
            )
            random.Random(task.seed + 3).shuffle(documents)
        end_of_text = self.tokenizer.ids.end_of_text
        return pack(documents, settings.model.context, end_of_text, settings.data.rows)

    def _encode(self, task: _Task) -> list[EncodedDocument]:
        rng = random.Random(task.seed)
        documents = [self.documents[int(i)] for i in task.indices]
        documents += [invent(rng) for _ in range(task.n_invented)]
        rng.shuffle(documents)
        plain = self.settings.data.plain
        # The no-lookup baseline learns values by heart, so its texts must keep their true names.
        augmentation = NO_AUGMENTATION if plain else self.settings.data.variation
        whole = self.settings.data.rows == "documents"
        return augment_and_encode(
            documents,
            self.tokenizer,
            augmentation,
            self.titles,
            task.seed + 1,
            plain=plain,
            longest=self.settings.model.context if whole else None,
        )


_Shard = Future[PackedRows] | _Task | None
"""A shard that is being drawn, one to draw in this process, or one that another process draws."""


def _rows_in_worker(task: _Task) -> PackedRows:
    assert _Worker.current is not None
    return _Worker.current.rows(task)


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
        documents: Sequence[Document],
        tokenizer: LmlmTokenizer,
        *,
        workers: int = 0,
        shared: SharedRows | None = None,
    ) -> None:
        """Start the workers.

        Args:
            workers: processes that prepare rows; 0 does it in this one.
            shared: where processes that train together exchange the rows that each draws.
        """
        self._shared = shared
        if not documents:
            raise NothingToLearn("the training data has no documents")
        self.settings = settings
        self.n_documents = len(documents)
        # Counted once, not by each worker.
        titles = {} if settings.data.plain else titles_by_kind(documents)
        text = (tokenizer.full.to_str(), tokenizer.end_of_text)
        start = (settings, documents, titles, text, read_replay(settings.data))
        self._pool: Executor | None = None
        self._worker: _Worker | None = None
        self._has_told_of_parts = False
        if workers > 0:
            self._pool = ProcessPoolExecutor(
                workers,
                mp_context=get_context(_START_METHOD),
                initializer=_Worker.start,
                initargs=start,
            )
            self._pool.submit(os.getpid).result()  # where they fork, all do so now
        else:
            self._worker = _Worker(*start)

    def __enter__(self) -> BatchLoader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def epoch(self, number: int) -> PackedRows:
        """Return the shuffled rows of one epoch; the same number gives the same rows."""
        return self._join(number, self._submit(number))

    def batches(self, epoch: int = 0, first: int = 0) -> Iterator[Batch]:
        """Yield batches for ever.

        Args:
            epoch: the epoch to begin with; those before it are not drawn again.
            first: number of the batch in that epoch to begin with.
        """
        size = self.settings.optimiser.batch_rows
        tasks = self._submit(epoch)
        while True:
            following = self._submit(epoch + 1) if self._pool is not None else None
            rows = self._join(epoch, tasks)
            # An epoch's last rows that fill no batch wait for no one: they are
            # other rows each epoch. A corpus below one batch is repeated to fill it.
            n_rows = len(rows.inputs)
            if self._shared is not None:
                # Others are at most the batches of their feed behind: more epochs if those are short.
                self._shared.forget_before(epoch - 1 - _MOST_BEHIND // max(1, n_rows // size))
            order = np.resize(np.arange(n_rows), max(n_rows // size * size, size))
            for number in range(first, len(order) // size):
                chosen = order[number * size : (number + 1) * size]
                yield Batch(epoch, number, PackedRows(rows.inputs[chosen], rows.labels[chosen]))
            epoch, first = epoch + 1, 0
            tasks = following if following is not None else self._submit(epoch)

    def _submit(self, number: int) -> list[_Shard]:
        seed = self.settings.run.seed * 1_000_003 + number * 7919
        order = np.random.default_rng(seed).permutation(self.n_documents)
        tasks = [
            _Task(
                order[start : start + SHARD],
                round(min(SHARD, self.n_documents - start) * self.settings.data.invented),
                seed * 65_537 + start,
            )
            for start in range(0, self.n_documents, SHARD)
        ]
        is_ours = self._shared.is_ours if self._shared is not None else lambda shard: True
        pool = self._pool
        return [
            None
            if not is_ours(shard)
            else task
            if pool is None
            else pool.submit(_rows_in_worker, task)
            for shard, task in enumerate(tasks)
        ]

    def _join(self, number: int, tasks: list[_Shard]) -> PackedRows:
        drawn: dict[int, PackedRows] = {}
        for shard, task in enumerate(tasks):
            if task is None:
                continue
            if isinstance(task, Future):
                drawn[shard] = task.result()
            else:
                assert self._worker is not None
                drawn[shard] = self._worker.rows(task)
            if self._shared is not None:
                self._shared.put(number, shard, drawn[shard])
        if self._shared is not None:
            for shard in range(len(tasks)):
                if shard not in drawn:
                    drawn[shard] = self._shared.get(number, shard)
        parts = [drawn[shard] for shard in range(len(tasks))]
        inputs = np.concatenate([part.inputs for part in parts])
        labels = np.concatenate([part.labels for part in parts])
        n_later_parts = sum(part.n_later_parts for part in parts)
        if n_later_parts and not self._has_told_of_parts:
            self._has_told_of_parts = True
            log.info(
                "documents longer than a row of %d tokens are read in parts: %d more than documents",
                self.settings.model.context, n_later_parts,
            )  # fmt: skip
        if not (labels != IGNORED).any():
            raise NothingToLearn("every token of the documents is masked")
        order = np.random.default_rng(self.settings.run.seed + number).permutation(len(inputs))
        return PackedRows(inputs[order], labels[order])
