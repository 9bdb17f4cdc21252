"""A document's pieces in units that may be parted: sentences, lines, and stretches of neither."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from lamlam.trainer.lookup_format import LookupCall, Piece

# Before the space that follows a sentence; before a line break. Scripts without spaces
# between sentences part after the mark.
_BORDER = re.compile(
    r"(?<=[.!?])(?=\s+[\"“‘'(\[]*[^\W\d_a-z])|(?<=[.!?][\"”’)\]])(?=\s+[\"“‘'(\[]*[^\W\d_a-z])"
    r"|(?<=[。！？])(?![」』”’）])|(?=\n)(?<!\n)"
)
_INITIAL = re.compile(r"(?:^|[\s.(])(?:[A-Z]|[A-Z][a-z]{0,3})\.\Z")
"""An initial or a short abbreviation ("J.", "Mr.", "Prof."): no sentence ends with it for sure."""


@dataclass(frozen=True, slots=True)
class _Atom:
    """What is never parted: a stretch of text inside one sentence, or a lookup with its value."""

    pieces: tuple[Piece, ...]
    size: int
    begins: bool = False
    """Whether a sentence or a line begins here."""


def sentences(pieces: Iterable[Piece], most: int) -> Iterator[list[Piece]]:
    """Yield the pieces in units; put together again they are the same text.

    A lookup and the value after it stay in one unit.

    Args:
        most: characters of a unit, lookups included: longer sentences, and text without any
            borders, are parted at spaces.
    """
    unit: list[Piece] = []
    size = 0
    for atom in _atoms(pieces, most):
        if unit and (atom.begins or size + atom.size > most):
            yield unit
            unit, size = [], 0
        unit += atom.pieces
        size += atom.size
    if unit:
        yield unit


def _atoms(pieces: Iterable[Piece], most: int) -> Iterator[_Atom]:
    call: LookupCall | None = None
    for piece in pieces:
        if isinstance(piece, LookupCall):
            if call is not None:
                yield _Atom((call,), _size(call))
            call = piece
            continue
        # A value is one thing, whatever marks it holds ("St. Lowmere"); it may be written
        # a little longer than memory has it ("the 5th of May" for "5 May").
        value = len(piece.text) if not piece.in_loss else len(call.value) + 8 if call else 0
        for i, text in enumerate(_parted(piece.text, value)):
            for j, stretch in enumerate(_stretches(text, most, 0 if i else value)):
                atom = _Atom((replace(piece, text=stretch),), len(stretch), i > 0 and j == 0)
                if call is not None:
                    atom = _Atom((call, *atom.pieces), _size(call) + atom.size)
                    call = None
                yield atom
    if call is not None:
        yield _Atom((call,), _size(call))


def _size(call: LookupCall) -> int:
    return len(call.entity) + len(call.relation) + len(call.value)


def without_margin(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the pieces without white space before the first text."""
    for i, piece in enumerate(pieces):
        if isinstance(piece, LookupCall):
            return list(pieces)
        if text := piece.text.lstrip():
            return [replace(piece, text=text), *pieces[i + 1 :]]
    return []


def _parted(text: str, value: int) -> list[str]:
    """Return the text parted where sentences and lines begin, but not in its first characters."""
    parts: list[str] = []
    start = 0
    for border in _BORDER.finditer(text, value):
        end = border.start()
        if end > start and not _INITIAL.search(text[max(start, end - 8) : end]):
            parts.append(text[start:end])
            start = end
    return [*parts, text[start:]]


def _stretches(text: str, most: int, value: int) -> list[str]:
    """Return the text in stretches of about ``most`` characters, parted before spaces if any.

    The first stretch has all of the value in front.
    """
    stretches: list[str] = []
    start = 0
    end = max(most, value)
    while len(text) > end:
        space = text.rfind(" ", max(start + 1, value), end)
        if space > 0:
            end = space
        stretches.append(text[start:end])
        start, end, value = end, end + most, 0
    return [*stretches, text[start:]]
