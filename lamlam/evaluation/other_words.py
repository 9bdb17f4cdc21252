"""Does the model state a fact that memory holds when it is asked in other people's words?

Protocol: items are drawn with a seed from a public set (`word_items`); memory holds
all facts of the chosen entities in that set and nothing else. Each prompt is completed
greedily, at most 24 new tokens. Then each is completed again while every fact of its
entity and relation is retracted: a value that memory states there now is false.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamlam.evaluation.asking import can_look_up
from lamlam.evaluation.progress import console
from lamlam.evaluation.word_items import (
    SetName,
    WordItem,
    choose_word_items,
    read_facts,
    read_labels,
)
from lamlam.evaluation.word_memory import WordStore, facts_of, more_facts, open_word_store
from lamlam.evaluation.word_scores import (
    WordScore,
    figures_by_relation,
    is_answered_near,
    score_line,
    score_next,
    word_figures,
)

MAX_WORD_TOKENS = 24


@dataclass(frozen=True, slots=True)
class WordSettings:
    """How a set is asked."""

    model: str = "bundled"
    policy: str | None = None
    memory_off: bool = False
    more_facts: int = 0
    """Further facts of each entity: values of relations that it lacks."""
    show_progress: bool = True
    engine_options: dict[str, Any] = field(default_factory=dict)  # checked by the engine


def evaluate_other_words(
    name: SetName,
    items_file: Path,
    *,
    labels: Path | None = None,
    items: int = 200,
    seed: int = 0,
    settings: WordSettings | None = None,
) -> dict[str, object]:
    """Return the shares of items that were right, and of those false with the fact retracted.

    Args:
        items_file: JSON lines of the set, plain, .gz or .xz; ``-`` is standard input.
        labels: names of the relations; by default ``labels.json`` beside the file.

    Raises:
        BadDocument: a file cannot be read, or is not of this set.
    """
    settings = settings or WordSettings()
    named = None if name == "questions" else read_labels(labels or _beside(items_file))
    facts = read_facts(name, items_file, named)
    chosen = choose_word_items(facts, items, seed, in_turn=name in ("pararel", "lre"))
    held = facts_of((item.fact.entity for item in chosen), facts)
    n_stated = len(held)
    held += more_facts(held, facts, settings.more_facts, seed)
    started = time.monotonic()
    is_off = settings.memory_off or not can_look_up(settings.model)
    if is_off:
        scores = ask_words(chosen, name, None, settings)
    else:
        with tempfile.TemporaryDirectory() as folder, open_word_store(folder, held) as store:
            scores = ask_words(chosen, name, store, settings)
    return {
        **word_figures(scores),
        "seconds": round(time.monotonic() - started, 2),
        "memory_scope": "off" if is_off else _scope(n_stated, len(held), chosen),
        "more_facts": settings.more_facts,
        "by_relation": figures_by_relation(scores),
        "outcomes": {one.item.key: one.score.exact for one in scores},
    }


def ask_words(
    items: Sequence[WordItem], name: SetName, store: WordStore | None, settings: WordSettings
) -> list[WordScore]:
    """Return the score of each item: asked with its fact in memory, then without it.

    Args:
        store: None forbids lookups.
    """
    from lamlam.runtime.sync import SyncEngine

    options: dict[str, Any] = dict(settings.engine_options)
    if store is None and not can_look_up(settings.model):
        options["plain"] = True
    rule = score_line if name == "questions" else score_next
    ask: dict[str, Any] = {"max_tokens": MAX_WORD_TOKENS, "policy": settings.policy}
    with SyncEngine(settings.model, store.url if store else None, **options) as engine:
        scores = [
            rule(item, engine.generate(item.prompt, **ask))
            for item in _shown(items, "fact held", settings)
        ]
        false = []
        for item in _shown(items, "fact retracted", settings) if store is not None else ():
            with _without(store, item):
                false.append(is_answered_near(item.prompt, engine.generate(item.prompt, **ask)))
    false = false or [False] * len(items)
    return [WordScore(*one) for one in zip(items, scores, false, strict=True)]


def _without(store: WordStore | None, item: WordItem) -> AbstractContextManager[None]:
    return store.without(item.fact.entity, item.fact.relation) if store else nullcontext()


def _shown(items: Sequence[WordItem], what: str, settings: WordSettings) -> Iterable[WordItem]:
    from rich.progress import track

    hidden = not settings.show_progress
    return track(items, what, console=console(), disable=hidden, transient=True)


def _beside(items_file: Path) -> Path:
    return items_file.with_name("labels.json")


def _scope(n_stated: int, n_all: int, items: Sequence[WordItem]) -> str:
    n_entities = len({item.fact.entity for item in items})
    added = f" and {n_all - n_stated} more" if n_all > n_stated else ""
    return f"{n_stated} facts of {n_entities} entities{added}"
