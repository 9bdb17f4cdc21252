"""Erasing from a world in memory: facts, their past, and whatever still names them."""

from __future__ import annotations

from lamlam.memory_backends.commits.erasure_plan import Held, Told, entities_meant, plan_erasure
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.networkx_graph.commit_log import CommitLog, Erasure
from lamlam.memory_backends.networkx_graph.state import GraphDesk, GraphWorld


def erase_from(
    world: GraphWorld, log: CommitLog, asked: str, relation: str | None, identify: FactIds
) -> tuple[int, list[Erasure]]:
    """The facts are gone from the world, and their names from the commits before.

    Args:
        asked: the scoped key of the entity that was named.
        relation: erase facts of this relation, or of its synonyms, only.

    Returns:
        How many versions of facts went, and what the feed is to tell of them.
    """
    desk = GraphDesk(world)
    keys = entities_meant(desk, asked)
    plan = plan_erasure(
        desk,
        keys,
        relation,
        held=lambda key: Held(*world.versions(key)[1:]),
        merges_from=world.merges_from,
        identify=identify,
    )
    if plan.is_empty:
        if world.versions(asked)[0] is None:
            log.forget_entities([asked])
        return 0, []
    aliases = list(world.aliases_of(keys[0]))
    for key in plan.gone:
        name, now, past = world.versions(key)
        assert name is not None  # it has versions
        world.put(key, name, [fact for fact in now if fact.key not in plan.covered])
        world.forget_past(key, [old for old in past if old.fact.key not in plan.covered])
    for key, versions in plan.passed_to.items():
        world.forget_past(key, [old for old in world.past_of(key) if old not in versions])
    if plan.emptied:
        world.name(dict.fromkeys(aliases))
    # A name that went to another entity and came back is in what is told of both.
    names = [*(aliases if keys[0] in plan.forgotten else ()), *log.names_of(plan.forgotten)]
    freed = [
        one for one in dict.fromkeys(names) if one not in plan.forgotten and _is_free(world, one)
    ]
    gone_names = [*plan.forgotten, *freed]
    log.forget_entities(gone_names)
    log.forget_names(gone_names)
    left = [plan.thinned(record, freed) for record in world.merges]
    world.merges = [record for record in left if record is not None]
    n_erased = sum(map(len, (*plan.gone.values(), *plan.passed_to.values())))
    # Copies may still know a freed name as that of another entity.
    told = [*plan.told, *map(Told, freed)]
    return n_erased, [Erasure(split(key)[0], identify.of_entity(key), ids) for key, ids in told]


def _is_free(world: GraphWorld, name: str) -> bool:
    """True where a scoped key is no entity and names none."""
    return not (name in world.aliases or name in world.names or name in world.past)
