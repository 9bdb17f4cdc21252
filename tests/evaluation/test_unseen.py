"""The set of unseen sentences asks in sentences of its list, about facts that its entities hold."""

from __future__ import annotations

import json

import pytest

from lamlam.evaluation.make_unseen import FRAMES_FILE, UNSEEN_FILE, lines
from lamlam.evaluation.wordings import (
    WordingSet,
    choose_wordings,
    facts_in_memory,
    load_wordings,
)
from lamlam.trainer.synthetic.worded.frames import read_families
from lamlam.word_lists import read_sections


@pytest.fixture(scope="module")
def unseen() -> WordingSet:
    return load_wordings(UNSEEN_FILE)


def test_every_family_of_frames_has_four_sentences_for_tests(unseen: WordingSet) -> None:
    frames = read_sections(FRAMES_FILE)
    assert set(frames) == {family.name for family in read_families()} | {"any"}
    assert all(len(set(of_one)) >= 4 for of_one in frames.values())
    asked = {(one.group, one.relation) for one in unseen.wordings}
    assert asked == {(family.kind, family.names[0]) for family in read_families()}


def test_sentences_have_one_place_for_the_entity(unseen: WordingSet) -> None:
    sentences = {line for of_one in read_sections(FRAMES_FILE).values() for line in of_one}
    for one in unseen.wordings:
        assert one.wording.count("{E}") == 1
        assert "{V}" not in one.wording and "{R}" not in one.wording
        assert one.form == ("answer" if one.wording[-1] in "?." else "open"), one.wording
        if one.style.startswith("sentence"):
            assert one.wording in sentences or f"{one.wording} {{V}}" in sentences


def test_every_entity_holds_what_its_kind_is_asked_for(unseen: WordingSet) -> None:
    asked: dict[str, set[str]] = {}
    for one in unseen.wordings:
        asked.setdefault(one.group, set()).add(one.relation)
    names = [entity.entity for entity in unseen.entities]
    assert len(set(names)) == len(names) >= 60
    for entity in unseen.entities:
        assert asked[entity.group] <= entity.facts.keys()
    for (group, relation), named in unseen.relations.items():
        assert relation in asked[group]
        assert named.typed_relation != relation


def test_items_are_asked_beside_other_facts(unseen: WordingSet) -> None:
    chosen = choose_wordings(unseen)
    assert len(chosen) == len(unseen.wordings) >= 500
    held = facts_in_memory(unseen, chosen[:100], more_facts=3, seed=0)
    of_one: dict[str, int] = {}
    for entity, _, _ in held:
        of_one[entity] = of_one.get(entity, 0) + 1
    # A station or a ship has fewer relations than that.
    fewest = {e.entity: min(4, len(e.facts)) for e in unseen.entities}
    assert all(n >= fewest[entity] for entity, n in of_one.items())


def test_the_program_writes_lines_of_the_shipped_form() -> None:
    """Not the same lines: the trainer's word lists may grow, the set stays."""
    written = list(lines())
    shipped = UNSEEN_FILE.read_text(encoding="utf-8").splitlines()
    assert len(written) == len(shipped)
    assert [json.loads(line).keys() for line in written] == [
        json.loads(line).keys() for line in shipped
    ]
