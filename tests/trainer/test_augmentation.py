"""A varied document keeps its facts in step with its text."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.trainer.augmentation import (
    NO_AUGMENTATION,
    Augmentation,
    augment,
    bare_title,
    name_in_text,
    titles_by_kind,
)
from lamlam.trainer.documents import Document, StatedFact
from lamlam.trainer.lookup_format import UNKNOWN, LookupCall, PlainText, strip_lookups, write

CURIE = Document(
    "Marie Curie (physicist)",
    "Marie Curie was born in Warsaw in 1867. Curie died in Passy.",
    (
        StatedFact("Marie Curie (physicist)", "Birth Place", "Warsaw", 24),
        StatedFact("Marie Curie (physicist)", "Birth Date", "1867", 34),
        StatedFact("Marie Curie (physicist)", "Death Place", "Passy", 54),
    ),
    is_person=True,
)


def test_without_changes_the_text_is_as_it_was() -> None:
    pieces = list(augment(CURIE, random.Random(0), NO_AUGMENTATION, {}))
    assert strip_lookups(write(pieces)) == CURIE.text
    assert write(pieces).startswith(
        "Marie Curie was born in<|db_entity|> Marie Curie<|db_relationship|> birth place"
        "<|db_return|> Warsaw<|db_end|> Warsaw in"
    )


def test_another_title_is_used_throughout() -> None:
    augmentation = Augmentation(other_title=1.0, plain_beginning=0.0, unknown=0.0)
    pieces = list(augment(CURIE, random.Random(0), augmentation, {"/person": ["Ada Lovelace"]}))
    assert strip_lookups(write(pieces)) == (
        "Ada Lovelace was born in Warsaw in 1867. Lovelace died in Passy."
    )
    assert {p.entity for p in pieces if isinstance(p, LookupCall)} == {"Ada Lovelace"}


def test_values_of_a_plain_beginning_are_not_learnt() -> None:
    augmentation = Augmentation(other_title=0.0, plain_beginning=1.0, unknown=0.0)
    for seed in range(20):
        pieces = list(augment(CURIE, random.Random(seed), augmentation, {}))
        looked_up = {p.value for p in pieces if isinstance(p, LookupCall)}
        unlearnt = {p.text.strip() for p in pieces if isinstance(p, PlainText) and not p.in_loss}
        assert looked_up | unlearnt == {"Warsaw", "1867", "Passy"}
        assert not looked_up & unlearnt
        assert "Warsaw" in unlearnt  # the first fact goes first


def test_text_after_an_unknown_answer_is_not_learnt() -> None:
    augmentation = Augmentation(other_title=0.0, plain_beginning=0.0, unknown=1.0)
    pieces = list(augment(CURIE, random.Random(0), augmentation, {}))
    assert {p.value for p in pieces if isinstance(p, LookupCall)} == {UNKNOWN}
    assert [p.text for p in pieces if isinstance(p, PlainText) and not p.in_loss] == [
        " Warsaw", " 1867", " Passy",
    ]  # fmt: skip


def test_an_entity_is_learnt_only_after_the_text_has_named_it() -> None:
    late = Document(
        "Ada King", "In 1815 Ada King was born.", (StatedFact("Ada King", "Born", "1815", 3),)
    )
    (call,) = [
        p for p in augment(late, random.Random(0), NO_AUGMENTATION, {}) if isinstance(p, LookupCall)
    ]
    assert not call.entity_in_loss
    assert all(
        p.entity_in_loss
        for p in augment(CURIE, random.Random(0), NO_AUGMENTATION, {})
        if isinstance(p, LookupCall)
    )


@pytest.mark.parametrize(
    ("title", "text", "name"),
    [
        ("James Patterson (skier)", "James Patterson skis.", "James Patterson"),
        ("Kevin Barron", "Sir Kevin John Barron (born 1946)", "Kevin John Barron"),
        ("Leonia, New Jersey", "Leonia is a borough", "Leonia"),
        ("ING Direct", "The ING Group is a bank", None),
        ("The Girls and Daddy[1]", "The Girls and Daddy is a film", "The Girls and Daddy"),
    ],
)
def test_the_name_by_which_a_text_calls_its_entity(title: str, text: str, name: str | None) -> None:
    assert name_in_text(title, text) == name


@given(st.text(max_size=30))
def test_a_bare_title_is_never_empty_unless_the_title_is(title: str) -> None:
    assert bool(bare_title(title)) == bool(title)


def test_texts_of_many_draws_hold_every_value(documents: list[Document]) -> None:
    titles = titles_by_kind(documents)
    for seed, document in enumerate(documents):
        pieces = list(augment(document, random.Random(seed), Augmentation(unknown=0.0), titles))
        text = strip_lookups(write(pieces))
        assert all(fact.value in text for fact in document.facts)
