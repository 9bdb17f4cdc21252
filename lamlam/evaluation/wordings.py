"""Does the model state facts that are asked for in hundreds of wordings, beside other facts?

The shipped set holds invented entities of many kinds with all their facts, and several
wordings for each relation, written before anything was measured with them. Every entity
keeps further facts beside the one that is asked, so a relation must be chosen by the words.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

from lamlam.evaluation.asking import can_look_up
from lamlam.evaluation.other_words import WordSettings, ask_words
from lamlam.evaluation.prompt_facts import IN_PROMPT, told_items
from lamlam.evaluation.word_items import Triple, WordFact, WordItem
from lamlam.evaluation.word_memory import WordStore, open_word_store
from lamlam.evaluation.word_scores import WordScore, own_values_stated, word_figures

T = TypeVar("T")
WORDINGS_FILE = Path(__file__).with_name("wordings.jsonl")
UNSEEN_FILE = Path(__file__).with_name("unseen.jsonl")
"""Sentences that training text never repeats; `make_unseen` writes it."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One way to ask for a relation."""

    id: str
    group: str
    """The entities that it can be asked of."""
    relation: str
    style: str
    form: str
    """``open``: the value is due right behind it; ``answer``: anywhere in the next line."""
    wording: str
    """``{E}`` stands for the entity, ``{e}`` for the entity in lower case."""

    def about(self, entity: str) -> str:
        """Return the prompt about an entity."""
        return self.wording.replace("{E}", entity).replace("{e}", entity.lower())


@dataclass(frozen=True, slots=True)
class WordedRelation:
    """What the entities of a group hold, and how people name it."""

    group: str
    relation: str
    """As Wikidata names it, or nearly so."""
    typed_relation: str
    """As a person would type it above a column."""
    family: str


@dataclass(frozen=True, slots=True)
class WordedEntity:
    """One entity and all that is true of it."""

    entity: str
    group: str
    has_typed_names: bool
    """Its facts are stored under the typed names: so are those of every second one."""
    facts: dict[str, str]
    """By the relations' first names."""


@dataclass(frozen=True, slots=True)
class WordingSet:
    """The shipped set."""

    entities: tuple[WordedEntity, ...]
    relations: dict[tuple[str, str], WordedRelation]
    """By group and relation."""
    wordings: tuple[Wording, ...]

    def stored_name(self, entity: WordedEntity, relation: str) -> str:
        """Return the name under which memory keeps the relation of an entity."""
        if not entity.has_typed_names:
            return relation
        return self.relations[entity.group, relation].typed_relation


@dataclass(frozen=True, slots=True)
class WordingItem:
    """One wording asked of one entity."""

    wording: Wording
    entity: WordedEntity
    family: str
    asked: WordItem


@cache
def load_wordings(path: Path = WORDINGS_FILE) -> WordingSet:
    """Return a shipped set."""
    groups: dict[str, list[WordedEntity]] = {}
    relations: dict[tuple[str, str], WordedRelation] = {}
    wordings: list[Wording] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        raw = json.loads(line)
        if "entity" in raw:
            group = groups.setdefault(raw["group"], [])
            group.append(WordedEntity(has_typed_names=len(group) % 2 == 1, **raw))
        elif "wording" in raw:
            wordings.append(Wording(**raw))
        else:
            relations[raw["group"], raw["relation"]] = WordedRelation(**raw)
    entities = tuple(entity for group in groups.values() for entity in group)
    return WordingSet(entities, relations, tuple(wordings))


def choose_wordings(all_of: WordingSet, items: int | None = None) -> list[WordingItem]:
    """Return the first items: groups and relations in turn, every wording once before any again.

    Args:
        items: None takes every wording once; more than that asks it of further entities.
    """
    of_group: dict[str, dict[str, list[Wording]]] = {}
    for one in all_of.wordings:
        of_group.setdefault(one.group, {}).setdefault(one.relation, []).append(one)
    entities: dict[str, list[WordedEntity]] = {}
    for entity in all_of.entities:
        entities.setdefault(entity.group, []).append(entity)
    rows = _in_turn([list(relations.values()) for relations in of_group.values()])
    chosen: list[WordingItem] = []
    for turn in range(max(map(len, entities.values()))):
        columns = []
        for row, wordings in enumerate(rows):
            able = entities[wordings[0].group]
            column = []
            for place in range(len(wordings)):
                one = wordings[(row + place) % len(wordings)]
                column.append(_item(all_of, one, able[(turn + row + place) % len(able)]))
            columns.append(column)
        chosen += _in_turn(columns)
    return chosen[: len(all_of.wordings) if items is None else items]


def facts_in_memory(
    all_of: WordingSet, chosen: Sequence[WordingItem], more_facts: int, seed: int
) -> list[Triple]:
    """Return the asked facts, and others of the same entities.

    Args:
        more_facts: an entity holds at least so many besides one that is asked,
            as far as the set has them.
    """
    draw = random.Random(seed)
    asked: dict[str, dict[str, None]] = {}
    entities = {one.entity.entity: one.entity for one in chosen}
    for one in chosen:
        asked.setdefault(one.entity.entity, {})[one.wording.relation] = None
    held: list[Triple] = []
    for name, entity in entities.items():
        others = [relation for relation in entity.facts if relation not in asked[name]]
        n_added = max(0, min(more_facts + 1 - len(asked[name]), len(others)))
        held += [
            (name, all_of.stored_name(entity, relation), entity.facts[relation])
            for relation in (*asked[name], *draw.sample(others, n_added))
        ]
    return held


def evaluate_wordings(
    *,
    items: int | None = None,
    seed: int = 0,
    settings: WordSettings | None = None,
    unseen: bool = False,
) -> dict[str, object]:
    """Return the shares of wordings that were answered right, and of those answered in vain.

    Args:
        items: how many; every wording once with None.
        seed: which further facts an entity holds.
        settings: `more_facts` is the least number of other facts that an asked entity holds.
        unseen: ask in the sentences that are kept apart from the training text.
    """
    settings = settings or WordSettings(more_facts=3)
    all_of = load_wordings(UNSEEN_FILE if unseen else WORDINGS_FILE)
    chosen = choose_wordings(all_of, items)
    held = facts_in_memory(all_of, chosen, settings.more_facts, seed)
    is_off = settings.memory_off or settings.facts_in_prompt or not can_look_up(settings.model)
    started = time.monotonic()
    if is_off:
        told = held if settings.facts_in_prompt else None
        scores = _ask(chosen, None, settings, told)
    else:
        with tempfile.TemporaryDirectory() as folder, open_word_store(folder, held) as store:
            scores = _ask(chosen, store, settings)
    own: dict[str, set[str]] = {}
    for entity, _, value in held:
        own.setdefault(entity, set()).add(value)
    return {
        **word_figures(scores),
        **own_values_stated(scores, own),
        "seconds": round(time.monotonic() - started, 2),
        "memory_scope": _scope(settings, is_off, f"{len(held)} facts of {len(own)} entities"),
        "more_facts": settings.more_facts,
        "by_style": _figures(chosen, scores, lambda one: one.wording.style),
        "by_family": _figures(chosen, scores, lambda one: one.family),
        "by_names": _figures(
            chosen, scores, lambda one: "typed" if one.entity.has_typed_names else "wikidata"
        ),
        "by_relation": _figures(chosen, scores, lambda one: one.asked.fact.group),
        "outcomes": {
            item.asked.key: one.score.exact for item, one in zip(chosen, scores, strict=True)
        },
    }


def _scope(settings: WordSettings, is_off: bool, facts: str) -> str:
    if settings.facts_in_prompt:
        return IN_PROMPT
    return "off" if is_off else facts


def _in_turn(lists: Sequence[Sequence[T]]) -> list[T]:
    """Return the first of each list, then the second of each, and so on."""
    return [one for each in zip_longest(*lists) for one in each if one is not None]


def _item(all_of: WordingSet, wording: Wording, entity: WordedEntity) -> WordingItem:
    """Return the item; its fact is named as memory names it, its group as the set does."""
    fact = WordFact(
        entity.entity,
        all_of.stored_name(entity, wording.relation),
        (entity.facts[wording.relation],),
        f"{wording.group}: {wording.relation}",
        (),
    )
    family = all_of.relations[wording.group, wording.relation].family
    return WordingItem(wording, entity, family, WordItem(wording.about(entity.entity), fact))


def _ask(
    chosen: Sequence[WordingItem],
    store: WordStore | None,
    settings: WordSettings,
    told: Sequence[Triple] | None = None,
) -> list[WordScore]:
    """Return a score each: open sentences by the next words, all others by the next line."""
    scores: dict[int, WordScore] = {}
    for form, rule in (("open", "pararel"), ("answer", "questions")):
        places = [i for i, one in enumerate(chosen) if one.wording.form == form]
        if places:
            asked = [chosen[i].asked for i in places]
            if told is not None:
                asked = told_items(asked, told)
            found = ask_words(asked, rule, store, settings)  # type: ignore[arg-type]
            scores.update(zip(places, found, strict=True))
    return [scores[i] for i in range(len(chosen))]


def _figures(
    chosen: Sequence[WordingItem],
    scores: Sequence[WordScore],
    group_of: Callable[[WordingItem], str],
) -> dict[str, dict[str, float]]:
    groups: dict[str, list[WordScore]] = {}
    for item, one in zip(chosen, scores, strict=True):
        groups.setdefault(group_of(item), []).append(one)
    return {group: word_figures(groups[group]) for group in sorted(groups)}
