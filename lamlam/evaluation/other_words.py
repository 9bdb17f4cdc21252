"""Does the model state a fact that memory holds when it is asked in other people's words?

Protocol: items are drawn with a seed from a public set (`word_items`); memory holds
all facts of the chosen entities in that set and nothing else. Each prompt is completed
greedily, at most 24 new tokens. Then each is completed again while every fact of its
entity and relation is retracted: a value that memory states there now is false.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamlam.errors import UsageError
from lamlam.evaluation.asking import can_look_up
from lamlam.evaluation.engines import in_order, open_asked_engine
from lamlam.evaluation.outcomes import difference_fields, read_outcomes
from lamlam.evaluation.prompt_facts import IN_PROMPT, told_items
from lamlam.evaluation.word_items import (
    NO_LABELS,
    SetName,
    Triple,
    WordFact,
    WordItem,
    choose_word_items,
    read_facts,
    read_labels,
)
from lamlam.evaluation.word_memory import (
    WordStore,
    facts_of,
    more_facts,
    open_word_store,
    other_entities,
    shuffled_values,
)
from lamlam.evaluation.word_priors import by_training_count, count_values, prior_figures
from lamlam.evaluation.word_scores import (
    Rule,
    WordScore,
    details_of,
    figures_by_relation,
    own_values_stated,
    score_first_words,
    score_line,
    score_next,
    share_of,
    word_figures,
    wrote_any,
)
from lamlam.progress_bars import tracked
from lamlam.runtime.decoding.constraint import Constraint

if TYPE_CHECKING:
    from lamlam.memory_backends.model.operations import Op

MAX_WORD_TOKENS = 24
MAX_PAPER_TOKENS = 32
CURVE = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Settings of `Constraint.relation_floor` at which coverage and false values are measured."""
PAPER_DIFFERENCES = (
    "no lookup is forced: the paper appends the token that opens one to each prompt",
    "memory holds the facts of the set, under their Wikidata names; "
    "the paper's holds what its annotator found in the same passages",
    "a name is resolved by spelling and synonyms; the paper takes the nearest vector above 0.6",
)


@dataclass(frozen=True, slots=True)
class WordSettings:
    """How a set is asked."""

    model: str = "bundled"
    policy: str | None = None
    memory_off: bool = False
    facts_in_prompt: bool = False
    """For plain models: what memory would hold of the item's entity stands above the prompt."""
    more_facts: int = 0
    """Further facts of each entity: values of relations that it lacks."""
    shuffled_values: bool = False
    """Each fact holds the value of another entity."""
    others: int | Iterable[Op] = 0
    """Other entities in the same memory: so many invented ones, or what puts facts into it."""
    paper: bool = False
    """The settings of the paper (arXiv 2505.15962) for its T-REx completions."""
    curve: bool = False
    """Measure coverage and false values at several settings of the constraint too."""
    training: Path | None = None
    """A corpus by whose facts the items are divided."""
    against: Path | None = None
    """What an earlier run printed."""
    details: bool = False
    """List what was written and asked where it was wrong or false."""
    show_progress: bool = True
    engine_options: dict[str, Any] = field(default_factory=dict)  # checked by the engine

    def __post_init__(self) -> None:
        """Refuse what makes no sense together."""
        for off in ("memory_off", "facts_in_prompt"):
            for name in ("shuffled_values", "curve"):
                if getattr(self, off) and getattr(self, name):
                    raise UsageError(f"{off} and {name} exclude each other")
        if self.paper and self.policy is not None:
            raise UsageError("paper has its own policy", hint="leave out policy")


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
        items_file: JSON lines of the set, plain, .gz, .xz or .bz2; ``-`` is standard input.
        labels: names of the relations; by default ``labels.json`` beside the file.

    Raises:
        BadDocument: a file cannot be read, or is not of this set.
        UsageError: settings that exclude each other, or an earlier run that cannot be compared.
    """
    settings = settings or WordSettings()
    # All files are read before the minutes of asking, so that a mistake is named at once.
    before = None if settings.against is None else read_outcomes(settings.against)
    beside = labels or items_file.with_name("labels.json")
    facts = read_facts(name, items_file, NO_LABELS if name == "questions" else read_labels(beside))
    chosen = choose_word_items(facts, items, seed, in_turn=name in ("pararel", "lre"))
    if before is not None and not before.keys() & {item.key for item in chosen}:
        raise UsageError(
            f"{settings.against} has none of these items",
            hint="compare runs of the same set, with the same seed",
        )
    counts = None if settings.training is None else count_values(settings.training, chosen)
    started = time.monotonic()
    scores, figures = _Asking(name, facts, chosen, seed, settings).run()
    outcomes = {item.key: one.score.exact for item, one in zip(chosen, scores, strict=True)}
    result: dict[str, object] = {
        **word_figures(scores),
        "seconds": round(time.monotonic() - started, 2),
        **figures,
        "more_facts": settings.more_facts,
        "by_relation": figures_by_relation(scores),
    }
    if counts is not None:
        result["by_training_count"] = by_training_count(scores, facts, counts)
    if settings.paper:
        result["differs_from_paper"] = list(PAPER_DIFFERENCES)
    if before is not None:
        result["against"] = difference_fields(outcomes, before)
    if settings.details:
        result["details"] = details_of(scores)
    return {**result, "outcomes": outcomes}


@dataclass(frozen=True, slots=True)
class _Asking:
    """One evaluation: a set, the items chosen from it, and how they are asked."""

    name: SetName
    facts: Sequence[WordFact]
    items: Sequence[WordItem]
    seed: int
    settings: WordSettings

    def run(self) -> tuple[list[WordScore], dict[str, object]]:
        """Return the score of each item, and the figures that depend on what memory held."""
        settings = self.settings
        stated = facts_of((item.fact.entity for item in self.items), self.facts)
        if settings.facts_in_prompt:
            added = more_facts(stated, self.facts, settings.more_facts, self.seed)
            told = told_items(self.items, [*stated, *added])
            scores = ask_words(told, self.name, None, settings)
            return scores, {"memory_scope": IN_PROMPT}
        if settings.memory_off or not can_look_up(settings.model):
            scores = ask_words(self.items, self.name, None, settings)
            return scores, {"memory_scope": "off", **prior_figures(scores, self.facts)}
        false: Mapping[Triple, str] = {}
        held = stated
        if settings.shuffled_values:
            false = shuffled_values(stated, self.facts, self.seed)
            held = [(entity, relation, value) for (entity, relation, _), value in false.items()]
        added = more_facts(stated, self.facts, settings.more_facts, self.seed)
        others = settings.others
        if isinstance(others, int):
            others = other_entities(others, self.facts, self.seed)
        with (
            tempfile.TemporaryDirectory() as folder,
            open_word_store(
                folder, [*held, *added], others, show_progress=settings.show_progress
            ) as store,
        ):
            scores = ask_words(self.items, self.name, store, settings, false)
            figures: dict[str, object] = {
                "memory_scope": self._scope(len(stated), len(added), store.n_others)
            }
            if settings.curve:
                figures["curve"] = [self._point(store, floor) for floor in CURVE]
        if settings.shuffled_values:
            figures["followed"] = share_of(scores, lambda one: one.is_followed).value
        else:
            own: dict[str, set[str]] = {}
            for entity, _, value in stated:
                own.setdefault(entity, set()).add(value)
            figures |= own_values_stated(scores, own)
        return scores, figures

    def _point(self, store: WordStore, floor: float) -> dict[str, float]:
        options = {**self.settings.engine_options, "constrain": Constraint(relation_floor=floor)}
        settings = replace(self.settings, engine_options=options)
        scores = ask_words(self.items, self.name, store, settings)
        return {
            "relation_floor": floor,
            "coverage": share_of(scores, lambda one: one.is_answered).value,
            **word_figures(scores),
        }

    def _scope(self, n_stated: int, n_added: int, n_others: int) -> str:
        n_entities = len({item.fact.entity for item in self.items})
        parts = [f"{n_stated} facts of {n_entities} entities"]
        if n_added:
            parts.append(f"{n_added} more of theirs")
        if n_others:
            parts.append(f"{n_others} of others")
        if self.settings.shuffled_values:
            parts[0] += ", values shuffled"
        return "; ".join(parts)


def ask_words(
    items: Sequence[WordItem],
    name: SetName,
    store: WordStore | None,
    settings: WordSettings,
    shuffled: Mapping[Triple, str] | None = None,
) -> list[WordScore]:
    """Return the score of each item, asked with its fact in memory, then without it.

    Args:
        name: by the rules of which set an answer is right.
        store: None forbids lookups.
        shuffled: the value that memory holds in place of each true one.
    """
    options = dict(settings.engine_options)
    if store is None and (settings.facts_in_prompt or not can_look_up(settings.model)):
        options["plain"] = True
    ask: dict[str, Any] = {"max_tokens": MAX_WORD_TOKENS}
    if settings.policy is not None:
        ask["policy"] = settings.policy
    if settings.paper:
        ask = {"max_tokens": MAX_PAPER_TOKENS, "policy": "paper"}
    rule = _rule(name, settings)
    false: dict[tuple[str, str], list[str]] = {}
    for (entity, relation, _), value in (shuffled or {}).items():
        false.setdefault((entity, relation), []).append(value)
    with open_asked_engine(settings.model, store.url if store else None, options) as engine:

        def asked(item: WordItem) -> WordScore:
            held = engine.generate(item.prompt, **ask)
            values = false.get((item.fact.entity, item.fact.relation), ())
            is_followed = wrote_any(rule, item, values, held)
            return WordScore(item, rule(item, held), held, is_followed=is_followed)

        scores = list(_shown(in_order(asked, items), "asking", len(items), settings))
        if store is None:
            return scores
        # Each is asked of a revision of its own, so that several can be asked at once.
        lacking = [store.revision_without(one.fact.entity, one.fact.relation) for one in items]

        def asked_without(n: int) -> WordScore:
            absent = engine.generate(items[n].prompt, as_of=lacking[n], **ask)
            return replace(scores[n], absent=absent)

        again = in_order(asked_without, range(len(items)))
        return list(_shown(again, "asking without the fact", len(items), settings))


def _rule(name: SetName, settings: WordSettings) -> Rule:
    if settings.paper:
        return score_first_words
    return score_line if name == "questions" else score_next


def _shown(
    scores: Iterable[WordScore], what: str, total: int, settings: WordSettings
) -> Iterable[WordScore]:
    return tracked(scores, what, wanted=settings.show_progress, total=total)
