"""`ClientMemory`: the memory as one client sees it, in the namespace of one request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamlam.errors import ReadOnly
from lamlam.memory_backends.model.namespaces import scoped
from lamlam.memory_backends.model.operations import Assert, Replace, Retract
from lamlam.memory_backends.read_views.overlay import Overlay
from lamlam.serving.answers.refusals import Refusal
from lamlam.serving.facts_api.answers import (
    ChangeAnswer,
    FactAnswer,
    FactsAnswer,
    HistoryAnswer,
    PastFactAnswer,
    ReceiptAnswer,
)
from lamlam.serving.gate.places import place_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamlam.access_keys import Access
    from lamlam.memory_backends.model.facts import Fact, Namespace
    from lamlam.memory_backends.model.operations import Op
    from lamlam.memory_backends.protocol import FactStore
    from lamlam.serving.facts_api.bodies import FactBody, RetractBody
    from lamlam.serving.state.served import Served


@dataclass(frozen=True, slots=True)
class ClientMemory:
    """Reads and changes facts as the rights of one client allow."""

    store: FactStore
    access: Access
    space: Namespace
    shared: Namespace | None
    may_write: bool

    @classmethod
    def of(cls, served: Served, access: Access, space: str | None, *rights: str) -> ClientMemory:
        """Return the memory for a request.

        Raises:
            RightMissing, NamespaceRefused, Refusal: the client may not, or there is no memory.
        """
        access.need(*rights)
        if served.store is None:
            raise Refusal(404, "this server has no memory (--memory URL names one)", "no_memory")
        place = place_of(access, space)
        return cls(served.store, access, place, access.behind(place), served.may_write)

    @property
    def seen(self) -> tuple[Namespace, ...]:
        """The namespaces that the client reads."""
        return (self.space,) if self.shared is None else (self.space, self.shared)

    @property
    def reader(self) -> FactStore:
        """The store as the client reads it."""
        if self.seen in (((),), ((), ())):
            return self.store
        return Overlay(self.store, self.space, self.shared)

    async def facts(self, entity: str, relation: str | None, most: int) -> FactsAnswer:
        """Return facts of an entity."""
        found: list[Fact] = []
        names = {} if isinstance(self.reader, Overlay) else {"namespace": self.space}
        async for fact in self.reader.scan(entity, relation, **names):  # type: ignore[arg-type]
            if len(found) == most:
                return FactsAnswer(facts=list(map(FactAnswer.of, found)), complete=False)
            found.append(fact)
        return FactsAnswer(facts=list(map(FactAnswer.of, found)), complete=True)

    async def search(self, text: str, most: int) -> FactsAnswer:
        """Return what a text finds."""
        found = await self.store.search(
            text, namespace=self.space, shared_namespace=self.shared, limit=most
        )
        facts = list(map(FactAnswer.of, found.facts))
        return FactsAnswer(facts=facts, complete=found.is_complete)

    async def history(self, entity: str, relation: str | None) -> HistoryAnswer:
        """Return what an entity had once."""
        past = await self.reader.history(entity, relation)
        return HistoryAnswer(past=list(map(PastFactAnswer.of, past)))

    async def fact(self, fact_id: str) -> Fact:
        """Return the fact of an id.

        Raises:
            Refusal: the client sees none.
        """
        found = await self.store.fact(fact_id)
        if found is None or not self._sees(found.namespace):
            raise Refusal(404, f"no fact has the id {fact_id[:80]!r}", "fact_not_found", "fact_id")
        return found

    async def own_fact(self, fact_id: str) -> Fact:
        """Return the fact of an id, which must be of the namespace itself.

        Raises:
            NamespaceRefused, Refusal: it is of the shared one, or there is none.
        """
        fact = await self.fact(fact_id)
        self.access.place(fact.namespace)
        return fact

    async def assert_fact(self, body: FactBody, key: str | None) -> ChangeAnswer:
        """Add a fact, or put it in place of others.

        Raises:
            Conflict, TooManyValues, ReadOnly, BadFact: as of `FactStore.apply`.
        """
        fact = body.fact(self.space)
        op: Op = Replace(fact) if body.replace else Assert(fact)
        done = await self._apply([op], key)
        held = self.store.scan(fact.entity, fact.relation, namespace=self.space)
        same = [
            one async for one in held
            if one.value == fact.value and one.valid_from == fact.valid_from
        ]  # fmt: skip
        return done.model_copy(update={"fact": FactAnswer.of(same[0]) if same else None})

    async def retract(self, body: RetractBody, key: str | None) -> ChangeAnswer:
        """End facts."""
        op = Retract(body.entity, body.relation, body.value, namespace=self.space)
        return await self._apply([op], key)

    async def erase(
        self, entity: str, relation: str | None, reason: str | None, fact: Fact | None = None
    ) -> ReceiptAnswer:
        """Erase facts for good."""
        self._check_writable()
        one_value = () if fact is None else (fact.value,)
        receipt = await self.store.erase(
            entity,
            relation,
            *one_value,
            namespace=self.space if fact is None else fact.namespace,
            reason=reason,
            authority=self.access.name,
        )
        return ReceiptAnswer.of(receipt, self.seen if self._may_read else ())

    async def _apply(self, ops: Sequence[Op], key: str | None) -> ChangeAnswer:
        self._check_writable()
        commit = await self.store.apply(
            ops,
            idempotency_key=None if key is None else scoped(self.space, key),
            actor=self.access.name,
        )
        ended = list(map(FactAnswer.of, commit.ended)) if self._may_read else []
        return ChangeAnswer(
            revision=int(commit.revision), changed=commit.facts, fact=None, ended=ended
        )

    @property
    def _may_read(self) -> bool:
        """Whether an answer to a change may tell what memory held."""
        return "read" in self.access.rights

    def _check_writable(self) -> None:
        if not self.may_write:
            raise ReadOnly(
                "the memory of this server is only read",
                hint="lamlam serve --memory sqlite:///facts.db has one that can be changed",
            )

    def _sees(self, namespace: Namespace) -> bool:
        return namespace in self.seen
