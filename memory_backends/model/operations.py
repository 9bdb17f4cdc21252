"""What can be done to a store, and what a store says when it has done it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self, SupportsInt, TypeAlias, TypedDict

from lamlam.errors import BadFact
from lamlam.memory_backends.model.early_moments import Instant
from lamlam.memory_backends.model.erasure_receipts import (
    MENTIONS_HINT as MENTIONS_HINT,
)
from lamlam.memory_backends.model.erasure_receipts import (
    MENTIONS_SHOWN as MENTIONS_SHOWN,
)
from lamlam.memory_backends.model.erasure_receipts import (
    MOST_MENTIONS as MOST_MENTIONS,
)
from lamlam.memory_backends.model.erasure_receipts import (
    OUT_OF_REACH as OUT_OF_REACH,
)
from lamlam.memory_backends.model.erasure_receipts import (
    EraseOptions as EraseOptions,
)
from lamlam.memory_backends.model.erasure_receipts import (
    ErasureReceipt as ErasureReceipt,
)
from lamlam.memory_backends.model.erasure_receipts import (
    Mention as Mention,
)
from lamlam.memory_backends.model.erasure_receipts import (
    MentionChoice as MentionChoice,
)
from lamlam.memory_backends.model.erasure_receipts import (
    MentionPlace as MentionPlace,
)
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
    expired_at: Instant | None = None
    """Only facts whose period has ended by this moment."""

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


Later = Literal["refuse", "skip", "restore"]
"""What `undo` does about what later commits changed again."""


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
class KnownNamespace:
    """A namespace in which a store holds anything."""

    namespace: Namespace
    entities: int
    """With facts, or with versions that have ended only."""
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
    search_index: str | None = None
    """What is in the search index: "off", "names, values" or "names, values, sources"; ``None``
    where the store cannot have one."""


class ScanOptions(TypedDict, total=False):
    """Keywords of `FactStore.scan`."""

    namespace: Namespace | None
    as_of: int | None
    batch: int
    include_expired: bool


class ApplyOptions(TypedDict, total=False):
    """Keywords of `FactStore.apply`."""

    expected: int | None
    idempotency_key: str | None
    actor: str | None
