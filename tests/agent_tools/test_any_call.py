"""Whatever a model writes, a call answers by its schema or refuses in one short sentence."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from lamlam.agent_tools.memory_tools import MemoryTools
from lamlam.agent_tools.tool import Tool
from lamlam.errors import BadToolCall, TooManyValues
from lamlam.memory_backends.model.operations import DefineRelation
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.protocol import FactStore

ODD: tuple[Any, ...] = (
    None, True, 0, -1, 10**40, 1.5, float("nan"), float("inf"), "", " ", "x" * 301, "x" * 20_001,
    "\x00", "\x1b[2J", "\ud800", "<|db_entity|>", "\u202e", "2024", "1867-11-07", "44 BC", "-0044",
    "31/05/2024", "9999-12-31T23:59:59+14:00", "٢٠٢٤", "8849 m", "date", "entity", "quantity",
    "9" * 5000, "users/7", "İ" * 300, "ﷺ" * 290, [], {}, ["a"], {"a": 1}, b"x", (1, 2), object(),
)  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(4))
async def test_a_call_is_answered_or_refused_by_name(store: FactStore, seed: int) -> None:
    draw = random.Random(seed)
    await store.apply([DefineRelation(RelationRule("title", cardinality="one"))])
    offers = (
        MemoryTools(store),
        MemoryTools(store, namespace=("users", "7"), may_choose="below", max_characters=500),
    )
    n_answered = 0
    for _ in range(120):
        tools = draw.choice(offers)
        tool = draw.choice(tools.tools)
        arguments = _arguments(tool, draw)
        try:
            answer = await tools.call(tool.name, arguments)
        except (BadToolCall, TooManyValues) as error:
            assert len(str(error)) < 900 and str(error).isprintable()
        else:
            n_answered += 1
            assert tool.result.model_validate(json.loads(json.dumps(answer))).as_json() == answer
    assert 20 < n_answered < 100


def _arguments(tool: Tool, draw: random.Random) -> dict[str, Any]:
    """Return arguments of which most would do."""
    if tool.name == "remember_facts":
        facts = [_fact(draw) for _ in range(draw.randrange(5))]
        return {"facts": draw.choice((facts, facts, draw.choice(ODD)))}
    usual = {"entity": "Ada", "relation": "title", "value": draw.choice("123"), "text": "Ada"}
    given = {name: usual[name] for name in tool.arguments.model_fields if name in usual}
    return given | _odd(list(tool.arguments.model_fields), draw)


def _fact(draw: random.Random) -> Any:
    fact = {"entity": "Ada", "relation": draw.choice(("title", "friend")), "value": "x"}
    names = [*fact, "source", "type", "valid_from", "valid_to", "confidence", "colour"]
    return draw.choice((fact | _odd(names, draw), fact, draw.choice(ODD)))


def _odd(names: list[str], draw: random.Random) -> dict[str, Any]:
    return {name: draw.choice(ODD) for name in names if draw.random() < 0.12}
