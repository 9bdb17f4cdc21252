"""How many items a second models complete: by turns in one process, so that all share its minutes."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from build_support.results.plan import Plan, ShownModel
from build_support.results.records import (
    NO_FILES,
    Files,
    Record,
    digest,
    model_file,
    versions,
)
from lamlam.evaluation.asking import MAX_TOKENS
from lamlam.evaluation.completion import Item, asked_with_facts, choose_items, fill_memory
from lamlam.evaluation.engines import EngineUse, asking_with, in_order, open_asked_engine
from lamlam.trainer.documents import read_documents

if TYPE_CHECKING:
    from lamlam.runtime.sync import SyncEngine

SPEED = "speed"  # the name of its record
SEED = 0
ASKING = EngineUse(at_once=8, threads=1, context=1024)


def speed_identity(plan: Plan, folder: Path, files: Files = NO_FILES) -> Record:
    """Return what says whether a record is of these models, data and settings."""
    speed = plan.speed
    assert speed is not None
    models = {
        one.name: digest(model_file(one, folder, files)) for one in _models(plan, speed.models)
    }
    return {
        "seed": SEED,
        "rounds": speed.rounds,
        "items": speed.items,
        "at_once": ASKING.at_once,
        "threads": ASKING.threads,
        "max_tokens": MAX_TOKENS,
        "models_sha256": models,
        "data_sha256": {speed.documents: digest(folder / speed.documents)},
        "versions": versions(),
    }


def measure_speed(plan: Plan, folder: Path, files: Files = NO_FILES) -> Record:
    """Complete held-out documents with each model by turns, and return the record.

    Facts are in memory, for a model that has none in the prompt. The order turns round by round.
    """
    speed = plan.speed
    assert speed is not None
    load, started = os.getloadavg()[0], time.monotonic()
    documents = list(read_documents(folder / speed.documents))
    chosen = choose_items(documents, (speed.rounds + 1) * speed.items, SEED)
    models = _models(plan, speed.models)
    rates: dict[str, list[float]] = {one.name: [] for one in models}
    with ExitStack() as stack:
        stack.enter_context(asking_with(ASKING))
        url = f"sqlite:///{stack.enter_context(tempfile.TemporaryDirectory())}/facts.db"
        fill_memory(url, documents)
        engines = {}
        for one in models:
            plain: dict[str, Any] = {} if one.facts == "memory" else {"plain": True}
            file = str(model_file(one, folder, files))
            memory = url if one.facts == "memory" else None
            engines[one.name] = stack.enter_context(open_asked_engine(file, memory, plain))
        for turn in range(speed.rounds + 1):
            items = chosen[turn * speed.items : (turn + 1) * speed.items]
            at = turn % len(models)
            for one in (*models[at:], *models[:at]):
                rate = _items_a_second(engines[one.name], items, one.facts == "prompt")
                if turn:  # the first round warms up
                    rates[one.name].append(round(rate, 4))
    return {
        **speed_identity(plan, folder, files),
        "n": speed.rounds * speed.items,
        "items_a_second": rates,
        "median": {name: round(statistics.median(one), 3) for name, one in rates.items()},
        "wall_seconds": round(time.monotonic() - started, 1),
        "load_before": round(load, 1),
    }


def ratios(record: Record, of: str, to: str) -> tuple[float, float, float]:
    """Return the least, the median and the greatest ratio of two models' rates, round by round."""
    rates = record["items_a_second"]
    each = sorted(a / b for a, b in zip(rates[of], rates[to], strict=True))
    return each[0], statistics.median(each), each[-1]


def _models(plan: Plan, names: Sequence[str]) -> list[ShownModel]:
    return [one for name in names for one in plan.models if one.name == name]


def _items_a_second(engine: SyncEngine, items: Sequence[Item], is_told: bool) -> float:
    prompts = [asked_with_facts(one) if is_told else one.prompt for one in items]
    started = time.monotonic()
    for _ in in_order(lambda prompt: engine.generate(prompt, max_tokens=MAX_TOKENS), prompts):
        pass
    return len(items) / (time.monotonic() - started)
