"""Bulk load: many facts of entities that are new to a store, which is most of every import.

The edits are those of `plan_commit`, found without reading what there was before.
"""

from __future__ import annotations

from collections.abc import Sequence

from lamlam.memory_backends.commits.entity_edit import EntityEdit, stored_form
from lamlam.memory_backends.commits.validation import check_op
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.keys import relation_key
from lamlam.memory_backends.model.lookups import StoredFact
from lamlam.memory_backends.model.operations import Assert, Op
from lamlam.memory_backends.sqlite.entities import TransactionReader


def new_entities(
    ops: Sequence[Op], keys: Sequence[str], reader: TransactionReader, revision: int
) -> tuple[dict[str, EntityEdit], list[Op]]:
    """Return the edits of new entities, and the operations that are left to plan.

    Args:
        ops: any; only where all state facts is there anything to gain.
        keys: the scoped key of each.
        reader: has read ahead the rows of these keys.
        revision: that the changes have.
    """
    if reader.has_aliases or reader.rules or not all(type(op) is Assert for op in ops):
        return {}, list(ops)
    by_key: dict[str, list[Op]] = {}
    for op, key in zip(ops, keys, strict=True):
        by_key.setdefault(key, []).append(op)
    edits: dict[str, EntityEdit] = {}
    rest: list[Op] = []
    for key, of_key in by_key.items():
        edit = _new_entity(key, of_key, revision) if reader.record(key) is None else None
        if edit is None:
            rest += of_key
        else:
            edits[key] = edit
    return edits, rest


def _new_entity(key: str, ops: Sequence[Op], revision: int) -> EntityEdit | None:
    """Return the facts of a new entity; ``None`` where one comes twice."""
    edit = EntityEdit(key, None, (), revision)
    for op in ops:
        assert isinstance(op, Assert)
        try:
            stored = _stored(op, len(edit.facts), revision)
        except AttributeError:  # an unchecked fact lacks a field
            check_op(op)
            raise
        edit.facts[stored.identity] = stored
        edit.name = edit.name or op.fact.entity
    edit.changed = len(edit.facts)
    return edit if edit.changed == len(ops) else None


def _stored(op: Assert, seq: int, revision: int) -> StoredFact:
    fact: Fact = op.fact
    value, relation, sources = fact.value, fact.relation, fact.sources
    is_plain = (
        type(value) is str
        and fact.surface == value
        and fact.valid_from is None
        and fact.valid_to is None
        and not fact.namespace
        and len(sources) < 2
        and type(fact.confidence) is float
        and 0.0 <= fact.confidence <= 1.0
        and value != ""
        and relation != ""
        and fact.entity != ""
        # What is ASCII holds no half character.
        and value.isascii()
        and relation.isascii()
        and fact.entity.isascii()
        and (not sources or sources[0].isascii())
    )
    if is_plain:
        key = relation_key(relation)
        return StoredFact(
            relation, key, fact.surface, sources, revision, fact.confidence, "", None, None, seq
        )
    check_op(op)
    stored = stored_form(fact, None)
    return stored._replace(sources=tuple(dict.fromkeys(sources)), revision=revision, seq=seq)
