"""One shard on disk: three numpy files, which are read where they lie.

``NUMBER.tokens.npy`` has the ids of all documents one behind another, ``NUMBER.mask.npy`` one bit
a token (set where it counts in the loss), ``NUMBER.documents.npy`` a line for each document. They
count as written when ``NUMBER.json`` is there, which has their hash; it is written last.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lamlam.errors import BadTokenFiles
from lamlam.trainer.packing import EncodedDocument
from lamlam.trainer.token_files.statistics import TokenCounts, n_learnt
from lamlam.unfinished_files import part_beside

PARTS = ("tokens", "mask", "documents")
_LENGTH, _LEARNT, _MARKS = range(3)
_ENDS_IN_LOSS, _IS_LATER_PART = 1, 2
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """What a manifest says of one shard."""

    hash: str
    """BLAKE2 of its files, one behind another."""
    bytes: tuple[int, ...]
    """Size of each file, in the order of `PARTS`."""
    counts: Mapping[str, TokenCounts]
    """By source."""

    def as_json(self) -> dict[str, Any]:
        """Return it as a manifest writes it."""
        return {
            "hash": self.hash,
            "bytes": list(self.bytes),
            "counts": {name: dataclasses.astuple(one) for name, one in self.counts.items()},
        }

    @classmethod
    def from_json(cls, raw: Any) -> ShardRecord:
        """Return the record that `as_json` wrote.

        Raises:
            ValueError, TypeError, LookupError: it is not one.
        """
        sizes = tuple(map(_count, raw["bytes"]))
        if len(sizes) != len(PARTS):
            raise ValueError("a shard has three files")
        counts = {
            str(name): TokenCounts(*map(_count, numbers)) for name, numbers in raw["counts"].items()
        }
        return cls(str(raw["hash"]), sizes, counts)


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is not a number of things")
    return value


@dataclass(frozen=True, slots=True)
class ShardPaths:
    """Where the files of a shard are."""

    folder: Path
    epoch: int
    shard: int

    @property
    def stem(self) -> str:
        """Name of the shard in its folder, which messages use."""
        return f"epoch-{self.epoch:04d}/{self.shard:05d}"

    @property
    def files(self) -> list[Path]:
        """The three numpy files."""
        return [self.folder / f"{self.stem}.{part}.npy" for part in PARTS]

    @property
    def record(self) -> Path:
        """The file that says that they are whole."""
        return self.folder / f"{self.stem}.json"

    def hash(self) -> str:
        """Return the hash of the three files.

        Raises:
            OSError: one cannot be read.
        """
        found = hashlib.blake2b(digest_size=16)
        for path in self.files:
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    found.update(chunk)
        return found.hexdigest()


def write_shard(
    paths: ShardPaths,
    documents: Sequence[EncodedDocument],
    counts: Mapping[str, TokenCounts],
    kind: np.dtype[Any],
) -> ShardRecord:
    """Write a shard; what is left of an older one is replaced.

    Args:
        kind: of a token's id.

    Raises:
        OSError: the disk is full, or the folder gone.
    """
    tokens = [document.tokens for document in documents]
    masks = [document.loss_mask for document in documents]
    lines = [
        (
            len(document.tokens),
            n_learnt(document),
            _ENDS_IN_LOSS * document.end_in_loss | _IS_LATER_PART * document.is_later_part,
        )
        for document in documents
    ]
    arrays: tuple[NDArray[Any], ...] = (
        np.concatenate([np.zeros(0, np.int32), *tokens]).astype(kind),
        np.packbits(np.concatenate([np.zeros(0, np.bool_), *masks])),
        np.array(lines, dtype=np.uint32).reshape(-1, 3),
    )
    paths.record.parent.mkdir(exist_ok=True)
    paths.record.unlink(missing_ok=True)
    for path, array in zip(paths.files, arrays, strict=True):
        write_whole(path, partial(_save, array))
    record = ShardRecord(paths.hash(), tuple(path.stat().st_size for path in paths.files), counts)
    content = json.dumps(record.as_json()).encode()
    write_whole(paths.record, lambda stream: stream.write(content))
    return record


def _save(array: NDArray[Any], stream: BinaryIO) -> None:
    np.save(stream, array)


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file beside its place, then rename it.

    Raises:
        OSError: it cannot be written; what was there before stays.
    """
    part = part_beside(path)
    try:
        with part.open("wb") as stream:
            write(stream)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read_record(paths: ShardPaths) -> ShardRecord | None:
    """Return the record of a shard whose files are as they were written; None for any other."""
    try:
        record = ShardRecord.from_json(json.loads(paths.record.read_bytes()))
        return record if paths.hash() == record.hash else None
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None


class MappedShard:
    """A shard that is read from its files as it is needed."""

    def __init__(
        self, paths: ShardPaths, record: ShardRecord, kind: np.dtype[Any], vocabulary: int
    ) -> None:
        """Compare the files with their hash and map them.

        Raises:
            BadTokenFiles: they are not as they were written.
        """
        try:
            found = paths.hash()
            if found != record.hash:
                raise ValueError("its files are not as they were written")
            tokens, mask, documents = (
                np.load(path, mmap_mode="r", allow_pickle=False) for path in paths.files
            )
        except (OSError, ValueError, EOFError) as problem:
            raise damaged(paths, problem) from None
        # Whoever can write a folder can write its hashes, too.
        if (
            tokens.dtype != kind or mask.dtype != np.uint8 or documents.dtype != np.uint32
            or tokens.ndim != 1 or mask.ndim != 1 or documents.ndim != 2
            or documents.shape[1] != 3 or len(mask) != -(-len(tokens) // 8)
            or documents[:, _LENGTH].sum(dtype=np.int64) != len(tokens)
            or (documents[:, _LENGTH] == 0).any()
            or (len(tokens) and int(tokens.max()) >= vocabulary)
        ):  # fmt: skip
            raise damaged(paths, "its files do not fit together")
        self._tokens: NDArray[np.integer] = tokens
        self._mask: NDArray[np.uint8] = mask
        self.lengths: NDArray[np.int64] = documents[:, _LENGTH].astype(np.int64)
        """Tokens of each document."""
        self.starts: NDArray[np.int64] = np.cumsum(self.lengths) - self.lengths
        self.learnt: NDArray[np.int64] = documents[:, _LEARNT].astype(np.int64)
        """Labels that count, of each document."""
        marks = np.array(documents[:, _MARKS])
        self.ends_in_loss: NDArray[np.bool_] = marks & _ENDS_IN_LOSS > 0
        self.is_later_part: NDArray[np.bool_] = marks & _IS_LATER_PART > 0
        self.n_tokens_read = 0
        """Tokens that were taken so far."""

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, places: NDArray[np.int64]) -> tuple[NDArray[np.integer], NDArray[np.bool_]]:
        """Return ids and mask of the tokens at these places."""
        self.n_tokens_read += len(places)
        bits = self._mask[places >> 3] >> (7 - (places & 7)).astype(np.uint8)
        return self._tokens[places], (bits & 1).astype(np.bool_)

    def document(self, i: int) -> EncodedDocument:
        """Return one document as it was before it was written."""
        places = np.arange(self.starts[i], self.starts[i] + self.lengths[i])
        tokens, mask = self.take(places)
        return EncodedDocument(
            tokens.astype(np.int32),
            mask,
            bool(self.ends_in_loss[i]),
            bool(self.is_later_part[i]),
        )


def damaged(paths: ShardPaths, why: object) -> BadTokenFiles:
    """Return the error for a shard that cannot be used."""
    if isinstance(why, OSError):
        why = why.strerror or why
    return BadTokenFiles(
        f"shard {paths.stem} of {paths.folder} is damaged: {why}",
        hint="lamlam prepare with the settings that made it makes the shard again",
    )
