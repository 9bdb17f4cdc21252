"""Places that stand after a comma to tell one town from another ("Springfield, Illinois")."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

_FILE = Path(__file__).with_name("place_names.txt")
_ENDINGS = (" county", " province", " state", " district", " parish", " oblast", " prefecture")


def is_place_part(text: str) -> bool:
    """Return whether folded text names a state, province, county or country."""
    return text in _places() or text.endswith(_ENDINGS)


@lru_cache(maxsize=1)
def _places() -> frozenset[str]:
    return frozenset(place.replace("-", " ") for place in _FILE.read_text(encoding="utf-8").split())
