"""Says what a file is that was given as a model and is not a GGUF file."""

from __future__ import annotations

import re
from dataclasses import dataclass

SAMPLE = 512
"""Bytes from the beginning of a file that are looked at."""
_FETCH = "fetch the model file itself again"
_EXPORT = "export its folder first: lamlam export FOLDER model.gguf"
_UNPACK = "unpack it and name the GGUF file inside"
# How the file begins, what it is, and what to do.
_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs", "a Git LFS pointer", "fetch the file it stands for: git lfs pull"),
    (b"SQLite format 3\0", "a SQLite database", "name a memory by --memory or memory="),
    (b"MZqFpD", "a llamafile, a program with a model inside", _UNPACK),
    (b"PK\x03\x04", "a zip archive, perhaps a PyTorch checkpoint", _EXPORT),
    (b"\x93NUMPY", "a NumPy array", _EXPORT),
    (b"\x89HDF", "an HDF5 file", _EXPORT),
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\0", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", _UNPACK),
    (b"7z\xbc\xaf", "a 7z archive", _UNPACK),
    (b"%PDF", "a PDF document", _FETCH),
    # Magic numbers of ggml's older formats, which were written as little-endian numbers.
    (b"algg", "a LoRA adapter in an old format", "convert it to GGUF, or fetch a GGUF file"),
    *(
        (magic, "a model in ggml's old format", "convert it to GGUF, or fetch a GGUF file")
        for magic in (b"lmgg", b"fmgg", b"tjgg")
    ),
)
_WEB_PAGE = re.compile(rb"\s*<(!doctype html|html|head|body)", re.IGNORECASE)
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_ONNX = re.compile(rb"\x08[\x01-\x1f]\x12.{1,40}(onnx|torch|keras|sklearn|tf2)", re.DOTALL)
_PIECE = re.compile(r"\.gguf[.-](split-[a-z]+|part[-_.]?\d+(of\d+)?|\d{1,3}|[a-z]{2})$")


@dataclass(frozen=True, slots=True)
class OtherFile:
    """What a file is, for a message, and what to do."""

    what: str
    hint: str


def other_file(sample: bytes) -> OtherFile | None:
    """Return what a file is that begins so; ``None`` if that is unknown."""
    for beginning, what, hint in _BEGINNINGS:
        if sample.startswith(beginning):
            return OtherFile(what, hint)
    if sample[8:9] == b"{" and sample[9:10] in b'" }\n' and int.from_bytes(sample[:8], "little"):
        return OtherFile("a safetensors file", _EXPORT)
    if _PICKLE.match(sample):
        return OtherFile("a pickled PyTorch checkpoint", _EXPORT)
    if _ONNX.match(sample):
        return OtherFile("an ONNX model", "export the checkpoint it was made from")
    if sample[4:8] == b"TFL3":
        return OtherFile("a TensorFlow Lite model", "export the checkpoint it was made from")
    if sample[257:262] == b"ustar":
        return OtherFile("a tar archive", _UNPACK)
    if _WEB_PAGE.match(sample):
        return OtherFile("a web page", _FETCH)
    if not sample.strip(b"\0"):
        return OtherFile("a file that begins with zeros: its download has not ended", _FETCH)
    return _text(sample)


def hint_for_piece(name: str) -> str | None:
    """Return a hint if the name is one of a file that was cut into pieces."""
    if not _PIECE.search(name):
        return None
    return (
        "its name is that of a piece of a file: join all pieces in order: cat PIECES > model.gguf"
    )


def _text(sample: bytes) -> OtherFile | None:
    try:
        text = sample.decode("utf-8")
    except UnicodeDecodeError as problem:
        if problem.start < len(sample) - 3:  # not the last character, which may be cut
            return None
        text = sample[: problem.start].decode("utf-8")
    if not all(letter.isprintable() or letter.isspace() for letter in text):
        return None
    begin = " ".join(text.split())[:40]
    kind = "JSON" if begin[:1] in ("{", "[") else "XML" if begin[:5] == "<?xml" else "text"
    return OtherFile(f"{kind}: {begin!r}", _FETCH)
