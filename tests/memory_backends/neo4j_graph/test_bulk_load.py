"""Facts on their way to Neo4j are taken from their iterable once, even by two attempts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.neo4j_graph.bulk_load import _FactBatches
from lamlam.memory_backends.neo4j_graph.driver import _quiet
from tests.limits import HANG_S


def test_two_attempts_take_the_facts_once() -> None:
    """An attempt that was given up may still be taking facts when the next one begins."""
    is_taking, may_go_on = threading.Event(), threading.Event()

    def facts() -> Iterator[Fact]:
        is_taking.set()
        may_go_on.wait(HANG_S)
        yield Fact(entity="A B", relation="work", value="x")

    parts = _FactBatches(facts())
    with ThreadPoolExecutor(2) as threads:
        given_up = threads.submit(parts.part, 0)
        assert is_taking.wait(HANG_S)
        repeated = threads.submit(parts.part, 0)
        threading.Timer(0.2, may_go_on.set).start()
        first, second = given_up.result(), repeated.result()
    assert first is not None and first is second
    assert len(first.facts) == 1
    assert parts.part(1) is None


def test_parameters_are_not_written_out() -> None:
    """The driver writes every parameter into a text for its log; ours tell how many rows."""
    quiet = _quiet({"rows": [{"value": "secret"}] * 3, "id": "x"})
    assert "secret" not in repr(quiet)
    assert quiet == {"rows": [{"value": "secret"}] * 3, "id": "x"}
