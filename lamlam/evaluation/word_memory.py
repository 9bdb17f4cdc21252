"""What memory holds while other people's words are asked: the facts of the chosen entities."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from lamlam.evaluation.word_items import Triple, WordFact
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, Retract
from lamlam.memory_backends.sync import SyncFactStore


def facts_of(entities: Iterable[str], facts: Sequence[WordFact]) -> list[Triple]:
    """Return all that the set states of these entities, each fact once."""
    wanted = set(entities)
    found = dict.fromkeys(
        triple for fact in facts if fact.entity in wanted for triple in fact.triples()
    )
    return list(found)


def more_facts(
    held: Sequence[Triple], facts: Sequence[WordFact], each: int, seed: int
) -> list[Triple]:
    """Return ``each`` further facts of every entity: drawn values of relations that it lacks."""
    draw = random.Random(seed)
    values: dict[str, list[str]] = {}
    for fact in facts:
        values.setdefault(fact.relation, []).extend(fact.values)
    has: dict[str, set[str]] = {}
    for entity, relation, _ in held:
        has.setdefault(entity, set()).add(relation)
    added: list[Triple] = []
    for entity, relations in has.items():
        lacking = sorted(values.keys() - relations)
        drawn = draw.sample(lacking, min(each, len(lacking)))
        added += [(entity, relation, draw.choice(values[relation])) for relation in drawn]
    return added


class WordStore:
    """A store of its own file, from which single facts are taken for a while."""

    def __init__(self, url: str, triples: Sequence[Triple], store: SyncFactStore) -> None:
        """Keep the facts of each entity, so that what was taken comes back."""
        self.url = url
        self._store = store
        self._of: dict[str, list[Assert]] = {}
        for triple in triples:
            self._of.setdefault(triple[0], []).append(_assert(triple))
        store.apply([op for ops in self._of.values() for op in ops])

    @contextmanager
    def without(self, entity: str, relation: str) -> Iterator[None]:
        """Retract every value of the relation; they hold again afterwards."""
        self._store.apply([Retract(entity, relation)])
        try:
            yield
        finally:
            self._store.apply(self._of.get(entity, []))


@contextmanager
def open_word_store(folder: str, triples: Sequence[Triple]) -> Iterator[WordStore]:
    """Yield a fresh store in the folder that holds these facts and nothing else."""
    url = f"sqlite:///{folder}/facts.db"
    with SyncFactStore(url) as store:
        yield WordStore(url, triples, store)


def _assert(triple: Triple) -> Assert:
    entity, relation, value = triple
    return Assert(Fact(entity=entity, relation=relation, value=value))
