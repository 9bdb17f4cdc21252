"""How much of what looks like a fact in a text lies in one: years and capitalised names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lamlam.trainer.documents import Document
from lamlam.trainer.entity_names import bare_title

_YEAR = re.compile(r"(?<![\d.,])(?:1[0-9]|20)\d\d(?![\d.,]?\d)")
_NAME = re.compile(
    r"(?<![\w.'’-])[^\W\d_a-z][\w'’.-]*[\w](?: (?:(?:of|de|von|van|the|and|for|du|la|le|di|da|del) )?"
    r"[^\W\d_a-z][\w'’.-]*\w)*"
)
_MONTHS = frozenset(
    "January February March April May June July August September October November December"
    " Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
)
_BEFORE = frozenset(
    "In On At By From To For With As Of After Before While During And But When Since Until The A An"
    " It He She They His Her Its This That These".split()
)


@dataclass(slots=True)
class Coverage:
    """Years and names of texts, and those of them that lie in a fact's value."""

    years: int = 0
    years_in_facts: int = 0
    names: int = 0
    names_in_facts: int = 0
    years_stated: int = 0
    """Years that a value of the document has, there or elsewhere."""
    names_stated: int = 0

    @property
    def of_years(self) -> float | None:
        """The share of four-digit years inside a value; None where there are none."""
        return self.years_in_facts / self.years if self.years else None

    @property
    def of_names(self) -> float | None:
        """The share of capitalised names inside a value; None where there are none."""
        return self.names_in_facts / self.names if self.names else None

    @property
    def of_stated_years(self) -> float | None:
        """The share of years that a value of their document has, wherever it is looked up."""
        return self.years_stated / self.years if self.years else None

    @property
    def of_stated_names(self) -> float | None:
        """The share of names that a value of their document has."""
        return self.names_stated / self.names if self.names else None

    def add(self, other: Coverage) -> None:
        """Add the counts of other texts."""
        self.years += other.years
        self.years_in_facts += other.years_in_facts
        self.names += other.names
        self.names_in_facts += other.names_in_facts
        self.years_stated += other.years_stated
        self.names_stated += other.names_stated


def coverage_of(document: Document) -> Coverage:
    """Return the coverage of one document.

    A name is one or more capitalised words; the title's own names, months, and a
    lone capitalised word that begins a sentence do not count.
    """
    spans = [(fact.at, fact.at + len(fact.value)) for fact in document.facts]
    values = "\n".join(value for _, _, value in document.triples())
    coverage = Coverage()
    for match in _YEAR.finditer(document.text):
        coverage.years += 1
        coverage.years_in_facts += _is_inside(match.start(), match.end(), spans)
        coverage.years_stated += match.group() in values
    for start, end in names_in(document.text, document.title):
        coverage.names += 1
        coverage.names_in_facts += _is_inside(start, end, spans)
        coverage.names_stated += document.text[start:end] in values
    return coverage


def names_in(text: str, title: str) -> Iterator[tuple[int, int]]:
    """Yield where capitalised names stand that are not of the title."""
    own = set(bare_title(title).split())
    for match in _NAME.finditer(text):
        words = match.group().split()
        start = match.start()
        while words and words[0] in _BEFORE:  # "In May", "After Ada Quill"
            start += len(words.pop(0)) + 1
        if not words or all(
            word.removesuffix("'s") in own or not word[0].isupper() for word in words
        ):
            continue
        if all(word in _MONTHS for word in words):
            continue
        before = text[max(0, start - 8) : start].rstrip(" \"“'‘([")
        if len(words) == 1 and (not before or before[-1] in ".!?\n:;"):
            continue
        yield start, match.end()


def _is_inside(start: int, end: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Return whether a value has most of this place."""
    return any(2 * (min(end, last) - max(start, first)) > end - start for first, last in spans)
