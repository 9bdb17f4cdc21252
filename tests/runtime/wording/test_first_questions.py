"""What newcomers ask first is understood: articles, neighbours, lower case, one name of two."""

from __future__ import annotations

import pytest

import lamlam
from lamlam.runtime.wording.word_guide import WordGuide, meant_by
from tests.runtime.fake_store import FakeStore

FACTS: dict[str, dict[str, list[str]]] = {
    "veldmark": {
        "type": ["country"],
        "capital": ["Osterwick"],
        "time zone": ["Europe/Osterwick"],
        "borders": ["Germany", "Austria", "Borland"],
    },
    "ada quill": {"occupation": ["glazier"], "birth date": ["4 May 1871"]},
    "the salt lantern": {"director": ["Ida Brandt"], "release year": ["1962"]},
    "quillium": {"symbol": ["Qu"], "period": ["4"], "density": ["7.2 g/cm³"]},
}
ASKED = [
    ("What is the capital of the Veldmark?", "capital"),
    ("The capital of the Veldmark is", "capital"),
    ("whats the capital of veldmark", "capital"),
    ("What's the capital of Veldmark", "capital"),
    ("Which countries border Veldmark?", "borders"),
    ("What time zone is Veldmark in?", "time zone"),
    ("Which time zone does Veldmark use?", "time zone"),
    ("Which countries share a border with Veldmark?", "borders"),
    ("Quillium has the symbol", "symbol"),
    ("quillium has the symbol", "symbol"),
    ("Question: In which period is quillium?\nAnswer:", "period"),
    ("In which year was The Salt Lantern made?", "release year"),
    ("What year is The Salt Lantern from?", "release year"),
    ("Who is Ada Quill?", "occupation"),
    ("who was ada quill", "occupation"),
    ("What is Veldmark?", "type"),
]


@pytest.mark.parametrize(("text", "relation"), ASKED)
def test_a_first_question_is_understood(text: str, relation: str) -> None:
    asked = WordGuide(FakeStore(FACTS)).read(text)
    assert asked is not None
    assert asked.relations[:1] == (relation,)


@pytest.mark.parametrize(
    "text", ["Who is Ada Quill's wife?", "Who did Ada Quill admire?", "What is Veldmark known for?"]
)
def test_who_somebody_is_answers_no_other_question(text: str) -> None:
    asked = WordGuide(FakeStore(FACTS)).read(text)
    assert asked is None or not asked.relations


def test_things_of_one_name_are_told_apart_by_what_only_one_can_have() -> None:
    """Of two people neither is taken: the other's birth date may only be unknown."""
    held = {
        "Quill (planet)": {"type": "planet", "orbital period": "88 days", "radius": "2,440 km"},
        "Quill (element)": {"type": "element", "boiling point": "357 °C", "period": "6"},
        "Ada Vale (poet)": {"occupation": "poet", "nationality": "Welsh", "birth date": "1871"},
        "Ada Vale (judge)": {"occupation": "judge", "nationality": "Irish"},
    }
    with lamlam.SyncFactStore("memory:") as store:
        store.load(
            lamlam.Fact(entity=entity, relation=relation, value=value)
            for entity, facts in held.items()
            for relation, value in facts.items()
        )
        guide = WordGuide(store)
        texts = {
            "What is the boiling point of Quill?": "Quill (element)",
            "The orbital period of Quill is": "Quill (planet)",
            "What is the radius of Quill?": "Quill (planet)",
            "When was Ada Vale born?": "",
        }
        for text, entity in texts.items():
            asked = guide.read(text)
            assert asked is not None
            assert (asked.entity if asked.relations else "") == entity, text


def test_a_value_with_the_name_itself_tells_nothing() -> None:
    held = {
        "Osterwick (city)": {"time zone": "Borea/Osterwick", "block": "d"},
        "Osterwick (film)": {"release year": "1942"},
    }
    with lamlam.SyncFactStore("memory:") as store:
        store.load(
            lamlam.Fact(entity=entity, relation=relation, value=value)
            for entity, facts in held.items()
            for relation, value in facts.items()
        )
        homonyms = store.homonyms_nowait("Osterwick")
        assert len(homonyms) == 2
        assert meant_by("Osterwick was released", homonyms) is None
