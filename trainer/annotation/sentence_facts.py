"""Facts that the sentences of a text state plainly, read off by rules.

Each kind of rule has its module. Where two find something at one place, the
first of them counts: phrases that say whose they are, casts and other names, then predicates, then
the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

from lamlam.trainer.annotation.anchored_facts import facts_of_anchors, facts_of_names
from lamlam.trainer.annotation.cast_lists import facts_of_cast
from lamlam.trainer.annotation.directory_facts import facts_of_directories
from lamlam.trainer.annotation.event_facts import facts_of_events
from lamlam.trainer.annotation.phrase_facts import facts_of_phrases
from lamlam.trainer.annotation.predicate_facts import facts_of_sentences
from lamlam.trainer.annotation.sentence_subjects import sentences_of
from lamlam.trainer.annotation.sports_facts import facts_of_players
from lamlam.trainer.documents import Document, StatedFact


def read_facts(document: Document) -> Iterator[StatedFact]:
    """Yield the facts that the document's sentences state plainly, in order of place.

    Dates and names alone are values.
    """
    sentences = sentences_of(document)
    layers = (
        facts_of_phrases(document),
        facts_of_cast(document, sentences),
        facts_of_names(document, sentences),
        facts_of_sentences(document, sentences),
        facts_of_players(document, sentences),
        facts_of_events(document, sentences),
        facts_of_anchors(document, sentences),
        facts_of_directories(document),
    )
    chosen: list[StatedFact] = []
    taken = bytearray(len(document.text))
    for layer in layers:
        for fact in layer:
            end = fact.at + len(fact.value)
            if not any(taken[fact.at : end]):
                taken[fact.at : end] = b"\1" * (end - fact.at)
                chosen.append(fact)
    yield from sorted(chosen, key=lambda fact: fact.at)
