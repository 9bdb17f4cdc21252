"""What callers give to a store, checked the same way by every backend, before anything is done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from lamlam.errors import BadFact
from lamlam.memory_backends.model.facts import Fact, check_text
from lamlam.memory_backends.model.operations import Op

T = TypeVar("T")
_MOST_REVISIONS = 2**63


def operations(given: Iterable[Op]) -> Iterable[Op]:
    """Return the operations, which are several things that can be gone through.

    What each of them is, is checked when it is its turn.

    Raises:
        BadFact: it is one operation or one fact, a text, or nothing to go through.
    """
    return _several(given, "operations", hint="give a list: apply([Assert(fact)])")


def facts_to_load(given: Iterable[Fact]) -> Iterable[Fact]:
    """Return the facts, which are several things that can be gone through.

    Raises:
        BadFact: it is one fact, a text, or nothing to go through.
    """
    return _several(given, "facts", hint="give a list: load([fact])")


def check_commit(expected: int | None, idempotency_key: str | None, actor: str | None) -> None:
    """What is said of a commit besides its operations can be kept.

    Raises:
        BadFact: it cannot.
    """
    check_text(actor=actor, idempotency_key=idempotency_key)
    if idempotency_key == "":  # as of a setting that is missing: it would make all changes one
        raise BadFact(
            "no commit: idempotency_key: is empty",
            hint="give each change a key of its own, or none",
        )
    _check_revision(expected, "apply: expected")


def check_erase(
    entity: str, relation: str | None, reason: str | None, authority: str | None
) -> None:
    """An entity is named, and all that is said of its erasure is text.

    Raises:
        BadFact: it is not.
    """
    if entity is None:
        raise BadFact("no fact: entity: is no text but NoneType", hint="name the entity to erase")
    check_text(entity=entity, relation=relation, reason=reason, authority=authority)


def check_scan(
    entity: str | None, relation: str | None, as_of: int | None = None, batch: int = 1
) -> None:
    """What is asked of a scan makes sense.

    Raises:
        BadFact: a name is no string, the revision is none, or the batch is no positive number.
    """
    for what, name in (("entity", entity), ("relation", relation)):
        if name is not None and not isinstance(name, str):
            raise BadFact(f"no scan: {what}: {type(name).__name__} is no text")
    _check_revision(as_of, "scan: as_of")
    if isinstance(batch, bool) or not isinstance(batch, int) or not 0 < batch < _MOST_REVISIONS:
        raise BadFact(f"no scan: batch: {batch!r} is no number of entities from 1 on")


def check_entity(entity: str, relation: str | None = None) -> None:
    """An entity is named, and a relation if any, by text.

    Raises:
        BadFact: it is not.
    """
    if entity is None:
        raise BadFact("no lookup: entity: NoneType is no text")
    check_scan(entity, relation)


def nested_write() -> BadFact:
    """Return the error of a write that the operations of another one make, in its middle."""
    return BadFact(
        "the operations or facts that are being written write to the same store themselves",
        hint="give a list, or write before or afterwards",
    )


def check_since(since: int | None) -> None:
    """A feed of changes can begin after it.

    Raises:
        BadFact: it is no whole number of a store's size.
    """
    if since is not None and (isinstance(since, bool) or not isinstance(since, int)):
        raise BadFact(f"no feed: since: {since!r} is no revision")


def _check_revision(given: int | None, what: str) -> None:
    if given is None:
        return
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given < _MOST_REVISIONS:
        raise BadFact(f"no {what}: {given!r} is no revision")


def _several(given: Iterable[T], what: str, *, hint: str) -> Iterable[T]:
    # A fact can be gone through too: pydantic gives its fields.
    if isinstance(given, str | bytes | Fact) or not hasattr(given, "__iter__"):
        raise BadFact(f"{type(given).__name__} is no list of {what}", hint=hint)
    return given
