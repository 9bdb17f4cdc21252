"""Keep answers to a length: what is left out is said, so that a model can ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamlam.agent_tools.results import FoundFact
from lamlam.cut_text import cut_text
from lamlam.memory_backends.model.early_moments import Instant
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.namespaces import written
from lamlam.memory_backends.model.stored_facts import StoredFact
from lamlam.memory_backends.model.timestamps import from_us
from lamlam.memory_backends.model.values import type_of, value_of

MAX_RESULT_CHARACTERS = 20_000
"""Of the texts of one answer, unless the tools are made with another limit."""
LEAST_RESULT_CHARACTERS = 500
_LEAST_TEXT = 100
_FRAME = 40
"""Characters that names of fields and marks of JSON take, about, for each text."""


class Fitting:
    """The room of one answer, which is used up as its parts are made."""

    def __init__(self, most: int, n_parts: int = 1) -> None:
        """Begin with an empty answer.

        Args:
            most: characters of all texts.
            n_parts: that are to share the room, so that one long text does not take all of it.
        """
        self._left = most
        self._longest = max(_LEAST_TEXT, most // max(1, min(n_parts, 10)))
        self._n_cut = 0

    def text(self, text: str) -> str:
        """Return a text, cut to its share of the room."""
        if len(text) > self._longest:
            self._n_cut += 1
            text = cut_text(text, self._longest)
        self._left -= len(text) + _FRAME
        return text

    def maybe(self, text: str | None) -> str | None:
        """Return a text as `text` does, or ``None``."""
        return None if text is None else self.text(text)

    @property
    def is_full(self) -> bool:
        """No other part has room."""
        return self._left < 0

    def said(self, what: str, n_shown: int, n_all: int, hint: str = "") -> str | None:
        """Return what is left out as one line, or ``None`` where nothing is.

        Args:
            what: the parts, in the plural.
            hint: how to get the others.
        """
        said = []
        if n_shown < n_all:
            said.append(f"{n_shown:,} of {n_all:,} {what} are shown{hint}")
        if self._n_cut:
            texts = "1 long text is" if self._n_cut == 1 else f"{self._n_cut} long texts are"
            said.append(f"{texts} cut to {self._longest:,} characters")
        return "; ".join(said) or None


def found_facts(facts: Sequence[Fact], fitting: Fitting) -> list[FoundFact]:
    """Return as many facts as have room, in their order."""
    shown: list[FoundFact] = []
    for fact in facts:
        one = found_fact(fact, fitting)
        if fitting.is_full and shown:
            break
        shown.append(one)
    return shown


def found_fact(fact: Fact, fitting: Fitting) -> FoundFact:
    """Return a fact as answers have it."""
    return FoundFact(
        entity=fitting.text(fact.entity),
        relation=fitting.text(fact.relation),
        value=fitting.text(fact.surface),
        source=fitting.maybe(fact.source),
        namespace=written(fact.namespace),
        fact_id=fact.id,
        **details(fact),
    )


def details(fact: Fact) -> dict[str, Any]:
    """Return what is said of a fact besides its value, but for what is usual."""
    kind = "text" if fact.value is fact.surface else fact.type.value
    return _said(kind, fact.confidence, fact.valid_from, fact.valid_to)


def stored_details(fact: StoredFact) -> dict[str, Any]:
    """Return the same of a fact as a store has it: to make a `Fact` takes longer than all else."""
    kind = type_of(value_of(fact.code, fact.value)).value if fact.code else "text"
    return _said(kind, fact.confidence, from_us(fact.valid_from), from_us(fact.valid_to))


def _said(
    kind: str, confidence: float, begin: Instant | None, end: Instant | None
) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if kind != "text":
        said["type"] = kind
    if confidence != 1.0:
        said["confidence"] = confidence
    if begin is not None:
        said["valid_from"] = begin.isoformat()
    if end is not None:
        said["valid_to"] = end.isoformat()
    return said
