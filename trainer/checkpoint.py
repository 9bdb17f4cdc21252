"""Write a Hugging Face checkpoint to use."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import shutil
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from torch import Tensor
from transformers import PreTrainedModel

from lamlam.errors import SavingFailed
from lamlam.trainer.model import is_tied
from lamlam.trainer.settings import Settings
from lamlam.trainer.sharding import whole_weights
from lamlam.trainer.tokenizer import LmlmTokenizer
from lamlam.trainer.write_errors import write_error
from lamlam.unfinished_files import part_beside

_OF_GIVEN_MODELS = ("init", "low_rank", "low_rank_alpha", "context")
"""Settings of `ModelConfig` that count where ``init`` names a model."""


def save_checkpoint(
    folder: Path,
    model: PreTrainedModel,
    tokenizer: LmlmTokenizer,
    settings: Settings,
    record: dict[str, Any],
    weights: dict[str, Tensor] | None = None,
) -> None:
    """Write ``config.json``, bf16 weights, ``tokenizer.json`` and ``lamlam.json``.

    Args:
        record: figures of the run (steps, tokens, loss, seconds), kept beside its settings.
        weights: what `whole_weights` gave, where the model is spread over processes.
    """
    made = part_beside(folder / "checkpoint")  # an older one stays until this one is whole
    try:
        made.mkdir(parents=True)
        weights = whole_weights(model, keep=True) if weights is None else weights
        _write_checkpoint(made, model, tokenizer, settings, record, weights)
        for file in made.iterdir():
            os.replace(file, folder / file.name)
    except (OSError, SafetensorError) as problem:
        raise SavingFailed(
            f"cannot write the checkpoint in {folder}: {write_error(problem)}",
            hint="make room there, and run this again with --resume",
        ) from None
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _write_checkpoint(
    folder: Path,
    model: PreTrainedModel,
    tokenizer: LmlmTokenizer,
    settings: Settings,
    record: dict[str, Any],
    weights: dict[str, Tensor],
) -> None:
    from safetensors.torch import save_file

    # A tied output matrix is the embedding, stored once. What the weights are decides, not the
    # configuration: one that calls other weights tied would drop them without a word.
    tied = is_tied(model)
    if tied:
        weights = {name: kept for name, kept in weights.items() if name != "lm_head.weight"}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = copy.deepcopy(model.config)
    config.tie_word_embeddings = tied
    # What the runtime needs to know stands here, too: `save_pretrained` of transformers and most
    # copies for publication keep this file, and lose lamlam.json.
    runtime = {"verbalise": settings.verbalise, "lookup_bias": settings.lookup_bias}
    config.lamlam = runtime
    config.save_pretrained(folder)
    tokenizer.save(folder / "tokenizer.json")
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "bos_token": tokenizer.end_of_text,
                "eos_token": tokenizer.end_of_text,
                "model_max_length": settings.model.context,
                **({"chat_template": tokenizer.chat_template} if tokenizer.chat_template else {}),
            },
            indent=1,
        )
    )
    written = dataclasses.asdict(settings)
    # The file is published: it must not name folders of the training machine.
    for section, key in (
        ("data", "documents"), ("data", "tokens"), ("data", "replay"), ("data", "tokenizer"),
        ("model", "init"), ("run", "output"),
    ):  # fmt: skip
        written[section][key] = Path(written[section][key]).name
    worded = written["data"]["worded_text"]
    worded["facts"] = Path(worded["facts"]).name
    for source in written["data"]["mixture"]:
        source |= {kind: Path(source[kind]).name for kind in ("documents", "tokens", "replay")}
    if settings.model.init:  # the rest is what nobody gave: the model has its own shape
        written["model"] = {key: written["model"][key] for key in _OF_GIVEN_MODELS}
    about = {**runtime, "training": {"settings": written, **record}}
    (folder / "lamlam.json").write_text(json.dumps(about, indent=1))
