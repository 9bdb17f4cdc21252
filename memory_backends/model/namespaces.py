"""Namespaces inside one store: an entity's key is scoped by the namespace that it belongs to.

Everything below the protocol knows scoped keys only: the canonical key itself in the usual
namespace, and in any other one the parts, a separator that no canonical key holds, and the key.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:  # what a process of a load imports is waited for
    from lamlam.memory_backends.model.facts import Namespace

_END = "\x1d"  # white space to Python, so canonical keys hold none
_PART = "/"


def scoped(namespace: Namespace, key: str) -> str:
    """Return the scoped key of a canonical key.

    >>> scoped((), "ada"), scoped(("users", "7"), "ada")
    ('ada', 'users/7\\x1dada')
    """
    return f"{_PART.join(namespace)}{_END}{key}" if namespace else key


def split(scoped_key: str) -> tuple[Namespace, str]:
    """Undo `scoped`."""
    if _END not in scoped_key:
        return (), scoped_key
    parts, _, key = scoped_key.partition(_END)
    return tuple(parts.split(_PART)), key


def salted(namespace: Namespace, codes: Collection[int]) -> Collection[int]:
    """Return codes of near spellings as they are kept for a namespace (`name_index`)."""
    if not namespace:
        return codes
    salt = crc32(_PART.join(namespace).encode())
    # Codes are checksums shifted into the signed range: so are salted ones.
    return [((code + 0x8000_0000) ^ salt) - 0x8000_0000 for code in codes]


def written(namespace: Namespace) -> str:
    """Return a namespace as one text, as files and command lines have it; empty for ``()``."""
    return _PART.join(namespace)


def parsed(text: str) -> Namespace:
    """Undo `written`; unchecked."""
    return tuple(text.split(_PART)) if text else ()


def only(namespace: Namespace, keys: Sequence[str]) -> list[str]:
    """Return the canonical keys of the scoped keys that belong to a namespace."""
    return [key for space, key in map(split, keys) if space == namespace]
