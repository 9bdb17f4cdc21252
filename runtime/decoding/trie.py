"""Trie of token ids for constrained decoding: the keys that memory knows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from lamlam.runtime.decoding.sampling import TokenIds

MAX_ENTITY_TOKENS = 32
MAX_RELATION_TOKENS = 24
"""A key of so many tokens is closed by force."""


class Paths(Protocol):
    """A node on the way to known names."""

    @property
    def choices(self) -> TokenIds:
        """The tokens that lead on."""
        ...

    def after(self, token: int) -> Paths | None:
        """Return where the token leads; none off every path."""
        ...


class KeyTrie:
    """One node; its children are the tokens that lead on towards a known name."""

    def __init__(self) -> None:
        self.children: dict[int, KeyTrie] = {}
        self._choices: TokenIds | None = None

    @classmethod
    def of(cls, names: Iterable[tuple[int, ...]], closing: int) -> KeyTrie | None:
        """Return the trie of token lists, each ended by ``closing``; none for no names."""
        root = cls()
        for name in names:
            node = root
            for token in (*name, closing):
                node = node.children.setdefault(token, cls())
        return root if root.children else None

    def after(self, token: int) -> KeyTrie | None:
        """Return where the token leads; none off every path."""
        return self.children.get(token)

    @property
    def choices(self) -> TokenIds:
        """The tokens that lead on; read it only when the trie is complete."""
        if self._choices is None:
            self._choices = np.fromiter(self.children, np.int64)
        return self._choices


class EitherPaths:
    """The paths of both."""

    def __init__(self, first: Paths, second: Paths) -> None:
        self._first = first
        self._second = second

    @property
    def choices(self) -> TokenIds:
        """The tokens that lead on."""
        return np.union1d(self._first.choices, self._second.choices)

    def after(self, token: int) -> Paths | None:
        """Return where the token leads; none off every path."""
        return either(self._first.after(token), self._second.after(token))


def either(first: Paths | None, second: Paths | None) -> Paths | None:
    """Return the paths of both, where there are any."""
    if first is None or second is None:
        return second if first is None else first
    return EitherPaths(first, second)
