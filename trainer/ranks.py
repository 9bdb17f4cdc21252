"""Many processes that train one model: who is who, and what they agree on.

Started by ``torchrun``, each process has the whole model, reads its share of every
batch, and adds its gradients to those of the others once a step. Gradients are
summed by hand and not by `DistributedDataParallel`: the loss is one mean over what
all processes learn from, and the compiled loss stays one graph.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from lamlam.errors import BadSettings, ProcessLost

_BUCKET_BYTES = 256 << 20
"""Bytes of gradients that are summed in one operation."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """The place of this process among those that train together."""

    rank: int = 0
    world: int = 1
    local: int = 0
    """Number of the process on its machine: the GPU that it uses."""
    hosts: Any = None
    """Group for decisions and saving, between hosts: the GPU is not waited for; None if alone."""

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
        dist.all_reduce(shared, op=dist.ReduceOp.MAX, group=self.hosts)
        return int(shared)

    def agreed_text(self, text: str) -> str:
        """Return the text of the first process."""
        if self.world == 1:
            return text
        texts = [text]
        dist.broadcast_object_list(texts, src=0, group=self.hosts)
        return texts[0]

    def check_alike(self, figures: dict[str, Any]) -> None:
        """Raise in all processes where one has other data or settings than the first.

        Args:
            figures: by name, as `run_fingerprint` gives them.

        Raises:
            BadSettings: names the process and what differs there.
        """
        if self.world == 1:
            return
        everyone: list[Any] = [None] * self.world
        dist.all_gather_object(everyone, figures, group=self.hosts)
        first = everyone[0]
        for rank, other in enumerate(everyone):
            for name in sorted(first.keys() | other.keys()):
                if first.get(name) != other.get(name):
                    problem = BadSettings(
                        f"the {self.world} processes differ: {name} is {first.get(name)} in"
                        f" process 0 and {other.get(name)} in process {rank}",
                        hint="start all with the same settings and files",
                    )
                    problem.is_shared = True
                    raise problem


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
        # NVLink multicast: not used unless somebody asks for it.
        os.environ.setdefault("NCCL_NVLS_ENABLE", "0")
        torch.cuda.set_device(local)
    dist.init_process_group("nccl" if on_gpu else "gloo")
    is_whole = False
    try:
        yield Ranks(dist.get_rank(), world, local, dist.new_group(backend="gloo"))
        is_whole = True
    except BaseException as problem:
        is_whole = getattr(problem, "is_shared", False)  # no sum is left half done
        if not _is_of_the_connection(problem):
            raise
        raise ProcessLost(
            f"another of the {world} processes ended, or cannot be reached any more",
            hint="its own message says why; go on from the last saved state with --resume",
        ) from None
    finally:
        if is_whole or not on_gpu:
            dist.destroy_process_group()
        else:  # without waiting for sums that will never be complete
            with suppress(Exception):
                dist.distributed_c10d._abort_process_group()


def _is_of_the_connection(problem: BaseException) -> bool:
    """Return whether an error of torch means that another process is gone; Gloo's has no class."""
    if not isinstance(problem, RuntimeError):
        return False
    return isinstance(problem, dist.DistError) or any(
        word in str(problem) for word in ("gloo/transport", "Gloo", "NCCL", "ncclRemoteError")
    )
