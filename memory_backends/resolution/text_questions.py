"""`TextQuestions`: `facts_about` for every store, by way of the other questions to it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, Unpack, cast, runtime_checkable

from lamlam.memory_backends.model.capabilities import Capability, unsupported
from lamlam.memory_backends.model.clock import microseconds
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.facts_about import (
    MOST_CHARACTERS,
    MOST_FACTS,
    MOST_READ,
    AboutOptions,
    FactsAbout,
    TextQuestion,
    fact_line,
    text_question,
)
from lamlam.memory_backends.model.fast_lookups import FastLookups
from lamlam.memory_backends.model.keys import canonical_key, relation_key
from lamlam.memory_backends.model.lookups import Lookup, LookupResult, LookupStatus
from lamlam.memory_backends.model.timestamps import holds_at, to_us

if TYPE_CHECKING:
    from lamlam.memory_backends.resolution.text_facts import NamedSubject


@runtime_checkable
class TextQuestions(FastLookups, Protocol):
    """What memory holds about the names in a text."""

    async def facts_about(
        self,
        text: str,
        *,
        namespace: Namespace = (),
        shared_namespace: Namespace | None = (),
        me: str | None = None,
        max_facts: int = MOST_FACTS,
        max_characters: int = MOST_CHARACTERS,
        as_of: int | None = None,
    ) -> FactsAbout:
        """Return what memory holds about the names in a text, for the prompt of a model.

        Names are found anywhere, in lower case and as possessives too, the longest first. Facts
        whose relation the words of the text name come first; several names share the budget.

        Args:
            text: a message or a paragraph, of at most 100,000 characters.
            namespace: where names are looked for first.
            shared_namespace: where they are looked for next; a fact of the first namespace hides
                those of the same relation here. ``None``: nowhere.
            me: the entity that "I", "me" and "my" mean; ``None``: nobody.
            max_facts: that are returned.
            max_characters: of their lines together (`FactsAbout.as_text`).
            as_of: what memory held at this revision (`HISTORY`).

        Raises:
            BadFact: an argument is not valid, or the text is too long.
            Conflict: the store has not reached the revision.
            NotSupported: it keeps no history.
        """
        return await self.about_text(
            text_question(
                text,
                namespace=namespace,
                shared_namespace=shared_namespace,
                me=me,
                max_facts=max_facts,
                max_characters=max_characters,
                as_of=as_of,
            )
        )

    def facts_about_nowait(self, text: str, **options: Unpack[AboutOptions]) -> FactsAbout:
        """Return the same as `facts_about`, at once; from any thread (`FAST_LOOKUP`); same keywords."""
        if Capability.FAST_LOOKUP not in self.capabilities:
            raise unsupported(self, "facts_about_nowait", Capability.FAST_LOOKUP)
        return self.about_text_nowait(text_question(text, **options))

    async def about_text(self, question: TextQuestion) -> FactsAbout:
        """Return the answer to `facts_about`; the body asks `known_names`, `lookup_many` and `scan`."""
        return await _by_scans(cast("_AskedStore", self), question)

    def about_text_nowait(self, question: TextQuestion) -> FactsAbout:
        """Return the answer to `facts_about_nowait`; the body asks the other questions of `FastLookups`."""
        return _by_lookups(self, question)


class SyncTextQuestions:
    """The blocking twin of `TextQuestions`."""

    @abstractmethod
    def _opened(self) -> TextQuestions: ...

    @abstractmethod
    def _call(self, method: Callable[[], Coroutine[Any, Any, FactsAbout]]) -> FactsAbout: ...

    def facts_about(
        self,
        text: str,
        *,
        namespace: Namespace = (),
        shared_namespace: Namespace | None = (),
        me: str | None = None,
        max_facts: int = MOST_FACTS,
        max_characters: int = MOST_CHARACTERS,
        as_of: int | None = None,
    ) -> FactsAbout:
        """Return what memory holds about the names in a text; arguments as for the async store."""
        question = text_question(
            text,
            namespace=namespace,
            shared_namespace=shared_namespace,
            me=me,
            max_facts=max_facts,
            max_characters=max_characters,
            as_of=as_of,
        )
        return self._call(partial(self._opened().about_text, question))

    def facts_about_nowait(self, text: str, **options: Unpack[AboutOptions]) -> FactsAbout:
        """Return the same as `facts_about`; a snapshot may stay open until `refresh_nowait`."""
        return self._opened().facts_about_nowait(text, **options)


class _AskedStore(Protocol):
    """What the body of `about_text` asks a store."""

    async def known_names(
        self,
        names: Sequence[str],
        *,
        namespace: Namespace = (),
        as_of: int | None = None,
        loosely: bool = False,
    ) -> frozenset[str]:
        """Return those of the names that the store knows."""
        ...

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query."""
        ...

    def scan(
        self,
        entity: str | None = None,
        relation: str | None = None,
        *,
        namespace: Namespace | None = None,
        as_of: int | None = None,
        batch: int = 1000,
    ) -> AsyncIterator[Fact]:
        """Yield facts."""
        ...


async def _by_scans(store: _AskedStore, question: TextQuestion) -> FactsAbout:
    from lamlam.memory_backends.resolution.names_in_text import readings
    from lamlam.memory_backends.resolution.text_facts import SubjectsOfText

    at, spaces = question.as_of, question.namespaces
    found: SubjectsOfText[Fact] = SubjectsOfText()
    meant: dict[str, list[NamedSubject[Fact]]] = {}
    for reading in readings(question.text):
        known: set[str] = set()
        for space in spaces:
            known |= await store.known_names(reading.names(), namespace=space, as_of=at)
        others = reading.other_spellings(known)
        for space in spaces:
            known |= await store.known_names(others, namespace=space, as_of=at, loosely=True)
        for one in reading.found(known).asked(question.me):
            if one.asked not in meant:
                meant[one.asked] = await _meant(store, question, one.asked)
            found.add(one, meant[one.asked])
    return found.answer(question, _line, lambda fact: fact)


async def _meant(store: _AskedStore, question: TextQuestion, name: str) -> list[NamedSubject[Fact]]:
    from lamlam.memory_backends.resolution.text_facts import told_apart

    at, order = question.as_of, list(question.namespaces)
    if len(order) > 1:  # the very name in one of them comes before a similar name in another
        very = [one for one in order if await store.known_names([name], namespace=one, as_of=at)]
        order.sort(key=lambda one: one not in very)
    for space in order:
        (result,) = await store.lookup_many([Lookup(name, "", space, None, at)])
        entities = told_apart(_entities(result), question.text)
        if entities:
            return [
                _subject(
                    entity,
                    [
                        (one, [fact async for fact in store.scan(entity, namespace=one, as_of=at)])
                        for one in question.namespaces
                    ],
                )
                for entity in entities
            ]
    return []


def _entities(result: LookupResult) -> list[str]:
    """Return the entities that a lookup found by its name; none where the name is misspelt."""
    if result.status is LookupStatus.AMBIGUOUS:
        return [one.entity for one in result.candidates if one.score == 1.0]
    found = result.match.entity
    return [found.matched] if found.matched is not None and found.score == 1.0 else []


def _by_lookups(store: FastLookups, question: TextQuestion) -> FactsAbout:
    from lamlam.memory_backends.resolution.names_in_text import readings
    from lamlam.memory_backends.resolution.text_facts import SubjectsOfText

    at, spaces = question.as_of, question.namespaces
    found: SubjectsOfText[Fact] = SubjectsOfText()
    meant: dict[str, list[NamedSubject[Fact]]] = {}
    for reading in readings(question.text):
        known: set[str] = set()
        for space in spaces:
            known |= store.known_names_nowait(reading.names(), namespace=space, as_of=at)
        others = reading.other_spellings(known)
        for space in spaces:
            known |= store.known_names_nowait(others, namespace=space, as_of=at, loosely=True)
        for one in reading.found(known).asked(question.me):
            if one.asked not in meant:
                meant[one.asked] = _meant_now(store, question, one.asked)
            found.add(one, meant[one.asked])
    return found.answer(question, _line, lambda fact: fact)


def _meant_now(store: FastLookups, question: TextQuestion, name: str) -> list[NamedSubject[Fact]]:
    from lamlam.memory_backends.resolution.text_facts import told_apart

    at, order = question.as_of, list(question.namespaces)
    if len(order) > 1:
        very = [one for one in order if store.known_names_nowait([name], namespace=one, as_of=at)]
        order.sort(key=lambda one: one not in very)
    for space in order:
        view = store.describe_nowait(name, fuzzy=False, namespace=space, as_of=at)
        views = (
            [view]
            if view is not None
            else store.homonyms_nowait(name, fuzzy=False, namespace=space, as_of=at)
        )
        entities = told_apart([one.name for one in views], question.text)
        if entities:
            return [
                _subject(
                    entity,
                    [(one, _facts_now(store, entity, one, at)) for one in question.namespaces],
                )
                for entity in entities
            ]
    return []


def _facts_now(
    store: FastLookups, entity: str, namespace: Namespace, as_of: int | None
) -> list[Fact]:
    view = store.describe_nowait(entity, fuzzy=False, namespace=namespace, as_of=as_of)
    if view is None or view.match.kind not in ("exact", "alias"):
        return []
    return [
        fact
        for key in view.relations
        for fact in store.lookup_nowait(Lookup(view.name, key, namespace, None, as_of)).facts
    ]


def _subject(entity: str, given: Iterable[tuple[Namespace, Sequence[Fact]]]) -> NamedSubject[Fact]:
    from lamlam.memory_backends.resolution.text_facts import Holding, NamedSubject, SubjectFact

    now = microseconds(None)
    known = [(space, facts) for space, facts in given if facts]
    holdings = []
    for _, facts in known:
        holding = [
            SubjectFact(relation_key(fact.relation), fact)
            for fact in facts[:MOST_READ]
            if holds_at(to_us(fact.valid_from), to_us(fact.valid_to), now)
        ]
        holdings.append(Holding(holding, len(facts) > MOST_READ))
    # Where nothing holds, of what has ended: it is found by its name all the same.
    space, name = (known[0][0], known[0][1][0].entity) if known else ((), entity)
    return NamedSubject(canonical_key(entity), name, space, tuple(holdings))


def _line(fact: Fact) -> str:
    return fact_line(fact.entity, fact.relation, fact.surface, fact.valid_from, fact.valid_to)
