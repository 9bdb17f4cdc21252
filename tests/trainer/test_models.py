"""Each family learns within documents, and is read and exported as it was trained."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from lamlam.errors import BadSettings
from lamlam.quant.export import export_gguf
from lamlam.trainer.attention import ATTENTION, DocumentSpans, seen_by
from lamlam.trainer.checkpoint import save_checkpoint
from lamlam.trainer.model import build_model, next_token_loss, output_weight
from lamlam.trainer.optimiser import build_optimisers
from lamlam.trainer.packing import IGNORED
from lamlam.trainer.presets import PRESETS
from lamlam.trainer.settings import (
    DataConfig,
    ModelConfig,
    OptimiserConfig,
    RunConfig,
    Settings,
    load_settings,
)
from lamlam.trainer.tokenizer import LmlmTokenizer
from tests.checkpoints import Loader, torch_logits

SMALL = ModelConfig(width=32, layers=2, heads=4, kv_heads=2, feed_forward=48, context=64)


def changes(family: str, tied: bool, more: dict[str, int]) -> dict[str, Any]:
    return {"family": family, "tied": tied, **more}


SHAPES = [
    pytest.param(dataclasses.replace(SMALL, **changes(family, tied, more)), id=name)
    for name, family, tied, more in (
        ("llama tied", "llama", True, {}),
        ("llama untied", "llama", False, {}),
        ("llama wide heads", "llama", True, {"head_dim": 12}),
        ("gpt2 tied", "gpt2", True, {}),
        ("gpt2 untied", "gpt2", False, {}),
        ("qwen3 tied", "qwen3", True, {"head_dim": 16}),
        ("qwen3 untied", "qwen3", False, {}),
    )
]


def shaken(shape: ModelConfig, vocabulary: int) -> Any:
    """A model whose norms, biases and attention matter."""
    torch.manual_seed(7)
    model: Any = build_model(shape, vocabulary, 0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
            # As a checkpoint keeps it; rotary tables, which no checkpoint has, stay as they are.
            weight.copy_(weight.to(torch.bfloat16))
    return model


@pytest.mark.parametrize("shape", SHAPES)
def test_the_loss_of_a_row_is_that_of_its_documents_alone(shape: ModelConfig) -> None:
    """Positions too: GPT-2's are learnt, and begin anew with each document."""
    model = shaken(shape, 50)
    rows = torch.randint(1, 50, (2, 40), generator=torch.Generator().manual_seed(2))
    rows[:, 0] = rows[0, 13] = rows[0, 29] = rows[1, 30] = 0
    labels = torch.roll(rows, -1, 1)
    labels[:, -1] = IGNORED
    spans = DocumentSpans.of(rows, 0)
    together = next_token_loss(model, rows, labels, spans.mask(), spans.position)
    alone = sum(
        next_token_loss(model, rows[i : i + 1, a:b], labels[i : i + 1, a:b])
        for i, a, b in ((0, 0, 13), (0, 13, 29), (0, 29, 40), (1, 0, 30), (1, 30, 40))
    )
    assert torch.allclose(together, torch.as_tensor(alone), rtol=1e-5)
    # It is transformers' own loss, too, and without the mask another one comes out.
    model.set_attn_implementation("eager")
    own = model(input_ids=rows[:1, :13]).logits.log_softmax(-1)
    by_hand = -own[0, torch.arange(13), labels[0, :13]].sum()
    model.set_attn_implementation(ATTENTION)
    assert torch.allclose(
        by_hand, next_token_loss(model, rows[:1, :13], labels[:1, :13]), rtol=1e-4
    )
    assert not torch.allclose(together, next_token_loss(model, rows, labels), rtol=1e-3)


@pytest.mark.filterwarnings("ignore:flex_attention called without")
@pytest.mark.parametrize("family", ["llama", "gpt2", "qwen3"])
@torch.no_grad()
def test_a_gpus_block_mask_gives_the_loss_of_the_dense_one(family: str) -> None:
    """Made here without a GPU, and run by the uncompiled kernel."""
    from torch.nn.attention.flex_attention import create_block_mask

    shape = dataclasses.replace(SMALL, context=128, heads=2, **changes(family, True, {}))
    model = shaken(shape, 50)
    rows = torch.randint(0, 9, (1, 128), generator=torch.Generator().manual_seed(2))
    spans = DocumentSpans.of(rows, 0)
    blocks = create_block_mask(
        seen_by(spans.document), 1, None, 128, 128, device="cpu", BLOCK_SIZE=128
    )
    by_blocks = next_token_loss(model, rows, rows, blocks, spans.position)
    by_mask = next_token_loss(model, rows, rows, spans.mask(), spans.position)
    assert torch.allclose(by_blocks, by_mask, rtol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_checkpoint_has_the_logits_of_the_model(
    shape: ModelConfig, tokenizer: LmlmTokenizer, tmp_path: Path, load: Loader
) -> None:
    """Read by Hugging Face and, exported, by llama.cpp."""
    settings = Settings(data=DataConfig(documents="a.jsonl"), model=shape, run=RunConfig(steps=1))
    model = shaken(shape, tokenizer.size).eval()
    folder = tmp_path / "hf"
    save_checkpoint(folder, model, tokenizer, settings, {})
    ids = [0, *np.random.default_rng(1).integers(1, tokenizer.size, 40).tolist()]
    theirs = torch_logits(model, ids)
    again: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    assert type(again).__name__ == type(model).__name__
    assert np.abs(torch_logits(again.eval(), ids) - theirs).max() < 1e-4 * np.abs(theirs).max()
    exported = load(export_gguf(folder, tmp_path / "m.gguf", dtype="f32"))
    error = np.abs(exported.logits(ids) - theirs).max() / np.abs(theirs).max()
    # llama.cpp reads GELU from a table of half precision.
    assert error < (2e-3 if shape.family == "gpt2" else 2e-4)
    # In f16, which `lamlam export` writes, no logit is off by more than 0.2% of the largest.
    half = load(export_gguf(folder, tmp_path / "h.gguf"))
    assert np.abs(half.logits(ids) - theirs).max() / np.abs(theirs).max() < 2e-3


def test_gpt2s_two_embeddings_are_no_matrices_for_muon() -> None:
    model = build_model(dataclasses.replace(SMALL, family="gpt2"), 50, 0)
    _, muon = build_optimisers(model, OptimiserConfig(name="muon"))
    shapes = {tuple(weight.shape) for group in muon.param_groups for weight in group["params"]}
    assert shapes == {(32, 96), (32, 32), (32, 48), (48, 32)}


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("lamlam-30m", 32.0), ("lamlam-125m", 125.2), ("lmlm-176m", 176.4), ("lmlm-382m", 381.8),
        ("gpt2-124m", 124.4), ("gpt2-355m", 354.8), ("qwen3-0.6b", 596.0),
    ],
)  # fmt: skip
def test_presets_have_the_parameters_in_their_names(
    name: str,
    millions: float,
    file_of_model: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Its table of cosines needs numbers, which "meta" has not.
    monkeypatch.setattr("lamlam.trainer.model.prepare_for_training", lambda *_: None)
    settings = load_settings(file_of_model(f'preset = "{name}"'))
    with torch.device("meta"):
        model = build_model(settings.model, settings.data.vocabulary, 0, "meta")
    # On "meta" some releases of transformers leave the two matrices apart.
    tied = {"lm_head.weight"} if settings.model.tied else set()
    n = sum(one.numel() for name_, one in model.named_parameters() if name_ not in tied)
    assert n / 1e6 == pytest.approx(millions, rel=1e-3)
    stated = name.rpartition("-")[2].replace("0.6b", "600m").removesuffix("m")
    assert n / 1e6 == pytest.approx(float(stated), rel=0.01 if stated != "30" else 0.07)


def test_values_of_the_file_win_over_the_preset(file_of_model: Callable[[str], Path]) -> None:
    path = file_of_model('preset = "gpt2-124m"')
    settings = load_settings(path, ["model.layers=8", "data.vocabulary=900"])
    assert (settings.model.family, settings.model.layers, settings.model.width) == ("gpt2", 8, 768)
    assert settings.data.vocabulary == 900
    assert load_settings(path, ['model.preset="lmlm-176m"']).data.vocabulary == 32_004


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('model.preset="lamlam-31m"', "model.preset is 'lamlam-31m', which is none"),
        ("model.preset=3", "model.preset is 3"),
        ('model.family="mamba"', "model.family must be one of llama, gpt2, qwen3"),
        ("model.head_dim=7", "even number"),
        ("model.head_dim=-2", "even number"),
        ("model.heads=6", "model.width .512. must be a multiple of model.heads .6."),
    ],
)
def test_mistakes_are_named(
    change: str, message: str, file_of_model: Callable[[str], Path]
) -> None:
    with pytest.raises(BadSettings, match=message) as caught:
        load_settings(file_of_model("kv_heads = 2"), [change])
    if "preset" in change:
        assert caught.value.hint and all(name in caught.value.hint for name in PRESETS)


def test_an_untied_model_trains_its_output_matrix(tokenizer: LmlmTokenizer) -> None:
    model = build_model(dataclasses.replace(SMALL, tied=False), tokenizer.size, 0)
    rows = torch.randint(1, 500, (1, 16))
    next_token_loss(model, rows, rows).backward()  # type: ignore[no-untyped-call]
    gradient = output_weight(model).grad
    assert gradient is not None and gradient.abs().sum() > 0
    assert json.loads(model.config.to_json_string())["tie_word_embeddings"] is False
