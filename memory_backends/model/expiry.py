"""Expiry: facts whose period has ended are hidden from scans, unless somebody asks for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from lamlam.memory_backends.model.capabilities import Capability, HasCapabilities
from lamlam.memory_backends.model.clock import microseconds
from lamlam.memory_backends.model.early_moments import Instant
from lamlam.memory_backends.model.facts import Fact, check_flags
from lamlam.memory_backends.model.operations import Retract
from lamlam.memory_backends.model.timestamps import as_moment, from_us, to_us

EXPIRY_ACTOR = "expiry"
"""Who ends expired facts, in the log of commits."""


class ExpiryOptions(TypedDict, total=False):
    """The keyword of `FactStore.scan` that is about expiry."""

    include_expired: bool


def with_expired(store: HasCapabilities, wanted: bool = True) -> ExpiryOptions:
    """Return what makes a scan yield expired facts too: nothing, where a store hides none."""
    is_needed = wanted and Capability.EXPIRY in store.capabilities
    return {"include_expired": True} if is_needed else {}


def hiding_from(include_expired: bool) -> int | None:
    """Return the moment, in microseconds, by which facts that have ended are hidden.

    Raises:
        BadFact: ``include_expired`` is neither True nor False.
    """
    check_flags(include_expired=include_expired)
    return None if include_expired else microseconds(None)


def is_expired(fact: Fact, moment: int) -> bool:
    """Return whether the period of a fact has ended by a moment, in microseconds."""
    return has_ended(fact.valid_to, moment)


def has_ended(end: Instant | int | None, moment: int) -> bool:
    """Return whether an end, as a moment or in microseconds, is not behind a moment."""
    if end is None:
        return False
    exact = end if isinstance(end, int) else to_us(end)
    return exact is not None and exact <= moment


def checked_now(moment: object) -> int:
    """Return the moment by which facts may have ended, in microseconds; ``None`` is the present.

    Raises:
        BadFact: it is not a moment.
    """
    return microseconds(None if moment is None else as_moment(moment))


def ending_expired(expired: Iterable[Fact], moment: int) -> list[Retract]:
    """Return operations that end facts that have expired, and nothing else.

    Args:
        expired: the facts.
        moment: by which they have ended, in microseconds. The operations name it: what has been
            given a later end meanwhile stays.
    """
    at = from_us(moment)
    named = dict.fromkeys((fact.namespace, fact.entity, fact.relation) for fact in expired)
    return [
        Retract(entity, relation, namespace=space, expired_at=at)
        for space, entity, relation in named
    ]
