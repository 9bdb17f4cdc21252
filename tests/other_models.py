"""Tiny random models of other kinds: an encoder, learned positions, parts of a split file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamlam.runtime.llama.checksum import PLACEHOLDERS, seal
from tests.tiny_model import CONTROL, NORMAL, add_vocabulary, vocabulary_texts

_WIDTH, _N_LAYERS, _CONTEXT = 32, 2, 64


def write_tiny_bert(path: Path, metadata: dict[str, Any] | None = None) -> Path:
    """Write a random BERT, an encoder that llama.cpp loads and that writes no text."""
    texts = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    texts += [f"\u2581{letter}" for letter in "abcdefghijklmnopqrstuvwxyz."]
    writer = _writer(path, "bert", metadata or {})
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_tokenizer_model("bert")
    writer.add_token_type_count(2)
    writer.add_token_list(texts)
    writer.add_token_types([CONTROL] * 5 + [NORMAL] * (len(texts) - 5))
    for name, token in {
        "unknown": 1,
        "padding": 0,
        "bos": 2,
        "eos": 3,
        "cls": 2,
        "seperator": 3,
        "mask": 4,
    }.items():
        writer.add_uint32(f"tokenizer.ggml.{name}_token_id", token)
    noise = _Noise(writer)
    noise.matrix("token_embd", len(texts), _WIDTH)
    noise.matrix("position_embd", _CONTEXT, _WIDTH)
    noise.matrix("token_types", 2, _WIDTH)
    noise.norm("token_embd_norm")
    for n in range(_N_LAYERS):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            noise.linear(f"blk.{n}.{name}", _WIDTH, _WIDTH)
        noise.norm(f"blk.{n}.attn_output_norm")
        noise.linear(f"blk.{n}.ffn_up", 2 * _WIDTH, _WIDTH)
        noise.linear(f"blk.{n}.ffn_down", _WIDTH, 2 * _WIDTH)
        noise.norm(f"blk.{n}.layer_output_norm")
    return _written(writer, path)


def write_tiny_gpt2(
    path: Path, metadata: dict[str, Any] | None = None, *, sealed: bool = True
) -> Path:
    """Write a random GPT-2, which has one learned row for each of its 64 positions."""
    texts = vocabulary_texts()[:-4]
    writer = _writer(path, "gpt2", {})
    writer.add_layer_norm_eps(1e-5)
    add_vocabulary(writer, texts, [CONTROL] + [NORMAL] * (len(texts) - 1))
    # After the vocabulary, so that its numbers can be others.
    _add(writer, {**(metadata or {}), **(PLACEHOLDERS if sealed else {})})
    noise = _Noise(writer)
    noise.matrix("token_embd", len(texts), _WIDTH)
    noise.matrix("position_embd", _CONTEXT, _WIDTH)
    noise.norm("output_norm")
    for n in range(_N_LAYERS):
        noise.norm(f"blk.{n}.attn_norm")
        noise.norm(f"blk.{n}.ffn_norm")
        noise.linear(f"blk.{n}.attn_qkv", 3 * _WIDTH, _WIDTH)
        noise.linear(f"blk.{n}.attn_output", _WIDTH, _WIDTH)
        noise.linear(f"blk.{n}.ffn_up", 2 * _WIDTH, _WIDTH)
        noise.linear(f"blk.{n}.ffn_down", _WIDTH, 2 * _WIDTH)
    return _written(writer, path, sealed=sealed)


def write_header_alone(path: Path, architecture: str, metadata: dict[str, Any]) -> Path:
    """Write a file with one small tensor and the keys that say what it is."""
    import gguf

    writer = gguf.GGUFWriter(str(path), architecture)
    _add(writer, metadata)
    writer.add_tensor("first.weight", np.ones((2, 32), np.float32))
    return _written(writer, path)


def split_model(path: Path, folder: Path, n_parts: int = 2) -> list[Path]:
    """Write a model again, in parts, as llama.cpp's ``gguf-split`` does; return the parts."""
    import gguf

    reader = gguf.GGUFReader(path)
    names = [tensor.name for tensor in reader.tensors]
    shares = [[str(name) for name in share] for share in np.array_split(np.array(names), n_parts)]
    parts = []
    for n, share in enumerate(shares):
        part = folder / f"{path.stem}-{n + 1:05d}-of-{n_parts:05d}.gguf"
        writer = gguf.GGUFWriter(str(part), "llama")
        if n == 0:
            for key, field in reader.fields.items():
                if not key.startswith("GGUF.") and key != "general.architecture":
                    sub_type = field.types[-1] if len(field.types) > 1 else None
                    writer.add_key_value(key, field.contents(), field.types[0], sub_type)
        else:
            writer.kv_data[0].clear()
        writer.add_uint16("split.no", n)
        writer.add_uint16("split.count", n_parts)
        writer.add_int32("split.tensors.count", len(names))
        for tensor in reader.tensors:
            if tensor.name in share:
                writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
        parts.append(_written(writer, part))
    return parts


class _Noise:
    """Adds random tensors to a writer."""

    def __init__(self, writer: Any) -> None:  # Any: gguf publishes no types
        self._writer = writer
        self._random = np.random.default_rng(0)

    def _noise(self, *shape: int) -> NDArray[np.float32]:
        return self._random.standard_normal(shape, dtype=np.float32) * np.float32(0.3)

    def matrix(self, name: str, n_out: int, n_in: int) -> None:
        """Add a matrix."""
        self._writer.add_tensor(f"{name}.weight", self._noise(n_out, n_in))

    def linear(self, name: str, n_out: int, n_in: int) -> None:
        """Add a matrix and a bias."""
        self.matrix(name, n_out, n_in)
        self._writer.add_tensor(f"{name}.bias", self._noise(n_out))

    def norm(self, name: str) -> None:
        """Add a norm that changes nothing."""
        self._writer.add_tensor(f"{name}.weight", np.ones(_WIDTH, np.float32))
        self._writer.add_tensor(f"{name}.bias", np.zeros(_WIDTH, np.float32))


def _writer(path: Path, architecture: str, metadata: dict[str, Any]) -> Any:
    import gguf

    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_N_LAYERS)
    writer.add_feed_forward_length(2 * _WIDTH)
    writer.add_head_count(4)
    _add(writer, metadata)
    return writer


def _add(writer: Any, metadata: dict[str, Any]) -> None:
    for key, value in metadata.items():
        for shard in writer.kv_data:
            shard.pop(key, None)
        if isinstance(value, bool):
            writer.add_bool(key, value)
        elif isinstance(value, str):
            writer.add_string(key, value)
        else:
            writer.add_uint32(key, value)


def _written(writer: Any, path: Path, *, sealed: bool = False) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    if sealed:
        seal(path)
    return path
