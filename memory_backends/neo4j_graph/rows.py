"""Translate between rows of Neo4j and facts: read versions, write a `CommitPlan`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

from lamlam.memory_backends.commits.changes import CommitEvent
from lamlam.memory_backends.commits.entity_edit import EntityEdit
from lamlam.memory_backends.model.commit_info import CommitInfo
from lamlam.memory_backends.model.entity_reader import MergeRecord, StoredEntity, value_key
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.lookups import StoredFact
from lamlam.memory_backends.model.namespaces import split, written
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.timestamps import from_us
from lamlam.memory_backends.model.values import ValueType, value_of
from lamlam.memory_backends.resolution.blocking_codes import index_codes

Properties = dict[str, Any]  # Any: what a server takes


def stored_fact(row: Sequence[Any]) -> StoredFact:
    """Return the version of a fact that `queries.FACT_COLUMNS` hold."""
    relation, key, value, sources, asserted, confidence, code, valid_from, valid_to, seq = row
    return StoredFact(
        relation,
        key,
        value,
        tuple(sources),
        asserted,
        confidence,
        code or "",
        valid_from,
        valid_to,
        seq,
    )


def stored_entity(key: str, name: str, facts: Sequence[Any]) -> StoredEntity | None:
    """Return an entity with the facts of rows; ``None`` without any."""
    return StoredEntity(name, key, [stored_fact(fact) for fact in facts]) if facts else None


def commit_info(revision: int, microseconds: int | None, actor: str | None) -> CommitInfo:
    """Return when and by whom a commit was made, of the columns `commit_queries.MADE`."""
    at = from_us(microseconds)
    return CommitInfo(revision, at if isinstance(at, datetime) else None, actor)


def version_id(fact_id: str, revision: int | str) -> str:
    """Return the id of the node of one version of a fact."""
    return f"{fact_id}:{revision}"


def code_word(code: int) -> str:
    """Return a code of near spellings as the word that the full-text index holds."""
    return f"c{code + 0x8000_0000:08x}"


def code_of_word(word: str) -> int:
    """Undo `code_word`."""
    return int(word[1:], 16) - 0x8000_0000


def code_words(key: str) -> str:
    """Return the words under which an entity is indexed."""
    return " ".join(sorted(code_word(code) for code in index_codes(key)))


def entity_row(edit_key: str, name: str, ids: FactIds) -> Properties:
    """Return an entity that has facts."""
    return {
        "id": ids.of_entity(edit_key),
        "key": edit_key,
        "name": name,
        "namespace": namespace_of(edit_key),
        "codes": code_words(edit_key) or None,
    }


def namespace_of(key: str) -> str | None:
    """Return the namespace of a scoped key as one text; ``None`` for the usual one."""
    return written(split(key)[0]) or None


def fact_properties(key: str, fact: StoredFact, ids: FactIds) -> Properties:
    """Return the properties of the node of a version."""
    fact_id = ids(key, fact)
    properties: Properties = {
        "id": version_id(fact_id, fact.revision),
        "fact_id": fact_id,
        "relation": fact.relation,
        "key": fact.key,
        "value": fact.value,
        "sources": list(fact.sources),
        "asserted": fact.revision,
        "confidence": fact.confidence,
        "seq": fact.seq,
    }
    if fact.code:
        properties["code"] = fact.code
    if fact.valid_from is not None:
        properties["valid_from"] = fact.valid_from
    if fact.valid_to is not None:
        properties["valid_to"] = fact.valid_to
    return properties


class PlannedRows:
    """Rows of everything that changes in the facts of entities."""

    def __init__(self, ids: FactIds) -> None:
        self._ids = ids
        self.began: list[Properties] = []
        """Entities, with their new facts."""
        self.gone: list[str] = []
        self.facts: list[Properties] = []
        """New facts of entities that were there."""
        self.values: list[Properties] = []
        self.changed: list[Properties] = []
        self.ended: list[str] = []

    def add(self, edit: EntityEdit, before: StoredEntity | None) -> None:
        """Take what operations did to an entity.

        Args:
            edit: of the entity.
            before: what the store had of it.
        """
        ids, key = self._ids, edit.key
        name = edit.name or split(key)[1]
        # What an earlier part of this very transaction wrote is there already.
        written_before = {f.identity: f for f in edit.before if f.revision == edit.revision}
        new: list[Properties] = []
        for fact in edit.started:
            old = written_before.get(fact.identity) if written_before else None
            if old == fact:
                continue
            properties = fact_properties(key, fact, ids)
            if old is not None:
                self.changed.append(properties)
                continue
            new.append(properties)
            if (referred := value_key(key, fact)) is not None:
                self.values.append(self._value_row(properties["id"], referred, fact))
        if edit.facts and (before is None or before.name != name):
            self.began.append({**entity_row(key, name, ids), "facts": new})
        elif new:
            self.facts.append({"id": ids.of_entity(key), "facts": new})
        self.ended += [version_id(ids(key, fact), fact.revision) for fact in edit.ended]
        if not edit.facts and before is not None:
            self.gone.append(ids.of_entity(key))

    def put(self, key: str, facts: Iterable[StoredFact]) -> None:
        """Take new versions of an entity that stays known."""
        new = []
        for fact in facts:
            properties = fact_properties(key, fact, self._ids)
            new.append(properties)
            if (referred := value_key(key, fact)) is not None:
                self.values.append(self._value_row(properties["id"], referred, fact))
        if new:
            self.facts.append({"id": self._ids.of_entity(key), "facts": new})

    @property
    def new_facts(self) -> Iterator[Properties]:
        """All of them."""
        return (fact for row in (*self.began, *self.facts) for fact in row["facts"])

    def _value_row(self, fact: str, referred: str, stored: StoredFact) -> Properties:
        return {
            "fact": fact,
            "id": self._ids.of_entity(referred),
            "key": referred,
            "name": str(value_of(stored.code, stored.value)),
            "namespace": namespace_of(referred),
        }


def alias_rows(
    aliases: Mapping[str, str | None], revision: int, ids: FactIds
) -> tuple[list[Properties], list[str]]:
    """Return rows of aliases to set, and ids of those to remove."""
    rows = [
        {
            "id": ids.of_entity(alias),
            "key": alias,
            "entity": ids.of_entity(holder),
            "number": revision * 1_000_000 + number,
        }
        for number, (alias, holder) in enumerate(aliases.items())
        if holder is not None
    ]
    return rows, [ids.of_entity(alias) for alias, holder in aliases.items() if holder is None]


def merge_rows(records: Iterable[MergeRecord], revision: int, ids: FactIds) -> list[Properties]:
    """Return records of merges."""
    return [
        {
            "id": ids.of_entity(f"{record.kept}\0{record.merged}\0{revision}\0{number}"),
            "entity": ids.of_entity(record.kept),
            "name": split(record.kept)[1],
            "namespace": namespace_of(record.kept),
            "record": {
                "kept": record.kept,
                "merged": record.merged,
                "merged_name": record.merged_name,
                "moved": list(record.moved),
                "shared": list(record.shared),
                "aliases": list(record.aliases),
                "since": record.since,
                "stands": record.is_reversible,
                "number": revision * 1_000_000 + number,
            },
        }
        for number, record in enumerate(records)
    ]


def ended_merge_rows(records: Iterable[MergeRecord], ids: FactIds) -> list[Properties]:
    """Return which merges stand no longer."""
    return [
        {"entity": ids.of_entity(record.kept), "merged": record.merged, "until": record.until}
        for record in records
    ]


def merge_record(row: Sequence[Any]) -> MergeRecord:
    """Return the record of a merge."""
    kept, merged, merged_name, moved, shared, aliases, since, until, stands = row
    return MergeRecord(
        kept, merged, merged_name, tuple(moved), tuple(shared), tuple(aliases), since, until, stands
    )


def event_rows(events: Iterable[CommitEvent], revision: int, ids: FactIds) -> list[Properties]:
    """Return rows of events for the change log."""
    rows = []
    for number, event in enumerate(events):
        row: Properties = {
            "revision": revision,
            "number": number,
            "kind": event.kind,
            "key": event.key,
            "name": event.name,
        }
        if event.kind != "rule":
            row["entity_id"] = ids.of_entity(event.key)
        if event.other:
            row["other"] = event.other
            row["other_id"] = ids.of_entity(event.other)
        rows.append(row)
    return rows


def rule_rows(rules: Iterable[RelationRule]) -> list[Properties]:
    """Return all rules of a store."""
    return [
        {
            "id": blake2b(rule.key.encode(), digest_size=10).hexdigest(),
            "number": number,
            "name": rule.name,
            "cardinality": rule.cardinality,
            "value_type": rule.value_type.value if rule.value_type is not None else None,
            "inverse": rule.inverse,
        }
        for number, rule in enumerate(rules)
    ]


def rule_of(row: Sequence[Any]) -> RelationRule:
    """Return a rule."""
    name, cardinality, value_type, inverse = row
    return RelationRule(
        name,
        cardinality,
        ValueType(value_type) if value_type is not None else None,
        inverse,
    )


def parts(rows: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:  # Any: rows of any kind
    """Return the rows in parts of a size."""
    return (rows[start : start + size] for start in range(0, len(rows), size))
