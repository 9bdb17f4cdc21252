"""Checksums inside a GGUF file, so that a damaged one is noticed before llama.cpp reads it.

Two BLAKE2b-128 values are in the metadata as 32 hexadecimal digits each:

- ``lamlam.weights_blake2b`` over the tensor data: from its aligned start to the
  end of the file;
- ``lamlam.header_blake2b`` over everything before, with the digits of both
  values replaced by ``0``.

The file is written with zeros in both places (`PLACEHOLDERS`) and sealed last:
a value of fixed length can be put in place without moving a byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from lamlam.errors import BadModelFile
from lamlam.runtime.llama.gguf_file import GgufHeader, read_header
from lamlam.runtime.llama.model_parts import ModelParts, read_parts

WEIGHTS_KEY = "lamlam.weights_blake2b"
HEADER_KEY = "lamlam.header_blake2b"
_DIGEST_BYTES = 16
_ZEROS = "0" * (2 * _DIGEST_BYTES)
PLACEHOLDERS = {WEIGHTS_KEY: _ZEROS, HEADER_KEY: _ZEROS}
"""What a writer puts into the metadata of a file that is to be sealed."""
_CHUNK = 1 << 20


def seal(path: Path) -> str:
    """Compute both checksums of the file, write them into it and return the weights' one.

    Raises:
        BadModelFile: not a GGUF file, or one without room for the checksums.
    """
    header = read_header(path)
    places = _places(header)
    missing = PLACEHOLDERS.keys() - places.keys()
    if missing:
        raise BadModelFile(f"{path} has no room for checksums: {', '.join(sorted(missing))}")
    with path.open("r+b") as file:
        weights = _weights_digest([(path, header.data_offset)])
        for key, digest in (HEADER_KEY, _header_digest(file, header)), (WEIGHTS_KEY, weights):
            file.seek(places[key])
            file.write(digest.encode("ascii"))
    return weights


def verify(path: Path) -> bool:
    """Return true if the file is as it was sealed, false if it has no checksum.

    Raises:
        BadModelFile: not a GGUF file, or its bytes differ from what was sealed.
    """
    parts = read_parts(path)
    if WEIGHTS_KEY not in parts.metadata and HEADER_KEY not in parts.metadata:
        return False
    check_header_digest(parts)
    check_weights_digest(parts.metadata, parts.weights)
    return True


def check_header_digest(parts: ModelParts) -> None:
    """Check all before the weights against its checksum, if there is one.

    A tool that splits a sealed file writes another header and copies the weights as they are:
    then only the weights can be checked.

    Raises:
        BadModelFile: they differ.
    """
    path, header = parts.paths[0], parts.headers[0]
    if HEADER_KEY in header.metadata and not parts.was_split:
        with path.open("rb") as file:
            _check(path, HEADER_KEY, header.metadata, _header_digest(file, header))


def check_weights_digest(metadata: dict[str, Any], weights: Sequence[tuple[Path, int]]) -> None:
    """Check the weights against their checksum, if there is one.

    Args:
        weights: the files, each with the byte at which its weights begin.

    Raises:
        BadModelFile: they differ.
    """
    if WEIGHTS_KEY in metadata:
        _check(weights[0][0], WEIGHTS_KEY, metadata, _weights_digest(weights))


def _check(path: Path, key: str, metadata: dict[str, Any], digest: str) -> None:
    if metadata[key] != digest:
        raise BadModelFile(
            f"{path} is damaged: {key} is {metadata[key]}, its bytes give {digest}",
            hint="fetch or export the file again",
        )


def _places(header: GgufHeader) -> dict[str, int]:
    """Return where the digits of each checksum begin; a value of another length has no place."""
    found = ((key, header.string_offsets.get(key, (0, 0))) for key in PLACEHOLDERS)
    return {key: offset for key, (offset, n_bytes) in found if n_bytes == len(_ZEROS)}


def _header_digest(file: BinaryIO, header: GgufHeader) -> str:
    file.seek(0)
    head = bytearray(file.read(header.data_offset))
    for offset in _places(header).values():
        head[offset : offset + len(_ZEROS)] = _ZEROS.encode("ascii")
    return hashlib.blake2b(head, digest_size=_DIGEST_BYTES).hexdigest()


def _weights_digest(places: Sequence[tuple[Path, int]]) -> str:
    weights = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for path, data_offset in places:
        with path.open("rb") as file:
            file.seek(data_offset)
            while chunk := file.read(_CHUNK):
                weights.update(chunk)
    return weights.hexdigest()
