"""Checks a GGUF file before llama.cpp loads it, which a damaged file can crash.

Structure first (every length against the file's size), then the checksums that
files of lamlam carry, then what llama.cpp does not check. Damaged weights cannot
end the process, so their checksum may be computed while the model is being loaded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamlam.errors import BadModelFile
from lamlam.runtime.llama.checksum import (
    HEADER_KEY,
    WEIGHTS_KEY,
    check_header_digest,
    check_weights_digest,
)
from lamlam.runtime.llama.gguf_file import GgufHeader
from lamlam.runtime.llama.model_kind import check_writes_text
from lamlam.runtime.llama.model_parts import ModelParts, read_parts

_TOKEN_TYPES = "tokenizer.ggml.token_type"
_TOKENS = "tokenizer.ggml.tokens"
_SUPPRESSED = "tokenizer.ggml.suppress_tokens"
_NORMAL = 1
_MOST_LAYERS = 512  # of llama.cpp
# Files of models called so are Phi-3's for llama.cpp, which then needs these tokens.
_PHI3_NAME = re.compile(r"phi-?3", re.IGNORECASE)
_PHI3_TOKENS = frozenset(["</s>", "<unk>", "<s>", "<|endoftext|>"])


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """A GGUF file that is complete, and its metadata."""

    path: Path
    metadata: dict[str, Any]  # Any: numbers, strings, booleans and lists of them
    token_types: list[int]
    """The format's type number of each token."""
    weights: tuple[tuple[Path, int], ...] = ()
    """The files of the model, each with the byte at which its weights begin."""
    n_positions: int | None = None
    """Positions that the model has learned, one by one; none if it computes them."""
    is_sealed: bool = False
    """True if checksums cover every byte."""

    @property
    def n_context_trained(self) -> int:
        """Length of the sequences that the model was trained on, in tokens."""
        key = f"{self.metadata['general.architecture']}.context_length"
        trained = int(self.metadata.get(key, 0))
        return trained if self.n_positions is None else min(trained, self.n_positions)

    @property
    def overrides(self) -> dict[str, str]:
        """Metadata that llama.cpp must read otherwise than it stands in the file."""
        name = str(self.metadata.get("general.name", ""))
        if is_phi3_name(name) and not _PHI3_TOKENS.issubset(self.metadata[_TOKENS]):
            return {"general.name": "model"}
        return {}

    @property
    def verbalise(self) -> str:
        """Who writes values, as the model was trained."""
        return str(self.metadata.get("lamlam.verbalise", "copy"))

    @property
    def suppressed_tokens(self) -> tuple[int, ...]:
        """Tokens that the model must not write."""
        return tuple(self.metadata.get(_SUPPRESSED, ()))

    @property
    def lookup_bias(self) -> float:
        """The bias for the logit that opens a lookup, as the model needs it."""
        return float(self.metadata.get("lamlam.lookup_bias", 0.0))

    def verify_weights(self) -> None:
        """Check the weights against their checksum, if the file has one.

        Raises:
            BadModelFile: their checksum differs.
        """
        check_weights_digest(self.metadata, self.weights)


def check_file(path: Path) -> CheckpointFile:
    """Return the metadata of a GGUF file; check its header, but not its weights yet.

    Raises:
        BadModelFile: no such file, not GGUF, truncated, damaged, a later part of a model, or a
            file of a kind that writes no text.
    """
    parts = read_parts(path)
    metadata, tensors = parts.metadata, parts.tensors
    check_writes_text(path, metadata, has_tensors=bool(tensors))
    check_header_digest(parts)
    _check_tensors(parts)
    _check_metadata(path, metadata)
    types = metadata.get(_TOKEN_TYPES) or [_NORMAL] * len(metadata[_TOKENS])
    return CheckpointFile(
        path,
        metadata,
        types,
        parts.weights,
        n_positions=_n_positions(parts),
        is_sealed=HEADER_KEY in metadata and WEIGHTS_KEY in metadata and not parts.was_split,
    )


def is_phi3_name(name: str) -> bool:
    """Return true if llama.cpp takes a model of this name for a Phi-3, whatever it is."""
    return _PHI3_NAME.search(name) is not None


def layers_without_tensors(path: Path) -> list[int]:
    """Return the layers that the header counts and that have no tensor."""
    parts = read_parts(path)
    count = parts.metadata.get(f"{parts.metadata.get('general.architecture')}.block_count", 0)
    return sorted(set(range(count)) - {_layer(entry.name) for entry in parts.tensors})


def _layer(tensor: str) -> int:
    number = tensor.split(".")[1] if tensor.startswith("blk.") else ""
    return int(number) if number.isdigit() else -1


def _n_positions(parts: ModelParts) -> int | None:
    rows = [entry.shape[-1] for entry in parts.tensors if entry.name == "position_embd.weight"]
    return rows[0] if rows else None


def _damaged(path: Path, what: str) -> BadModelFile:
    return BadModelFile(f"{path} is damaged: {what}", hint="fetch or export the file again")


def _check_tensors(parts: ModelParts) -> None:
    if not parts.tensors:
        raise BadModelFile(f"{parts.paths[0]} has no tensors")
    for path, header in zip(parts.paths, parts.headers, strict=True):
        _check_places(path, header)


def _check_places(path: Path, header: GgufHeader) -> None:
    end = 0
    names: set[str] = set()
    for tensor in sorted(header.tensors, key=lambda tensor: tensor.offset):
        if tensor.offset < end:
            raise _damaged(path, f"tensor {tensor.name} overlaps another")
        if tensor.name in names:
            raise _damaged(path, f"there are two tensors {tensor.name}")
        names.add(tensor.name)
        end = tensor.offset + tensor.n_bytes


def _check_metadata(path: Path, metadata: dict[str, Any]) -> None:
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str):
        raise BadModelFile(f"{path} does not name its architecture")
    tokens = metadata.get(_TOKENS)
    if not isinstance(tokens, list) or not tokens:
        raise BadModelFile(
            f"{path} has no vocabulary, so it cannot read or write text",
            hint="name the file of a language model",
        )
    types = metadata.get(_TOKEN_TYPES)
    if types is not None and (not isinstance(types, list) or len(types) != len(tokens)):
        raise _damaged(path, "not every token has a type")
    # Numbers that llama.cpp divides by, indexes with, or allocates for.
    counts = {
        "block_count": _MOST_LAYERS,
        "context_length": 1 << 26,
        "embedding_length": 1 << 18,
        "attention.head_count": 1 << 12,
        "attention.head_count_kv": 1 << 12,
    }
    for name, most in counts.items():
        value = metadata.get(f"{architecture}.{name}")
        values = value if isinstance(value, list) else [1 if value is None else value]
        if not all(type(number) is int and 0 <= number <= most for number in values):
            raise _damaged(path, f"{architecture}.{name} is {_short(value)}")
    _check_special_tokens(path, metadata, len(tokens))


def _check_special_tokens(path: Path, metadata: dict[str, Any], n_tokens: int) -> None:
    """Raise unless the tokens that begin and end a text exist, and those that are suppressed.

    Without any other one, such as padding, llama.cpp does as well; many files have for padding
    the number that follows the last token.
    """
    for name in ("bos", "eos", "eot", "eom", "unknown", "padding", "mask"):
        value = metadata.get(f"tokenizer.ggml.{name}_token_id", 0)
        if type(value) is not int:
            raise _damaged(path, f"its {name} token is {_short(value)}")
        is_used = name == "eos" or name == "bos" and _begins_with_bos(metadata)
        # Some writers store -1 as an unsigned number for "none".
        if is_used and not (-1 <= value < n_tokens or value == 0xFFFFFFFF):
            raise BadModelFile(
                f"{path}: its {name} token is {value}, and its {n_tokens} tokens end with number "
                f"{n_tokens - 1}",
                hint=f"correct tokenizer.ggml.{name}_token_id, or fetch or export the file again",
            )
    suppressed = metadata.get(_SUPPRESSED, [])
    if not isinstance(suppressed, list) or not all(
        type(token) is int and 0 <= token < n_tokens for token in suppressed
    ):
        raise _damaged(path, f"its {_SUPPRESSED} are not all tokens")


def _begins_with_bos(metadata: dict[str, Any]) -> bool:
    is_ours = "lamlam.format_version" in metadata  # these always do
    return is_ours or metadata.get("tokenizer.ggml.add_bos_token") is not False


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
