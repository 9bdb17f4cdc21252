"""Does a model forget what memory forgets? Questions asked in three states, and their figures.

FULL: memory whole. DEL-ON: the wanted fact deleted, lookups on. DEL-OFF: the same, lookups off.
L (leakage) is what the weights state without memory; R is what still comes back only because
lookups are on: from another entry, or from a value that memory offers in place of the wanted one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamlam.evaluation.answers import answer_of, is_contained, is_right
from lamlam.evaluation.asking import can_look_up
from lamlam.evaluation.engines import open_asked_engine
from lamlam.evaluation.statistics import Share

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from lamlam.memory_backends.model.facts import Namespace
    from lamlam.memory_backends.protocol import FactStore
    from lamlam.runtime.decoding.completion import Completion
    from lamlam.runtime.sync import SyncEngine

MOST_TOKENS = 24


@dataclass(frozen=True, slots=True)
class AuditOutcome:
    """How one question was answered in the three states."""

    style: str
    relation: str
    full: bool
    """Right with memory whole."""
    contains: bool
    """With memory whole the value stands somewhere in what was written."""
    del_on: bool
    """Right with the fact deleted and lookups on."""
    del_off: bool
    """Right with the fact deleted and lookups off."""

    @property
    def is_retrieved(self) -> bool:
        """Right only because lookups were on, though the fact was deleted."""
        return self.del_on and not self.del_off


def leakage_figures(outcomes: Sequence[AuditOutcome]) -> dict[str, object]:
    """Return ``n`` and the shares of each state, of L and of R, with their intervals."""
    return {
        "n": len(outcomes),
        "full": _share(one.full for one in outcomes),
        "contains": _share(one.contains for one in outcomes),
        "del_on": _share(one.del_on for one in outcomes),
        "del_off": _share(one.del_off for one in outcomes),
        "L": _share(one.del_off for one in outcomes),
        "R": _share(one.is_retrieved for one in outcomes),
    }


def share_figures(share: Share) -> dict[str, float]:
    """Return a share and its 95 % interval."""
    low, high = share.interval
    return {"value": round(share.value, 4), "low": round(low, 4), "high": round(high, 4)}


def grouped_figures(
    outcomes: Sequence[AuditOutcome], name_of: Callable[[AuditOutcome], str]
) -> dict[str, dict[str, object]]:
    """Return the same figures for each group of outcomes, groups in order of appearance."""
    groups: dict[str, list[AuditOutcome]] = {}
    for one in outcomes:
        groups.setdefault(name_of(one), []).append(one)
    return {name: leakage_figures(group) for name, group in groups.items()}


def open_engine(
    model: str,
    memory: str | FactStore | None,
    options: dict[str, Any],  # Any: checked by the engine
) -> AbstractContextManager[SyncEngine]:
    """Return an engine that is not open yet; a model without lookup tokens gets no memory."""
    if not can_look_up(model):
        plain = {**options, "plain": True}
        return open_asked_engine(model, None, plain)
    return open_asked_engine(model, memory, options)


def ask(
    engine: SyncEngine,
    prompt: str,
    max_tokens: int = MOST_TOKENS,
    namespace: Namespace = (),
    policy: str | None = None,
) -> Completion:
    """Return what the model writes after a prompt, greedily."""
    options: dict[str, Any] = {"namespace": namespace} if namespace else {}
    if policy is not None:
        options["policy"] = policy
    return engine.generate(prompt, max_tokens=max_tokens, **options)


def answers_right(prompt: str, completion: Completion, values: Iterable[str]) -> bool:
    """Return whether a completion answers its prompt with one of the values."""
    return is_right(answer_of(prompt, completion), values)


def contains_value(prompt: str, completion: Completion, values: Iterable[str]) -> bool:
    """Return whether one of the values stands in what was written after the prompt."""
    return is_contained(completion.text[len(prompt) :], values)


def _share(properties: Iterable[bool]) -> dict[str, float]:
    held = list(properties)
    return share_figures(Share(sum(held), len(held)))
