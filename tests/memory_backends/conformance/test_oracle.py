"""The oracle of the random laws agrees with stores of every kind that may declare `erase`."""

from __future__ import annotations

from lamlam.memory_backends.conformance.model.oracle import Oracle
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, Retract


def test_what_has_ended_is_erased_where_history_is_kept() -> None:
    """A store with history erases the ended version; one without has nothing to erase."""
    for keeps_history, erased, revision in ((True, 1, 3), (False, 0, 2)):
        oracle = Oracle()
        oracle.apply([Assert(Fact(entity="Ada", relation="born", value="London"))])
        oracle.apply([Retract("Ada", "born")])
        name = ((), "ada")
        assert oracle.erase(name, keeps_history=keeps_history) == erased
        assert oracle.revision == revision


def test_what_holds_is_erased_in_both() -> None:
    """Facts that hold are erased and counted, whether or not the store keeps history."""
    for keeps_history in (True, False):
        oracle = Oracle()
        oracle.apply([Assert(Fact(entity="Ada", relation="born", value="London"))])
        assert oracle.erase(((), "ada"), "born", keeps_history=keeps_history) == 1
        assert not oracle.now.rows(((), "ada"))
