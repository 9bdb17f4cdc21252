"""Where a run computes."""

from __future__ import annotations

import torch

from lamlam.errors import BadSettings


def is_on_gpu(device: str) -> bool:
    """Return whether a run computes on a GPU.

    Args:
        device: ``run.device``; empty for the best one present.

    Raises:
        BadSettings: a GPU is asked for, and torch sees none, or not so many.
    """
    n_present = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not device:
        return n_present > 0
    if not device.startswith("cuda"):
        return False
    number = int(device.partition(":")[2] or 0)
    if number >= n_present:
        raise BadSettings(
            f"run.device is {device}, and torch sees {n_present or 'no'} GPUs here",
            hint="leave run.device out to use the best one present",
        )
    return True
