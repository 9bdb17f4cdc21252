"""What processes that train together send each other in a step, and how long it takes."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

# By the operations' names in a trace: the share of a message's bytes that a process sends where
# messages travel in a ring, times the number of processes over (processes - 1); and which argument
# holds the whole message.
_SENT: Mapping[str, tuple[int, int]] = {
    "c10d::allreduce_": (2, 0),
    "c10d::_allgather_base_": (1, 0),
    "c10d::_reduce_scatter_base_": (1, 1),
    "c10d::alltoall_base_": (1, 1),
}
_BYTES = {"c10::BFloat16": 2, "c10::Half": 2, "long int": 8, "double": 8, "unsigned char": 1}


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one step of one process exchanges with the others."""

    sent_bytes: int
    """Sent by one process, worked out from the sizes of the messages as if they went in a ring."""
    busy_ms: float
    """Time in which at least one operation ran, waiting for slower processes included."""


class ExchangeProbe:
    """Watches some steps with torch's profiler; slow, so not while a speed is measured."""

    def __init__(self, *, on_gpu: bool) -> None:
        activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
        self._profile = profile(activities=activities, record_shapes=True)

    def start(self) -> None:
        """Begin to watch."""
        self._profile.start()

    def stop(self) -> None:
        """Watch no longer."""
        self._profile.stop()

    def found(self, steps: int, world: int) -> Exchange:
        """Return what a step exchanged.

        Args:
            steps: that were watched.
            world: number of processes.
        """
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder) / "trace.json"
            self._profile.export_chrome_trace(str(trace))
            events = json.loads(trace.read_text(encoding="utf-8", errors="replace"))["traceEvents"]
        return exchange_of(events, steps, world)


def exchange_of(events: Iterable[Mapping[str, Any]], steps: int, world: int) -> Exchange:
    """Return what a step exchanged, from the events of a trace of torch's profiler."""
    sent = 0.0
    times: list[tuple[float, float]] = []
    for event in events:
        name = str(event.get("name", ""))
        if name in _SENT:
            weight, argument = _SENT[name]
            sent += weight * (world - 1) / world * _message_bytes(event["args"], argument)
        is_kernel = event.get("cat") == "kernel" and "nccl" in name.lower()
        if (is_kernel or name.startswith("gloo:")) and "dur" in event:
            times.append((float(event["ts"]), float(event["ts"]) + float(event["dur"])))
    return Exchange(round(sent / steps), round(_covered(times) / 1000 / steps, 3))


def _message_bytes(arguments: Mapping[str, Any], number: int) -> int:
    dims, kind = arguments["Input Dims"][number], arguments["Input type"][number]
    sizes = dims if kind == "TensorList" else [dims]  # of lists the kind is unknown: gradients
    numbers = sum(math.prod(size) for size in sizes)
    return int(numbers) * _BYTES.get(kind, torch.float32.itemsize)


def _covered(spans: list[tuple[float, float]]) -> float:
    """Return the length of the union of spans of time."""
    total, until = 0.0, -math.inf
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, until))
        until = max(until, end)
    return total
