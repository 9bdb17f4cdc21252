"""Make a folder of token files: shards drawn in parallel, each kept as soon as it is whole.

A run that is killed leaves whole shards and no manifest; the same run again keeps those whose
hash is right and draws the others.
"""

from __future__ import annotations

import dataclasses
import errno
import json
import logging
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from lamlam.errors import BadSettings, BadTokenFiles, WorkerKilled
from lamlam.trainer import data_loader
from lamlam.trainer.epoch_draws import Draw, Drawer, draws_of_epoch, start_drawing
from lamlam.trainer.settings import Settings
from lamlam.trainer.token_files.held_out_file import as_lines, hash_of, write_held_out
from lamlam.trainer.token_files.manifest import (
    MANIFEST,
    UNFINISHED,
    Manifest,
    read_manifest,
    tokenizer_hash,
)
from lamlam.trainer.token_files.shard_files import (
    ShardPaths,
    ShardRecord,
    read_record,
    write_shard,
    write_whole,
)
from lamlam.trainer.token_files.statistics import count_by_source, sum_of
from lamlam.trainer.token_files.token_folder import TOKENIZER
from lamlam.trainer.tokenizer import LmlmTokenizer
from lamlam.trainer.training_data import MADE, TrainingData, file_mark, read_training_data

log = logging.getLogger(__name__)

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_WAITING = 3
"""Draws for each process that wait or run."""


@dataclass(frozen=True, slots=True)
class PreparationProgress:
    """How far a preparation has come."""

    shards: int
    """Shards of all epochs."""
    done: int
    kept: int
    """Of those done: written by an earlier run."""
    tokens: int
    """Tokens that this run has drawn."""
    seconds: float

    @property
    def tokens_per_s(self) -> float:
        """Tokens drawn a second."""
        return self.tokens / max(self.seconds, 1e-9)

    @property
    def seconds_left(self) -> float:
        """Seconds until all shards are drawn, at the rate so far; 0 before one is known."""
        n_drawn = self.done - self.kept
        return (self.shards - self.done) * self.seconds / n_drawn if n_drawn else 0.0

    def __str__(self) -> str:
        kept = f" ({self.kept:,} kept)" if self.kept else ""
        return (
            f"shard {self.done:,} of {self.shards:,}{kept}, {self.tokens_per_s:,.0f} tokens/s, "
            f"{self.seconds_left:,.0f} s left"
        )


@dataclass(frozen=True, slots=True)
class _Job:
    """One shard to make."""

    paths: ShardPaths
    draw: Draw
    kind: np.dtype[Any]


def prepare(
    settings: Settings,
    folder: Path,
    *,
    epochs: int = 1,
    workers: int = 1,
    report: Callable[[PreparationProgress], None] | None = None,
) -> Manifest:
    """Write what a run of these settings would draw in its first epochs; returns the manifest.

    Args:
        epochs: each is drawn anew; a folder that has more keeps them.
        workers: processes that draw.
        report: called for each shard that is done.

    Raises:
        BadSettings, BadDocument, NothingToLearn: as a run would.
        BadTokenFiles: the folder has something else in it, or cannot be written; whole shards are
            kept.
    """
    before = _open(folder)
    data = _read(settings)
    tokenizer, manifest = _header(settings, data, before, folder)
    try:
        _begin(folder, tokenizer, manifest, as_lines(data.held_out))
        records = _make(settings, data, tokenizer, manifest, folder, epochs, workers, report)
        whole = dataclasses.replace(manifest, epochs=records)
        write_whole(folder / MANIFEST, lambda stream: stream.write(whole.as_json()))
        (folder / UNFINISHED).unlink(missing_ok=True)
    except OSError as problem:
        raise BadTokenFiles(
            f"cannot write into {folder}: {problem.strerror or problem}",
            hint="make room and run the same command again: the shards that are whole are kept"
            if problem.errno in _NO_ROOM
            else "name a folder that can be written",
        ) from None
    return whole


def _open(folder: Path) -> Manifest | None:
    """Return what an earlier run wanted to make in the folder; None where there was none.

    Raises:
        BadTokenFiles: the folder has other things in it.
    """
    if folder.exists() and not folder.is_dir():
        raise BadTokenFiles(f"{folder} is a file", hint="name a folder")
    for name in (MANIFEST, UNFINISHED):
        if (folder / name).exists():
            return read_manifest(folder, name)
    if folder.is_dir() and any(not entry.name.startswith(".") for entry in folder.iterdir()):
        raise BadTokenFiles(
            f"{folder} is not empty, and has no token files",
            hint="name a new folder, or an empty one",
        )
    return None


def _read(settings: Settings) -> TrainingData:
    if settings.data.tokens:
        raise BadSettings(
            "tokens are made of documents, and data.tokens names token files",
            hint="""--set 'data.tokens=""' and set data.documents""",
        )
    for number, source in enumerate(settings.data.mixture, 1):
        if source.tokens:
            raise BadSettings(
                f"tokens are made of documents, and [[data.mixture]] number {number} names token "
                "files",
                hint="leave it out here, and mix the new folder with it when training",
            )
    return read_training_data(settings)


def _header(
    settings: Settings, data: TrainingData, before: Manifest | None, folder: Path
) -> tuple[LmlmTokenizer, Manifest]:
    """Return the tokenizer and a manifest without epochs.

    Raises:
        BadTokenFiles: the folder was made of other data or with other settings.
    """
    made = _settings_that_decide(settings)
    content = data.content()
    if before is not None:
        for was, now in ((before.content, content), (before.settings, made)):
            for name in sorted(was.keys() | now.keys()):
                if was.get(name) != now.get(name):
                    raise BadTokenFiles(
                        f"{name} was {was.get(name)} when {folder} was begun, "
                        f"and is {now.get(name)} now",
                        hint="name another folder, or remove this one to begin anew",
                    )
    own: LmlmTokenizer | None = None
    if settings.model.init:
        from lamlam.trainer.pretrained import PretrainedModel

        own = PretrainedModel(Path(settings.model.init)).tokenizer
    elif before is not None and not settings.data.tokenizer:
        own = _learnt_before(folder, before)
    tokenizer = data.tokenizer(own)
    found = tokenizer_hash(tokenizer)
    if before is not None and found != before.tokenizer:
        raise BadTokenFiles(
            f"the tokenizer is another one than when {folder} was begun",
            hint="name another folder, or remove this one to begin anew",
        )
    held_out = hash_of(as_lines(data.held_out))
    files = {
        f"data.{name}": file_mark(Path(path))
        for name in ("documents", "replay")
        if (path := getattr(settings.data, name)) and Path(path).is_file()
    }
    return tokenizer, Manifest(found, tokenizer.size, made, content, files, held_out, [])


def _learnt_before(folder: Path, before: Manifest) -> LmlmTokenizer | None:
    """Return the tokenizer that an earlier run learnt; None where its file is gone or damaged."""
    try:
        found = LmlmTokenizer.load(folder / TOKENIZER)
    except (BadSettings, OSError, ValueError):
        return None
    return found if tokenizer_hash(found) == before.tokenizer else None


def _settings_that_decide(settings: Settings) -> dict[str, Any]:
    data = settings.data
    made: dict[str, Any] = {
        "model.context": settings.model.context,
        "run.seed": settings.run.seed,
        "shard": data_loader.SHARD,
    }
    for name in MADE:
        value = getattr(data, name)
        if dataclasses.is_dataclass(value):
            # How documents are worded decides nothing where none are written.
            if name != "worded_text" or data.worded:
                made |= _flat(value, f"data.{name}.")
        elif name != "replay_share" or data.replay:
            made[f"data.{name}"] = value
    if not data.tokenizer and not settings.model.init:
        made["data.vocabulary"] = data.vocabulary
    for number, source in enumerate(data.mixture, 1):
        made[f"data.mixture.{number}"] = f"{source.kind} x {source.weight!r}"
    return made


def _flat(part: Any, where: str) -> dict[str, Any]:
    """Return the values of a part of the settings by their full names."""
    found: dict[str, Any] = {}
    for one in dataclasses.fields(part):
        value = getattr(part, one.name)
        is_part = dataclasses.is_dataclass(value)
        found |= _flat(value, f"{where}{one.name}.") if is_part else {where + one.name: value}
    return found


def _begin(folder: Path, tokenizer: LmlmTokenizer, manifest: Manifest, held_out: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / MANIFEST).exists():
        write_whole(folder / UNFINISHED, lambda stream: stream.write(manifest.as_json()))
    write_held_out(folder, held_out)
    content = tokenizer.full.to_str(pretty=True).encode()
    write_whole(folder / TOKENIZER, lambda stream: stream.write(content))
    about = json.dumps({"eos_token": tokenizer.end_of_text}, indent=1).encode()
    write_whole(folder / "tokenizer_config.json", lambda stream: stream.write(about))


def _make(
    settings: Settings,
    data: TrainingData,
    tokenizer: LmlmTokenizer,
    manifest: Manifest,
    folder: Path,
    epochs: int,
    workers: int,
    report: Callable[[PreparationProgress], None] | None,
) -> list[list[ShardRecord]]:
    """Make all shards; returns their records by epoch."""
    if (folder / MANIFEST).exists():
        epochs = max(epochs, len(read_manifest(folder).epochs))
    drawer = Drawer(settings, data.documents, tokenizer, data.replay)
    draws = [
        draws_of_epoch(settings, data.documents, epoch, data_loader.SHARD)
        for epoch in range(epochs)
    ]
    jobs = (
        _Job(ShardPaths(folder, epoch, number), draw, manifest.kind)
        for epoch, shards in enumerate(draws)
        for number, draw in enumerate(shards)
    )
    records: list[list[ShardRecord]] = [[] for _ in draws]
    n_shards = sum(map(len, draws))
    begun = time.monotonic()
    n_kept = n_tokens = n_done = 0
    with _drawing(drawer, min(workers, n_shards)) as pool:
        for job, (record, is_kept) in _results(pool, drawer, jobs, _WAITING * workers):
            records[job.paths.epoch].append(record)
            n_done += 1
            n_kept += is_kept
            n_tokens += 0 if is_kept else sum_of(record.counts.values()).tokens
            if n_done == n_kept + 1 and not is_kept:
                _warn_of_room(folder, record, n_shards - n_done)
            if report is not None:
                seconds = time.monotonic() - begun
                report(PreparationProgress(n_shards, n_done, n_kept, n_tokens, seconds))
    return records


@contextmanager
def _drawing(drawer: Drawer, workers: int) -> Iterator[Executor | None]:
    """Yield processes that draw; None to draw in this one."""
    if workers <= 1:
        yield None
        return
    pool = ProcessPoolExecutor(
        workers,
        mp_context=get_context(data_loader.START_METHOD),
        initializer=start_drawing,
        initargs=(drawer.for_workers(),),
    )
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _results(
    pool: Executor | None, drawer: Drawer, jobs: Iterator[_Job], most: int
) -> Iterator[tuple[_Job, tuple[ShardRecord, bool]]]:
    """Yield the jobs in order, each with its record and whether an earlier run had made it."""
    if pool is None:
        yield from ((job, _do(job, drawer)) for job in jobs)
        return
    waiting: deque[tuple[_Job, Future[tuple[ShardRecord, bool]]]] = deque()
    try:
        for job in jobs:
            waiting.append((job, pool.submit(_do_in_worker, job)))
            if len(waiting) >= most:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    except BrokenProcessPool:
        raise WorkerKilled(
            "a process that draws was killed, perhaps for want of memory",
            hint="run the same command again with fewer --workers: whole shards are kept",
        ) from None


def _do_in_worker(job: _Job) -> tuple[ShardRecord, bool]:
    assert Drawer.current is not None
    return _do(job, Drawer.current)


def _do(job: _Job, drawer: Drawer) -> tuple[ShardRecord, bool]:
    kept = read_record(job.paths)
    if kept is not None:
        return kept, True
    documents = drawer.documents(job.draw)
    counts = count_by_source(documents, drawer.tokenizer.ids.entity)
    return write_shard(job.paths, documents, counts, job.kind), False


def _warn_of_room(folder: Path, first: ShardRecord, n_more: int) -> None:
    """Say early that a disk will not do."""
    needed, free = sum(first.bytes) * n_more, shutil.disk_usage(folder).free
    if needed > free:
        log.warning(
            "%s needs about %.1f GB more, and %.1f GB are free", folder, needed / 1e9, free / 1e9
        )
