"""How fast rows are made on one core: drawn of documents, and read from token files.

Both make the same rows, shard by shard in turn, and what is counted is the time of the processor:
the ratio is the same whatever else the machine does. What is read is in the file cache.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lamlam.errors import BadSettings
from lamlam.trainer import data_loader
from lamlam.trainer.epoch_draws import Drawer, draws_of_epoch
from lamlam.trainer.packing import EncodedDocument, PackedRows, pack
from lamlam.trainer.settings import Settings
from lamlam.trainer.token_files.manifest import kind_of
from lamlam.trainer.token_files.mapped_rows import MappedRows
from lamlam.trainer.token_files.shard_files import MappedShard, ShardPaths, write_shard
from lamlam.trainer.tokenizer import LmlmTokenizer
from lamlam.trainer.training_data import read_training_data

_WARM_UP = 1
"""Shards that are not counted."""


class _Spent:
    """Seconds of this process's processor time, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def on(self, part: str) -> Iterator[None]:
        """Count the time of the body."""
        begun = time.process_time()
        yield
        self.seconds[part] = self.seconds.get(part, 0.0) + time.process_time() - begun

    def total(self, *parts: str) -> float:
        return sum(self.seconds.get(part, 0.0) for part in parts)


def measure_feed(
    settings: Settings, *, seconds: float, own: LmlmTokenizer | None = None
) -> dict[str, Any]:
    """Return tokens/s of one core for both ways, their ratio, and where the time goes.

    Args:
        seconds: of processor time to measure.
        own: tokenizer of a model that is gone on from.

    Raises:
        BadSettings: the settings name no documents.
    """
    if settings.data.tokens or any(source.tokens for source in settings.data.mixture):
        raise BadSettings(
            "the feed is measured on documents, and data.tokens names token files",
            hint="set data.documents; their token files are made as it measures",
        )
    if settings.data.rows != "documents":
        settings = dataclasses.replace(
            settings, data=dataclasses.replace(settings.data, rows="documents")
        )
    data = read_training_data(settings)
    tokenizer = data.tokenizer(own)
    drawer = Drawer(settings, data.documents, tokenizer, data.replay)
    context, end_of_text = settings.model.context, tokenizer.ids.end_of_text
    spent = _Spent()
    n_tokens = n_shards = 0
    with tempfile.TemporaryDirectory() as folder:
        while spent.total("draw", "pack", "map", "plan", "take") < seconds:
            for draw in draws_of_epoch(settings, data.documents, n_shards, data_loader.SHARD):
                with spent.on("draw"):
                    documents = drawer.documents(draw)
                with spent.on("pack"):
                    expected = pack(documents, context, end_of_text)
                found = _read(documents, Path(folder), tokenizer, settings, spent)
                if n_shards >= _WARM_UP:
                    n_tokens += sum(len(document.tokens) for document in documents)
                else:
                    spent.seconds.clear()
                n_shards += 1
                _check(found, expected)
                if spent.total("draw", "pack", "map", "plan", "take") >= seconds:
                    break
    drawn, read = spent.total("draw", "pack"), spent.total("map", "plan", "take")
    return {
        "tokens": n_tokens,
        "documents_tokens_per_s": round(n_tokens / drawn),
        "token_files_tokens_per_s": round(n_tokens / read),
        "ratio": round(drawn / read, 1),
        "ns_per_token": {
            part: round(1e9 * time_s / n_tokens, 1) for part, time_s in spent.seconds.items()
        },
    }


def _read(
    documents: list[EncodedDocument],
    folder: Path,
    tokenizer: LmlmTokenizer,
    settings: Settings,
    spent: _Spent,
) -> PackedRows:
    """Write the documents as a shard, and return the rows that are read from it."""
    kind = kind_of(tokenizer.size)
    paths = ShardPaths(folder, 0, 0)
    record = write_shard(paths, documents, {}, kind)
    with spent.on("map"):  # with the hash of the files
        shard = MappedShard(paths, record, kind, tokenizer.size)
    with spent.on("plan"):
        rows = MappedRows(
            shard, np.arange(len(shard)), settings.model.context, tokenizer.ids.end_of_text
        )
    size = settings.optimiser.batch_rows
    with spent.on("take"):
        batches = [
            rows.take(np.arange(first, min(first + size, len(rows))))
            for first in range(0, len(rows), size)
        ]
    return PackedRows(
        np.concatenate([batch.inputs for batch in batches]),
        np.concatenate([batch.labels for batch in batches]),
    )


def _check(found: PackedRows, expected: PackedRows) -> None:
    if not (
        np.array_equal(found.inputs, expected.inputs)
        and np.array_equal(found.labels, expected.labels)
    ):
        raise AssertionError("token files gave other rows than the documents")
