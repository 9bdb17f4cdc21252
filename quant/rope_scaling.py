"""Rotary frequencies that a model was given for longer texts, as llama.cpp keeps them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamlam.errors import BadCheckpoint

KEYS = ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings")
"""Settings of the type ``llama3``."""
FREQUENCIES = "rope_freqs.weight"
"""llama.cpp's name of the tensor."""


def llama3_divisors(rope: Mapping[str, Any], head_width: int, theta: float) -> NDArray[np.float32]:
    """Return by what each frequency is divided: (head_width / 2,).

    Low frequencies by ``factor``, high ones by 1, those between by a mean of both.

    Args:
        rope: ``rope_parameters`` (or ``rope_scaling``) of type ``llama3``.

    Raises:
        BadCheckpoint: a setting is missing or no number.
    """
    numbers: list[Any] = [rope.get(key) for key in KEYS]
    if not all(type(number) in (int, float) and number > 0 for number in numbers):
        raise BadCheckpoint(
            f"config.json: rotary positions of type llama3 need {', '.join(KEYS)} above 0, got "
            f"{', '.join(map(repr, numbers))}"
        )
    factor, low, high, length = map(float, numbers)
    if high <= low:
        raise BadCheckpoint("config.json: high_freq_factor must be above low_freq_factor")
    frequency = theta ** -(np.arange(0, head_width, 2, dtype=np.float64) / head_width)
    turns = length * frequency / (2 * math.pi)  # in the texts of the first training
    smooth = np.clip((turns - low) / (high - low), 0, 1)
    return (1 / ((1 - smooth) / factor + smooth)).astype(np.float32)
