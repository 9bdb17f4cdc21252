"""The life of items that have an end: hidden when it has come, renewed by reading, swept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest

import lamlam
from lamlam.adapters.langgraph import LamlamStore
from lamlam.memory_backends.model.clock import clock_at, now

At = Callable[[float], AbstractContextManager[None]]


@pytest.fixture
def at() -> Iterator[At]:
    """Sets the clock, in minutes from the beginning of the test."""
    start = now()
    yield lambda minutes: clock_at(start + timedelta(minutes=minutes))


def test_an_item_ends_after_its_minutes(store: LamlamStore, at: At) -> None:
    """Other items stay, and a namespace without an item that lives is not listed."""
    with at(0):
        store.put(("t", "short"), "a", {"n": 1}, ttl=5)
        store.put(("t", "long"), "b", {"n": 2}, ttl=30.5)
        store.put(("t", "ever"), "c", {"n": 3})
    with at(4.9):
        assert store.get(("t", "short"), "a", refresh_ttl=False) is not None
    with at(5):
        assert store.get(("t", "short"), "a") is None
        assert {one.key for one in store.search(("t",), refresh_ttl=False)} == {"b", "c"}
        assert store.search(("t",), query="1", refresh_ttl=False) == []
        assert store.list_namespaces() == [("t", "ever"), ("t", "long")]
    with at(31):
        assert [one.key for one in store.search(("t",))] == ["c"]


def test_pages_do_not_count_what_has_ended(store: LamlamStore, at: At) -> None:
    """The second page begins where the first one ends."""
    for n, (key, minutes) in enumerate([("a", None), ("b", None), ("gone", 1.0), ("c", None)]):
        with at(n / 100):
            store.put(("t",), key, {"n": n}, ttl=minutes)
    with at(2):
        pages = [[one.key for one in store.search(("t",), limit=2, offset=n)] for n in (0, 2)]
    assert pages == [["c", "b"], ["a"]]


def test_reading_renews(store: LamlamStore, at: At) -> None:
    """By `get` and by `search`, unless they say otherwise; times of the item stay."""
    with at(0):
        for key in ("got", "found", "left"):
            store.put(("t",), key, {"kind": key}, ttl=10)
        first = store.get(("t",), "got")
    with at(9):
        assert store.get(("t",), "got") == first
        assert len(store.search(("t",), filter={"kind": "found"})) == 1
        assert store.get(("t",), "left", refresh_ttl=False) is not None
    with at(15):
        assert {one.key for one in store.search(("t",), refresh_ttl=False)} == {"got", "found"}
        assert [one.key for one in store.search(("t",), query="got", refresh_ttl=False)] == ["got"]
    with at(30):
        assert store.get(("t",), "got", refresh_ttl=True) is None  # nothing comes back to life


def test_the_settings_of_the_store(facts: lamlam.SyncFactStore, at: At) -> None:
    """An item may have another end than the usual one, or none."""
    store = LamlamStore(facts, ttl={"default_ttl": 10, "refresh_on_read": False})
    with at(0):
        store.put(("t",), "usual", {"n": 1})
        store.put(("t",), "short", {"n": 2}, ttl=1)
        store.put(("t",), "ever", {"n": 3}, ttl=None)
    with at(9):
        assert {one.key for one in store.search(("t",))} == {"usual", "ever"}
    with at(11):
        assert {one.key for one in store.search(("t",))} == {"ever"}


def test_an_item_that_is_put_again_has_its_new_end_alone(store: LamlamStore, at: At) -> None:
    """Nothing of the one before it shows when that has come."""
    with at(0):
        store.put(("t",), "a", {"n": 1})
        store.put(("t",), "a", {"n": 2}, ttl=5)
        store.put(("t",), "b", {"n": 1}, ttl=5)
        store.put(("t",), "b", {"n": 2})
    with at(6):
        assert store.get(("t",), "a") is None
        item = store.get(("t",), "b")
        assert item is not None and item.value == {"n": 2}


def test_a_sweep_ends_what_has_expired(
    store: LamlamStore, facts: lamlam.SyncFactStore, at: At
) -> None:
    """Facts of the memory that are no items are left alone."""
    with at(0):
        store.put(("t",), "a", {"n": 1}, ttl=5)
        store.put(("u",), "b", {"n": 1}, ttl=5)
        store.put(("u",), "c", {"n": 1})
        past = lamlam.Fact(entity="Ada", relation="office", value="mayor", valid_to="1850")
        facts.apply([lamlam.Assert(past)])
    with at(4):
        assert store.sweep_ttl() == 0
    with at(6):
        assert store.sweep_ttl() == 2
        assert store.sweep_ttl() == 0
    left = sorted(one.entity for one in facts.scan(include_expired=True))
    assert left == ["Ada", "c", "c", "c"]
