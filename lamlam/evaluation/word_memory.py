"""What memory holds while other people's words are asked: the facts of the chosen entities."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING

from lamlam.evaluation.word_items import Triple, WordFact
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, Retract
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.progress_bars import tracked

if TYPE_CHECKING:
    from lamlam.memory_backends.model.operations import Op

_BEGINNINGS = ("Xq", "Zv", "Brel", "Kth", "Omr", "Dwy", "Fjal", "Qen", "Tsor", "Yb", "Lhim", "Varg")
_ENDINGS = ("att", "un", "ik", "osk", "eth", "ard", "ymm", "oll", "ess", "ubra", "inde", "akko")

_ORDER = 7
"""Seed of the order in which facts are written."""


def facts_of(entities: Iterable[str], facts: Sequence[WordFact]) -> list[Triple]:
    """Return all that the set states of these entities, each fact once."""
    wanted = set(entities)
    found = dict.fromkeys(
        triple for fact in facts if fact.entity in wanted for triple in fact.triples()
    )
    return list(found)


def values_by_relation(facts: Iterable[WordFact]) -> dict[str, list[str]]:
    """Return every value of each relation in the set, as often as the set has it."""
    values: dict[str, list[str]] = {}
    for fact in facts:
        values.setdefault(fact.relation, []).extend(fact.values)
    return values


def more_facts(
    held: Sequence[Triple], facts: Sequence[WordFact], each: int, seed: int
) -> list[Triple]:
    """Return ``each`` further facts of every entity: drawn values of relations that it lacks."""
    draw = random.Random(seed)
    values = values_by_relation(facts)
    has: dict[str, set[str]] = {}
    for entity, relation, _ in held:
        has.setdefault(entity, set()).add(relation)
    added: list[Triple] = []
    for entity, relations in has.items():
        lacking = sorted(values.keys() - relations)
        drawn = draw.sample(lacking, min(each, len(lacking)))
        added += [(entity, relation, draw.choice(values[relation])) for relation in drawn]
    return added


def shuffled_values(
    held: Sequence[Triple], facts: Sequence[WordFact], seed: int
) -> dict[Triple, str]:
    """Return a false value for each fact: one that another entity has of the same relation.

    A fact is left out where the set has no value of the relation that is not the entity's own.
    """
    draw = random.Random(seed)
    values = values_by_relation(facts)
    own: dict[tuple[str, str], set[str]] = {}
    for entity, relation, value in held:
        own.setdefault((entity, relation), set()).add(value.casefold())
    shuffled = {}
    for entity, relation, value in held:
        true = own[entity, relation]
        # Sorted and each once: the draw depends on neither order nor frequency in the set.
        others = [v for v in sorted(set(values[relation])) if v.casefold() not in true]
        if others:
            shuffled[entity, relation, value] = draw.choice(others)
    return shuffled


def other_entities(n: int, facts: Sequence[WordFact], seed: int) -> Iterator[Assert]:
    """Yield one fact each of ``n`` invented entities, with relations and values of the set."""
    draw = random.Random(seed)
    values = values_by_relation(facts)
    relations = sorted(values)
    for number in range(n):
        words = (draw.choice(_BEGINNINGS) + draw.choice(_ENDINGS) for _ in range(2))
        relation = draw.choice(relations)
        yield _assert((f"{' '.join(words)} {number}", relation, draw.choice(values[relation])))


class WordStore:
    """A store of its own file, from which single facts are taken for a while."""

    def __init__(
        self,
        url: str,
        triples: Sequence[Triple],
        others: Iterable[Op],
        store: SyncFactStore,
    ) -> None:
        """Write the facts, and keep those of each entity, so that what was taken comes back.

        They are written in an order of their own: whatever prefers the relation that was stored
        first is not to find the one asked for there.
        """
        self.url = url
        self.n_others = 0
        triples = list(triples)
        random.Random(_ORDER).shuffle(triples)
        self._store = store
        self._of: dict[str, list[Assert]] = {}
        for triple in triples:
            self._of.setdefault(triple[0], []).append(_assert(triple))
        own = (op for ops in self._of.values() for op in ops)
        # A store of this process takes operations as they come: a million of others need no list.
        store.apply(chain(own, self._counted(others)))  # type: ignore[arg-type]

    def _counted(self, others: Iterable[Op]) -> Iterator[Op]:
        for self.n_others, op in enumerate(others, 1):
            yield op

    @contextmanager
    def without(self, entity: str, relation: str) -> Iterator[None]:
        """Retract every value of the relation; they hold again afterwards."""
        self._store.apply([Retract(entity, relation)])
        try:
            yield
        finally:
            self._put_back(entity)

    def revision_without(self, entity: str, relation: str) -> int:
        """Return a revision at which the relation has no value, and all other facts hold."""
        revision = self._store.apply([Retract(entity, relation)]).revision
        self._put_back(entity)
        return revision

    def _put_back(self, entity: str) -> None:
        # All again, so that the entity's relations come in the order that they had.
        own = self._of.get(entity, [])
        relations = dict.fromkeys(op.fact.relation for op in own)
        self._store.apply([*(Retract(entity, name) for name in relations), *own])


@contextmanager
def open_word_store(
    folder: str,
    triples: Sequence[Triple],
    others: Iterable[Op] = (),
    *,
    show_progress: bool = False,
) -> Iterator[WordStore]:
    """Yield a fresh store in the folder that holds these facts and nothing else."""
    url = f"sqlite:///{folder}/facts.db"
    others = tracked(others, "filling memory", wanted=show_progress)
    with SyncFactStore(url) as store:
        yield WordStore(url, triples, others, store)


def _assert(triple: Triple) -> Assert:
    entity, relation, value = triple
    return Assert(Fact(entity=entity, relation=relation, value=value))
