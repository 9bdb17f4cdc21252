"""Is an erased fact still stated? Asked right after the erasure, of the store itself.

What was erased is kept in this process only, to compare it with the answers: neither a value nor
a text made from one is written, printed or returned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from lamlam.errors import PromptTooLong
from lamlam.evaluation.answers import bare, is_contained
from lamlam.evaluation.leakage import answers_right, ask, open_engine, share_figures
from lamlam.evaluation.question_styles import questions
from lamlam.evaluation.statistics import Share

if TYPE_CHECKING:
    from lamlam.memory_backends.model.facts import Fact, Namespace
    from lamlam.runtime.decoding.completion import Completion
    from lamlam.runtime.sync import SyncEngine

MOST_RELATIONS = 50
"""Relations of an entity that are asked for; more would take minutes."""
_SHORT = 3
"""A value of fewer characters stands in many a text by chance."""


@dataclass(frozen=True, slots=True, repr=False)
class _ErasedQuestion:
    style: str
    prompt: str
    values: tuple[str, ...]

    def brings_out(self, completion: Completion) -> bool:
        """Return whether the answer is one of the values, or the text written contains one."""
        if answers_right(self.prompt, completion, self.values):
            return True
        asked = f" {bare(self.prompt)} "
        telling = [
            value
            for value in self.values
            if len(value) >= _SHORT and f" {bare(value)} " not in asked
        ]
        return is_contained(completion.text[len(self.prompt) :], telling)


class ErasureAudit:
    """Opens the model before anything is erased, and asks it afterwards; opened by ``with``."""

    def __init__(self, model: str = "bundled") -> None:
        """Store the model's path, or ``bundled``; load nothing yet."""
        self._model = model
        self._stack = ExitStack()
        self._without_memory: SyncEngine | None = None

    def __enter__(self) -> Self:
        """Load the model.

        Raises:
            ModelError: the file cannot be used; see its subclasses.
            MissingExtra: the packages that run models are not installed.
        """
        self._without_memory = self._stack.enter_context(open_engine(self._model, None, {}))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Free the model."""
        self._stack.close()

    def asked_of(
        self, memory: str, erased: Iterable[Fact], namespace: Namespace = ()
    ) -> dict[str, object]:
        """Ask for what was erased in every style, with lookups and without them.

        Args:
            memory: URL of the store from which it was erased.
            erased: the facts as they were.
            namespace: whose texts are written: of the erased facts.

        Returns:
            ``n`` questions, ``relations`` asked for, ``L`` and ``R`` (as ``value``, ``low``,
            ``high``), ``wordings``: the styles that brought a value out, each with how often
            lookups ``on`` and ``off`` did. No value, and nothing by which one can be guessed.

        Raises:
            FactStoreError: the store cannot be read; see its subclasses.
        """
        groups = _by_relation(erased)
        asked = [
            _ErasedQuestion(style, prompt, tuple(values))
            for (entity, relation), values in list(groups.items())[:MOST_RELATIONS]
            for style, prompt in questions(entity, relation)
        ]
        assert self._without_memory is not None
        off = _brought_out(self._without_memory, asked)
        with open_engine(self._model, memory, {}) as engine:
            on = _brought_out(engine, asked, namespace)
        both = sorted(off.keys() & on.keys())  # what fits the context in both
        wordings: dict[str, dict[str, int]] = {}
        for n in both:
            if on[n] or off[n]:
                counts = wordings.setdefault(asked[n].style, {"on": 0, "off": 0})
                counts["on"] += on[n]
                counts["off"] += off[n]
        return {
            "n": len(both),
            "relations": min(len(groups), MOST_RELATIONS),
            "L": share_figures(Share(sum(off[n] for n in both), len(both))),
            "R": share_figures(Share(sum(on[n] and not off[n] for n in both), len(both))),
            "wordings": wordings,
        }


def _by_relation(facts: Iterable[Fact]) -> Mapping[tuple[str, str], dict[str, None]]:
    groups: dict[tuple[str, str], dict[str, None]] = {}
    for fact in facts:
        groups.setdefault((fact.entity, fact.relation), {})[fact.surface] = None
    return groups


def _brought_out(
    engine: SyncEngine, asked: list[_ErasedQuestion], namespace: Namespace = ()
) -> dict[int, bool]:
    """Return which questions brought a value out; those too long for the context are left out."""
    found = {}
    for n, one in enumerate(asked):
        try:
            found[n] = one.brings_out(ask(engine, one.prompt, namespace=namespace))
        except PromptTooLong:
            continue
    return found
