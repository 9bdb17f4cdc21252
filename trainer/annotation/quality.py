"""What an annotation is worth: coverage, facts a document, what was left out, and a sample."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from lamlam.trainer.annotation.coverage import Coverage, coverage_of
from lamlam.trainer.documents import Document, StatedFact

_AROUND = 160
"""Characters of text shown before and behind a value."""
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Annotation</title><style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem }
mark { background: #ffe08a } td { padding: 0 1rem 0 0; vertical-align: top }
li { margin-bottom: 1rem } small { color: #555 }
</style></head><body>
"""


@dataclass(frozen=True, slots=True)
class SampledSpan:
    """One added fact and the text around its value."""

    title: str
    fact: StatedFact
    before: str
    behind: str


@dataclass(slots=True)
class QualityReport:
    """Counts of an annotation, and spans drawn by seed; add one document after the other."""

    n_sampled: int = 50
    seed: int = 0
    documents: int = 0
    without_facts: int = 0
    facts: int = 0
    added: int = 0
    before: Coverage = field(default_factory=Coverage)
    after: Coverage = field(default_factory=Coverage)
    left_out: Counter[str] = field(default_factory=Counter)
    relations: Counter[str] = field(default_factory=Counter)
    entities: set[str] = field(default_factory=set)
    sample: list[SampledSpan] = field(default_factory=list)
    _rng: random.Random | None = None

    def add(self, before: Document, after: Document, left_out: Counter[str] | None = None) -> None:
        """Count a document.

        Args:
            before: as it was read.
            after: with the facts that were found.
            left_out: values that were left out, by reason.
        """
        self.documents += 1
        self.facts += len(after.facts)
        self.without_facts += not after.facts
        self.before.add(coverage_of(before))
        self.after.add(coverage_of(after))
        if left_out:
            self.left_out += left_out
        had = set(before.facts)
        for fact in after.facts:
            self.relations[fact.relation] += 1
            self.entities.add(fact.entity)
            if fact not in had:
                self.added += 1
                self._sample(after, fact)

    def _sample(self, document: Document, fact: StatedFact) -> None:
        """Keep each of the added facts with the same probability."""
        self._rng = self._rng or random.Random(self.seed)
        place = len(self.sample)
        if place >= self.n_sampled:
            place = self._rng.randrange(self.added)
            if place >= self.n_sampled:
                return
        end = fact.at + len(fact.value)
        span = SampledSpan(
            document.title,
            fact,
            document.text[max(0, fact.at - _AROUND) : fact.at],
            document.text[end : end + _AROUND],
        )
        self.sample[place : place + 1] = [span]

    def figures(self) -> dict[str, Any]:
        """Return the counts and shares."""
        return {
            "documents": self.documents,
            "facts": self.facts,
            "added": self.added,
            "facts_per_document": round(self.facts / max(1, self.documents), 3),
            "without_facts": self.without_facts,
            "entities_stated": len(self.entities),
            "years_covered": _rounded(self.after.of_years),
            "names_covered": _rounded(self.after.of_names),
            "years_covered_before": _rounded(self.before.of_years),
            "names_covered_before": _rounded(self.before.of_names),
            "years_stated": _rounded(self.after.of_stated_years),
            "names_stated": _rounded(self.after.of_stated_names),
            "years_stated_before": _rounded(self.before.of_stated_years),
            "names_stated_before": _rounded(self.before.of_stated_names),
            "years": self.after.years,
            "names": self.after.names,
            "left_out": dict(self.left_out.most_common()),
        }


def quality_page(figures: dict[str, Any], sample: Sequence[SampledSpan]) -> str:
    """Return the report as a page of HTML, in which nothing of a text is a tag."""
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(_shown(value))}</td></tr>\n"
        for name, value in figures.items()
    )
    items = "".join(map(_item, sample))
    return (
        f"{_HEAD}<h1>Annotation</h1>\n<table>\n{rows}</table>\n"
        f"<h2>{len(sample)} added facts, drawn at random</h2>\n<ol>\n{items}</ol>\n</body></html>\n"
    )


def _item(span: SampledSpan) -> str:
    fact = span.fact
    said = " · ".join(map(_visible, (fact.entity, fact.relation, fact.value)))
    return (
        f"<li><b>{said}</b> <small>in “{_visible(span.title)}” at {fact.at}</small><br>"
        f"{_visible(span.before)}<mark>{_visible(fact.value)}</mark>{_visible(span.behind)}</li>\n"
    )


# Characters that turn the direction of text, and controls: they can make a line read as another.
_HIDDEN = dict.fromkeys(
    {*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)} - {9, 10},
    "\ufffd",
)


def _visible(text: str) -> str:
    return escape(text.translate(_HIDDEN))


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {number:,}" for name, number in value.items()) or "nothing"
    return f"{value:,}" if isinstance(value, int) else "none" if value is None else str(value)


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
