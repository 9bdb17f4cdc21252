"""Checks a GGUF file before llama.cpp loads it, which a damaged file can crash.

Structure first (every length against the file's size), then the checksums that
files of lamlam carry, then what llama.cpp does not check. Damaged weights cannot
end the process, so their checksum may be computed while the model is being loaded.
"""

from __future__ import annotations

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
from lamlam.runtime.llama.gguf_file import GgufHeader, read_header
from lamlam.special_files import what_else

_TOKEN_TYPES = "tokenizer.ggml.token_type"
_TOKENS = "tokenizer.ggml.tokens"
_SUPPRESSED = "tokenizer.ggml.suppress_tokens"
_NORMAL = 1


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """A GGUF file that is complete, and its metadata."""

    path: Path
    metadata: dict[str, Any]  # Any: numbers, strings, booleans and lists of them
    token_types: list[int]
    """The format's type number of each token."""
    data_offset: int
    """Where the weights begin, in bytes."""

    @property
    def is_sealed(self) -> bool:
        """True if checksums cover every byte."""
        return HEADER_KEY in self.metadata and WEIGHTS_KEY in self.metadata

    @property
    def n_context_trained(self) -> int:
        """Length of the sequences that the model was trained on, in tokens."""
        key = f"{self.metadata['general.architecture']}.context_length"
        return int(self.metadata.get(key, 0))

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
        check_weights_digest(self.path, self.metadata, self.data_offset)


def check_file(path: Path) -> CheckpointFile:
    """Return the metadata of a GGUF file; check its header, but not its weights yet.

    Raises:
        BadModelFile: no such file, not GGUF, truncated, damaged, or without a vocabulary.
    """
    if not path.is_file():
        what = what_else(path)
        raise BadModelFile(f"the model file {path} {f'is {what}' if what else 'does not exist'}")
    if path.stat().st_size == 0:
        raise BadModelFile(f"{path} is empty")
    header = read_header(path)
    check_header_digest(path, header)
    _check_tensors(path, header)
    _check_metadata(path, header)
    n_tokens = len(header.metadata[_TOKENS])
    types = header.metadata.get(_TOKEN_TYPES) or [_NORMAL] * n_tokens
    return CheckpointFile(path, header.metadata, types, header.data_offset)


def _damaged(path: Path, what: str) -> BadModelFile:
    return BadModelFile(f"{path} is damaged: {what}", hint="fetch or export the file again")


def _check_tensors(path: Path, header: GgufHeader) -> None:
    if not header.tensors:
        raise BadModelFile(f"{path} has no tensors")
    end = 0
    names: set[str] = set()
    for tensor in sorted(header.tensors, key=lambda tensor: tensor.offset):
        if tensor.offset < end:
            raise _damaged(path, f"tensor {tensor.name} overlaps another")
        if tensor.name in names:
            raise _damaged(path, f"there are two tensors {tensor.name}")
        names.add(tensor.name)
        end = tensor.offset + tensor.n_bytes


def _check_metadata(path: Path, header: GgufHeader) -> None:
    metadata = header.metadata
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str):
        raise BadModelFile(f"{path} does not name its architecture")
    tokens = metadata.get(_TOKENS)
    if not isinstance(tokens, list) or not tokens:
        raise BadModelFile(f"{path} has no vocabulary")
    types = metadata.get(_TOKEN_TYPES)
    if types is not None and (not isinstance(types, list) or len(types) != len(tokens)):
        raise _damaged(path, "not every token has a type")
    # Numbers that llama.cpp divides by, indexes with, or allocates for.
    n_layers = {
        name.split(".")[1] for name in (t.name for t in header.tensors) if name[:4] == "blk."
    }
    counts = {
        "block_count": max(len(n_layers), 1),
        "context_length": 1 << 26,
        "embedding_length": 1 << 18,
        "attention.head_count": 1 << 12,
        "attention.head_count_kv": 1 << 12,
    }
    for name, most in counts.items():
        value = metadata.get(f"{architecture}.{name}")
        values = value if isinstance(value, list) else [1 if value is None else value]
        if not all(type(number) is int and 0 <= number <= most for number in values):
            raise _damaged(path, f"{architecture}.{name} is {value!r}")
    for name in ("bos", "eos", "eot", "unknown", "padding"):
        value = metadata.get(f"tokenizer.ggml.{name}_token_id", 0)
        # Some writers store -1 as an unsigned number for "none".
        if type(value) is not int or not (-1 <= value < len(tokens) or value == 0xFFFFFFFF):
            raise _damaged(path, f"its {name} token is {value!r}")
    suppressed = metadata.get(_SUPPRESSED, [])
    if not isinstance(suppressed, list) or not all(
        type(token) is int and 0 <= token < len(tokens) for token in suppressed
    ):
        raise _damaged(path, f"its {_SUPPRESSED} are not all tokens")
