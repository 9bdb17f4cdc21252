"""Does the model write facts about invented entities, right where such texts begin?

The shipped set holds facts about people, films, towns, firms and books that do
not exist, and prompts that end where one of the facts is due. All facts are
put into a fresh memory, under the relation names of training text or those
that people type; then each prompt is completed, greedily.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from lamlam.errors import UnknownOption
from lamlam.evaluation.asking import can_look_up, complete
from lamlam.evaluation.prompt_facts import with_facts
from lamlam.evaluation.scoring import Score, shares

INVENTED_FILE = Path(__file__).with_name("invented.jsonl")
Names = Literal["corpus", "typed"]


@dataclass(frozen=True, slots=True)
class InventedFact:
    """One fact of the set."""

    entity: str
    relation: str
    """As training text names it."""
    typed_relation: str
    """As people type it."""
    value: str


@dataclass(frozen=True, slots=True)
class InventedItem:
    """One prompt and the fact that is due after it."""

    prompt: str
    fact: InventedFact
    opening: str
    """The wording that the prompt is one of."""


@cache
def load_invented() -> tuple[tuple[InventedFact, ...], tuple[InventedItem, ...]]:
    """Return the shipped facts and items; any first N items are balanced over the openings."""
    facts: list[InventedFact] = []
    items: list[InventedItem] = []
    for line in INVENTED_FILE.read_text(encoding="utf-8").splitlines():
        fields: dict[str, str] = json.loads(line)
        prompt, opening = fields.pop("prompt", ""), fields.pop("opening", "")
        fact = InventedFact(**fields)
        if prompt:
            items.append(InventedItem(prompt, fact, opening))
        else:
            facts.append(fact)
    return tuple(facts), tuple(items)


def evaluate_invented(
    *,
    items: int | None = None,
    model: str = "bundled",
    names: str = "corpus",
    no_memory: bool = False,
    facts_in_prompt: bool = False,
    verbalise: str | None = None,
    show_progress: bool = True,
    **engine_options: Any,  # passed on to Engine: experiments vary its settings
) -> dict[str, object]:
    """Return the shares of items that were exact, looked up, fetched right and missed.

    Args:
        items: how many of the set's items; all with None.
        names: relation names in memory: ``corpus`` or ``typed``.
        facts_in_prompt: for plain models: the entity's facts are put above the prompt.
        verbalise: ``copy`` or ``model``; None takes the model's own way.

    Returns:
        ``items``, ``exact``, ``lookup_issued``, ``right_value``, ``missed``, ``seconds``
        (of the asking alone), ``names``, ``by_opening`` (exact for each opening).

    Raises:
        UnknownOption: ``names`` is neither.
    """
    if names not in ("corpus", "typed"):
        raise UnknownOption(f"unknown names {names!r}", hint="take corpus or typed")
    facts, all_items = load_invented()
    chosen = all_items[:items]
    with tempfile.TemporaryDirectory() as folder:
        memory: str | None = None
        if not (no_memory or facts_in_prompt) and can_look_up(model):
            memory = f"sqlite:///{folder}/facts.db"
            _type_in(memory, facts, names)
        started = time.monotonic()
        scores, _ = complete(
            [(_asked(item, facts, names, facts_in_prompt), item.fact.value) for item in chosen],
            model=model,
            memory=memory,
            verbalise=verbalise,
            show_progress=show_progress,
            engine_options=engine_options,
        )
        seconds = time.monotonic() - started
    return {
        "items": len(chosen),
        **shares([score for score in scores if score is not None]),
        "seconds": round(seconds, 2),
        "names": names,
        "by_opening": _by_opening(chosen, scores),
    }


def _asked(item: InventedItem, facts: Sequence[InventedFact], names: str, is_told: bool) -> str:
    if not is_told:
        return item.prompt
    own = [one for one in facts if one.entity == item.fact.entity]
    return with_facts(item.prompt, [(one.entity, _relation(one, names), one.value) for one in own])


def _relation(fact: InventedFact, names: str) -> str:
    return fact.typed_relation if names == "typed" else fact.relation


def _type_in(url: str, facts: tuple[InventedFact, ...], names: str) -> None:
    """Assert every fact of the set in the store."""
    from lamlam.memory_backends.model.facts import Fact
    from lamlam.memory_backends.model.operations import Assert
    from lamlam.memory_backends.sync import SyncFactStore

    with SyncFactStore(url) as store:
        store.apply(
            [
                Assert(
                    Fact(
                        entity=fact.entity,
                        relation=_relation(fact, names),
                        value=fact.value,
                        source="invented",
                    )
                )
                for fact in facts
            ]
        )


def _by_opening(items: Sequence[InventedItem], scores: Sequence[Score | None]) -> dict[str, float]:
    groups: dict[str, list[Score]] = {}
    for item, one in zip(items, scores, strict=True):
        if one is None:  # an opening fits any context that an engine opens with
            continue
        groups.setdefault(item.opening, []).append(one)
    return {opening: shares(group)["exact"] for opening, group in groups.items()}
