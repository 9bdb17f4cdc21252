"""LMLMAudit (arXiv 2607.00605): does a model forget a fact that its memory no longer holds?

Every prompt is asked in three states (`leakage`). Deleted is every triple of the database whose
subject, relation and object each equal the target's or one of its aliases; then it is put back,
so that each target is the only one that is missing. Greedy, at most 24 new tokens.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamlam.errors import BadDocument
from lamlam.evaluation.answers import bare, is_right
from lamlam.evaluation.asking import can_look_up
from lamlam.evaluation.audit_items import (
    AuditPrompt,
    AuditTarget,
    choose_prompts,
    read_database,
    read_prompts,
)
from lamlam.evaluation.engines import in_order, open_asked_engine
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
from lamlam.evaluation.prompt_facts import with_facts
from lamlam.memory_backends.model.keys import canonical_key, relation_key
from lamlam.progress_bars import progress_bar

if TYPE_CHECKING:
    from lamlam.memory_backends.model.facts import Fact
    from lamlam.memory_backends.protocol import FactStore
    from lamlam.memory_backends.sync import SyncFactStore
    from lamlam.runtime.decoding.completion import Completion
    from lamlam.runtime.sync import SyncEngine


def evaluate_audit(
    database: Path | str,
    prompts: Sequence[Path | str],
    *,
    model: str = "bundled",
    items: int | None = None,
    seed: int = 0,
    policy: str | None = None,
    facts_in_prompt: bool = False,
    against: Path | None = None,
    show_progress: bool = True,
    **engine_options: Any,  # passed on to Engine: experiments vary its settings
) -> dict[str, object]:
    """Return the shares of right answers in three states, leakage L and retrieved values R.

    Args:
        database: JSON of the reference implementation, as ``facts import --format lmlm`` reads.
        prompts: JSON lines with ``subject``, ``relation``, ``gold_object``, ``prompt_text`` and
            lists of aliases; a file's name is the style of its prompts.
        items: how many facts to audit, each in every style; all with None.
        policy: what follows a miss while lookups are on.
        facts_in_prompt: for plain models: what memory would hold of the subject stands above
            the prompt, and with lookups off nothing does.
        against: JSON of an earlier run of the same prompts.

    Returns:
        ``n``, ``full``, ``contains``, ``del_on``, ``del_off``, ``L``, ``R`` (each share as
        ``value``, ``low``, ``high``), ``class_prior`` (right if the commonest value of the
        relation in the database were always said), ``by_style``, ``outcomes`` (with memory
        whole), ``outcomes_del_on``, ``outcomes_del_off``, ``against``, ``seconds``.

    Raises:
        BadDocument: a file cannot be read or breaks its format, or there are no prompts.
        BadFact: the database is not one of the reference implementation.
    """
    before = read_outcomes(against) if against is not None else None
    facts = read_database(database)
    read = [one for path in prompts for one in read_prompts(path)]
    chosen = choose_prompts(read, items, seed)
    if not chosen:
        raise BadDocument("the prompt files hold no prompt")
    started = time.monotonic()
    with progress_bar(wanted=show_progress) as progress:
        task = progress.add_task("asking", total=3 * len(chosen))
        audit = _Audit(
            facts, chosen, model, policy, engine_options, partial(progress.advance, task)
        )
        outcomes = audit.told() if facts_in_prompt else audit.looked_up()
    ids = [item_id(one.prompt, one.target.values[0]) for one in chosen]
    full = {one: outcome.full for one, outcome in zip(ids, outcomes, strict=True)}
    result: dict[str, object] = {
        "database": Path(database).name,
        "model": model,
        **leakage_figures(outcomes),
        "class_prior": _class_prior(facts, chosen),
        "by_style": grouped_figures(outcomes, lambda one: one.style),
        "seconds": round(time.monotonic() - started, 2),
        "outcomes": full,
        "outcomes_del_on": {
            one: outcome.del_on for one, outcome in zip(ids, outcomes, strict=True)
        },
        "outcomes_del_off": {
            one: outcome.del_off for one, outcome in zip(ids, outcomes, strict=True)
        },
    }
    if before is not None:
        result["against"] = difference_fields(full, before)
    return result


@dataclass(frozen=True, slots=True)
class _Audit:
    """Prompts asked in the three states."""

    facts: Sequence[Fact]
    prompts: Sequence[AuditPrompt]
    model: str
    policy: str | None
    options: dict[str, Any]
    advance: Callable[[], None]

    def looked_up(self) -> list[AuditOutcome]:
        """Return the outcomes with the facts in a memory; a plain model has none in any state."""
        everywhere = range(len(self.prompts))
        if not can_look_up(self.model):
            with open_engine(self.model, None, self.options) as engine:
                off = self._asked(engine, everywhere)
            return self._outcomes(off, off, off)
        deleted: dict[int, Completion] = {}
        with _filled(self.facts) as (store, twin):
            with open_engine(self.model, store, self.options) as engine:
                whole = self._asked(engine, everywhere, self.policy)
                # Each target is deleted once and asked in all styles.
                for target, numbers in _by_target(self.prompts).items():
                    with _without(twin, self.facts, target):
                        deleted |= self._asked(engine, numbers, self.policy)
            with open_engine(self.model, None, self.options) as engine:
                off = self._asked(engine, everywhere)
        return self._outcomes(whole, deleted, off)

    def told(self) -> list[AuditOutcome]:
        """Return the outcomes with the facts above the prompts."""
        options = {**self.options, "plain": True}
        everywhere = range(len(self.prompts))
        whole = {n: self._told(n) for n in everywhere}
        deleted = {n: self._told(n, is_deleted=True) for n in everywhere}
        with open_asked_engine(self.model, None, options) as engine:
            return self._outcomes(
                *(self._asked(engine, everywhere, told=told) for told in (whole, deleted, None))
            )

    def _told(self, n: int, *, is_deleted: bool = False) -> str:
        """Return a prompt with the facts of its subject above it."""
        target = self.prompts[n].target
        subjects = {canonical_key(name) for name in target.subjects}
        own = [fact for fact in self.facts if canonical_key(fact.entity) in subjects]
        left = [fact for fact in own if not (is_deleted and target.covers(fact))]
        return with_facts(
            self.prompts[n].prompt, [(one.entity, one.relation, one.surface) for one in left]
        )

    def _asked(
        self,
        engine: SyncEngine,
        numbers: Sequence[int],
        policy: str | None = None,
        told: Mapping[int, str] | None = None,
    ) -> dict[int, Completion]:
        """Return what is written after these prompts, as if after the prompts as they stand."""

        def answer(n: int) -> Completion:
            prompt = self.prompts[n].prompt
            if told is None:
                return ask(engine, prompt, policy=policy)
            completion = ask(engine, told[n])
            return replace(completion, text=prompt + completion.text[len(told[n]) :])

        found = {}
        for n, completion in zip(numbers, in_order(answer, numbers), strict=True):
            found[n] = completion
            self.advance()
        return found

    def _outcomes(
        self,
        whole: Mapping[int, Completion],
        deleted: Mapping[int, Completion],
        off: Mapping[int, Completion],
    ) -> list[AuditOutcome]:
        outcomes = []
        for n, one in enumerate(self.prompts):
            values = one.target.values
            full, *others = (
                answers_right(one.prompt, told[n], values) for told in (whole, deleted, off)
            )
            contains = contains_value(one.prompt, whole[n], values)
            outcomes.append(
                AuditOutcome(one.style, one.target.relations[0], full, contains, *others)
            )
        return outcomes


def _by_target(prompts: Sequence[AuditPrompt]) -> dict[AuditTarget, list[int]]:
    numbers: dict[AuditTarget, list[int]] = {}
    for n, one in enumerate(prompts):
        numbers.setdefault(one.target, []).append(n)
    return numbers


@contextmanager
def _filled(facts: Sequence[Fact]) -> Iterator[tuple[FactStore, SyncFactStore]]:
    """Yield a store of this process with the facts, and its blocking twin."""
    from lamlam.memory_backends.model.operations import Assert
    from lamlam.memory_backends.open import connect
    from lamlam.memory_backends.sync import SyncFactStore

    store = connect("memory:")  # it has no file and no thread: there is nothing to close
    with SyncFactStore(store) as twin:
        twin.apply([Assert(fact) for fact in facts])
        yield store, twin


@contextmanager
def _without(store: SyncFactStore, facts: Sequence[Fact], target: AuditTarget) -> Iterator[None]:
    """Erase what states the target; put it back afterwards, values in their order."""
    from lamlam.memory_backends.model.operations import Assert

    doomed = [fact for fact in facts if target.covers(fact)]
    keys = {(canonical_key(fact.entity), relation_key(fact.relation)) for fact in doomed}
    touched = [
        fact for fact in facts if (canonical_key(fact.entity), relation_key(fact.relation)) in keys
    ]

    def rewrite(left: Sequence[Fact]) -> None:
        for name in {(fact.entity, fact.relation): None for fact in touched}:
            store.erase(*name)
        if left:
            store.apply([Assert(fact) for fact in left])

    rewrite([fact for fact in touched if fact not in doomed])
    try:
        yield
    finally:
        rewrite(touched)


def _class_prior(facts: Sequence[Fact], prompts: Sequence[AuditPrompt]) -> float:
    """Return the share that is right where each relation's commonest value is always said.

    What states the target does not count: of a relation with one fact there is nothing to guess.
    """
    guesses: dict[AuditTarget, str] = {}
    for target in _by_target(prompts):
        key = relation_key(target.relations[0])
        values = Counter(
            bare(fact.surface)
            for fact in facts
            if relation_key(fact.relation) == key and not target.covers(fact)
        )
        guesses[target] = values.most_common(1)[0][0] if values else ""
    right = sum(is_right(guesses[one.target], one.target.values) for one in prompts)
    return round(right / len(prompts), 4)
