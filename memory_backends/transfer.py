"""What a store holds now, as operations, and stores filled from such: copies without loss.

A copy has every fact with all its fields, every alias and every rule. History, fact ids and the
records that undo a merge stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from lamlam.errors import UsageError
from lamlam.memory_backends.fact_formats.format import Item
from lamlam.memory_backends.model.bulk_rows import BulkParts
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.operations import AddAlias, Assert, Commit, DefineRelation, Op
from lamlam.memory_backends.protocol import Capability

if TYPE_CHECKING:
    from lamlam.memory_backends.sync import SyncFactStore


@runtime_checkable
class Distinguishing(Protocol):
    """Items whose names depend on what a store holds already."""

    def keep_apart_from(
        self,
        stored: Callable[[], Iterable[Fact]],
        holder_of: Callable[[str], str | None] | None = None,
    ) -> None:
        """Take how to get the facts of the namespace; called with the first item."""
        ...


@runtime_checkable
class InParts(Protocol):
    """Items that come from a file, which may be read in parts by several processes.

    Facts in them that name no namespace go into its ``namespace``, if it has one.
    """

    def parts(self) -> BulkParts | None:
        """Return the parts; None where it has to be read from begin to end."""
        ...


@runtime_checkable
class TakesParts(Protocol):
    """A store that takes a file in parts."""

    def load_parts_nowait(
        self, parts: BulkParts, *, namespace: Namespace = (), beside: Path | None = None
    ) -> Commit | None:
        """Assert the facts of a file, or none."""
        ...

    def load_ops_nowait(self, ops: Iterable[Op], *, beside: Path | None = None) -> Commit:
        """Do every operation, or none."""
        ...


def contents(
    store: SyncFactStore, *, namespace: Namespace | None = None, as_of: int | None = None
) -> Iterator[Item]:
    """Yield the facts of a store, then its aliases, then its rules.

    In this order a fresh store takes all of it: an alias needs an entity with facts, and a fact
    that is older than a rule need not keep to it.

    Args:
        store: an open store.
        namespace: of one namespace; ``None``: of all. Rules are the same in all of them.
        as_of: the facts that held at this revision; aliases are not known of the past.
    """
    capabilities = store.capabilities
    if as_of is not None or Capability.CHANGES not in capabilities:
        for fact in store.scan(namespace=namespace, as_of=as_of, include_expired=True):
            yield Assert(fact)
        if as_of is None and Capability.ALIASES in capabilities:
            yield from _aliases(store, namespace)
        if Capability.RULES in capabilities:
            yield from map(DefineRelation, store.rules())
        return
    after: list[AddAlias] = []
    rules: list[DefineRelation] = []
    for change in store.changes(None, namespace=namespace):
        if change.fact is not None:
            yield Assert(change.fact)
        elif change.entity is not None and change.alias is not None:
            after.append(AddAlias(change.entity, change.alias, change.namespace))
        elif change.rule is not None:
            rules.append(DefineRelation(change.rule))
    yield from after
    yield from rules


def put(
    store: SyncFactStore,
    items: Iterable[Item],
    *,
    commit_every: int | None = None,
    beside: Path | None = None,
) -> Commit:
    """Write everything to the store, or nothing; a store of this process takes it as it comes.

    Args:
        store: an open store.
        items: what is put into it.
        commit_every: commit each time after so many items: for a server that has too little
            memory for one transaction. Where it fails, the parts before are in the store, as a
            note of the error says; doing it again completes it.
        beside: the file beside which a bulk load keeps what it has read; by default the store's.

    Raises:
        UsageError: parts without items.
    """
    local = store.local
    if commit_every is None and isinstance(local, TakesParts) and isinstance(items, InParts):
        parts = items.parts()
        if parts is not None:
            namespace: Namespace = getattr(items, "namespace", ())
            commit = local.load_parts_nowait(parts, namespace=namespace, beside=beside)
            if commit is not None:
                return commit
    if isinstance(items, Distinguishing):
        space: Namespace = getattr(items, "namespace", ())
        items.keep_apart_from(
            lambda: store.scan(namespace=space, include_expired=True),
            partial(_holder, store, space),
        )
        items = _begun(items)  # the store is read before it is written
    if commit_every is not None:
        return _put_in_parts(store, items, commit_every)
    if isinstance(local, TakesParts):
        return local.load_ops_nowait(items, beside=beside)
    # A store of this process goes through any iterable, one behind a connection has to know
    # how much there is.
    ops = list(items) if Capability.SERVER in store.capabilities else items
    return store.apply(ops)  # type: ignore[arg-type]  # taken as they come


def copy_facts(
    source: SyncFactStore, target: SyncFactStore, *, namespace: Namespace | None = None
) -> Commit:
    """Copy everything that the source holds now into the target, beside what that holds."""
    return put(target, contents(source, namespace=namespace))


def _holder(store: SyncFactStore, namespace: Namespace, name: str) -> str | None:
    """Return the entity that has exactly this name or alias."""
    found = store.lookup(name, "name", namespace=namespace).match.entity
    return found.matched if found.kind in ("exact", "alias") else None


def _begun(items: Iterable[Item]) -> Iterable[Item]:
    """Return the same items, the first of them already made."""
    remaining = iter(items)
    return chain(list(islice(remaining, 1)), remaining)


def _put_in_parts(store: SyncFactStore, items: Iterable[Item], size: int) -> Commit:
    if size < 1:
        raise UsageError(f"commit_every must be at least 1, got {size}")
    remaining = iter(items)
    changed = n_items = 0
    ended: list[Fact] = []
    commit: Commit | None = None
    writing = False
    try:
        while part := list(islice(remaining, size)):
            writing = True
            commit = store.apply(part)
            changed += commit.facts
            ended += commit.ended
            n_items += len(part)
            writing = False
    except BaseException as error:  # an interruption leaves them there too
        note = _already_there(n_items, commit)
        if writing and not isinstance(error, Exception):
            # The commit may have been made while nobody waited for it any more.
            note += "; the part that was being written may be there too"
        error.add_note(note)
        raise
    if commit is None:
        return store.apply([])
    return Commit(commit.revision, changed, tuple(ended))


def _already_there(n_items: int, commit: Commit | None) -> str:
    if commit is None:
        return "no part before it was committed"
    return (
        f"whole parts before it are in the store: {n_items:,} items, up to revision"
        f" {int(commit.revision)}; doing it again completes it"
    )


def _aliases(store: SyncFactStore, namespace: Namespace | None) -> Iterator[AddAlias]:
    last: tuple[Namespace, str] | None = None
    for fact in store.scan(namespace=namespace, include_expired=True):
        if (fact.namespace, fact.entity) != last:
            last = fact.namespace, fact.entity
            for alias in store.aliases(fact.entity, namespace=fact.namespace):
                yield AddAlias(fact.entity, alias, fact.namespace)
