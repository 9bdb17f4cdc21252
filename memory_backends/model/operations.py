"""What can be done to a store, and what a store says when it has done it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self, SupportsInt, TypeAlias, TypedDict

from lamlam.errors import BadFact
from lamlam.memory_backends.model.early_moments import Instant
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.plain_forms import make_plain
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import Value, as_value


@dataclass(frozen=True, slots=True)
class Assert:
    """The fact holds, beside what the relation held before.

    The same statement again is not a second fact: its sources are joined, and its confidence,
    surface and the end of its period become those given.

    Where the relation is bound to one value, another value for an overlapping period is
    refused (`TooManyValues`).
    """

    fact: Fact


@dataclass(frozen=True, slots=True)
class Replace:
    """The fact is the only value of its relation in its period; synonyms included.

    What held before ends; where it held outside the period too, it keeps those times.
    """

    fact: Fact
    expected: tuple[str, ...] | None = None
    """Surfaces of the values that the relation must have before, in any order; else `Conflict`."""


@dataclass(frozen=True, slots=True)
class Retract:
    """The facts end; they stay readable in the history."""

    entity: str
    relation: str
    value: Value | None = None
    """One value (a text also names a typed value by its surface), or every value of the relation;
    under its synonyms too."""
    namespace: Namespace = ()
    exact: bool = False
    """The relation by this very name only."""
    valid_from: Instant | None = None
    """With ``exact``: only the fact whose period begins here (``None``: has no begin)."""

    def __post_init__(self) -> None:
        """Keep names and value in the form in which facts keep them; `apply` refuses others."""
        make_plain(self, "entity", "relation")
        if self.value is not None:
            with suppress(BadFact):
                object.__setattr__(self, "value", as_value(self.value))


@dataclass(frozen=True, slots=True)
class AddAlias:
    """The entity is found by another name too.

    An alias of an unknown entity, or one that another entity has, is refused (`BadFact`).
    """

    entity: str
    alias: str
    namespace: Namespace = ()

    def __post_init__(self) -> None:
        """Keep the names as plain strings."""
        make_plain(self, "entity", "alias")


@dataclass(frozen=True, slots=True)
class RemoveAlias:
    """Take a name from an entity; nothing happens if it does not have it."""

    entity: str
    alias: str
    namespace: Namespace = ()

    def __post_init__(self) -> None:
        """Keep the names as plain strings."""
        make_plain(self, "entity", "alias")


@dataclass(frozen=True, slots=True)
class MergeEntities:
    """The facts and aliases of ``merged`` are those of ``kept``, which is found by both names.

    Facts get the id that they have under the entity that keeps them; history holds the old
    ones. `SplitEntities` undoes it.
    """

    kept: str
    merged: str
    namespace: Namespace = ()

    def __post_init__(self) -> None:
        """Keep the names as plain strings."""
        make_plain(self, "kept", "merged")


@dataclass(frozen=True, slots=True)
class SplitEntities:
    """A merge is undone: what came with ``merged`` and still stands goes back to it.

    What was written after the merge stays with ``kept``. Without such a merge: `BadFact`; merges
    of merges are undone the last first.
    """

    kept: str
    merged: str
    namespace: Namespace = ()

    def __post_init__(self) -> None:
        """Keep the names as plain strings."""
        make_plain(self, "kept", "merged")


@dataclass(frozen=True, slots=True)
class DefineRelation:
    """The store knows how many values the relation has, of which type, and its inverse.

    The definition before is replaced. It holds for what is written afterwards.
    """

    rule: RelationRule


Op: TypeAlias = (
    Assert
    | Replace
    | Retract
    | AddAlias
    | RemoveAlias
    | MergeEntities
    | SplitEntities
    | DefineRelation
)


class Revision(int):
    """The number of a commit, with what a server needs to read its own writes.

    Compares and computes as the number that it is. `token` carries it to another process.

    >>> Revision.parse(Revision(7, ["FB:x"]).token()).bookmarks
    frozenset({'FB:x'})
    """

    bookmarks: frozenset[str]

    def __new__(cls, number: SupportsInt, bookmarks: Iterable[str] = ()) -> Self:
        """Return the revision."""
        revision = super().__new__(cls, number)
        revision.bookmarks = frozenset(bookmarks)
        return revision

    def token(self) -> str:
        """Return the revision with its bookmarks as one text."""
        return "@".join([str(int(self)), *sorted(self.bookmarks)])

    @classmethod
    def parse(cls, token: str) -> Self:
        """Undo `token`.

        Raises:
            BadFact: the text is not a token.
        """
        number, *bookmarks = token.split("@")
        if not (number.isascii() and number.isdigit()):
            raise BadFact(f"{token[:40]!r} is not a revision")
        return cls(int(number), bookmarks)

    def __reduce__(self) -> tuple[Any, ...]:  # Any: as pickle has it
        return type(self), (int(self), tuple(self.bookmarks))


@dataclass(frozen=True, slots=True)
class Commit:
    """What one `apply` did."""

    revision: int
    """The store's revision afterwards (a `Revision`); unchanged where nothing changed."""
    facts: int
    """Facts that were added, updated or ended, aliases and rules that changed."""
    ended: tuple[Fact, ...] = field(default=(), compare=False)
    """Facts as they were that `Replace` and `Retract` ended or cut short, synonyms included. Empty
    where an idempotency key is used again: what has ended may have been erased since."""


ChangeKind = Literal["asserted", "ended", "alias", "no_alias", "merged", "split", "rule", "erased"]


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change log of a store, in the order of commits.

    Facts that a merge or a split moved come as ``ended`` of one entity and ``asserted`` of the
    other, after the entry itself.
    """

    revision: int
    kind: ChangeKind
    namespace: Namespace = ()
    entity: str | None = None
    """The name as stored; of a merge the entity that keeps. ``None`` for ``rule`` and ``erased``."""
    fact: Fact | None = None
    """Of ``asserted``: also of a new version of a fact that holds. Of ``ended``: with
    ``retracted``; a version that a new one replaces brings no ``ended``."""
    alias: str | None = None
    """Canonical key of the alias, or of the merged entity."""
    rule: RelationRule | None = None
    entity_id: str | None = None
    """Keyed hash of the scoped canonical key: all that is left of an erased entity's name."""
    fact_ids: tuple[str, ...] = ()
    """Of ``erased``: the facts that are gone; empty where all of the entity is."""
    at: datetime | None = field(default=None, compare=False)
    """When the commit was made, UTC; ``None`` in ``changes(None)``, and where no log knows it."""
    actor: str | None = field(default=None, compare=False)
    """Who made it, where `apply` was told and the name was not erased."""


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


@dataclass(frozen=True, slots=True)
class PastFact:
    """A fact, or a version of one, that once held, with the revisions of its begin and end."""

    fact: Fact
    asserted: int
    retracted: int
    asserted_at: datetime | None = field(default=None, compare=False)
    """When that commit was made, UTC; ``None`` where the log does not reach back so far."""
    asserted_by: str | None = field(default=None, compare=False)
    """Its actor."""
    retracted_at: datetime | None = field(default=None, compare=False)
    retracted_by: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class KnownEntity:
    """An entity of which a store holds anything: facts, or only versions that have ended."""

    name: str
    """As stored, or as it was last."""
    namespace: Namespace
    facts: int
    """Facts that hold."""
    past: int
    """Versions of facts that have ended."""


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What `migrate` did to a store, or would do (``dry_run``)."""

    before: int
    """Schema version, 0 where there was none."""
    after: int
    steps: tuple[str, ...]
    """One line for each step, in order; empty where nothing was to do."""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """What a store is and how much it holds."""

    backend: str
    location: str
    schema: int
    revision: int
    facts: int
    entities: int
    read_only: bool
    bytes: int | None = None
    """Size on disk, where there is one."""
    edition: str | None = None
    """Edition and version of a server."""
    changes_since: int = 0
    """The change log reaches back to this revision."""


class ScanOptions(TypedDict, total=False):
    """Keywords of `FactStore.scan`."""

    namespace: Namespace | None
    as_of: int | None
    batch: int


class ApplyOptions(TypedDict, total=False):
    """Keywords of `FactStore.apply`."""

    expected: int | None
    idempotency_key: str | None
    actor: str | None


class EraseOptions(TypedDict, total=False):
    """Keywords of `FactStore.erase`."""

    namespace: Namespace
    reason: str | None
    authority: str | None
