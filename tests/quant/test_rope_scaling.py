"""Scaled rotary frequencies are transformers' own, and come back from a GGUF file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from lamlam.errors import BadCheckpoint
from lamlam.quant.architectures import read_architecture
from lamlam.quant.export import export_gguf
from lamlam.quant.gguf_checkpoint import GgufCheckpoint
from lamlam.quant.rope_scaling import FREQUENCIES, llama3_divisors
from tests.checkpoints import llama, save_checkpoint

USUAL: dict[str, Any] = {
    "rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}  # fmt: skip


@pytest.mark.parametrize("theta", [10_000.0, 500_000.0])
@pytest.mark.parametrize("changes", [{}, {"factor": 8, "original_max_position_embeddings": 300}])
def test_divisors_are_those_of_transformers(theta: float, changes: dict[str, Any]) -> None:
    rope = {**USUAL, **changes, "rope_theta": theta}
    config = LlamaConfig(hidden_size=128, num_attention_heads=2, rope_parameters=rope)
    scaled = LlamaRotaryEmbedding(config).inv_freq.numpy()
    plain = theta ** -(np.arange(0, 64, 2) / 64)
    divisors = llama3_divisors(rope, 64, theta)
    assert np.allclose(plain / divisors, scaled, rtol=1e-5)
    assert divisors.min() == 1 and divisors.max() == pytest.approx(rope["factor"])


def test_a_file_gives_the_settings_back(tokenizer_file: Path, tmp_path: Path) -> None:
    rope = {**USUAL, "rope_theta": 500_000.0}
    folder = save_checkpoint(
        llama(64, rope_theta=None, rope_parameters=rope), tokenizer_file, tmp_path / "hf"
    )
    file = GgufCheckpoint(export_gguf(folder, tmp_path / "m.gguf"))
    assert file.config["rope_parameters"] == rope
    assert FREQUENCIES not in dict(file.weights())
    other = {**rope, "high_freq_factor": 3.0}
    model = llama(64, rope_theta=None, rope_parameters=other)
    folder = save_checkpoint(model, tokenizer_file, tmp_path / "other")
    path = export_gguf(folder, tmp_path / "n.gguf")
    with pytest.raises(BadCheckpoint, match="in a way of its own"):
        GgufCheckpoint(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"factor": 0}, "need factor"),
        ({"low_freq_factor": None}, "need factor"),
        ({"high_freq_factor": 1.0}, "must be above low_freq_factor"),
        ({"rope_type": "yarn"}, "type yarn cannot be exported"),
    ],
)
def test_other_settings_are_named(changes: dict[str, Any], message: str) -> None:
    config = llama(64).config.to_dict()
    config["rope_parameters"] = {**USUAL, **changes, "rope_theta": 5000.0}
    config.pop("rope_theta", None)
    with pytest.raises(BadCheckpoint, match=message):
        read_architecture(config)
