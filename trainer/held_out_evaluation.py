"""Evaluation inside a run: held-out documents, teacher-forced.

Every token of a sample of the held-out documents is predicted from the true text
before it, each document by itself, and the likeliest token is compared with the one
that stands there. One pass says whether lookups are opened where one is due and
whether their keys are right, without generating anything. Nothing is drawn at random
and no weight is touched: the run goes on as if it had not been evaluated.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from lamlam.trainer.augmentation import NO_AUGMENTATION
from lamlam.trainer.documents import Document
from lamlam.trainer.endings import is_unfinished
from lamlam.trainer.loss_masks import LookupIds
from lamlam.trainer.model import next_token_loss
from lamlam.trainer.packing import IGNORED, EncodedDocument, augment_and_encode
from lamlam.trainer.ranks import Ranks
from lamlam.trainer.run_records.figures import HeldOutFigures
from lamlam.trainer.settings import Settings
from lamlam.trainer.sharding import ShardedLoss
from lamlam.trainer.tokenizer import LmlmTokenizer

log = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 28
"""Bytes of float32 logits that are in memory at once."""


@dataclass(frozen=True, slots=True)
class LookupPlace:
    """Where one lookup stands among the targets of a row."""

    opened: int
    """Of ``<|db_entity|>``."""
    relationship: int
    """Of ``<|db_relationship|>``, which ends the entity."""
    return_: int
    """Of ``<|db_return|>``, which ends the relation."""
    is_named: bool
    """Whether training would learn the entity: the text has named it before."""


def find_lookups(
    targets: NDArray[np.int64], labels: NDArray[np.int64], ids: LookupIds
) -> list[LookupPlace]:
    """Return the lookups of a row that are whole up to ``<|db_return|>``.

    Args:
        targets: (seq_len,) the next id at each place.
        labels: the same, `IGNORED` where the loss does not count.
    """
    found: list[LookupPlace] = []
    opened = relationship = -1
    for place in np.flatnonzero(np.isin(targets, (ids.entity, ids.relationship, ids.return_))):
        at, token = int(place), int(targets[place])
        if token == ids.entity:
            opened, relationship = at, -1
        elif token == ids.relationship and opened >= 0:
            relationship = at
        elif token == ids.return_ and relationship >= 0:
            is_named = bool((labels[opened + 1 : relationship] != IGNORED).all())
            found.append(LookupPlace(opened, relationship, at, is_named))
            opened = relationship = -1
    return found


@dataclass(frozen=True, slots=True)
class _HeldOutRows:
    """Documents of about one length, one a row, padded on the right."""

    inputs: NDArray[np.int64]
    """(rows, seq_len) ids."""
    labels: NDArray[np.int64]
    """(rows, seq_len) the next id, or `IGNORED`."""
    targets: NDArray[np.int64]
    """(rows, seq_len) the next id, also where the loss does not count; -1 behind the end."""
    lookups: list[list[LookupPlace]]


def sample_documents(documents: Sequence[Document], most: int) -> list[Document]:
    """Return at most so many documents, chosen by their titles and texts alone.

    Other runs, and files in another order, choose the same ones.
    """

    def number(document: Document) -> bytes:
        text = f"{document.title}\0{document.text}"
        return blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()

    return sorted(documents, key=number)[:most]


class HeldOutEvaluation:
    """Says how well a model predicts held-out documents and their lookups."""

    def __init__(
        self,
        documents: Sequence[Document],
        tokenizer: LmlmTokenizer,
        settings: Settings,
        model: PreTrainedModel,
        device: torch.device,
        ranks: Ranks | None = None,
        *,
        dtype: torch.dtype = torch.float32,
        parts: int = 1,
        sharded: ShardedLoss | None = None,
    ) -> None:
        """Encode the documents.

        Args:
            documents: held-out ones; ``run.evaluate_documents`` of them are used.
            ranks: processes that share the documents; all must evaluate alike.
            dtype: of the matrix products, as in training.
            parts: of a batch that memory has room for in training.
            sharded: the loss of the model where it is spread over processes.
        """
        self._ids = tokenizer.ids
        self._model = model
        self._device = device
        self._dtype = dtype
        self._autocast: Any = (
            nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)
        )
        self._ranks = ranks if ranks is not None else Ranks()
        self._loss_of: Callable[..., Tensor] = (
            partial(next_token_loss, model) if sharded is None else sharded.without_gradients
        )
        chosen = sample_documents(documents, settings.run.evaluate_documents)
        self._n_documents = len(chosen)
        encoded = _encode(chosen, tokenizer, settings)
        rows = max(1, settings.optimiser.batch_rows // self._ranks.world // parts)
        most_tokens = rows * settings.model.context
        self._batches = [
            self._as_rows(group) for group in _by_length(encoded, most_tokens)
        ]  # alike in all processes

    def __call__(self, step: int, tokens: int) -> HeldOutFigures | None:
        """Return the figures of the model as it is; None where there is no document.

        All processes must call this together.

        Args:
            step: after which the model is evaluated.
            tokens: trained on by then.
        """
        if not self._batches:
            return None
        begun = time.monotonic()
        was_training = self._model.training
        self._model.train(False)
        try:
            counts = self._counts()
        finally:
            self._model.train(was_training)
        loss, learnt, openings, lookups, opened, keys, right, entities, relations = counts

        def share(part: float, whole: float) -> float | None:
            return part / whole if whole else None

        return HeldOutFigures(
            step=step,
            tokens=tokens,
            held_out_loss=loss / learnt,
            keys_right=share(right, keys),
            lookups_opened=share(opened, lookups),
            openings_due=share(opened, openings),
            entities_right=share(entities, keys),
            relations_right=share(relations, lookups),
            n_documents=self._n_documents,
            n_lookups=round(lookups),
            n_keys=round(keys),
            evaluation_s=time.monotonic() - begun,
        )

    def _counts(self) -> list[float]:
        ranks = self._ranks
        total = torch.zeros(9, dtype=torch.float64, device=self._device)
        for first in range(0, len(self._batches), ranks.world):
            number = first + ranks.rank
            # Where a model is spread over processes, each must take part in every pass.
            is_counted = number < len(self._batches)
            counted = self._count(self._batches[number if is_counted else 0])
            if is_counted:
                total += torch.tensor(counted, dtype=torch.float64, device=self._device)
        figures: list[float] = ranks.sum(total).tolist()
        return figures

    def _count(self, rows: _HeldOutRows) -> list[float]:
        """Return the sums of one batch, in the order that `__call__` reads."""
        scores = _Scores()
        # Uncompiled: these shapes come once in hundreds of steps.
        eager = torch.compiler.set_stance("force_eager")
        with torch.no_grad(), self._autocast, eager:
            # Each row is one document, so that the causal kernel sees no other, nor the padding.
            loss = self._loss_of(
                torch.from_numpy(rows.inputs).to(self._device),
                torch.from_numpy(rows.labels).to(self._device),
                None,
                None,
                self._dtype,
                cross_entropy=scores,
            )
        likeliest = scores.likeliest().reshape(rows.targets.shape)
        is_right, is_learnt = likeliest == rows.targets, rows.labels != IGNORED
        counts = np.zeros(9)
        counts[0], counts[1] = float(loss), is_learnt.sum()
        counts[2] = ((likeliest == self._ids.entity) & is_learnt).sum()
        for right, lookups in zip(is_right, rows.lookups, strict=True):
            for one in lookups:
                entity = bool(right[one.opened + 1 : one.relationship + 1].all())
                relation = bool(right[one.relationship + 1 : one.return_ + 1].all())
                counts[3:] += (
                    1,
                    bool(right[one.opened]),
                    one.is_named,
                    one.is_named and entity and relation,
                    one.is_named and entity,
                    relation,
                )
        return [float(count) for count in counts]

    def _as_rows(self, documents: Sequence[EncodedDocument]) -> _HeldOutRows:
        ids = self._ids
        shape = (len(documents), max(len(document.tokens) for document in documents))
        inputs = np.full(shape, ids.end_of_text, dtype=np.int64)
        labels = np.full(shape, IGNORED, dtype=np.int64)
        targets = np.full(shape, -1, dtype=np.int64)
        for row, document in enumerate(documents):
            n = len(document.tokens)
            inputs[row, :n] = document.tokens
            targets[row, : n - 1] = document.tokens[1:]
            targets[row, n - 1] = ids.end_of_text
            counts = np.append(document.loss_mask[1:], document.end_in_loss)
            labels[row, :n] = np.where(counts, targets[row, :n], IGNORED)
        lookups = [find_lookups(*pair, ids) for pair in zip(targets, labels, strict=True)]
        return _HeldOutRows(inputs, labels, targets, lookups)


class _Scores:
    """Takes the place of the cross entropy: keeps the likeliest token of each place too."""

    def __init__(self) -> None:
        self._likeliest: list[Tensor] = []

    def __call__(self, hidden: Tensor, weight: Tensor, labels: Tensor) -> Tensor:
        matrix = weight.to(hidden.dtype)
        loss = torch.zeros((), device=hidden.device)
        rows = max(1, _CHUNK_BYTES // (4 * weight.shape[0]))
        for states, targets in zip(
            torch.split(hidden, rows), torch.split(labels, rows), strict=True
        ):
            logits = (states @ matrix.T).float()  # (chunk, vocabulary)
            self._likeliest.append(logits.argmax(dim=1))
            loss += torch.nn.functional.cross_entropy(
                logits, targets, ignore_index=IGNORED, reduction="sum"
            )
        return loss

    def likeliest(self) -> NDArray[np.int64]:
        """Return the likeliest next token of each place."""
        found: NDArray[np.int64] = torch.cat(self._likeliest).cpu().numpy()
        return found


def _encode(
    documents: Sequence[Document], tokenizer: LmlmTokenizer, settings: Settings
) -> list[EncodedDocument]:
    """Return the documents as training would read them, but for what it draws at random."""
    marked = [
        document
        if document.is_cut is not None
        else replace(document, is_cut=is_unfinished(document.text))
        for document in documents
    ]
    encoded = augment_and_encode(
        marked,
        tokenizer,
        NO_AUGMENTATION,
        {},
        seed=0,
        plain=settings.data.plain,
        longest=settings.model.context,
    )
    return [one for one in encoded if one.loss_mask[1:].any()]


def _by_length(
    documents: Sequence[EncodedDocument], most_tokens: int
) -> list[list[EncodedDocument]]:
    """Return groups of documents of about one length, of at most so many tokens each."""
    groups: list[list[EncodedDocument]] = []
    for document in sorted(documents, key=lambda one: -len(one.tokens)):
        longest = len(groups[-1][0].tokens) if groups else 0
        if not groups or (len(groups[-1]) + 1) * longest > most_tokens:
            groups.append([])
        groups[-1].append(document)
    return groups
