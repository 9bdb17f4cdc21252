"""Does a model forget a fact of a store, once it is erased there? Asked of a sample of facts.

The store is copied, and its copy erased from: the store itself is only read. Each sampled
relation of an entity is asked for in every style of `question_styles`, in the three states of
`leakage`; the sampled ones are erased together. The rule of what is right is LMLMAudit's.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamlam.errors import BadDocument, PromptTooLong
from lamlam.evaluation.engines import in_order
from lamlam.evaluation.leakage import (
    AuditOutcome,
    answers_right,
    ask,
    contains_value,
    grouped_figures,
    leakage_figures,
    open_engine,
)
from lamlam.evaluation.outcomes import difference_fields, item_id, read_outcomes
from lamlam.evaluation.question_styles import questions
from lamlam.memory_backends.model.keys import canonical_key, relation_key
from lamlam.memory_backends.model.operations import AddAlias, Assert
from lamlam.progress_bars import progress_bar

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID  # noqa: TID251  # types alone

    from lamlam.memory_backends.fact_formats.format import Item
    from lamlam.memory_backends.model.facts import Fact, Namespace
    from lamlam.memory_backends.sync import SyncFactStore
    from lamlam.runtime.decoding.completion import Completion


@dataclass(frozen=True, slots=True)
class AskedRelation:
    """One relation of one entity, with all values that a store holds of it."""

    entity: str
    relation: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StyledQuestion:
    """One prompt that asks for it."""

    asked: AskedRelation
    style: str
    prompt: str


def evaluate_forgetting(
    memory: str,
    *,
    items: int = 50,
    seed: int = 0,
    model: str = "bundled",
    against: Path | None = None,
    show_progress: bool = True,
    namespace: Namespace = (),
    **engine_options: Any,  # passed on to Engine: experiments vary its settings
) -> dict[str, object]:
    """Return how often erased facts are still stated, by the weights (L) or through memory (R).

    Args:
        memory: URL of a store; the facts of one namespace are copied, it is only read.
        items: how many relations of entities are asked for, each in every style.
        against: JSON of an earlier run.
        namespace: whose facts.

    Returns:
        ``n`` prompts, ``items``, ``full``, ``contains``, ``del_on``, ``del_off``, ``L``, ``R``
        (each share as ``value``, ``low``, ``high``), ``by_style``, ``by_relation``,
        ``outcomes`` (with memory whole; ids are of prompts alone: one made of the value too
        would let anyone guess it back), ``against``, ``seconds``.

    Raises:
        BadDocument: the store holds no fact to ask for.
        FactStoreError: the store cannot be read; see its subclasses.
    """
    before = read_outcomes(against) if against is not None else None
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        progress_bar(wanted=show_progress) as progress,
    ):
        copy = f"sqlite:///{folder}/facts.db"
        task = progress.add_task("copying", total=None)
        sample = _copied(memory, copy, items, seed, namespace)
        asked = [
            StyledQuestion(one, style, prompt)
            for one in sample
            for style, prompt in questions(one.entity, one.relation)
        ]
        progress.update(task, description="asking", total=3 * len(asked))
        outcomes, kept = _ask_in_all_states(asked, copy, model, engine_options, progress, task)
    full = {
        item_id(one.prompt, ""): outcome.full for one, outcome in zip(kept, outcomes, strict=True)
    }
    result: dict[str, object] = {
        "model": model,
        "items": len(sample),
        **leakage_figures(outcomes),
        "by_style": grouped_figures(outcomes, lambda one: one.style),
        "by_relation": grouped_figures(outcomes, lambda one: one.relation),
        "seconds": round(time.monotonic() - started, 2),
        "outcomes": full,
    }
    if before is not None:
        result["against"] = difference_fields(full, before)
    return result


def _ask_in_all_states(
    asked: Sequence[StyledQuestion],
    memory: str,
    model: str,
    options: dict[str, Any],
    progress: Progress,
    task: TaskID,
) -> tuple[list[AuditOutcome], list[StyledQuestion]]:
    """Return the outcomes, and the questions of which they are: too long ones are left out."""

    def answers(url: str | None) -> list[Completion | None]:
        with open_engine(model, url, options) as engine:

            def answer(one: StyledQuestion) -> Completion | None:
                try:
                    return ask(engine, one.prompt)
                except PromptTooLong:
                    return None

            given: list[Completion | None] = []
            for completion in in_order(answer, asked):
                given.append(completion)
                progress.advance(task)
        return given

    whole = answers(memory)
    _erase(memory, [one.asked for one in asked])
    deleted = answers(memory)
    off = answers(None)
    outcomes, kept = [], []
    for one, *given in zip(asked, whole, deleted, off, strict=True):
        full, without, blind = given
        if full is None or without is None or blind is None:
            continue
        values = one.asked.values
        kept.append(one)
        outcomes.append(
            AuditOutcome(
                one.style,
                one.asked.relation,
                full=answers_right(one.prompt, full, values),
                contains=contains_value(one.prompt, full, values),
                del_on=answers_right(one.prompt, without, values),
                del_off=answers_right(one.prompt, blind, values),
            )
        )
    return outcomes, kept


def _erase(url: str, relations: Sequence[AskedRelation]) -> None:
    from lamlam.memory_backends.sync import SyncFactStore

    with SyncFactStore(url, create=False) as store:
        for one in dict.fromkeys(relations):
            store.erase(one.entity, one.relation)


def _copied(
    memory: str, copy: str, n: int, seed: int, namespace: Namespace = ()
) -> list[AskedRelation]:
    """Copy a namespace of a store, and return a sample of its relations of entities."""
    from lamlam.memory_backends.sync import SyncFactStore
    from lamlam.memory_backends.transfer import contents, put

    sampler = _Sampler(2 * n, seed)  # some are values of one relation
    with SyncFactStore(memory, create=False, read_only=True) as source, SyncFactStore(copy) as kept:
        put(kept, sampler.passing(map(_without_namespace, contents(source, namespace=namespace))))
        pairs = {
            (canonical_key(fact.entity), relation_key(fact.relation)): fact
            for fact in sampler.sample
        }
        found = [_asked(kept, fact) for fact in pairs.values()]
    sample = [one for one in found if one.values][:n]
    if not sample:
        raise BadDocument(
            "the store holds no fact to ask for", hint="lamlam facts stats counts what it holds"
        )
    return sample


def _without_namespace(item: Item) -> Item:
    """Return what is copied as the copy has it, which is of one namespace."""
    if isinstance(item, Assert):
        return Assert(item.fact.model_copy(update={"namespace": ()}))
    return replace(item, namespace=()) if isinstance(item, AddAlias) else item


def _asked(store: SyncFactStore, fact: Fact) -> AskedRelation:
    now = datetime.now(UTC)
    key = relation_key(fact.relation)
    values = {
        one.surface: None
        for one in store.scan(fact.entity, fact.relation, namespace=(), include_expired=True)
        if relation_key(one.relation) == key and _holds(one, now)
    }
    return AskedRelation(fact.entity, fact.relation, tuple(values))


def _holds(fact: Fact, now: datetime) -> bool:
    return (fact.valid_from is None or fact.valid_from <= now) and (
        fact.valid_to is None or now < fact.valid_to
    )


class _Sampler:
    """Draws some of the facts that pass by, each with the same chance, in a random order."""

    def __init__(self, n: int, seed: int) -> None:
        self._n = n
        self._draw = random.Random(seed)
        self._seen = 0
        self._sample: list[Fact] = []

    @property
    def sample(self) -> list[Fact]:
        """What was drawn so far, shuffled."""
        return self._draw.sample(self._sample, len(self._sample))

    def passing(self, items: Iterator[Item]) -> Iterator[Item]:
        """Yield the items as they come."""
        now = datetime.now(UTC)
        for item in items:
            if isinstance(item, Assert) and _holds(item.fact, now):
                self._note(item.fact)
            yield item

    def _note(self, fact: Fact) -> None:
        self._seen += 1
        if len(self._sample) < self._n:
            self._sample.append(fact)
        elif (at := self._draw.randrange(self._seen)) < self._n:
            self._sample[at] = fact
