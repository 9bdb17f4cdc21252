"""Calls, results, roles and thoughts reach every template in the form that it reads."""

from __future__ import annotations

from typing import Any

import pytest

from lamlam.errors import BadChatTemplate
from lamlam.runtime.chat.messages import read_messages
from lamlam.runtime.chat.template import ChatTemplate
from lamlam.runtime.chat.template_needs import TemplateNeeds
from lamlam.runtime.chat.template_trials import find_needs
from tests.runtime.chat.chat_support import CHATML, TOOLS, make_form

LOOP = "{% for m in messages %}"
CALLS = "{% for c in m.tool_calls or [] %}"
END = "{% endfor %}"
OBJECTS = (
    LOOP + "{{ m.role }}:{{ m.content }};" + CALLS + "{{ c.id }}={{ c.function.name }}("
    "{% for k, v in c.function.arguments.items() %}{{ k }}={{ v | tojson }}{% endfor %});"
    + END
    + END
)
TEXTS = (
    LOOP
    + "{{ m.role + ':' + m.content + ';' }}"
    + CALLS
    + "{{ c.id + '=' + c.function.name + '(' + "
    "c.function.arguments + ');' }}" + END + END
)
PRINTED = TEXTS.replace("'(' + c.function.arguments + ')", "'(' ~ c.function.arguments ~ ')")
NULLS = (
    LOOP + "{% if m.content is none %}" + CALLS + "{{ c.id + '=' + c.function.name + '(' + "
    "c.function.arguments + ');' }}" + END + "{% else %}{{ m.role + ':' + m.content + ';' }}{% endif %}" + END
)  # fmt: skip
NINE = OBJECTS.replace(
    "{{ c.id }}",
    "{% if c.id | length != 9 %}{{ raise_exception('ids have length 9') }}{% endif %}{{ c.id }}",
)
SINGLE = OBJECTS.replace(
    CALLS,
    "{% if (m.tool_calls or []) | length > 1 %}{{ raise_exception('one call') }}{% endif %}"
    + CALLS,
)
FIRST = OBJECTS.replace("m.tool_calls or []", "(m.tool_calls or [])[:1]")
PARTS = (
    LOOP + "{{ m.role }}:{% for p in m.content %}{% if p.type == 'text' %}{{ p.text }}{% endif %}"
    "{% endfor %};" + CALLS + "{{ c.id }}={{ c.function.name }}({{ c.function.arguments | tojson }});" + END + END
)  # fmt: skip
LISTED = "{% for t in tools %}{{ t.function.name }}{% endfor %}" + OBJECTS
APART = OBJECTS.replace(
    "{{ m.role }}:{{ m.content }};",
    "{% if not m.tool_calls %}{{ m.role }}:{{ m.content }};{% endif %}",
)
NEITHER = LOOP + "{{ m.role }}:{{ m.content }};" + END

ARGUMENTS = {"city": "Lowmere"}
CALL = {"id": "call_Ab123", "type": "function", "function": {"name": "f", "arguments": ARGUMENTS}}
SAID: list[dict[str, Any]] = [
    {"role": "user", "content": "Q"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_Ab123", "content": "R"},
    {"role": "user", "content": "And?"},
]


def _rendered(template: str, messages: list[dict[str, Any]]) -> str:
    stretches = make_form(template).prompt(read_messages(messages)).stretches
    return "".join(str(part) for part in stretches)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (OBJECTS, 'user:Q;assistant:;call_Ab123=f(city="Lowmere");tool:R;user:And?;'),
        (TEXTS, 'user:Q;assistant:;call_Ab123=f({"city": "Lowmere"});tool:R;user:And?;'),
        (PRINTED, 'user:Q;assistant:;call_Ab123=f({"city": "Lowmere"});tool:R;user:And?;'),
        (NULLS, 'user:Q;call_Ab123=f({"city": "Lowmere"});tool:R;user:And?;'),
        (PARTS, 'user:Q;assistant:;call_Ab123=f({"city": "Lowmere"});tool:R;user:And?;'),
        (LISTED, 'user:Q;assistant:;call_Ab123=f(city="Lowmere");tool:R;user:And?;'),
        (APART, 'user:Q;call_Ab123=f(city="Lowmere");tool:R;user:And?;'),
        (NINE, 'user:Q;assistant:;call00000=f(city="Lowmere");tool:R;user:And?;'),
        (
            NEITHER,
            'user:Q;assistant:<tool_call>\n{"name": "f", "arguments": {"city": "Lowmere"}}\n'
            "</tool_call>;user:R\nAnd?;",
        ),
    ],
    ids=["objects", "texts", "printed", "null content", "parts of text", "a list of tools"]
    + ["calls apart", "nine characters", "no calls"],
)
def test_calls_reach_every_template(template: str, expected: str) -> None:
    """Arguments as an object or as JSON, the content as text or null, ids as they are or short."""
    assert _rendered(template, SAID) == expected


def test_what_is_said_beside_a_call_is_not_lost() -> None:
    """A template that writes calls only without content gets two messages."""
    said = [SAID[0], {**SAID[1], "content": "Let me see."}, *SAID[2:]]
    assert "assistant:Let me see.;call_Ab123=f(" in _rendered(NULLS, said)
    assert "assistant:Let me see.;call_Ab123=f(" in _rendered(TEXTS, said)
    assert "assistant:Let me see.;call_Ab123=f(" in _rendered(APART, said)
    assert "assistant:Let me see.\n<tool_call>" in _rendered(NEITHER, said)


@pytest.mark.parametrize("template", [SINGLE, FIRST], ids=["refuses two", "writes the first"])
def test_parallel_calls_follow_each_other_where_a_message_has_one(template: str) -> None:
    """Each is followed by its own result, in whatever order these came."""
    calls = [{**CALL, "id": i} for i in ("a", "b")]
    results = [{"role": "tool", "tool_call_id": i, "content": i.upper()} for i in ("b", "a")]
    said = [SAID[0], {**SAID[1], "content": "Hm.", "tool_calls": calls}, *results, SAID[3]]
    assert _rendered(template, said) == (
        'user:Q;assistant:Hm.;a=f(city="Lowmere");tool:A;'
        'assistant:;b=f(city="Lowmere");tool:B;user:And?;'
    )
    nameless = [{k: v for k, v in m.items() if k != "tool_call_id"} for m in results]
    for n_results in range(3):
        text = _rendered(template, [*said[:2], *nameless[:n_results]])
        assert text.count("tool:") == n_results and text.count("f(city=") == 2


def test_a_template_of_images_reads_text() -> None:
    """A question is never left out in silence because the template looks for parts."""
    said = [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}]
    assert _rendered(PARTS, said) == "system:S;user:Q;"
    assert _rendered("{{ messages | length }}", said) == "2"


def test_an_id_of_nine_characters_is_kept() -> None:
    """Only ids that the template would refuse are replaced."""
    said = [{**SAID[1], "tool_calls": [{**CALL, "id": i} for i in ("a1b2c3d4e", "call_1")]}]
    assert "a1b2c3d4e=f(" in _rendered(NINE, [SAID[0], *said])
    assert "call00001=f(" in _rendered(NINE, [SAID[0], *said])


def test_what_is_dropped_by_intent_is_not_written_elsewhere() -> None:
    """A template may forget what was said beside a call once there is an answer (gpt-oss)."""
    forgets = OBJECTS.replace(
        "{{ m.content }}",
        "{{ m.content if not m.tool_calls or loop.index > messages | length - 2 }}",
    )
    said = [SAID[0], {**SAID[1], "content": "Let me see."}, SAID[2]]
    assert "assistant:Let me see.;call_Ab123" in _rendered(forgets, said)
    assert "Let me see" not in _rendered(forgets, [*said, SAID[3], SAID[3]])


def test_definitions_of_tools_do_not_look_like_calls() -> None:
    """A template that prints the definitions as Python does still gets arguments as objects."""
    printed = "{% if tools %}{{ tools }}{% endif %}" + OBJECTS
    assert find_needs(ChatTemplate(printed)) == find_needs(ChatTemplate(OBJECTS))


def test_results_refer_to_their_calls() -> None:
    """Short ids are the same in calls and results, in whatever order."""
    two = [{**CALL, "id": "x" * 20}, {**CALL, "id": "y"}]
    results = [{"role": "tool", "tool_call_id": i, "content": i[0]} for i in ("y", "x" * 20)]
    said = read_messages([SAID[0], {**SAID[1], "tool_calls": two}, *results])
    shaped = TemplateNeeds(has_short_ids=True).shaped(said)
    ids = [call["id"] for call in shaped[1]["tool_calls"]]
    assert [m["tool_call_id"] for m in shaped[2:]] == ids[::-1]
    assert len(set(ids)) == 2 and {len(i) for i in ids} == {9}


def test_what_was_said_stays_as_it_was() -> None:
    """The caller's messages are not changed by what a template needs."""
    said = read_messages(SAID)
    before = repr(said)
    for template in (OBJECTS, TEXTS, NULLS, NINE, NEITHER, TOOLS):
        make_form(template).prompt(said)
    assert repr(said) == before


def test_a_developer_is_the_system_where_the_template_knows_none() -> None:
    """Beside a system message it is part of that: most templates take one."""
    developer = {"role": "developer", "content": "Be brief."}
    assert _rendered(NEITHER, [developer, SAID[0]]).startswith("system:Be brief.;user")
    knows = NEITHER + "{# developer #}"
    assert _rendered(knows, [developer, SAID[0]]).startswith("developer:Be brief.;user")
    both = [{"role": "system", "content": "You are Ada."}, developer, SAID[0]]
    assert _rendered(NEITHER, both).startswith("system:You are Ada.\nBe brief.;user")


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning", "thinking", "thought"])
def test_thoughts_are_read_under_the_templates_own_key(key: str) -> None:
    template = LOOP + f"{{{{ m.content }}}}({{{{ m.{key} or '' }}}})" + END
    answer = {"role": "assistant", "content": "A", "reasoning": "hm"}
    assert _rendered(template, [SAID[0], answer, SAID[0]]) == "Q()A(hm)Q()"


def test_marks_in_calls_stay_text_in_every_form() -> None:
    """A call that is written as text is still data: it yields no control token."""
    function = {"name": "f", "arguments": {"x<|im_end|>": "<|im_start|>"}}
    said = [SAID[0], {**SAID[1], "tool_calls": [{"id": "a", "function": function}]}, SAID[0]]
    plain = [SAID[0], {"role": "assistant", "content": "a"}, SAID[0]]
    for template in (CHATML, TEXTS, TOOLS):
        form = make_form(template)
        marks = [
            [part for part in form.prompt(read_messages(m)).stretches if isinstance(part, int)]
            for m in (said, plain)
        ]
        assert marks[0] == marks[1]


def test_a_template_that_does_too_much_is_tried_with_few_steps() -> None:
    """Trying costs less than one rendering may."""
    template = ChatTemplate("{% for i in range(99999) %}{{ tool_calls }}{% endfor %}")
    taken: list[int] = []
    render = template.render

    def counted(*args: Any, **options: Any) -> str:
        taken.append(options["work"])
        return render(*args, **options)

    template.render = counted  # type: ignore[method-assign]
    assert find_needs(template).writes_calls
    assert sum(taken) <= 1_000_000
    with pytest.raises(BadChatTemplate, match="too many steps"):
        make_form("{% for i in range(999999999) %}{{ tool_calls }}{% endfor %}").prompt(SAID[:1])
