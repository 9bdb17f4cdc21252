"""A tiny ancestor and a tiny delta of it, as files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.tiny_model import CONTROL, LOOKUP_TEXTS, write_tiny_model

UNUSED = ("<gh_stars>", "<issue_start>", "<issue_comment>", "<issue_closed>")
RANK, ALPHA = 32, 16.0
MATRICES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
IN_WHEEL = "llm_tiny/tiny.gguf"


def write_tiny_ancestor(path: Path, seed: int = 0) -> Path:
    """Write a random model with four special tokens that no text has."""
    marks = [(text, CONTROL) for text in UNUSED]
    return write_tiny_model(path, seed=seed, with_lookup_tokens=False, marks=marks, sealed=False)


def first_unused(ancestor: Path) -> int:
    """Return the number of the first of its four special tokens."""
    from lamlam.runtime.llama.gguf_file import read_header

    return int(read_header(ancestor).metadata["tokenizer.ggml.tokens"].index(UNUSED[0]))


def write_tiny_delta(
    path: Path,
    ancestor: Path,
    *,
    size: float = 0.1,
    seed: int = 1,
    kind: str = "Q8_0",
    said: Mapping[str, Any] | None = None,
    tensors: Mapping[str, NDArray[np.float32]] | None = None,
) -> Path:
    """Write a delta of all matrices, one norm and four tokens.

    Args:
        size: of what is added, beside the ancestor's values.
        kind: type of the narrow matrices.
        said: metadata that takes the place of what would be written; ``None`` leaves a key out.
        tensors: more tensors, or other ones, in F32.
    """
    import gguf

    random = np.random.default_rng(seed)
    number = first_unused(ancestor)
    metadata: dict[str, Any] = {
        "general.type": "adapter", "general.name": "tiny-135", "adapter.type": "lora",
        "adapter.lora.alpha": ALPHA, "lamlam.format_version": 1, "lamlam.verbalise": "copy",
        "lamlam.lookup_bias": 0.5, "tokenizer.ggml.add_bos_token": True,
        "lamlam.delta.base.sha256": hashlib.sha256(ancestor.read_bytes()).hexdigest(),
        "lamlam.delta.base.package": "llm-tiny", "lamlam.delta.base.version": "0.1.2",
        "lamlam.delta.base.file": IN_WHEEL,
        "lamlam.delta.tokens": list(LOOKUP_TEXTS),
        "lamlam.delta.token_ids": [*range(number, number + 4)],
    } | dict(said or {})  # fmt: skip
    writer = gguf.GGUFWriter(str(path), "llama")
    for key, value in metadata.items():
        if value is not None:
            _ADD[type(value)](writer, key, value)
    found: dict[str, NDArray[np.float32]] = {}
    for layer in range(2):
        for name in MATRICES:
            rows, width = _shape(name)
            a = random.standard_normal((RANK, width), np.float32)
            b = random.standard_normal((rows, RANK), np.float32) * np.float32(size / RANK)
            found |= {f"blk.{layer}.{name}.weight.lora_{end}": x for end, x in (("a", a), ("b", b))}
    found["output_norm.weight"] = np.full(64, 1.25, np.float32)
    found["token_embd.weight.rows"] = random.standard_normal((4, 64), np.float32)
    for name, values in (found | dict(tensors or {})).items():
        of = gguf.GGMLQuantizationType[kind if "lora" in name else "F32"]
        writer.add_tensor(name, gguf.quantize(values, of), raw_dtype=of)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _shape(name: str) -> tuple[int, int]:
    return {"attn_k": (32, 64), "attn_v": (32, 64), "ffn_down": (64, 128)}.get(
        name, (128 if "ffn" in name else 64, 64)
    )


_ADD: dict[type, Any] = {  # Any: methods of gguf
    str: lambda writer, key, value: writer.add_string(key, value),
    float: lambda writer, key, value: writer.add_float32(key, value),
    bool: lambda writer, key, value: writer.add_bool(key, value),
    int: lambda writer, key, value: writer.add_uint32(key, value),
    list: lambda writer, key, value: writer.add_array(key, value),
}
