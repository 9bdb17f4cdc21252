"""Many facts in one commit: the short way into a file does what the long way does."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from lamlam.errors import BadFact, TooManyValues
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import AddAlias, Assert, DefineRelation, Op, Retract
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef, PartialDate
from lamlam.memory_backends.sqlite.store import SqliteStore
from lamlam.memory_backends.sync import SyncFactStore

N_FACTS = 12_000


def _facts(seed: int) -> list[Fact]:
    """Some twice, of several types and namespaces, with periods and sources."""
    dice = random.Random(seed)
    values = ("text", "é", 7, PartialDate(1815, 12), EntityRef("Name 3"), EntityRef("Näme 4"))
    return [
        Fact(
            entity=f"{dice.choice(('Name', 'name', 'Näme'))} {dice.randrange(3_000)}",
            relation=dice.choice(("work", "WORK", "birth place", "born in")),
            value=dice.choice(values) if n % 3 else f"value {dice.randrange(50)}",
            sources=("a source", f"source {n % 40}")[: dice.randrange(3)],
            confidence=dice.choice((1.0, 0.5)),
            valid_from=dice.choice((None, None, "1990")),
            namespace=dice.choice(((), (), ("users", "7"))),
        )
        for n in range(N_FACTS)
    ]


def _all(store: SyncFactStore) -> list[dict[str, object]]:
    held = [fact.model_dump(exclude={"id", "revision"}) for fact in store.scan()]
    return sorted(held, key=lambda one: (str(one["namespace"]), str(one["entity"]).casefold()))


@contextmanager
def _filled(path: Path, ops: Sequence[Op], n_at_once: int) -> Iterator[SyncFactStore]:
    with SyncFactStore(path) as twin:
        for start in range(0, len(ops), n_at_once):
            twin.apply(ops[start : start + n_at_once])
        yield twin


@pytest.mark.parametrize("seed", range(2))
def test_at_once_and_in_small_commits(tmp_path: Path, seed: int) -> None:
    """The same facts in the same order, counted alike, and found by their values alike."""
    ops = [Assert(fact) for fact in _facts(seed)]
    rule = DefineRelation(RelationRule("work of", inverse="worker"))
    with (
        _filled(tmp_path / "large.db", ops, N_FACTS) as large,
        _filled(tmp_path / "small.db", ops, 90) as small,
    ):
        assert _all(large) == _all(small)
        assert large.info().revision == 1
        counts = [(one.info().facts, one.info().entities) for one in (large, small)]
        assert counts[0] == counts[1]
        assert len([c for c in large.changes(0) if c.kind == "asserted"]) == counts[0][0]
        inverse = [
            store.apply([rule]) and store.lookup("Name 3", "worker").values
            for store in (large, small)
        ]
        assert inverse[0] == inverse[1]


def test_a_load_on_top_of_others(tmp_path: Path) -> None:
    """What the store held before is joined, also where an entity has two names."""
    first = [Assert(fact) for fact in _facts(5)]
    more = [AddAlias("Name 1", "The First")]
    named = [
        Assert(Fact(entity=("The First", "Name 1")[n % 2], relation="n", value=str(n)))
        for n in range(6_000)
    ]
    path = tmp_path / "facts.db"
    with _filled(path, first, N_FACTS) as store:
        if not list(store.scan("Name 1")):
            store.apply([Assert(Fact(entity="Name 1", relation="x", value="y"))])
        store.apply(more)
        before = store.info().facts
        store.apply([*named, *first])
        assert store.lookup("Name 1", "n").values == tuple(map(str, range(6_000)))
        assert store.info().facts == before + 6_000


def test_rules_hold_in_a_load(tmp_path: Path) -> None:
    """A second value of a relation that has one is refused, and nothing is left of the load."""
    with SyncFactStore(tmp_path / "facts.db") as store:
        store.apply([DefineRelation(RelationRule("birth place", cardinality="one"))])
        facts = [Fact(entity=f"N {n}", relation="birth place", value="x") for n in range(9_000)]
        with pytest.raises(TooManyValues):
            store.load([*facts, Fact(entity="N 7", relation="born in", value="y")])
        assert store.info().facts == 0
        assert store.load(facts).facts == 9_000


@pytest.mark.parametrize("at", [0, 3, 8_999])
def test_what_is_no_operation_spoils_a_load(tmp_path: Path, at: int) -> None:
    """Wherever it stands, the error is ours, and nothing is left of the load."""
    ops: list[Op] = [Assert(Fact(entity=f"N {n}", relation="r", value="x")) for n in range(9_000)]
    half = Fact.model_construct(
        entity="\ud800", relation="r", value="x", surface="x", sources=(), confidence=1.0,
        valid_from=None, valid_to=None, namespace=(),
    )  # fmt: skip
    unsure = Fact(entity="N", relation="r", value="x").model_copy(update={"confidence": "high"})
    for wrong in (
        *(Assert(half), Assert(unsure), Assert(cast("Fact", "no fact"))),
        *("no operation", Retract("", "r")),
    ):
        spoilt = [*ops[:at], wrong, *ops[at:]]
        with SyncFactStore(tmp_path / "facts.db") as store:
            with pytest.raises(BadFact):
                store.apply(spoilt)  # type: ignore[arg-type]  # on purpose
            assert (store.info().facts, store.info().revision) == (0, 0)
    store_ = SqliteStore(tmp_path / "facts.db")
    assert store_.apply_nowait(ops).facts == 9_000
    store_.close_nowait()
