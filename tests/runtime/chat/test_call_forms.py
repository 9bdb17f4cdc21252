"""The forms of calls: which texts of models are calls, and which are answers."""

from __future__ import annotations

import json

import pytest

from lamlam.memory_backends.model.lookups import Lookup
from lamlam.runtime.chat.tool_calls import find_calls, may_become_call

ARGUMENTS = {"entity": "Marie Curie", "relation": "birth place"}
CALL = json.dumps({"name": "look_up_fact", "arguments": ARGUMENTS})
CALL_WITH_TEXT = json.dumps({"name": "look_up_fact", "arguments": json.dumps(ARGUMENTS)})
ASKED = Lookup("Marie Curie", "birth place")


@pytest.mark.parametrize(
    "text",
    [
        f"<tool_call>{CALL}</tool_call>",
        f"<tool_call>\n{CALL}\n</tool_call>\n",
        f"<tool_call>\n{CALL}",
        f"<tool_call>[{CALL}]</tool_call>",
        f"<tool_call>{CALL.replace('arguments', 'parameters')}</tool_call>",
        f'<tool_call>{{"type": "function", "function": {CALL}}}</tool_call>',
        f"<tool_call>{CALL_WITH_TEXT}</tool_call>",
        f" {CALL} ",
        f"[{CALL}]",
        f"[TOOL_CALLS] [{CALL}]",
        f"```json\n{CALL}\n```",
    ],
)
def test_common_forms_are_one_call(text: str) -> None:
    found = find_calls(text)
    assert found is not None and (found.calls, found.before, found.problem) == ((ASKED,), "", None)
    assert may_become_call(text) is not None


def test_several_calls_and_text_before_them() -> None:
    found = find_calls(f"Let me see. <tool_call>{CALL}</tool_call><tool_call>{CALL}</tool_call>")
    assert found is not None and (found.before, found.calls) == ("Let me see.", (ASKED, ASKED))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Warsaw.",
        "{",
        '{"name": "Marie"}',
        "[1, 2]",
        f"I would write {CALL}",
        "a < b",
        "```x```",
    ],
)
def test_an_answer_is_no_call(text: str) -> None:
    """JSON that is not a call included: people ask for JSON."""
    assert find_calls(text) is None


@pytest.mark.parametrize(
    ("inside", "problem"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "empty"),
        ("5", "no name"),
        ('{"name": "look_up_fact"}', "no arguments"),
        (CALL.replace("look_up_fact", "rm"), "unknown tool 'rm'"),
        (CALL.replace('"Marie Curie"', "5"), "entity"),
        (CALL.replace('"entity"', '"who"'), "Field required"),
        (CALL.replace("Marie", "\\u0000"), "entity"),
        (CALL.replace("Marie", "\\ud800"), "entity"),
        (CALL.replace('"entity"', '"relation"'), "not JSON"),
        (CALL.replace("Marie", "M" * 5000), "at most 300 characters"),
        (CALL.replace("Marie", "M" * 70_000), "too long"),
        (CALL.replace('"Marie Curie"', "NaN"), "not JSON"),
        ("[" * 3000, "not JSON"),
    ],
)
def test_a_bad_call_is_named(inside: str, problem: str) -> None:
    found = find_calls(f"<tool_call>{inside}</tool_call>")
    assert found is not None and not found.calls
    assert found.problem is not None and problem in found.problem


FAMILIES = {
    "Hermes": f"<tool_call>{CALL}</tool_call>",
    "Nemotron": f"<TOOLCALL>[{CALL}]</TOOLCALL>",
    "Llama 3": f"<|python_tag|>{CALL.replace('arguments', 'parameters')}",
    "Llama 3, as code": '<|python_tag|>look_up_fact.call(entity="Marie Curie", '
    'relation="birth place")',
    "Llama 3, several": f"{CALL}; {CALL}",
    "Llama 4": '[look_up_fact(entity="Marie Curie", relation="birth place")]',
    "LFM 2": '<|tool_call_start|>[look_up_fact(entity="Marie Curie", relation="birth place")]'
    "<|tool_call_end|>",
    "Gemma 3": '```tool_code\nprint(look_up_fact(entity="Marie Curie", relation="birth place"))\n```',
    "Gemma 4": '<|tool_call>call:look_up_fact{entity:<|"|>Marie Curie<|"|>,relation:<|"|>birth place'
    '<|"|>}<tool_call|>',
    "Mistral": f"[TOOL_CALLS] [{CALL}]",
    "Mistral, by name": f"[TOOL_CALLS]look_up_fact[ARGS]{json.dumps(ARGUMENTS)}",
    "Mistral, with an id": f"[TOOL_CALLS]look_up_fact[CALL_ID]x1[ARGS]{json.dumps(ARGUMENTS)}",
    "Granite": f"<|tool_call|>[{CALL}]",
    "Phi-4": f"<|tool_call|>[{CALL}]<|/tool_call|>",
    "Phi-4, as a function": f"functools[{CALL}]",
    "Functionary 3.1": f"<function=look_up_fact>{json.dumps(ARGUMENTS)}</function>",
    "Functionary 3.2": f">>>look_up_fact\n{json.dumps(ARGUMENTS)}",
    "Functionary 3.2, first": f"look_up_fact\n{json.dumps(ARGUMENTS)}",
    "Command R": 'Action: ```json\n[{"tool_name": "look_up_fact", "parameters": '
    f"{json.dumps(ARGUMENTS)}}}]\n```",
    "Command R7B": '<|START_ACTION|>[{"tool_call_id": "0", "tool_name": "look_up_fact", '
    f'"parameters": {json.dumps(ARGUMENTS)}}}]<|END_ACTION|>',
    "DeepSeek R1": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>look_up_fact\n"
    f"```json\n{json.dumps(ARGUMENTS)}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "DeepSeek V3.1": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>look_up_fact<｜tool▁sep｜>"
    f"{json.dumps(ARGUMENTS)}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "Kimi": "<|tool_calls_section_begin|><|tool_call_begin|>functions.look_up_fact:0"
    f"<|tool_call_argument_begin|>{json.dumps(ARGUMENTS)}<|tool_call_end|>"
    "<|tool_calls_section_end|>",
    "GLM": "<tool_call>look_up_fact\n<arg_key>entity</arg_key>\n<arg_value>Marie Curie</arg_value>\n"
    "<arg_key>relation</arg_key>\n<arg_value>birth place</arg_value>\n</tool_call>",
    "Qwen3-Coder": "<tool_call>\n<function=look_up_fact>\n<parameter=entity>\nMarie Curie\n"
    "</parameter>\n<parameter=relation>\nbirth place\n</parameter>\n</function>\n</tool_call>",
    "MiniMax": '<minimax:tool_call>\n<invoke name="look_up_fact">\n<parameter name="entity">Marie Curie'
    '</parameter>\n<parameter name="relation">birth place</parameter>\n</invoke>\n'
    "</minimax:tool_call>",
    "gpt-oss": "<|channel|>commentary to=functions.look_up_fact <|constrain|>json<|message|>"
    f"{json.dumps(ARGUMENTS)}",
    "Apertus": f'<|tools_prefix|>[{{"look_up_fact": {json.dumps(ARGUMENTS)}}}]<|tools_suffix|>',
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_forms_of_model_families_are_calls(family: str) -> None:
    """And nothing of them is shown while they are being written."""
    text = FAMILIES[family]
    found = find_calls(text)
    assert found is not None and found.problem is None and set(found.calls) == {ASKED}
    for n in range(1, len(text) + 1):
        assert may_become_call(text[:n]) == 0, text[:n]


@pytest.mark.parametrize(
    "text",
    [
        "Use `<tool_call>` for that.",
        'The mark "<tool_call>" opens a call, [TOOL_CALLS] too? No: `[TOOL_CALLS]`.'[:44],
        "```\n<tool_call>{}</tool_call>\n``` is how.",
        "a >>> b",
        "f(x) = 2",
        ">>>all\nHello",
        "[1, 2] are numbers",
        "look_up_fact is a tool.",
        "print('Hello')",
        "import functools[1]"[:10],
    ],
)
def test_what_mentions_a_call_is_none(text: str) -> None:
    assert find_calls(text) is None
