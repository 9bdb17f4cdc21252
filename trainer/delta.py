"""Write what a run with ``model.low_rank`` has learnt, apart from the model that it went on from."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from transformers import PreTrainedModel

from lamlam.errors import SavingFailed
from lamlam.lookup_tokens import LOOKUP_TOKENS
from lamlam.quant.delta_names import DELTA_FILE, LOW_RANK_A, LOW_RANK_B, ROWS
from lamlam.trainer.low_rank import LowRankLinear
from lamlam.trainer.model import is_tied, output_weight
from lamlam.trainer.settings import Settings
from lamlam.trainer.tokenizer import LmlmTokenizer
from lamlam.trainer.write_errors import write_error
from lamlam.unfinished_files import part_beside


def save_delta(
    folder: Path,
    model: PreTrainedModel,
    tokenizer: LmlmTokenizer,
    settings: Settings,
    ancestor: Path,
) -> None:
    """Write narrow matrices, norms and rows of the lookup tokens beside a checkpoint.

    Args:
        folder: of the checkpoint.
        ancestor: the file or folder that the run went on from.

    Raises:
        SavingFailed: the disk is full, or cannot be written.
    """
    from safetensors.torch import save_file

    ids = [tokenizer.full.token_to_id(token) for token in LOOKUP_TOKENS]
    tensors = {name: weight for name, weight in model.state_dict().items() if weight.ndim < 2}
    for path, part in model.named_modules():
        if isinstance(part, LowRankLinear):
            tensors[f"{path}.weight{LOW_RANK_A}"] = part.low_rank_a.detach()
            tensors[f"{path}.weight{LOW_RANK_B}"] = part.low_rank_b.detach()
    embedding: Any = model.get_input_embeddings()
    tensors[f"model.embed_tokens.weight{ROWS}"] = embedding.weight.detach()[ids]  # (4, width)
    if not is_tied(model):
        tensors[f"lm_head.weight{ROWS}"] = output_weight(model).detach()[ids]
    shape = settings.model
    about = {
        "rank": shape.low_rank,
        "alpha": shape.low_rank_alpha or 2.0 * shape.low_rank,
        "tokens": list(LOOKUP_TOKENS),
        "token_ids": ids,
        "ancestor": ancestor.name,
        "ancestor_sha256": _sha256(ancestor),
    }
    made = part_beside(folder / DELTA_FILE)
    try:
        save_file(
            {name: tensor.float().cpu().contiguous() for name, tensor in tensors.items()},
            made,
            metadata={"lamlam": json.dumps(about)},
        )
        os.replace(made, folder / DELTA_FILE)
    except (OSError, SafetensorError) as problem:
        raise SavingFailed(
            f"cannot write the difference in {folder}: {write_error(problem)}",
            hint="make room there, and run this again with --resume",
        ) from None
    finally:
        made.unlink(missing_ok=True)


def _sha256(ancestor: Path) -> str:
    """Return the hash of a model file, which says later what the difference belongs to."""
    if not ancestor.is_file():
        return ""
    with ancestor.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
