"""Matrices that are spread over processes by rows, brought together in turn: each process gets
some of them whole."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor


class WholeMatrices:
    """Exchanges a stack of equal matrices; process ``r`` of ``w`` gets the matrices ``r``, ``r + w``, ….

    What is sent for it is every matrix once there and once back, not a copy of all to everyone.
    """

    def __init__(self, n: int, rows: int, columns: int, group: dist.ProcessGroup) -> None:
        """Take note of the stack.

        Args:
            n: number of matrices.
            rows: of a whole matrix; process ``r`` has the ``r``-th of equal parts of them, rounded
                up, as `torch.distributed.tensor.Shard` deals them out.
            group: the processes.
        """
        self._n, self._rows, self._columns, self._group = n, rows, columns, group
        self._world, self._rank = group.size(), group.rank()
        part = -(-rows // self._world)
        self._parts = [max(0, min(part, rows - r * part)) for r in range(self._world)]
        self._counts = [len(range(r, n, self._world)) for r in range(self._world)]

    def gather(self, here: Tensor) -> Tensor:
        """Return this process's whole matrices, (n here, rows, columns).

        Args:
            here: (n, rows here, columns) this process's rows of all matrices.
        """
        sent = torch.cat([here[r :: self._world].flatten() for r in range(self._world)])
        mine = self._counts[self._rank]
        received = self._exchanged(
            sent,
            [count * self._parts[self._rank] for count in self._counts],
            [mine * part for part in self._parts],
        )
        parts = [
            piece.view(mine, part, self._columns)
            for piece, part in zip(received, self._parts, strict=True)
        ]
        return torch.cat(parts, dim=1)

    def spread(self, whole: Tensor) -> Tensor:
        """Return this process's rows of all matrices, (n, rows here, columns).

        Args:
            whole: (n here, rows, columns) as `gather` gave them.
        """
        mine, part = self._counts[self._rank], self._parts[self._rank]
        sent = torch.cat([piece.flatten() for piece in torch.split(whole, self._parts, dim=1)])
        received = self._exchanged(
            sent,
            [mine * rows for rows in self._parts],
            [count * part for count in self._counts],
        )
        out = whole.new_empty(self._n, part, self._columns)
        for r, piece in enumerate(received):
            out[r :: self._world] = piece.view(self._counts[r], part, self._columns)
        return out

    def _exchanged(self, sent: Tensor, to: list[int], from_: list[int]) -> tuple[Tensor, ...]:
        """Send rows to each process and return those from each; counted in rows."""
        sizes = [rows * self._columns for rows in from_]
        received = sent.new_empty(sum(sizes))
        dist.all_to_all_single(
            received, sent, sizes, [rows * self._columns for rows in to], group=self._group
        )
        return torch.split(received, sizes)
