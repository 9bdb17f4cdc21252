"""Templates of others: what they can do, and what a hostile one cannot."""

from __future__ import annotations

import tracemalloc

import pytest

from lamlam.errors import BadChatTemplate
from lamlam.runtime.chat.template import ChatTemplate

SAID = [{"role": "user", "content": "Hi"}]
LETTERS = "{% set s = 'abcdefghijklmnopqrst' %}"

TOO_MUCH = {
    "nested loops": "{% for a in range(99999) %}{% for b in range(99999) %}"
    "{% endfor %}{% endfor %}",
    "empty loops over letters": LETTERS + "{% for x in s %}" * 9 + "{% endfor %}" * 9,
    "a huge text": "{{ 'a' * 1000000000 }}",
    "a huge list": "{{ [1] * 1000000000 }}",
    "a huge number": "{{ 10 ** 10 ** 10 }}",
    "doubling": "{% set n = namespace(x='aa') %}" + "{% set n.x = n.x ~ n.x %}" * 40,
    "adding": "{% set n = namespace(x='aa') %}" + "{% set n.x = n.x + n.x %}" * 40,
    "squaring": "{% set n = namespace(x=9999) %}" + "{% set n.x = n.x * n.x %}" * 40,
    "a tree of macros": "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}"
    "{% endmacro %}{{ f(60) }}",
    "a macro for ever": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "a width": "{{ '%999999999d' % 1 }}",
    "another width": "{{ '{:999999999}'.format(1) }}",
    "a third width": "{{ 'a'.ljust(999999999) }}",
    "an indent": "{{ messages | tojson(indent=100000000) }}",
    "replacing": "{{ ('a' * 9999) | replace('a', 'b' * 9999) }}",
    "replacing by method": "{{ ('a' * 9999).replace('a', 'b' * 9999) }}",
    "joining": "{{ range(9999) | join('b' * 99999) }}",
    "a block": "{% set x %}{% for i in range(9999) %}" + "x" * 9999 + "{% endfor %}{% endset %}",
    "much output": "{% for i in range(99999) %}" + "y" * 1000 + "{% endfor %}",
    "slices": "{% set n = namespace(l=[]) %}{% set s = 'a' * 999999 %}"
    "{% for i in range(9999) %}{% set n.l = n.l + [s[1:]] %}{% endfor %}",
    "deep brackets": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "its own length": "x" * 300_000,
}
ESCAPES = [
    "{{ ''.__class__.__mro__ }}",
    "{{ messages.__class__.__base__.__subclasses__() }}",
    "{{ messages | attr('__class__') }}",
    "{{ messages | map('attr', '__class__') | list }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ messages.append(1) }}",
    "{{ messages[0].update({'content': 1}) }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{{ cycler.__init__.__globals__ }}",
]
EMPTY = [
    "{{ raise_exception.__globals__ }}",
    "{{ range.__self__ }}",
    "{{ self.__init__ }}",
    "{{ namespace().__dict__ }}",
    "{{ strftime_now.__globals__ }}",
]


@pytest.mark.parametrize("source", TOO_MUCH.values(), ids=TOO_MUCH.keys())
def test_a_template_that_does_too_much_is_stopped(source: str) -> None:
    """It is named."""
    with pytest.raises(BadChatTemplate):
        ChatTemplate(source).render(SAID)


@pytest.mark.parametrize("name", ["a huge text", "doubling", "slices", "joining", "another width"])
def test_memory_stays_small_meanwhile(name: str) -> None:
    """What is too big is refused before it is made."""
    tracemalloc.start()
    try:
        with pytest.raises(BadChatTemplate):
            ChatTemplate(TOO_MUCH[name]).render(SAID)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("source", ESCAPES)
def test_a_template_cannot_reach_out(source: str) -> None:
    """Attributes of Python, files and changes of what it is given are out of reach."""
    said = [dict(SAID[0])]
    with pytest.raises(BadChatTemplate):
        ChatTemplate(source).render(said)
    assert said == SAID


@pytest.mark.parametrize("source", EMPTY)
def test_what_is_hidden_is_empty(source: str) -> None:
    """Where an attribute is not refused, it is as if it did not exist."""
    assert ChatTemplate(source).render(SAID) == ""


def test_what_templates_use_works() -> None:
    """White space control, loops with break, generation marks, tests, filters, dates."""
    cases = {
        "{% for i in range(5) %}\n  {% if i == 2 %}{% break %}{% endif %}\n{{ i }}{% endfor %}": "01",
        "{% generation %}x{% endgeneration %}": "x",
        "{{ messages | selectattr('role', 'equalto', 'user') | list | length }}": "1",
        "{{ messages[0] | tojson }}": '{"role": "user", "content": "Hi"}',
        "{% for k, v in messages[0].items() %}{{ k[:1] ~ v | upper }} {% endfor %}": "rUSER cHI ",
        "{% for m in messages %}{{ loop.index0 }}{{ loop.last }}{{ loop.length }}{% endfor %}": "0True1",
        "{{ 'a, b'.split(', ')[-1].strip() | trim | replace('b', 'c') }}": "c",
        "{{ strftime_now('%Y') | length }}{{ tools is none }}{{ nothing is defined }}": "4TrueFalse",
        "{% macro m(x) %}<{{ x }}>{{ caller() }}{% endmacro %}{% call m(1) %}2{% endcall %}": "<1>2",
    }  # fmt: skip
    assert {source: ChatTemplate(source).render(SAID) for source in cases} == cases


def test_faults_are_named() -> None:
    """What is broken, what was refused, and by whom."""
    with pytest.raises(BadChatTemplate, match="broken.*line 2"):
        ChatTemplate("a\n{% for %}")
    with pytest.raises(BadChatTemplate, match="refuses the messages: no system here"):
        ChatTemplate("{{ raise_exception('no system here') }}").render(SAID)
    with pytest.raises(BadChatTemplate, match="'foo' is undefined"):
        ChatTemplate("{{ foo.bar }}").render(SAID)


def test_tools_are_known_by_name() -> None:
    """A template that reads ``tools`` writes their definitions itself."""
    assert ChatTemplate("{% if tools %}{{ tools | tojson }}{% endif %}").supports_tools
    assert not ChatTemplate("{{ messages[0].content }}").supports_tools
