"""Graphs of LangGraph that remember, and any use of the store compared with LangGraph's own."""

from __future__ import annotations

import threading
from typing import Any, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langgraph.config import get_store
from langgraph.graph import END, START, StateGraph
from langgraph.store.memory import InMemoryStore

import lamlam
from lamlam.adapters.langgraph import LamlamStore
from lamlam.memory_backends.conformance.samples import RANDOM


class Visit(TypedDict):
    """The state of the graphs."""

    user: str
    said: str
    known: list[str]


def _remember(state: Visit) -> dict[str, Any]:
    store = get_store()
    place = ("users", state["user"])
    known = [one.value["text"] for one in store.search(place, query=state["said"])]
    store.put(place, state["said"], {"text": state["said"]})
    return {"known": known}


async def _aremember(state: Visit) -> dict[str, Any]:
    store = get_store()
    place = ("users", state["user"])
    known = [one.value["text"] for one in await store.asearch(place, query=state["said"])]
    await store.aput(place, state["said"], {"text": state["said"]})
    return {"known": known}


def _graph(node: Any, store: LamlamStore) -> Any:
    graph = StateGraph(Visit)
    graph.add_node("remember", node)
    graph.add_edge(START, "remember")
    graph.add_edge("remember", END)
    return graph.compile(store=store)


def test_a_graph_remembers_for_each_user(store: LamlamStore) -> None:
    """What one run has put, the next one finds, for the same user."""
    graph = _graph(_remember, store)
    graph.invoke({"user": "Ada_Q", "said": "I like pizza", "known": []})
    again = graph.invoke({"user": "Ada_Q", "said": "pizza?", "known": []})
    other = graph.invoke({"user": "ada q", "said": "pizza?", "known": []})
    assert again["known"] == ["I like pizza"] and other["known"] == []


@pytest.mark.anyio
async def test_a_graph_of_async_code_remembers(store: LamlamStore) -> None:
    """The same by the async methods, in the same memory."""
    graph = _graph(_aremember, store)
    await graph.ainvoke({"user": "7", "said": "I like pizza", "known": []})
    again = await graph.ainvoke({"user": "7", "said": "pizza?", "known": []})
    assert again["known"] == ["I like pizza"]
    item = await store.aget(("users", "7"), "pizza?")
    assert item == store.get(("users", "7"), "pizza?") and item is not None
    await store.adelete(("users", "7"), "pizza?")
    assert await store.alist_namespaces() == [("users", "7")]


def test_threads_share_a_store(store: LamlamStore) -> None:
    """Nothing is lost between them."""

    def write(n: int) -> None:
        for m in range(10):
            store.put(("t", str(n)), str(m), {"n": n, "m": m})

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(store.search(("t",), limit=100)) == 40


_NAMES = st.sampled_from(["a", "A", "a b", "a_b", "é", "e\u0301", "x%"])
_PLACES = st.lists(_NAMES, min_size=1, max_size=3).map(tuple)
_VALUES = st.dictionaries(
    st.sampled_from(["n", "of", "s"]),
    st.recursive(
        st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("n"), inner),
        max_leaves=3,
    ),
    max_size=2,
)
_STEPS = st.lists(
    st.tuples(st.just("put"), _PLACES, _NAMES, _VALUES)
    | st.tuples(st.just("delete"), _PLACES, _NAMES, st.none()),
    max_size=8,
)


@RANDOM
@given(steps=_STEPS, prefix=st.lists(_NAMES, max_size=2).map(tuple), depth=st.none() | st.just(1))
def test_any_use_is_as_with_the_store_in_memory(
    steps: list[Any], prefix: tuple[str, ...], depth: int | None
) -> None:
    """Values, keys and namespaces are those of LangGraph's own store, times and order aside."""
    own = InMemoryStore()
    with lamlam.SyncFactStore("memory:") as facts:
        store = LamlamStore(facts)
        for kind, place, key, value in steps:
            for one in (own, store):
                one.put(place, key, value) if kind == "put" else one.delete(place, key)
        for _, place, key, _ in steps:
            mine, theirs = store.get(place, key), own.get(place, key)
            assert (mine and (mine.key, mine.namespace, mine.value)) == (
                theirs and (theirs.key, theirs.namespace, theirs.value)
            )
        for wanted in (None, {"n": 1}, {"of": {"n": 1}}, {"s": {"$ne": "x"}}):
            told = [
                sorted(
                    (found.namespace, found.key)
                    for found in one.search(prefix, filter=wanted, limit=100)
                    if not isinstance(found.value.get("n"), bool)
                )
                for one in (store, own)
            ]
            assert told[0] == told[1], wanted
        live = {one.namespace for one in own.search((), limit=100)}
        listed = {one[:depth] for one in live if one[: len(prefix)] == prefix}
        assert store.list_namespaces(prefix=prefix, max_depth=depth) == sorted(listed)
