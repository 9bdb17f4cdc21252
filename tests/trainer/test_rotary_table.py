"""A table gives what the rotary embedding that filled it gives."""

from __future__ import annotations

import pytest
import torch
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from lamlam.trainer.model import build_model
from lamlam.trainer.rotary_table import RotaryTable
from lamlam.trainer.settings import ModelConfig


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("theta", [10_000.0, 500_000.0])
def test_the_table_equals_the_module(dtype: torch.dtype, theta: float) -> None:
    config = LlamaConfig(
        hidden_size=32,
        num_attention_heads=2,
        rope_parameters={"rope_type": "default", "rope_theta": theta},
    )
    rotary = LlamaRotaryEmbedding(config)
    table = RotaryTable(rotary, 64)
    positions = torch.tensor([[0, 1, 2, 0, 1], [5, 6, 63, 0, 40]])
    states = torch.zeros(2, 5, 32, dtype=dtype)
    for ours, theirs in zip(table(states, positions), rotary(states, positions), strict=True):
        assert ours.dtype == dtype
        assert torch.equal(ours, theirs)


def test_a_table_is_no_part_of_a_checkpoint() -> None:
    shape = ModelConfig(width=32, layers=1, heads=2, kv_heads=1, feed_forward=64, context=16)
    names = build_model(shape, 50, 0).state_dict()
    assert not [name for name in names if "rotary" in name]
