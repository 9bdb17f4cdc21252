"""What share of an epoch each source makes up."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

import numpy as np

from lamlam.trainer.epoch_draws import Draw, Drawer
from lamlam.trainer.token_files.statistics import TokenCounts, count_by_source, sum_of
from lamlam.trainer.training_data import TrainingData

log = logging.getLogger(__name__)

_NUMBER = re.compile(r"data\.mixture\.(\d+)")
SAMPLE = 256
"""Documents of which the tokens of a source are estimated."""


@dataclass(frozen=True, slots=True)
class SourceShare:
    """One source of a run and what an epoch reads of it."""

    name: str
    weight: float
    documents: int
    """Documents of the source."""
    counts: TokenCounts
    """Of the documents that were counted: all, or a sample."""
    tokens: float
    """Tokens of it in an epoch of the run."""
    is_estimate: bool

    @property
    def number(self) -> int:
        """Place in the mixture; 0 of an only source."""
        return int((_NUMBER.match(self.name) or [0, 0])[1])

    def line(self, of: float) -> str:
        """Return it as a line of the log.

        Args:
            of: tokens of an epoch, all sources together.
        """
        about = "about " if self.is_estimate else ""
        times = "" if self.weight == 1 else f" x {self.weight:g}"
        counts = self.counts
        return (
            f"{self.name}: {self.documents:,} documents{times}, "
            f"{about}{self.tokens:,.0f} tokens an epoch ({self.tokens / max(of, 1e-9):.1%} of all), "
            f"{counts.learnt / max(counts.tokens, 1):.0%} learnt, "
            f"{counts.lookups / max(counts.documents, 1):.1f} lookups a document"
        )


def source_shares(data: TrainingData, drawer: Drawer) -> list[SourceShare]:
    """Return the share of each source; that of documents is estimated from a sample."""
    found: list[SourceShare] = []
    drawn_of = drawer.settings.data
    for i, source in enumerate(data.documents):
        n = len(source.documents)
        sample = np.random.default_rng(0).permutation(n)[:SAMPLE]
        more = (0.0, 0.0) if source.is_replay else (drawn_of.invented, drawn_of.worded)
        n_more = [round(len(sample) * share) for share in more]
        drawn = drawer.documents(Draw(i, sample, n_more[0], n_more[1], seed=0))
        counts = sum_of(count_by_source(drawn, drawer.tokenizer.ids.entity).values())
        tokens = counts.tokens / len(sample) * n * source.weight
        found.append(
            SourceShare(source.name, source.weight, n, counts, tokens, is_estimate=n > SAMPLE)
        )
    for files in data.tokens:
        counts, n_epochs = files.folder.counts, files.folder.n_epochs
        tokens = counts.tokens / n_epochs * files.weight
        n = counts.documents // n_epochs
        found.append(SourceShare(files.name, files.weight, n, counts, tokens, is_estimate=False))
    return sorted(found, key=lambda share: share.number)


def log_sources(data: TrainingData, drawer: Drawer) -> None:
    """Write to the log what an epoch reads of each source."""
    shares = source_shares(data, drawer)
    of = sum(share.tokens for share in shares)
    for share in shares:
        log.info("%s", share.line(of))
