"""Names that stay apart, however a memory unifies spellings."""

from __future__ import annotations

import re
from urllib.parse import unquote

_UNSAFE = re.compile(r"[^a-z0-9.~@:-]")


def encoded(text: str) -> str:
    """Return a name that no other text has, however a memory unifies spellings.

    >>> encoded("Note_A"), encoded("note a"), decoded(encoded("Note_A"))
    ('%4eote%5f%41', 'note%20a', 'Note_A')
    """
    coded = _UNSAFE.sub(lambda found: _hexed(found[0]), text)
    return coded or "%"


def decoded(name: str) -> str:
    """Return the text that `encoded` made a name of."""
    return "" if name == "%" else unquote(name, errors="surrogatepass")


def _hexed(sign: str) -> str:
    return "".join(f"%{byte:02x}" for byte in sign.encode("utf-8", "surrogatepass"))
