"""Does the model state the cells of a table that are asked for by the heads of their columns?

The table is wide: a row an entity, its name first, then a column a relation. Each wording
has a place for the entity and one for the head. A value of another column that is marked
as a fact is the worst outcome: it reads as if memory had said it.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamlam.errors import BadDocument
from lamlam.evaluation.asking import can_look_up
from lamlam.evaluation.other_words import MAX_WORD_TOKENS, WordSettings
from lamlam.evaluation.scoring import Score
from lamlam.evaluation.statistics import Share
from lamlam.evaluation.word_items import Triple, WordFact, WordItem
from lamlam.evaluation.word_memory import WordStore, open_word_store
from lamlam.evaluation.word_scores import score_line, score_next, value_near
from lamlam.progress_bars import tracked
from lamlam.trainer.documents import name_of, open_text

if TYPE_CHECKING:
    from lamlam.runtime.decoding.completion import Completion

COUNTRIES_FILE = Path(__file__).with_name("countries.csv")
TABLE_WORDINGS_FILE = Path(__file__).with_name("table_wordings.txt")
_ANSWER_ENDS = ("?", ".", "!", "____", "Answer:", "A:")


@dataclass(frozen=True, slots=True)
class CellItem:
    """One cell asked in one wording."""

    number: int
    """Of the wording, from 1."""
    wording: str
    asked: WordItem


@dataclass(frozen=True, slots=True)
class CellScore:
    """What was written where the cell was asked for."""

    score: Score
    other: bool
    """The first value written as a fact is not the cell's."""
    later: int
    """Values of other cells written as facts behind the right one."""
    is_false: bool = False
    """With the cell retracted, a lookup was answered near the prompt's end."""


def read_cells(path: Path | str) -> list[Triple]:
    """Return the cells of a wide table as (entity, head, value); empty ones are left out.

    Raises:
        BadLine: a row is not of the table's form.
        BadDocument: the table has no cell.
    """
    from lamlam.memory_backends.fact_formats.fact_files import FactFile
    from lamlam.memory_backends.model.operations import Assert

    cells = [
        (one.fact.entity, one.fact.relation, str(one.fact.value))
        for one in FactFile(str(path), format=_format(path), wide=True)
        if isinstance(one, Assert)
    ]
    if not cells:
        raise BadDocument(
            f"{name_of(path)} has no cell",
            hint="expected a row an entity: its name, then a column a relation",
        )
    return cells


def read_table_wordings(path: Path | str) -> list[str]:
    """Return the wordings of a file, one a line; lines that begin with # are remarks.

    Raises:
        BadDocument: a line lacks the place of the entity or the head, or none is left.
    """
    wordings = []
    with open_text(path) as lines:
        for number, line in enumerate(lines, 1):
            wording = line.rstrip("\n").replace("\\n", "\n")
            if not wording.strip() or wording.startswith("#"):
                continue
            for place in ("{E}", "{R}"):
                if place not in wording and place.lower() not in wording:
                    raise BadDocument(
                        f"{name_of(path)}, line {number}: expected {place} or {place.lower()}",
                        hint="{E} stands for the entity, {R} for the head of the column",
                    )
            wordings.append(wording)
    if not wordings:
        raise BadDocument(f"{name_of(path)} has no wording")
    return wordings


def choose_cells(
    cells: Sequence[Triple], wordings: Sequence[str], n: int, seed: int
) -> list[CellItem]:
    """Return ``n`` items: the wordings in turn, each about a drawn cell."""
    draw = random.Random(seed)
    chosen = []
    for place in range(n):
        number = place % len(wordings)
        entity, head, value = draw.choice(cells)
        prompt = wordings[number]
        for name, text in (("{E}", entity), ("{R}", head)):
            prompt = prompt.replace(name, text).replace(name.lower(), text.lower())
        fact = WordFact(entity, head, (value,), head, ())
        chosen.append(CellItem(number + 1, wordings[number], WordItem(prompt, fact)))
    return chosen


def evaluate_table(
    file: Path | str = COUNTRIES_FILE,
    wordings_file: Path | str = TABLE_WORDINGS_FILE,
    *,
    items: int = 500,
    seed: int = 0,
    settings: WordSettings | None = None,
) -> dict[str, object]:
    """Return the share of cells that were stated, and how often another cell was instead.

    Raises:
        BadDocument: a file is not of its form.
    """
    settings = settings or WordSettings()
    cells = read_cells(file)
    chosen = choose_cells(cells, read_table_wordings(wordings_file), items, seed)
    started = time.monotonic()
    is_off = settings.memory_off or not can_look_up(settings.model)
    if is_off:
        scores = _ask(chosen, None, settings)
    else:
        with tempfile.TemporaryDirectory() as folder, open_word_store(folder, cells) as store:
            scores = _ask(chosen, store, settings)
    return {
        **_figures(scores),
        "seconds": round(time.monotonic() - started, 2),
        "memory_scope": "off" if is_off else f"{len(cells)} cells",
        "by_wording": _by(chosen, scores, lambda one: f"{one.number:02}"),
        "by_column": _by(chosen, scores, lambda one: one.asked.fact.relation),
        "outcomes": {
            one.asked.key: found.score.exact for one, found in zip(chosen, scores, strict=True)
        },
    }


def cell_score(item: CellItem, completion: Completion) -> CellScore:
    """Return what the completion made of the item.

    A cell with the same text as the asked one counts as that one: no reader can tell.
    """
    is_answer = item.wording.endswith(_ANSWER_ENDS)
    score = (score_line if is_answer else score_next)(item.asked, completion)
    (right,) = item.asked.fact.values
    facts = [completion.text[s.start : s.end] for s in completion.spans if s.origin == "fact"]
    values = [fact.strip() for fact in facts]
    return CellScore(
        score,
        other=bool(values) and values[0] != right,
        later=sum(value != right for value in values[1:]) if values[:1] == [right] else 0,
    )


def _ask(
    chosen: Sequence[CellItem], store: WordStore | None, settings: WordSettings
) -> list[CellScore]:
    """Return the score of each item: asked with its cell in memory, then without it."""
    from lamlam.runtime.sync import SyncEngine

    options: dict[str, Any] = dict(settings.engine_options)
    if store is None and not can_look_up(settings.model):
        options["plain"] = True
    ask: dict[str, Any] = {"max_tokens": MAX_WORD_TOKENS, "policy": settings.policy}
    with SyncEngine(settings.model, store.url if store else None, **options) as engine:
        scores = [
            cell_score(one, engine.generate(one.asked.prompt, **ask))
            for one in _shown(chosen, "cell held", settings)
        ]
        if store is None:
            return scores
        for place, one in enumerate(_shown(chosen, "cell retracted", settings)):
            with store.without(one.asked.fact.entity, one.asked.fact.relation):
                completion = engine.generate(one.asked.prompt, **ask)
            is_false = value_near(one.asked.prompt, completion) is not None
            scores[place] = replace(scores[place], is_false=is_false)
    return scores


def _shown(items: Sequence[CellItem], what: str, settings: WordSettings) -> Iterable[CellItem]:
    return tracked(items, what, wanted=settings.show_progress)


def _figures(scores: Sequence[CellScore]) -> dict[str, float]:
    right = Share(sum(one.score.exact for one in scores), len(scores))
    low, high = right.interval
    false = Share(sum(one.is_false for one in scores), len(scores))
    n = max(len(scores), 1)
    return {
        "n": len(scores),
        "right": right.value,
        "low": low,
        "high": high,
        "other_cell": sum(one.other for one in scores),
        "other_cell_later": sum(one.later for one in scores),
        "missed": sum(one.score.missed for one in scores) / n,
        "asked_nothing": sum(not one.score.lookup_issued for one in scores) / n,
        "false_when_absent": false.value,
        "false_low": false.interval[0],
        "false_high": false.interval[1],
    }


def _by(
    chosen: Sequence[CellItem],
    scores: Sequence[CellScore],
    group_of: Callable[[CellItem], str],
) -> dict[str, dict[str, float]]:
    groups: dict[str, list[CellScore]] = {}
    for item, one in zip(chosen, scores, strict=True):
        groups.setdefault(group_of(item), []).append(one)
    return {group: _figures(groups[group]) for group in sorted(groups)}


def _format(path: Path | str) -> str | None:
    return "csv" if str(path) == "-" else None
