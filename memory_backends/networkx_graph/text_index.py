"""The search index of a store in memory: letter groups of names, values and sources, by entity."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

from lamlam.memory_backends.model.entity_reader import StoredEntity
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.model.search_terms import AskedTerms, Term, terms_of

_NONE: dict[str, None] = {}


class GraphTextIndex:
    """An inverted index. What has changed leaves it at once, and comes back when it is next asked."""

    def __init__(self, keys: Iterable[str], *, sources: bool) -> None:
        """Begin with entities that are to be indexed.

        Args:
            keys: scoped keys.
            sources: index sources, too.
        """
        self.sources = sources
        self._holders: dict[Term, dict[str, None]] = {}
        self._terms: dict[str, set[Term]] = {}
        self._waiting = dict.fromkeys(keys)

    @property
    def n_waiting(self) -> int:
        """Entities that are not indexed yet."""
        return len(self._waiting)

    def mark(self, key: str) -> None:
        """Remove an entity that changes, to be indexed again."""
        for term in self._terms.pop(key, ()):
            holders = self._holders[term]
            del holders[key]
            if not holders:
                del self._holders[term]
        self._waiting[key] = None

    def refresh(
        self,
        record: Callable[[str], StoredEntity | None],
        aliases: Callable[[str], Iterable[str]],
        most: int,
    ) -> None:
        """Index entities that wait, at most so many."""
        for key in list(islice(self._waiting, most)):
            del self._waiting[key]
            entity = record(key)
            if entity is None:
                continue
            names = [entity.name, *(split(alias)[1] for alias in aliases(key))]
            terms = terms_of(split(key)[0], names, entity.facts, sources=self.sources)
            self._terms[key] = terms
            for term in terms:
                self._holders.setdefault(term, {})[key] = None

    def find(self, asked: AskedTerms, most: int) -> list[str]:
        """Return entities that have what is asked for, at most so many; negative: all."""
        lists = [self._of_any(groups) for groups in asked.all_of]
        if not lists:
            return []
        first, *others = sorted(lists, key=len)
        found = []
        for key in first:
            if all(key in other for other in others):
                found.append(key)
                if len(found) == most:
                    break
        return found

    def _of_any(self, groups: Iterable[tuple[Term, ...]]) -> dict[str, None]:
        """Return the entities that have all terms of one of the groups."""
        found: list[dict[str, None]] = []
        for group in groups:
            first, *others = sorted((self._holders.get(term, _NONE) for term in group), key=len)
            of_group = first
            if others and first:
                of_group = {key: None for key in first if all(key in one for one in others)}
            if of_group:
                found.append(of_group)
        if len(found) <= 1:
            return found[0] if found else _NONE
        return {key: None for one in found for key in one}
