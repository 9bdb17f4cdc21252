"""`ErasureReceipt`: what an erasure removed and from where, and what still mentions the name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypedDict

from lamlam.memory_backends.model.facts import Namespace

MentionChoice = Literal["leave", "retract", "replace"]
"""What `erase` does with facts of other entities whose value the entity is: nothing, or it takes
them too, their history included, and puts a placeholder where they stood."""
MentionPlace = Literal["value", "source", "relation", "entity", "alias", "actor", "rule"]


@dataclass(frozen=True, slots=True)
class Mention:
    """A place where an erased name still stands, because it belongs to something else."""

    where: MentionPlace
    """What holds the name: the value, a source or the relation of a fact, the name of an entity
    (also the same name in another namespace), an alias, the actor of a commit, a rule."""
    entity: str | None = None
    relation: str | None = None
    value: str | None = None
    """The surface of the fact; its beginning, where it is long."""
    fact_id: str | None = None
    namespace: Namespace = ()
    revision: int | None = None
    """Of ``actor``: that of the commit."""
    retracted: int | None = None
    """The revision at which the fact ended, where only the history has it."""

    def __str__(self) -> str:
        of = [repr(one) for one in (self.entity, self.relation, self.value) if one is not None]
        said = " ".join([self.where, *of])
        if self.revision is not None:
            said += f" of revision {self.revision}"
        if self.namespace:
            said += f" in namespace {'/'.join(self.namespace)}"
        return f"{said} (history)" if self.retracted is not None else said


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """What `erase` removed, from where, and whether a search of the bytes confirmed it."""

    facts: int
    entity: str | None
    """As it was named; ``None``: every entity of the namespace."""
    relation: str | None
    covered: tuple[str, ...]
    """Places that hold nothing of it any more."""
    pending: tuple[str, ...]
    """Places that may still hold it, with the reason."""
    verified: bool
    """The bytes of the covered places were searched for the names, values and sources that were
    erased, and held none but what something else has: of names, ``mentions`` says what.

    False where nothing was erased, so nothing searched for.
    """
    revision: int
    reason: str | None = None
    authority: str | None = None
    """Who asked for it."""
    uncovered: tuple[str, ...] = ()
    """Places that no store can reach: backups, replicas, what was read before."""
    namespace: Namespace = ()
    log_entries: int = 0
    """Entries of the commit log that named it, as the actor or as a former name of an entity,
    and no longer do."""
    mentions: tuple[Mention, ...] = ()
    """What else still mentions the name, as whole words: at most `MOST_MENTIONS`."""
    n_mentions: int = 0
    """All of them."""
    finished: tuple[int, ...] = ()
    """Revisions of earlier erasures whose clean-up had been left over and is done now."""

    unfinished: tuple[int, ...] = ()
    """Revisions of erasures whose clean-up is left over, this one's too: erase again to finish."""
    as_value: int = 0
    """How many of ``facts`` were facts of other entities, whose value the entity was."""
    unlisted: tuple[tuple[Namespace, int], ...] = ()
    """How many mentions each namespace has beside the listed ones; an actor is of none."""

    @property
    def is_empty(self) -> bool:
        """True where there was nothing to do."""
        return not (self.facts or self.log_entries or self.finished or self.unfinished)

    @property
    def confirmation(self) -> str:
        """What `verified` and `mentions` come to, in words."""
        if not self.verified:
            return "bytes not confirmed"
        if self.n_mentions:
            return "bytes searched, only mentions left"
        return "bytes searched, none left"

    def __str__(self) -> str:
        facts = "1 fact" if self.facts == 1 else f"{self.facts} facts"
        parts = [f"{facts} erased from {', '.join(self.covered) or 'nowhere'}", self.confirmation]
        if self.as_value:
            parts.append(f"{self.as_value} of them of other entities, as their value")
        if self.log_entries:
            parts.append(f"removed from {self.log_entries} log entries")
        if self.finished:
            revisions = ", ".join(str(int(one)) for one in self.finished)
            parts.append(f"clean-up finished of the erasure at revision {revisions}")
        if self.unfinished:
            revisions = ", ".join(str(int(one)) for one in self.unfinished)
            parts.append(f"clean-up left of the erasure at revision {revisions}: erase it again")
        if self.pending:
            parts.append(f"pending: {'; '.join(self.pending)}")
        if self.mentions:
            shown = "; ".join(map(str, self.mentions[:MENTIONS_SHOWN]))
            more = " …" if self.n_mentions > MENTIONS_SHOWN else ""
            parts.append(f"still mentioned {self.n_mentions}x: {shown}{more}: {MENTIONS_HINT}")
        if self.uncovered:
            parts.append(f"out of reach: {'; '.join(self.uncovered)}")
        if self.reason:
            parts.append(f"reason: {self.reason}")
        if self.authority:
            parts.append(f"by: {self.authority}")
        return "; ".join(parts)


MOST_MENTIONS = 100
"""So many mentions stand in a receipt; the others are counted."""
MENTIONS_SHOWN = 10
MENTIONS_HINT = "erase or replace these too if the name has to go"
OUT_OF_REACH = ("backups and copies made before", "texts written and traces kept before")
"""What no store can erase, as every receipt says."""


class EraseOptions(TypedDict, total=False):
    """Keywords of `FactStore.erase`."""

    namespace: Namespace
    reason: str | None
    authority: str | None
    mentions: MentionChoice
    placeholder: str | None


def receipt_seen_from(receipt: ErasureReceipt, namespaces: Sequence[Namespace]) -> ErasureReceipt:
    """Return a receipt without what it says of others.

    Mentions in other namespaces are left out, listed and unlisted ones. An actor has no namespace,
    so who made commits is told only where the erasure was of the usual namespace.

    Args:
        namespaces: that the client reads, that of the erasure first; none: no mention is told.
    """
    is_usual = tuple(namespaces[:1]) == ((),)
    seen = tuple(
        one
        for one in receipt.mentions
        if one.namespace in namespaces and (is_usual or one.where != "actor")
    )
    unlisted = tuple(one for one in receipt.unlisted if one[0] in namespaces)
    n_mentions = len(seen) + sum(n for _, n in unlisted)
    return replace(receipt, mentions=seen, n_mentions=n_mentions, unlisted=unlisted)
