"""Data augmentation: other names, plain beginnings and unknown answers, and lookups put in.

Each epoch draws anew. A document may get another title of its kind throughout,
so that the model copies the name it reads instead of recalling one; a relation
may be looked up under another of its names; the document's first facts may be stated without lookups, as they do in a user's prompt; and a few
lookups come back ``unknown``, as they do when memory has no answer.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from lamlam.trainer.documents import Document, UnansweredLookup
from lamlam.trainer.entity_names import (
    Renaming,
    bare_title,
    called_before,
    find_name,
    folded_name,
    is_same_entity,
    name_in_text,
)
from lamlam.trainer.forked_slices import in_slices
from lamlam.trainer.lookup_format import (
    UNKNOWN,
    LookupCall,
    Piece,
    PlainText,
    learn_named_entities,
)
from lamlam.trainer.pronouns import pronoun_of
from lamlam.trainer.synthetic.worded.relation_names import kind_of, other_name

_FEWEST_TITLES = 20
"""A kind with fewer titles exchanges none: the model would learn the few by heart."""
_DRAWS = 5


@dataclass(frozen=True, slots=True)
class Augmentation:
    """The probability of each change."""

    other_title: float = 0.4
    """Documents that get another title of their kind throughout."""
    plain_beginning: float = 0.35
    """Documents whose first facts have no lookups; those values are masked in the loss."""
    unknown: float = 0.02
    """Lookups that come back ``unknown``; the value in the text is masked in the loss."""
    other_relation: float = 0.0
    """Lookups under another name that memories give the relation, drawn for each of them."""
    learnt_text: float = 1.0
    """Share of the tokens outside lookups that count in the loss, others in each epoch. Less than 1
    where a model goes on with few texts: it learns where to ask, not the texts by heart."""


NO_AUGMENTATION = Augmentation(other_title=0.0, plain_beginning=0.0, unknown=0.0)


def kinds_of(document: Document) -> tuple[str, str, str]:
    """Return kinds from fine to coarse; titles are exchanged within the first that is large.

    All hold the pronoun by which the text calls its subject: a "he" that
    follows a woman's name would teach that no pronoun follows from a name. The
    last is of all sources: in a folder of notes each file is one.
    """
    what = "person" if document.is_person else "thing"
    of_any_source = f"{what}/{pronoun_of(document)}"
    coarse = f"{document.source}/{of_any_source}"
    types = [fact.value for fact in document.facts if fact.relation.lower() == "type"]
    fine = f"{coarse}/{types[0].split()[-1].lower()}" if types else coarse
    return fine, coarse, of_any_source


def titles_by_kind(documents: Sequence[Document]) -> dict[str, list[str]]:
    """Return the names that documents of each kind may borrow."""
    titles: dict[str, list[str]] = {}
    for found in in_slices(partial(_names_and_kinds, documents), len(documents)):
        for name, kinds in found:
            for kind in kinds:
                titles.setdefault(kind, []).append(name)
    return {kind: names for kind, names in titles.items() if len(names) >= _FEWEST_TITLES}


def _names_and_kinds(
    documents: Sequence[Document], start: int, stop: int
) -> list[tuple[str, tuple[str, ...]]]:
    found: list[tuple[str, tuple[str, ...]]] = []
    for document in documents[start:stop]:
        name = name_in_text(document.title, document.text)
        if name is not None and _may_be_borrowed(name, document.is_person):
            found.append((name, tuple(dict.fromkeys(kinds_of(document)))))
    return found


def _may_be_borrowed(name: str, is_person: bool) -> bool:
    # A person is told by a rule: what has a number in its name is none.
    return len(name) < 60 and not (is_person and any(c.isdigit() for c in name))


def augment(
    document: Document,
    rng: random.Random,
    augmentation: Augmentation,
    titles: dict[str, list[str]],
) -> Iterator[Piece]:
    """Yield the pieces of the document, changed at random.

    A lookup's entity is its fact's, by the name by which the text calls it; its
    tokens are in the loss only where the text names it before.
    """
    return learn_named_entities(_augmented(document, rng, augmentation, titles))


def _augmented(
    document: Document,
    rng: random.Random,
    augmentation: Augmentation,
    titles: dict[str, list[str]],
) -> Iterator[Piece]:
    names = _Names.of(document)
    text = names.unchanged()
    # A document that says what it tells is taken as it is.
    is_varied = document.told is None
    if is_varied and names.subject is not None and rng.random() < augmentation.other_title:
        pool = next((titles[kind] for kind in kinds_of(document) if kind in titles), None)
        if pool:
            text = names.renamed(rng, pool)
    n_plain = document.told or 0
    if is_varied and document.facts and rng.random() < augmentation.plain_beginning:
        n_plain = rng.randint(1, len(document.facts))

    start = 0
    vain = deque(document.unanswered)
    kind = _kind_of_title(document) if augmentation.other_relation else ""
    for i, fact in enumerate(document.facts):
        while vain and vain[0].at <= fact.at:
            one = vain.popleft()
            yield from _ask_in_vain(one, text, names, start)
            start = one.at - _has_space_before(one.at, document.text, start)
        end = fact.at + len(fact.value)
        # The space before a value belongs to the value's first token.
        has_space = _has_space_before(fact.at, document.text, start)
        space = " " if has_space else ""
        yield PlainText(text.between(start, fact.at - has_space))
        value = text.between(fact.at, end)
        start = end
        if i < n_plain:
            yield PlainText(space + value, in_loss=False)
            continue
        is_unknown = rng.random() < augmentation.unknown
        relation = fact.relation.lower()
        # Without a draw where nothing is exchanged: the rows of a seed stay as they were.
        if kind and rng.random() < augmentation.other_relation:
            relation = other_name(relation, kind, rng)
        yield LookupCall(
            text.name(names.called[fact.entity]),
            relation,
            UNKNOWN if is_unknown else value,
        )
        yield PlainText(space + value, in_loss=not is_unknown)
    for one in vain:
        yield from _ask_in_vain(one, text, names, start)
        start = one.at - _has_space_before(one.at, document.text, start)
    if start < len(document.text):
        yield PlainText(text.between(start, len(document.text)))


def _kind_of_title(document: Document) -> str:
    relations = (relation.lower() for _, relation, _ in document.triples())
    return kind_of(relations, "they" if document.is_person else "it")


def _has_space_before(at: int, text: str, start: int) -> bool:
    return text[start:at].endswith(" ")


def _ask_in_vain(
    one: UnansweredLookup, text: Renaming, names: _Names, start: int
) -> Iterator[Piece]:
    end = one.at - _has_space_before(one.at, names.document.text, start)
    yield PlainText(text.between(start, end))
    called = names.called.get(one.entity) or called_before(one.entity, names.document.text, one.at)
    yield LookupCall(text.name(called), one.relation.lower(), UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Names:
    """How one document calls the entities of its facts."""

    document: Document
    subject: str | None
    """The name of the title's entity in the text; None where the text has none."""
    called: Mapping[str, str]
    """Fact's entity to name."""
    others: frozenset[str]
    """Names of entities other than the title's."""

    @classmethod
    def of(cls, document: Document) -> _Names:
        subject = name_in_text(document.title, document.text)
        own = subject or bare_title(document.title)
        called: dict[str, str] = {}
        others: set[str] = set()
        for fact in document.facts:
            if fact.entity in called:
                continue
            if fact.entity == document.title or _is_subject(fact.entity, document.title, subject):
                called[fact.entity] = own
            else:
                called[fact.entity] = called_before(fact.entity, document.text, fact.at)
                others.add(called[fact.entity])
        return cls(document, subject, called, frozenset(others))

    def unchanged(self) -> Renaming:
        return Renaming.none(self.document.text)

    def renamed(self, rng: random.Random, pool: Sequence[str]) -> Renaming:
        """Return the text with a title of the pool; unchanged where that would make two of one."""
        document, name = self.document, self.subject
        assert name is not None
        new = next(
            (n for n in rng.choices(pool, k=_DRAWS) if find_name(n, document.text) < 0), None
        )
        if new is None or name in self.others:
            return self.unchanged()
        spans = [(fact.at, fact.at + len(fact.value)) for fact in document.facts]
        renaming = Renaming.of(
            document.text,
            name,
            new,
            is_person=document.is_person,
            kept={*self.others, *(fact.value for fact in document.facts)},
            # A work named like its maker: the value is what memory holds, not the title.
            fixed=[
                span
                for span, fact in zip(spans, document.facts, strict=True)
                if self.called[fact.entity] == name
            ],
        )
        # A value inside the title ("the 1956 election") would be left behind by the new one.
        return self.unchanged() if renaming.cuts_into(spans) else renaming


def _is_subject(entity: str, title: str, subject: str | None) -> bool:
    if is_same_entity(entity, title):
        return True
    return subject is not None and folded_name(entity) == folded_name(subject)
