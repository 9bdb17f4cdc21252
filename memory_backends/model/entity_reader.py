"""`EntityReader`: what lookups, commits and erasures ask of a store. All keys are scoped keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import NamedTuple, Protocol

from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.lazy_facts import MOST_AT_ONCE, LongFacts
from lamlam.memory_backends.model.lookups import EntityFact, PastVersion, StoredFact
from lamlam.memory_backends.model.namespaces import scoped, split
from lamlam.memory_backends.model.relation_rules import RelationRules
from lamlam.memory_backends.model.synonyms import same_relation

MOST_OF_A_CODE = 2048
"""Names that are compared of those that share a code: generation waits for it. Where there are more
of one name, it is ambiguous anyway."""
_NO_RULES = RelationRules()


class EntityRecord(Protocol):
    """One entity that has facts, and the facts."""

    @property
    def name(self) -> str:
        """As stored."""
        ...

    @property
    def key(self) -> str:
        """Scoped canonical key."""
        ...

    def relation_keys(self) -> Sequence[str]:
        """Return the keys of its relations in stored order, each once."""
        ...

    def of(self, relation_key: str) -> Sequence[StoredFact]:
        """Return the facts of one relation, in stored order."""
        ...

    def stored(self) -> Sequence[StoredFact]:
        """Return every fact, in stored order."""
        ...


class _NamedFacts(NamedTuple):
    name: str
    key: str
    facts: Sequence[StoredFact]


class StoredEntity(_NamedFacts):
    """An `EntityRecord` whose facts are at hand."""

    def relation_keys(self) -> list[str]:
        """Return the keys of its relations in stored order, each once."""
        return list(self._by_relation)

    def of(self, relation_key: str) -> Sequence[StoredFact]:
        """Return the facts of one relation, in stored order."""
        found = self._by_relation.get(relation_key, [])
        if len(found) <= MOST_AT_ONCE:
            return found
        return LongFacts(iter(found), is_timeless=False)

    def stored(self) -> Sequence[StoredFact]:
        """Return every fact, in stored order."""
        return self.facts

    @cached_property
    def _by_relation(self) -> dict[str, list[StoredFact]]:
        """The facts of each relation: gone through once, and not for every question."""
        found: dict[str, list[StoredFact]] = {}
        for fact in self.facts:
            found.setdefault(fact.key, []).append(fact)
        return found


class EntityHistory(NamedTuple):
    """Every version of the facts of an entity."""

    name: str | None = None
    """As stored, or as it was last; ``None`` where the store has no version of any fact."""
    now: Sequence[StoredFact] = ()
    """The facts that hold."""
    past: Sequence[PastVersion] = ()
    """The versions that have ended, oldest first."""

    def facts(self) -> Iterator[StoredFact]:
        """Yield the facts of all versions."""
        yield from self.now
        for version in self.past:
            yield version.fact

    def at(self, revision: int) -> list[StoredFact]:
        """Return the facts that held at a revision, in stored order."""
        held = [fact for fact in self.now if fact.revision <= revision]
        held += [fact for fact, end in self.past if fact.revision <= revision < end]
        return sorted(held, key=lambda fact: fact.seq)


class MergeRecord(NamedTuple):
    """What a merge of two entities did. Keys are scoped canonical keys."""

    kept: str
    merged: str
    merged_name: str
    moved: tuple[str, ...]
    """Ids that the moved facts had under the merged entity."""
    shared: tuple[str, ...]
    """Ids, under the merged entity, of facts that both entities had."""
    aliases: tuple[str, ...]
    """Scoped keys of the aliases that the merged entity had."""
    since: int = 0
    """The revision of the merge."""
    until: int | None = None
    """The revision of the split that undid it."""
    is_reversible: bool = True
    """It can be undone: it was not, no later merge of the two took its place, and what was kept
    was not erased."""

    def holds_at(self, revision: int) -> bool:
        """Return whether the two were one entity: from the merge to the split."""
        return self.since <= revision and (self.until is None or revision < self.until)


class EntityReader(Protocol):
    """One state of a store, read entity by entity; every call is answered at once.

    `record` has no default. The defaults of the others are those of a store without aliases,
    rules, history and near names.
    """

    namespace: Namespace = ()
    """The one whose plain keys are taken and given instead of scoped ones, by a view of it."""
    revision: int | None = None
    """Of the state that is read; ``None``: the store does not tell."""

    @property
    def rules(self) -> RelationRules:
        """What the store knows about relations."""
        return _NO_RULES

    @property
    def has_aliases(self) -> bool:
        """True unless `alias` finds nothing anyway."""
        return False

    def record(self, key: str) -> EntityRecord | None:
        """Return the entity with exactly this key; ``None`` where it has no facts."""
        ...

    def history(self, key: str) -> EntityHistory:
        """Return every version of the facts of an entity."""
        record = self.record(key)
        return (
            EntityHistory(record.name, record.stored()) if record is not None else EntityHistory()
        )

    def alias(self, key: str) -> str | None:
        """Return the key of the entity that has this key as an alias."""
        return None

    def aliases(self, key: str) -> Sequence[str]:
        """Return the keys of the aliases of an entity."""
        return ()

    def merges(self, key: str) -> Sequence[MergeRecord]:
        """Return the records of merges into an entity, and of it into others, oldest first.

        A commit needs only those into it that stand, an erasure all.
        """
        return ()

    def merges_between(self, kept: str, merged: str) -> Sequence[MergeRecord]:
        """Return the records of merges of one entity into another, oldest first."""
        return [one for one in self.merges(kept) if (one.kept, one.merged) == (kept, merged)]

    def candidates(self, codes: Collection[int]) -> Sequence[str]:
        """Return the keys of the entities indexed under any of these codes, each once.

        The blocking step of record linkage: near names share a code (`blocking_codes`). Of one
        code that very many names have, `MOST_OF_A_CODE` are enough.
        """
        return ()

    def known(self, keys: Collection[str]) -> set[str]:
        """Return those of the keys that are an entity's with facts, or an alias of one."""
        found = {key for key in keys if self.record(key) is not None}
        if self.has_aliases:
            for key in keys:
                holder = self.alias(key) if key not in found else None
                if holder is not None and self.record(holder) is not None:
                    found.add(key)
        return found

    def used_keys(self, keys: Collection[str]) -> set[str]:
        """Return the keys that may be, or once have been, an entity's or an alias: no other was."""
        return set(keys)

    def used_codes(self, codes: Collection[int]) -> set[int]:
        """Return the codes under which `candidates` may find anything: under others it does not."""
        return {code for code in codes if self.candidates((code,))}

    def owners(self, key: str) -> Iterable[str]:
        """Return the keys of all entities that have a fact whose value is this entity.

        Those that only once had one may be among them; for earlier revisions they have to be.
        """
        return ()

    def values_among(self, keys: Collection[str]) -> set[str]:
        """Return those of the (scoped) keys that may be a value's: `owners` gives some for them."""
        return {key for key in keys if any(True for _ in self.owners(key))}

    def referring(
        self, key: str, relation: str | None = None, most: int | None = None
    ) -> Sequence[EntityFact]:
        """Return facts whose value is the entity with this scoped key.

        A value may name it by any of its other names: what was merged into it is one of them.
        Ordered by the key of the entity that they are about, then as stored. Asked only where a
        relation has an inverse.

        Args:
            relation: only facts of this relation, or of a synonym of it.
            most: of how many entities that have it as a value the facts are read.
        """
        keys = [key, *self.aliases(key)]
        codes = {entity_code(one) for one in keys}
        found = (owner for one in keys for owner in self.owners(one))
        owners = sorted(set(islice(found, most)))
        return [
            EntityFact(record.name, record.key, fact, fact.value)
            for owner in owners
            if (record := self.record(owner)) is not None
            for fact in record.stored()
            if fact.code in codes and (relation is None or same_relation(fact.key, relation))
        ]


def entity_code(key: str) -> str:
    """Return the code of a value that is the entity with this scoped key (`values.code_of`)."""
    return f"e:{split(key)[1]}"


def value_key(owner: str, fact: StoredFact) -> str | None:
    """Return the scoped key of the entity that is the value of an owner's fact, if one is."""
    return scoped(split(owner)[0], fact.code[2:]) if fact.code.startswith("e:") else None
