"""Weights, gradients and optimiser states spread over all processes (FSDP2).

Each block of a model is a unit: its weights are gathered when it runs, and its
gradients are summed and spread again when it is done. The loss itself is the
outermost unit, so that the embedding, the last norm and the output matrix, which
it reads directly, are whole while it runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor
from transformers import PreTrainedModel

from lamlam.trainer.compiled_parts import blocks_of, compile_block, compiled_loss
from lamlam.trainer.cross_entropy import summed_cross_entropy
from lamlam.trainer.low_rank import merged_weights
from lamlam.trainer.model import next_token_loss


class ShardedLoss(torch.nn.Module):
    """`next_token_loss` of a model that is spread over all processes."""

    def __init__(
        self,
        model: PreTrainedModel,
        device: torch.device,
        world: int,
        dtype: torch.dtype,
        *,
        compiled: bool,
    ) -> None:
        """Spread the model, in place; call this alike in all processes, before its optimisers.

        Args:
            model: on the CPU, with the same weights everywhere; its parts move to the device.
            world: number of processes.
            dtype: of the matrix products; blocks are gathered in it.
            compiled: compile each block and the loss.
        """
        super().__init__()
        self.model = model
        self._cross_entropy: Callable[..., Tensor] = summed_cross_entropy
        mesh = init_device_mesh(device.type, (world,))
        # The embedding and the output matrix are gathered in float32: their gradients meet there,
        # where the blocks' are bfloat16 before they are summed, as under autocast.
        sums_in_float32 = MixedPrecisionPolicy(reduce_dtype=torch.float32)
        inner = MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=torch.float32)
        for block in blocks_of(model):
            if compiled:  # inside of what gathers its weights, which no graph can contain
                compile_block(block)
            _summed(fully_shard(block, mesh=mesh, mp_policy=inner))
        if compiled:
            self._cross_entropy = compiled_loss()
        _summed(fully_shard(self, mesh=mesh, mp_policy=sums_in_float32))

    def forward(
        self, *arguments: Any, cross_entropy: Callable[..., Tensor] | None = None
    ) -> Tensor:
        """Return the summed loss; the arguments are those of `next_token_loss` after the model."""
        return next_token_loss(
            self.model, *arguments, cross_entropy=cross_entropy or self._cross_entropy
        )

    def without_gradients(self, *arguments: Any, cross_entropy: Callable[..., Tensor]) -> Tensor:
        """Return the summed loss where no backward pass follows, which would spread the weights."""
        loss: Tensor = self(*arguments, cross_entropy=cross_entropy)
        assert isinstance(self, FSDPModule)
        self.reshard()
        return loss


def local_part(weight: Tensor) -> Tensor:
    """Return what this process has of a weight: its part where it is spread, or all of it."""
    return weight.to_local() if isinstance(weight, DTensor) else weight


def clip_gradients(model: torch.nn.Module, largest: float) -> Tensor:
    """Scale the gradients down to a norm of at most this; returns the norm before.

    The norm is that of all gradients, also where each process has a part of them.
    """
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), largest)
    return norm.full_tensor() if isinstance(norm, DTensor) else norm


def whole_weights(model: torch.nn.Module, *, keep: bool) -> dict[str, Tensor]:
    """Return all weights in bfloat16 on the CPU, gathered one by one where they are spread.

    All processes must call it alike.

    Args:
        keep: False where this process only helps to gather; nothing is returned then.
    """
    found: dict[str, Tensor] = {}
    for name, weight in merged_weights(model):
        whole = weight.detach()
        if isinstance(whole, DTensor):
            whole = whole.full_tensor()
        if keep:
            found[name] = whole.to("cpu", torch.bfloat16).contiguous()
    return found


def _summed(part: FSDPModule) -> None:
    """Let gradients be sums over the processes: the loss is divided once, by what all learn."""
    part.set_gradient_divide_factor(1.0)
    part.set_force_sum_reduction_for_comms(True)  # else a product that Gloo does not have
