"""Rotary position embeddings read from a table.

Compiled with the layers, the cosines and sines would be worked out anew for every
head of every layer: on an H200 that takes four times as long as reading them.
"""

from __future__ import annotations

import torch
from torch import Tensor


class RotaryTable(torch.nn.Module):
    """Gives what a rotary embedding of `transformers` gives, for positions below a limit."""

    def __init__(self, rotary: torch.nn.Module, n_positions: int) -> None:
        """Fill the table.

        Args:
            rotary: the module that it replaces; its frequencies must not depend on the input.
            n_positions: positions of the longest row.
        """
        super().__init__()
        with torch.no_grad():
            cos, sin = rotary(torch.zeros(1), torch.arange(n_positions)[None])
        # No part of a checkpoint: both follow from the settings.
        self.register_buffer("cos", cos[0], persistent=False)  # (n_positions, head_dim)
        self.register_buffer("sin", sin[0], persistent=False)

    def forward(self, states: Tensor, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return cosines and sines, each (rows, seq_len, head_dim), in the dtype of the states."""
        cos, sin = self.get_buffer("cos"), self.get_buffer("sin")
        return cos[position_ids].to(states.dtype), sin[position_ids].to(states.dtype)
