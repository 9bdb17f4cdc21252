"""Chats that look facts up: whose turn it is, what is looked up, what nobody knows."""

from __future__ import annotations

import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.lookup_tokens import END, ENTITY, LOOKUP_TOKENS, RELATIONSHIP, RETURN
from lamlam.trainer.synthetic.worded.__main__ import main
from lamlam.trainer.synthetic.worded.chats import write_chats
from lamlam.trainer.synthetic.worded.invented import invented_entities
from lamlam.trainer.synthetic.worded.known import FactSource

_LOOKUP = re.compile(
    "".join(f"{re.escape(token)} ?([^<]*)" for token in (ENTITY, RELATIONSHIP, RETURN))
    + re.escape(END)
    + r" ?(.*)",
    re.DOTALL,
)


def _source(seed: int) -> FactSource:
    return FactSource(invented_entities(random.Random(seed), 60))


@given(st.integers(0, 10_000))
def test_users_ask_and_assistants_look_up(seed: int) -> None:
    """Turns alternate, questions hold no lookup, and a value stands behind its own lookup."""
    source = _source(seed % 7)
    values = {value for one in source.entities for fact in one.facts for value in fact.values}
    for messages in write_chats(random.Random(seed), source, 5):
        assert [m["role"] for m in messages] == ["user", "assistant"] * (len(messages) // 2)
        assert all(m["content"] for m in messages)
        for message in messages:
            has_lookup = any(token in message["content"] for token in LOOKUP_TOKENS)
            assert not (has_lookup and message["role"] == "user")
            for found in re.split(f"(?={re.escape(ENTITY)})", message["content"])[1:]:
                lookup = _LOOKUP.match(found)
                assert lookup, found
                _, _, value, after = lookup.groups()
                assert value == "unknown" or (value in values and after.startswith(value))


@pytest.mark.parametrize("absent", [0.0, 1.0])
def test_what_memory_lacks_is_said_to_be_unknown(absent: float) -> None:
    """Without absent facts nothing is looked up in vain."""
    texts = [
        message["content"]
        for messages in write_chats(random.Random(3), _source(3), 200, absent=absent)
        for message in messages
        if message["role"] == "assistant"
    ]
    in_vain = sum(f"{RETURN} unknown{END}" in text for text in texts)
    assert (in_vain > 20) == bool(absent)


def test_the_command_writes_chats(capsys: pytest.CaptureFixture[str]) -> None:
    """A line is a chat, and the same seed writes the same ones."""
    assert main(["--chats", "-n", "3", "--seed", "5"]) == 0
    first = capsys.readouterr().out
    assert [list(json.loads(line)) for line in first.splitlines()] == [["messages"]] * 3
    main(["--chats", "-n", "3", "--seed", "5"])
    assert capsys.readouterr().out == first
