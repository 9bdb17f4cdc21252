"""How many of the names in texts `facts_about` finds, and how many of those found are right."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamlam.evaluation.set_files import read_items
from lamlam.evaluation.statistics import Share
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.progress_bars import tracked

MESSAGES_FILE = Path(__file__).with_name("name_messages.jsonl")
"""Written before anything was measured with it: possessives, names amid a sentence, two names, none,
and the author. ``names`` are the entities that a reader would have facts of."""
MESSAGE_FACTS_FILE = Path(__file__).with_name("name_messages_facts.jsonl")
AUTHOR = "Ada Quill"
"""Who writes the messages."""


@dataclass(frozen=True, slots=True)
class NamingText:
    """A text and the entities that it names."""

    text: str
    entities: frozenset[str]
    """By their canonical keys."""
    kind: str


def evaluate_names(
    items_file: Path | None = None,
    *,
    items: int = 2000,
    seed: int = 0,
    details: bool = False,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Return the recall and precision of the names that `facts_about` finds.

    Args:
        items_file: questions, each with a ``question`` and the one ``entity`` that it is about, as
            EntityQuestions has them; memory holds all entities of the file, and every second
            question is asked in lower case. ``None``: the messages that come with lamlam.
        items: how many of the questions, drawn with ``seed``.
        details: list the texts of which anything else was found.

    Returns:
        ``texts``, ``recall``, ``precision`` with intervals, and both ``by_kind``.

    Raises:
        BadDocument: the file cannot be read, or a line is not such a question.
    """
    if items_file is None:
        facts = [_fact(one.fields) for one in read_items(MESSAGE_FACTS_FILE)]
        texts = [
            NamingText(one.text("text"), _keys(one.texts("names")), one.text("kind"))
            for one in read_items(MESSAGES_FILE)
        ]
    else:
        facts, texts = _questions(items_file, items, seed)
    with tempfile.TemporaryDirectory(prefix="lamlam-names-") as folder:
        with SyncFactStore(f"sqlite:///{folder}/facts.db") as store:
            store.load(facts)
            found = [
                _keys(
                    name.entity
                    for name in store.facts_about(
                        one.text, me=AUTHOR if items_file is None else None
                    ).names
                )
                for one in tracked(texts, "reading texts", wanted=show_progress)
            ]
    return _figures(texts, found, details=details)


def _fact(fields: dict[str, Any]) -> Fact:
    return Fact(entity=fields["entity"], relation=fields["relation"], value=fields["value"])


def _keys(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(canonical_key, names))


def _questions(path: Path, items: int, seed: int) -> tuple[list[Fact], list[NamingText]]:
    lines = [(one.text("question"), one.text("entity")) for one in read_items(path)]
    names = dict.fromkeys(entity for _, entity in lines)
    facts = [Fact(entity=name, relation="known", value="yes") for name in names]
    chosen = random.Random(seed).sample(lines, min(items, len(lines)))
    return facts, [
        NamingText(question.lower(), _keys([entity]), "lower case")
        if n % 2
        else NamingText(question, _keys([entity]), "as written")
        for n, (question, entity) in enumerate(chosen)
    ]


def _figures(
    texts: Sequence[NamingText], found: Sequence[frozenset[str]], *, details: bool
) -> dict[str, Any]:
    kinds = dict.fromkeys(one.kind for one in texts)
    pairs = list(zip(texts, found, strict=True))
    figures = {
        "texts": len(texts),
        **_shares(pairs),
        "by_kind": {kind: _shares([p for p in pairs if p[0].kind == kind]) for kind in kinds},
    }
    if details:
        figures["wrong"] = [
            {
                "text": one.text,
                "missing": sorted(one.entities - names),
                "too_many": sorted(names - one.entities),
            }
            for one, names in pairs
            if names != one.entities
        ]
    return figures


def _shares(pairs: Sequence[tuple[NamingText, frozenset[str]]]) -> dict[str, Any]:
    right = sum(len(one.entities & names) for one, names in pairs)
    shares = {
        "recall": Share(right, sum(len(one.entities) for one, _ in pairs)),
        "precision": Share(right, sum(len(names) for _, names in pairs)),
    }
    return {
        name: value
        for what, share in shares.items()
        for name, value in (
            (what, round(share.value, 4) if share.n else None),
            (f"{what}_95", [round(end, 4) for end in share.interval]),
        )
    }
