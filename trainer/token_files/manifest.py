"""``manifest.json`` of a folder of token files: what made them, what is in them, and their hashes.

It is written last: a folder without one is unfinished. Two folders that were made alike have the
same manifest to the byte.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from lamlam.errors import BadTokenFiles
from lamlam.trainer.token_files.shard_files import ShardRecord
from lamlam.trainer.token_files.statistics import sum_by_source, sum_of
from lamlam.trainer.tokenizer import LmlmTokenizer

MANIFEST = "manifest.json"
KIND = "token files of lamlam"
FORMAT = 1
"""Raised where an older lamlam could not read the folder."""


_ANEW = "remove the folder and run lamlam prepare again: it is not known what made the shards"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a folder of token files says about itself."""

    tokenizer: str
    """Hash of the tokenizer."""
    vocabulary: int
    """Tokens of the tokenizer."""
    settings: Mapping[str, Any]
    """Settings that decide what was drawn, by name."""
    content: Mapping[str, str]
    """What was drawn of: a hash of the content of each source, by the name of its setting."""
    files: Mapping[str, str]
    """Mark of the file of each source as it lay on disk."""
    held_out: str
    """Hash of the file of the documents that were held out."""
    epochs: Sequence[Sequence[ShardRecord]]
    """The shards of each epoch."""

    @property
    def kind(self) -> np.dtype[Any]:
        """The type of a token's id."""
        return kind_of(self.vocabulary)

    def as_json(self) -> bytes:
        """Return the file's content."""
        by_source = sum_by_source(shard.counts for epoch in self.epochs for shard in epoch)
        raw = {
            "kind": KIND,
            "format": FORMAT,
            "tokenizer": {"tokens": self.vocabulary, "blake2": self.tokenizer},
            "settings": dict(self.settings),
            "content": dict(self.content),
            "files": dict(self.files),
            "held_out": self.held_out,
            "statistics": {
                "epochs": len(self.epochs),
                **sum_of(by_source.values()).figures(),
                "sources": {name: counts.figures() for name, counts in sorted(by_source.items())},
            },
            "epochs": [[shard.as_json() for shard in epoch] for epoch in self.epochs],
        }
        return (json.dumps(raw, indent=1, ensure_ascii=False) + "\n").encode(errors="surrogatepass")


def kind_of(vocabulary: int) -> np.dtype[Any]:
    """Return the type that a token's id is written as.

    Args:
        vocabulary: tokens of the tokenizer.
    """
    return np.dtype(np.uint16 if vocabulary <= 1 << 16 else np.uint32)


def read_manifest(folder: Path, name: str = MANIFEST) -> Manifest:
    """Return the manifest of a folder.

    Args:
        name: of the file; that of an unfinished folder has no epochs.

    Raises:
        BadTokenFiles: none is there, or one that cannot be read here.
    """
    path = folder / name
    if not folder.is_dir():
        raise BadTokenFiles(
            f"{folder} is not a folder", hint="lamlam prepare CONFIG.toml --out FOLDER makes one"
        )
    if not path.exists():
        is_begun = (folder / UNFINISHED).exists()
        raise BadTokenFiles(
            f"{folder} is unfinished: it has no {MANIFEST} yet"
            if is_begun
            else f"{folder} has no token files: it has no {MANIFEST}",
            hint="run the same lamlam prepare again: it goes on where it was"
            if is_begun
            else "lamlam prepare CONFIG.toml --out FOLDER makes them",
        )
    try:
        raw = json.loads(path.read_bytes())
        is_ours = isinstance(raw, dict) and raw.get("kind") == KIND
    except (OSError, ValueError, RecursionError) as problem:
        raise BadTokenFiles(f"cannot read {path}: {problem}", hint=_ANEW) from None
    if not is_ours:
        raise BadTokenFiles(
            f"{path} does not describe token files of lamlam",
            hint="lamlam prepare CONFIG.toml --out FOLDER makes them, in a folder of their own",
        )
    if raw.get("format") != FORMAT:
        raise BadTokenFiles(
            f"{path} has format {raw.get('format')!r}, and this lamlam reads {FORMAT}",
            hint="use the version of lamlam that made it, or prepare the tokens again",
        )
    try:
        return _manifest_of(raw, has_epochs=name == MANIFEST)
    except (ValueError, TypeError, LookupError, AttributeError) as problem:
        raise BadTokenFiles(f"{path} is damaged: {problem!r}", hint=_ANEW) from None


def _manifest_of(raw: Any, *, has_epochs: bool) -> Manifest:
    vocabulary = raw["tokenizer"]["tokens"]
    if type(vocabulary) is not int or not 0 < vocabulary < 1 << 32:
        raise ValueError(f"{vocabulary!r} tokens in the tokenizer")
    manifest = Manifest(
        str(raw["tokenizer"]["blake2"]),
        vocabulary,
        dict(raw["settings"]),
        {str(name): str(value) for name, value in raw["content"].items()},
        {str(name): str(value) for name, value in raw["files"].items()},
        str(raw["held_out"]),
        [[ShardRecord.from_json(shard) for shard in epoch] for epoch in raw["epochs"]],
    )
    if has_epochs and not (manifest.epochs and all(manifest.epochs)):
        raise ValueError("an epoch without shards")
    return manifest


UNFINISHED = "unfinished.json"
"""What a folder has while it is being made: what it is made of and how."""


def tokenizer_hash(tokenizer: LmlmTokenizer) -> str:
    """Return a hash of all that decides which ids a text gets."""
    state = json.dumps(json.loads(tokenizer.full.to_str()), sort_keys=True)
    return blake2b(f"{tokenizer.end_of_text}\n{state}".encode(), digest_size=16).hexdigest()
