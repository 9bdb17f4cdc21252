"""How many rows a GPU has room for at once, found by trying, and what to do where it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from lamlam.errors import GpuMemoryFull, TrainingError

_USABLE = 0.92
"""Share of the free memory that a run may plan with: pieces between allocations are lost."""


def usable_bytes(free: int) -> int:
    """Return how many of the free bytes of a GPU a run may plan with."""
    return int(_USABLE * free)


def divisors(number: int) -> list[int]:
    """Return the numbers that divide one, smallest first."""
    return [one for one in range(1, number + 1) if number % one == 0]


def most_rows(
    rows: int,
    base: int,
    limit: int,
    peak_of: Callable[[int], int | None],
    *,
    all_first: bool = False,
) -> int:
    """Return the largest divisor of a number of rows that fits into memory at once.

    Memory grows with the rows, so each trial says which one to try next; each
    costs a compilation, and one row is tried first.

    Args:
        rows: that one process learns from in a step.
        base: bytes without any row.
        limit: bytes that may be used.
        peak_of: bytes that a part of so many rows took at its peak; None: it did not fit.
        all_first: try all rows before: where they fit, nothing else is compiled.

    Raises:
        GpuMemoryFull: not even one row does.
    """
    sizes = divisors(rows)
    if all_first and rows > 1:
        peak = peak_of(rows)
        if peak is not None and peak <= limit:
            return rows
        sizes = sizes[:-1]
    fits, used, of_a_row = 0, base, float(limit)
    while True:
        larger = [size for size in sizes if size > fits]
        likely = [size for size in larger if used + of_a_row * (size - fits) <= limit]
        if not larger or (fits and not likely):
            return fits
        size = max(likely) if fits else larger[0]
        peak = peak_of(size)
        if peak is not None and peak <= limit:
            of_a_row = max(1, peak - used) / (size - fits)
            fits, used = size, peak
        elif fits:
            sizes = [one for one in sizes if one < size]
        else:
            raise GpuMemoryFull("the GPU has no room for a single row", hint=ROOM_FOR_NOTHING)


ROOM_FOR_NOTHING = (
    "lower model.context or the size of the model, or spread it over several GPUs"
    ' (run.sharding = "full")'
)


@contextmanager
def naming_device_errors() -> Iterator[None]:
    """Raise an error that says what to do where no memory is found, or where a GPU gives up.

    Raises:
        GpuMemoryFull: no memory on a GPU.
        TrainingError: none on this machine; or the GPU ended what it was computing.
    """
    try:
        yield
    except torch.OutOfMemoryError as problem:
        said = str(problem).split(". ")[0]
        raise GpuMemoryFull(
            f"the memory of the GPU is full: {said}",
            hint="raise optimiser.accumulate, or end what else uses this GPU; the last saved state"
            " is kept",
        ) from None
    except torch.AcceleratorError as problem:
        # The process can compute nothing more on this GPU, so nothing is left to save either.
        raise TrainingError(
            f"the GPU ended this training: {str(problem).splitlines()[0]}",
            hint="continue with --resume from the last saved state; let one training at a time use"
            " a GPU",
        ) from problem
    except (MemoryError, RuntimeError) as problem:
        if not isinstance(problem, MemoryError) and _OF_THE_MACHINE not in str(problem):
            raise
        raise TrainingError(
            "the memory of this machine is too small for the model and its batch",
            hint="lower optimiser.batch_rows, model.context or the sizes of the model, or raise "
            "optimiser.accumulate; what was saved before is kept",
        ) from None


_OF_THE_MACHINE = "DefaultCPUAllocator"
"""What torch calls memory that is not of a GPU; its error has no class of its own."""
