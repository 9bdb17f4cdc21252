"""A memory as the store of a graph of LangGraph."""

from __future__ import annotations

import lamlam.adapters.langgraph


def test_the_module_says_what_it_is() -> None:
    """It imports beside the framework."""
    assert lamlam.adapters.langgraph.__doc__
