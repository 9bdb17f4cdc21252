"""A search, step by step, without any reading of its own: it says what to read, and is sent that.

One generator for every built-in backend, whether its reading waits or not: what is found, and in
which order, is the same. `search_in_turns` reads for one that does not wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from heapq import nsmallest
from typing import Any, NamedTuple, TypeAlias, TypeVar

from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.lookups import StoredFact
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.model.search_rules import (
    STEPS,
    BestHits,
    NameMatch,
    SearchQuery,
    match_names,
    rank_of,
)
from lamlam.memory_backends.model.search_terms import (
    NAME,
    SOURCE,
    VALUE,
    AskedTerms,
    asked_in,
    terms_to_find,
)
from lamlam.memory_backends.model.search_text import is_indexed, search_form

MOST_PLACES = 4_000
"""Places of the index that one step reads, where it does not find enough before."""
_MOST_OF_A_WORD = 1_000
_PLACES_FIRST = 256
"""Places that are asked for at first: most often they are enough."""
_SHORT_PART = 5
"""Letters up to which a part is in so many names that those that begin with it are asked for first."""
_PLACES_MORE = 16
"""Places that are read when there is enough already: some may be better."""
_MOST_SHORT = 20_000
"""Entities among which a part of one or two letters is looked for, where there is an index."""
_FACTS_A_TURN = 200
_LONG_ROW = 20_000

T = TypeVar("T")
Place: TypeAlias = Hashable
"""Where an index says that something is: of one entity, or of a few."""


class SearchedEntity(NamedTuple):
    """An entity as a search reads it."""

    key: str
    """Scoped."""
    name: str
    aliases: Sequence[str]
    facts: Callable[[], Iterable[StoredFact]]
    text: str | None = None
    """All values of it, and more, in one text, where that is at hand: a first look."""


class FindMeant(NamedTuple):
    """Asks for the entity that the text names, if there is one: a list of at most one."""


class FindNamed(NamedTuple):
    """Asks for the entities with one of these names, or with an alias of them."""

    names: Sequence[str]


class FindPlaces(NamedTuple):
    """Asks the index for places; the answer is a list of them, at most so many."""

    asked: AskedTerms
    most: int


class ReadPlaces(NamedTuple):
    """Asks for the entities at places, in any order."""

    places: Sequence[Place]


class ReadNext(NamedTuple):
    """Asks for the next entities of the store; none: that was all."""


class GiveWay(NamedTuple):
    """Asks for nothing: others may have their turn."""


Request: TypeAlias = FindMeant | FindNamed | FindPlaces | ReadPlaces | ReadNext | GiveWay
Found: TypeAlias = tuple[SearchedEntity, StoredFact]
Answer: TypeAlias = "list[Any]"  # Any: places or entities, as the request says
Steps: TypeAlias = Generator[Request, Answer, T]
"""Is sent what its last request asks for."""


class SearchPlan:
    """One search: which places it reads, and when it has enough."""

    def __init__(
        self,
        query: SearchQuery,
        *,
        has_index: bool,
        has_sources: bool = False,
        has_spaces: bool = True,
        at_once: int = 1,
    ) -> None:
        """Take a search.

        Args:
            query: checked.
            has_index: there is one.
            has_sources: it has sources.
            has_spaces: there are entities in other namespaces than the usual one.
            at_once: places to read at a time.
        """
        self._query = query
        self._hits: BestHits[Found] = BestHits(query)
        # Sources that are not indexed have to be read, all of them.
        self._is_indexed = has_index and (has_sources or not query.sources)
        self._space = query.namespace if has_spaces or query.namespace else None
        self._at_once = at_once
        self._read: set[Place] = set()
        self._meant: str | None = None

    def run(self) -> Steps[BestHits[Found]]:
        """Search; the result has pairs of entity and fact."""
        for entity in (yield FindMeant()):
            self._meant = entity.key
            yield from self._look_at(entity)
        if not self._query.part:
            return self._hits
        if not self._is_indexed:
            yield from self._all(None)
            return self._hits
        for step in STEPS:
            if self._hits.is_enough() and self._hits.worst[0] < step:
                break
            for asked in self._asked(step):
                yield from self._places(asked, MOST_PLACES)
            if step == STEPS[2]:
                yield from self._words()
        if not is_indexed(self._query.part) and not self._hits.is_enough():
            yield from self._all(_MOST_SHORT)
        return self._hits

    def _asked(self, step: int) -> Iterable[AskedTerms]:
        """Yield what a step asks the index, what is likely to be better first."""
        query, space = self._query, self._space
        field = {STEPS[0]: NAME, STEPS[1]: VALUE, STEPS[3]: SOURCE}.get(step)
        if field is None or (field == SOURCE and not query.sources):
            return
        if is_indexed(query.part) and 1 < len(query.part) <= _SHORT_PART:
            yield asked_in(space, terms_to_find(field, f" {query.part}"))
        yield asked_in(space, terms_to_find(field, query.part))

    def _words(self) -> Steps[None]:
        """Read entities that the text names, then places that have words of it: the most first."""
        for entity in (yield FindNamed(self._query.stretches())):
            yield from self._look_at(entity)
        space = self._space
        groups = [
            [
                terms
                for form in forms
                for field in (NAME, VALUE)
                for terms in terms_to_find(field, f" {form} ")
            ]
            for forms in self._query.words
        ]
        if groups:
            yield from self._places(asked_in(space, *groups), MOST_PLACES)
        if self._hits.has_part:
            return  # what has only some of the words is left out
        counts: Counter[Place] = Counter()
        for group in groups:
            found = yield FindPlaces(asked_in(space, group), _MOST_OF_A_WORD)
            places: list[Place] = list(found)
            counts.update(places)
            self._hits.is_cut |= len(places) == _MOST_OF_A_WORD
        yield from self._read_places([place for place, _ in counts.most_common(_MOST_OF_A_WORD)])

    def _places(self, asked: AskedTerms, most: int) -> Steps[None]:
        for at_most in (min(_PLACES_FIRST, most), most):
            places = list((yield FindPlaces(asked, at_most)))
            is_all = len(places) < at_most
            self._hits.is_cut |= not is_all and at_most == most
            yield from self._read_places(places)
            if is_all or self._hits.is_enough():
                return

    def _read_places(self, places: Sequence[Place]) -> Steps[None]:
        new = [place for place in places if place not in self._read]
        more = _PLACES_MORE
        for start in range(0, len(new), self._at_once):
            if self._hits.is_enough():
                more -= self._at_once
                if more < 0:
                    return
            part = new[start : start + self._at_once]
            self._read.update(part)
            for entity in (yield ReadPlaces(part)):
                yield from self._look_at(entity)

    def _all(self, most: int | None) -> Steps[None]:
        n_read = 0
        while entities := (yield ReadNext()):
            for entity in entities:
                yield from self._look_at(entity)
            n_read += len(entities)
            if most is not None and (n_read >= most or self._hits.is_enough()):
                self._hits.is_cut = True
                return

    def _look_at(self, entity: SearchedEntity) -> Steps[None]:
        """Take what is found of an entity."""
        query, hits = self._query, self._hits
        if query.namespace is not None and split(entity.key)[0] != query.namespace:
            return
        is_meant = entity.key == self._meant
        named = match_names(query, (entity.name, *entity.aliases))
        if not (is_meant or self._may_be_found(named, entity)):
            return
        for number, fact in enumerate(entity.facts()):
            rank = rank_of(query, named, fact, fact.value, is_meant=is_meant)
            if rank is not None:
                hits.add(rank, entity.key, number, (entity, fact))
            if number % _FACTS_A_TURN == _FACTS_A_TURN - 1:
                if (is_meant or named.is_part) and hits.is_enough() and hits.worst <= (rank or ()):
                    return  # its other facts come behind
                yield GiveWay()

    def _may_be_found(self, named: NameMatch, entity: SearchedEntity) -> bool:
        """Return false where a first look at all values shows that nothing is found."""
        query = self._query
        if named.is_part or named.words or query.sources or entity.text is None:
            return True
        if len(entity.text) > _LONG_ROW:
            return True
        form = search_form(entity.text, len(entity.text))
        if query.part in form:
            return True
        padded = f" {form} "
        return any(f" {word} " in padded for forms in query.words for word in forms)


class NamePlan:
    """The names that begin with a text, of a store with or without an index."""

    def __init__(
        self, prefix: str, namespace: Namespace | None, limit: int, *, has_index: bool, at_once: int
    ) -> None:
        """Take what `names` is asked."""
        self._form = search_form(prefix)
        self._namespace = namespace
        self._limit = limit
        self._has_index = has_index and bool(self._form)
        self._at_once = at_once
        self._found: dict[tuple[str, str], None] = {}

    def run(self) -> Steps[list[str]]:
        """Find them, the first in the alphabet."""
        if self._has_index and len(self._form) > 1:
            asked = asked_in(self._namespace, terms_to_find(NAME, f" {self._form}"))
            places = list((yield FindPlaces(asked, -1)))
            for start in range(0, len(places), self._at_once):
                self._take((yield ReadPlaces(places[start : start + self._at_once])))
        else:
            while entities := (yield ReadNext()):
                self._take(entities)
        return [name for _, name in nsmallest(self._limit, self._found)]

    def _take(self, entities: Sequence[object]) -> None:
        for entity in entities:
            assert isinstance(entity, SearchedEntity)
            if self._namespace is not None and split(entity.key)[0] != self._namespace:
                continue
            form = search_form(entity.name)
            if form.startswith(self._form):
                self._found[form, entity.name] = None
        if len(self._found) > 4 * self._limit + 1000:
            self._found = dict.fromkeys(nsmallest(self._limit, self._found))
