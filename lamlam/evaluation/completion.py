"""Does the model write the right value where a document that it was not trained on states one?

Protocol: the items are the documents' facts that come from structured data and
come after the first 20 characters, shuffled with a seed, the first N. The
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
from functools import partial
from pathlib import Path
from typing import Any, Literal

from lamlam.errors import BadDocument
from lamlam.evaluation.asking import can_look_up, complete
from lamlam.evaluation.prompt_facts import with_facts
from lamlam.evaluation.scoring import Score, shares
from lamlam.trainer.documents import Document, StatedFact, name_of, read_documents

FIRST_PLACE = 20
"""A value before this offset leaves too short a prompt."""


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
    facts_in_prompt: bool = False,
    verbalise: str | None = None,
    show_progress: bool = True,
    **engine_options: Any,  # passed on to Engine: experiments vary its settings
) -> dict[str, object]:
    """Return the shares of items that were exact, looked up, fetched right and missed.

    ``too_long`` counts the items chosen whose prompt does not fit the model's context; they
    are not among ``items``.

    Args:
        documents: a file as `trainer.documents` reads it.
        model: any GGUF file; one without lookup tokens runs as a plain model, without memory.
        facts_in_prompt: for plain models: every fact of the document is put above the
            prompt, one a line. Turns memory off.
        verbalise: ``copy`` or ``model``; with None the model's own way is
            measured, and ``exact_other_way`` gives the other one.

    Raises:
        BadDocument: the file has no structured fact, or none whose prompt fits the context.
    """
    read = list(read_documents(documents))
    chosen = choose_items(read, items, seed)
    if not chosen:
        raise BadDocument(f"{name_of(documents)} has no structured fact to ask for")
    no_memory = no_memory or facts_in_prompt or not can_look_up(model)
    ask = partial(
        complete,
        [(asked_with_facts(i) if facts_in_prompt else i.prompt, i.fact.value) for i in chosen],
        model=model,
        show_progress=show_progress,
        engine_options=engine_options,
    )
    with tempfile.TemporaryDirectory() as folder:
        memory: str | None = None
        n_facts = 0
        if not no_memory:
            memory = f"sqlite:///{folder}/facts.db"
            n_facts = fill_memory(memory, read)
        started = time.monotonic()
        scores, way = ask(memory=memory, verbalise=verbalise)
        seconds = time.monotonic() - started
        scored = [score for score in scores if score is not None]
        if not scored:
            raise BadDocument(
                f"no prompt of {name_of(documents)} fits the model's context",
                hint="give shorter documents",
            )
        result: dict[str, object] = {
            "items": len(scored),
            "too_long": len(scores) - len(scored),
            **shares(scored),
            "seconds": round(seconds, 2),
            "memory_scope": _scope(n_facts, len(read), facts_in_prompt),
            "verbalise": way,
            "by_source": _by_source(chosen, scores),
        }
        if verbalise is None and not no_memory:
            other: Literal["copy", "model"] = "model" if way == "copy" else "copy"
            again, _ = ask(memory=memory, verbalise=other)
            result["exact_other_way"] = shares([score for score in again if score is not None])[
                "exact"
            ]
    return result


def fill_memory(url: str, documents: Sequence[Document]) -> int:
    """Put every fact of the documents into a fresh store; returns how many."""
    from lamlam.memory_backends.model.facts import Fact
    from lamlam.memory_backends.model.operations import Assert
    from lamlam.memory_backends.sync import SyncFactStore

    facts = [
        Assert(Fact(entity=entity, relation=relation, value=value, source=document.source or None))
        for document in documents
        for entity, relation, value in document.triples()
    ]
    with SyncFactStore(url) as store:
        store.apply(facts)
    return len(facts)


def asked_with_facts(item: Item) -> str:
    """Return the prompt of an item with all facts of its document above it."""
    return with_facts(item.prompt, item.document.triples())


def _scope(n_facts: int, n_documents: int, in_prompt: bool) -> str:
    if in_prompt:
        return "the document's facts, in the prompt"
    return f"{n_facts} facts of {n_documents} documents" if n_facts else "off"


def _by_source(
    items: Sequence[Item], scores: Sequence[Score | None]
) -> dict[str, dict[str, float]]:
    groups: dict[str, list[Score]] = {}
    for item, one in zip(items, scores, strict=True):
        if one is None:
            continue
        groups.setdefault(item.document.source or "unnamed", []).append(one)
    return {
        source: {"items": len(group), "exact": shares(group)["exact"]}
        for source, group in sorted(groups.items())
    }
