"""Erase facts from a store in memory: their versions, and whatever still names them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from lamlam.memory_backends.commits.changes import CommitEvent, ErasedFacts
from lamlam.memory_backends.commits.erasure_plan import entities_meant, is_unused, plan_erasure
from lamlam.memory_backends.commits.mentions import Mentions
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


def erase_from(
    state: GraphState, log: CommitLog, asked: str, relation: str | None, identify: FactIds
) -> GraphErasure:
    """Remove facts from the state, and their names from the commits before.

    Args:
        state: of the store.
        log: of its commits.
        asked: the scoped key of the entity that was named.
        relation: erase facts of this relation, or of its synonyms, only.
        identify: gives the ids of facts.
    """
    keys = entities_meant(state, asked)
    plan = plan_erasure(state, keys, relation, identify)
    if plan.is_empty:
        if relation is not None:
            return GraphErasure(0, [], 0)
        n_entries = log.forget_names([asked]) if is_unused(state, asked) else 0
        notices = [ErasedFacts(split(asked)[0], identify.of_entity(asked))] if n_entries else []
        log.forget_operations([identify.of_entity(asked)], ())
        n_actors, mentions = _mentions(state, log, [asked], identify)
        return GraphErasure(0, notices, n_entries + n_actors, mentions)
    aliases = list(state.aliases(keys[0]))
    for key in plan.gone:
        name, now, past = state.history(key)
        assert name is not None  # it has versions
        state.put(key, name, [fact for fact in now if fact.key not in plan.covered])
        state.set_past(key, [old for old in past if old.fact.key not in plan.covered])
    for key, versions in plan.passed_to.items():
        state.set_past(key, [old for old in state.history(key).past if old not in versions])
    if plan.emptied:
        state.name(dict.fromkeys(aliases))
    # A name that went to another entity and came back is among the events of both.
    names = [*(aliases if keys[0] in plan.forgotten else ()), *log.names_of(plan.forgotten)]
    freed = plan.freed(state, names)
    gone_names = plan.names_gone(freed)
    n_entries = log.forget_names(gone_names)
    reached = [identify.of_entity(key) for key in plan.keys_reached(freed)]
    log.forget_operations(reached, plan.revisions())
    left = list(map(plan.records(state, freed).of, state.merge_records))
    state.replace_merges(record for record in left if record is not None)
    n_actors, mentions = _mentions(state, log, gone_names, identify)
    events = plan.events(aliases, freed)
    n_lost, notices = len(plan.lost()), plan.erased(freed)
    return GraphErasure(n_lost, notices, n_entries + n_actors, mentions, events)


def _mentions(
    state: GraphState, log: CommitLog, keys: Collection[str], identify: FactIds
) -> tuple[int, Mentions]:
    """Remove names from the log as actors; return from how many commits, and what else has them."""
    mentions = Mentions(keys, identify)
    n_actors = log.forget_actors(mentions)
    for key in dict.fromkeys((*state.keys(), *state.past)):
        mentions.add_entity(key, state.history(key))
    for alias, holder in state.holders.items():
        namespace, plain = split(alias)
        mentions.add_alias(plain, state.history(holder).name or "", namespace)
    mentions.add_rules(state.rules.all())
    return n_actors, mentions
