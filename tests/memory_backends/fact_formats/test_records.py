"""What a record is: a fact, an alias or a rule, by all keys that it must have."""

from __future__ import annotations

import json
from itertools import chain, combinations
from pathlib import Path

import pytest

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats.fact_files import FactFile
from lamlam.memory_backends.fact_formats.records import item_of
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import AddAlias, Assert, DefineRelation

_GIVEN = {
    "entity": "Ada", "relation": "job", "value": "miller",
    "alias": "A. Q.", "cardinality": "one", "page": "x",
}  # fmt: skip
_SUBSETS = list(chain.from_iterable(combinations(_GIVEN, n) for n in range(1, len(_GIVEN) + 1)))
_OF_A_FACT, _OF_AN_ALIAS = {"entity", "relation", "value"}, {"entity", "alias"}
_OF_A_RULE = {"relation", "cardinality"}


@pytest.mark.parametrize("keys", _SUBSETS, ids="-".join)
def test_no_single_key_makes_a_record_something_else(keys: tuple[str, ...]) -> None:
    """With a fact's three keys it is a fact; other kinds have none of each other's keys."""
    record = {key: _GIVEN[key] for key in keys}
    telling = set(keys) - {"page"}
    expected: type | None = None
    if telling >= _OF_A_FACT:
        expected = Assert
    elif telling == _OF_AN_ALIAS:
        expected = AddAlias
    elif telling == _OF_A_RULE:
        expected = DefineRelation
    if expected is None:
        with pytest.raises(BadFact):
            item_of(record, ignore_unknown=True)
    else:
        assert type(item_of(record, ignore_unknown=True)) is expected
    is_plain = set(keys) in (_OF_A_FACT, _OF_AN_ALIAS, _OF_A_RULE)
    if not is_plain:
        with pytest.raises(BadFact):
            item_of(record)
    else:
        assert type(item_of(record)) is expected


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"value": "x", "alias": "y"}, "'alias' is not a key of a fact"),
        ({"value": "x", "cardinality": "one"}, "'cardinality' is not a key of a fact"),
        ({"alias": "y"}, "looks like a fact without value and like an alias"),
        ({"cardinality": "y"}, "looks like a fact without value and like a relation's rule"),
    ],
)
def test_a_fact_with_keys_of_others(tmp_path: Path, more: dict[str, str], said: str) -> None:
    """Refused by what it looks like; a fact if unknown keys are to be ignored."""
    path = tmp_path / "facts.jsonl"
    path.write_text(json.dumps({"entity": "Ada", "relation": "job"} | more))
    with pytest.raises(BadFact, match=said):
        list(FactFile(str(path)))
    lenient = FactFile(str(path), ignore_unknown=True, skip_invalid=True)
    kept = [Assert(Fact(entity="Ada", relation="job", value="x"))] if "value" in more else []
    assert list(lenient) == kept
    assert lenient.rejected == 1 - len(kept)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"subject": "A", "predicate": "b", "object": "c"}, "keys are 'subject', 'predicate'"),
        (
            {"Entity": "A", "relation": "b", "value": "c"},
            "entity is missing; the keys are 'Entity'",
        ),
        ({"entity": "A", "relation": "b", "value": "1", "type": "integer"}, "says its own type"),
    ],
)
def test_keys_of_others_are_named(record: dict[str, str], said: str) -> None:
    with pytest.raises(BadFact, match=said):
        item_of(record)
