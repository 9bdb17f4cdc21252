"""A memory as the store of LangGraph: what LangGraph's own SQLite store is tested for holds."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from langgraph.store.base import (
    GetOp,
    InvalidNamespaceError,
    Item,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchItem,
    SearchOp,
)

import lamlam
from lamlam.adapters.langgraph import LamlamStore
from lamlam.errors import BadFact, UsageError
from lamlam.memory_backends.model.clock import clock_at, now

BOOKS = ("library", "books")


def keys(found: list[SearchItem]) -> list[str]:
    """Return the keys of items, in order."""
    return [one.key for one in found]


def test_an_item_is_read_back_as_it_was_put(store: LamlamStore) -> None:
    """With its place and times; put again it keeps the first one."""
    value = {"title": "Salt", "pages": 90, "tags": ["sea", None], "of": {"x": 1.5, "y": True}}
    store.put(BOOKS, "salt", value)
    first = store.get(BOOKS, "salt")
    assert first is not None and type(first) is Item
    assert (first.namespace, first.key, first.value) == (BOOKS, "salt", value)
    assert first.created_at == first.updated_at and first.created_at.tzinfo is not None
    with clock_at(now() + timedelta(minutes=1)):
        store.put(BOOKS, "salt", {"title": "Salt, again"})
    second = store.get(BOOKS, "salt")
    assert second is not None and second.value == {"title": "Salt, again"}
    assert second.created_at == first.created_at < second.updated_at
    assert store.get(("library", "maps"), "salt") is None


def test_keys_and_labels_that_are_one_name_in_a_memory_stay_apart(store: LamlamStore) -> None:
    """Case, underscores, spaces, forms of Unicode, and characters that no namespace has."""
    names = [
        "Note_A",
        "note a",
        "note  a",
        "NOTE A",
        "Straße",
        "strasse",
        "é",
        "e\u0301",
        "ａ",
        "a",
    ]
    names += [" a", "a/b", "a%2fb", "%", "100 %", "\n", "名", "🙂", "Ǆ", "ﬁ", "fi"]
    for n, name in enumerate(names):
        store.put(("keys",), name, {"n": n})
        store.put(("labels", name), "k", {"n": n})
    for n, name in enumerate(names):
        for item in (store.get(("keys",), name), store.get(("labels", name), "k")):
            assert item is not None and item.value == {"n": n}, name
    assert sorted(keys(store.search(("keys",), limit=100))) == sorted(names)
    listed = store.list_namespaces(prefix=("labels",))
    assert listed == sorted(("labels", name) for name in names)
    store.put(("keys",), "", {"n": -1})
    item = store.get(("keys",), "")
    assert item is not None and item.value == {"n": -1}


def test_a_deleted_item_is_gone_and_may_come_again(store: LamlamStore) -> None:
    """As a new one, which was created later."""
    store.put(BOOKS, "salt", {"n": 1})
    store.delete(BOOKS, "salt")
    store.delete(BOOKS, "never was")
    assert store.get(BOOKS, "salt") is None
    assert store.search(("library",)) == [] and store.list_namespaces() == []
    later = now() + timedelta(minutes=1)
    with clock_at(later):
        store.put(BOOKS, "salt", {"n": 2})
    item = store.get(BOOKS, "salt")
    assert item is not None and item.created_at == later


@pytest.mark.parametrize("erases", [True, False])
def test_what_is_deleted_can_be_erased(facts: lamlam.SyncFactStore, erases: bool) -> None:
    """Else the history keeps it."""
    store = LamlamStore(facts, erase=erases)
    store.put(BOOKS, "salt", {"secret": "blue"})
    store.delete(BOOKS, "salt")
    past = facts.history("salt", namespace=("langgraph", *BOOKS))
    assert any("blue" in str(one.fact.value) for one in past) is not erases


def test_a_batch_answers_in_order_and_writes_last(store: LamlamStore) -> None:
    """All of it is one commit; of two writes of one item the last counts."""
    store.put(("t", "foo"), "k1", {"n": 1})
    store.put(("t", "bar"), "k2", {"n": 2})
    answers: list[Any] = store.batch(
        [
            GetOp(("t", "foo"), "k1"),
            PutOp(("t", "bar"), "k2", {"n": 3}),
            SearchOp(("t",), filter={"n": 1}),
            ListNamespacesOp(),
            GetOp(("t",), "k3"),
            GetOp(("t", "bar"), "k2"),
            PutOp(("t",), "k3", {"n": 4}),
            PutOp(("t",), "k3", {"n": 5}),
            PutOp(("t", "foo"), "k1", None),
        ]
    )
    assert answers[0].value == {"n": 1} and keys(answers[2]) == ["k1"]
    assert answers[3] == [("t", "bar"), ("t", "foo")]
    assert answers[5].value == {"n": 2}  # as it was before the batch
    assert [answers[n] for n in (1, 4, 6, 7, 8)] == [None] * 5
    assert {one.key: one.value["n"] for one in store.search(("t",))} == {"k2": 3, "k3": 5}


def test_a_batch_that_fails_writes_nothing(store: LamlamStore, facts: lamlam.SyncFactStore) -> None:
    """The first item is as valid as ever; the second is not JSON, or in too deep a place."""
    before = facts.info().revision
    deep = tuple("abcdefgh")
    for wrong, error in (
        (PutOp(("t",), "b", {"x": {1}}), TypeError),
        (PutOp(deep, "b", {}), BadFact),
    ):
        with pytest.raises(error):
            store.batch([PutOp(("t",), "a", {"n": 1}), wrong])
    assert facts.info().revision == before and store.search(()) == []


def test_pages_of_a_search(store: LamlamStore) -> None:
    """The newest first; a prefix ends where a label ends."""
    start = now()
    for n in range(5):
        with clock_at(start + timedelta(seconds=n)):
            store.put(("users", "al"), f"k{n}", {"n": n})
    store.put(("users", "alice"), "other", {"n": 9})
    assert keys(store.search(("users", "al"), limit=2)) == ["k4", "k3"]
    assert keys(store.search(("users", "al"), limit=2, offset=2)) == ["k2", "k1"]
    assert keys(store.search(("users", "al"), limit=2, offset=4)) == ["k0"]
    assert len(store.search(("users",))) == 6 and len(store.search(())) == 6
    assert store.search(("user",)) == []


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"color": "red"}, ["a", "b"]),
    ({"color": "red", "score": {"$gte": 4.5}}, ["a"]),
    ({"score": {"$gt": 3.0, "$lt": 4.5}}, ["c", "d"]),
    ({"score": {"$lte": 3}}, ["b"]),
    ({"score": {"$eq": 3.5}}, ["d"]),
    ({"color": {"$ne": "red"}}, ["c", "d", "e"]),
    ({"score": {"$lt": float("inf")}}, ["a", "b", "c", "d"]),
    ({"score": {"$eq": float("nan")}}, []),
    ({"score": {"$lt": 10**100}}, ["a", "b", "c", "d"]),
    ({"tags": ["x"]}, ["c"]),
    ({"flag": True}, ["a"]),
    ({"flag": 1}, ["b"]),
    ({"of": {"who": "O'Brien"}}, ["d"]),
    ({"of.who": "O'Brien"}, ["d"]),
    ({"of.first-name": "Pat"}, ["d"]),
    ({"of": {"age": {"$gt": 40}}}, ["d"]),
    ({"color": "red' OR '1'='1"}, []),
    ({"color') = 'red' OR '1'='1": "x"}, []),
    ({"missing": None}, ["a", "b", "c", "d", "e"]),
]


@pytest.mark.parametrize(("wanted", "found"), FILTERS, ids=str)
def test_filters(store: LamlamStore, wanted: dict[str, Any], found: list[str]) -> None:
    """An item without the field, or with a value of another kind, is not found by an order."""
    store.put(("f",), "a", {"color": "red", "score": 4.5, "flag": True})
    store.put(("f",), "b", {"color": "red", "score": 3, "flag": 1})
    store.put(("f",), "c", {"color": "green", "score": 4.0, "tags": ["x"]})
    of = {"who": "O'Brien", "first-name": "Pat", "age": 41}
    store.put(("f",), "d", {"color": "blue", "score": 3.5, "tags": ["x", "y"], "of": of})
    store.put(("f",), "e", {"score": "high"})
    assert sorted(keys(store.search(("f",), filter=wanted))) == found


def test_an_operator_that_does_not_exist_is_named(store: LamlamStore) -> None:
    """With those that do."""
    store.put(("f",), "a", {"n": 1})
    with pytest.raises(ValueError, match=r"'\$regex'.*\$gte"):
        store.search(("f",), filter={"n": {"$regex": "x"}})


def test_lists_of_namespaces(store: LamlamStore) -> None:
    """By prefix, suffix, both, with wildcards, cut to a depth, and in pages."""
    places = [
        ("p", "test", "docs", "public"),
        ("p", "test", "docs", "private"),
        ("p", "test", "images", "public"),
        ("p", "prod", "docs", "some", "deep", "public"),
        ("q", "prod", "docs", "public"),
    ]
    for place in places:
        store.put(place, "k", {"n": 1})
    everything = sorted(places)
    assert store.list_namespaces() == everything
    assert len(store.list_namespaces(prefix=("p", "test"))) == 3
    assert len(store.list_namespaces(suffix=("public",))) == 4
    assert store.list_namespaces(prefix=("p",), suffix=("docs", "public")) == [places[0]]
    assert len(store.list_namespaces(prefix=("*", "prod", "docs"))) == 2
    assert store.list_namespaces(suffix=("some", "*", "public")) == [places[3]]
    assert store.list_namespaces(max_depth=2) == [("p", "prod"), ("p", "test"), ("q", "prod")]
    assert store.list_namespaces(limit=2) + store.list_namespaces(offset=2) == everything
    both = (MatchCondition("prefix", ("p",)), MatchCondition("suffix", ("private",)))
    assert store.batch([ListNamespacesOp(both)]) == [[places[1]]]


def test_labels_are_checked(store: LamlamStore) -> None:
    """Also where a batch is handed over without the methods."""
    for labels in (("a.b",), ("",), (7,)):
        with pytest.raises(InvalidNamespaceError):
            store.batch([GetOp(labels, "k")])  # type: ignore[arg-type]
    with pytest.raises(InvalidNamespaceError):
        store.put(("langgraph",), "k", {})
    with pytest.raises(ValueError, match="unknown operation"):
        store.batch([SearchItem])  # type: ignore[list-item]


def test_a_query_searches_the_texts_of_items(store: LamlamStore) -> None:
    """The best first, with a score that falls; filters and pages as without one."""
    store.put(("m", "1"), "food", {"text": "Ada likes pizza with anchovies", "kind": "taste"})
    store.put(("m", "1"), "town", {"text": "Ada lives in Lowmere", "kind": "place"})
    store.put(("m", "2"), "other", {"text": "Bob likes pizza", "kind": "taste"})
    store.put(("m", "1"), "chinese", {"text": "这是中文"})
    found = store.search(("m",), query="who likes anchovies?")
    assert found[0].key == "food" and found[0].score == 1.0
    scores = [one.score or 0.0 for one in found]
    assert scores == sorted(scores, reverse=True)
    assert set(keys(store.search(("m",), query="pizza"))) == {"food", "other"}
    assert keys(store.search(("m", "2"), query="pizza")) == ["other"]
    assert keys(store.search(("m",), query="Ada", filter={"kind": "place"})) == ["town"]
    assert keys(store.search(("m",), query="中文")) == ["chinese"]
    first, second = (store.search(("m",), query="pizza", limit=1, offset=n)[0] for n in (0, 1))
    assert first.key != second.key
    assert len(store.search(("m",), query="")) == 4
    assert store.search(("m",), query="zeppelin") == []
    assert store.search(("m",), query="!@#$%^&*()") == []
    assert store.search(("m",), query="pizza " * 1000)


def test_an_item_that_was_put_again_is_found_by_its_new_text(store: LamlamStore) -> None:
    """And no longer by the old one."""
    store.put(("m",), "a", {"text": "zany zebra"})
    store.put(("m",), "a", {"text": "dull dog"})
    assert store.search(("m",), query="zebra") == []
    assert keys(store.search(("m",), query="dog")) == ["a"]


def test_only_the_fields_that_are_named_are_searched(facts: lamlam.SyncFactStore) -> None:
    """Those of the store, of the item, or none."""
    store = LamlamStore(facts, fields=["memory", "notes[*].text"])
    value = {
        "memory": "apple",
        "other": "banana",
        "notes": [{"text": "cherry"}, {"text": "damson"}],
    }
    store.put(("m",), "usual", value)
    store.put(("m",), "own", value, index=["other"])
    store.put(("m",), "none", value, index=False)
    assert keys(store.search(("m",), query="apple")) == ["usual"]
    assert keys(store.search(("m",), query="damson")) == ["usual"]
    assert keys(store.search(("m",), query="banana")) == ["own"]
    assert len(store.search(("m",))) == 3


def test_items_and_facts_of_one_memory_do_not_meet(facts: lamlam.SyncFactStore) -> None:
    """Whatever the facts are, and wherever."""
    store = LamlamStore(facts)
    store.put(("users", "7"), "ada quill", {"n": 1})
    place = ("users", "7")
    told = lamlam.Fact(entity="Ada Quill", relation="birth place", value="Lowmere", namespace=place)
    stray = lamlam.Fact(
        entity="stray", relation="item", value="no JSON", namespace=("langgraph", *place)
    )
    facts.apply([lamlam.Assert(told), lamlam.Assert(stray)])
    assert keys(store.search(())) == ["ada quill"]
    assert [one.value for one in facts.scan("ada quill", namespace=place)] == ["Lowmere"]


def test_what_a_file_keeps_is_there_again(tmp_path: Path) -> None:
    """A second store over the same file reads what the first one wrote."""
    url = f"sqlite:///{tmp_path}/kept.db"
    with lamlam.SyncFactStore(url) as facts:
        LamlamStore(facts).put(BOOKS, "Salt_1", {"n": 1})
    with lamlam.SyncFactStore(url) as facts:
        item = LamlamStore(facts).get(BOOKS, "Salt_1")
        assert item is not None and item.value == {"n": 1}


def test_a_store_of_async_code_is_refused() -> None:
    """With what to open instead."""
    with pytest.raises(UsageError, match="SyncFactStore"):
        LamlamStore(lamlam.open_store("memory:"))  # type: ignore[arg-type]
