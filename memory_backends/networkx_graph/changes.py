"""What a store in memory tells of its changes, read in parts so that writers get their turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TypeAlias

from lamlam.memory_backends.commits.changes import present_changes
from lamlam.memory_backends.commits.validation import check_reached
from lamlam.memory_backends.model.lookups import Identify
from lamlam.memory_backends.model.operations import Change
from lamlam.memory_backends.networkx_graph.commit_log import changes_of_commit
from lamlam.memory_backends.networkx_graph.file import FileContents
from lamlam.memory_backends.resolution.views import PastView

Locked: TypeAlias = Callable[[], AbstractContextManager[FileContents]]
"""Gives what an open store holds, under its lock."""
_BATCH = 1000


def changes_to_present(locked: Locked, identify: Identify) -> Iterator[Change]:
    """Yield what holds now, in one state: changes that come while it is read are left out."""
    with locked() as store:
        revision = store.revision
        rules = store.state.rules.all()
        keys = store.state.keys()
        state = PastView(store.state, revision)
        aliases = {key: list(names) for key in keys if (names := store.state.aliases(key))}
    for rule in rules:
        yield Change(revision, "rule", rule=rule)
    for start in range(0, len(keys), _BATCH):
        changes: list[Change] = []
        with locked():
            for key in keys[start : start + _BATCH]:
                if (record := state.record(key)) is not None:  # not erased meanwhile
                    names = aliases.get(key, [])
                    changes += present_changes(record, names, revision, identify)
        yield from changes


def changes_after(locked: Locked, revision: int, identify: Identify) -> Iterator[Change]:
    """Yield what the commits after a revision did.

    Raises:
        Conflict: the store has not reached the revision.
    """
    with locked() as store:
        check_reached(revision, store.revision)
        commits = store.log.after(revision)
    for commit in commits:
        with locked() as store:
            # Read again: an erasure may have taken names out of it meanwhile.
            commit = store.log.at(commit.revision)
            changes = list(changes_of_commit(commit, store.state, identify))
        yield from changes
