"""Packing: documents encoded, masked and packed into rows of tokens.

Rows hold whole documents. A row that starts inside a document would teach the
model to invent the name that it should copy; the paper's stream, cut wherever a
row ends, stays as a setting.
"""

from __future__ import annotations

import random
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lamlam.trainer.augmentation import Augmentation, augment
from lamlam.trainer.documents import Document
from lamlam.trainer.lookup_format import (
    ChatPiece,
    ControlToken,
    LookupCall,
    Piece,
    PlainText,
    learn_named_entities,
)
from lamlam.trainer.loss_masks import lookup_masks
from lamlam.trainer.sentences import sentences, without_margin
from lamlam.trainer.tokenizer import LmlmTokenizer

IGNORED = -100
"""Label of a token that the loss leaves out (torch's own convention)."""


@dataclass(frozen=True, slots=True)
class EncodedDocument:
    """One document as token ids."""

    tokens: NDArray[np.int32]
    """(seq_len,) ids, the end-of-text token first."""
    loss_mask: NDArray[np.bool_]
    """(seq_len,) true where the token counts as a target."""
    end_in_loss: bool = True
    """Whether the end-of-text token after it counts: not where the text was cut."""
    is_later_part: bool = False
    """Whether it goes on a document that is longer than a row."""
    source: str = ""
    """Where the document comes from, as it says itself."""


@dataclass(frozen=True, slots=True)
class PackedRows:
    """Training rows."""

    inputs: NDArray[np.int32]
    """(rows, seq_len) ids."""
    labels: NDArray[np.int32]
    """(rows, seq_len) the next id, or `IGNORED`."""
    n_later_parts: int = 0
    """Parts of long documents, the first part of each left out."""


def encode_documents(
    documents: Sequence[Iterable[ChatPiece]], tokenizer: LmlmTokenizer, *, plain: bool = False
) -> list[EncodedDocument]:
    """Return each document's ids and loss mask.

    Args:
        documents: pieces of each, as `augment` yields them.
        plain: leave the lookups out and mask no value: the no-lookup baseline.
    """
    ids = tokenizer.ids
    texts: list[str] = []
    # Per document: a list of (index into texts, in_loss) or a lookup token's id.
    plans: list[list[tuple[int, bool] | int]] = []
    for pieces in documents:
        plan: list[tuple[int, bool] | int] = []
        # Neighbouring runs of text are encoded as one where both are in the loss:
        # a word must not be cut in two because a fact begins inside it.
        for piece in _joined(pieces, plain):
            if isinstance(piece, PlainText):
                begins = not plan and not piece.text.startswith(" ")
                plan.append((len(texts), piece.in_loss))
                texts.append(tokenizer.text_start + piece.text if begins else piece.text)
                continue
            if isinstance(piece, ControlToken):
                plan.append(tokenizer.control_id(piece.text))
                continue
            for token, text, in_loss in (
                (ids.entity, piece.entity, piece.entity_in_loss),
                (ids.relationship, piece.relation, True),
                (ids.return_, piece.value, False),
            ):
                plan += [token, (len(texts), in_loss)]
                texts.append(" " + text)
            plan.append(ids.end)
        plans.append(plan)

    encoded = tokenizer.encode(texts)
    # All documents in one array: the end-of-text token that each begins with closes what the one
    # before it left open, so the masks are those of each by itself.
    runs: list[list[int]] = []
    counts: list[bool] = []
    lengths: list[int] = []
    for plan in plans:
        begun = len(runs)
        runs.append([ids.end_of_text])
        counts.append(True)
        for part in plan:
            if isinstance(part, int):
                runs.append([part])
                counts.append(True)
            else:
                index, in_loss = part
                runs.append(encoded[index])
                counts.append(in_loss)
        lengths.append(sum(map(len, runs[begun:])))
    if not runs:
        return []
    tokens = np.fromiter(chain.from_iterable(runs), dtype=np.int32)
    is_target = np.repeat(np.array(counts), np.fromiter(map(len, runs), dtype=np.intp))
    mask = is_target & lookup_masks(tokens, ids).loss
    ends = np.cumsum(lengths)[:-1]
    return [
        EncodedDocument(of_one, mask_of_one)
        for of_one, mask_of_one in zip(np.split(tokens, ends), np.split(mask, ends), strict=True)
    ]


def _joined(pieces: Iterable[ChatPiece], plain: bool) -> Iterator[ChatPiece]:
    run: PlainText | None = None
    for piece in pieces:
        if not isinstance(piece, PlainText):
            if plain and isinstance(piece, LookupCall):
                continue
            if run is not None:
                yield run
                run = None
            yield piece
        elif plain:
            run = PlainText((run.text if run else "") + piece.text)
        elif run is None:
            run = piece
        elif run.in_loss == piece.in_loss:
            run = PlainText(run.text + piece.text, piece.in_loss)
        else:
            yield run
            run = piece
    if run is not None and run.text:
        yield run


def pack(
    documents: Sequence[EncodedDocument],
    seq_len: int,
    end_of_text: int,
    how: Literal["documents", "stream"] = "documents",
) -> PackedRows:
    """Return rows of ``seq_len`` targets each.

    Args:
        documents: in the order in which they are to be seen.
        how: ``documents`` keeps each document whole, so none may be longer than a row
            (`encode_parts` sees to it); ``stream`` cuts one long stream.
    """
    filled: list[list[EncodedDocument]] = (
        [
            [documents[i] for i in group]
            for group in fit_whole([len(document.tokens) for document in documents], seq_len)
        ]
        if how == "documents"
        else [list(documents)]
    )
    width = seq_len + 1
    inputs: list[NDArray[np.int32]] = []
    labels: list[NDArray[np.int32]] = []
    closing = EncodedDocument(np.array([end_of_text], np.int32), np.array([True]))
    for group in filled:
        tokens = np.concatenate([d.tokens for d in (*group, closing)])
        loss_mask = np.concatenate([d.loss_mask for d in (*group, closing)])
        # The token that ends a document is the first of the next one.
        after = np.cumsum([len(document.tokens) for document in group])
        loss_mask[after] = [document.end_in_loss for document in group]
        if how == "documents":
            tokens, loss_mask = tokens[:width], loss_mask[:width]
        short = -(len(tokens) - 1) % seq_len
        tokens = np.pad(tokens, (0, short), constant_values=end_of_text)
        targets = np.where(np.pad(loss_mask, (0, short)), tokens, IGNORED).astype(np.int32)
        inputs.append(tokens[:-1].reshape(-1, seq_len))
        labels.append(targets[1:].reshape(-1, seq_len))
    n_later_parts = sum(document.is_later_part for document in documents)
    return PackedRows(np.concatenate(inputs), np.concatenate(labels), n_later_parts)


def fit_whole(lengths: Sequence[int], seq_len: int) -> list[list[int]]:
    """Return which documents share each row: one goes into the fullest open row with room for it.

    Args:
        lengths: tokens of each document, in the order in which they are to be seen.
    """
    full: list[list[int]] = []
    # (room, the document that came last, documents), the fullest first, then the oldest.
    rows: list[tuple[int, int, list[int]]] = []
    for i, length in enumerate(lengths):
        need = min(length, seq_len)
        at = bisect_left(rows, (need,))
        room, _, group = rows.pop(at) if at < len(rows) else (seq_len, i, [])
        group.append(i)
        if room - need < 16:  # no document is that short
            full.append(group)
        else:
            insort(rows, (room - need, i, group))
        if len(rows) > 32:  # few open rows: near-perfect filling at little cost
            full.append(rows.pop(0)[2])
    return full + [group for _, _, group in sorted(rows, key=lambda row: row[1])]


def augment_and_encode(
    documents: Sequence[Document],
    tokenizer: LmlmTokenizer,
    augmentation: Augmentation,
    titles: dict[str, list[str]],
    seed: int,
    *,
    plain: bool = False,
    longest: int | None = None,
) -> list[EncodedDocument]:
    """Return the documents of one draw, encoded; the same seed gives the same draw.

    Args:
        longest: tokens; longer documents are returned in parts. None keeps all whole.
    """
    rng = random.Random(seed)
    drawn = [
        list(
            learn_named_entities(tokenizer.chats.pieces(document.turns))
            if document.turns
            else augment(document, rng, augmentation, titles)
        )
        for document in documents
    ]
    result: list[EncodedDocument] = []
    for document, pieces, encoded in zip(
        documents, drawn, encode_documents(drawn, tokenizer, plain=plain), strict=True
    ):
        parts = [encoded]
        if longest is not None and len(encoded.tokens) > longest:
            if document.turns:
                parts = [_cut(encoded, longest)]
            else:
                of_text = [piece for piece in pieces if not isinstance(piece, ControlToken)]
                parts = encode_parts(of_text, tokenizer, longest, plain=plain)
        if document.is_cut:
            parts[-1] = replace(parts[-1], end_in_loss=False)
        result += [replace(part, source=document.source) for part in parts]
    if augmentation.learnt_text < 1:
        drawn_tokens = np.random.default_rng(seed)
        result = [
            _learn_less_text(part, augmentation.learnt_text, tokenizer, drawn_tokens)
            for part in result
        ]
    return result


def _cut(chat: EncodedDocument, longest: int) -> EncodedDocument:
    """Return the beginning of a chat: a part from its middle would answer no question."""
    return EncodedDocument(chat.tokens[:longest], chat.loss_mask[:longest], end_in_loss=False)


def _learn_less_text(
    document: EncodedDocument, share: float, tokenizer: LmlmTokenizer, drawn: np.random.Generator
) -> EncodedDocument:
    is_text = lookup_masks(document.tokens, tokenizer.ids).text
    is_learnt = ~is_text | (drawn.random(len(is_text)) < share)
    return replace(document, loss_mask=document.loss_mask & is_learnt)


def encode_parts(
    pieces: Sequence[Piece], tokenizer: LmlmTokenizer, longest: int, *, plain: bool = False
) -> list[EncodedDocument]:
    """Return one long document in parts that end where sentences do.

    No part learns an end but the last, and none learns to begin in the middle but the
    first. In each, an entity is in the loss only where this part has named it.

    Args:
        longest: tokens of a part at most, the end-of-text token before it included.
    """

    def encode(units: Sequence[Sequence[Piece]]) -> list[EncodedDocument]:
        return encode_documents(units, tokenizer, plain=plain)

    units: list[list[Piece]] = []
    # Four characters are about a token, so that hardly a sentence is parted before it is tried.
    whole = list(sentences(pieces, most=4 * longest))
    for unit, encoded_unit in zip(whole, encode(whole), strict=True):
        fits = len(encoded_unit.tokens) <= longest
        units += [unit] if fits else sentences(unit, most=max(1, longest // 8))
    groups: list[list[Piece]] = []
    room = 0
    for unit, encoded_unit in zip(units, encode(units), strict=True):
        length = len(encoded_unit.tokens) - 1
        if length > room or not groups:
            groups.append([])
            room = longest - 1
        groups[-1] += unit
        room -= length
    groups = [group for group in map(without_margin, groups) if group]
    encoded = encode([list(learn_named_entities(group)) for group in groups])
    result: list[EncodedDocument] = []
    for i, part in enumerate(encoded):
        mask = part.loss_mask.copy()
        if i > 0:
            mask[1:2] = False
        # A lookup alone may be longer than a row: what does not fit goes.
        result.append(
            EncodedDocument(
                part.tokens[:longest],
                mask[:longest],
                end_in_loss=i == len(encoded) - 1 and len(part.tokens) <= longest,
                is_later_part=i > 0,
            )
        )
    return result
