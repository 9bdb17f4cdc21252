"""Cross entropy in chunks: the logits of a whole batch are never in memory at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lamlam.trainer.packing import IGNORED

_CHUNK_BYTES = 1 << 30
"""Bytes of float32 logits that one chunk may take."""


ChunkLoss = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


def chunk_loss(states: Tensor, matrix: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the loss summed over a chunk, and its gradients by states and matrix.

    Args:
        states: (chunk, width).
        matrix: (vocabulary, width), of the same dtype.
        targets: (chunk,) ids, `IGNORED` where the loss does not count.
    """
    logits = (states @ matrix.T).float()  # (chunk, vocabulary)
    log_total = logits.logsumexp(dim=1, keepdim=True)
    counts = (targets != IGNORED).unsqueeze(1)
    chosen = targets.clamp(min=0).unsqueeze(1)
    loss = ((log_total - logits.gather(1, chosen)) * counts).sum()
    # d loss / d logits: the probabilities, less one at the target.
    share = (logits - log_total).exp()
    is_target = torch.arange(share.shape[1], device=share.device) == chosen
    slope = ((share - is_target.float()) * counts).to(states.dtype)
    return loss, slope @ matrix, slope.T @ states


def summed_cross_entropy(
    hidden: Tensor, weight: Tensor, labels: Tensor, of_chunk: ChunkLoss = chunk_loss
) -> Tensor:
    """Return the loss summed over the labels that count, in nats, as a float32 scalar.

    The gradients are worked out beside the loss, chunk by chunk: memory does
    not grow with tokens times vocabulary, and nothing is computed twice.

    Args:
        hidden: (tokens, width) last hidden states, float32 or bfloat16.
        weight: (vocabulary, width) output matrix.
        labels: (tokens,) ids, `IGNORED` where the loss does not count.
        of_chunk: `chunk_loss`, compiled perhaps.
    """
    n_chunks = chunks_of(hidden.shape[0], max(1, _CHUNK_BYTES // (4 * weight.shape[0])))
    loss: Tensor = _SummedCrossEntropy.apply(hidden, weight, labels, n_chunks, of_chunk)
    return loss


def chunks_of(n_tokens: int, most: int) -> int:
    """Return in how many chunks of at most so many tokens to work, equal ones where it can be.

    A chunk of another size would be compiled by itself.
    """
    least = max(1, -(-n_tokens // most))
    equal = (n for n in range(least, 2 * least) if n_tokens % n == 0)
    return next(equal, least)


class _SummedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, labels: Tensor, n_chunks: int, of_chunk: ChunkLoss
    ) -> Tensor:
        matrix = weight.to(hidden.dtype)
        loss = torch.zeros((), device=hidden.device)
        hidden_gradients: list[Tensor] = []
        weight_gradient = torch.zeros_like(weight, dtype=torch.float32)
        for states, targets in zip(hidden.chunk(n_chunks), labels.chunk(n_chunks), strict=True):
            of_one, by_states, by_matrix = of_chunk(states, matrix, targets)
            loss += of_one
            hidden_gradients.append(by_states)
            weight_gradient += by_matrix
        ctx.save_for_backward(torch.cat(hidden_gradients), weight_gradient)
        return loss

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        hidden_gradient, weight_gradient = ctx.saved_tensors
        return (
            hidden_gradient * scale.to(hidden_gradient.dtype),
            weight_gradient * scale,
            None,
            None,
            None,
        )
