"""Erasing from a world in memory: facts, their past, and whatever still names them."""

from __future__ import annotations

from collections.abc import Iterable

from lamlam.memory_backends.commit_log import CommitLog, Erasure
from lamlam.memory_backends.edits import covered_keys
from lamlam.memory_backends.fact_ids import FactIds
from lamlam.memory_backends.graph_world import GraphWorld
from lamlam.memory_backends.lookups import PastVersion, StoredFact
from lamlam.memory_backends.merge_records import (
    after_erasure,
    ids_that_went,
    passed_on,
    passed_to,
)
from lamlam.memory_backends.namespaces import split


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
    key = world.meant(asked)
    aliases = list(world.aliases_of(key))
    told: list[Erasure] = []
    n_erased = 0
    unknown: list[str] = []
    forgotten: list[str] = []
    # What was merged into the entity still has its own past.
    merged = _merged_into(world, key)
    keys = list(dict.fromkeys((key, asked, *aliases, *merged)))
    erased: dict[str, list[StoredFact]] = {}
    for one in keys:
        name, now, past = world.versions(one)
        before = [*now, *(old.fact for old in past)]
        covered = covered_keys(before, relation)
        gone = [fact for fact in before if fact.key in covered]
        if name is None or not gone:
            continue
        n_erased += len(gone)
        kept = [fact for fact in now if fact.key not in covered]
        kept_past = [old for old in past if old.fact.key not in covered]
        world.put(one, name, kept)
        world.forget_past(one, kept_past)
        ids = tuple(dict.fromkeys(identify(one, fact) for fact in gone))
        if not kept and not kept_past:
            unknown.append(one)
            if relation is None or key not in world.names or one not in world.aliases:
                forgotten.append(one)
                ids = ()  # all of it: with facts named, copies would keep it as a name
        told.append(Erasure(split(one)[0], identify.of_entity(one), ids))
        erased[one] = gone
    # What they brought to others while they were one with them.
    passed = passed_on(keys, relation, world.merges_from, world.past_of, identify)
    for one, versions in passed_to(passed).items():
        n_erased += len(versions)
        world.forget_past(one, [old for old in world.past_of(one) if old not in versions])
        told += _erasure_of_passed(world, one, versions, identify)
    if not n_erased:
        if world.versions(asked)[0] is None:
            log.forget_entities([asked])
        return 0, []
    if key not in world.names:
        world.name(dict.fromkeys(aliases))
    # A name that went to another entity and came back is in what is told of both.
    names = [*(aliases if key in forgotten else ()), *log.names_of(forgotten)]
    free = [one for one in dict.fromkeys(names) if one not in forgotten and _is_free(world, one)]
    # Copies may still know it as that of another entity.
    told += [Erasure(split(one)[0], identify.of_entity(one), ()) for one in free]
    forgotten += free
    if relation is None:
        unknown = keys
        forgotten += [one for one in keys if one not in forgotten]
    log.forget_entities(forgotten)
    log.forget_names(forgotten)
    emptied = (key, *merged) if key not in world.names else ()
    left = [
        after_erasure(
            record,
            erased,
            passed,
            unknown=unknown,
            nameless=forgotten,
            emptied=emptied,
            identify=identify,
        )
        for record in world.merges
    ]
    world.merges = [record for record in left if record is not None]
    return n_erased, told


def _erasure_of_passed(
    world: GraphWorld, key: str, versions: Iterable[PastVersion], identify: FactIds
) -> list[Erasure]:
    """What the feed tells of versions that are gone from the past of an entity that stays."""
    _, now, past = world.versions(key)
    staying = [*now, *(old.fact for old in past)]
    told = ids_that_went(key, (old.fact for old in versions), staying, identify)
    return [Erasure(split(key)[0], identify.of_entity(key), told)] if told else []


def _is_free(world: GraphWorld, name: str) -> bool:
    """True where a scoped key is no entity and names none."""
    return not (name in world.aliases or name in world.names or name in world.past)


def _merged_into(world: GraphWorld, key: str) -> list[str]:
    """Return what was merged into an entity, and into that before.

    One that has facts of its own again is another entity.
    """
    found = [key]
    for one in found:
        found += [
            record.merged
            for record in world.merges
            if record.kept == one
            and record.stands
            and record.merged not in found
            and record.merged not in world.names
        ]
    return found[1:]
