"""Erase facts from a store in memory: their versions, and whatever still names them."""

from __future__ import annotations

from lamlam.memory_backends.commits.changes import ErasedFacts
from lamlam.memory_backends.commits.erasure_plan import entities_meant, plan_erasure
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.networkx_graph.commit_log import CommitLog
from lamlam.memory_backends.networkx_graph.state import GraphState


def erase_from(
    state: GraphState, log: CommitLog, asked: str, relation: str | None, identify: FactIds
) -> tuple[int, list[ErasedFacts]]:
    """Remove facts from the state, and their names from the commits before.

    Args:
        state: of the store.
        log: of its commits.
        asked: the scoped key of the entity that was named.
        relation: erase facts of this relation, or of its synonyms, only.
        identify: gives the ids of facts.

    Returns:
        How many versions of facts went, and what the change log says of them.
    """
    keys = entities_meant(state, asked)
    plan = plan_erasure(state, keys, relation, identify)
    if plan.is_empty:
        if state.history(asked).name is None:
            log.forget_entities([asked])
        return 0, []
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
    gone_names = [*plan.forgotten, *freed]
    log.forget_entities(gone_names)
    log.forget_names(gone_names)
    left = [plan.rewritten(record, freed) for record in state.merge_records]
    state.merge_records = [record for record in left if record is not None]
    return len(plan.lost()), plan.erased(freed)
