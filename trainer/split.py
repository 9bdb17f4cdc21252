"""Which titles training never sees."""

from __future__ import annotations

from hashlib import blake2b


def is_held_out(title: str, share: float) -> bool:
    """Return whether training must not see the documents of this title.

    Depends on the title alone, so that every run of every version keeps the same ones out.

    >>> is_held_out("Ada Lovelace", 1.0), is_held_out("Ada Lovelace", 0.0)
    (True, False)
    """
    number = int.from_bytes(blake2b(title.casefold().encode(), digest_size=8).digest(), "big")
    return number < share * 2**64
