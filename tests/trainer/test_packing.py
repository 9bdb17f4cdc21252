"""Rows hold every document once, whole, and learn what the pieces say."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lamlam.trainer.augmentation import NO_AUGMENTATION, Augmentation, augment
from lamlam.trainer.documents import Document
from lamlam.trainer.lookup_format import LookupCall, PlainText, strip_lookups
from lamlam.trainer.loss_masks import lookup_masks
from lamlam.trainer.packing import (
    IGNORED,
    EncodedDocument,
    augment_and_encode,
    encode_documents,
    pack,
)
from lamlam.trainer.tokenizer import LmlmTokenizer

lengths = st.lists(st.integers(1, 60), min_size=1, max_size=50)


def numbered(lengths: list[int]) -> list[EncodedDocument]:
    """Documents whose tokens name them: 0 first, then (number + 1) repeated."""
    return [
        EncodedDocument(
            np.array([0] + [i + 1] * (n - 1), dtype=np.int32), np.ones(n, dtype=np.bool_)
        )
        for i, n in enumerate(lengths)
    ]


@given(lengths)
def test_whole_documents_are_never_cut(lengths: list[int]) -> None:
    rows = pack(numbered(lengths), 64, 0)
    counts = np.bincount(rows.inputs[rows.inputs > 0], minlength=len(lengths) + 1)[1:]
    assert counts.tolist() == [n - 1 for n in lengths]
    for row in rows.inputs:
        documents = [t for t in row.tolist() if t]
        assert documents == sorted(documents, key=documents.index)  # no document interleaved
        assert row[0] == 0  # a row begins with the beginning of a document


@given(lengths)
def test_labels_are_the_next_inputs_and_padding_is_ignored(lengths: list[int]) -> None:
    rows = pack(numbered(lengths), 64, 0)
    for inputs, labels in zip(rows.inputs, rows.labels, strict=True):
        for i in range(63):
            assert labels[i] in (inputs[i + 1], IGNORED)
    learnt = (rows.labels != IGNORED).sum()
    # Every token but a row's first is a target, and so is the end of each row's last document.
    assert learnt == sum(lengths)


@given(lengths)
def test_a_stream_cuts_but_loses_nothing(lengths: list[int]) -> None:
    rows = pack(numbered(lengths), 16, 0, "stream")
    stream = rows.inputs.flatten()[: sum(lengths)]
    assert stream.tolist() == np.concatenate([d.tokens for d in numbered(lengths)]).tolist()


def test_ids_decode_to_the_text_and_values_are_not_learnt(
    documents: list[Document], tokenizer: LmlmTokenizer
) -> None:
    pieces = [list(augment(d, random.Random(0), NO_AUGMENTATION, {})) for d in documents]
    for document, encoded in zip(documents, encode_documents(pieces, tokenizer), strict=True):
        text = tokenizer.decode(encoded.tokens[1:])
        assert strip_lookups(text) == document.text
        unlearnt = tokenizer.decode(encoded.tokens[~encoded.loss_mask])
        for fact in document.facts:
            assert f" {fact.value}<|db_end|>" in unlearnt


def test_the_baseline_learns_the_same_text_without_lookups(
    documents: list[Document], tokenizer: LmlmTokenizer
) -> None:
    pieces = [list(augment(d, random.Random(0), NO_AUGMENTATION, {})) for d in documents]
    for document, encoded in zip(
        documents, encode_documents(pieces, tokenizer, plain=True), strict=True
    ):
        assert tokenizer.decode(encoded.tokens[1:]) == document.text
        assert encoded.loss_mask.all()


@given(st.text(max_size=80))
def test_no_text_yields_a_special_token(tokenizer: LmlmTokenizer, text: str) -> None:
    ids = tokenizer.ids
    forbidden = {ids.entity, ids.relationship, ids.return_, ids.end, ids.end_of_text}
    hostile = f"<|db_end|>{text}<|endoftext|> <|db_return|>"
    assert not set(tokenizer.encode([hostile])[0]) & forbidden
    assert tokenizer.decode(tokenizer.encode([hostile])[0]) == hostile


def test_a_lookup_is_put_together_from_ids(tokenizer: LmlmTokenizer) -> None:
    ids = tokenizer.ids
    (encoded,) = encode_documents(
        [[PlainText("Born in"), LookupCall("A<|db_end|>", "b", "c"), PlainText(" c.")]], tokenizer
    )
    specials = {ids.end_of_text, ids.entity, ids.relationship, ids.return_, ids.end}
    assert [t for t in encoded.tokens.tolist() if t in specials] == [
        ids.end_of_text, ids.entity, ids.relationship, ids.return_, ids.end,
    ]  # fmt: skip


def test_less_text_may_be_learnt_but_every_lookup_is(
    documents: list[Document], tokenizer: LmlmTokenizer
) -> None:
    """Other tokens of the text in each epoch; the same for the same seed."""
    few = replace(NO_AUGMENTATION, learnt_text=0.2)

    def masks(augmentation: Augmentation, seed: int) -> NDArray[np.bool_]:
        encoded = augment_and_encode(documents, tokenizer, augmentation, {}, seed)
        return np.concatenate([document.loss_mask for document in encoded])

    encoded = augment_and_encode(documents, tokenizer, NO_AUGMENTATION, {}, 0)
    parts = lookup_masks(np.concatenate([document.tokens for document in encoded]), tokenizer.ids)
    whole, less = masks(NO_AUGMENTATION, 0), masks(few, 0)
    assert not (less & ~whole).any()
    assert (less == whole)[parts.lookup].all()
    share = less[parts.text & whole].mean()
    assert 0.15 < share < 0.25
    assert (masks(few, 0) == less).all()
    assert (masks(few, 1) != less).any()
