"""Many processes that train one model: who is who, and what they agree on.

Started by ``torchrun``, each process has the whole model, reads its share of every
batch, and adds its gradients to those of the others once a step. Gradients are
summed by hand and not by `DistributedDataParallel`: the loss is one mean over what
all processes learn from, and the compiled loss stays one graph.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from lamlam.errors import BadSettings

_BUCKET_BYTES = 256 << 20
"""Bytes of gradients that are summed in one operation."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """The place of this process among those that train together."""

    rank: int = 0
    world: int = 1
    local: int = 0
    """Number of the process on its machine: the GPU that it uses."""
    _decisions: Any = None
    """Group for decisions, between hosts: the GPU is not waited for."""

    @property
    def is_first(self) -> bool:
        """Whether this process reports and saves."""
        return self.rank == 0

    def share_of(self, batch_rows: int, parts: int) -> slice:
        """Return which rows of a batch this process reads.

        Raises:
            BadSettings: the rows cannot be shared evenly.
        """
        if batch_rows % (self.world * parts):
            raise BadSettings(
                f"optimiser.batch_rows is {batch_rows}, which {self.world} processes with"
                f" {parts} parts each (optimiser.accumulate) cannot share evenly",
                hint=f"use a multiple of {self.world * parts}",
            )
        rows = batch_rows // self.world
        return slice(self.rank * rows, (self.rank + 1) * rows)

    def sum_gradients(self, weights: Iterable[Tensor]) -> None:
        """Add up the gradients of all processes, in place."""
        if self.world == 1:
            return
        bucket: list[Tensor] = []
        size = 0
        for weight in weights:
            if weight.grad is None:
                continue
            bucket.append(weight.grad)
            size += weight.grad.numel() * weight.grad.element_size()
            if size >= _BUCKET_BYTES:
                _sum_together(bucket)
                bucket, size = [], 0
        if bucket:
            _sum_together(bucket)

    def sum(self, figure: Tensor) -> Tensor:
        """Return the sum of a figure over all processes."""
        if self.world > 1:
            dist.all_reduce(figure)
        return figure

    def wait(self) -> None:
        """Wait until all processes are here."""
        self.largest(0)

    def largest(self, number: int) -> int:
        """Return the largest of a number over all processes, so that all decide alike."""
        if self.world == 1:
            return number
        shared = torch.tensor([number])
        dist.all_reduce(shared, op=dist.ReduceOp.MAX, group=self._decisions)
        return int(shared)


def _sum_together(gradients: list[Tensor]) -> None:
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    parts = torch.split(flat, [gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


@contextmanager
def joined_ranks(*, on_gpu: bool) -> Iterator[Ranks]:
    """Join the processes that ``torchrun`` started; alone where it did not.

    Args:
        on_gpu: sum on the GPUs by NCCL, else on the hosts by Gloo.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Ranks()
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if on_gpu:
        torch.cuda.set_device(local)
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield Ranks(dist.get_rank(), world, local, dist.new_group(backend="gloo"))
    finally:
        dist.destroy_process_group()
