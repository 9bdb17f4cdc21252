"""Prompts are other people's text: reading one never fails, takes long, or asks what nobody named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.errors import StoreClosed
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import EntityView, MatchPart, StoredFact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.runtime.wording.known_names import known_names
from lamlam.runtime.wording.lexicon import shared_names
from lamlam.runtime.wording.word_guide import WordGuide
from tests.runtime.fake_store import FakeStore

VARDO = {"capital": ["Elsk"], "population": ["512"], "located in": ["Norrland"]}
GUIDE = WordGuide(FakeStore({"vardo": VARDO, "dr. no way": VARDO, "born": {"city": ["Gelt"]}}))
MEGABYTE = 1 << 20
LIKE_PROMPTS = st.lists(
    st.one_of(
        st.sampled_from(
            "Vardo vardo's Dr. No Way E $ ~x ^x ~^the ____ [MASK] ' 's ? ! . : ; , ( ) \n the of in"
            " is capital population born located what which who Question: Answer:".split(" ")
        ),
        st.text(max_size=6),
    ),
    max_size=40,
).map(" ".join)


@given(st.one_of(st.text(st.characters()), LIKE_PROMPTS))
@settings(max_examples=150)
def test_any_text_is_read(text: str) -> None:
    """Whatever the text, the answer is None or names what stands in it."""
    asked = GUIDE.read(text)
    assert asked is None or not asked.relations or asked.key in ("vardo", "dr. no way", "born")


WORDS = sorted({word for name in shared_names() for word in name})
"""Stems of all words that name relations."""


@pytest.mark.parametrize("asking", ["which", "what", "how", "where is the"])
def test_a_question_that_ends_too_early(asking: str) -> None:
    """A question may stop at any word that names a relation or a kind of value, and behind it."""
    for word in WORDS:
        asked = GUIDE.read(f"Vardo, {asking} {word}?")
        assert asked is None or not asked.relations or asked.key == "vardo"


@pytest.mark.parametrize(
    "text",
    [
        "x", "X", "a'", "a.", ".", "?", "\n", " ", "_", "[", "(", "'", ":", "1-", "a-", "A. ",
        "Abc ", "(A) ", "Question: ", "the ", "that Vardo ", "in ", "capital of ", "\ud800", "\x00",
    ],
)  # fmt: skip
def test_a_megabyte_of_anything_is_read_at_its_end(text: str) -> None:
    """Only the end of a text is read, so its length costs nothing."""
    many = text * (MEGABYTE // len(text))
    GUIDE.read(many)
    asked = GUIDE.read(f"{many}\n\nThe capital of Vardo is")
    assert asked is not None
    assert (asked.key, asked.relations) == ("vardo", ("capital",))


@pytest.mark.parametrize("sign", ["E", "$", "~x", "^x", "~^x", "~", "^", "_", "'s", "..."])
def test_signs_of_the_line_are_words_in_a_text(sign: str) -> None:
    """A text cannot write the marks by which its own words are matched."""
    asked = GUIDE.read(f"So {sign} it was: the capital of Vardo is")
    assert asked is not None
    assert (asked.key, asked.relations) == ("vardo", ("capital",))
    unnamed = GUIDE.read(f"{sign} is the capital of {sign}")
    assert unnamed is None or not unnamed.relations


def test_a_name_that_memory_lacks_is_no_word_of_it() -> None:
    """Beside a name in capitals, "born" is a verb, though memory has such a title."""
    asked = GUIDE.read("Where was Quilla Treen born?")
    assert asked is None or asked.key != "born"
    assert [one.name for one in known_names("born", lambda names: names)] == []


def test_a_hundred_names_and_none() -> None:
    """The name that the relation is of is chosen; without one nothing is."""
    others = " and ".join(f"Nordo{n}" for n in range(100))
    asked = GUIDE.read(f"{others} are towns. The capital of Vardo is")
    assert asked is not None
    assert asked.relations == ("capital",)
    nobody = GUIDE.read("tell me something nice about yourself")
    assert nobody is None or not nobody.relations


def test_an_error_of_the_store_is_not_swallowed() -> None:
    """Whoever generates learns that memory could not be asked."""

    class Broken(FakeStore):
        def known_names_nowait(self, names: Sequence[str], **_: object) -> frozenset[str]:
            raise StoreClosed("closed")

    with pytest.raises(StoreClosed):
        WordGuide(Broken({})).read("The capital of Vardo is")


def test_an_entity_with_very_many_relations_is_described_in_part(tmp_path: Path) -> None:
    """Its first facts are; the others are still found by a lookup."""
    with SyncFactStore(f"sqlite:///{tmp_path}/m.sqlite") as store:
        store.apply(
            [
                Assert(Fact(entity="Vardo", relation=f"trait {n}", value=f"v{n}"))
                for n in range(3000)
            ]
        )
        view = store.describe_nowait("Vardo")
        assert view is not None
        assert len(view.relations) == 1024
        assert view.relations[0] == "trait 0"
        assert store.lookup("Vardo", "trait 2999").value == "v2999"


def test_homonyms_that_nothing_tells_apart() -> None:
    """Of many bearers of a name none is taken where the text does not say which."""
    fact = StoredFact("birth place", "birth place", "Gelt", (), 1, 1.0)

    class Many(FakeStore):
        def homonyms_nowait(self, name: str, **_: object) -> tuple[EntityView, ...]:
            part = MatchPart("alias", 1.0, name)
            return tuple(EntityView(f"{name} ({n})", f"{n}", part, [fact]) for n in range(32))

        def known_names_nowait(self, names: Sequence[str], **_: object) -> frozenset[str]:
            return frozenset({"Bo Ray"} & set(names))

    asked = WordGuide(Many({})).read("Bo Ray was born in")
    assert asked is None or not asked.relations
