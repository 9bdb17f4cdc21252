"""Documents annotated on a cluster by Ray Data, with the result of one process.

Documents are read here, and go to the cluster in windows of chunks: a window is a dataset of Ray
Data, so memory stays bounded and a task whose worker or node dies is run again. Chunks come back
in order.
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from lamlam.errors import MissingExtra, UsageError
from lamlam.trainer.annotation.alignment import Aligner, Alignment
from lamlam.trainer.annotation.fact_finder import FactFinder, chunks
from lamlam.trainer.annotation.known_facts import KnownFacts
from lamlam.trainer.documents import Document
from lamlam.version import __version__

if TYPE_CHECKING:
    from types import ModuleType

LOCAL = "local"
"""The address that starts Ray on this machine for the time of the run."""
CHUNKS_OF_CPU = 16
"""Chunks of a window for each CPU of the cluster: some minutes of work."""
_KNOCK_S = 10.0
_finders: dict[bytes, FactFinder] = {}


@dataclass(frozen=True, slots=True)
class _Shared:
    """What every task needs: the facts lie in Ray's object store once for each node."""

    facts: Any  # ObjectRef
    key: bytes
    by_rules: bool
    version: str


def align_documents_on_ray(
    documents: Iterable[Document],
    known: KnownFacts,
    *,
    address: str,
    workers: int = 0,
    by_rules: bool = False,
) -> Iterator[tuple[Document, Document, Alignment]]:
    """Yield each document as it was, with its facts, and how it was aligned; in order.

    The result is that of ``align_documents``, whatever the cluster and however often its workers
    die.

    Args:
        documents: facts that they have already stay.
        known: the facts to align.
        address: of a cluster, as `ray.init` takes it ("auto", "ray://head:10001"), or "local".
        workers: tasks at a time; 0: one for each CPU of the cluster.
        by_rules: also take what sentences state plainly.

    Raises:
        MissingExtra: Ray Data is not installed.
        UsageError: no cluster answers at the address, or its workers have another lamlam.
    """
    with _cluster(address, workers) as ray:
        facts = ray.put(pickle.dumps(known))
        shared = _Shared(facts, os.urandom(16), by_rules, __version__)
        n_cpus = int(ray.cluster_resources().get("CPU", 1))
        window = CHUNKS_OF_CPU * max(1, workers or n_cpus)
        waiting = chunks(documents)
        while chunk_list := list(islice(waiting, window)):
            yield from _annotated(ray, chunk_list, shared, workers)


def _annotated(
    ray: ModuleType, chunk_list: list[list[Document]], shared: _Shared, workers: int
) -> Iterator[tuple[Document, Document, Alignment]]:
    items = [{"documents": pickle.dumps(chunk)} for chunk in chunk_list]
    dataset = ray.data.from_items(items, override_num_blocks=len(items))
    strategy = ray.data.TaskPoolStrategy(size=workers or None)
    found = dataset.map(_find_in_row, fn_args=[shared], compute=strategy)
    try:
        for row in found.iter_rows():
            yield from pickle.loads(row["found"])
    except ray.exceptions.RayError as error:
        raise _in_our_words(error) from None


def _find_in_row(row: dict[str, Any], shared: _Shared) -> dict[str, Any]:
    """Find the facts of one chunk, in a worker of the cluster."""
    if shared.version != __version__:
        raise UsageError(
            f"a worker of the cluster has lamlam {__version__}, this one is {shared.version}",
            hint="install the same lamlam on every node",
        )
    finder = _finders.get(shared.key)
    if finder is None:
        import ray

        _finders.clear()  # of an earlier run in this worker
        known = pickle.loads(ray.get(shared.facts))
        finder = _finders[shared.key] = FactFinder(Aligner(known), shared.by_rules)
    return {"found": pickle.dumps(list(map(finder.find, pickle.loads(row["documents"]))))}


@contextmanager
def _cluster(address: str, workers: int) -> Iterator[ModuleType]:
    """Connect to a cluster, or start one on this machine, which ends with the block."""
    # Neither figures about this use to Ray's makers, nor lines between those of the command.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingExtra("cluster", "Ray Data") from None
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address == LOCAL:
        options |= {"address": "local", "include_dashboard": False, "num_cpus": workers or None}
    else:
        options["address"] = address
    was_on = ray.is_initialized()
    try:
        if not was_on:
            _knock(address)
            ray.init(**options)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        first = str(error).strip().splitlines()[:1]
        raise UsageError(
            f"no Ray cluster at {address}: {' '.join(first) or type(error).__name__}",
            hint='start one with "ray start --head" and name it, or use --ray local',
        ) from None
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    try:
        yield ray
    finally:
        if not was_on:
            ray.shutdown()


def _knock(address: str) -> None:
    """Try whether anything answers at an address with a port: Ray itself tries for minutes.

    Raises:
        OSError: nothing does.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCK_S):
            pass


def _in_our_words(error: Exception) -> Exception:
    """Return our own error if it is what a worker raised, otherwise one line about Ray's."""
    cause: BaseException | None = error
    while cause is not None:
        inner = getattr(cause, "cause", None) or cause.__cause__
        if isinstance(cause, UsageError):
            return UsageError(*cause.args[:1], hint=cause.hint)
        cause = inner if isinstance(inner, BaseException) else None
    line = str(error).strip().splitlines()[-1:] or [type(error).__name__]
    return UsageError(f"Ray could not annotate: {line[0]}", hint="its log says more")
