"""Texts with given lookups as tokens, and a context that scores them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from lamlam.trainer.lookup_format import Piece, PlainText
from lamlam.trainer.loss_masks import LookupIds, lookup_masks

if TYPE_CHECKING:
    from lamlam.runtime.decoding.vocabulary import Vocabulary
    from lamlam.runtime.llama.context import LlamaContext
    from lamlam.runtime.llama.model_file import CheckpointFile


@contextmanager
def open_for_scoring(model: str) -> Iterator[tuple[LlamaContext, Vocabulary, CheckpointFile]]:
    """Open a GGUF file, or the bundled one, in a context that keeps the logits of every token."""
    from lamlam.bundled.model_names import model_file
    from lamlam.errors import NoLookupTokens
    from lamlam.runtime.decoding.vocabulary import Vocabulary
    from lamlam.runtime.llama.context import open_context, open_model
    from lamlam.runtime.llama.probe import check_model
    from lamlam.usable_cpus import usable_cpus

    path = model_file(model)
    file = check_model(path)
    file.verify_weights()
    with open_model(file) as loaded:
        try:
            vocabulary = Vocabulary(loaded)
        except NoLookupTokens:
            vocabulary = Vocabulary(loaded, plain=True)
        with open_context(
            loaded,
            context=min(loaded.n_context_trained, 2048),
            n_sequences=1,
            n_batch=512,
            threads=usable_cpus(),
            all_outputs=True,
        ) as context:
            yield context, vocabulary, file


def tokens_of(pieces: Sequence[Piece], vocabulary: Vocabulary) -> list[int]:
    """Return a text's tokens as in training; without lookup tokens, the plain text's."""
    lookup = vocabulary.lookup
    tokens: list[int] = []
    run = ""
    for piece in pieces:
        if isinstance(piece, PlainText):
            run += piece.text  # a word that a fact ends inside stays one word
        elif lookup is not None:
            tokens += vocabulary.tokenize(run)
            run = ""
            for token, text in (
                (lookup.entity, piece.entity),
                (lookup.relationship, piece.relation),
                (lookup.return_, piece.value),
            ):
                tokens += [token, *vocabulary.tokenize(f" {text}")]
            tokens.append(lookup.end)
    return tokens + list(vocabulary.tokenize(run))


def likelihood_after(
    prompt: str, pieces: Sequence[Piece], vocabulary: Vocabulary, context: LlamaContext
) -> float:
    """Return how likely a text is after a prompt, per token (the geometric mean); 0 if empty.

    Only tokens of text count, and of each its probability among tokens of text: where a model would
    rather open a lookup, this takes nothing from them, so that texts with and without lookups
    can be compared. What does not fit the context is left out.
    """
    start = [vocabulary.bos] if vocabulary.bos >= 0 else []
    start += vocabulary.tokenize(prompt)
    tokens = [*start, *tokens_of(pieces, vocabulary)][: context.n_context]
    lookup = vocabulary.lookup
    scores = context.score(tokens, left_out=None if lookup is None else lookup.entity)
    counts = np.ones(len(tokens), bool)
    if lookup is not None:
        ids = LookupIds(
            lookup.entity, lookup.relationship, lookup.return_, lookup.end, vocabulary.bos
        )
        counts = lookup_masks(np.array(tokens), ids).text
    counts[: max(1, len(start))] = False
    counted = scores[counts[1:]]
    return math.exp(float(counted.mean())) if len(counted) else 0.0
