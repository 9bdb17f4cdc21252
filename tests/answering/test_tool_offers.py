"""Which tools an answer may call, for each choice of an agent."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from lamlam.answering.tool_offers import offer_options
from lamlam.runtime.chat.tool_definitions import function_definition

TOOLS = [function_definition(name, None, {"type": "object"}) for name in ("read", "write", "end")]


@pytest.mark.parametrize(
    ("chosen", "allows_text", "names", "choice"),
    [
        (None, True, ["read", "write", "end"], "auto"),
        ("auto", False, ["read", "write", "end"], "required"),
        ("none", True, ["end"], "auto"),
        ([], False, ["end"], "required"),
        ("required", True, ["read", "write"], "required"),
        (["write", "no such tool"], True, ["write"], "required"),
    ],
    ids=str,
)
def test_each_choice(
    chosen: str | Collection[str] | None, allows_text: bool, names: list[str], choice: str
) -> None:
    """A tool that ends a run stays where others may not be called."""
    offer = offer_options(TOOLS, chosen, allows_text, ["end"])
    assert [one["function"]["name"] for one in offer["tools"]] == names
    assert offer["tool_choice"] == choice


@pytest.mark.parametrize("tools", [[], TOOLS[:2]], ids=["no tools", "none that may be called"])
def test_without_a_tool_nothing_is_offered(tools: list[dict[str, Any]]) -> None:
    """A choice without tools would be refused."""
    assert offer_options(tools, "none") == {}
