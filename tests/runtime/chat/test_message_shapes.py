"""Messages in the shapes in which clients hand them back."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

import pytest
from pydantic import BaseModel

from lamlam.errors import BadMessages
from lamlam.runtime.chat.items import answer_item, called_item, result_item, thought_item
from lamlam.runtime.chat.message_shapes import IGNORED
from lamlam.runtime.chat.messages import conversation, read_messages

USER = {"role": "user", "content": "Where was Ada Quill born?"}
CALL: dict[str, Any] = {
    "id": "call_7f",
    "type": "function",
    "function": {"name": "look", "arguments": '{"n": 1}'},
}
READ_CALL = {
    "id": "call_7f",
    "type": "function",
    "function": {"name": "look", "arguments": {"n": 1}},
}
NULLS: dict[str, Any] = {
    "refusal": None,
    "annotations": [],
    "audio": None,
    "function_call": None,
    "tool_calls": None,
}


def _one(message: Any) -> dict[str, Any]:
    (read,) = read_messages([message])
    return read


class _Dumped:
    """An object of a client that knows how to become a dictionary."""

    def __init__(self, **fields: Any) -> None:
        self._fields = fields

    def model_dump(self) -> dict[str, Any]:
        return self._fields


class _Speaker(StrEnum):
    USER = "user"


SHAPES: dict[str, tuple[Any, dict[str, Any]]] = {
    "an answer": (
        {"role": "assistant", "content": "In Lowmere.", **NULLS},
        {"role": "assistant", "content": "In Lowmere."},
    ),
    "an answer that calls": (
        {"role": "assistant", "content": None, **NULLS, "tool_calls": [CALL]},
        {"role": "assistant", "content": "", "tool_calls": [READ_CALL]},
    ),
    "an empty answer": (
        {"role": "assistant", "content": None, **NULLS},
        {"role": "assistant", "content": ""},
    ),
    "an object": (_Dumped(**USER, name=None), USER),
    "an object with objects": (
        {"role": "assistant", "content": None, "tool_calls": [_Dumped(**CALL)]},
        {"role": "assistant", "content": "", "tool_calls": [READ_CALL]},
    ),
    "a role of an enumeration": ({**USER, "role": _Speaker.USER}, USER),
    "a delta": (
        {"role": "assistant", "content": None, "tool_calls": [{**CALL, "index": 0}]},
        {"role": "assistant", "content": "", "tool_calls": [READ_CALL]},
    ),
    "pieces of a call": (
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {**CALL, "index": 0, "function": {"name": "look", "arguments": ""}},
                {"index": 0, "id": None, "function": {"name": None, "arguments": '{"n"'}},
                {"index": 0, "function": {"arguments": ": 1}"}},
            ],
        },
        {"role": "assistant", "content": "", "tool_calls": [READ_CALL]},
    ),
    "a parsed answer": (
        {
            "role": "assistant",
            "content": "{}",
            "parsed": {"a": 1},
            "tool_calls": [
                {**CALL, "function": {**CALL["function"], "parsed_arguments": {"n": 1}}}
            ],
        },
        {"role": "assistant", "content": "{}", "tool_calls": [READ_CALL]},
    ),
    "a legacy call": (
        {"role": "assistant", "content": None, "function_call": CALL["function"]},
        {"role": "assistant", "content": "", "tool_calls": [{**READ_CALL, "id": ""}]},
    ),
    "a legacy result": (
        {"role": "function", "name": "look", "content": "Lowmere"},
        {"role": "tool", "name": "look", "content": "Lowmere"},
    ),
    "a result in parts": (
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "Lowmere"}]},
        {"role": "tool", "tool_call_id": "a", "content": "Lowmere"},
    ),
    "an empty result": (
        {"role": "tool", "tool_call_id": "a", "content": None},
        {"role": "tool", "tool_call_id": "a", "content": ""},
    ),
    "a refusal": (
        {"role": "assistant", "content": None, "refusal": "I cannot say that."},
        {"role": "assistant", "content": "I cannot say that."},
    ),
    "a refusal behind an answer": (
        {"role": "assistant", "content": "Well.", "refusal": "No more."},
        {"role": "assistant", "content": "Well.\nNo more."},
    ),
    "spoken text": (
        {"role": "assistant", "content": None, "audio": {"id": "a", "transcript": "Hello."}},
        {"role": "assistant", "content": "Hello."},
    ),
    "a thought": (
        {"role": "assistant", "content": "Hi", "reasoning_content": "hm"},
        {"role": "assistant", "content": "Hi", "reasoning_content": "hm"},
    ),
    "a thought under another key": (
        {"role": "assistant", "content": "Hi", "reasoning": "hm", "reasoning_details": [{}]},
        {"role": "assistant", "content": "Hi", "reasoning_content": "hm"},
    ),
    "a thought alone": (
        {"role": "assistant", "content": None, "thinking": "hm"},
        {"role": "assistant", "content": "", "reasoning_content": "hm"},
    ),
    "a thought as a part": (
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": "Hi"},
            ],
        },
        {"role": "assistant", "content": "Hi", "reasoning_content": "hm"},
    ),
    "parts of text": (
        {
            "role": "user",
            "content": [{"type": "text", "text": "A:"}, {"type": "input_text", "text": "b"}],
        },
        {"role": "user", "content": "A:\nb"},
    ),
    "parts with white space between": (
        {"role": "user", "content": [{"type": "text", "text": "One "}, "two", _Dumped(text=" 3")]},
        {"role": "user", "content": "One two 3"},
    ),
    "a developer": (
        {"role": "developer", "content": "Be brief."},
        {"role": "developer", "content": "Be brief."},
    ),
    "a key of tomorrow": ({**USER, "verbosity_hint": {"level": 2}}, USER),
    "keys of clients": ({**USER, **{key: "x" for key in IGNORED - {"type"}}}, USER),
}


@pytest.mark.parametrize("name", SHAPES)
def test_what_clients_hand_back_is_read(name: str) -> None:
    """Null and unknown keys are left out, texts are joined, calls have objects as arguments."""
    given, expected = SHAPES[name]
    assert _one(given) == expected
    assert _one(_one(given)) == expected, "what was read can be handed back"


@pytest.mark.parametrize("arguments", ["", None, "null", "{}", {}, " {} ", " \n"])
def test_a_call_without_arguments_has_an_empty_object(arguments: Any) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "now", "arguments": arguments}}
    read = _one({"role": "assistant", "content": None, "tool_calls": [call]})
    assert read["tool_calls"][0]["function"]["arguments"] == {}
    for without in (_call(name="now"), _call(name="now", parameters=None), _call_of_a_server()):
        assert _one(without)["tool_calls"][0]["function"]["arguments"] == {}


def _call_of_a_server() -> dict[str, Any]:
    call = {"name": "now", "id": "a", "type": "function_call", "index": 0}
    return {"role": "assistant", "tool_calls": [call]}


def test_parallel_calls_and_results_are_matched() -> None:
    """Results get the names of their calls; where the id is left out, the next call that fits."""
    calls = [{**CALL, "id": i, "function": {"name": f, "arguments": "{}"}} for i, f in ("af", "bg")]
    read = read_messages(
        [
            USER,
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "b", "content": "2"},
            {"role": "function", "name": "f", "content": "1"},
            {"role": "tool", "content": "nobody asked"},
        ]
    )
    results = [(m.get("tool_call_id"), m.get("name"), m["content"]) for m in read[2:]]
    assert results == [("b", "g", "2"), ("a", "f", "1"), (None, None, "nobody asked")]


def test_items_of_the_responses_api_become_messages() -> None:
    """Thought, text and calls of one answer are one message; what follows is the result."""
    text: dict[str, Any] = {
        "type": "output_text",
        "text": "Let me see.",
        "annotations": [],
        "logprobs": None,
    }
    items: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "input_text", "text": "Where?"}]},
        {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]},
        {"type": "function_call", "call_id": "c1", "id": "f1", "name": "look", "arguments": "{}"},
        {"type": "function_call", "call_id": "c2", "id": "f2", "name": "find", "arguments": ""},
        {"type": "function_call_output", "call_id": "c2", "output": "nothing"},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "x"}]},
    ]  # fmt: skip
    _, answer, *results = read_messages(items)
    assert (answer["content"], answer["reasoning_content"]) == ("Let me see.", "hm")
    assert [(c["id"], c["function"]["name"]) for c in answer["tool_calls"]] == [
        ("c1", "look"),
        ("c2", "find"),
    ]
    assert [(m["name"], m["content"]) for m in results] == [("find", "nothing"), ("look", "x")]


def _call(**function: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": [{"id": "a", "function": function}]}


class _Foreign(BaseModel):
    content: str = "Hi"
    type: str = "human"


_Foreign.__module__ = "langchain_core.messages.human"


class _Broken:
    def model_dump(self) -> dict[str, Any]:
        raise RuntimeError("closed")


def _nested(depth: int) -> dict[str, Any]:
    held: dict[str, Any] = {}
    for _ in range(depth):
        held = {"a": held}
    return held


REFUSED: list[tuple[Any, str, str]] = [
    ({"role": "user", "contents": "x"}, "unknown key 'contents'", "'content'"),
    ({"role": "user", "Content": "x"}, "unknown key 'Content'", "'content'"),
    ({**USER, "toolCalls": [CALL]}, "unknown key 'toolCalls'", "'tool_calls'"),
    ({"rol": "user", "content": "x"}, "unknown key 'rol'", "'role'"),
    ({"role": "usr", "content": "x"}, "role must be one of .* got 'usr'", "'user'"),
    ({"role": "ai", "content": "x"}, "got 'ai'", "'assistant'"),
    ({"role": "user", "parts": ["x"]}, "message 0 has no content", "parts, role"),
    ({"role": "user", "content": None}, "message 0 has no content", "content"),
    ({"type": "human", "content": "x"}, "unknown type 'human'", '"role": "user"'),
    ({"type": "web_search_call", "id": "x"}, "unknown type 'web_search_call'", "a message has"),
    ({"choices": [{"message": USER}]}, "no role", "response.choices"),
    ({"object": "chat.completion.chunk", "choices": [{"delta": {}}]}, "no role", "join"),
    ({"index": 0, "delta": {"content": "x"}}, "no role", "join what the pieces"),
    (_Foreign(), "an object of langchain_core", "convert_to_openai_messages"),
    (
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]},
        r"message 0: content.0 is image \(image_url\)",
        "reads text only",
    ),
    ({"role": "user", "content": [{"type": "input_audio"}]}, "is audio", "reads text only"),
    ({"role": "user", "content": "x", "images": ["aGk="]}, "images", "reads text only"),
    ({"role": "user", "content": "x", "image_url": "a.png"}, "has image_url", "reads text only"),
    ({"role": "assistant", "audio": {"id": "a"}}, "audio without a transcript", "text only"),
    ({"role": "user", "content": [{"type": "tool_result"}]}, "got 'tool_result'", "role tool"),
    ({"role": "user", "content": [{"type": "text", "text": 5}]}, "text must be a string", "text"),
    ({"role": "user", "content": {"a": 1}}, "content", "text as content"),
    ({**USER, "tool_calls": {}, "tool_call": {"a": 1}}, "unknown key 'tool_call'", "tool_calls"),
    ({"role": "assistant", "tool_calls": "f()"}, "tool_calls must be a list", "function"),
    ({"role": "assistant", "tool_calls": [{"type": "custom", "custom": {}}]}, "'custom'", "JSON"),
    (_call(name="f", arguments="{"), "arguments of the call of 'f' must be a JSON object", "join"),
    (_call(name="f", arguments="[1]"), "must be a JSON object", "with their names"),
    (_call(name="f", arguments=[1]), "must be a JSON object or its text, got list", ""),
    (_call(name="f", argument="{}"), "has no arguments", "argument, name"),
    (_Broken(), "_Broken cannot be read: its model_dump raises RuntimeError", "dictionary"),
    ({"role": "tool", "content": {"a": 1}}, "content must be a text .* got dict", "JSON text"),
    (_call(name="f", arguments=json.dumps(_nested(40))), "nested too deeply", "28 levels"),
    (_call(name=None, arguments="{}"), "tool_calls.0.function.name", ""),
]


@pytest.mark.parametrize(("message", "said", "hint"), REFUSED)
def test_what_cannot_be_read_is_refused_by_name(message: Any, said: str, hint: str) -> None:
    with pytest.raises(BadMessages, match=said) as caught:
        read_messages([message])
    assert hint in (caught.value.hint or "")
    assert "\n" not in str(caught.value)


def test_json_text_of_messages_reads_as_the_objects_do() -> None:
    """What went through a file is the same conversation."""
    given = [USER, SHAPES["an answer that calls"][0], SHAPES["a result in parts"][0]]
    assert read_messages(json.loads(json.dumps(given))) == read_messages(given)


def test_arguments_of_any_depth_are_refused_by_name() -> None:
    """As objects and as text; what is within the bound is read."""
    for arguments in (_nested(100_000), "[" * 100_000, '{"a":' * 50 + "1" + "}" * 50):
        with pytest.raises(BadMessages, match="nested too deeply|must be a JSON object"):
            read_messages([_call(name="f", arguments=arguments)])
    (read,) = read_messages([_call(name="f", arguments=_nested(20))])
    assert read["tool_calls"][0]["function"]["arguments"] == _nested(20)


def test_items_of_an_answer_are_one_message() -> None:
    """Its thoughts among them, however they are written, and what the system says is the first."""
    for thought in ({"content": [{"type": "reasoning_text", "text": "hm"}]},
                    {"summary": [{"type": "summary_text", "text": "hm"}]}, thought_item("hm")):  # fmt: skip
        items = [
            USER,
            {"type": "reasoning", **thought},
            answer_item("I look."),
            called_item("call_7f", "look", '{"n": 1}'),
            result_item("call_7f", "7"),
            {"role": "system", "content": "Be short."},
        ]
        assert conversation(items, "Be kind.") == [
            {"role": "system", "content": "Be short.\n\nBe kind."},
            USER,
            {
                "role": "assistant",
                "content": "I look.",
                "reasoning_content": "hm",
                "tool_calls": [READ_CALL],
            },
            {"role": "tool", "name": "look", "tool_call_id": "call_7f", "content": "7"},
        ]
