"""What the models write, verbatim: prompts of our own sets, drawn by seed, good and bad."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lamlam
from build_support.results.plan import ShownModel
from build_support.results.records import Record, digest, model_file, versions
from lamlam.evaluation.first_questions import AnsweredQuestion, FirstQuestion, read_first_questions
from lamlam.evaluation.invented import InventedItem, load_invented
from lamlam.evaluation.scoring import score

SEED = 0
OF_EACH = 10  # so many first questions, and so many prompts about invented entities
MAX_TOKENS = 24


def drawn(seed: int = SEED) -> tuple[list[FirstQuestion], list[InventedItem]]:
    """Return the prompts that a seed draws, the same for every model."""
    draw = random.Random(seed)
    questions, (_, items) = read_first_questions(), load_invented()
    return draw.sample(questions, OF_EACH), draw.sample(items, OF_EACH)


def outputs_identity(model: ShownModel, folder: Path) -> Record:
    """Return what says whether a record of outputs is of this model and these settings."""
    return {
        "model": model.name,
        "seed": SEED,
        "max_tokens": MAX_TOKENS,
        "model_sha256": digest(model_file(model.file, folder)),
        "versions": versions(),
    }


def write_outputs(model: ShownModel, folder: Path) -> Record:
    """Return the record of what a model writes behind the drawn prompts, facts in memory."""
    questions, items = drawn()
    file = str(model_file(model.file, folder))
    told = [*_answers(file, questions), *_invented(file, items)]
    return {**outputs_identity(model, folder), "outputs": told}


def _answers(file: str, questions: list[FirstQuestion]) -> Iterator[dict[str, Any]]:
    with (
        lamlam.SyncFactStore("bundled", read_only=True) as store,
        lamlam.SyncEngine(file, "bundled") as engine,
    ):
        for one in questions:
            right = one.right or tuple(store.lookup(one.entity, one.relation).values)
            done = engine.generate(one.prompt, max_tokens=MAX_TOKENS)
            yield _told(one.prompt, done, AnsweredQuestion(one, right, done).is_right)


def _invented(file: str, items: list[InventedItem]) -> Iterator[dict[str, Any]]:
    facts, _ = load_invented()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/facts.db"
        with lamlam.SyncFactStore(url) as store:
            store.apply(
                [
                    lamlam.Assert(
                        lamlam.Fact(entity=f.entity, relation=f.typed_relation, value=f.value)
                    )
                    for f in facts
                ]
            )
        with lamlam.SyncEngine(file, url) as engine:
            for one in items:
                done = engine.generate(one.prompt, max_tokens=MAX_TOKENS)
                yield _told(one.prompt, done, score(one.prompt, done, one.fact.value).exact)


def _told(prompt: str, done: lamlam.Completion, is_right: bool) -> dict[str, Any]:
    """Return what was written, in parts that say whether they are a value of memory."""
    parts = [
        [span.origin == "fact", done.text[span.start : span.end]]
        for span in done.spans
        if span.origin != "prompt"
    ]
    return {"prompt": prompt, "right": is_right, "parts": parts}
