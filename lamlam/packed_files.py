"""Packed files: read and written by their suffix, or read by what they begin with."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zlib
from importlib import import_module
from pathlib import Path
from typing import IO, Any, cast

from lamlam.errors import NotSupported

PACKED_SUFFIXES = (".gz", ".xz", ".bz2", ".zst")
"""Of names of files that are unpacked."""
_MAGICS = {
    ".gz": re.compile(rb"\x1f\x8b\x08"),
    ".xz": re.compile(rb"\xfd7zXZ\0"),
    ".bz2": re.compile(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)"),
    ".zst": re.compile(rb"\x28\xb5\x2f\xfd"),
}
try:
    _ZSTD: Any = import_module("compression.zstd")  # Any: of Python 3.14, where it was built in
    _ZSTD_ERRORS: tuple[type[Exception], ...] = (_ZSTD.ZstdError,)
except ImportError:
    _ZSTD, _ZSTD_ERRORS = None, ()
_MOST_OF_MAGIC = 10  # bytes
UNPACKING_ERRORS: tuple[type[Exception], ...] = (
    EOFError, lzma.LZMAError, zlib.error, *_ZSTD_ERRORS,
)  # fmt: skip
"""Of a packed file that is damaged or cut off, besides `OSError`."""


def packing_of(begin: bytes) -> str:
    """Return the suffix of packed files that begin so, or nothing."""
    return next((suffix for suffix, magic in _MAGICS.items() if magic.match(begin)), "")


def unpacked(raw: IO[bytes], name: str) -> IO[bytes]:
    """Return the content of a file that may be packed, whatever its name.

    Args:
        raw: at its begin; it stays open when what is returned is closed.
        name: of the file; a packed one must be packed as its suffix says.

    Raises:
        NotSupported: it is packed in a way that this Python cannot unpack.
    """
    raw = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(cast("Any", raw))
    suffix = Path(name).suffix.casefold()
    if suffix not in PACKED_SUFFIXES:
        suffix = packing_of(raw.peek(_MOST_OF_MAGIC))
    if suffix == ".gz":
        return cast("IO[bytes]", gzip.open(raw, "rb"))
    if suffix == ".xz":
        return lzma.open(raw, "rb")
    if suffix == ".bz2":
        return bz2.open(raw, "rb")
    if suffix == ".zst":
        return cast("IO[bytes]", _zstd(name, "zstd -d, and the file that it makes").open(raw, "rb"))
    return raw


def created(path: Path, suffix: str) -> IO[bytes]:
    """Create a file, packed as the suffix says.

    Raises:
        NotSupported: this Python cannot pack so.
    """
    if suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "wb"))
    if suffix == ".bz2":
        return bz2.open(path, "wb")
    if suffix == ".xz":
        return lzma.open(path, "wb")
    if suffix == ".zst":
        return cast(
            "IO[bytes]",
            _zstd(f"a {suffix} file", ".gz or .xz, or pack it with zstd").open(path, "wb"),
        )
    return path.open("wb")


def is_unpacking_error(error: Exception) -> bool:
    """Return whether a packed file is damaged or cut off, or is not packed as its name says."""
    if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
        return error.errno is None  # what `bz2` raises has no type of its own
    return isinstance(error, (*UNPACKING_ERRORS, gzip.BadGzipFile))


def _zstd(name: str, instead: str) -> Any:  # Any: a module that only some versions have
    if _ZSTD is not None:
        return _ZSTD
    raise NotSupported(
        f"{name} is packed by Zstandard, which this Python does not know (3.14 does)",
        hint=f"use {instead}",
    )
