"""Questions about entities that occur in memory as values alone, by relations with an inverse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, DefineRelation
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.runtime.wording.word_guide import WordGuide


@pytest.fixture(params=["memory:", "sqlite:///{}/facts.db"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SyncFactStore]:
    """Ada Quill has a spouse and a parent, of whom memory holds nothing else."""
    with SyncFactStore(request.param.format(tmp_path)) as opened:
        spouse = DefineRelation(RelationRule("spouse", inverse="spouse"))
        parent = DefineRelation(RelationRule("parent", inverse="child"))
        opened.apply([spouse, parent])
        for relation, value in (("spouse", "Bob Ferris"), ("parent", "Old Quill")):
            opened.apply([Assert(Fact(entity="Ada Quill", relation=relation, value=value))])
        yield opened


@pytest.mark.parametrize(
    ("prompt", "entity", "relation"),
    [
        ("Who is Bob Ferris's spouse?", "Bob Ferris", "spouse"),
        ("Bob Ferris is married to", "Bob Ferris", "spouse"),
        ("who is the spouse of bob ferris?", "Bob Ferris", "spouse"),
        ("Who is the child of Old Quill?", "Old Quill", "child"),
        ("Who is Ada Quill's spouse?", "Ada Quill", "spouse"),
    ],
)
def test_words_ask_from_the_other_side(
    store: SyncFactStore, prompt: str, entity: str, relation: str
) -> None:
    """The name is found, and the relation that facts of another answer; nothing else is asked."""
    asked = WordGuide(store).read(prompt)
    assert asked is not None
    assert (asked.entity, asked.relations) == (entity, (relation,))
