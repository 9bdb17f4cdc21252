"""Perplexity of texts that the model was not trained on, with and without facts from memory.

Three figures over the same tokens of ordinary text, as the paper defines them:

- static: the context has the lookups and values of the documents themselves;
- normalised: the loss of everything that is not masked (text, entities,
  relations, opening a lookup), divided by the number of text tokens;
- dynamic: the model decides itself when to look up, and reads what memory answers.

Source: Zhao et al. 2025 (arXiv 2505.15962); sums run over tokens, not over batches.
"""

from __future__ import annotations

import math
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lamlam.errors import BadDocument
from lamlam.evaluation.completion import fill_memory
from lamlam.evaluation.direct_request import write_text
from lamlam.evaluation.scored_texts import open_for_scoring, tokens_of
from lamlam.progress_bars import tracked
from lamlam.runtime.decoding.sampler_settings import SamplerSettings
from lamlam.runtime.decoding.sampling import Choice, Logits, Sampler
from lamlam.trainer.augmentation import NO_AUGMENTATION, augment
from lamlam.trainer.documents import Document, name_of, read_documents
from lamlam.trainer.loss_masks import LookupIds, lookup_masks

if TYPE_CHECKING:
    from lamlam.runtime.decoding.vocabulary import Vocabulary
    from lamlam.runtime.llama.context import LlamaContext


def evaluate_perplexity(
    documents: Path,
    *,
    items: int | None = None,
    model: str = "bundled",
    show_progress: bool = True,
) -> dict[str, object]:
    """Return the perplexities over documents, and ``per_byte`` to compare vocabularies by.

    Args:
        items: documents, in file order; all when None.

    Returns:
        ``static``, ``normalised``, ``dynamic``: perplexities per token (the last two None
        for a model without lookup tokens). ``per_byte``: bits per UTF-8 byte of the text
        that was read, with lookups of the model's own. What does not fit the context of a
        long document is left out; ``shortened`` counts these documents.

    Raises:
        BadDocument: there is no document, or none with text to predict.
    """
    read = list(read_documents(documents))[:items]
    if not read:
        raise BadDocument(f"{name_of(documents)} has no documents")
    started = time.monotonic()
    static = learnt = dynamic = 0.0
    n_static = n_dynamic = n_bytes = 0
    shortened = [False] * len(read)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_for_scoring(model) as (context, vocabulary, file),
    ):
        for i, document in enumerate(tracked(read, "given lookups", wanted=show_progress)):
            one = _score_given(document, vocabulary, context)
            shortened[i] = one[4]
            static, learnt, n_static = static + one[0], learnt + one[1], n_static + one[2]
            n_bytes += one[3]
        if n_static == 0:
            raise BadDocument(f"{name_of(documents)} has no text to predict")
        result: dict[str, object] = {
            "documents": len(read),
            "tokens": n_static,
            "static": round(math.exp(-static / n_static), 3),
            "normalised": None,
            "dynamic": None,
        }
        if vocabulary.lookup is None:
            dynamic = static
        else:
            n_bytes = 0
            url = f"sqlite:///{folder}/facts.db"
            fill_memory(url, read)
            reader = _DynamicReader(context, vocabulary, url, file.lookup_bias)
            with reader:
                for i, document in enumerate(tracked(read, "own lookups", wanted=show_progress)):
                    total, n, n_read, is_whole = reader.read(document.text)
                    shortened[i] |= not is_whole
                    dynamic, n_dynamic, n_bytes = dynamic + total, n_dynamic + n, n_bytes + n_read
            result["normalised"] = round(math.exp(-learnt / n_static), 3)
            result["dynamic"] = round(math.exp(-dynamic / n_dynamic), 3)
    result["per_byte"] = round(-dynamic / n_bytes / math.log(2), 4)
    result["shortened"] = sum(shortened)
    result["seconds"] = round(time.monotonic() - started, 2)
    return result


def _score_given(
    document: Document, vocabulary: Vocabulary, context: LlamaContext
) -> tuple[float, float, int, int, bool]:
    """Return what the given lookups make of a document.

    Log likelihoods of the text's tokens and of those in the loss, the text's tokens and
    bytes, and whether the document's end did not fit the context.
    """
    pieces = list(augment(document, random.Random(0), NO_AUGMENTATION, {}))
    start = [vocabulary.bos] if vocabulary.bos >= 0 else []
    tokens = [*start, *tokens_of(pieces, vocabulary)]
    is_shortened = len(tokens) > context.n_context
    tokens = tokens[: context.n_context]
    scores = context.score(tokens)
    lookup = vocabulary.lookup
    if lookup is None:
        total = float(scores.sum())
        return total, total, len(scores), _n_bytes(tokens[1:], vocabulary), is_shortened
    ids = LookupIds(lookup.entity, lookup.relationship, lookup.return_, lookup.end, vocabulary.bos)
    masks = lookup_masks(np.array(tokens), ids)
    text, counts = masks.text[1:], masks.loss[1:]
    n_bytes = _n_bytes(
        [t for t, is_text in zip(tokens[1:], text, strict=True) if is_text], vocabulary
    )
    likelihoods = float(scores[text].sum()), float(scores[counts].sum())
    return *likelihoods, int(text.sum()), n_bytes, is_shortened


def _n_bytes(tokens: Sequence[int], vocabulary: Vocabulary) -> int:
    return sum(len(vocabulary.piece(token)) for token in tokens)


class _Dictation(Sampler):
    """Writes a given text, but opens a lookup wherever the model would."""

    def __init__(self, tokens: Sequence[int], entity: int, n_tokens: int, end: int) -> None:
        super().__init__(SamplerSettings(), n_tokens)
        self.log_likelihood = 0.0
        self.n_written = 0
        self._tokens = tokens
        self._entity = entity
        self._end = end

    def pick(self, logits: Logits, choice: Choice, history: Sequence[int]) -> int:
        sampled = super().pick(logits, choice, history)
        if choice.is_key or sampled == self._entity:
            return sampled
        if self.n_written == len(self._tokens):
            return self._end
        token = self._tokens[self.n_written]
        top = float(logits.max())
        total = top + math.log(float(np.exp(logits.astype(np.float64) - top).sum()))
        self.log_likelihood += float(logits[token]) - total
        self.n_written += 1
        return token


class _DynamicReader:
    """Reads texts with lookups of the model's own; a context manager, since it opens a store."""

    def __init__(
        self, context: LlamaContext, vocabulary: Vocabulary, url: str, lookup_bias: float
    ) -> None:
        from lamlam.memory_backends.open import connect
        from lamlam.runtime.decoding.constraint import Constraint
        from lamlam.runtime.decoding.settings import TextSettings
        from lamlam.runtime.scheduling.scheduler import Scheduler

        assert vocabulary.lookup is not None
        self._vocabulary = vocabulary
        self._entity = vocabulary.lookup.entity
        self._end = min(vocabulary.eog_tokens)
        self._dictation: _Dictation | None = None
        self._store = connect(url)
        self._settings = TextSettings(
            max_tokens=1 << 30, verbalise="model", lookup_bias=lookup_bias
        )
        self._scheduler = Scheduler(
            context,
            vocabulary,
            self._store,
            is_fast=True,
            constraint=Constraint(),
            n_sequences=1,
            make_sampler=lambda settings, n_tokens: self._next(n_tokens),
        )
        self._text: tuple[int, ...] = ()

    def __enter__(self) -> _DynamicReader:
        return self

    def __exit__(self, *_: object) -> None:
        import anyio

        anyio.run(self._store.aclose)

    def read(self, text: str) -> tuple[float, int, int, bool]:
        """Return the log likelihood of the text's tokens, how many (and bytes) were read, if all."""
        self._text = self._vocabulary.tokenize(text)
        write_text(self._scheduler, "", self._settings)
        assert self._dictation is not None
        n = self._dictation.n_written
        n_bytes = _n_bytes(self._text[:n], self._vocabulary)
        return self._dictation.log_likelihood, n, n_bytes, n == len(self._text)

    def _next(self, n_tokens: int) -> _Dictation:
        self._dictation = _Dictation(self._text, self._entity, n_tokens, self._end)
        return self._dictation
