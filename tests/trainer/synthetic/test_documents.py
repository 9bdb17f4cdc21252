"""Documents about invented entities keep the corpus's format and hardly repeat."""

from __future__ import annotations

import hashlib
import random
from collections import Counter

import pytest

from lamlam.trainer.documents import Document
from lamlam.trainer.synthetic.documents import article, invent, write_opening
from lamlam.trainer.synthetic.facts import KINDS
from lamlam.trainer.synthetic.names import can_write_word, person, title, town
from lamlam.trainer.synthetic.patterns import patterns_of

N = 3000


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    rng = random.Random(7)
    return [invent(rng) for _ in range(N)]


def test_values_stand_where_the_offsets_say(documents: list[Document]) -> None:
    for document in documents:
        end = 0
        for fact in document.facts:
            assert document.text[fact.at :].startswith(fact.value)
            assert fact.at >= end, "values overlap or are out of order"
            end = fact.at + len(fact.value)
            assert fact.entity == document.title


def test_nothing_of_a_pattern_is_left_in_the_text(documents: list[Document]) -> None:
    for document in documents:
        assert not set(document.text) & set("{}<>[]|\0#"), document.text
        assert "  " not in document.text
        assert ".." not in document.text


def test_texts_hardly_repeat(documents: list[Document]) -> None:
    assert len({document.text for document in documents}) > 0.99 * N


def test_every_text_states_a_fact_and_each_relation_once(documents: list[Document]) -> None:
    for document in documents:
        relations = Counter(fact.relation for fact in document.facts)
        assert relations
        assert max(relations.values()) == 1


def test_the_same_seed_writes_the_same_documents() -> None:
    assert invent(random.Random(3)) == invent(random.Random(3))


def test_a_seed_writes_what_it_always_wrote() -> None:
    """The word lists keep their order: a change of it changes the training data of a seed."""
    rng, digest = random.Random(0), hashlib.sha256()
    for _ in range(500):
        document = invent(rng)
        facts = [(f.entity, f.relation, f.value, f.at) for f in document.facts]
        fields = (document.title, document.text, facts, document.is_person, document.source)
        digest.update(repr(fields).encode())
    digest.update(repr(rng.random()).encode())
    assert digest.hexdigest() == "b5002e011b97ad3d4590e4cb49ba7fddd6acea7a9c666eb61a0a35807f579412"


@pytest.mark.parametrize("kind", KINDS)
def test_a_given_fact_is_stated_with_its_own_value(kind: str) -> None:
    """Also a relation that no pattern knows finds its sentence."""
    text, facts, at = write_opening(kind, "Qix Zub", {"Shoe Size": "44"}, random.Random(0))
    assert ("Qix Zub", "Shoe Size", "44") in facts
    assert text[at[0] :].startswith("44")


def test_the_main_kinds_have_many_openings() -> None:
    for kind in ("person", "film", "town", "company", "book"):
        assert len(set(patterns_of(kind)[0])) >= 25
    assert all(len(set(patterns_of(kind)[0])) >= 8 for kind in KINDS)


@pytest.mark.parametrize(
    "opening",
    ["{N} was born on", "{N} was born in", "{N} (born", "{N} is a company founded by"],
)  # fmt: skip
def test_ordinary_openings_ask_right_there(opening: str, documents: list[Document]) -> None:
    """The fact comes directly after the words with which people begin such texts."""
    asked = 0
    for document in documents:
        prompt = opening.replace("{N}", document.title)
        asked += document.text.startswith(prompt) and any(
            fact.at == len(prompt) + 1 for fact in document.facts
        )
    assert asked >= 5


def test_an_abbreviation_at_the_end_keeps_one_full_stop() -> None:
    texts = {
        write_opening("film", "Zub", {"Director": "Qix Jr."}, random.Random(seed))[0]
        for seed in range(30)
    }
    assert any(text.endswith("Qix Jr.") for text in texts)
    assert not any(".." in text for text in texts)


def test_the_words_of_invented_names_are_known() -> None:
    rng = random.Random(5)
    for name in [person(rng) for _ in range(300)] + [town(rng) for _ in range(300)]:
        for word in name.replace("-", " ").split():
            if not word.endswith("."):
                assert can_write_word(word) or word in {"on", "in", "under", "Great", "Northern"}, (
                    name
                )
    assert not can_write_word("Przybylski")
    assert all(title(rng) for _ in range(300))


def test_articles_follow_the_sound() -> None:
    assert [article(word) for word in ("hour", "European", "8", "1957", "1866", "Ukrainian")] == [
        "an", "a", "an", "a", "an", "a",
    ]  # fmt: skip
