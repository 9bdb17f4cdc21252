"""Batches on the device: copied ahead, while the step before them still runs."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from lamlam.trainer.data_loader import Batch
from lamlam.trainer.model import count_loss_tokens

_AHEAD = 2
"""Batches that wait on the device."""


@dataclass(frozen=True, slots=True)
class DeviceBatch:
    """One batch where the model can read it."""

    batch: Batch
    """Where in the data it stands; its rows are in ordinary memory."""
    inputs: Tensor
    """(rows, seq_len) token ids."""
    labels: Tensor
    """(rows, seq_len) next ids, `IGNORED` where the loss does not count."""
    n_learnt: int
    """Labels that count in the whole batch, also where this process reads a share of it."""
    n_lookups: int = 0
    """Lookups that begin in the whole batch."""


class DeviceFeed:
    """Takes batches from a loader in a thread of its own; a context manager and an iterator.

    A batch is counted, pinned and copied before it is asked for. Errors of the
    loader are raised where the batch would have been returned.
    """

    def __init__(
        self,
        batches: Iterator[Batch],
        device: torch.device,
        share: slice | None = None,
        entity: int = -1,
    ) -> None:
        """Prepare to take batches.

        Args:
            share: the rows of each batch that this process reads; all by default.
            entity: id of ``<|db_entity|>``, by which lookups are counted.
        """
        self._batches = batches
        self._share = share if share is not None else slice(None)
        self._device = device
        self._entity = entity
        self._ready: queue.Queue[DeviceBatch | BaseException] = queue.Queue(_AHEAD)
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._fill, name="device-feed", daemon=True)

    def __enter__(self) -> DeviceFeed:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closed.set()
        while self._thread.is_alive():  # it may wait for room
            try:
                self._ready.get_nowait()
            except queue.Empty:
                self._thread.join(timeout=0.05)

    def __iter__(self) -> DeviceFeed:
        return self

    def __next__(self) -> DeviceBatch:
        item = self._ready.get()
        if isinstance(item, BaseException):
            raise item
        if item.inputs.is_cuda:
            # Allocated for the copying stream: its memory must not be given to the next
            # batch before the training stream, which the host runs ahead of, has read it.
            for tensor in (item.inputs, item.labels):
                tensor.record_stream(torch.cuda.current_stream(self._device))
        return item

    def _fill(self) -> None:
        try:
            stream = None
            if self._device.type == "cuda":
                stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]  # torch's
            for batch in self._batches:
                self._put(self._copied(batch, stream))
                if self._is_closed.is_set():
                    return
            self._put(StopIteration())
        except BaseException as problem:  # handed to the thread that trains
            self._put(problem)

    def _put(self, item: DeviceBatch | BaseException) -> None:
        while not self._is_closed.is_set():
            try:
                self._ready.put(item, timeout=0.1)
                return
            except queue.Full:
                continue

    def _copied(self, batch: Batch, stream: torch.cuda.Stream | None) -> DeviceBatch:
        n_learnt = count_loss_tokens(torch.from_numpy(batch.rows.labels))
        n_lookups = int((batch.rows.inputs == self._entity).sum())
        inputs = torch.from_numpy(batch.rows.inputs[self._share])
        labels = torch.from_numpy(batch.rows.labels[self._share])
        if stream is None:
            return DeviceBatch(batch, inputs.long(), labels.long(), n_learnt, n_lookups)
        with torch.cuda.stream(stream):
            sent = self._sent(inputs), self._sent(labels)
        on_device = DeviceBatch(batch, *sent, n_learnt, n_lookups)
        stream.synchronize()  # of this thread alone: the training stream runs on
        return on_device

    def _sent(self, rows: Tensor) -> Tensor:
        return rows.pin_memory().to(self._device, non_blocking=True).long()
