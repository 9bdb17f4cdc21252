"""The form of calls that a chat template writes, as it is read off from what it renders."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.runtime.chat.call_grammar import (
    BARE_FORM,
    HARMONY_FORM,
    TAGGED_FORM,
    CallForm,
    turn_grammar,
)
from lamlam.runtime.chat.tool_calls import AskedTool, find_calls, reader_of
from lamlam.runtime.chat.tool_definitions import read_tools
from lamlam.runtime.decoding.settings import GrammarSettings
from tests.runtime.chat.chat_support import CHATML, TOOLS, make_form
from tests.runtime.chat.grammar_support import written

_HEAD = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content or '' }}"
_END = "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
_TOLD = "{% if tools %}{{ tools | tojson }}{% endif %}"


def _template(calls: str, told: str = _TOLD, head: str = _HEAD, end: str = _END) -> str:
    return f"{told}{head}{{% if m.tool_calls %}}{calls}{{% endif %}}{end}"


HERMES = _template(
    "{% for c in m.tool_calls %}{{ '\n' if not loop.first }}<tool_call>\n"
    '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}\n'
    "</tool_call>{% endfor %}"
)
LLAMA = _template(
    "{% if m.tool_calls | length != 1 %}{{ raise_exception('one call at a time') }}{% endif %}"
    "{% set c = m.tool_calls[0].function %}"
    '{"name": "{{ c.name }}", "parameters": {{ c.arguments | tojson }}}'
)
MISTRAL = _template(
    "[TOOL_CALLS] [{% for c in m.tool_calls %}"
    '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}, '
    '"id": "{{ c.id }}"}{{ ", " if not loop.last }}{% endfor %}]'
)
MISTRAL_BY_NAME = _template(
    "{% for c in m.tool_calls %}[TOOL_CALLS]{{ c.function.name }}[ARGS]"
    "{{ c.function.arguments | tojson }}{% endfor %}"
)
FUNCTIONARY = _template(
    "{% for c in m.tool_calls %}<function={{ c.function.name }}>"
    "{{ c.function.arguments | tojson }}</function>{% endfor %}"
)
OWN = _template(
    "{% for c in m.tool_calls %}{{ ' AND ' if not loop.first else 'CALL ' }}"
    "{{ c.function.name }} WITH {{ c.function.arguments | tojson }}{% endfor %} END"
)
THINKING = HERMES.replace("assistant\n{% endif %}", "assistant\n<think>\n{% endif %}")
CODER = _template(
    "{% for c in m.tool_calls %}<tool_call>\n<function={{ c.function.name }}>\n"
    "{% for k, v in c.function.arguments.items() %}<parameter={{ k }}>\n{{ v }}\n</parameter>\n"
    "{% endfor %}</function>\n</tool_call>{% endfor %}"
)
HARMONY = (
    _TOLD + "{% for m in messages %}<|start|>{{ m.role }}{% if m.tool_calls %}"
    "{% set c = m.tool_calls[0].function %} to=functions.{{ c.name }}<|channel|>commentary json"
    "<|message|>{{ c.arguments | tojson }}<|im_end|>{% else %}<|channel|>final<|message|>"
    "{{ m.content }}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
NO_END = _template(
    '{"name": "{{ m.tool_calls[0].function.name }}", "parameters": '
    "{{ m.tool_calls[0].function.arguments | tojson }}}",
    head="{% for m in messages %}\n### {{ m.role }}: {{ m.content or '' }}",
    end="{% endfor %}{% if add_generation_prompt %}\n### assistant: {% endif %}",
)
OBJECT = _template("{{ m.tool_calls | tojson }}")
ARGUMENTS_FIRST = _template(
    "{% for c in m.tool_calls %}<tool_call>{{ c.function.arguments | tojson }}"
    "{{ c.function.name }}</tool_call>{% endfor %}"
)

FORMS = {
    "hermes": (HERMES, TAGGED_FORM),
    "a thought is opened": (THINKING, TAGGED_FORM),
    "llama 3": (LLAMA, BARE_FORM),
    "mistral": (
        MISTRAL,
        CallForm('[TOOL_CALLS] [{"name": "', '", "arguments": ', '}, {"name": "', "}]"),
    ),
    "mistral, by name": (
        MISTRAL_BY_NAME,
        CallForm("[TOOL_CALLS]", "[ARGS]", "[TOOL_CALLS]", ""),
    ),
    "functionary": (
        FUNCTIONARY,
        CallForm("<function=", ">", "</function><function=", "</function>"),
    ),
    "of nobody else": (OWN, CallForm("CALL ", " WITH ", " AND ", " END")),
    "no token ends a message": (NO_END, BARE_FORM),
    "gpt-oss": (HARMONY, HARMONY_FORM),
    "no tools": (CHATML, TAGGED_FORM),
    "calls as in the tests": (
        TOOLS,
        CallForm(
            '<tool_call>{"name": "',
            '", "arguments": ',
            '}</tool_call><tool_call>{"name": "',
            "}</tool_call>",
        ),
    ),
    "parameters in tags": (CODER, TAGGED_FORM),
    "names behind arguments": (ARGUMENTS_FIRST, TAGGED_FORM),
}


@pytest.mark.parametrize("name", FORMS)
def test_the_form_is_that_of_the_template(name: str) -> None:
    """Ids are not the model's to write; where no form is found, there is a common one."""
    template, expected = FORMS[name]
    assert make_form(template).call_form == expected


def test_a_form_that_holds_the_name_of_a_type_is_found() -> None:
    """A whole call as JSON, in a list, with keys that no call of a model needs."""
    form = make_form(OBJECT).call_form
    assert form.opening.startswith('[{"') and form.ending.endswith("}]")
    assert "call_of_a_probe" not in form.opening + form.ending + str(form.between)


BOTH = read_tools([{"name": "a", "parameters": {"type": "object", "properties": {"x": {}}}}] * 1)
READERS = {tool.name: reader_of(tool) for tool in BOTH}


@settings(max_examples=30)
@given(name=st.sampled_from(sorted(FORMS)), seed=st.integers(0, 99))
def test_what_is_masked_to_a_template_is_read_as_calls(name: str, seed: int) -> None:
    """Each form that is found is one that is understood."""
    form = make_form(FORMS[name][0]).call_form
    grammar = turn_grammar(form, BOTH, None, {}, several=True)
    text = written(GrammarSettings(grammar, True, 0), seed)
    assert text is not None
    found = find_calls(text, READERS, form)
    assert found is not None and found.calls and found.problem is None, text
    for call in found.calls:
        assert isinstance(call, AskedTool) and isinstance(json.loads(call.arguments), dict)


def test_a_number_that_python_cannot_hold_is_a_bad_call() -> None:
    call: dict[str, Any] = {"name": "a", "arguments": {"x": 1}}
    text = json.dumps(call).replace("1", "1e999")
    found = find_calls(text, READERS)
    assert found is not None and found.problem == "a: a number is too large"
