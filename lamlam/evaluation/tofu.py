"""What can be had of TOFU: do recall and likelihood fall where facts are erased, and only there?

The model is not trained on TOFU's answers, as the paper's models are: facts that a rule finds
in them are put into a memory. Four states are compared: ``full`` (the facts of both sets of
invented authors), ``erased`` (the same memory, the authors of the set to forget erased),
``never`` (a memory that never held them) and ``off`` (no lookups).

Source: Maini et al. 2024 (arXiv 2401.06121).
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any, Literal

from rapidfuzz.distance import LCSseq

from lamlam.errors import UsageError
from lamlam.evaluation.asking import can_look_up
from lamlam.evaluation.kolmogorov_smirnov import ks_p_value, ks_statistic
from lamlam.evaluation.outcomes import item_id, share_fields
from lamlam.evaluation.scored_texts import likelihood_after, open_for_scoring
from lamlam.evaluation.stated_values import words_of
from lamlam.evaluation.statistics import Share
from lamlam.evaluation.tofu_facts import AnswerFact, AnswerText
from lamlam.evaluation.tofu_items import FORGET, RETAIN, TofuItem, first_of_each, read_tofu
from lamlam.progress_bars import tracked
from lamlam.trainer.lookup_format import LookupCall, Piece, PlainText

if TYPE_CHECKING:
    from lamlam.memory_backends.sync import SyncFactStore
    from lamlam.runtime.decoding.vocabulary import Vocabulary
    from lamlam.runtime.llama.context import LlamaContext

State = Literal["full", "erased", "never", "off"]
STATES: tuple[State, ...] = ("full", "erased", "never", "off")
QUESTION = "{question}"
TEMPLATE = QUESTION
MAX_ANSWER_TOKENS = 64


@dataclass(frozen=True, slots=True)
class AnswerScore:
    """What one state of the memory made of an item."""

    rouge_l: float
    """Share of the gold answer's words that the written one has in the same order."""
    recalled: bool
    """Every value of the item's facts stands in the written answer; false without facts."""
    recalled_asked: bool
    """The same for the facts that the question asks for."""
    likelihood: float
    """Of the gold answer, per token."""
    perturbed: tuple[float, ...]
    """Of each wrong answer, per token."""

    @property
    def truth_ratio(self) -> float | None:
        """Mean likelihood of the wrong answers over that of the gold one; ``None`` without them."""
        if not self.perturbed or not self.likelihood:
            return None
        return fmean(self.perturbed) / self.likelihood

    @property
    def choice(self) -> float | None:
        """The gold answer's share of the likelihood of all answers; ``None`` without wrong ones."""
        total = self.likelihood + sum(self.perturbed)
        return self.likelihood / total if self.perturbed and total else None


def evaluate_tofu(
    items_file: Path,
    *,
    items: int | None = 50,
    seed: int = 0,
    model: str = "bundled",
    plain: bool = False,
    template: str = TEMPLATE,
    show_progress: bool = True,
    **engine_options: Any,  # passed on to Engine: experiments vary its settings
) -> dict[str, object]:
    """Return recall and likelihood of each set in each state of the memory, and forget quality.

    Args:
        items_file: TOFU's items, as `tofu_items.read_tofu` reads them.
        items: how many of each set are asked, those with facts first; all with None. Memory
            holds the facts of all items.
        plain: run without memory; a model without lookup tokens always does.
        template: the prompt, with ``{question}`` where the question goes.

    Raises:
        UsageError: the template does not say where the question goes.
        BadDocument: the file cannot be read, or has no item of the set to forget.
    """
    if QUESTION not in template:
        raise UsageError(
            f"the template {template!r} has no question", hint="put {question} where it goes"
        )
    everything = read_tofu(items_file, seed)
    sets = first_of_each(everything, items)
    asked = [item for one in sets.values() for item in one]
    facts = [fact for item in everything for fact in item.facts]
    forgotten = {f.entity for item in everything if item.set_name == FORGET for f in item.facts}
    can = can_look_up(model)
    states: tuple[State, ...] = ("off",) if plain or not can else STATES
    options = dict(engine_options) if can else {**engine_options, "plain": True}
    asking = _TofuRun(model, template, show_progress, options)
    started = time.monotonic()
    scores: dict[State, list[AnswerScore]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        open_for_scoring(model) as (context, vocabulary, _),
    ):
        for state in states:
            url = None if state == "off" else f"sqlite:///{folder}/{state}.db"
            if url is not None:
                _fill(url, facts, forgotten, state)
            written = asking.write(asked, url, state)
            scores[state] = asking.score(asked, written, url, state, vocabulary, context)
    best = scores[states[0]]
    return {
        "n": len(asked),
        "facts": len({(f.entity, f.relation, f.value) for f in facts}) if "full" in states else 0,
        "states": list(states),
        "sets": {name: _figures(one, asked, scores) for name, one in sets.items()},
        "forget_quality": _quality(FORGET, asked, scores),
        "retain_shift": _quality(RETAIN, asked, scores),
        "seconds": round(time.monotonic() - started, 2),
        "outcomes": {
            item_id(item.question, item.answer): score.recalled_asked
            for item, score in zip(asked, best, strict=True)
            if item.asked
        },
    }


def rouge_l_recall(written: str, gold: str) -> float:
    """Return the share of the gold text's words that are in a common subsequence; 0 if empty.

    Source: Lin 2004 (ROUGE-L), without stemming.

    >>> rouge_l_recall("She was born in Lowmere", "Ada was born in Ostrava")
    0.6
    """
    wanted = words_of(gold)
    return LCSseq.similarity(words_of(written), wanted) / len(wanted) if wanted else 0.0


def _fill(url: str, facts: Iterable[AnswerFact], forgotten: set[str], state: State) -> None:
    """Put facts into a fresh store; what is to be erased is put in first, and then erased."""
    from lamlam.memory_backends.model.facts import Fact
    from lamlam.memory_backends.model.operations import Assert
    from lamlam.memory_backends.sync import SyncFactStore

    held = [fact for fact in facts if state != "never" or fact.entity not in forgotten]
    unique = dict.fromkeys((fact.entity, fact.relation, fact.value) for fact in held)
    with SyncFactStore(url) as store:
        store.apply(
            [Assert(Fact(entity=e, relation=r, value=v, source="TOFU")) for e, r, v in unique]
        )
        if state == "erased":
            for name in sorted(forgotten):
                store.erase(name, reason="evaluation")


@dataclass(frozen=True, slots=True)
class _TofuRun:
    """How questions are asked, whatever memory holds."""

    model: str
    template: str
    show_progress: bool
    engine_options: Mapping[str, Any]

    def write(self, items: Sequence[TofuItem], url: str | None, state: State) -> list[str]:
        """Return the first line that the model writes for each question, greedily."""
        from lamlam.runtime.sync import SyncEngine

        answers = []
        with SyncEngine(model=self.model, memory=url, **self.engine_options) as engine:
            for item in self._shown(items, f"{state}: writing"):
                prompt = self._prompt(item)
                text = engine.generate(prompt, max_tokens=MAX_ANSWER_TOKENS).text[len(prompt) :]
                answers.append(text.lstrip().partition("\n")[0])
        return answers

    def score(
        self,
        items: Sequence[TofuItem],
        answers: Sequence[str],
        url: str | None,
        state: State,
        vocabulary: Vocabulary,
        context: LlamaContext,
    ) -> list[AnswerScore]:
        """Return the scores of what was written, with the likelihoods of gold and wrong answers."""
        from lamlam.memory_backends.sync import SyncFactStore

        scores = []
        with nullcontext() if url is None else SyncFactStore(url) as store:
            shown = self._shown(items, f"{state}: reading")
            for item, written in zip(shown, answers, strict=True):
                prompt = self._prompt(item)
                gold, *wrong = (
                    likelihood_after(prompt, _pieces(sentence, store), vocabulary, context)
                    for sentence in (item.gold, *item.perturbed)
                )
                scores.append(
                    AnswerScore(
                        rouge_l_recall(written, item.answer),
                        _has_values(written, item.facts),
                        _has_values(written, item.asked),
                        gold,
                        tuple(wrong),
                    )
                )
        return scores

    def _shown(self, items: Sequence[TofuItem], what: str) -> Iterable[TofuItem]:
        return tracked(items, what, wanted=self.show_progress)

    def _prompt(self, item: TofuItem) -> str:
        return self.template.replace(QUESTION, item.question)


def _has_values(written: str, facts: Sequence[AnswerFact]) -> bool:
    seen = written.casefold()
    return bool(facts) and all(fact.value.casefold() in seen for fact in facts)


def _pieces(sentence: AnswerText, store: SyncFactStore | None) -> list[Piece]:
    """Return a sentence with a lookup before each of its values that memory answers."""
    text = f" {sentence.text}"
    pieces: list[Piece] = []
    end = 0
    for at, fact in sentence.places:
        value = store.lookup(fact.entity, fact.relation).value if store is not None else None
        if value is not None:
            before = text[end : at + 1]
            kept = before.removesuffix(" ")  # a lookup stands before the space of its value
            pieces += [PlainText(kept), LookupCall(fact.entity, fact.relation, value)]
            end += len(kept)
    return [*pieces, PlainText(text[end:])]


def _figures(
    chosen: Sequence[TofuItem],
    asked: Sequence[TofuItem],
    scores: Mapping[State, Sequence[AnswerScore]],
) -> dict[str, object]:
    """Return the figures of one set, state by state."""
    name = chosen[0].set_name
    result: dict[str, object] = {
        "n": len(chosen),
        "with_facts": sum(bool(item.facts) for item in chosen),
    }
    for state, every in scores.items():
        pairs = [pair for pair in zip(asked, every, strict=True) if pair[0].set_name == name]
        with_facts = [score for item, score in pairs if item.facts]
        mine = [score for _, score in pairs]
        figures: dict[str, object] = {
            "rouge_l": _mean(score.rouge_l for score in mine),
            "likelihood": _mean(score.likelihood for score in mine),
            "truth_ratio": _mean(score.truth_ratio for score in mine),
            "truth_ratio_median": _median(score.truth_ratio for score in mine),
            "choice": _mean(score.choice for score in mine),
        }
        asked_for = [score for item, score in pairs if item.asked]
        if asked_for:
            figures["recall_asked"] = share_fields(
                Share(sum(score.recalled_asked for score in asked_for), len(asked_for))
            )
        if with_facts:
            figures["recall"] = share_fields(
                Share(sum(score.recalled for score in with_facts), len(with_facts))
            )
            figures["rouge_l_with_facts"] = _mean(score.rouge_l for score in with_facts)
            figures["likelihood_with_facts"] = _mean(score.likelihood for score in with_facts)
        result[state] = figures
    return result


def _mean(values: Iterable[float | None]) -> float | None:
    given = [value for value in values if value is not None]
    return round(fmean(given), 4) if given else None


def _median(values: Iterable[float | None]) -> float | None:
    given = [value for value in values if value is not None]
    return round(median(given), 4) if given else None


def _quality(
    name: str, asked: Sequence[TofuItem], scores: Mapping[State, Sequence[AnswerScore]]
) -> dict[str, object] | None:
    """Return how the truth ratios of a set differ from those of a memory that never held its facts.

    ``p`` near 1: nothing tells them apart. ``same``: the share of items with equal ratios.
    """
    if "never" not in scores:
        return None
    result: dict[str, object] = {}
    ratios = {
        state: {
            n: ratio
            for n, (item, score) in enumerate(zip(asked, every, strict=True))
            if item.set_name == name and (ratio := score.truth_ratio) is not None
        }
        for state, every in scores.items()
    }
    never = ratios["never"]
    for state in ("erased", "full"):
        mine = ratios[state]
        both = mine.keys() & never.keys()
        same = sum(math.isclose(mine[n], never[n], rel_tol=1e-6) for n in both)
        result[state] = {
            "n": len(both),
            "statistic": round(ks_statistic(list(mine.values()), list(never.values())), 4),
            "p": float(f"{ks_p_value(list(mine.values()), list(never.values())):.3g}"),
            "same": round(same / len(both), 4) if both else None,
        }
    return result
