"""Memory that a process keeps for itself between the steps of training on a CPU."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
"""Parameters of glibc's mallopt."""


def keep_freed_memory(device: str) -> bool:
    """Let the allocator keep what is freed; returns false where that is not to be or cannot be.

    Each step frees and asks for the same buffers. glibc gives large ones back to the system and
    gets them again page by page, filled with zeros: 0.3 of 1.25 CPU seconds a step of 1,024 tokens
    of the bundled model. It is for a process that does nothing but train.

    Args:
        device: of the settings; on a GPU nothing is changed.
    """
    from torch import cuda

    if (
        sys.platform != "linux"
        or (device or "cpu") != "cpu"
        or (not device and cuda.is_available())
    ):
        return False
    change = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if change is None:
        return False
    settings = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, 64 << 20))
    return all([bool(change(name, value)) for name, value in settings])
