"""Token files as a source of rows: which of the epochs on disk an epoch of a run reads, and how."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamlam.trainer.packing import pack
from lamlam.trainer.row_parts import RowPart, RowsInMemory
from lamlam.trainer.settings import Settings
from lamlam.trainer.token_files.mapped_rows import MappedRows
from lamlam.trainer.token_files.token_folder import TokenFolder
from lamlam.usable_cpus import usable_cpus

_MOST_THREADS = 8


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some documents of one shard."""

    turn: int
    """How many epochs on disk were read before."""
    epoch: int
    shard: int
    first: int
    stop: int


@dataclass(frozen=True, slots=True)
class TokenFileSource:
    """A folder of token files, and how often an epoch reads it."""

    name: str
    """What messages call it: the setting and its folder."""
    folder: TokenFolder
    weight: float = 1.0

    def parts(self, settings: Settings, number: int, end_of_text: int) -> list[RowPart]:
        """Return the rows of one epoch of a run, a part for each shard.

        The epochs on disk are read in turn, as they were drawn. When all were read, they come
        again in turn, the documents of each shard in another order, and so they do from the start
        if the run has another seed than the tokens.

        Args:
            number: of the epoch, from 0.

        Raises:
            BadTokenFiles: a shard is damaged.
        """
        pieces = list(self._pieces(number))
        # Comparing with a hash needs no lock of the interpreter.
        with ThreadPoolExecutor(max(1, min(usable_cpus(), _MOST_THREADS))) as threads:
            shards = list(threads.map(lambda p: self.folder.shard(p.epoch, p.shard), pieces))
        parts: list[RowPart] = []
        for piece, shard in zip(pieces, shards, strict=True):
            documents = np.arange(piece.first, piece.stop)
            order = self._order(settings, piece, len(shard))
            if order is not None:
                documents = order[documents]
            if settings.data.rows == "documents":
                parts.append(MappedRows(shard, documents, settings.model.context, end_of_text))
            elif len(documents):
                whole = [shard.document(int(i)) for i in documents]
                rows = pack(whole, settings.model.context, end_of_text, "stream")
                parts.append(RowsInMemory(rows))
        return parts

    def _order(
        self, settings: Settings, piece: _Piece, n_documents: int
    ) -> NDArray[np.int64] | None:
        """Return another order of the documents of a shard; None for that in which they lie."""
        seed = settings.run.seed
        if piece.turn < self.folder.n_epochs and seed == self.folder.manifest.settings["run.seed"]:
            return None
        return np.random.default_rng([seed, piece.turn, piece.shard]).permutation(n_documents)

    def _pieces(self, number: int) -> Iterator[_Piece]:
        start, stop = number * self.weight, (number + 1) * self.weight
        for turn in range(math.floor(start), math.ceil(stop)):
            epoch = turn % self.folder.n_epochs
            sizes = [
                sum(one.documents + one.later_parts for one in shard.counts.values())
                for shard in self.folder.manifest.epochs[epoch]
            ]
            first, last = (
                round(min(max(edge - turn, 0.0), 1.0) * sum(sizes)) for edge in (start, stop)
            )
            before = 0
            for shard, size in enumerate(sizes):
                begin, end = max(first, before), min(last, before + size)
                if begin < end:
                    yield _Piece(turn, epoch, shard, begin - before, end - before)
                before += size
