"""Cross entropy in chunks: the logits of a whole batch are never in memory at once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamlam.trainer.packing import IGNORED

_CHUNK_BYTES = 1 << 30
"""Bytes of float32 logits that one chunk may take."""


def summed_cross_entropy(hidden: Tensor, weight: Tensor, labels: Tensor) -> Tensor:
    """Return the loss summed over the labels that count, in nats, as a float32 scalar.

    The gradients are worked out beside the loss, chunk by chunk: memory does
    not grow with tokens times vocabulary, and nothing is computed twice.

    Args:
        hidden: (tokens, width) last hidden states, float32 or bfloat16.
        weight: (vocabulary, width) output matrix.
        labels: (tokens,) ids, `IGNORED` where the loss does not count.
    """
    rows = max(1, _CHUNK_BYTES // (4 * weight.shape[0]))
    chunks = -(-hidden.shape[0] // rows)
    loss: Tensor = _SummedCrossEntropy.apply(hidden, weight, labels, chunks)
    return loss


class _SummedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, labels: Tensor, chunks: int) -> Tensor:
        matrix = weight.to(hidden.dtype)
        loss = torch.zeros((), device=hidden.device)
        hidden_gradients: list[Tensor] = []
        weight_gradient = torch.zeros_like(weight, dtype=torch.float32)
        for states, targets in zip(hidden.chunk(chunks), labels.chunk(chunks), strict=True):
            logits = (states @ matrix.T).float()  # (chunk, vocabulary)
            log_total = logits.logsumexp(dim=1, keepdim=True)
            counts = (targets != IGNORED).unsqueeze(1)
            chosen = targets.clamp(min=0).unsqueeze(1)
            loss = loss + ((log_total - logits.gather(1, chosen)) * counts).sum()
            # d loss / d logits: the probabilities, less one at the target.
            share = (logits - log_total).exp()
            is_target = torch.arange(share.shape[1], device=share.device) == chosen
            slope = ((share - is_target.float()) * counts).to(hidden.dtype)
            hidden_gradients.append(slope @ matrix)
            weight_gradient += (slope.T @ states).float()
        ctx.save_for_backward(torch.cat(hidden_gradients), weight_gradient)
        return loss

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor, Tensor, None, None]:
        hidden_gradient, weight_gradient = ctx.saved_tensors
        return (
            hidden_gradient * scale.to(hidden_gradient.dtype),
            weight_gradient * scale,
            None,
            None,
        )
