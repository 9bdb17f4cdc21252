"""Token paths that a key may take: names that memory knows, as a trie of token ids."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np

from lamlam.runtime.sampling import TokenIds


class KeyTrie:
    """One node; its children are the tokens that lead on towards a known name."""

    def __init__(self) -> None:
        self.children: dict[int, KeyTrie] = {}

    @classmethod
    def of(cls, names: Iterable[tuple[int, ...]], closing: int) -> KeyTrie | None:
        """Return the trie of token lists, each ended by ``closing``; none for no names."""
        root = cls()
        for name in names:
            node = root
            for token in (*name, closing):
                node = node.children.setdefault(token, cls())
        return root if root.children else None

    @cached_property
    def choices(self) -> TokenIds:
        """The tokens that lead on; read it only when the trie is complete."""
        return np.fromiter(self.children, np.int64)
