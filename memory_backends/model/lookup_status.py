"""How a lookup ended. Apart from the other types of lookups, which take longer to import."""

from __future__ import annotations

from enum import StrEnum


class LookupStatus(StrEnum):
    """How a lookup ended; a miss is an ordinary answer, not an error.

    Each is also its text: ``status == "hit"`` holds, and JSON contains ``"hit"``.
    """

    HIT = "hit"
    MISS = "miss"
    AMBIGUOUS = "ambiguous"
    """Several entities fit equally well; `LookupResult.candidates` tells them apart."""
    NOT_VALID_AT = "not_valid_at"
    """The store holds values, but none for the moment that was asked about."""
    NEAREST = "nearest"
    """Only of a generation: a value below the threshold, taken by policy."""
    EXHAUSTED = "exhausted"
    """Only of a generation, which has had every value of the key."""
