"""The lookup that the question of a chat is to be answered by, until it is made.

The model writes its sentence; where it opens a lookup, would write a name or a number that the
question does not hold, or would end, the lookup that the question names is written.
"""

from __future__ import annotations

from collections.abc import Callable

from lamlam.runtime.decoding.guess_guard import GuessGuard

DUE_BIAS = 4.0
"""Added to the lookup bias until a lookup that is due is made."""
_TELLING = 3
"""Letters of a value's first word that stand in a text by chance no more."""


class DueLookup:
    """Entity and relation that a question names, and the words that it holds already."""

    def __init__(
        self,
        entity: str,
        relation: str,
        question: str,
        values: tuple[str, ...],
        read: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        """Begin with nothing written.

        Args:
            values: what memory holds: a value in small letters is told from other words by it.
            read: returns another relation of the entity that the end of the answer speaks of.
        """
        self.entity, self._relation, self._read = entity, relation, read
        self._guard = GuessGuard(question)
        self._firsts = {value.split()[0].casefold() for value in values if value.strip()}
        self._settled = 0

    def relation_behind(self, text: str) -> str:
        """Return what to ask behind a text: "The symbol of gold is" goes on with no density."""
        return self._read(text) or self._relation

    def is_stated_by(self, before: str, piece: str) -> bool | None:
        """Return whether the next piece of a text would state what memory was not asked for.

        Args:
            before: the text up to here.

        Returns:
            ``None``: a part of a name is written already, so the lookup would come too late.
        """
        found = self._guard.search(before + piece, self._settled, is_complete=False)
        if found.guess is not None:
            return True if found.guess >= len(before.rstrip()) else None
        self._settled = min(found.settled, len(before))
        is_word = piece[:1].isspace() and len(piece.strip()) >= _TELLING
        return is_word and piece.strip().casefold() in self._firsts
