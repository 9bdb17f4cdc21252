"""A run compared with an earlier one of the same items, by the JSON that it printed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lamlam.errors import UsageError
from lamlam.evaluation.statistics import paired_difference


def compare_with(earlier: Path, outcomes: Mapping[str, bool]) -> dict[str, float]:
    """Return the paired difference between these outcomes and those of an earlier run.

    Args:
        earlier: what a command printed with ``--json``; its ``outcomes`` are read.

    Raises:
        UsageError: the file cannot be read, has no outcomes, or none of the same items.
    """
    pair = paired_difference(outcomes, read_outcomes(earlier))
    if pair.n == 0 and outcomes:
        raise UsageError(
            f"{earlier} has none of these items",
            hint="compare runs of the same set, with the same --seed",
        )
    return {
        "n": pair.n,
        "gained": pair.gained,
        "lost": pair.lost,
        "difference": pair.difference,
        "p": pair.p_value,
    }


def read_outcomes(path: Path) -> dict[str, bool]:
    """Return which items were right in a run, by their ids.

    Raises:
        UsageError: the file cannot be read, or is not what a command printed with ``--json``.
    """
    hint = "give the file that an earlier run wrote with --json"
    try:
        raw: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is not JSON", hint=hint) from None
    outcomes = raw.get("outcomes") if isinstance(raw, dict) else None
    if not isinstance(outcomes, dict) or not all(isinstance(v, bool) for v in outcomes.values()):
        raise UsageError(f"{path}: outcomes must be an object of true and false", hint=hint)
    return outcomes
