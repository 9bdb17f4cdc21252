"""Facts by id: what a look at all facts finds, without one where their places were noted."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lamlam.errors import LamLamError
from lamlam.memory_backends.authoring import LocalStore
from lamlam.memory_backends.commits.local_holdings import LocalHoldings
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.fact_places import FactPlaces
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.searched_changes import WORDS, random_ops
from tests.memory_backends.stores import BACKENDS, url_of


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_id_leads_where_a_look_at_all_facts_leads(backend: str, tmp_path: Path) -> None:
    """After any operations, of this process or another, of ids that there are, were and never were."""
    rng = random.Random(5)
    url = url_of(backend, tmp_path)
    with SyncFactStore(url) as store:
        local: Any = store._store
        assert isinstance(local, LocalStore)
        known: dict[str, None] = {"0" * 20: None, "f" * 20: None}
        for n in range(10):
            for op in random_ops(rng, 4):
                with suppress(LamLamError):  # what is refused changes nothing
                    store.apply([op])
            if n % 4 == 3:
                store.erase(f"{rng.choice(WORDS)} 0")
            if n % 4 == 1 and backend == "sqlite":
                with SyncFactStore(url) as other:
                    other.apply(random_ops(rng, 1))
            known.update((str(fact.id), None) for fact in store.scan())
            for ident in known:
                assert store.fact(ident) == LocalHoldings.fact_nowait(local, ident), (n, ident)
        assert len(known) > 12


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_third_read_by_id_looks_at_few_facts(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once places are noted, an id costs the facts of one place, and one that is absent none."""
    looked = 0
    exact = FactIds.__call__

    def counted(self: FactIds, *arguments: Any) -> str:
        nonlocal looked
        looked += 1
        return exact(self, *arguments)

    with SyncFactStore(url_of(backend, tmp_path)) as store:
        store.load(Fact(entity=f"E {n}", relation="r", value=f"v {n}") for n in range(400))
        idents = [str(fact.id) for fact in store.scan()]
        for ident in idents[:2]:
            store.fact(ident)
        monkeypatch.setattr(FactIds, "__call__", counted)
        for ident in idents[::40]:
            fact = store.fact(ident)
            assert fact is not None and fact.id == ident
        assert store.fact("0" * 20) is None
        assert 0 < looked <= 4 * len(idents[::40])


def test_places_of_ids_that_begin_alike() -> None:
    """All of them are given, and none of another id; that they are in order plays no role."""
    alike = "0123456789"
    facts = [(alike + "a" * 10, 7), ("ff" * 10, 0), (alike + "b" * 10, 2**24 - 1), ("00" * 10, 3)]
    places = FactPlaces(1, facts)
    assert sorted(places.of(alike + "c" * 10)) == [7, 2**24 - 1]
    assert (places.of("ff" * 10), places.of("00" * 10), places.of("0a" * 10)) == ([0], [3], [])
