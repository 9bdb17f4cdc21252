"""An exported model computes what torch computes, at every position."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lamlam.quant.export import DType, export_gguf
from lamlam.runtime.llama.gguf_file import read_header
from lamlam.trainer.model import build_model
from lamlam.trainer.settings import ModelConfig
from tests.checkpoints import (
    CONTEXT,
    VOCABULARY,
    Loader,
    gpt2,
    llama,
    save_checkpoint,
    torch_logits,
)

IDS = [0, *np.random.default_rng(5).integers(1, VOCABULARY, CONTEXT - 1).tolist()]


LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 100.0, "factor": 4.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 32,
}  # fmt: skip


def assert_same_logits(ours: Any, theirs: Any, tolerance: float) -> None:
    error = np.abs(ours - theirs).max(axis=1) / np.abs(theirs).max(axis=1)
    assert error.max() <= tolerance, f"relative error {error.max():.2e}"
    # Where two candidates are nearer than the tolerance, either may win.
    top_two = np.sort(theirs, axis=1)[:, -2:]
    clear = top_two[:, 1] - top_two[:, 0] > 2 * tolerance * np.abs(theirs).max(axis=1)
    assert clear.any()
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1))[clear].all()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="tied, grouped heads"),
        pytest.param({"tie_word_embeddings": False}, id="own output matrix"),
        pytest.param({"num_key_value_heads": 4}, id="a key head for each head"),
        pytest.param({"head_dim": 32}, id="heads wider than width / heads"),
        pytest.param({"rope_theta": 100.0}, id="another rope base"),
        pytest.param({"rope_parameters": LLAMA3}, id="frequencies scaled as in Llama 3"),
    ],
)
def test_llama_logits_are_torchs(
    changes: dict[str, Any], tokenizer_file: Path, tmp_path: Path, load: Loader
) -> None:
    """f16 weights move no logit by more than 1% of the largest."""
    model = llama(64, **changes)
    folder = save_checkpoint(model, tokenizer_file, tmp_path / "hf")
    exported = load(export_gguf(folder, tmp_path / "m.gguf"))
    assert_same_logits(exported.logits(IDS), torch_logits(model, IDS), 1e-2)


def test_a_model_of_the_trainers_keeps_its_rotary_base(
    tokenizer_file: Path, tmp_path: Path, load: Loader
) -> None:
    """The base in the settings is the one that torch rotates by, the file states, llama.cpp uses."""
    base = 20.0  # far from the usual 10,000: the logits would not be near
    shape = ModelConfig(
        width=64, layers=2, heads=4, kv_heads=2, feed_forward=128, context=CONTEXT, rope_theta=base
    )
    torch.manual_seed(3)
    model: Any = build_model(shape, VOCABULARY, end_of_text=0)
    with torch.no_grad():  # as drawn, attention is so flat that no position would matter
        for name, weight in model.named_parameters():
            if name.endswith(("q_proj.weight", "k_proj.weight")):
                weight.mul_(30)
    folder = save_checkpoint(model.eval(), tokenizer_file, tmp_path / "hf")
    path = export_gguf(folder, tmp_path / "m.gguf", dtype="f32")
    assert read_header(path).metadata["llama.rope.freq_base"] == base
    assert_same_logits(load(path).logits(IDS), torch_logits(model, IDS), 1e-3)
    # What the comparison is worth: by the usual base other logits come out.
    other: Any = build_model(dataclasses.replace(shape, rope_theta=1e4), VOCABULARY, end_of_text=0)
    other.load_state_dict(model.state_dict())
    off = np.abs(torch_logits(other.eval(), IDS) - torch_logits(model, IDS)).max()
    assert off > 0.05 * np.abs(torch_logits(model, IDS)).max()


def test_gpt2_logits_are_torchs(tokenizer_file: Path, tmp_path: Path, load: Loader) -> None:
    """The other architecture: biases, learnt positions, transposed matrices."""
    model = gpt2()
    folder = save_checkpoint(model, tokenizer_file, tmp_path / "hf")
    exported = load(export_gguf(folder, tmp_path / "m.gguf"))
    assert_same_logits(exported.logits(IDS), torch_logits(model, IDS), 1e-2)


def test_width_256_logits_are_torchs(wide_f16: Path, load: Loader) -> None:
    """The model that the quantising tests start from is right itself."""
    assert_same_logits(load(wide_f16).logits(IDS), torch_logits(llama(256), IDS), 1e-2)


@pytest.mark.parametrize(("dtype", "tolerance"), [("f32", 1e-4), ("bf16", 5e-2)])
def test_other_number_types(
    dtype: DType, tolerance: float, tokenizer_file: Path, tmp_path: Path, load: Loader
) -> None:
    """f32 computes what torch does; bf16, which keeps 8 bits, is farther off than f16."""
    model = llama(64)
    folder = save_checkpoint(model, tokenizer_file, tmp_path / "hf")
    exported = load(export_gguf(folder, tmp_path / "m.gguf", dtype=dtype))
    assert_same_logits(exported.logits(IDS), torch_logits(model, IDS), tolerance)


def test_bf16_checkpoint_in_several_files(
    tokenizer_file: Path, tmp_path: Path, load: Loader
) -> None:
    """Sharded bfloat16 weights export as one file does."""
    import torch
    from transformers import LlamaForCausalLM

    model = llama(64).to(torch.bfloat16)
    folder = save_checkpoint(model, tokenizer_file, tmp_path / "hf", max_shard_size="100KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 1
    exported = load(export_gguf(folder, tmp_path / "m.gguf", dtype="f32"))
    # Read back, since a model cast to bfloat16 has rounded its rotary frequencies too.
    again: Any = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
    assert_same_logits(exported.logits(IDS), torch_logits(again.eval(), IDS), 1e-4)
