"""What a merge brought, where its record says so with the help of other records.

Most records list the ids, under the merged entity, of the facts that came with it. Where entities
were merged into one that was merged in turn, in one commit, the facts of the first would stand in
the record of each later merge. There a record lists what the merged entity had itself, by ids that
are the same under every name, and names the merges of that commit that brought it the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lamlam.memory_backends.model.entity_reader import MergeRecord
from lamlam.memory_backends.model.lookups import Identify, StoredFact

_STATEMENT = "="
"""Before an id that is the same under every name."""
_CARRYING = "+"
"""Before the scoped key of what was merged into the merged entity before."""

MergesBetween = Callable[[str, str], Sequence[MergeRecord]]
"""Gives the records of merges of one entity into another, as `EntityReader.merges_between`."""


@dataclass(frozen=True, eq=False, slots=True)
class Carried:
    """All that came with a merged entity."""

    record: MergeRecord
    identify: Identify
    moved: frozenset[str]
    """Ids of facts that the kept entity did not have."""
    shared: frozenset[str]
    """Ids of facts that both had."""
    aliases: tuple[str, ...]
    """Scoped keys of the other names that the merged entity had."""

    def id_of(self, fact: StoredFact) -> str:
        """Return the id of a fact as the record writes it."""
        return id_in(self.record, fact, self.identify)

    def rewritten(self) -> MergeRecord:
        """Return the record, in need of no others."""
        return self.record._replace(
            moved=tuple(sorted(self.moved)), shared=tuple(sorted(self.shared)), aliases=self.aliases
        )


def statement_id(fact: StoredFact, identify: Identify) -> str:
    """Return the id of a fact, the same under every name, as records write it."""
    return f"{_STATEMENT}{identify('', fact)}"


def carrying(key: str) -> str:
    """Return how a record says that what came with this scoped key came along."""
    return f"{_CARRYING}{key}"


def id_in(record: MergeRecord, fact: StoredFact, identify: Identify) -> str:
    """Return the id of a fact as the record of a merge writes it."""
    if (*record.moved[:1], *record.shared[:1], "")[0][:1] in (_STATEMENT, _CARRYING):
        return statement_id(fact, identify)
    return identify(record.merged, fact)


def carried_along(record: MergeRecord) -> list[str]:
    """Return the scoped keys of merged entities without whose records this one is not whole."""
    return [one[len(_CARRYING) :] for one in record.moved if one.startswith(_CARRYING)]


def carried(record: MergeRecord, between: MergesBetween, identify: Identify) -> Carried:
    """Return all that came with a merge.

    Args:
        record: of the merge.
        between: gives the records that it needs.
        identify: gives the ids of facts.
    """
    # Each before those that it needs; then, from the last, what each adds up to.
    order = [(record, -1)]
    for number, (one, _) in enumerate(order):  # grows while it is read
        for key in carried_along(one):
            found = [old for old in between(one.merged, key) if old.since == one.since]
            order += [(old, number) for old in found[:1]]
    moved: list[set[str]] = [set() for _ in order]
    names: list[dict[str, None]] = [dict.fromkeys(one.aliases) for one, _ in order]
    for number in reversed(range(len(order))):
        one, parent = order[number]
        moved[number].update(ident for ident in one.moved if not ident.startswith(_CARRYING))
        moved[number].difference_update(one.shared)
        if parent >= 0:
            some, more = sorted((moved[parent], moved[number]), key=len)
            more.update(some)
            moved[parent] = more
            names[number][one.merged] = None
            few, many = sorted((names[parent], names[number]), key=len)
            many.update(few)
            names[parent] = many
    return Carried(record, identify, frozenset(moved[0]), frozenset(record.shared), tuple(names[0]))


def self_contained(records: Iterable[MergeRecord], identify: Identify) -> list[MergeRecord]:
    """Return the records of one commit, each in need of no others.

    For a store that reads a record without those before it.
    """
    records = list(records)
    by_pair: dict[tuple[str, str], list[MergeRecord]] = {}
    for record in records:
        by_pair.setdefault((record.kept, record.merged), []).append(record)

    def between(kept: str, merged: str) -> Sequence[MergeRecord]:
        return by_pair.get((kept, merged), ())

    return [
        carried(record, between, identify).rewritten() if carried_along(record) else record
        for record in records
    ]
