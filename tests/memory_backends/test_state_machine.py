"""Random operations on every backend and on a plain dict: they always agree."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from lamlam.memory_backends import sqlite_writer
from lamlam.memory_backends.facts import Fact
from lamlam.memory_backends.operations import Assert, Replace, Retract
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.stores import BACKENDS, triples, url_of

ENTITIES = st.sampled_from(["Ada", "Bob Ferris", "Łódź", "a\x1eb", "The Salt (novel)", "x" * 40])
PLACES = ("birth place", "born in", "place of birth")
RELATIONS = st.sampled_from([*PLACES, "award", "a\x1fb", "genre"])
VALUES = st.sampled_from(["one", "two", "<|db_end|>", "\x1b", "three\nfour"])


Held = list[tuple[str, str]]


def covers(asked: str, relation: str) -> bool:
    """Synonyms as the table has them, for the relations of this test."""
    return asked == relation or (asked in PLACES and relation in PLACES)


class StoreMachine(RuleBasedStateMachine):
    """One store and a dict of lists of relations and values."""

    backend = "memory"

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = SyncFactStore(url_of(self.backend, Path(self.folder.name)))
        self.store.__enter__()
        self.model: dict[str, Held] = {}
        self.ended: dict[str, int] = {}

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    @rule(entity=ENTITIES, relation=RELATIONS, value=VALUES)
    def add(self, entity: str, relation: str, value: str) -> None:
        held = self.model.setdefault(entity, [])
        commit = self.store.apply([Assert(Fact(entity=entity, relation=relation, value=value))])
        assert commit.facts == ((relation, value) not in held)
        if (relation, value) not in held:
            held.append((relation, value))

    @rule(entity=ENTITIES, relation=RELATIONS, value=VALUES)
    def replace(self, entity: str, relation: str, value: str) -> None:
        held = self.model.get(entity, [])
        same = [one for one in held if covers(relation, one[0]) and one[1] == value]
        stays = (relation, value) if (relation, value) in same else next(iter(same), None)
        kept = [one for one in held if not covers(relation, one[0]) or one == stays]
        self.store.apply([Replace(Fact(entity=entity, relation=relation, value=value))])
        self._end(entity, len(held) - len(kept))
        self.model[entity] = kept if stays else [*kept, (relation, value)]

    @rule(entity=ENTITIES, relation=RELATIONS, value=st.none() | VALUES)
    def retract(self, entity: str, relation: str, value: str | None) -> None:
        held = self.model.get(entity, [])
        kept = [one for one in held if not covers(relation, one[0]) or value not in (None, one[1])]
        commit = self.store.apply([Retract(entity, relation, value)])
        assert commit.facts == len(held) - len(kept)
        self._end(entity, len(held) - len(kept))
        self.model[entity] = kept

    @rule(entity=ENTITIES)
    def erase(self, entity: str) -> None:
        held = self.model.pop(entity, [])
        receipt = self.store.erase(entity)
        assert receipt.facts == len(held) + self.ended.pop(entity, 0)
        if self.backend == "sqlite":
            # Nothing erased is nothing searched for, and so nothing confirmed.
            assert receipt.verified == bool(receipt.facts), receipt

    @rule(entity=ENTITIES, relation=RELATIONS)
    def ask(self, entity: str, relation: str) -> None:
        held = self.model.get(entity, [])
        names = [name for name, _ in held]
        alike = [name for name in names if covers(relation, name)]
        answering = relation if relation in names else next(iter(alike), None)
        assert self.store.lookup(entity, relation).values == tuple(
            value for name, value in held if name == answering
        )
        assert len(self.store.history(entity)) == self.ended.get(entity, 0)

    @invariant()
    def counts(self) -> None:
        if not hasattr(self, "store"):
            return
        expected = {(e, r, v) for e, held in self.model.items() for r, v in held}
        assert triples(self.store) == expected
        info = self.store.info()
        assert info.facts == len(expected)
        assert info.entities == len({entity for entity, _, _ in expected})

    def _end(self, entity: str, n: int) -> None:
        if n:
            self.ended[entity] = self.ended.get(entity, 0) + n


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_store_is_a_dict(backend: str) -> None:
    """Whatever is done to it, in any order."""
    _run(backend)


def test_colliding_hashes_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """With two bits of hash for every name the store still is a dict."""

    def two_bits(key: str) -> int:
        return len(key) % 3

    monkeypatch.setattr(sqlite_writer, "row_id", two_bits)
    monkeypatch.setattr("lamlam.memory_backends.sqlite_reader.row_id", two_bits)
    monkeypatch.setattr("lamlam.memory_backends.sqlite_erasure.row_id", two_bits)
    _run("sqlite")


def _run(backend: str) -> None:
    machine = type("Machine", (StoreMachine,), {"backend": backend})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=20, stateful_step_count=15, deadline=None)
    )
