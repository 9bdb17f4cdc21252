"""`Overlay`: one read view of a user's namespace, and of a shared one behind it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from dataclasses import replace

from lamlam.errors import BadFact, OverlayCycle
from lamlam.memory_backends.model.capabilities import Capability
from lamlam.memory_backends.model.facts import Fact, Namespace, check_namespace
from lamlam.memory_backends.model.facts_about import FactsAbout, TextQuestion
from lamlam.memory_backends.model.lookups import (
    EntityView,
    Lookup,
    LookupResult,
    checked_lookups,
)
from lamlam.memory_backends.model.meanings import Meanings
from lamlam.memory_backends.model.namespaces import written
from lamlam.memory_backends.model.operations import PastFact, StoreInfo
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.search_rules import SearchQuery, SearchResult
from lamlam.memory_backends.model.shared_search import search_both
from lamlam.memory_backends.protocol import FactStore, ReadOnlyStore, check_store
from lamlam.memory_backends.read_views.layer_naming import Naming
from lamlam.memory_backends.read_views.layer_scan import scan_layers
from lamlam.memory_backends.resolution.known_names import known_names, possible_names
from lamlam.memory_backends.resolution.layer_answers import (
    AsksAlias,
    Steps,
    is_decided,
    is_plainly_behind,
    merged_answer,
)
from lamlam.memory_backends.resolution.layer_names import is_alias_nowait
from lamlam.memory_backends.resolution.layered_lookups import look_up_in_layers
from lamlam.memory_backends.resolution.layers import Layers, read_layers
from lamlam.memory_backends.resolution.name_questions import NameQuestions

_KEPT = frozenset(
    {
        Capability.ALIASES, Capability.RULES, Capability.NAMESPACES, Capability.HISTORY,
        Capability.VALID_TIME, Capability.FUZZY, Capability.FAST_LOOKUP, Capability.SERVER,
        Capability.MULTIPROCESS, Capability.EXPIRY, Capability.COMMIT_TIMES,
    }
)  # fmt: skip


class Overlay(ReadOnlyStore):
    """A store as one of its users sees it: the user's own facts, and behind them the shared ones.

    The unnamed namespace of the overlay is both together: a fact of the user hides the shared
    ones of the same relation of the same entity. Each layer can be asked alone by its name, and
    no other namespace can. Facts say by their `namespace` which layer they are of.

    `Engine.generate` with ``namespace=`` reads memory in this way.
    """

    refusal = ("an overlay is only read", "write to the store itself, with namespace=")

    def __init__(
        self,
        store: FactStore,
        namespace: Iterable[str],
        shared_namespace: Iterable[str] | None = (),
    ) -> None:
        """See two namespaces as one; the store stays open when this is closed.

        Args:
            store: a store, or a snapshot of one.
            namespace: the user's own.
            shared_namespace: read where the first has nothing; ``None``: nothing else is.

        Raises:
            BadFact: one of them is not a namespace.
            OverlayCycle: both are the same, or the store is an overlay itself.
            UsageError: not a store.
        """
        check_store(store)
        if isinstance(store, Overlay):
            raise OverlayCycle(
                "an overlay cannot be read through another one: its namespaces are fixed",
                hint="give the store itself, and no namespace to an engine whose memory is one",
            )
        self._store = store
        self.layers = read_layers(namespace, shared_namespace)
        self.capabilities = store.capabilities & _KEPT

    # At once --------------------------------------------------------------------------------------

    def lookup_nowait(self, query: Lookup) -> LookupResult:
        """Return what the user sees of one relation of one entity."""
        layers, store = self._layers(query.namespace), self._store
        mine = store.lookup_nowait(replace(query, namespace=layers.own))
        if layers.shared is None or is_decided(mine):
            return mine
        theirs = store.lookup_nowait(replace(query, namespace=layers.shared))
        if is_plainly_behind(mine, theirs):
            return theirs
        return self._answer_nowait(merged_answer(query, layers, mine, theirs))

    def describe_nowait(
        self,
        entity: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> EntityView | None:
        """Return what the user sees of an entity; ``None`` if unknown or ambiguous."""
        return self.meanings_nowait(entity, fuzzy=fuzzy, namespace=namespace, as_of=as_of).view

    def homonyms_nowait(
        self,
        name: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> tuple[EntityView, ...]:
        """Return the entities that a name may mean which is ambiguous to the user."""
        return self.meanings_nowait(name, fuzzy=fuzzy, namespace=namespace, as_of=as_of).homonyms

    def meanings_nowait(
        self,
        name: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> Meanings:
        """Return the entity that the user means by a name, or those that it may mean."""
        return Naming(self._store, self._layers(namespace), name, fuzzy, as_of).meanings()

    def known_names_nowait(
        self,
        names: Sequence[str],
        *,
        namespace: Namespace = (),
        as_of: int | None = None,
        loosely: bool = False,
    ) -> frozenset[str]:
        """Return those of the names that either layer knows."""
        spaces, store = self._layers(namespace).all(), self._store
        if isinstance(store, NameQuestions) and _is_usual(store, "known_names_nowait"):
            with store.reader_of((), as_of) as reader:
                return known_names(reader, names, loosely=loosely, namespaces=spaces)
        return frozenset().union(
            *[
                store.known_names_nowait(names, namespace=space, as_of=as_of, loosely=loosely)
                for space in spaces
            ]
        )

    def about_text_nowait(self, question: TextQuestion) -> FactsAbout:
        """Return what the user sees of the names in a text."""
        return self._store.about_text_nowait(self._layered(question))

    async def about_text(self, question: TextQuestion) -> FactsAbout:
        """Return what the user sees of the names in a text."""
        return await self._store.about_text(self._layered(question))

    def _layered(self, question: TextQuestion) -> TextQuestion:
        spaces = (space for one in question.namespaces for space in self._layers(one).all())
        return replace(question, namespaces=tuple(dict.fromkeys(spaces)))

    def possible_names_nowait(
        self, names: Sequence[str], *, namespace: Namespace = (), as_of: int | None = None
    ) -> frozenset[str]:
        """Return those of the names by which anything may be found in either layer."""
        spaces, store = self._layers(namespace).all(), self._store
        if isinstance(store, NameQuestions) and _is_usual(store, "possible_names_nowait"):
            with store.reader_of((), as_of) as reader:
                return possible_names(reader, names, namespaces=spaces)
        if not hasattr(store, "possible_names_nowait"):  # it looks like a store
            return frozenset(names)
        return frozenset().union(
            *[store.possible_names_nowait(names, namespace=space, as_of=as_of) for space in spaces]
        )

    def state_nowait(self) -> object:
        """Return the mark of the store."""
        state = getattr(self._store, "state_nowait", None)  # it may only look like a store
        return state() if state is not None else None

    def refresh_nowait(self) -> None:
        """Let the next lookup see everything that was committed before it."""
        self._store.refresh_nowait()

    def _answer_nowait(self, steps: Steps) -> LookupResult:
        sent: object = None
        try:
            while True:
                step = steps.send(sent)
                if isinstance(step, AsksAlias):
                    sent = is_alias_nowait(self._store, step.name, step.namespace)
                else:
                    sent = [self._store.lookup_nowait(one) for one in step]
        except StopIteration as end:
            answer: LookupResult = end.value
            return answer

    # Waiting --------------------------------------------------------------------------------------

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query, in their order, all from one state of the store."""
        given = [(query, self._layers(query.namespace)) for query in checked_lookups(queries)]
        return await look_up_in_layers(self._store, given)

    async def scan(
        self,
        entity: str | None = None,
        relation: str | None = None,
        *,
        namespace: Namespace | None = None,
        as_of: int | None = None,
        batch: int = 1000,
        include_expired: bool = False,
    ) -> AsyncIterator[Fact]:
        """Yield the facts that the user sees; of both layers, also with ``None``."""
        layers = self._layers(namespace or ())
        facts = scan_layers(
            self._store,
            layers,
            entity,
            relation,
            as_of=as_of,
            batch=batch,
            include_expired=include_expired,
        )
        try:
            async for fact in facts:
                yield fact
        finally:
            if isinstance(facts, AsyncGenerator):  # one that is left early must be closed
                await facts.aclose()

    async def search_one(self, query: SearchQuery) -> SearchResult:
        """Return what the user finds; of both layers, also with ``None``."""
        layers = self._layers(query.namespace or ())
        own = replace(query, namespace=layers.own)
        if layers.shared is None:
            return await self._store.search_one(own)
        return await search_both(self._store, own, replace(query, namespace=layers.shared))

    async def known_names(
        self,
        names: Sequence[str],
        *,
        namespace: Namespace = (),
        as_of: int | None = None,
        loosely: bool = False,
    ) -> frozenset[str]:
        """Return those of the names that either layer knows."""
        known: frozenset[str] = frozenset()
        for space in self._layers(namespace).all():
            known |= await self._store.known_names(
                names, namespace=space, as_of=as_of, loosely=loosely
            )
        return known

    async def history(
        self, entity: str, relation: str | None = None, *, namespace: Namespace = ()
    ) -> list[PastFact]:
        """Return what ended in either layer, oldest first."""
        past = [
            one
            for space in self._layers(namespace).all()
            for one in await self._store.history(entity, relation, namespace=space)
        ]
        return sorted(past, key=lambda one: one.retracted)

    async def fact(self, fact_id: str) -> Fact | None:
        """Return the fact with this id, if it is or was one of the two layers."""
        found = await self._store.fact(fact_id)
        return found if found is not None and found.namespace in self.layers.all() else None

    async def rules(self) -> list[RelationRule]:
        """Return the rules of relations: every namespace of a store has the same."""
        return await self._store.rules()

    async def aliases(self, entity: str, *, namespace: Namespace = ()) -> list[str]:
        """Return the other names of an entity in either layer, sorted."""
        known: set[str] = set()
        for space in self._layers(namespace).all():
            known.update(await self._store.aliases(entity, namespace=space))
        return sorted(known)

    async def info(self) -> StoreInfo:
        """Return what the store is; its numbers count every namespace."""
        return replace(await self._store.info(), read_only=True)

    async def aclose(self) -> None:
        """Do nothing: the store stays open."""

    def _layers(self, namespace: Namespace) -> Layers:
        """Return what a namespace of the overlay stands for.

        Raises:
            BadFact: it is another user's.
        """
        if namespace == ():
            return self.layers
        if check_namespace(namespace) not in self.layers.all():
            raise BadFact(
                f"namespace {written(namespace)!r} is not one of this overlay",
                hint=f"it reads {' and '.join(repr(written(one)) for one in self.layers.all())}",
            )
        return Layers(namespace)


def _is_usual(store: NameQuestions, question: str) -> bool:
    """Return whether a store asks its reader, which can be asked about both layers together."""
    return getattr(type(store), question) is getattr(NameQuestions, question)
