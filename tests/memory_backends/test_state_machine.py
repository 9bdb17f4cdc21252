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
# No two are synonyms, so that a dict is model enough.
RELATIONS = st.sampled_from(["birth place", "award", "a\x1fb", "genre"])
VALUES = st.sampled_from(["one", "two", "<|db_end|>", "\x1b", "three\nfour"])


class StoreMachine(RuleBasedStateMachine):
    """One store and a dict of lists."""

    backend = "memory"

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = SyncFactStore(url_of(self.backend, Path(self.folder.name)))
        self.store.__enter__()
        self.model: dict[tuple[str, str], list[str]] = {}
        self.ended: dict[str, int] = {}

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    @rule(entity=ENTITIES, relation=RELATIONS, value=VALUES)
    def add(self, entity: str, relation: str, value: str) -> None:
        values = self.model.setdefault((entity, relation), [])
        commit = self.store.apply([Assert(Fact(entity=entity, relation=relation, value=value))])
        assert commit.facts == (value not in values)
        if value not in values:
            values.append(value)

    @rule(entity=ENTITIES, relation=RELATIONS, value=VALUES)
    def replace(self, entity: str, relation: str, value: str) -> None:
        old = self.model.get((entity, relation), [])
        self.store.apply([Replace(Fact(entity=entity, relation=relation, value=value))])
        self._end(entity, len([one for one in old if one != value]))
        self.model[entity, relation] = [value]

    @rule(entity=ENTITIES, relation=RELATIONS, value=st.none() | VALUES)
    def retract(self, entity: str, relation: str, value: str | None) -> None:
        old = self.model.get((entity, relation), [])
        kept = [one for one in old if value is not None and one != value]
        commit = self.store.apply([Retract(entity, relation, value)])
        assert commit.facts == len(old) - len(kept)
        self._end(entity, len(old) - len(kept))
        self.model[entity, relation] = kept

    @rule(entity=ENTITIES)
    def erase(self, entity: str) -> None:
        held = sum(len(v) for (one, _), v in self.model.items() if one == entity)
        receipt = self.store.erase(entity)
        assert receipt.facts == held + self.ended.pop(entity, 0)
        self.model = {key: v for key, v in self.model.items() if key[0] != entity}
        if self.backend == "sqlite":
            assert receipt.verified, receipt

    @rule(entity=ENTITIES, relation=RELATIONS)
    def ask(self, entity: str, relation: str) -> None:
        assert self.store.lookup(entity, relation).values == tuple(
            self.model.get((entity, relation), ())
        )
        assert len(self.store.history(entity)) == self.ended.get(entity, 0)

    @invariant()
    def counts(self) -> None:
        if not hasattr(self, "store"):
            return
        expected = {(e, r, v) for (e, r), values in self.model.items() for v in values}
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
