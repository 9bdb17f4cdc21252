"""Attention within documents: a token sees its own document and none of its neighbours in the row.

Rows hold several documents. Without a mask a model learns to copy names from a
document that has nothing to do with the one it writes. On a GPU the mask is a
block mask of `flex_attention`, which skips the blocks between documents; on a
CPU it is a dense one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention
from transformers import AttentionInterface

ATTENTION = "lamlam_documents"
"""Name under which `transformers` finds this module's attention function."""

_BLOCK = 128
"""Tokens of a side of a mask block: the size that flex attention runs fastest with."""

_KERNEL: Any = {"BLOCK_M": 64, "BLOCK_N": 64}
"""Tiles of the kernels: with short documents small ones are faster (H200: 1.89 ms, 1.96 by default)."""


@dataclass(frozen=True, slots=True)
class DocumentSpans:
    """Which document each token of a batch belongs to, and where it stands in it."""

    document: Tensor
    """(rows, seq_len) number of the document in its row."""
    position: Tensor
    """(rows, seq_len) position in the document, from 0: what the model sees at inference too."""

    @classmethod
    def of(cls, inputs: Tensor, end_of_text: int) -> DocumentSpans:
        """Return the spans of rows in which the end-of-text token begins each document.

        Args:
            inputs: (rows, seq_len) token ids. What comes before the first
                end-of-text token is a document of its own.
        """
        begins = inputs == end_of_text
        index = torch.arange(inputs.shape[1], device=inputs.device).expand_as(inputs)
        start = torch.where(begins, index, torch.zeros_like(index)).cummax(dim=1).values
        # 32 bits: the mask reads them for every pair of tokens, and is a third faster for it.
        return cls(begins.cumsum(dim=1, dtype=torch.int32), index - start)

    def mask(self) -> BlockMask | Tensor:
        """Return what `attend` takes as its mask: blocks on a GPU, (rows, 1, seq_len, seq_len) else."""
        document = self.document
        rows, seq_len = document.shape
        if not document.is_cuda:
            same = document.unsqueeze(2) == document.unsqueeze(1)
            return (same & torch.ones_like(same[0]).tril()).unsqueeze(1)
        return _create_block_mask(
            seen_by(document),
            rows,
            None,
            seq_len,
            seq_len,
            device=document.device,
            BLOCK_SIZE=_BLOCK,
        )


def seen_by(document: Tensor) -> Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]:
    """Return the rule of a block mask: a token sees its document up to itself.

    Args:
        document: (rows, seq_len) number of the document of each token.
    """

    def sees(row: Tensor, _head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return (document[row, query] == document[row, key]) & (query >= key)

    return sees


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: BlockMask | Tensor | None,
    *,
    scaling: float | None = None,
    dropout: float = 0.0,
    document_mask: BlockMask | Tensor | None = None,
    **_: Any,  # what other attention functions of transformers take
) -> tuple[Tensor, None]:
    """Return the attention of one layer, as `transformers` asks for it.

    Grouped heads are not repeated in memory, and without a mask the causal
    kernel runs: `transformers` itself does neither under `torch.compile`.

    Args:
        query: (rows, heads, seq_len, head_dim).
        key: (rows, kv_heads, seq_len, head_dim); ``value`` alike.
        attention_mask: of `DocumentSpans.mask`; None sees everything before.
        document_mask: the same, from a model whose body does not take such a mask.
    """
    attention_mask = attention_mask if document_mask is None else document_mask
    is_grouped = query.shape[1] != key.shape[1]
    if isinstance(attention_mask, BlockMask):
        out = flex_attention(
            query,
            key,
            value,
            block_mask=attention_mask,
            scale=scaling,
            enable_gqa=is_grouped,
            kernel_options=_KERNEL,
        )
        assert isinstance(out, Tensor)
    else:
        out = torch.nn.functional.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=attention_mask,
            dropout_p=dropout,
            is_causal=attention_mask is None,
            scale=scaling,
            enable_gqa=is_grouped,
        )
    return out.transpose(1, 2).contiguous(), None


_create_block_mask = torch.compile(create_block_mask)  # uncompiled it fills rows x seq_len² memory
AttentionInterface.register(ATTENTION, attend)
