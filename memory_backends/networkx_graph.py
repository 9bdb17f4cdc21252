"""`GraphStore`: facts as a NetworkX graph in memory, gone when the process ends.

An entity is a node, a fact an edge from it to the node of its value; the edge carries
relation, source, confidence and revision. Simple before fast: for small worlds and tests.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass

import networkx as nx

from lamlam.errors import BadFact, Conflict, ReadOnly, StoreClosed
from lamlam.memory_backends.edits import Edited, check_op, covered_keys
from lamlam.memory_backends.facts import Fact, check_text
from lamlam.memory_backends.keys import canonical_key
from lamlam.memory_backends.lookups import EntityView, Lookup, LookupResult, StoredFact, as_fact
from lamlam.memory_backends.name_index import index_codes
from lamlam.memory_backends.operations import (
    AddAlias,
    Assert,
    Commit,
    ErasureReceipt,
    Op,
    PastFact,
    Retract,
    StoreInfo,
)
from lamlam.memory_backends.protocol import Capability
from lamlam.memory_backends.resolver import describe, look_up
from lamlam.memory_backends.store_base import FactIds, LocalStore
from lamlam.memory_backends.synonyms import same_relation

_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Node:
    """An entity's node and the edges that leave it (a `Holding`)."""

    name: str
    key: str
    facts: tuple[StoredFact, ...]

    def relation_keys(self) -> list[str]:
        return list(dict.fromkeys(fact.key for fact in self.facts))

    def of(self, relation_key: str) -> list[StoredFact]:
        return [fact for fact in self.facts if fact.key == relation_key]

    def stored(self) -> tuple[StoredFact, ...]:
        return self.facts


class GraphStore(LocalStore):
    """Facts in a `networkx.MultiDiGraph`, which ``graph`` lets one look at."""

    def __init__(self, *, read_only: bool = False) -> None:
        """Begin empty."""
        self.graph = nx.MultiDiGraph()
        self.read_only = read_only
        self.capabilities = frozenset(
            {Capability.FAST_LOOKUP, Capability.FUZZY, Capability.HISTORY}
            | (set() if read_only else {Capability.TRANSACTIONS, Capability.CAS, Capability.ERASE})
        )
        self._lock = threading.RLock()
        self._is_closed = False
        self._codes: dict[int, dict[str, None]] = {}
        self._aliases: dict[str, str] = {}
        self._past: dict[str, list[tuple[str, StoredFact, int]]] = {}
        self._revision = 0
        self._identify = FactIds(secrets.token_bytes(32))

    # What resolution asks (`Shelf`) ---------------------------------------------------------

    def holding(self, key: str) -> Node | None:
        """The entity with exactly this canonical key."""
        if ("entity", key) not in self.graph:
            return None
        edges = self.graph.out_edges(("entity", key), data="fact")
        # Edges to one node lie together, so their numbers restore the order of the facts.
        numbered = sorted((number, fact) for _, _, (number, fact) in edges)
        facts = tuple(fact for _, fact in numbered)
        return Node(self.graph.nodes["entity", key]["name"], key, facts)

    def alias(self, key: str) -> Node | None:
        """The entity that has this canonical key as an alias."""
        return self.holding(self._aliases[key]) if key in self._aliases else None

    def near(self, codes: Collection[int]) -> list[str]:
        """Keys of the entities indexed under any of these codes, each once."""
        return list(dict.fromkeys(key for code in codes for key in self._codes.get(code, ())))

    @property
    def has_aliases(self) -> bool:
        """True unless `alias` finds nothing anyway."""
        return bool(self._aliases)

    # Reading ------------------------------------------------------------------------------------

    def lookup_nowait(self, query: Lookup) -> LookupResult:
        """Return what the store holds of one relation of one entity, from any thread.

        Raises:
            StoreClosed: the store is closed.
        """
        began = time.perf_counter_ns()
        with self._lock:
            self._check_open()
            result = look_up(self, query, self._revision, self._identify)
        result.elapsed_ns = time.perf_counter_ns() - began
        return result

    def describe_nowait(self, entity: str, *, fuzzy: bool = True) -> EntityView | None:
        """Return what the store holds of an entity; ``None`` if unknown or ambiguous.

        Args:
            fuzzy: also accept misspellings.
        """
        with self._lock:
            self._check_open()
            return describe(self, entity, fuzzy=fuzzy)

    async def scan(
        self, entity: str | None = None, relation: str | None = None, *, batch: int = 1000
    ) -> AsyncIterator[Fact]:
        """Give every fact, or those of one entity, of one relation (or its synonyms), or of both."""
        wanted = canonical_key(relation) if relation is not None else None
        with self._lock:
            self._check_open()
            keys = self._entity_keys() if entity is None else [canonical_key(entity)]
            nodes = [node for key in keys if (node := self.holding(key)) is not None]
        for node in nodes:
            for fact in node.facts:
                if wanted is None or same_relation(fact.key, wanted):
                    yield as_fact(node.name, fact, self._identify(node.name, fact.key, fact.value))

    async def history(self, entity: str, relation: str | None = None) -> list[PastFact]:
        """Return facts of an entity that have ended, oldest first."""
        wanted = canonical_key(relation) if relation is not None else None
        with self._lock:
            self._check_open()
            past = list(self._past.get(canonical_key(entity), ()))
        return [
            PastFact(
                as_fact(name, fact, self._identify(name, fact.key, fact.value)),
                asserted=fact.revision,
                retracted=retracted,
            )
            for name, fact, retracted in past
            if wanted is None or same_relation(fact.key, wanted)
        ]

    async def info(self) -> StoreInfo:
        """Return what the store is and how much it holds."""
        with self._lock:
            self._check_open()
            return StoreInfo(
                backend="memory",
                location="memory:",
                schema=_SCHEMA,
                revision=self._revision,
                facts=self.graph.number_of_edges(),
                entities=len(self._entity_keys()),
                read_only=self.read_only,
            )

    def refresh_nowait(self) -> None:
        """Nothing is to do: every lookup sees every commit."""

    # Writing ------------------------------------------------------------------------------------

    async def apply(self, ops: Sequence[Op], *, expected: int | None = None) -> Commit:
        """Every operation has been done, or none.

        Raises:
            Conflict: the store has another revision than expected.
            ReadOnly: the store was opened for reading.
            BadFact: an alias for an unknown entity, or one that another entity has.
        """
        with self._lock:
            self._check_writable()
            if expected is not None and expected != self._revision:
                raise Conflict(
                    f"the store is at revision {self._revision}, not {expected}",
                    hint="read again and repeat the change",
                )
            # Everything is worked out first and written at the end, so that an operation
            # that is refused leaves nothing behind.
            edits: dict[str, tuple[str | None, Edited]] = {}
            aliases: dict[str, str] = {}
            for op in ops:
                self._work_out(op, edits, aliases)
            changed = len(aliases) + sum(edited.changed for _, edited in edits.values())
            if not changed:
                return Commit(self._revision, 0)
            self._revision += 1
            for key, (name, edited) in edits.items():
                if edited.changed and name is not None:
                    self._past.setdefault(key, []).extend(
                        (name, fact, self._revision) for fact in edited.ended
                    )
                    self._store(key, name, edited.facts)
            for alias, key in aliases.items():
                if self.holding(key) is not None:
                    self._aliases[alias] = key
            return Commit(self._revision, changed)

    async def load(self, facts: Iterable[Fact]) -> Commit:
        """All facts are asserted, or none."""
        return await self.apply([Assert(fact) for fact in facts])

    async def erase(
        self, entity: str, relation: str | None = None, *, reason: str | None = None
    ) -> ErasureReceipt:
        """Nothing is left of the facts, their history, aliases and index keys.

        The bytes of the process are not searched: the receipt says so.
        """
        with self._lock:
            self._check_writable()
            check_text(entity=entity, relation=relation)
            key = canonical_key(entity)
            if ("entity", key) not in self.graph:
                key = self._aliases.get(key, key)
            node = self.holding(key)
            before = node.facts if node else ()
            covered = covered_keys(before, relation)
            after = [fact for fact in before if fact.key not in covered]
            if node is not None and len(after) < len(before):
                self._store(key, node.name, after)
            past = self._past.pop(key, [])
            covered_past = covered_keys([fact for _, fact, _ in past], relation)
            kept = [entry for entry in past if entry[1].key not in covered_past]
            if kept:
                self._past[key] = kept
            n_erased = len(before) - len(after) + len(past) - len(kept)
            self._revision += bool(n_erased)
            return ErasureReceipt(
                facts=n_erased,
                entity=entity,
                relation=relation,
                covered=("facts", "history", "aliases", "index keys"),
                pending=("memory of the process: freed, not overwritten",) if n_erased else (),
                verified=False,
                revision=self._revision,
                reason=reason,
            )

    async def aclose(self) -> None:
        """The facts are gone; closing again does nothing."""
        with self._lock:
            self._is_closed = True
            self.graph.clear()
            self._codes.clear()
            self._aliases.clear()
            self._past.clear()

    # ----------------------------------------------------------------------------------------------

    def _work_out(
        self, op: Op, edits: dict[str, tuple[str | None, Edited]], aliases: dict[str, str]
    ) -> None:
        check_op(op)
        named = op.entity if isinstance(op, Retract | AddAlias) else op.fact.entity
        key = canonical_key(named)
        if key not in edits:
            node = self.holding(key)
            facts = list(node.facts) if node else []
            edits[key] = (node.name if node else None, Edited(facts, self._revision + 1))
        name, edited = edits[key]
        if isinstance(op, AddAlias):
            alias = canonical_key(op.alias)
            if not edited.facts:
                raise BadFact(f"no alias for {op.entity!r}: the store holds no facts of it")
            holder = aliases.get(alias, self._aliases.get(alias))
            if holder not in (None, key):
                raise BadFact(f"{op.alias!r} is already the alias of another entity")
            if holder is None:
                aliases[alias] = key
            return
        edited.do(op)
        if name is None and not isinstance(op, Retract):
            edits[key] = (named, edited)

    def _store(self, key: str, name: str, facts: Sequence[StoredFact]) -> None:
        """The entity's node has these edges; without any, the node and its codes are gone."""
        node = ("entity", key)
        if node in self.graph:
            values = set(self.graph.successors(node))
            self.graph.remove_edges_from(list(self.graph.out_edges(node, keys=True)))
            self.graph.remove_nodes_from([v for v in values if not self.graph.in_degree(v)])
        elif facts:
            self.graph.add_node(node, name=name)
            for code in index_codes(key):
                self._codes.setdefault(code, {})[key] = None
        for number, fact in enumerate(facts):
            self.graph.add_edge(node, ("value", fact.value), fact=(number, fact))
        if not facts and node in self.graph:
            self.graph.remove_node(node)
            aliases = [alias for alias, holder in self._aliases.items() if holder == key]
            for alias in aliases:
                del self._aliases[alias]
            for code in index_codes(key):
                self._codes.get(code, {}).pop(key, None)
                if not self._codes.get(code):
                    self._codes.pop(code, None)

    def _entity_keys(self) -> list[str]:
        return [key for kind, key in self.graph.nodes if kind == "entity"]

    def _check_open(self) -> None:
        if self._is_closed:
            raise StoreClosed("the store is closed", hint="use it inside: with … as store")

    def _check_writable(self) -> None:
        self._check_open()
        if self.read_only:
            raise ReadOnly("this memory was opened for reading")
