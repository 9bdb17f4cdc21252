"""Inspect a GGUF file without loading it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from lamlam.errors import BadModelFile
from lamlam.lookup_tokens import LOOKUP_TOKENS
from lamlam.quant.vocabularies import TokenType
from lamlam.runtime.llama.checksum import HEADER_KEY, WEIGHTS_KEY, verify
from lamlam.runtime.llama.model_kind import LANGUAGE_MODEL, other_kind
from lamlam.runtime.llama.model_parts import ModelParts, read_parts

_CHECKSUMS = (WEIGHTS_KEY, HEADER_KEY)


def inspect_model(path: Path) -> dict[str, Any]:  # Any: a report for JSON
    """Return what the file holds.

    Keys: ``file``, ``parts`` (files of the model; what follows is of all of them), ``bytes``,
    ``kind`` (``language model``, or what else it is), ``name``, ``architecture``,
    ``parameters``, ``tensors``, ``types`` (bytes of tensor data by type, largest first),
    ``context``, ``width``, ``layers``, ``heads``, ``kv_heads``, ``vocabulary``
    (``kind``, ``split``, ``tokens``, ``types``, ``bos_id``, ``eos_id``),
    ``lookup_tokens`` (each token's ``id`` and ``type``, or ``None``),
    ``lookups_are_safe``, ``lamlam`` (the metadata of that name), ``checksum``
    (``intact``, ``damaged`` or ``absent``).

    Raises:
        BadModelFile: not a GGUF file, its header is damaged, or it is a later part of a model.
    """
    path = Path(path)
    parts = read_parts(path)
    values = parts.metadata
    kind = other_kind(values, has_tensors=bool(parts.tensors))
    architecture = str(values.get("general.architecture", ""))
    lookup_tokens = _lookup_tokens(values)
    return {
        "file": path.name,
        "parts": len(parts.paths),
        "bytes": parts.n_bytes,
        "kind": LANGUAGE_MODEL if kind is None else kind.name,
        "name": values.get("general.name"),
        "architecture": architecture,
        "parameters": sum(entry.n_values for entry in parts.tensors),
        "tensors": len(parts.tensors),
        "types": _bytes_by_type(parts),
        "context": values.get(f"{architecture}.context_length"),
        "width": values.get(f"{architecture}.embedding_length"),
        "layers": values.get(f"{architecture}.block_count"),
        "heads": values.get(f"{architecture}.attention.head_count"),
        "kv_heads": values.get(f"{architecture}.attention.head_count_kv"),
        "vocabulary": _vocabulary(values),
        "chat_templates": _chat_templates(values),
        "lookup_tokens": lookup_tokens,
        "lookups_are_safe": all(
            found is not None and found["type"] == TokenType.CONTROL.name
            for found in lookup_tokens.values()
        ),
        "lamlam": _lamlam(values),
        "checksum": _checksum(path),
    }


def _bytes_by_type(parts: ModelParts) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for entry in parts.tensors:
        counts[entry.type_name] += entry.n_bytes
    return dict(counts.most_common())


def _type_name(number: Any) -> str:
    return TokenType(number).name if number in set(TokenType) else str(number)


def _vocabulary(values: dict[str, Any]) -> dict[str, Any]:
    prefix = "tokenizer.ggml."
    kinds = Counter(_type_name(kind) for kind in values.get("tokenizer.ggml.token_type", []))
    return {
        "kind": values.get("tokenizer.ggml.model"),
        "split": values.get("tokenizer.ggml.pre"),
        "tokens": len(values.get("tokenizer.ggml.tokens", [])),
        "types": dict(kinds.most_common()),
        "bos_id": values.get("tokenizer.ggml.bos_token_id"),
        "eos_id": values.get("tokenizer.ggml.eos_token_id"),
        "more_ends": [
            values[key]
            for key in (f"{prefix}eot_token_id", f"{prefix}eom_token_id")
            if key in values
        ],
        "adds_bos": values.get(f"{prefix}add_bos_token"),
        "adds_eos": values.get(f"{prefix}add_eos_token"),
        "suppressed": len(values.get(f"{prefix}suppress_tokens", [])),
    }


def _chat_templates(values: dict[str, Any]) -> list[str]:
    """Return the names of the chat templates; the one that is used is called ``default``."""
    key = "tokenizer.chat_template"
    named = [name.removeprefix(f"{key}.") for name in values if name.startswith(f"{key}.")]
    return ["default"] * (key in values) + sorted(named)


def _lookup_tokens(values: dict[str, Any]) -> dict[str, dict[str, Any] | None]:
    ids = {token: number for number, token in enumerate(values.get("tokenizer.ggml.tokens", []))}
    types = values.get("tokenizer.ggml.token_type", [])
    found: dict[str, dict[str, Any] | None] = {}
    for token in LOOKUP_TOKENS:
        number = ids.get(token)
        kind = types[number] if number is not None and number < len(types) else TokenType.NORMAL
        found[token] = None if number is None else {"id": number, "type": _type_name(kind)}
    return found


def _lamlam(values: dict[str, Any]) -> dict[str, Any]:
    prefix = "lamlam."
    ours = {
        key.removeprefix(prefix): value
        for key, value in values.items()
        if key.startswith(prefix) and key not in _CHECKSUMS
    }
    try:
        ours["training"] = json.loads(ours["training"])
    except (KeyError, ValueError, TypeError):
        pass  # absent, or written by others in another form: shown as it is
    return ours


def _checksum(path: Path) -> str:
    try:
        return "intact" if verify(path) else "absent"
    except BadModelFile:
        return "damaged"
