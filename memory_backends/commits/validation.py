"""Check what callers give to a store, the same way in every backend, before anything is done."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from hashlib import blake2b
from typing import TypeVar

from lamlam.errors import BadFact, Conflict
from lamlam.memory_backends.model.facts import Fact, check_flags, check_namespace, check_text
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    DefineRelation,
    MergeEntities,
    Op,
    RemoveAlias,
    Replace,
    Retract,
    SplitEntities,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.timestamps import to_us
from lamlam.memory_backends.model.values import VALUE_CLASSES, as_value, name_fault

T = TypeVar("T")
_MOST_REVISIONS = 2**63


def operations(given: Iterable[Op]) -> Iterable[Op]:
    """Return the operations; raise unless they are an iterable of several.

    Each is checked when it is its turn.

    Raises:
        BadFact: it is one operation or one fact, a string, or not iterable.
    """
    return _several(given, "operations", hint="give a list: apply([Assert(fact)])")


def checked_operations(ops: Iterable[Op]) -> Iterator[Op]:
    """Yield the operations, each checked when it is its turn.

    Raises:
        BadFact: one is not an operation, or a field of it cannot be stored.
    """
    for op in operations(ops):
        check_op(op)
        yield op


def check_op(op: Op) -> None:
    """Raise unless every field of the operation can be stored, however its fact was made.

    Raises:
        BadFact: one cannot.
    """
    match op:
        case Assert(fact) | Replace(fact) if isinstance(fact, Fact):
            _check_fact(fact)
            if isinstance(op, Replace):
                _check_expected(op.expected)
        case Retract(entity, relation, value, namespace):
            _check_names(entity=entity, relation=relation)
            check_namespace(namespace)
            check_flags(exact=op.exact)
            if op.valid_from is not None:
                if not op.exact:
                    raise BadFact("invalid Retract: valid_from needs exact=True")
                to_us(op.valid_from)
            if op.expired_at is not None:
                to_us(op.expired_at)
            if value is not None:
                as_value(value)
        case AddAlias(entity, alias, namespace) | RemoveAlias(entity, alias, namespace):
            _check_names(entity=entity, alias=alias)
            check_namespace(namespace)
        case MergeEntities(kept, merged, namespace) | SplitEntities(kept, merged, namespace):
            _check_names(kept=kept, merged=merged)
            check_namespace(namespace)
        case DefineRelation(rule) if isinstance(rule, RelationRule):
            pass
        case Assert() | Replace():
            raise _must_hold(Fact, op, op.fact)
        case DefineRelation():
            raise _must_hold(RelationRule, op, op.rule)
        case _:
            raise BadFact(
                f"{type(op).__name__} is not an operation",
                hint="wrap a fact in lamlam.Assert(fact)",
            )


def facts_to_load(given: Iterable[T]) -> Iterable[T]:
    """Return the facts; raise unless they are an iterable of several.

    Raises:
        BadFact: it is one fact, a string, or not iterable.
    """
    return _several(given, "facts", hint="give a list: load([fact])")


def check_commit(expected: int | None, idempotency_key: str | None, actor: str | None) -> None:
    """Raise unless what is given with the operations of a commit can be stored.

    Raises:
        BadFact: it cannot.
    """
    check_text(actor=actor, idempotency_key=idempotency_key)
    if idempotency_key == "":  # from a setting that is missing: it would make all changes one
        raise BadFact(
            "invalid commit: idempotency_key must not be empty",
            hint="give each change another key, or None",
        )
    _check_revision(expected, "commit: expected")


def check_scan(
    entity: str | None, relation: str | None, as_of: int | None = None, batch: int = 1
) -> None:
    """Raise unless the arguments of a scan are valid.

    Raises:
        BadFact: a name is not a string, the revision is not valid, or the batch is not positive.
    """
    for what, name in (("entity", entity), ("relation", relation)):
        if name is not None and not isinstance(name, str):
            raise BadFact(f"invalid argument: {what} must be a string, got {type(name).__name__}")
    _check_revision(as_of, "scan: as_of")
    if isinstance(batch, bool) or not isinstance(batch, int) or not 0 < batch < _MOST_REVISIONS:
        raise BadFact(f"invalid scan: batch must be an integer from 1 on, got {batch!r}")


def check_entity(entity: str, relation: str | None = None) -> None:
    """Raise unless an entity, and a relation if any, is named by a string.

    Raises:
        BadFact: it is not.
    """
    if entity is None:
        raise BadFact("invalid lookup: entity must be a string, got NoneType")
    check_scan(entity, relation)


def nested_write() -> BadFact:
    """Return the error of a write that the operations of another write make meanwhile."""
    return BadFact(
        "the iterable of operations or facts writes to the store that is taking them",
        hint="give a list, or write before or afterwards",
    )


def check_since(since: int | None) -> None:
    """Raise unless a change log can begin after this revision.

    Raises:
        BadFact: it is not an integer.
    """
    if since is not None and (isinstance(since, bool) or not isinstance(since, int)):
        raise BadFact(f"invalid changes: since must be a revision, got {since!r}")


def check_expected(expected: int | None, revision: int) -> None:
    """Raise unless the store has the revision that a writer expects (compare and swap).

    Raises:
        Conflict: it has another.
    """
    if expected is not None and expected != revision:
        raise Conflict(
            f"the store is at revision {revision}, not {int(expected)}",
            hint="read again and repeat the change",
        )


def check_reached(asked: int | None, revision: int) -> None:
    """Raise unless the store has reached the revision that a reader asks for.

    Raises:
        Conflict: it has not.
    """
    if asked is not None and asked > revision:
        raise Conflict(
            f"the store is at revision {revision} and has not reached {int(asked)}",
            hint="ask the store that gave the revision",
        )


def idempotency_hash(secret: bytes, idempotency_key: str) -> bytes:
    """Return what a store keeps of an idempotency key: a keyed hash, never the key itself."""
    return blake2b(idempotency_key.encode(), digest_size=16, key=secret).digest()


def _must_hold(wanted: type, op: Op, given: object) -> BadFact:
    return BadFact(
        f"{type(op).__name__} must hold a {wanted.__name__}, got {type(given).__name__}",
        hint=f"make one by lamlam.{wanted.__name__}(…)",
    )


def _check_fact(fact: Fact) -> None:
    """Raise unless every field can be stored; the fact may have been made without pydantic's checks."""
    try:
        if not _is_ascii(fact):  # most are, and are then text
            check_text(
                entity=fact.entity,
                relation=fact.relation,
                value=fact.surface,
                source="".join(fact.sources),
            )
        _check_is_plain(fact)
        if fact.value is not fact.surface:
            as_value(fact.value)
        if not (fact.entity and fact.relation and fact.surface):
            raise BadFact("invalid fact: entity, relation and surface must not be empty")
        if not 0.0 <= fact.confidence <= 1.0:
            raise BadFact(f"invalid fact: confidence must be from 0 to 1, got {fact.confidence!r}")
        begin, end = to_us(fact.valid_from), to_us(fact.valid_to)
    except (AttributeError, TypeError) as error:
        raise BadFact(f"invalid fact: {error}", hint="make it by lamlam.Fact(…)") from None
    if begin is not None and end is not None and begin >= end:
        raise BadFact("invalid fact: valid_to must be after valid_from")
    check_namespace(fact.namespace)


def _check_is_plain(fact: Fact) -> None:
    """Raise where a field is of a class of its own, which may print otherwise than it compares."""
    texts = {type(fact.entity), type(fact.relation), type(fact.surface)}
    texts.update(map(type, fact.sources), map(type, fact.namespace))
    if texts != {str} or type(fact.value) not in VALUE_CLASSES:
        raise BadFact(
            "invalid fact: a field was set past its checks", hint="make it by lamlam.Fact(…)"
        )


def _is_ascii(fact: Fact) -> bool:
    try:
        return "".join((fact.entity, fact.relation, fact.surface, *fact.sources)).isascii()
    except TypeError:
        return False


def _check_expected(expected: Collection[str] | None) -> None:
    if expected is None:
        return
    if isinstance(expected, str) or not isinstance(expected, Collection):
        raise BadFact(
            f"invalid Replace: expected must be a list of values, got {type(expected).__name__}",
            hint="write (value,)",
        )
    if not all(isinstance(one, str) for one in expected):
        raise BadFact(
            "invalid Replace: expected must hold strings", hint="give the surfaces of values"
        )


def _check_names(**names: str) -> None:
    for field_name, name in names.items():
        fault = name_fault(name)
        if fault:
            raise BadFact(f"invalid operation: {field_name} {fault}")


def _check_revision(given: int | None, what: str) -> None:
    if given is None:
        return
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given < _MOST_REVISIONS:
        raise BadFact(f"invalid {what} must be a revision, got {given!r}")


def _several(given: Iterable[T], what: str, *, hint: str) -> Iterable[T]:
    # A fact is iterable too: pydantic gives its fields.
    if isinstance(given, str | bytes | Fact) or not hasattr(given, "__iter__"):
        raise BadFact(f"{type(given).__name__} is not a list of {what}", hint=hint)
    return given
