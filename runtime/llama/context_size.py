"""Refuses a context that the model or the memory of the machine does not allow.

llama.cpp ends the process at a position that a model has not learned, and fills memory and
swap space for a KV cache of any size.
"""

from __future__ import annotations

from typing import Any

from lamlam.errors import UsageError
from lamlam.runtime.llama.model_file import CheckpointFile
from lamlam.runtime.llama.usable_memory import usable_memory

_BYTES_OF_A_NUMBER = 2  # f16
_GIB = 1 << 30
_MOST_TIMES_TRAINED = 32  # beyond what any scaling of positions is used for
# Models with one of these keep something else than keys and values of every layer.
_OTHER_CACHES = (
    "ssm.state_size", "ssm.conv_kernel", "shortconv.l_cache", "attention.kv_lora_rank",
    "full_attention_interval", "wkv.head_size", "kda.head_dim",
)  # fmt: skip


def check_positions(context: int, n_positions: int | None, name: str = "the model") -> None:
    """Raise `UsageError` if a sequence could be longer than the positions that are learned."""
    if n_positions is not None and context > n_positions:
        raise UsageError(
            f"context={context} is more than the {n_positions} positions that {name} has learned",
            hint=f"use context={n_positions} or less; a longer one cannot be computed",
        )


def check_context(
    file: CheckpointFile, *, context: int, n_sequences: int, n_cells: int, n_batch: int
) -> None:
    """Raise `UsageError` if the model or the machine cannot have such a KV cache.

    Args:
        context: tokens of one sequence.
        n_cells: tokens of all sequences together.
    """
    check_positions(context, file.n_positions, file.path.name)
    trained, each = file.n_context_trained, bytes_per_token(file.metadata)
    if each and trained and context > _MOST_TIMES_TRAINED * trained:
        raise UsageError(
            f"context={context} is {context // trained} times the {trained} tokens that the model "
            f"was trained on: it would write noise there",
            hint=f"use context={trained}, or leave it out; "
            f"at most {_MOST_TIMES_TRAINED * trained} are possible",
        )
    needed = n_cells * each + 4 * n_batch * n_cells
    usable = usable_memory()
    if usable is None or needed <= usable:
        return
    most = usable // (needed // n_cells)
    if n_cells == context * n_sequences:
        asked = f"context={context} for {n_sequences} sequences"
        smaller = f"a context of {most // n_sequences} or less, or fewer max_sequences"
    else:
        asked, smaller = f"cache_tokens={n_cells}", f"cache_tokens={most} or less"
    raise UsageError(
        f"{asked} needs about {needed / _GIB:.1f} GiB for the KV cache, and {usable / _GIB:.1f} "
        f"GiB of memory are free",
        hint=f"use {smaller}; the model was trained on {trained} tokens",
    )


def bytes_per_token(metadata: dict[str, Any]) -> int:
    """Return how much one token takes in the KV cache; 0 if the header does not say it."""
    architecture = metadata.get("general.architecture")

    def says(key: str) -> Any:
        return metadata.get(f"{architecture}.{key}")

    if any(says(key) for key in _OTHER_CACHES):
        return 0
    n_layers, heads = says("block_count"), says("attention.head_count")
    kv_heads = says("attention.head_count_kv")
    kv_heads = heads if kv_heads is None else kv_heads
    per_layer = kv_heads if isinstance(kv_heads, list) else [kv_heads] * (n_layers or 0)
    widest = max(heads) if isinstance(heads, list) and heads else heads
    if not widest or not all(type(number) is int for number in (*per_layer, widest)):
        return 0
    width = (says("embedding_length") or 0) // widest
    keys, values = says("attention.key_length"), says("attention.value_length")
    if not all(type(number) in (int, type(None)) for number in (keys, values)):
        return 0
    each = (width if keys is None else keys) + (width if values is None else values)
    return int(sum(per_layer[:n_layers])) * int(each) * _BYTES_OF_A_NUMBER
