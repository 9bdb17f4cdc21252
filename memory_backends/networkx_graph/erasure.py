"""Erase facts from a store in memory: their versions, and whatever still names them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from lamlam.memory_backends.commits.changes import CommitEvent, ErasedFacts
from lamlam.memory_backends.commits.erasure_plan import is_unused, plan_erasure
from lamlam.memory_backends.commits.erasure_request import (
    ErasureRequest,
    keys_meant,
    owners_among,
)
from lamlam.memory_backends.commits.mentions import Mentions
from lamlam.memory_backends.model.entity_reader import EntityHistory
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.networkx_graph.commit_log import CommitLog
from lamlam.memory_backends.networkx_graph.state import GraphState


class GraphErasure(NamedTuple):
    """What was removed from a state and its log."""

    facts: int
    """Versions of facts."""
    notices: list[ErasedFacts]
    """What the change log says of it; empty where nothing changed."""
    log_entries: int
    """Commits that no longer name it."""
    mentions: Mentions | None = None
    """What else still mentions the name."""
    events: Sequence[CommitEvent] = ()
    """What the change log says of names."""
    as_value: int = 0
    """How many of the versions were facts of others, whose value the entity was."""
    touched: Sequence[str] = ()
    """Entities that state something new."""


def erase_from(
    state: GraphState, log: CommitLog, request: ErasureRequest, revision: int, identify: FactIds
) -> GraphErasure:
    """Remove facts from the state, and their names from the commits before.

    Args:
        state: of the store.
        log: of its commits.
        request: what is to be erased.
        revision: that the erasure will have.
        identify: gives the ids of facts.
    """
    keys = keys_meant(request, state, _known_names(state, log) if request.is_whole else ())
    if not keys:
        return GraphErasure(0, [], 0)
    own = log.own_commits(request.namespace)
    plan = plan_erasure(
        state,
        keys,
        request.relation,
        identify,
        value=request.value,
        owners=owners_among(_all(state, request), keys, request),
        placeholder=request.placeholder,
    )
    if plan.is_empty:
        if request.relation is not None:
            return GraphErasure(0, [], 0)
        free = keys if request.is_whole else [request.key]
        return _erase_names(state, log, free, identify, own)
    for key in plan.gone:
        name, now, past = state.history(key)
        assert name is not None  # it has versions
        state.put(key, name, plan.after(key, now, revision))
        state.set_past(key, [old for old in past if not plan.takes(key, old.fact)])
    for key, versions in plan.passed_to.items():
        state.set_past(key, [old for old in state.history(key).past if old not in versions])
    state.name(dict.fromkeys(plan.aliases))
    # A name that went to another entity and came back is among the events of both.
    freed = plan.freed(state, [*plan.last_names(), *log.names_of(plan.forgotten)])
    gone_names = plan.names_gone(freed)
    n_entries = log.forget_names(gone_names)
    reached = [identify.of_entity(key) for key in plan.keys_reached(freed)]
    log.forget_operations(reached, plan.revisions())
    left = list(map(plan.records(state, freed).of, state.merge_records))
    state.replace_merges(record for record in left if record is not None)
    n_actors, mentions = _mentions(state, log, gone_names, identify, own)
    return GraphErasure(
        len(plan.lost()),
        plan.erased(freed),
        n_entries + n_actors,
        mentions,
        plan.events(plan.aliases, freed),
        plan.n_of_owners(),
        tuple(plan.placed),
    )


def _known_names(state: GraphState, log: CommitLog) -> Iterator[str]:
    """Yield the scoped keys of all names: of entities, former ones, and aliases.

    Also those that the log of commits and the records of merges alone still have.
    """
    yield from (*state.keys(), *state.past, *state.holders)
    for record in state.merge_records:
        yield from (record.kept, record.merged, *record.aliases)
    for commit in log.commits:
        for event in commit.events:
            if event.kind != "rule":
                yield from (event.key, event.other)


def _all(state: GraphState, request: ErasureRequest) -> dict[str, EntityHistory]:
    """Return what may have the entity as a value, where that plays a role."""
    keys = () if request.mentions == "leave" else dict.fromkeys((*state.keys(), *state.past))
    return {key: state.history(key) for key in keys}


def _erase_names(
    state: GraphState,
    log: CommitLog,
    keys: Sequence[str],
    identify: FactIds,
    own: Collection[int] | None,
) -> GraphErasure:
    """Remove names that are nobody's from the log: what once were aliases, and actors."""
    free = [key for key in keys if is_unused(state, key)]
    n_entries = log.forget_names(free)
    notices = [ErasedFacts(split(key)[0], identify.of_entity(key)) for key in free if n_entries]
    log.forget_operations([identify.of_entity(key) for key in keys], ())
    n_actors, mentions = _mentions(state, log, keys, identify, own)
    return GraphErasure(0, notices, n_entries + n_actors, mentions)


def _mentions(
    state: GraphState,
    log: CommitLog,
    keys: Collection[str],
    identify: FactIds,
    own: Collection[int] | None,
) -> tuple[int, Mentions]:
    """Remove names from the log as actors; return from how many commits, and what else has them."""
    mentions = Mentions(keys, identify)
    n_actors = log.forget_actors(mentions, own)
    for key in dict.fromkeys((*state.keys(), *state.past)):
        mentions.add_entity(key, state.history(key))
    for alias, holder in state.holders.items():
        namespace, plain = split(alias)
        mentions.add_alias(plain, state.history(holder).name or "", namespace)
    mentions.add_rules(state.rules.all())
    return n_actors, mentions
