"""What `torch.compile` is given: one block, which all blocks share, and one chunk of the loss.

A graph of the whole model grows with its blocks and chunks, and so does the time to compile it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from lamlam.trainer.cross_entropy import chunk_loss, summed_cross_entropy
from lamlam.trainer.model import body_of

_Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def blocks_of(model: PreTrainedModel) -> list[torch.nn.Module]:
    """Return the blocks of a model, first to last."""
    body = body_of(model)
    blocks: Any = body.layers if hasattr(body, "layers") else body.h
    return list(blocks)


def compile_block(block: torch.nn.Module, backend: str = "inductor") -> None:
    """Compile a block, in place; those of one model share what the first one compiles."""
    block.forward = torch.compile(block.forward, dynamic=False, backend=backend)


def compile_parts(model: PreTrainedModel, backend: str = "inductor") -> _Loss:
    """Compile a model's embedding, blocks and last norm, in place; returns the compiled loss.

    Args:
        backend: of `torch.compile`.
    """
    body = body_of(model)
    embedding: torch.nn.Module = model.get_input_embeddings()
    last_norm: torch.nn.Module = body.norm if hasattr(body, "norm") else body.ln_f
    for part in (embedding, *blocks_of(model), last_norm):
        compile_block(part, backend)
    return compiled_loss(backend)


def compiled_loss(backend: str = "inductor") -> _Loss:
    """Return `summed_cross_entropy` with what it does to each chunk compiled."""
    of_chunk = torch.compile(chunk_loss, dynamic=False, backend=backend)
    return partial(summed_cross_entropy, of_chunk=of_chunk)
