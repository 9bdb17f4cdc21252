"""Long documents are parted where sentences end; cut ones do not teach where to end."""

from __future__ import annotations

import logging
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.trainer.augmentation import NO_AUGMENTATION, augment
from lamlam.trainer.documents import Document, StatedFact, parse_document
from lamlam.trainer.endings import find_pile, is_unfinished, mark_cut
from lamlam.trainer.lookup_format import LookupCall, Piece, PlainText, strip_lookups, write
from lamlam.trainer.packing import IGNORED, augment_and_encode, encode_parts, pack
from lamlam.trainer.sentences import sentences
from lamlam.trainer.tokenizer import LmlmTokenizer


@pytest.mark.parametrize(
    "text",
    [
        "Quillon was founded by", "It has three parts:", "It lies in Lowmere,", "It ended...",
        "It ended…", "It was sold (the other one being Cape Lopez.", "She met Mr.",
        "He played for many clubs (e.g.", "It closed in 1970\n", "Its mayor is Bo Ferrin;",
    ],
)  # fmt: skip
def test_texts_that_stop_inside_a_sentence(text: str) -> None:
    assert is_unfinished(text)


@pytest.mark.parametrize(
    "text",
    [
        "It closed in 1970.", "It closed (in 1970).", 'She said "no."', "Why?", "終わり。", "", "Ah!’ ",
        "It plays in Serie D.", "She fought in World War I.", "จบแล้ว", "It lies in Lowmere, N.Y.",
    ],
)  # fmt: skip
def test_texts_that_end_a_sentence(text: str) -> None:
    assert not is_unfinished(text)


def test_a_limit_leaves_a_pile_and_natural_lengths_leave_none() -> None:
    rng = np.random.default_rng(0)
    natural = rng.lognormal(4.5, 0.7, 8000)
    assert find_pile(natural.astype(int)) is None
    assert find_pile(rng.normal(100, 10, 8000).astype(int)) is None
    assert find_pile(np.full(8000, 80)) is None
    is_cut = natural > 145
    limited = np.where(is_cut, 145 - np.abs(rng.normal(0, 12, 8000)), natural).astype(int)
    pile = find_pile(limited)
    assert pile is not None
    found = (limited >= pile.shortest) & (limited <= pile.longest)
    assert found[is_cut].mean() > 0.9
    assert is_cut[found].mean() > 0.6
    assert find_pile(limited[:300]) is None  # too few to tell


def test_what_a_document_says_of_its_end_wins() -> None:
    line = '{"title": "A", "text": "A is", "facts": [], "at": [], "cut": %s}'
    assert parse_document(line % "false").is_cut is False
    assert parse_document(line % "true").is_cut is True
    assert parse_document(line % "null").is_cut is None
    marked = mark_cut(
        [
            Document("A", "A is", (), is_cut=False),
            Document("A", "A is a town.", (), is_cut=True),
            Document("A", "A is", ()),
            Document("A", "A is a town.", ()),
        ]
    )
    assert [document.is_cut for document in marked] == [False, True, True, False]


def test_documents_of_a_pile_are_cut_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    rng = random.Random(0)
    lengths = [
        min(int(rng.lognormvariate(3.5, 0.7)) + 1, 60 - rng.randrange(6)) for _ in range(2000)
    ]
    documents = [Document("A", "word " * n + "end.", (), source="quarry") for n in lengths]
    marked = mark_cut(documents)
    assert all(d.is_cut for d in marked if 55 <= len(d.text.split()) <= 61)
    assert not any(d.is_cut for d in marked if len(d.text.split()) < 40)
    assert "of quarry of" in caplog.text


def test_the_end_of_a_cut_document_is_not_learnt(tokenizer: LmlmTokenizer) -> None:
    documents = [Document("A", text, ()) for text in ("A is a town.", "A is a", "A is old.")]
    encoded = augment_and_encode(mark_cut(documents), tokenizer, NO_AUGMENTATION, {}, 0)
    for how, n_rows in (("documents", 1), ("stream", 1)):
        rows = pack(encoded, 64, tokenizer.ids.end_of_text, how)  # type: ignore[arg-type]  # one of two
        assert len(rows.inputs) == n_rows
        learnt = (rows.labels[0] == tokenizer.ids.end_of_text).tolist()
        ends = np.cumsum([len(d.tokens) for d in encoded]) - 1
        assert [learnt[end] for end in ends] == [True, False, True]
        # Nothing else is lost: every other token of the three is a target.
        assert (rows.labels != IGNORED).sum() == sum(len(d.tokens) for d in encoded) - 1


def long_document(n: int) -> Document:
    """A biography whose later sentences say "she", with a name with an abbreviation inside."""
    text, facts = "Ada Quill was born in St. Lowmere.", []
    facts.append(StatedFact("Ada Quill", "Birth Place", "St. Lowmere", 22))
    for i in range(n):
        text += f" In {1900 + i} she moved to "
        facts.append(StatedFact("Ada Quill", f"Home {i}", f"St. Dunholt {i}", len(text)))
        text += f"St. Dunholt {i}, and Mr. Dorn followed."
    text += " Ada Quill died in "
    facts.append(StatedFact("Ada Quill", "Death Place", "Lowmere", len(text)))
    return Document("Ada Quill", text + "Lowmere.", tuple(facts))


def test_no_part_is_longer_than_a_row_and_nothing_is_lost(tokenizer: LmlmTokenizer) -> None:
    document = long_document(30)
    pieces = list(augment(document, random.Random(0), NO_AUGMENTATION, {}))
    parts = encode_parts(pieces, tokenizer, 128)
    assert len(parts) > 5
    assert all(len(part.tokens) <= 128 for part in parts)
    texts = [strip_lookups(tokenizer.decode(part.tokens[1:])) for part in parts]
    assert " ".join(texts) == document.text
    assert all(text.endswith((".", "Lowmere.")) for text in texts)
    assert not any(text.endswith(("St.", "Mr.")) for text in texts)


def test_only_the_last_part_learns_to_end_and_the_first_to_begin(tokenizer: LmlmTokenizer) -> None:
    encoded = augment_and_encode(
        [long_document(30)], tokenizer, NO_AUGMENTATION, {}, 0, longest=128
    )
    assert [part.end_in_loss for part in encoded] == [False] * (len(encoded) - 1) + [True]
    assert [bool(part.loss_mask[1]) for part in encoded] == [True] + [False] * (len(encoded) - 1)
    rows = pack(encoded, 128, tokenizer.ids.end_of_text)
    assert rows.n_later_parts == len(encoded) - 1
    # One end is learnt, behind the last part; the others stay inputs.
    assert (rows.labels == tokenizer.ids.end_of_text).sum() == 1
    assert (rows.inputs == tokenizer.ids.end_of_text).sum() >= len(encoded)


def test_a_part_that_does_not_name_the_entity_does_not_learn_its_name(
    tokenizer: LmlmTokenizer,
) -> None:
    encoded = augment_and_encode(
        [long_document(30)], tokenizer, NO_AUGMENTATION, {}, 0, longest=128
    )
    for i, part in enumerate(encoded):
        opening = np.flatnonzero(part.tokens == tokenizer.ids.entity)
        learnt = [bool(part.loss_mask[at + 1]) for at in opening]
        is_named = i in (0, len(encoded) - 1)
        assert learnt[-1] is is_named
        if not is_named:
            assert not any(learnt)


def test_short_documents_are_left_whole(
    tokenizer: LmlmTokenizer, documents: list[Document]
) -> None:
    whole = augment_and_encode(documents, tokenizer, NO_AUGMENTATION, {}, 0)
    most = max(len(d.tokens) for d in whole)
    again = augment_and_encode(documents, tokenizer, NO_AUGMENTATION, {}, 0, longest=most)
    for one, other in zip(whole, again, strict=True):
        assert one.tokens.tolist() == other.tokens.tolist()
        assert one.loss_mask.tolist() == other.loss_mask.tolist()


words = st.text("ab.! \n“A東。", max_size=60)
pieces_of_any_kind = st.lists(
    st.one_of(
        st.builds(PlainText, words, st.booleans()),
        st.builds(LookupCall, st.just("A b"), st.just("c"), st.text("ab.", min_size=1, max_size=9)),
    ),
    max_size=8,
)


@given(pieces_of_any_kind, st.integers(1, 50))
def test_units_put_together_are_the_same_text(pieces: list[Piece], most: int) -> None:
    units = list(sentences(pieces, most))
    assert write(piece for unit in units for piece in unit) == write(pieces)
    assert all(units)


@settings(max_examples=40)
@given(pieces=pieces_of_any_kind, longest=st.integers(96, 120))
def test_any_text_fits_in_parts(
    tokenizer: LmlmTokenizer, pieces: list[Piece], longest: int
) -> None:
    pieces = [*pieces, PlainText("ab" * 200 + " \n" + "b c. " * 90)]
    parts = encode_parts(pieces, tokenizer, longest)
    assert all(1 < len(part.tokens) <= longest for part in parts)
    text = "".join(strip_lookups(tokenizer.decode(part.tokens[1:])) for part in parts)
    expected = strip_lookups(write(pieces))
    assert "".join(text.split()) == "".join(expected.split())
