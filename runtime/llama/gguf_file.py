"""Reads the header of a GGUF file with the standard library alone.

Every length in the file is checked against the file's size before it is used,
so a truncated or damaged header ends in `BadModelFile`, never in a crash or in
gigabytes of memory. The tensor data itself is not read here.

Source: ggml's description of the format, versions 2 and 3.
"""

from __future__ import annotations

import math
import mmap
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamlam.errors import BadModelFile
from lamlam.runtime.llama.other_files import SAMPLE, hint_for_piece, other_file
from lamlam.runtime.llama.other_places import hint_for_folder, hint_for_missing
from lamlam.special_files import what_else

MAGIC = b"GGUF"
_LENGTH = struct.Struct("<Q")
_STRING, _ARRAY = 8, 9
# Type number -> (struct letter, bytes).
_SCALARS = {
    0: ("B", 1), 1: ("b", 1), 2: ("H", 2), 3: ("h", 2), 4: ("I", 4), 5: ("i", 4),
    6: ("f", 4), 7: ("?", 1), 10: ("Q", 8), 11: ("q", 8), 12: ("d", 8),
}  # fmt: skip
# Tensor type number -> (name, values in a block, bytes of a block).
TENSOR_TYPES = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 36),
    10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2),
    26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17), 40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18),
    42: ("Q2_0", 64, 18),
}  # fmt: skip
_REMOVED_TYPES = {
    4: "Q4_2", 5: "Q4_3", 31: "Q4_0_4_4", 32: "Q4_0_4_8", 33: "Q4_0_8_8",
    36: "IQ4_NL_4_4", 37: "IQ4_NL_4_8", 38: "IQ4_NL_8_8",
}  # fmt: skip
_MOST_TYPES = 512
"""Programs that derive from llama.cpp number their own types from about 100 on."""


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """One tensor as the header describes it."""

    name: str
    shape: tuple[int, ...]
    """Fastest-varying axis first, as the file has it."""
    type_name: str
    offset: int
    """Bytes from the beginning of the tensor data."""
    n_bytes: int

    @property
    def n_values(self) -> int:
        """Numbers that the tensor holds."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """Everything before the tensor data."""

    metadata: dict[str, Any]  # Any: numbers, strings, booleans and lists of them
    string_offsets: dict[str, tuple[int, int]]
    """Where in the file each string value lies: (offset, bytes)."""
    tensors: tuple[TensorEntry, ...]
    data_offset: int
    """Where the tensor data begins, in bytes from the start of the file."""
    n_bytes: int
    """Size of the whole file."""
    kinds: dict[str, int]
    """The format's type number of each value of the metadata; of a list, that of its items."""


def read_header(path: Path) -> GgufHeader:
    """Return the header of a GGUF file whose tensors all lie inside the file.

    Raises:
        BadModelFile: no such file, not GGUF, truncated, or an inconsistent header.
    """
    _check_place(path)
    try:
        with path.open("rb") as file:
            if not (sample := file.read(SAMPLE)):
                raise BadModelFile(f"{path} is empty", hint="fetch or export it again")
            if not sample.startswith(MAGIC):
                raise _not_gguf(path, sample)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _HeaderReader(data, path).read()
    except OSError as problem:
        raise BadModelFile(f"cannot read {path}: {problem.strerror or problem}") from None


def _check_place(path: Path) -> None:
    """Raise unless there is a file; a pipe would be waited for."""
    try:
        if path.is_file():
            return
        what = what_else(path)
    except (OSError, ValueError) as problem:  # no access to the folder; a NUL in the name
        raise BadModelFile(f"cannot read {str(path)!r}: {problem}") from None
    if what is not None:
        raise BadModelFile(f"the model file {path} is {what}", hint=hint_for_folder(path))
    if path.is_symlink():
        raise BadModelFile(f"the model file {path} is a link to a file that does not exist")
    raise BadModelFile(f"the model file {path} does not exist", hint=hint_for_missing(path))


def _not_gguf(path: Path, sample: bytes) -> BadModelFile:
    found = other_file(sample)
    hint = hint_for_piece(path.name)
    if found is None:
        return BadModelFile(f"{path} is not a GGUF file", hint=hint)
    return BadModelFile(f"{path} is not a GGUF file but {found.what}", hint=hint or found.hint)


class _HeaderReader:
    """A cursor over the bytes of the header."""

    def __init__(self, data: mmap.mmap, path: Path) -> None:
        self.data = data
        self.path = path
        self.at = len(MAGIC)

    def read(self) -> GgufHeader:
        version = self.number(4)
        if version not in (2, 3):
            raise self.unreadable(version)
        n_tensors, n_values = self.number(8), self.number(8)
        metadata: dict[str, Any] = {}
        string_offsets: dict[str, tuple[int, int]] = {}
        kinds: dict[str, int] = {}
        for _ in range(n_values):
            key = self.string()
            if key in metadata:
                raise self.bad(f"metadata key {key!r} occurs twice")
            kind = self.number(4)
            begin = self.at
            metadata[key] = self.value(kind)
            kinds[key] = self.data[begin] if kind == _ARRAY else kind
            if kind == _STRING:
                n_bytes = len(metadata[key].encode("utf-8"))
                string_offsets[key] = (self.at - n_bytes, n_bytes)
        entries = [self.tensor() for _ in range(n_tensors)]
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1):
            raise self.bad(f"alignment {alignment!r} is not a power of two")
        data_offset = -(-self.at // alignment) * alignment
        for entry in entries:
            end = data_offset + entry.offset + entry.n_bytes
            if end > len(self.data):
                raise self.bad(
                    f"tensor {entry.name} ends at byte {end}, the file at {len(self.data)}"
                )
        size = len(self.data)
        return GgufHeader(metadata, string_offsets, tuple(entries), data_offset, size, kinds)

    def tensor(self) -> TensorEntry:
        name = self.string()
        n_axes = self.number(4)
        if not 1 <= n_axes <= 4:
            raise self.bad(f"tensor {name} has {n_axes} axes")
        shape = tuple(self.number(8) for _ in range(n_axes))
        kind, offset = self.number(4), self.number(8)
        if kind not in TENSOR_TYPES:
            raise self.unknown_type(name, kind)
        type_name, block, block_bytes = TENSOR_TYPES[kind]
        if shape[0] % block or 0 in shape:
            raise self.bad(f"tensor {name}: {shape[0]} values do not fill whole {type_name} blocks")
        return TensorEntry(name, shape, type_name, offset, math.prod(shape) // block * block_bytes)

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            return self.array()
        if kind not in _SCALARS:
            raise self.bad(f"unknown metadata type {kind}")
        letter, size = _SCALARS[kind]
        return struct.unpack("<" + letter, self.take(size))[0]

    def array(self) -> list[Any]:
        kind, length = self.number(4), self.number(8)
        if kind == _STRING:
            return self.strings(length)
        if kind not in _SCALARS:  # arrays of arrays exist in no model that we can run
            raise self.bad(f"unknown metadata array type {kind}")
        letter, size = _SCALARS[kind]
        return list(struct.unpack(f"<{length}{letter}", self.take(size * length)))

    def strings(self, length: int) -> list[str]:
        # A vocabulary is nearly all of a header, so there is no call for each of its texts.
        data, at, end = self.data, self.at, len(self.data)
        raw: list[bytes] = []
        for _ in range(length):
            begin = at + _LENGTH.size
            at = begin + _LENGTH.unpack_from(data, at)[0] if begin <= end else begin
            if at > end:
                raise self.bad("the file ends inside its header")
            raw.append(data[begin:at])
        self.at = at
        try:
            return [text.decode("utf-8") for text in raw]
        except UnicodeDecodeError:
            raise self.bad("a string is not UTF-8") from None

    def string(self) -> str:
        raw = self.take(self.number(8))
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise self.bad("a string is not UTF-8") from None

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise self.bad("the file ends inside its header")
        self.at += size
        return self.data[self.at - size : self.at]

    def bad(self, what: str) -> BadModelFile:
        hint = hint_for_piece(self.path.name) or "fetch or export the file again"
        return BadModelFile(f"{self.path} is damaged: {what}", hint=hint)

    def unknown_type(self, tensor: str, kind: int) -> BadModelFile:
        if kind in _REMOVED_TYPES:
            name = _REMOVED_TYPES[kind]
            # What such files arrange for one processor, llama.cpp arranges while it loads a file.
            plain = re.sub(r"_[48]_[48]$", "", name)
            hint = f"fetch its file of type {plain}" if plain != name else "quantise it again"
            return BadModelFile(
                f"{self.path} has tensors of type {name}, which llama.cpp no longer reads",
                hint=hint,
            )
        if kind > _MOST_TYPES:
            return self.bad(f"tensor {tensor} has the unknown type {kind}")
        return BadModelFile(
            f"{self.path} cannot be read: the type {kind} of tensor {tensor} is not known here",
            hint="a newer llama.cpp or a program that derives from it wrote the file; fetch one of "
            "another type, such as Q4_K_M",
        )

    def unreadable(self, version: int) -> BadModelFile:
        if version & 0xFFFF == 0 and 0 < version >> 24 < 16:
            return BadModelFile(
                f"{self.path} is a GGUF file of the other byte order (big-endian)",
                hint="fetch the little-endian file, or convert it with gguf_convert_endian.py of "
                "llama.cpp",
            )
        if version == 1 or 3 < version < 100:
            what, hint = (
                ("older", "fetch a newer file of this model")
                if version == 1
                else ("newer", "update lamlam, or fetch a file of version 3")
            )
            return BadModelFile(
                f"{self.path} is a GGUF file of version {version}, {what} than the versions 2 and "
                f"3 that can be read",
                hint=hint,
            )
        return self.bad(f"GGUF version {version} is not 2 or 3")
