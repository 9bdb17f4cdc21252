"""`Replica`: a copy of a store's present facts in this process, kept up to date by its changes.

A row of text for each entity, as SQLite keeps it: about a tenth of what objects would take.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from lamlam.memory_backends.commits.entity_edit import stored_form
from lamlam.memory_backends.model.entity_reader import EntityReader, value_key
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.facts_about import FactsAbout, TextQuestion
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.lookups import EntityView, Lookup, LookupResult, StoredFact
from lamlam.memory_backends.model.namespaces import scoped
from lamlam.memory_backends.model.operations import Change
from lamlam.memory_backends.model.relation_rules import RelationRules
from lamlam.memory_backends.model.row_codec import (
    RECORD,
    escape,
    find,
    pack,
    relation_keys,
    sources_of,
    unescape,
    unpack,
)
from lamlam.memory_backends.resolution.code_index import CodeIndex
from lamlam.memory_backends.resolution.descriptions import describe, homonyms
from lamlam.memory_backends.resolution.facts_about import facts_about
from lamlam.memory_backends.resolution.known_names import known_names
from lamlam.memory_backends.resolution.resolver import look_up
from lamlam.memory_backends.resolution.views import NamespaceView

_MOST_AT_ONCE = 1000


class Replica(EntityReader):
    """What a store holds now, in this process.

    One thread applies changes, any number ask `lookup_nowait` and `describe_nowait`. Begin with
    ``store.changes(None)``, go on with ``store.changes(replica.revision)``. It answers about the
    present only, and has no past.
    """

    def __init__(self, secret: bytes) -> None:
        """Begin empty.

        Args:
            secret: what the store makes its ids with: the replica gives the same ones.
        """
        self.revision: int = 0
        """Of the last commit that was applied as a whole, or as given by `apply_changes`."""
        self.identify = FactIds(secret)
        self._rules = RelationRules()
        self.lock = threading.RLock()
        """Held while changes are applied and while a lookup is answered."""
        self._rows: dict[str, str] = {}
        self._sources = _Sources()
        self._near = CodeIndex()
        self._aliases: dict[str, str] = {}
        self._aliases_of: dict[str, dict[str, None]] = {}
        # By code and namespace of an entity as a value, those that have it: where it is asked.
        self._owners: dict[str, set[str]] | None = None
        self._n_facts = 0
        self._applied = 0
        """Of the commit whose changes were applied last, in whole or in part."""

    @property
    def rules(self) -> RelationRules:
        """What the store knows about relations."""
        return self._rules

    # Asking ---------------------------------------------------------------------------------------

    def lookup_nowait(self, query: Lookup) -> LookupResult:
        """Return what the store holds of one relation of one entity; ``as_of`` is not heeded."""
        began = time.perf_counter_ns()
        with self.lock:
            result = look_up(self, query, self.revision, self.identify)
        result.elapsed_ns = time.perf_counter_ns() - began
        return result

    def describe_nowait(
        self, entity: str, *, fuzzy: bool = True, namespace: Namespace = ()
    ) -> EntityView | None:
        """Return what the store holds of an entity; ``None`` if unknown or ambiguous."""
        with self.lock:
            reader = NamespaceView(self, namespace) if namespace else self
            return describe(reader, entity, fuzzy=fuzzy)

    def known_names_nowait(
        self, names: Sequence[str], *, namespace: Namespace = (), loosely: bool = False
    ) -> frozenset[str]:
        """Return those of the names that the store knows."""
        with self.lock:
            reader = NamespaceView(self, namespace) if namespace else self
            return known_names(reader, names, loosely=loosely)

    def about_text_nowait(self, question: TextQuestion) -> FactsAbout:
        """Return what the store holds about the names in a text; ``as_of`` is not heeded."""
        with self.lock:
            return facts_about(self, question, self.identify)

    def homonyms_nowait(
        self, name: str, *, fuzzy: bool = True, namespace: Namespace = ()
    ) -> tuple[EntityView, ...]:
        """Return the entities that an ambiguous name may mean."""
        with self.lock:
            reader = NamespaceView(self, namespace) if namespace else self
            return homonyms(reader, name, fuzzy=fuzzy)

    def __len__(self) -> int:
        """Return the number of facts."""
        return self._n_facts

    # Reading (`EntityReader`), under the lock -----------------------------------------------------

    def record(self, key: str) -> _ReplicaRow | None:
        """Return the entity with exactly this scoped key."""
        text = self._rows.get(key)
        return None if text is None else _ReplicaRow(key, text, self._sources, self.lock)

    def alias(self, key: str) -> str | None:
        """Return the scoped key of the entity that has this one as an alias."""
        return self._aliases.get(key)

    def aliases(self, key: str) -> list[str]:
        """Return the scoped keys of the aliases of an entity, sorted."""
        return sorted(self._aliases_of.get(key, ()))

    def candidates(self, codes: Collection[int]) -> list[str]:
        """Return the scoped keys of the entities indexed under any of these codes, each once."""
        return self._near.of(codes)

    def used_codes(self, codes: Collection[int]) -> set[int]:
        """Return the codes under which any entity may be indexed."""
        return self._near.used(codes)

    @property
    def has_aliases(self) -> bool:
        """True unless `alias` finds nothing anyway."""
        return bool(self._aliases)

    def owners(self, key: str) -> Collection[str]:
        """Return the scoped keys of entities that have this one as a value."""
        if self._owners is None:
            self._owners = {}
            for owner, text in self._rows.items():
                self._note_owner(owner, unpack(text, self._sources.text))
        return self._owners.get(key, ())

    def keys(self) -> list[str]:
        """Return the scoped keys of the entities that have facts."""
        with self.lock:
            return list(self._rows)

    # Following ------------------------------------------------------------------------------------

    def apply_changes(
        self, changes: Iterable[Change], *, reached: int | None = None, is_whole: bool = True
    ) -> None:
        """Apply changes.

        Those of one commit are seen together, unless they are more than a thousand. Where the
        changes break off inside a commit, `revision` stays before it: going on from there gives
        the commit again, as a whole.

        Args:
            changes: in the order of the change log; some may be repeated, as long as all that
                follow them come too.
            reached: the revision that the change log has come to, where commits without
                changes may be at its end.
            is_whole: the last commit among them ends with them; false where they were
                cut anywhere.
        """
        together: list[Change] = []
        for change in changes:
            if together and (
                change.revision != together[0].revision or len(together) >= _MOST_AT_ONCE
            ):
                self._apply_all(together)
                together = []
            together.append(change)
        self._apply_all(together)
        if is_whole:
            self.revision = max(self.revision, self._applied)
        if reached is not None:
            self.revision = max(self.revision, reached)

    def _apply_all(self, changes: Sequence[Change]) -> None:
        with self.lock:
            # The facts of an entity come together: its row is read and written once.
            open_row = _OpenRow(self)
            erased: list[Change] = []
            for change in changes:
                if erased and change.kind != "erased":
                    self._erase(erased)
                    erased = []
                if change.revision > self._applied:
                    self.revision = max(self.revision, self._applied)  # pyright: ignore[reportIncompatibleVariableOverride]
                self._applied = change.revision
                if change.fact is not None and change.entity is not None:
                    key = scoped(change.namespace, canonical_key(change.entity))
                    open_row.apply(key, change.entity, change.kind, change.fact)
                elif change.kind == "erased":
                    open_row.close()
                    erased.append(change)
                else:
                    open_row.close()
                    self._apply(change)
            open_row.close()
            self._erase(erased)

    def _apply(self, change: Change) -> None:
        if change.kind == "rule":
            if change.rule is not None:
                self._rules = RelationRules([*self._rules.all(), change.rule])
            return
        assert change.entity is not None and change.alias is not None  # of all that is left
        key = scoped(change.namespace, canonical_key(change.entity))
        alias = scoped(change.namespace, change.alias)
        if change.kind in ("alias", "merged"):
            self._put_alias(alias, key)
        elif self._aliases.get(alias) == key:
            self._drop_alias(alias)

    def _erase(self, changes: Sequence[Change]) -> None:
        """Remove what was erased: of a whole namespace all entities in one pass over the rows."""
        if not changes:
            return
        gone: dict[str | None, set[str]] = {}
        whole: set[str | None] = set()
        for change in changes:
            gone.setdefault(change.entity_id, set()).update(change.fact_ids)
            if not change.fact_ids:
                whole.add(change.entity_id)
        identify = self.identify.of_entity
        ids = [(key, identify(key)) for key in self._rows]
        n_gone = 0
        for key, ident in [(key, ident) for key, ident in ids if ident in gone]:
            name, facts = self.read(key)
            lost = gone[ident]
            kept = [
                fact
                for fact in facts
                if ident not in whole and self.identify(key, fact) not in lost
            ]
            self.write(key, name, kept)
            n_gone += not kept
        if n_gone:
            self._near.compact()
            self._owners = None
        # Of the names of one that holds nothing any more, though it is not gone, the log says so.
        for alias in [alias for alias in self._aliases if identify(alias) in whole]:
            self._drop_alias(alias)
        for holder in [key for key in self._aliases_of if identify(key) in whole]:
            for alias in self.aliases(holder):
                self._drop_alias(alias)

    def _put_alias(self, alias: str, key: str) -> None:
        self._drop_alias(alias)
        self._aliases[alias] = key
        self._aliases_of.setdefault(key, {})[alias] = None

    def _drop_alias(self, alias: str) -> None:
        holder = self._aliases.pop(alias, None)
        if holder is not None:
            others = self._aliases_of[holder]
            del others[alias]
            if not others:
                del self._aliases_of[holder]

    # Rows -----------------------------------------------------------------------------------------

    def read(self, key: str) -> tuple[str, list[StoredFact]]:
        """Return the name and the facts of an entity; empty where the entity is unknown."""
        text = self._rows.get(key)
        if text is None:
            return "", []
        return _name(text), unpack(text, self._sources.text)

    def write(self, key: str, name: str, facts: Sequence[StoredFact]) -> None:
        """Replace the facts of an entity; without any, remove it."""
        old = self.read(key)[1]
        ordered = [fact._replace(seq=n) for n, fact in enumerate(facts)]
        text = f"{escape(name)}{pack(ordered, self._sources.number)}"
        self._sources.count(facts, 1)
        self._sources.count(old, -1)
        self._n_facts += len(facts) - len(old)
        if facts:
            if key not in self._rows:
                self._near.add(key)
            self._rows[key] = text
        elif self._rows.pop(key, None) is not None:
            self._near.remove(key)
        if self._owners is not None:
            self._note_owner(key, facts)

    def _note_owner(self, key: str, facts: Iterable[StoredFact]) -> None:
        assert self._owners is not None
        for fact in facts:
            if (value := value_key(key, fact)) is not None:
                self._owners.setdefault(value, set()).add(key)


class _ReplicaRow:
    """An entity's row (an `EntityRecord`)."""

    __slots__ = ("_lock", "_sources", "_text", "key")

    def __init__(
        self, key: str, text: str, sources: _Sources, lock: AbstractContextManager[Any]
    ) -> None:
        self._lock = lock
        self.key = key
        self._text = text
        self._sources = sources

    @property
    def name(self) -> str:
        """As stored."""
        return _name(self._text)

    def relation_keys(self) -> list[str]:
        """Return the keys of its relations in stored order, each once."""
        return relation_keys(self._text)

    def of(self, relation_key: str) -> Sequence[StoredFact]:
        """Return the facts of one relation, in stored order."""
        return find(self._text, relation_key, self._sources.text, self._sources.kept, self._later)

    def _later(self, written: str) -> tuple[str, ...]:
        with self._lock:
            return sources_of(written, self._sources.text)

    def stored(self) -> list[StoredFact]:
        """Return every fact, in stored order."""
        return unpack(self._text, self._sources.text)

    def first(self, most: int) -> list[StoredFact]:
        """Return so many of its facts, in stored order."""
        return unpack(self._text, self._sources.text, most)


class _OpenRow:
    """The row that changes of facts are put into, while they are about one entity."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._key: str | None = None
        self._name = ""
        self._facts: dict[tuple[str, str, str, int | None], StoredFact] = {}

    def apply(self, key: str, name: str, kind: str, fact: Fact) -> None:
        """Apply the change of one fact."""
        if key != self._key:
            self.close()
            self._key = key
            held = self._replica.read(key)[1]
            self._facts = {one.identity: one for one in held}
        stored = stored_form(fact, None)._replace(revision=fact.revision or 0)
        self._name = name
        if kind == "asserted":
            self._facts[stored.identity] = stored
        else:
            self._facts.pop(stored.identity, None)

    def close(self) -> None:
        """Write the row."""
        if self._key is not None:
            self._replica.write(self._key, self._name, list(self._facts.values()))
            self._key = None


class _Sources:
    """The texts of sources, each kept once and only as long as a fact has it."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._uses: Counter[int] = Counter()
        self.kept: dict[str, tuple[str, ...]] = {}
        """Sources as rows write them, read before."""
        self._last = 0

    def text(self, number: int) -> str | None:
        """Return the text of a number."""
        return self._texts.get(number)

    def number(self, text: str) -> int:
        """Return the number of a text, a new one where it has none."""
        number = self._numbers.get(text)
        if number is None:
            self._last += 1
            number = self._numbers[text] = self._last
            self._texts[number] = text
        return number

    def count(self, facts: Iterable[StoredFact], change: int) -> None:
        """Count uses of sources up or down, and remove sources that no fact has."""
        for source in _all_sources(facts):
            number = self._numbers[source]
            self._uses[number] += change
            if self._uses[number] <= 0:
                del self._uses[number], self._texts[number], self._numbers[source]
                self.kept.clear()


def _all_sources(facts: Iterable[StoredFact]) -> Iterator[str]:
    for fact in facts:
        yield from fact.sources


def _name(text: str) -> str:
    return unescape(text.partition(RECORD)[0])
