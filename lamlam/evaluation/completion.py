"""Does the model write the right value where a document that it never saw states one?

Protocol: the items are the documents' facts that come from structured data and
stand behind the first 20 characters, shuffled with a seed, the first N. The
prompt is the text before the value; memory holds all facts of the given
documents and nothing else. Greedy, at most 40 new tokens. An item is exact when
the value occurs within the first ``len(value) + 2`` characters of what follows.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lamlam.errors import BadDocument
from lamlam.evaluation.scoring import Score, score, shares
from lamlam.trainer.documents import Document, StatedFact, read_documents

MAX_TOKENS = 40
FIRST_PLACE = 20
"""A value that stands before this offset leaves too little text to go by."""


@dataclass(frozen=True, slots=True)
class Item:
    """One value that the model is asked to write."""

    document: Document
    fact: StatedFact

    @property
    def prompt(self) -> str:
        """The text before the value, without trailing spaces."""
        return self.document.text[: self.fact.at].rstrip(" ")


def choose_items(documents: Sequence[Document], n: int, seed: int) -> list[Item]:
    """Return the first ``n`` items of the shuffled structured facts."""
    items = [
        Item(document, fact)
        for document in documents
        for fact in document.facts
        if fact.is_structured and fact.at > FIRST_PLACE
    ]
    random.Random(seed).shuffle(items)
    return items[:n]


def evaluate_completion(
    documents: Path,
    *,
    items: int = 300,
    seed: int = 0,
    model: str = "bundled",
    no_memory: bool = False,
    verbalise: str | None = None,
    show_progress: bool = True,
    **engine_options: Any,  # passed on to Engine: experiments vary its settings
) -> dict[str, object]:
    """Return the shares of items that were exact, looked up, fetched right and missed.

    Args:
        documents: a file as `trainer.documents` reads it.
        verbalise: ``copy`` or ``model``; with None the model's own way is
            measured, and ``exact_other_way`` gives the other one.

    Raises:
        BadDocument: the file holds no structured fact.
    """
    read = list(read_documents(documents))
    chosen = choose_items(read, items, seed)
    if not chosen:
        raise BadDocument(f"{documents} holds no structured fact to ask for")
    with tempfile.TemporaryDirectory() as folder:
        memory: str | None = None
        n_facts = 0
        if not no_memory:
            memory = f"sqlite:///{folder}/facts.db"
            n_facts = fill_memory(memory, read)
        started = time.monotonic()
        scores, way = _ask(chosen, model, memory, verbalise, show_progress, engine_options)
        seconds = time.monotonic() - started
        result: dict[str, object] = {
            "items": len(chosen),
            **shares([s for _, s in scores]),
            "seconds": round(seconds, 2),
            "memory_scope": "off" if no_memory else f"{n_facts} facts of {len(read)} documents",
            "verbalise": way,
            "by_source": _by_source(scores),
        }
        if verbalise is None and not no_memory:
            other: Literal["copy", "model"] = "model" if way == "copy" else "copy"
            again, _ = _ask(chosen, model, memory, other, show_progress, engine_options)
            result["exact_other_way"] = shares([s for _, s in again])["exact"]
    return result


def fill_memory(url: str, documents: Sequence[Document]) -> int:
    """Put every fact of the documents into a fresh store; returns how many."""
    from lamlam.memory_backends.facts import Fact
    from lamlam.memory_backends.operations import Assert
    from lamlam.memory_backends.sync import SyncFactStore

    facts = [
        Assert(Fact(entity=entity, relation=relation, value=value, source=document.source or None))
        for document in documents
        for entity, relation, value in document.triples()
    ]
    with SyncFactStore(url) as store:
        store.apply(facts)
    return len(facts)


def _ask(
    items: Sequence[Item],
    model: str,
    memory: str | None,
    verbalise: str | None,
    show_progress: bool,
    engine_options: dict[str, Any],
) -> tuple[list[tuple[Item, Score]], str]:
    from rich.progress import track

    from lamlam.evaluation.progress import console
    from lamlam.runtime.sync import SyncEngine

    if verbalise is not None:
        engine_options = {**engine_options, "verbalise": verbalise}
    scores = []
    with SyncEngine(model=model, memory=memory, **engine_options) as engine:
        for item in track(
            items, "asking", console=console(), disable=not show_progress, transient=True
        ):
            completion = engine.generate(item.prompt, max_tokens=MAX_TOKENS)
            scores.append((item, score(item.prompt, completion, item.fact.value)))
        way = engine.verbalise
    return scores, way


def _by_source(scores: Sequence[tuple[Item, Score]]) -> dict[str, dict[str, float]]:
    groups: dict[str, list[Score]] = {}
    for item, one in scores:
        groups.setdefault(item.document.source or "unnamed", []).append(one)
    return {
        source: {"items": len(group), "exact": round(sum(s.exact for s in group) / len(group), 4)}
        for source, group in sorted(groups.items())
    }
