"""Nodes and relationships of a graph that others made, as entities and facts.

Read is what tools that build graphs write beside the triple: Graphiti names the relation in a
property of the relationship, with the sentence that says it and the period in which it holds;
others have a description, a source, a confidence. The rest is counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from lamlam.errors import BadFact
from lamlam.memory_backends.commits.entity_edit import stored_form
from lamlam.memory_backends.model.early_moments import Instant
from lamlam.memory_backends.model.entity_reader import StoredEntity
from lamlam.memory_backends.model.facts import MAX_SOURCES, Fact
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.lookups import StoredFact
from lamlam.memory_backends.model.values import EntityRef, Value
from lamlam.memory_backends.neo4j_graph.driver import Row
from lamlam.memory_backends.neo4j_graph.foreign_values import (
    Property,
    is_vector,
    moment_of,
    values_of,
)

_WORDS = re.compile(r"[_\s]+")
_SNAKE = re.compile(r"[^\W_]+(?:_[^\W_]+)+")
_BRACKETS = re.compile(r"[()\[\]]+")
_OF_ANY_RELATION = frozenset(
    {"RELATES_TO", "RELATED_TO", "RELATED", "RELATION", "RELATIONSHIP", "FACT", "EDGE", "LINK"}
)
"""Types that say nothing: the relation is named by a property."""
_RELATION_NAMES = ("name", "relation", "relationship_name", "relation_type", "predicate", "type")
_LIGHTRAG_TYPE, _LIGHTRAG_NAME = "DIRECTED", "keywords"
"""The only type of a tool that puts what relates two entities into a list of words."""
_BEGINS = ("valid_at", "valid_from", "since", "start_date", "startDate")
_ENDS = ("invalid_at", "expired_at", "valid_to", "valid_until", "until", "end_date", "endDate")
_SOURCES = ("fact", "source", "sources", "description", "evidence")
_IDENTIFIERS = frozenset(
    {
        "uuid", "group_id", "triplet_source_id", "ref_doc_id", "source_node_id", "target_node_id",
        "source_node_uuid", "target_node_uuid", "episodes", "elementId",
    }
)  # fmt: skip
# Of nodes and relationships that a tool keeps its own record of, by the properties it adds.
_OF_TOOLS = frozenset({"group_id", "topological_rank", "ontology_valid"})
_RECORD_KEEPING = frozenset(
    {"created_at", "updated_at", "labels", "topological_rank", "ontology_valid", "version", "metadata"}
)  # fmt: skip

_NOT_FACTS = "values that no fact can have"

_Identity: TypeAlias = tuple[str, str, str, int | None]


def relation_of(type_name: str) -> str:
    """Return the relation that a type of relationships, or the name of a property, stands for.

    >>> relation_of("BORN_IN"), relation_of("birthDate")
    ('born in', 'birth date')
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", type_name)
    return _WORDS.sub(" ", spaced).strip().lower() or type_name


def written_name(name: str) -> str:
    """Return the name of a node as people write it: ``_`` between words is a space.

    >>> written_name("ada_quill"), written_name("__init__.py")
    ('ada quill', '__init__.py')
    """
    return name.replace("_", " ") if _SNAKE.fullmatch(name) else name


class Homonym(NamedTuple):
    """One of several nodes of one name, and what may tell it from the others."""

    place: str
    name: str
    labels: list[str]
    marks: list[str]
    """Group, identifier and place, as far as it has them."""


def told_apart(nodes: Sequence[Homonym]) -> dict[str, str]:
    """Return a name of its own for each of several nodes of one name, by their places.

    By its labels, where these differ: "Mercury (Planet)"; else by what identifies it.
    """
    shared = set.intersection(*[set(node.labels) for node in nodes])
    by_label: dict[str, str] = {}
    for node in nodes:
        own = [label for label in node.labels if label not in shared] or node.labels
        plain = [label for label in own if not label.startswith("_")] or own
        by_label[node.place] = ", ".join(sorted(plain))
    n_with = Counter(by_label.values())
    names = {}
    for node in nodes:
        qualifier = by_label[node.place]
        if n_with[qualifier] > 1 or not qualifier:
            alike = [other for other in nodes if by_label[other.place] == qualifier]
            qualifier = f"{qualifier} {_mark(node, alike)}".strip()
        names[node.place] = f"{written_name(node.name)} ({_BRACKETS.sub(' ', qualifier)})"
    return names


def _mark(node: Homonym, alike: Sequence[Homonym]) -> str:
    """Return the first mark of a node that no other of them has."""
    for number, mark in enumerate(node.marks):
        if mark and all(other is node or mark != other.marks[number] for other in alike):
            return mark
    return node.place


@dataclass(slots=True)
class EntityMaker:
    """Makes entities of nodes, and counts what is left out of their facts."""

    names: Sequence[str]
    """Properties that name a node, the first that it has."""
    left_out: Counter[str] = field(default_factory=Counter)

    def entities(self, rows: Iterable[Row], unique: Mapping[str, str]) -> list[StoredEntity]:
        """Return the entities of rows: place, name, properties and relationships.

        Args:
            rows: of nodes.
            unique: names of nodes whose name others have too, by their places.
        """
        found = []
        for place, name, properties, edges in rows:
            if not name.strip():
                continue
            entity = unique.get(place) or written_name(name)
            facts = _EntityFacts(entity, self.left_out)
            for type_name, given, other_place, other in sorted(edges, key=_edge_order):
                if other is not None and other.strip():
                    target = unique.get(other_place) or written_name(other)
                    facts.add_edge(type_name, [Property(*one) for one in given], target)
            self._add_properties(facts, name, [Property(*one) for one in properties])
            found.append(StoredEntity(entity, canonical_key(entity), facts.stored()))
        return found

    def _add_properties(
        self, facts: _EntityFacts, name: str, properties: Sequence[Property]
    ) -> None:
        known = {one.name for one in properties}
        # Which of them named the node, and what else it is called only by a program.
        named = next((n for n in self.names if n in known and _is_name(properties, n, name)), None)
        for one in sorted(properties):
            if one.name in (named, "id"):
                continue
            if is_vector(one):
                self.left_out["vectors"] += 1
            elif _is_record_keeping(one, known):
                self.left_out["records that a tool keeps"] += 1
            else:
                facts.add_property(one)


class _EntityFacts:
    """The facts of one entity, as they are found."""

    def __init__(self, entity: str, left_out: Counter[str]) -> None:
        self._entity = entity
        self._left_out = left_out
        self._stored: dict[_Identity, StoredFact] = {}

    def stored(self) -> tuple[StoredFact, ...]:
        return tuple(self._stored.values())

    def add_property(self, one: Property) -> None:
        for value in values_of(one):
            if value is None:
                self._left_out[_NOT_FACTS] += 1
            else:
                self._add(relation_of(one.name), value[0], surface=value[1])

    def add_edge(self, type_name: str, properties: Sequence[Property], target: str) -> None:
        given = {one.name: one for one in properties}
        named = None
        if type_name == _LIGHTRAG_TYPE and _text(given.get(_LIGHTRAG_NAME)):
            named = _LIGHTRAG_NAME
        elif type_name in _OF_ANY_RELATION:
            named = next((name for name in _RELATION_NAMES if _text(given.get(name))), None)
        relation = _text(given[named]) if named is not None else type_name
        begins, is_begin_read = _moments(given, _BEGINS)
        ends, is_end_read = _moments(given, _ENDS)
        if not is_begin_read:
            self._left_out["begins that cannot be read"] += 1
        if not is_end_read:  # whether it holds is not known
            self._left_out["relationships with an end that cannot be read"] += 1
            return
        begin, end = next(iter(begins), None), min(ends, default=None)
        if begin is not None and end is not None and end <= begin:
            self._left_out["relationships that ended before they began"] += 1
            return
        confidence = given.get("confidence")
        is_likely = confidence is not None and isinstance(confidence.given, float | int)
        read = {named, "relationship_name", *_RECORD_KEEPING, *_BEGINS, *_ENDS, *_SOURCES} | (
            {"confidence"} if is_likely else set()
        )
        for name, one in given.items():
            if not (name in read or is_vector(one) or _is_record_keeping(one, given)):
                self._left_out["properties of relationships"] += 1
        self._add(
            relation_of(relation),
            EntityRef(target),
            sources=_sources(given),
            valid_from=begin,
            valid_to=end,
            **({"confidence": float(confidence.given)} if confidence and is_likely else {}),
        )

    def _add(self, relation: str, value: Value, **more: Any) -> None:  # Any: fields of a fact
        """Add a fact, if it is valid: other people's graphs hold empty texts and NaN."""
        try:
            fact = Fact(entity=self._entity, relation=relation, value=value, **more)
        except BadFact:
            self._left_out[_NOT_FACTS] += 1
            return
        one = stored_form(fact, None)._replace(seq=len(self._stored))
        known = self._stored.setdefault(one.identity, one)
        if known is not one:
            # Said twice: it holds as long as either says.
            ends = (known.valid_to, one.valid_to)
            sources = tuple(dict.fromkeys((*known.sources, *one.sources)))[:MAX_SOURCES]
            end = None if None in ends else max(filter(None, ends))
            self._stored[one.identity] = known._replace(sources=sources, valid_to=end)


def _edge_order(edge: Row) -> tuple[str, str, str]:
    type_name, _, place, name = edge
    return type_name, name or "", place


def _is_name(properties: Sequence[Property], wanted: str, name: str) -> bool:
    return any(one.name == wanted and str(one.given) == name for one in properties)


def _is_record_keeping(one: Property, known: Iterable[str]) -> bool:
    if one.name.startswith("_") or one.name in _IDENTIFIERS:
        return True
    return one.name in _RECORD_KEEPING and not _OF_TOOLS.isdisjoint(known)


def _text(one: Property | None) -> str:
    return one.given.strip() if one is not None and isinstance(one.given, str) else ""


def _moments(given: Mapping[str, Property], names: Sequence[str]) -> tuple[list[Instant], bool]:
    """Return the moments that are named, and whether all of them could be read."""
    found: list[Instant] = []
    is_read = True
    for name in names:
        try:
            moment = moment_of(given[name]) if name in given else None
        except BadFact:
            is_read = False
        else:
            found += [moment] if moment is not None else []
    return found, is_read


def _sources(given: Mapping[str, Property]) -> tuple[str, ...]:
    found: list[str] = []
    for name in _SOURCES:
        value = given[name].given if name in given else None
        texts = value if isinstance(value, list) else [value]
        found += [text for text in texts if isinstance(text, str) and text.strip()]
    return tuple(dict.fromkeys(found))[:MAX_SOURCES]
