"""The split into training and held-out documents, and what training drops because of it.

Whether a document is held out depends on its title alone, so that every run of
every version holds out the same ones. Training then drops what would give
them away: documents of the same bare name, of the same person by birth date,
and near-copies of their text.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from lamlam.trainer.documents import Document
from lamlam.trainer.entity_names import bare_title, folded_name, is_same_entity
from lamlam.trainer.near_copies import find_near_copies

log = logging.getLogger(__name__)

_BIRTH = {"birth date", "birthdate", "date of birth", "birth", "born", "date born"}
_MONTHS = (
    "january february march april may june july august september october november december".split()
)
_WORD = re.compile(r"\w+")
_SHORTEST = 2
"""Letters of a name's word from which on it says something: initials do not."""
_PARTICLES = set("de la le el al di da du do of van von der den ten the jr sr st ii iii iv".split())


def is_held_out(title: str, share: float) -> bool:
    """Return whether the documents of this title are held out of training.

    Depends on the title alone, so that every run of every version holds out the same ones.

    >>> is_held_out("Ada Lovelace", 1.0), is_held_out("Ada Lovelace", 0.0)
    (True, False)
    """
    number = int.from_bytes(blake2b(title.casefold().encode(), digest_size=8).digest(), "big")
    return number < share * 2**64


@dataclass(frozen=True, slots=True)
class Split:
    """Documents to train on and those held out; some are neither."""

    training: tuple[Document, ...]
    held_out: tuple[Document, ...]
    same_name: int
    """Documents dropped because a held-out one has the same name, qualifiers left out."""
    same_person: int
    """Documents dropped because a held-out person has the birth date and a word of the name."""
    near_copies: int
    """Documents dropped because much of their text is that of a held-out one."""


def split_documents(documents: Iterable[Document], share: float) -> Split:
    """Return the documents, split by their titles.

    The result depends on the documents alone: another order splits them alike.

    Args:
        share: of the titles that are held out, from 0 to 1.
    """
    held_out: list[Document] = []
    rest: list[Document] = []
    for document in documents:
        (held_out if is_held_out(document.title, share) else rest).append(document)
    names = {_name(document) for document in held_out}
    other_names = [document for document in rest if _name(document) not in names]
    people = _people(held_out)
    others = [document for document in other_names if not _is_among(document, people)]
    copies = find_near_copies([d.text for d in others], [d.text for d in held_out])
    training = [d for d, is_copy in zip(others, copies, strict=True) if not is_copy]
    return Split(
        tuple(training),
        tuple(held_out),
        same_name=len(rest) - len(other_names),
        same_person=len(other_names) - len(others),
        near_copies=len(others) - len(training),
    )


def log_split(split: Split) -> None:
    """Write to the log what was held out and what that costs."""
    if split.held_out:
        log.info(
            "%d documents held out; dropped from training: %d of the same name, "
            "%d of the same person by birth date, %d near-copies",
            len(split.held_out), split.same_name, split.same_person, split.near_copies,
        )  # fmt: skip


def birth_date(document: Document) -> frozenset[int] | None:
    """Return the numbers of the day, month and year of birth; None where one is not known.

    A set, since the order differs from place to place.
    """
    for entity, relation, value in document.triples():
        if relation.casefold() in _BIRTH and is_same_entity(entity, document.title):
            found = _day(value)
            if found is not None:
                return found
    return None


def _day(value: str) -> frozenset[int] | None:
    numbers: list[int] = []
    for word in _WORD.findall(value.casefold()):
        digits = word.removesuffix("st").removesuffix("nd").removesuffix("rd").removesuffix("th")
        if digits.isdecimal():
            numbers.append(int(digits))
        elif len(word) >= 3:  # as short as a month is written
            numbers += [i for i, month in enumerate(_MONTHS, 1) if month.startswith(word)]
    # Three numbers, one of them a year: the eleventh of November gives two different ones.
    return frozenset(numbers) if len(numbers) == 3 and max(numbers) > 31 else None


def _name(document: Document) -> str:
    return folded_name(bare_title(document.title))


def _words(document: Document) -> set[str]:
    words = _WORD.findall(_name(document))
    return {word for word in words if len(word) >= _SHORTEST} - _PARTICLES


def _people(documents: Sequence[Document]) -> dict[frozenset[int], set[str]]:
    """Return the words of the names of the people born on each day."""
    people: dict[frozenset[int], set[str]] = defaultdict(set)
    for document in documents:
        day = birth_date(document)
        if day is not None:
            people[day] |= _words(document)
    return people


def _is_among(document: Document, people: dict[frozenset[int], set[str]]) -> bool:
    if not people:
        return False
    day = birth_date(document)
    return day is not None and not _words(document).isdisjoint(people.get(day, ()))
