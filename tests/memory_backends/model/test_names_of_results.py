"""Names and facts of a result are those of `match` and `answer`, without their objects."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, DefineRelation
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef
from lamlam.memory_backends.sync import SyncFactStore

ASKED = [
    ("Ada Quill", "birth place"),
    ("ada quill", "born in"),
    ("Ada Quil", "birth place"),
    ("Ada Quill", "work"),
    ("Bob", "child"),
    ("Ada Quill", "shoe size"),
    ("Nobody", "birth place"),
]


@pytest.mark.parametrize("url", ["memory:", "sqlite:///{folder}/facts.db"])
@pytest.mark.parametrize(("entity", "relation"), ASKED)
def test_names_and_facts(url: str, entity: str, relation: str, tmp_path: Path) -> None:
    """Of hits, several values, an inverse, and misses; whichever is asked for first."""
    facts = [
        Fact(entity="Ada Quill", relation="birth place", value="Lowmere", source="a letter"),
        Fact(entity="Ada Quill", relation="work", value="Odes"),
        Fact(entity="Ada Quill", relation="work", value="Poems", source="a list"),
        Fact(entity="Ada Quill", relation="parent", value=EntityRef("Bob")),
    ]
    with SyncFactStore(url.format(folder=tmp_path)) as store:
        store.apply([DefineRelation(RelationRule("parent", inverse="child")), *map(Assert, facts)])
        names, stated, match, answers = (store.lookup(entity, relation) for _ in range(4))
        matched = match.match.entity.matched, match.match.relation.matched
        assert names.names == matched == match.names
        for number in range(len(answers.values) + 1):
            one, answer = stated.stated(number), answers.answer(number)
            if answer is None:
                assert one is None
            else:
                assert one is not None
                (_, _, fact, value), fact_id = one
                assert (value, fact_id, fact.source) == answer
