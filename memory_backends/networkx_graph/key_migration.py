"""Give what a file of version 1 holds the keys of this version, when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lamlam.memory_backends.commits.changes import CommitEvent
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.lookups import PastVersion, StoredFact
from lamlam.memory_backends.model.old_keys import (
    as_of_version_1,
    new_scoped_key,
    rekeyed,
    rekeyed_event,
    rekeyed_merge,
)
from lamlam.memory_backends.networkx_graph.commit_log import CommitLog
from lamlam.memory_backends.networkx_graph.state import GraphState


def rekeyed_state(old: GraphState, log: CommitLog, identify: FactIds) -> GraphState:
    """Return a state with the keys of this version; the log is changed in place."""
    new = GraphState(identify)
    names = {key: name for key, (name, _) in old.past.items()} | old.names
    keys = {key: new_scoped_key(key, name) for key, name in names.items()}
    for key, name in old.names.items():
        record = old.record(key)
        new.put(keys[key], name, map(rekeyed, record.facts if record is not None else ()))
    new.past = {
        keys[key]: (name, [PastVersion(rekeyed(fact), end) for fact, end in versions])
        for key, (name, versions) in old.past.items()
    }
    renamed: dict[str, str] = {}
    for merge in old.merge_records:
        merged = new_scoped_key(merge.merged, merge.merged_name)
        if merged != merge.merged:
            renamed[merge.merged] = merged
        ids = {
            identify(merge.merged, as_of_version_1(fact)): identify(merged, rekeyed(fact))
            for fact in _facts(old, merge.kept)
        }
        new.merge_records.append(rekeyed_merge(merge, keys, ids))
    new.name({renamed.get(a, a): keys.get(key, key) for a, key in old.holders.items()})
    new.rules = old.rules
    log.commits[:] = [
        replace(
            commit,
            touched=tuple([keys.get(key, key) for key in commit.touched]),
            events=tuple([_rekeyed(event, keys, renamed) for event in commit.events]),
        )
        for commit in log.commits
    ]
    return new


def _rekeyed(
    event: CommitEvent, keys: Mapping[str, str], renamed: Mapping[str, str]
) -> CommitEvent:
    _, key, name, *other = rekeyed_event(event, keys, renamed)
    return CommitEvent(event.kind, key, name, *other)


def _facts(state: GraphState, key: str) -> list[StoredFact]:
    return list(state.history(key).facts())
