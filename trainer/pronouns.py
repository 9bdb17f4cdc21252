"""The pronoun by which a text calls the entity of its title.

Titles are exchanged only between documents of one pronoun: a model that reads
"Marie ... he" learns that no pronoun follows from a name.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

from lamlam.trainer.documents import Document
from lamlam.trainer.entity_names import is_same_entity

Pronoun = Literal["he", "she", "they", "it", ""]
"""Empty where the text does not say."""

_PRONOUNS: dict[str, Pronoun] = {
    "he": "he", "him": "he", "his": "he", "himself": "he",
    "she": "she", "her": "she", "hers": "she", "herself": "she",
    "it": "it", "its": "it", "itself": "it",
    "they": "they", "their": "they", "them": "they",
}  # fmt: skip
_GENDERS: dict[str, Pronoun] = {
    "male": "he", "man": "he", "masculine": "he", "m": "he",
    "female": "she", "woman": "she", "feminine": "she", "f": "she",
}  # fmt: skip
_RELATIONS = {"gender", "sex", "sex or gender"}
# Words that say it where no pronoun does: what the person is, not whom the text names beside.
_NOUNS: dict[str, Pronoun] = {
    "actor": "he", "businessman": "he", "sportsman": "he", "clergyman": "he", "nobleman": "he",
    "actress": "she", "businesswoman": "she", "sportswoman": "she", "noblewoman": "she",
    "songstress": "she", "nun": "she", "ballerina": "she", "queen": "she", "princess": "she",
}  # fmt: skip
_SUBJECT = re.compile(r"[.!?;][\"”’)]*\s+(He|His|She|Her|It|Its|They|Their)\b")
_ANY = re.compile(r"\b(?:" + "|".join(_PRONOUNS) + r")\b", re.IGNORECASE)
_NOUN = re.compile(
    r"\b(?:is|was|,) (?:an?|the) (?:[\w-]+,? ){0,4}?(" + "|".join(_NOUNS) + r")\b"
    r"|\b(?:is|was|,) (?:an?|the) (?:[\w-]+,? ){0,6}?(son|daughter|widow|brother|sister) of\b"
)
_KIN: dict[str, Pronoun] = {
    "son": "he", "brother": "he", "daughter": "she", "sister": "she", "widow": "she",
}  # fmt: skip


def pronoun_of(document: Document) -> Pronoun:
    """Return the pronoun of the document's subject.

    From a ``gender`` fact; from the pronouns that begin a sentence; of a person
    from all of them, and from nouns such as "actress" where there are none.
    """
    for entity, relation, value in document.triples():
        if relation.lower() in _RELATIONS and is_same_entity(entity, document.title):
            said = _GENDERS.get(value.casefold().strip())
            if said:
                return said
    subjects = Counter(_PRONOUNS[word.lower()] for word in _SUBJECT.findall(document.text))
    if document.is_person:
        subjects = Counter({key: n for key, n in subjects.items() if key in ("he", "she")})
    if subjects:
        return _most_common(subjects)
    if not document.is_person:
        return ""
    found = Counter(_PRONOUNS[word.lower()] for word in _ANY.findall(document.text))
    found = Counter({key: n for key, n in found.items() if key in ("he", "she")})
    if found:
        return _most_common(found)
    noun = _NOUN.search(document.text[:400])
    if noun is None:
        return ""
    return _NOUNS[noun[1]] if noun[1] else _KIN[noun[2]]


def _most_common(counts: Counter[Pronoun]) -> Pronoun:
    # Of equally many the first that the text has: it is said of the title's entity.
    return counts.most_common(1)[0][0]
