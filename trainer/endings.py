"""Documents that were cut: where one stops is not where a text ends.

A model that learns to end where somebody's word limit fell writes texts of
that length whatever they say. A document says so itself (``cut``); otherwise
it counts as cut where its last sentence is unfinished, or where it is as long
as many others of its source that stop at one length.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from lamlam.trainer.documents import Document
from lamlam.trainer.forked_slices import in_slices

log = logging.getLogger(__name__)

_FINISHED = re.compile(r"[.!?。！？｡؟۔।॥։።][\"'”’»›)\]）」』*_`]*\Z")
_ELLIPSIS = re.compile(r"(?:…|\.\.\.)[\"'”’»)\]]*\Z")
# Abbreviations that stand before something: a splitter of sentences took their stop for an end.
_UNFINISHED_WORD = re.compile(
    r"(?:^|[\s(\[\"“])(?:Mr|Mrs|Ms|Dr|Prof|Rev|Gen|Col|Capt|Lt|Sgt|Gov|Sen|Rep|Hon|Nos?|vs|cf|ca|c"
    r"|e\.g|i\.e|viz|pop|approx|loc\. cit|op\. cit|pp?|vol|fig|est)\.\Z"
)
# Thai, Lao, Tibetan, Burmese and Khmer end no sentence with a mark.
_NO_MARKS = re.compile(r"[\u0e00-\u109f\u1780-\u17ff]\Z")

_TAIL = 40
_FEWEST = 500
"""Documents of a source from which on a pile of one length says something."""
_PILE = 1.4
"""How much higher the pile is than the valley before it."""
_CLIFF = 1.35
"""A cut ends a pile at once: by this multiple of the peak's length a tenth of it is left."""


def is_unfinished(text: str) -> bool:
    """Return whether the text stops inside a sentence.

    >>> is_unfinished("It was founded by"), is_unfinished("It has three parts:")
    (True, True)
    >>> is_unfinished("It closed in 1970."), is_unfinished('He said "no."')
    (False, False)
    """
    text = text.rstrip()
    end = text[-_TAIL:]  # a search for what ends a text reads all of it
    if not text or _NO_MARKS.search(end):
        return False
    if not _FINISHED.search(end) or _ELLIPSIS.search(end) or _UNFINISHED_WORD.search(end):
        return True
    return text.rfind("(") > text.rfind(")")


@dataclass(frozen=True, slots=True)
class Pile:
    """Lengths at which many documents stop."""

    shortest: int
    """Words of the shortest document that counts as cut."""
    longest: int


def find_pile(lengths: NDArray[np.int64]) -> Pile | None:
    """Return the pile that a limit left among the lengths (in words); None where none is.

    Lengths that nobody limits rise to a peak and fall off slowly. A limit puts a second
    peak near the upper end, and next to nothing behind it.
    """
    if len(lengths) < _FEWEST:
        return None
    # 1) A histogram of some forty bins, each the mean of itself and its neighbours.
    width = max(1, int(np.quantile(lengths, 0.99)) // 40)
    counts = np.bincount(lengths // width).astype(float)
    smooth = np.convolve(np.pad(counts, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    # 2) The deepest valley between two peaks that chance does not explain.
    left = np.maximum.accumulate(smooth)
    right = np.maximum.accumulate(smooth[::-1])[::-1]
    is_valley = (left - smooth > 2 * np.sqrt(left)) & (right > _PILE * np.maximum(smooth, 1))
    is_valley &= right > 0.2 * smooth.max()  # not some stragglers far out
    if not is_valley.any():
        return None
    depth = np.where(is_valley, np.minimum(left, right) / np.maximum(smooth, 1), 0)
    valley = int(depth.argmax())
    peak = valley + int(smooth[valley:].argmax())
    # 3) Behind the peak there must be a cliff.
    low = np.flatnonzero(smooth[peak:] < 0.1 * smooth[peak])
    foot = peak + int(low[0]) if len(low) else len(smooth)
    if foot > _CLIFF * peak + 1:
        return None
    first = valley + int(np.flatnonzero(smooth[valley:] >= _PILE * smooth[valley])[0])
    return Pile(first * width, (foot + 1) * width - 1)


def _ends_of(documents: Sequence[Document], start: int, stop: int) -> list[tuple[int, bool]]:
    """Return each document's words, and whether it stops inside a sentence where nobody says."""
    return [
        (len(document.text.split()), document.is_cut is None and is_unfinished(document.text))
        for document in documents[start:stop]
    ]


def mark_cut(documents: Sequence[Document]) -> list[Document]:
    """Return the documents, each with ``is_cut`` set; the log says what was found."""
    lengths: dict[str, list[int]] = defaultdict(list)
    ends = list(chain.from_iterable(in_slices(partial(_ends_of, documents), len(documents))))
    for document, (n, _) in zip(documents, ends, strict=True):
        lengths[document.source].append(n)
    piles = {source: find_pile(np.array(found)) for source, found in lengths.items()}

    marked: list[Document] = []
    n_unfinished = 0
    in_pile: dict[str, int] = defaultdict(int)
    for document, (n, stops_inside) in zip(documents, ends, strict=True):
        is_cut = document.is_cut
        if is_cut is None:
            pile = piles[document.source]
            if stops_inside:
                is_cut, n_unfinished = True, n_unfinished + 1
            elif pile is not None and pile.shortest <= n <= pile.longest:
                is_cut = True
                in_pile[document.source] += 1
            else:
                is_cut = False
        marked.append(document if document.is_cut is is_cut else replace(document, is_cut=is_cut))
    if n_unfinished:
        log.info("%d documents stop inside a sentence: their end is not learnt", n_unfinished)
    for source, n in in_pile.items():
        pile = piles[source]
        assert pile is not None
        log.info(
            "%d documents%s of %d to %d words seem cut at a limit: their end is not learnt",
            n, f" of {source}" if source else "", pile.shortest, pile.longest,
        )  # fmt: skip
    return marked
