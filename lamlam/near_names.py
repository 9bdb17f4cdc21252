"""Names of options and commands that a mistyped one may mean: near ones, or none."""

from __future__ import annotations

from collections.abc import Iterable

_NEAR = 0.70
"""Share of the letters that are as they should be."""
_LONGEST = 100
_BEGINNING = 3
"""Letters that are enough to tell what a beginning is the beginning of."""


def near_names(wrong: str, names: Iterable[str], most: int = 3) -> list[str]:
    """Return the names that somebody who wrote another one may have meant, the nearest first.

    >>> near_names("sorce", ["source", "surface", "json"])
    ['source']
    >>> near_names("n_threads", ["threads", "seed"]), near_names("tempo", ["memory", "help"])
    (['threads'], [])
    """
    wrong = wrong[:_LONGEST]
    scored = [(_likeness(_plain(wrong), _plain(name)), name) for name in dict.fromkeys(names)]
    near = sorted((pair for pair in scored if pair[0]), key=lambda pair: (-pair[0], pair[1]))
    return [name for _, name in near[:most]]


def _plain(name: str) -> str:
    return name.strip("-").casefold().replace("-", "_")


def _likeness(wrong: str, name: str) -> float:
    """Return how alike two names are, from 0 to 1; 0 unless they are near."""
    from rapidfuzz.distance import OSA  # only after a mistake

    alike = OSA.normalized_similarity(wrong, name)
    if alike >= _NEAR:
        return alike
    if len(wrong) >= _BEGINNING and name.startswith(wrong):
        return alike
    given, known = set(wrong.split("_")), set(name.split("_"))
    return alike if known <= given or (given <= known and len(wrong) >= _BEGINNING) else 0.0
