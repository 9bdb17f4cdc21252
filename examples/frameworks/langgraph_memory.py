"""Let a graph of LangGraph remember: its store is a memory that can be read, edited and erased.

Needs the extra `langgraph`. Prints:

    Ada_Q, first visit: []
    Ada_Q, second visit: ['I like pizza with anchovies']
    ada q, who is somebody else: []
    in the memory: I like pizza with anchovies
    in the memory: Which pizza?
    in the memory: Which pizza?
"""

import json
from typing import TypedDict

from langgraph.config import get_store
from langgraph.graph import END, START, StateGraph

import lamlam
from lamlam.adapters.langgraph import LamlamStore


class Visit(TypedDict):
    user: str
    said: str
    known: list[str]


def remember(state: Visit) -> dict[str, list[str]]:
    """Find what this user said about the same, and keep what they say now."""
    store, place = get_store(), ("users", state["user"])
    found = store.search(place, query=state["said"])
    store.put(place, state["said"], {"text": state["said"]})
    return {"known": [item.value["text"] for item in found]}


with lamlam.SyncFactStore("memory:") as facts:  # "sqlite:///facts.db" keeps it
    graph = StateGraph(Visit)
    graph.add_node("remember", remember)
    graph.add_edge(START, "remember")
    graph.add_edge("remember", END)
    app = graph.compile(store=LamlamStore(facts))

    def visit(user: str, said: str) -> list[str]:
        known: list[str] = app.invoke(Visit(user=user, said=said, known=[]))["known"]
        return known

    print("Ada_Q, first visit:", visit("Ada_Q", "I like pizza with anchovies"))
    print("Ada_Q, second visit:", visit("Ada_Q", "Which pizza?"))
    print("ada q, who is somebody else:", visit("ada q", "Which pizza?"))

    # The items are facts: in a file, `lamlam facts search pizza --memory …` finds them, too.
    for fact in facts.scan(relation="item"):
        print("in the memory:", json.loads(fact.surface)["text"])
