"""Very many values, relations or homonyms: a lookup takes as much work as of a few.

Generation waits for each lookup, and so do all other texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lamlam.memory_backends.model import lookups, row_codec
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import EntityView, Lookup, LookupResult, LookupStatus
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.read_views.replica import Replica
from lamlam.memory_backends.resolution import descriptions, relation_matching, resolver
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.runtime.decoding.lookup_answers import GivenOut

ADA = "Ada Quill"
MANY = 300
MORE = 1500


class Fast:
    """What a token loop asks, of a store or of a copy of it."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def lookup(self, entity: str, relation: str, **more: Any) -> LookupResult:
        """Ask as a token loop does."""
        found: LookupResult = self._store.lookup_nowait(Lookup(entity, relation, **more))
        return found

    def describe(self, entity: str) -> EntityView | None:
        """Ask as a key constraint does."""
        found: EntityView | None = self._store.describe_nowait(entity, fuzzy=True)
        return found


@contextmanager
def asked(kind: str, facts: list[Fact], folder: Path) -> Iterator[Fast]:
    """A store with these facts."""
    url = "memory:" if kind == "memory" else f"sqlite:///{folder}/{len(facts)}.db"
    with SyncFactStore(url) as store:
        store.apply([Assert(fact) for fact in facts])
        if kind == "replica":
            replica = Replica(b"secret")
            replica.apply_changes(store.changes(None))
            yield Fast(replica)
        else:
            yield Fast(store)


def prizes(n: int, **more: Any) -> list[Fact]:
    """One relation of very many values, and another one."""
    facts = [
        Fact(entity=ADA, relation="award", value=f"Prize {i}", source=f"list {i % 7}", **more)
        for i in range(n)
    ]
    return [*facts, Fact(entity=ADA, relation="birth place", value="Lowmere")]


@pytest.fixture(params=["sqlite", "memory", "replica"])
def kind(request: pytest.FixtureRequest) -> str:
    """Where the facts are."""
    return str(request.param)


class Work:
    """Counts facts that are read from rows and ids that are made."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.n = 0
        self._count(patch, row_codec, "_unpacked")
        self._count(patch, FactIds, "__call__")
        self._count(patch, lookups, "EntityFact")
        self._count(patch, resolver, "EntityFact")
        self._count(patch, relation_matching, "likeness")
        self._count(patch, relation_matching, "_slip_score")

    def _count(self, patch: pytest.MonkeyPatch, where: Any, name: str) -> None:
        counted: Callable[..., Any] = getattr(where, name)

        def counting(*args: Any, **kwargs: Any) -> Any:
            self.n += 1
            return counted(*args, **kwargs)

        patch.setattr(where, name, counting)

    def of(self, done: Callable[[], object]) -> int:
        """Return how much something takes, the second time: the first may build an index."""
        done()
        before = self.n
        done()
        return self.n - before


def three_prizes(store: Fast, relation: str) -> list[str | None]:
    """Ask three times in one text."""
    given = GivenOut()
    lookup = Lookup(ADA, relation)
    return [
        given.next_record(lookup, store.lookup(ADA, relation), "ada quill", 0.0).value
        for _ in range(3)
    ]


@pytest.mark.parametrize("relation", ["award", "awards received", "prize"])
def test_the_next_value_costs_the_same_of_however_many(
    kind: str, relation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under its name or a synonym; in order, and each once in a text."""
    work = Work(monkeypatch)
    taken = set()
    for n in (MANY, MORE):
        with asked(kind, prizes(n), tmp_path) as store:
            assert three_prizes(store, relation) == ["Prize 0", "Prize 1", "Prize 2"]
            taken.add(work.of(lambda: three_prizes(store, relation)))
    assert len(taken) == 1 and max(taken) < MANY


def test_the_next_value_of_a_time_costs_the_same(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the facts have periods."""
    work = Work(monkeypatch)
    taken = set()
    for n in (MANY, MORE):
        with asked(kind, prizes(n, valid_from="1900-01-01"), tmp_path) as store:
            assert three_prizes(store, "award") == ["Prize 0", "Prize 1", "Prize 2"]
            taken.add(work.of(lambda: three_prizes(store, "award")))
    assert len(taken) == 1 and max(taken) < MANY


def test_all_else_of_the_entity_costs_the_same(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other relations, a synonym of them behind all the values, and those that it lacks."""
    work = Work(monkeypatch)
    taken = set()
    for n in (MANY, MORE):
        with asked(kind, prizes(n), tmp_path) as store:
            assert store.lookup(ADA, "place of birth").value == "Lowmere"
            taken.add(work.of(lambda: store.lookup(ADA, "place of birth").value))
            taken.add(work.of(lambda: store.lookup(ADA, "height").candidates) + 1)
    assert len(taken) <= 2 and max(taken) < MANY


def test_a_description_is_of_the_first_facts(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work(monkeypatch)
    with asked(kind, prizes(MORE), tmp_path) as store:
        view = store.describe(ADA)
        assert view is not None and len(view.values("award")) == descriptions.MAX_DESCRIBED
        assert work.of(lambda: store.describe(ADA)) <= descriptions.MAX_DESCRIBED


def test_whoever_asks_for_all_gets_all(kind: str, tmp_path: Path) -> None:
    """Values, sources, ids and facts, in order; also behind the close of the store."""
    facts = prizes(MANY)
    with asked(kind, facts, tmp_path) as store:
        results = [store.lookup(ADA, relation) for relation in ("award", "awards received")]
        half = store.lookup(ADA, "award")
        assert half.answer(100) is not None and half.answer(MANY) is None
    for result in (*results, half):
        assert result.value == "Prize 0" and result.status is LookupStatus.HIT
        assert result.values == tuple(f"Prize {n}" for n in range(MANY))
        assert result.sources == tuple(f"list {n % 7}" for n in range(MANY))
        assert [(one.surface, one.id) for one in result.facts] == [
            *zip(result.values, result.fact_ids, strict=True)
        ]
        answers = [result.answer(n) for n in range(MANY)]
        assert [one.fact_id for one in answers if one] == list(result.fact_ids)
        assert [one.source for one in answers if one] == list(result.sources)


def test_values_of_a_moment_are_those_that_hold_then(kind: str, tmp_path: Path) -> None:
    """As a filter over all of them says; what two facts say alike comes once."""
    years = [1900 + n % 40 for n in range(MANY)]
    facts = [
        Fact(
            entity=ADA,
            relation="award",
            value=f"Prize {n // 2}",
            valid_from=f"{year}-01-01",
            valid_to=f"{year + 10}-01-01",
        )
        for n, year in enumerate(years)
    ]
    at = datetime(1920, 6, 1, tzinfo=UTC)
    slow = dict.fromkeys(
        fact.surface
        for fact in facts
        if fact.valid_from is not None and fact.valid_to is not None
        if fact.valid_from <= at < fact.valid_to
    )
    with asked(kind, facts, tmp_path) as store:
        assert store.lookup(ADA, "award", valid_at=at).values == tuple(slow)
        nothing = store.lookup(ADA, "award", valid_at=datetime(1800, 1, 1, tzinfo=UTC))
        assert (nothing.status, nothing.values) == (LookupStatus.NOT_VALID_AT, ())


def test_very_many_relations_are_not_all_compared(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that the entity has, or a known synonym of one, is found among them all the same."""
    work = Work(monkeypatch)
    for n in (1000, 3000):
        facts = [Fact(entity=ADA, relation=f"zq {i} x", value="v") for i in range(n)]
        facts.append(Fact(entity=ADA, relation="birth place", value="Lowmere"))
        with asked(kind, facts, tmp_path) as store:
            for relation in ("birth place", "place of birth"):
                assert store.lookup(ADA, relation).value == "Lowmere"
            assert store.lookup(ADA, f"zq {n - 1} x").value == "v"
            most = 4 * relation_matching._MOST_COMPARED
            assert work.of(lambda: store.lookup(ADA, "height").candidates) <= most


def test_very_many_homonyms_are_ambiguous(kind: str, tmp_path: Path) -> None:
    """One of them is found by its own name."""
    facts = [
        Fact(entity=f"John Miller (no {n})", relation="job", value=f"{n}") for n in range(2200)
    ]
    with asked(kind, facts, tmp_path) as store:
        found = store.lookup("John Miller", "job")
        assert found.status is LookupStatus.AMBIGUOUS and len(found.candidates) == 5
        assert store.lookup("john miller (no 2199)", "job").value == "2199"
        assert store.lookup("John Milller", "job").status is LookupStatus.AMBIGUOUS
        assert store.describe("John Miller") is None
