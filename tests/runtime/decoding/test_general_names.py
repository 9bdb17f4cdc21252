"""A general name of a relation is answered by the one relation that it can mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.wording.general_names import meant_by_general
from tests.runtime.fake_store import FakeStore
from tests.runtime.scheduling.scripted import Continuations, run
from tests.tiny_model import ScriptedModel

E, R, A = "<|db_entity|>", "<|db_relationship|>", "<|db_return|>"
PROMPT = "Lowmere Five are a band who come from"
FORMED = {"location of formation": ["Highmere"], "genre": ["folk"]}
NAMES = (
    "country",
    "location of formation",
    "genre",
    "birth place",
    "state",
    "occupation",
    "spouse",
)


def ask(asked: str, held: dict[str, list[str]], constraint: Constraint | None = None) -> Completion:
    """What is written by a model that asks for a relation by this name, whatever memory holds."""
    script = f"{PROMPT}{E} Lowmere Five{R} {asked}{A}"
    model = ScriptedModel(Continuations(script))
    store = FakeStore({"lowmere five": held})
    return run(
        model, store, PROMPT, policy="stop", constraint=constraint or Constraint(relation_floor=1.0)
    ).result


@pytest.mark.parametrize("asked", ["location", "state", "City", "located in"])
def test_a_general_name_is_answered_by_the_relation_that_says_more(asked: str) -> None:
    done = ask(asked, FORMED)
    (record,) = done.lookups
    assert (record.relation, record.value, record.status) == (asked, "Highmere", "hit")
    assert done.text.startswith(f"{PROMPT} Highmere")
    assert record.match is not None
    assert (record.match.relation.matched, record.match.relation.kind) == (
        "location of formation",
        "synonym",
    )
    assert record.match.relation.score < 1


@pytest.mark.parametrize(
    ("asked", "held"),
    [
        ("genre", {"location of formation": ["Highmere"]}),  # not general
        ("founded in", {"headquarters location": ["Highmere"]}),  # it claims more
        ("location", {"genre": ["folk"]}),  # nothing of that kind
        ("location", {"birth place": ["Highmere"]}),  # a person is not where they were born
        ("location", {"country": ["Norway"], "location of formation": ["Highmere"]}),  # which?
        ("location", {"country": ["band"]}),  # the value stands there already
        ("city", {"state": ["Highland"]}),  # a senator's, who is not there
        ("occupation", {"position held": ["mayor"], "position played on team": ["goalkeeper"]}),
    ],
)
def test_what_is_not_clear_stays_a_miss(asked: str, held: dict[str, list[str]]) -> None:
    done = ask(asked, held)
    assert [record.status for record in done.lookups] == ["miss"]
    assert done.text == PROMPT


def test_no_place_is_written_behind_an_article() -> None:
    """A model that asks for a country behind "is a" is about to write "Swiss"."""
    for word in ("from", "in", "norway,"):
        assert meant_by_general("country", list(FORMED), word) == "location of formation"
    for word in ("a", "an", "was", "along", ""):
        assert meant_by_general("country", list(FORMED), word) is None
    assert meant_by_general("occupation", ["position held"], "a") == "position held"
    prompt = "Lowmere Five are a"
    model = ScriptedModel(Continuations(f"{prompt}{E} Lowmere Five{R} country{A}"))
    store = FakeStore({"lowmere five": FORMED})
    done = run(
        model, store, prompt, policy="stop", constraint=Constraint(relation_floor=1.0)
    ).result
    assert [record.status for record in done.lookups] == ["miss"]


def test_who_turns_the_reading_off_gets_what_was_asked() -> None:
    done = ask("location", FORMED, Constraint(relation_floor=1.0, by_words=False))
    assert [record.status for record in done.lookups] == ["miss"]


def test_a_held_relation_is_not_replaced() -> None:
    """The name is general, but memory has it, also under a synonym."""
    held = {"situated in": ["Midmere"], "location of formation": ["Highmere"]}
    assert [record.value for record in ask("location", held).lookups] == ["Midmere"]


@given(
    asked=st.sampled_from([*NAMES, "location", ""]),
    held=st.permutations(NAMES),
    n=st.integers(0, 7),
)
def test_the_answer_is_held_and_depends_on_no_order(asked: str, held: list[str], n: int) -> None:
    able = held[:n]
    meant = meant_by_general(asked, able, "in")
    assert meant is None or meant in able
    assert meant_by_general(asked, able[::-1], "in") == meant
    if meant is not None:
        fitting = [key for key in able if meant_by_general(asked, [key], "in") is not None]
        assert fitting == [meant]
