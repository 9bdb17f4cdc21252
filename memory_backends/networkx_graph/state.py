"""`GraphState`: a NetworkX graph of facts, and tables of what a graph has no place for.

The graph is the record of what holds. Past versions, aliases, merges and rules are in tables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Any, TypeAlias

import networkx as nx

from lamlam.memory_backends.commits.commit_plan import CommitPlan
from lamlam.memory_backends.model.entity_reader import (
    MOST_OF_A_CODE,
    EntityHistory,
    EntityReader,
    MergeRecord,
    StoredEntity,
    value_key,
)
from lamlam.memory_backends.model.keys import relation_key
from lamlam.memory_backends.model.lookups import Identify, PastVersion, StoredFact
from lamlam.memory_backends.model.namespaces import scoped, split, written
from lamlam.memory_backends.model.relation_rules import RelationRules
from lamlam.memory_backends.model.timestamps import as_moment, from_us, to_us
from lamlam.memory_backends.model.values import type_of, value_of
from lamlam.memory_backends.networkx_graph.text_index import GraphTextIndex
from lamlam.memory_backends.resolution.blocking_codes import index_codes

Node: TypeAlias = str | tuple[str, ...]
"""Of an entity its scoped key; of any other value its type, its text and its namespace."""
# Any: NetworkX does not say what nodes and attributes are.
Graph: TypeAlias = "nx.MultiDiGraph[Any]"


class GraphState(EntityReader):
    """All that a `GraphStore` holds.

    Not safe for threads: the store guards it with a lock.
    """

    rules = RelationRules()

    def __init__(self, identify: Identify) -> None:
        self.graph: Graph = nx.MultiDiGraph()
        self.names: dict[str, str] = {}
        """Name as stored, by scoped key, of entities that have facts."""
        self.past: dict[str, tuple[str, list[PastVersion]]] = {}
        """Last name and versions that have ended, oldest first, by scoped key."""
        self.holders: dict[str, str] = {}
        """Scoped key of an alias to that of the entity that has it."""
        # The same by entity: made where it is asked.
        self._aliases_of: dict[str, dict[str, None]] | None = None
        # By entity, those that once had it as a value: made where it is asked.
        self._past_owners: dict[str, set[str]] | None = None
        self.merge_records: list[MergeRecord] = []
        # The same by entity, of so many of the records.
        self._merges_of: dict[str, list[int]] = {}
        self._n_indexed = 0
        self._identify = identify
        self._codes: dict[int, dict[str, None]] = {}
        self.text_index: GraphTextIndex | None = None
        """By which texts are searched, where that was asked for."""
        self._records: dict[str, StoredEntity] = {}

    # Reading (`EntityReader`) ---------------------------------------------------------------------

    def record(self, key: str) -> StoredEntity | None:
        """Return the entity with exactly this scoped key."""
        known = self._records.get(key)
        if known is not None:
            return known
        name = self.names.get(key)
        if name is None:
            return None
        edges = self.graph.out_edges(key, data=True)
        facts = sorted((_fact_of(data) for _, _, data in edges), key=lambda fact: fact.seq)
        found = self._records[key] = StoredEntity(name, key, tuple(facts))
        return found

    def history(self, key: str) -> EntityHistory:
        """Return every version of the facts of an entity."""
        record = self.record(key)
        last_name, past = self.past.get(key, (None, ()))
        if record is None:
            return EntityHistory(last_name, (), past)
        return EntityHistory(record.name, record.facts, past)

    @property
    def has_aliases(self) -> bool:
        """True unless `alias` finds nothing anyway."""
        return bool(self.holders)

    def alias(self, key: str) -> str | None:
        """Return the scoped key of the entity that has this one as an alias."""
        return self.holders.get(key)

    def aliases(self, key: str) -> list[str]:
        """Return the scoped keys of the aliases of an entity."""
        if self._aliases_of is None:
            self._aliases_of = {}
            for alias, holder in self.holders.items():
                self._aliases_of.setdefault(holder, {})[alias] = None
        return list(self._aliases_of.get(key, ()))

    def merges(self, key: str) -> list[MergeRecord]:
        """Return the records of merges into an entity and of it into others, oldest first."""
        if self._n_indexed > len(self.merge_records):
            self._merges_of, self._n_indexed = {}, 0
        for number in range(self._n_indexed, len(self.merge_records)):
            record = self.merge_records[number]
            for one in {record.kept, record.merged}:
                self._merges_of.setdefault(one, []).append(number)
        self._n_indexed = len(self.merge_records)
        return [self.merge_records[number] for number in self._merges_of.get(key, ())]

    def replace_merges(self, records: Iterable[MergeRecord]) -> None:
        """Replace all records of merges."""
        self.merge_records = list(records)
        self._merges_of, self._n_indexed = {}, 0

    def candidates(self, codes: Collection[int]) -> list[str]:
        """Return the scoped keys of the entities indexed under any of these codes, each once."""
        found: dict[str, None] = {}
        for code in codes:
            found.update(dict.fromkeys(islice(self._codes.get(code, ()), MOST_OF_A_CODE)))
        return list(found)

    def owners(self, key: str) -> set[str]:
        """Return the scoped keys of entities that have, or once had, this one as a value."""
        if self._past_owners is None:
            self._past_owners = {}
            for owner, (_, past) in self.past.items():
                for old in past:
                    if (value := value_key(owner, old.fact)) is not None:
                        self._past_owners.setdefault(value, set()).add(owner)
        now = self.graph.predecessors(key) if key in self.graph else ()
        return {*now, *self._past_owners.get(key, ())}

    # Writing --------------------------------------------------------------------------------------

    def write(self, plan: CommitPlan) -> None:
        """Apply a commit plan, or change nothing: what cannot become an edge raises first."""
        for edit in plan.edits.values():
            for fact in edit.started:
                _attributes(fact, "")
        for key, edit in plan.edits.items():
            if edit.name is None:
                continue
            self.put(key, edit.name, edit.after)
            if edit.ended:
                _, past = self.past.get(key, ("", []))
                past += [PastVersion(fact, plan.revision) for fact in edit.ended]
                self._past_owners = None
                self.past[key] = (edit.name, past)
        self.name(plan.aliases)
        for ended in plan.unmerged:
            place = next(
                n
                for n, record in enumerate(self.merge_records)
                if record.is_reversible
                and (record.kept, record.merged) == (ended.kept, ended.merged)
            )
            self.merge_records[place] = ended
        self.merge_records += plan.merged
        if plan.rules is not None:
            self.rules = plan.rules

    def name(self, aliases: Mapping[str, str | None]) -> None:
        """Give aliases to these entities, or remove them where the entity is ``None``; keys are scoped."""
        by_entity = self._aliases_of
        for alias, holder in aliases.items():
            before = self.holders.pop(alias, None)
            for one in (before, holder):
                if one is not None:
                    self._mark(one)
            if holder is not None:
                self.holders[alias] = holder
            if by_entity is not None:
                if before is not None:
                    by_entity[before].pop(alias)
                    if not by_entity[before]:
                        del by_entity[before]
                if holder is not None:
                    by_entity.setdefault(holder, {})[alias] = None

    def put(self, key: str, name: str, facts: Iterable[StoredFact]) -> None:
        """Replace the facts of an entity; without any, remove it."""
        self._mark(key)
        facts = list(facts)
        before = self.record(key)
        self._records.pop(key, None)
        values: set[Node] = set()
        begun = facts
        if before is not None:
            # Only what is another: of an entity with very many facts most stay as they are.
            staying = set(before.facts).intersection(facts)
            begun = [fact for fact in facts if fact not in staying]
            gone = [
                (key, self._value_node(key, fact), self._identify(key, fact))
                for fact in before.facts
                if fact not in staying
            ]
            if not all(self.graph.has_edge(*edge) for edge in gone):  # as somebody edited the file
                begun, gone = facts, list(self.graph.out_edges(key, keys=True))
            values = {node for _, node, _ in gone}
            self.graph.remove_edges_from(gone)
        else:
            for code in index_codes(key) if facts else ():
                self._codes.setdefault(code, {})[key] = None
        if facts:
            self.names[key] = name
            self.graph.add_node(key, **_entity_node(key, name))
        elif self.names.pop(key, None) is not None:
            self._unindex(key)
            values.add(key)
        for fact in begun:
            node = self._value_node(key, fact)
            ident = self._identify(key, fact)
            self.graph.add_edge(key, node, key=ident, **_attributes(fact, ident))
        self._tidy(values)

    def index(self) -> None:
        """Rebuild names and codes from the graph, which was replaced as a whole."""
        self.names = {
            node: data["name"]
            for node, data in self.graph.nodes(data=True)
            if isinstance(node, str) and self.graph.out_degree(node)
        }
        self._codes = {}
        self._records = {}
        for key in self.names:
            for code in index_codes(key):
                self._codes.setdefault(code, {})[key] = None

    def set_past(self, key: str, keep: Iterable[PastVersion]) -> None:
        """Replace the ended versions of an entity."""
        kept = list(keep)
        self._past_owners = None
        name, _ = self.past.pop(key, ("", []))
        if kept:
            self.past[key] = (name, kept)

    def keys(self) -> list[str]:
        """Return the scoped keys of the entities that have facts."""
        return list(self.names)

    def clear(self) -> None:
        """Remove everything."""
        for table in (self.graph, self.names, self.past, self.holders, self._codes):
            table.clear()
        self.replace_merges(())
        self._aliases_of = self._past_owners = None
        self._records.clear()
        self.rules = RelationRules()
        self.text_index = None

    def _mark(self, key: str) -> None:
        if self.text_index is not None:
            self.text_index.mark(key)

    def _value_node(self, key: str, fact: StoredFact) -> Node:
        """Return the node that an edge for the fact ends at, made if there is none."""
        namespace = split(key)[0]
        kind, _, text = fact.code.partition(":")
        if kind == "e":
            node: Node = scoped(namespace, text)
            if node not in self.graph:
                self.graph.add_node(node, **_entity_node(str(node), fact.value))
            return node
        type_name = _type_name(fact)
        node = (type_name, text if fact.code else fact.value)
        if namespace:
            node = (*node, written(namespace))
        if node not in self.graph:
            self.graph.add_node(
                node, kind="value", type=type_name, name=fact.value, namespace=written(namespace)
            )
        return node

    def _tidy(self, nodes: Iterable[Node]) -> None:
        """Remove nodes without edges; give others the name that their facts have."""
        for node in nodes:
            if node not in self.graph or node in self.names:
                continue
            first = next(iter(self.graph.in_edges(node, data="value")), None)
            if first is None:
                self.graph.remove_node(node)
            else:
                self.graph.nodes[node]["name"] = first[2]

    def _unindex(self, key: str) -> None:
        for code in index_codes(key):
            keys = self._codes.get(code, {})
            keys.pop(key, None)
            if not keys:
                self._codes.pop(code, None)


def _entity_node(key: str, name: str) -> dict[str, str]:
    return {"kind": "entity", "name": name, "namespace": written(split(key)[0])}


def _type_name(fact: StoredFact) -> str:
    return type_of(value_of(fact.code, fact.value)).value if fact.code else "text"


def _attributes(fact: StoredFact, ident: str) -> dict[str, Any]:
    """Return the attributes of the edge of a fact: all fields that the fact has, readable."""
    data: dict[str, Any] = {
        "relation": fact.relation,
        "value": fact.value,
        "type": _type_name(fact),
        "confidence": fact.confidence,
        "id": ident,
        "revision": fact.revision,
        "seq": fact.seq,
    }
    if fact.sources:
        # Not "source": node-link files, data frames and Cytoscape mean the node by that.
        data["sources"] = fact.sources
    if fact.code:
        data["code"] = fact.code
    for name, moment in (("valid_from", fact.valid_from), ("valid_to", fact.valid_to)):
        when = from_us(moment)
        if when is not None:
            data[name] = when.isoformat()
    return data


def _fact_of(data: dict[str, Any]) -> StoredFact:
    begin, end = data.get("valid_from"), data.get("valid_to")
    return StoredFact(
        data["relation"],
        relation_key(data["relation"]),
        data["value"],
        tuple(data.get("sources", ())),
        data["revision"],
        data["confidence"],
        data.get("code", ""),
        None if begin is None else to_us(as_moment(begin)),
        None if end is None else to_us(as_moment(end)),
        data["seq"],
    )
