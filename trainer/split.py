"""The split into training and held-out documents."""

from __future__ import annotations

from hashlib import blake2b


def is_held_out(title: str, share: float) -> bool:
    """Return whether the documents of this title are held out of training.

    Depends on the title alone, so that every run of every version holds out the same ones.

    >>> is_held_out("Ada Lovelace", 1.0), is_held_out("Ada Lovelace", 0.0)
    (True, False)
    """
    number = int.from_bytes(blake2b(title.casefold().encode(), digest_size=8).digest(), "big")
    return number < share * 2**64
