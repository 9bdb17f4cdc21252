"""What is being written cannot write to the same store itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lamlam.errors import BadFact
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.stores import BACKENDS, put, triples, url_of


@pytest.mark.parametrize("backend", BACKENDS)
def test_facts_that_write_while_they_are_loaded_are_refused(backend: str, tmp_path: Path) -> None:
    with SyncFactStore(url_of(backend, tmp_path)) as store:

        def facts() -> Iterator[Fact]:
            yield Fact(entity="A", relation="r", value="v")
            store.apply([Assert(Fact(entity="B", relation="r", value="v"))])

        with pytest.raises(BadFact, match="writes to the store"):
            store.load(facts())
        assert triples(store) == set()
        put(store, ("C", "r", "v"))
        assert triples(store) == {("C", "r", "v")}
