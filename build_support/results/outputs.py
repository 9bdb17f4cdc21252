"""What the models write, verbatim: prompts of our own sets, drawn by seed, good and bad."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lamlam
from build_support.results.plan import ShownModel
from build_support.results.records import (
    NO_FILES,
    Files,
    Record,
    digest,
    model_file,
    versions,
)
from build_support.results.speed import ASKING
from lamlam.evaluation.engines import asking_with, in_order, open_asked_engine
from lamlam.evaluation.first_questions import AnsweredQuestion, FirstQuestion, read_first_questions
from lamlam.evaluation.invented import InventedItem, load_invented
from lamlam.evaluation.scoring import score
from lamlam.evaluation.word_memory import open_word_store
from lamlam.evaluation.word_scores import score_line, score_next
from lamlam.evaluation.wordings import (
    WordingItem,
    choose_wordings,
    facts_in_memory,
    load_wordings,
)

SEED = 0
OF_EACH = 10  # so many of each of our three sets
MAX_TOKENS = 24


def drawn(seed: int = SEED) -> tuple[list[FirstQuestion], list[InventedItem], list[WordingItem]]:
    """Return the prompts that a seed draws, the same for every model."""
    draw = random.Random(seed)
    questions, (_, items) = read_first_questions(), load_invented()
    of_ours = draw.sample(questions, OF_EACH), draw.sample(items, OF_EACH)
    return *of_ours, draw.sample(choose_wordings(load_wordings()), OF_EACH)


def outputs_identity(model: ShownModel, folder: Path, files: Files = NO_FILES) -> Record:
    """Return what says whether a record of outputs is of this model and these settings."""
    return {
        "model": model.name,
        "seed": SEED,
        "max_tokens": MAX_TOKENS,
        "model_sha256": digest(model_file(model, folder, files)),
        "versions": versions(),
    }


def write_outputs(model: ShownModel, folder: Path, files: Files = NO_FILES) -> Record:
    """Return the record of what a model writes behind the drawn prompts, facts in memory."""
    questions, items, wordings = drawn()
    file = str(model_file(model, folder, files))
    with asking_with(ASKING):
        told = [*_answers(file, questions), *_invented(file, items), *_wordings(file, wordings)]
    return {**outputs_identity(model, folder, files), "outputs": told}


def _answers(file: str, questions: list[FirstQuestion]) -> Iterator[dict[str, Any]]:
    with (
        lamlam.SyncFactStore("bundled", read_only=True) as store,
        open_asked_engine(file, "bundled", {}) as engine,
    ):
        right = [one.right or store.lookup(one.entity, one.relation).values for one in questions]
        written = _written(engine, [one.prompt for one in questions])
        for one, values, done in zip(questions, right, written, strict=True):
            is_right = AnsweredQuestion(one, tuple(values), done).is_right
            yield _told(one.prompt, done, is_right)


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
        with open_asked_engine(file, url, {}) as engine:
            written = _written(engine, [one.prompt for one in items])
            for one, done in zip(items, written, strict=True):
                yield _told(one.prompt, done, score(one.prompt, done, one.fact.value).exact)


def _wordings(file: str, items: list[WordingItem]) -> Iterator[dict[str, Any]]:
    held = facts_in_memory(load_wordings(), items, 3, SEED)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_word_store(folder, held) as store,
        open_asked_engine(file, store.url, {}) as engine,
    ):
        written = _written(engine, [one.asked.prompt for one in items])
        for one, done in zip(items, written, strict=True):
            rule = score_next if one.wording.form == "open" else score_line
            yield _told(one.asked.prompt, done, rule(one.asked, done).exact)


def _written(engine: lamlam.SyncEngine, prompts: list[str]) -> Iterator[lamlam.Completion]:
    return in_order(lambda prompt: engine.generate(prompt, max_tokens=MAX_TOKENS), prompts)


def _told(prompt: str, done: lamlam.Completion, is_right: bool) -> dict[str, Any]:
    """Return what was written, in parts that say whether they are a value of memory."""
    parts = [
        [span.origin == "fact", done.text[span.start : span.end]]
        for span in done.spans
        if span.origin != "prompt"
    ]
    return {"prompt": prompt, "right": is_right, "parts": parts}
