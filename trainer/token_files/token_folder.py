"""A folder of token files that a run reads."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from lamlam.errors import BadSettings, BadTokenFiles
from lamlam.trainer.documents import Document
from lamlam.trainer.settings import Settings
from lamlam.trainer.token_files.held_out_file import read_held_out
from lamlam.trainer.token_files.manifest import MANIFEST, Manifest, read_manifest, tokenizer_hash
from lamlam.trainer.token_files.shard_files import MappedShard, ShardPaths, ShardRecord, damaged
from lamlam.trainer.token_files.statistics import TokenCounts, sum_of
from lamlam.trainer.tokenizer import LmlmTokenizer

TOKENIZER = "tokenizer.json"


class TokenFolder:
    """Epochs of tokens on disk; a shard is mapped when an epoch needs it, and compared with its hash."""

    def __init__(self, path: Path, *, check_sizes: bool = True) -> None:
        """Read the manifest and the sizes of the files.

        Args:
            check_sizes: refuse a folder in which a file is missing or cut.

        Raises:
            BadTokenFiles: the folder is unfinished, damaged, or no such folder.
        """
        self.path = path
        self.manifest: Manifest = read_manifest(path)
        for paths, record in self._shards() if check_sizes else ():
            for file, size in zip(paths.files, record.bytes, strict=True):
                found = file.stat().st_size if file.is_file() else None
                if found != size:
                    what = "missing" if found is None else f"of {found} bytes instead of {size}"
                    raise damaged(paths, f"{file.name} is {what}")
        self.hash = blake2b((path / MANIFEST).read_bytes(), digest_size=8).hexdigest()

    def tokenizer(self) -> LmlmTokenizer:
        """Return the tokenizer that made the tokens.

        Raises:
            BadTokenFiles: its file is not as it was written.
        """
        try:
            tokenizer = LmlmTokenizer.load(self.path / TOKENIZER)
        except (BadSettings, OSError, ValueError) as problem:
            raise BadTokenFiles(
                f"the tokenizer of {self.path} is damaged: {problem}",
                hint="run the same lamlam prepare again",
            ) from None
        self.check_tokenizer(tokenizer, f"the {TOKENIZER} there")
        return tokenizer

    def check_tokenizer(self, tokenizer: LmlmTokenizer, whose: str) -> None:
        """Raise if the tokens are of another tokenizer.

        Raises:
            BadTokenFiles: they are; training would learn noise.
        """
        found = tokenizer_hash(tokenizer)
        if found != self.manifest.tokenizer:
            raise BadTokenFiles(
                f"{self.path} was made with another tokenizer ({self.manifest.vocabulary} tokens, "
                f"hash {self.manifest.tokenizer[:8]}) than {whose} ({tokenizer.size} tokens, "
                f"hash {found[:8]})",
                hint="prepare the tokens again with the tokenizer of the model",
            )

    def check_rows(self, settings: Settings) -> None:
        """Raise if rows of these settings cannot be made of the documents here.

        Raises:
            BadTokenFiles: the documents were parted for other rows.
        """
        made = self.manifest.settings
        context, rows = settings.model.context, settings.data.rows
        if rows != made.get("data.rows"):
            raise BadTokenFiles(
                f"{self.path} was made for data.rows = {made.get('data.rows')!r}, "
                f"and the settings say {rows!r}",
                hint="set data.rows as it was, or prepare the tokens again",
            )
        if rows != "documents" or context == made.get("model.context"):
            return
        counts = self.counts
        if counts.longest > context or counts.later_parts:
            raise BadTokenFiles(
                f"{self.path} was made for model.context = {made.get('model.context')}, and the "
                f"settings say {context}: "
                + (
                    f"it has documents of up to {counts.longest} tokens"
                    if counts.longest > context
                    else f"documents that would now fit were parted ({counts.later_parts} parts)"
                ),
                hint=f"set model.context = {made.get('model.context')}, "
                "or prepare the tokens again with these settings",
            )

    def held_out(self) -> list[Document]:
        """Return the documents that were held out.

        Raises:
            BadTokenFiles: their file is not as it was written.
        """
        return read_held_out(self.path, self.manifest.held_out)

    @property
    def n_epochs(self) -> int:
        """Epochs that were drawn; afterwards they come again in turn."""
        return len(self.manifest.epochs)

    @property
    def counts(self) -> TokenCounts:
        """Counts over all epochs."""
        return sum_of(
            one
            for epoch in self.manifest.epochs
            for shard in epoch
            for one in shard.counts.values()
        )

    def shard(self, epoch: int, number: int) -> MappedShard:
        """Return a shard, mapped and compared with its hash.

        Raises:
            BadTokenFiles: it is damaged.
        """
        return MappedShard(
            ShardPaths(self.path, epoch, number),
            self.manifest.epochs[epoch][number],
            self.manifest.kind,
            self.manifest.vocabulary,
        )

    def damaged_shards(self) -> Iterator[tuple[str, bool]]:
        """Yield each shard's name and whether its files are damaged."""
        for paths, record in self._shards():
            try:
                yield paths.stem, paths.hash() != record.hash
            except OSError:
                yield paths.stem, True

    def _shards(self) -> Iterator[tuple[ShardPaths, ShardRecord]]:
        for epoch, shards in enumerate(self.manifest.epochs):
            for number, record in enumerate(shards):
                yield ShardPaths(self.path, epoch, number), record
