"""What one epoch draws of the documents: shards, each augmented and encoded on its own.

All draws depend on the seed, the epoch's number and the shard alone, so that any process may make
any of them, now or again later.
"""

from __future__ import annotations

import gc
import os
import random
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamlam.ending_signals import leave_to_parent
from lamlam.trainer.augmentation import NO_AUGMENTATION, titles_by_kind
from lamlam.trainer.documents import Document
from lamlam.trainer.packing import EncodedDocument, PackedRows, augment_and_encode, pack
from lamlam.trainer.paused_collection import paused_collection
from lamlam.trainer.replay import draw_replay
from lamlam.trainer.settings import Settings
from lamlam.trainer.synthetic.documents import invent
from lamlam.trainer.synthetic.worded.fact_lines import worded_writer
from lamlam.trainer.tokenizer import LmlmTokenizer

_BETWEEN_SOURCES = 15_485_863
"""Between the seeds of two sources of a mixture."""


@dataclass(frozen=True, slots=True)
class DocumentSource:
    """Documents that are drawn alike."""

    name: str
    """What messages call it: the setting and its file."""
    documents: Sequence[Document]
    weight: float = 1.0
    """How often an epoch sees each document."""
    is_replay: bool = False
    """Ordinary text: learnt as it stands, without lookups."""


@dataclass(frozen=True, slots=True)
class Draw:
    """One shard of one epoch."""

    source: int
    indices: NDArray[np.int64]
    """Which documents of the source, in order."""
    n_invented: int
    n_worded: int
    seed: int


def draws_of_epoch(
    settings: Settings, sources: Sequence[DocumentSource], number: int, shard: int
) -> list[Draw]:
    """Return the draws of one epoch.

    A source is gone through in turns, each in another order. An epoch takes as many documents of
    a turn as the weight says, and the next epoch goes on behind them.

    Args:
        number: of the epoch, from 0.
        shard: documents of one draw.
    """
    draws: list[Draw] = []
    for i, source in enumerate(sources):
        n = len(source.documents)
        start, stop = (round(epoch * source.weight * n) for epoch in (number, number + 1))
        more = (0.0, 0.0) if source.is_replay else (settings.data.invented, settings.data.worded)
        while start < stop:
            turn, first = divmod(start, n)
            last = min(n, first + stop - start)
            seed = settings.run.seed * 1_000_003 + turn * 7919 + i * _BETWEEN_SOURCES
            order = np.random.default_rng(seed).permutation(n)
            for begin in range(first, last, shard):
                chosen = order[begin : min(begin + shard, last)]
                n_invented, n_worded = (round(len(chosen) * share) for share in more)
                draws.append(Draw(i, chosen, n_invented, n_worded, seed * 65_537 + begin))
            start += last - first
    return draws


class Drawer:
    """Makes draws: documents of the sources to tokens. A worker process has one."""

    current: Drawer | None = None
    """That of this worker process."""

    def __init__(
        self,
        settings: Settings,
        sources: Sequence[DocumentSource],
        tokenizer: LmlmTokenizer,
        replay: Sequence[Document] = (),
    ) -> None:
        """Count the titles that documents may borrow, and the facts to write more about.

        Args:
            replay: of ``data.replay``: a share of each draw.
        """
        self.settings = settings
        self.sources = sources
        self.tokenizer = tokenizer
        self.replay = replay
        plain = settings.data.plain
        with paused_collection():
            self.titles = [
                {} if plain or source.is_replay else titles_by_kind(source.documents)
                for source in sources
            ]
            self.worded = [
                worded_writer(settings.data, () if source.is_replay else source.documents)
                for source in sources
            ]

    def documents(self, draw: Draw) -> list[EncodedDocument]:
        """Return the documents of a draw in the order in which they are packed."""
        documents = self._encode(draw)
        if self.replay and not self.sources[draw.source].is_replay:
            n_tokens = sum(len(document.tokens) for document in documents)
            documents += draw_replay(
                self.replay,
                self.settings.data.replay_share,
                n_tokens,
                self.tokenizer,
                draw.seed + 2,
                longest=self.longest,
                plain=self.settings.data.plain,
            )
            random.Random(draw.seed + 3).shuffle(documents)
        return documents

    def rows(self, draw: Draw) -> PackedRows:
        """Return the packed rows of a draw: rows are sent between processes, not documents."""
        return pack(
            self.documents(draw),
            self.settings.model.context,
            self.tokenizer.ids.end_of_text,
            self.settings.data.rows,
        )

    @property
    def longest(self) -> int | None:
        """Tokens from which on a document is read in parts."""
        settings = self.settings
        return settings.model.context if settings.data.rows == "documents" else None

    def _encode(self, draw: Draw) -> list[EncodedDocument]:
        rng = random.Random(draw.seed)
        source = self.sources[draw.source]
        documents = [source.documents[int(i)] for i in draw.indices]
        documents += [invent(rng) for _ in range(draw.n_invented)]
        documents += self.worded[draw.source].documents(rng, draw.n_worded)
        rng.shuffle(documents)
        plain = self.settings.data.plain
        # The no-lookup baseline learns values by heart, so its texts must keep their true names.
        augmentation = (
            NO_AUGMENTATION if plain or source.is_replay else self.settings.data.variation
        )
        return augment_and_encode(
            documents,
            self.tokenizer,
            augmentation,
            self.titles[draw.source],
            draw.seed + 1,
            plain=plain,
            longest=self.longest,
        )

    def for_workers(self) -> dict[str, Any]:
        """Return what `start_drawing` makes the same one of in another process."""
        # As text: what a fork shares with its parent may have locks that a thread of it held.
        tokenizer = self.tokenizer
        made_of = (tokenizer.full.to_str(), tokenizer.end_of_text, tokenizer.chat_template)
        return self.__dict__ | {"tokenizer": made_of}

    @classmethod
    def from_parent(cls, state: dict[str, Any]) -> Drawer:
        """Return the one whose `for_workers` this is."""
        from tokenizers import Tokenizer

        own = cls.__new__(cls)
        text, end_of_text, template = state["tokenizer"]
        own.__dict__.update(state)
        own.tokenizer = LmlmTokenizer(Tokenizer.from_str(text), end_of_text, template)
        return own


def start_drawing(state: dict[str, Any]) -> None:
    """Make this process one that draws.

    Args:
        state: of `Drawer.for_workers`.
    """
    gc.freeze()  # what it shares with its parent stays shared: looking for cycles writes into it
    # Each process encodes alone: threads inside would fight over the cores.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    leave_to_parent()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        # What ends torchrun ends its processes' workers too; the step that is finished needs rows.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Drawer.current = Drawer.from_parent(state)


def rows_in_worker(draw: Draw) -> PackedRows:
    """Return the rows of a draw; in a process that `start_drawing` began."""
    assert Drawer.current is not None
    return Drawer.current.rows(draw)
