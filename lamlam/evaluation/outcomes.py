"""Results of single items, by which two runs of an evaluation are compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from lamlam.errors import BadDocument
from lamlam.evaluation.statistics import Share, paired_difference


def item_id(prompt: str, gold: str) -> str:
    """Return a short name of an item, the same in every run.

    >>> item_id("The capital of France is", "Paris") == item_id("The capital of France is", "Paris")
    True
    """
    return hashlib.blake2b(f"{prompt}\0{gold}".encode(), digest_size=6).hexdigest()


def share_fields(share: Share) -> dict[str, float | int]:
    """Return a share with its count and 95 % interval, as results have them."""
    low, high = share.interval
    return {
        "share": round(share.value, 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "k": share.k,
        "n": share.n,
    }


def read_outcomes(file: Path) -> dict[str, bool]:
    """Return the results of an earlier run, from the JSON that it printed.

    Raises:
        BadDocument: the file cannot be read, or has no results of items.
    """
    hint = "give what an earlier run printed with --json"
    try:
        result = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadDocument(f"cannot read {file}: {error.strerror}", hint=hint) from None
    except (ValueError, RecursionError):
        raise BadDocument(f"{file} is not a JSON object", hint=hint) from None
    outcomes = result.get("outcomes") if isinstance(result, dict) else None
    if not isinstance(outcomes, dict) or not all(isinstance(v, bool) for v in outcomes.values()):
        found = type(outcomes).__name__
        raise BadDocument(
            f"{file}: outcomes must be an object of true and false, got {found}", hint=hint
        )
    return outcomes


def difference_fields(now: Mapping[str, bool], before: Mapping[str, bool]) -> dict[str, object]:
    """Return the paired difference of two runs, with McNemar's p, as results have it."""
    paired = paired_difference(now, before)
    return {
        "n": paired.n,
        "difference": round(paired.difference, 4),
        "gained": paired.gained,
        "lost": paired.lost,
        "p": round(paired.p_value, 6),
    }
