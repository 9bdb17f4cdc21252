"""Merges of one commit that follow each other, done together.

In a chain of merges everything that came before would move again with each. So while a run of
merges lasts only names are resolved and facts compared, always the fewer with the more; what
moves does so once, at the end, to where it ends up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lamlam.memory_backends.commits.carried import carrying, statement_id
from lamlam.memory_backends.commits.entity_edit import EntityEdit, Identity
from lamlam.memory_backends.model.entity_reader import MergeRecord
from lamlam.memory_backends.model.lookups import Identify, StoredFact


@dataclass(eq=False, slots=True)
class _Member:
    """An entity that a run has to do with."""

    edit: EntityEdit
    known: dict[Identity, StoredFact]
    """What it has with all that was merged into it, while it is not merged itself."""
    into: _Member | None = None
    """Where it is a part of now, as far as was asked."""
    kept: _Member | None = None
    """What it was merged into."""
    children: list[_Member] = field(default_factory=list)
    """What was merged into it, in this order."""
    own: list[tuple[Identity, StoredFact]] = field(default_factory=list)
    """Facts that it had before the run, once it is merged."""
    aliases: list[str] = field(default_factory=list)
    """Scoped aliases that it had before the run, once it is merged."""
    shared: dict[Identity, StoredFact] = field(default_factory=dict)
    """What it and the entity that it was merged into both had."""


class MergeRun:
    """Merges that follow each other in a commit."""

    def __init__(self, revision: int, identify: Identify) -> None:
        """Begin.

        Args:
            revision: of the commit.
            identify: gives the ids of facts.
        """
        self._revision = revision
        self._identify = identify
        self._members: dict[str, _Member] = {}
        self._merged: list[_Member] = []

    def __bool__(self) -> bool:
        """Return whether anything was merged."""
        return bool(self._merged)

    def holder(self, key: str) -> str:
        """Return the scoped key of the entity that one has become a part of, or its own."""
        member = self._members.get(key)
        if member is None or member.into is None:
            return key
        last = member.into
        while last.into is not None:
            last = last.into
        while member.into is not None and member.into is not last:
            # Shorter for whoever asks next.
            member.into, member = last, member.into
        return last.edit.key

    def merge(self, kept: EntityEdit, merged: EntityEdit, aliases: list[str]) -> None:
        """Merge one entity, which has facts, into another.

        Args:
            kept: the entity that stays.
            merged: what becomes a part of it.
            aliases: scoped aliases that the merged one had before the run.
        """
        into, member = self._member(kept), self._member(merged)
        member.own, member.aliases = merged.end_all(), aliases
        few, many = sorted((into.known, member.known), key=len)
        member.shared = {one: fact for one, fact in few.items() if one in many}
        many.update(few)
        into.known, member.known = many, {}
        member.into = member.kept = into
        into.children.append(member)
        self._merged.append(member)

    def move(self) -> None:
        """Give each entity that stays the facts of all that was merged into it."""
        for root in self._roots():
            for member in _below(root):
                for identity, fact in member.own:
                    root.edit.take(fact, identity)

    def aliases(self) -> Iterator[tuple[str, EntityEdit, EntityEdit, bool]]:
        """Yield each name with its holder now and its first one, and whether that is to be told.

        The name of what was merged into the holder itself is told by that merge.
        """
        for root in self._roots():
            for member in _below(root):
                for alias in member.aliases:
                    yield alias, root.edit, member.edit, True
        # Afterwards: before its own merge such a name may have been another's alias.
        for root in self._roots():
            for member in _below(root):
                kept = member.kept
                assert kept is not None  # it was merged
                yield member.edit.key, root.edit, kept.edit, kept is not root

    def records(self) -> Iterator[MergeRecord]:
        """Yield the records of the merges, in their order."""
        for member in self._merged:
            yield self._record(member)

    def _record(self, member: _Member) -> MergeRecord:
        kept, key, shared = member.kept, member.edit.key, member.shared
        assert kept is not None  # it was merged
        is_nested = bool(member.children) or kept.kept is not None
        moved = [fact for identity, fact in member.own if identity not in shared]

        def ident(fact: StoredFact) -> str:
            return statement_id(fact, self._identify) if is_nested else self._identify(key, fact)

        return MergeRecord(
            kept.edit.key,
            key,
            member.edit.name or "",  # it has facts, so it has a name
            (*map(ident, moved), *[carrying(child.edit.key) for child in member.children]),
            tuple(map(ident, shared.values())),
            tuple(member.aliases),
            since=self._revision,
        )

    def _member(self, edit: EntityEdit) -> _Member:
        member = self._members.get(edit.key)
        if member is None:
            member = self._members[edit.key] = _Member(edit, dict(edit.facts))
        return member

    def _roots(self) -> Iterable[_Member]:
        return [member for member in self._members.values() if member.into is None]


def _below(member: _Member) -> Iterator[_Member]:
    """Yield all that was merged into a member, and into that: each before what is below it."""
    waiting = list(reversed(member.children))
    while waiting:
        one = waiting.pop()
        yield one
        waiting += reversed(one.children)
