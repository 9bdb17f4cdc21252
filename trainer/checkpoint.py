"""Write a Hugging Face checkpoint to use, and a state to resume from."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from torch.optim import Optimizer
from transformers import LlamaForCausalLM

from lamlam.errors import BadSettings
from lamlam.lookup_tokens import END_OF_TEXT
from lamlam.trainer.settings import Settings
from lamlam.trainer.tokenizer import LmlmTokenizer
from lamlam.unfinished_files import part_beside

STATE = "state.pt"


def save_checkpoint(
    folder: Path,
    model: LlamaForCausalLM,
    tokenizer: LmlmTokenizer,
    settings: Settings,
    record: dict[str, Any],
) -> None:
    """Write ``config.json``, bf16 weights, ``tokenizer.json`` and ``lamlam.json``.

    Args:
        record: figures of the run (steps, tokens, loss, seconds), kept beside its settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = part_beside(folder / "checkpoint")  # an older one stays until this one is whole
    made.mkdir()
    try:
        _write_checkpoint(made, model, tokenizer, settings, record)
        for file in made.iterdir():
            os.replace(file, folder / file.name)
    finally:
        shutil.rmtree(made)


def _write_checkpoint(
    folder: Path,
    model: LlamaForCausalLM,
    tokenizer: LmlmTokenizer,
    settings: Settings,
    record: dict[str, Any],
) -> None:
    from safetensors.torch import save_file

    weights = {
        name: weight.detach().to("cpu", torch.bfloat16).contiguous()
        for name, weight in model.state_dict().items()
    }
    # A tied output matrix is the embedding, stored once. What the weights are decides, not the
    # configuration: one that calls other weights tied would drop them without a word.
    tied = model.lm_head.weight is model.model.embed_tokens.weight
    if tied:
        del weights["lm_head.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = copy.deepcopy(model.config)
    config.tie_word_embeddings = tied
    config.save_pretrained(folder)
    tokenizer.save(folder / "tokenizer.json")
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "bos_token": END_OF_TEXT,
                "eos_token": END_OF_TEXT,
                "model_max_length": settings.model.context,
            },
            indent=1,
        )
    )
    written = dataclasses.asdict(settings)
    # The file is published: it must not name folders of the training machine.
    for section, key in (("data", "documents"), ("data", "tokenizer"), ("run", "output")):
        written[section][key] = Path(written[section][key]).name
    about = {
        "verbalise": settings.verbalise,
        "lookup_bias": settings.lookup_bias,
        "training": {"settings": written, **record},
    }
    (folder / "lamlam.json").write_text(json.dumps(about, indent=1))


def save_state(
    folder: Path, model: torch.nn.Module, optimisers: list[Optimizer], step: int, seconds: float
) -> None:
    """Write everything that resuming needs, beside the target first, then in one rename."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        "step": step,
        "seconds": seconds,
        "model": model.state_dict(),
        "optimisers": [optimiser.state_dict() for optimiser in optimisers],
        "random": torch.get_rng_state(),
        "cuda_random": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    part = part_beside(folder / STATE)
    try:
        torch.save(state, part)
        os.replace(part, folder / STATE)
    finally:
        part.unlink(missing_ok=True)


def load_state(
    folder: Path, model: torch.nn.Module, optimisers: list[Optimizer]
) -> tuple[int, float]:
    """Restore a saved state in place; returns the steps done and the seconds spent.

    Raises:
        BadSettings: no state, or one of another model or optimiser.
    """
    path = folder / STATE
    if not path.exists():
        raise BadSettings(f"{folder} has no state to resume from", hint="start without --resume")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        model.load_state_dict(state["model"])
        for optimiser, saved in zip(optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
    except (RuntimeError, ValueError, KeyError) as problem:
        raise BadSettings(f"{path} does not fit these settings: {problem}") from None
    torch.set_rng_state(state["random"])
    if state["cuda_random"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda_random"])
    return int(state["step"]), float(state["seconds"])
