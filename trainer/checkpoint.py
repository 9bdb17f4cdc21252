"""Write a Hugging Face checkpoint to use."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from lamlam.trainer.model import is_tied
from lamlam.trainer.settings import Settings
from lamlam.trainer.tokenizer import LmlmTokenizer
from lamlam.unfinished_files import part_beside


def save_checkpoint(
    folder: Path,
    model: PreTrainedModel,
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
    model: PreTrainedModel,
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
    tied = is_tied(model)
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
                "bos_token": tokenizer.end_of_text,
                "eos_token": tokenizer.end_of_text,
                "model_max_length": settings.model.context,
            },
            indent=1,
        )
    )
    written = dataclasses.asdict(settings)
    # The file is published: it must not name folders of the training machine.
    for section, key in (
        ("data", "documents"), ("data", "replay"), ("data", "tokenizer"), ("model", "init"),
        ("run", "output"),
    ):  # fmt: skip
        written[section][key] = Path(written[section][key]).name
    about = {
        "verbalise": settings.verbalise,
        "lookup_bias": settings.lookup_bias,
        "training": {"settings": written, **record},
    }
    (folder / "lamlam.json").write_text(json.dumps(about, indent=1))
