"""Data augmentation: other names, plain beginnings and unknown answers, and lookups put in.

Each epoch draws anew. A document may get another title of its kind throughout,
so that the model copies the name it reads instead of recalling one; its first
facts may be stated without lookups, as they do in a user's prompt; and a few
lookups come back ``unknown``, as they do when memory has no answer.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lamlam.trainer.documents import Document
from lamlam.trainer.lookup_format import UNKNOWN, LookupCall, Piece, PlainText

_QUALIFIER = re.compile(r"\s*(\([^()]*\)|\[[^\[\]]*\])\s*$")


@dataclass(frozen=True, slots=True)
class Augmentation:
    """The probability of each change."""

    other_title: float = 0.4
    """Documents that get another title of their kind throughout."""
    plain_beginning: float = 0.35
    """Documents whose first facts have no lookups; those values are masked in the loss."""
    unknown: float = 0.02
    """Lookups that come back ``unknown``; the value in the text is masked in the loss."""


NO_AUGMENTATION = Augmentation(other_title=0.0, plain_beginning=0.0, unknown=0.0)


def bare_title(title: str) -> str:
    """Return the title without bracketed qualifiers.

    >>> bare_title("James Patterson (skier)")
    'James Patterson'
    """
    while (shorter := _QUALIFIER.sub("", title)) != title and shorter:
        title = shorter
    return title


def name_in_text(title: str, text: str) -> str | None:
    """Return the name by which the text itself calls the entity of this title.

    The title as it stands; or, from its first word to its last, with what the
    text puts in between ("Kevin John Barron"); or what comes before a comma
    ("Leonia" of "Leonia, New Jersey"). None where the text has none of these.
    """
    bare = bare_title(title)
    if bare in text:
        return bare
    words = bare.split()
    if len(words) > 1:
        first, last = re.escape(words[0]), re.escape(words[-1])
        spread = re.search(rf"\b{first}\b[^,;()\d]{{1,40}}?\b{last}\b", text[:200])
        if spread:
            return spread.group()
    head = bare.split(",")[0]
    if len(head) > 2 and head != bare and re.search(rf"\b{re.escape(head)}\b", text[:200]):
        return head
    return None


def kinds_of(document: Document) -> tuple[str, str]:
    """Return a fine and a coarse kind; titles are exchanged within the first that is large."""
    coarse = f"{document.source}/{'person' if document.is_person else 'thing'}"
    types = [fact.value for fact in document.facts if fact.relation.lower() == "type"]
    return (f"{coarse}/{types[0].split()[-1].lower()}" if types else coarse), coarse


def titles_by_kind(documents: Sequence[Document]) -> dict[str, list[str]]:
    """Return the names that documents of each kind may borrow."""
    titles: dict[str, list[str]] = {}
    for document in documents:
        name = name_in_text(document.title, document.text)
        if name is not None and len(name) < 60:
            for kind in set(kinds_of(document)):
                titles.setdefault(kind, []).append(name)
    return {kind: names for kind, names in titles.items() if len(names) >= 20}


def augment(
    document: Document,
    rng: random.Random,
    augmentation: Augmentation,
    titles: dict[str, list[str]],
) -> Iterator[Piece]:
    """Yield the pieces of the document, changed at random.

    A lookup's entity is the name by which the text calls it; its tokens are
    in the loss only where the text names it before.
    """
    name = name_in_text(document.title, document.text)
    entity = name or bare_title(document.title)
    rename: Callable[[str], str] = str
    new = entity
    if name is not None and rng.random() < augmentation.other_title:
        fine, coarse = kinds_of(document)
        pool = titles.get(fine) or titles.get(coarse)
        if pool:
            new = rng.choice(pool)
            rename = _renamer(name, new, document.is_person)
    n_plain = 0
    if document.facts and rng.random() < augmentation.plain_beginning:
        n_plain = rng.randint(1, len(document.facts))
    named_at = document.text.find(name) + len(name) if name is not None else len(document.text) + 1

    start = 0
    for i, fact in enumerate(document.facts):
        yield PlainText(rename(document.text[start : fact.at].removesuffix(" ")))
        # The space before a value belongs to the value's first token.
        space = " " if document.text[start : fact.at].endswith(" ") else ""
        start = fact.at + len(fact.value)
        if i < n_plain:
            yield PlainText(space + fact.value, in_loss=False)
            continue
        is_unknown = rng.random() < augmentation.unknown
        yield LookupCall(
            new,
            fact.relation.lower(),
            UNKNOWN if is_unknown else fact.value,
            entity_in_loss=fact.at >= named_at,
        )
        yield PlainText(space + fact.value, in_loss=not is_unknown)
    if start < len(document.text):
        yield PlainText(rename(document.text[start:]))


def _renamer(name: str, new: str, is_person: bool) -> Callable[[str], str]:
    """Return a function that puts the new name in place of the old one, surnames too."""
    pattern = rf"\b{re.escape(name)}\b" if name[-1].isalnum() else rf"\b{re.escape(name)}"
    swaps = {name: new}
    if is_person and len(name.split()) > 1 and len(new.split()) > 1:
        surname = name.split()[-1]
        if surname[-1].isalnum() and surname[:1].isupper():
            swaps[surname] = new.split()[-1]
            pattern += rf"|\b{re.escape(surname)}\b"
    compiled = re.compile(pattern)
    return lambda text: compiled.sub(lambda match: swaps[match.group()], text)
