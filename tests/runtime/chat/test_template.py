"""Templates of others: what they can do, and what a hostile one cannot."""

from __future__ import annotations

import bisect
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
    "a width of a method": "{{ 'a'.zfill(99999999) }}",
    "a width in a width": "{{ '{:{w}}'.format(1, w=99999999) }}",
    "a width from a value": "{{ '%*d' % (99999999, 1) }}",
    "digits behind the point": "{{ '%.99999999f' | format(1.5) }}",
    "one text often": "{{ ('%(a)s' * 9999) % {'a': 'b' * 9999} }}",
    "one text in a list": "{{ ['a' * 99999] * 99999 }}",
    "one text in a list as JSON": "{{ (['a' * 99999] * 99999) | tojson }}",
    "filling up": "{{ [1] | batch(99999999, 0) | list }}",
    "many slices": "{{ [1] | slice(99999999) | list }}",
    "indenting": "{{ ('a\n' * 9999) | indent(9999) }}",
    "joining by method": "{{ ('b' * 99999).join(['a'] * 9999) }}",
    "tabs": "{{ 'a\tb'.expandtabs(999999999) }}",
    "lines of one letter": "{{ ('a' * 999999) | wordwrap(1) }}",
    "comments of HTML": "{{ ('<!---->' * 99999) | striptags }}",
    "a list that grows in its loop": "{% set l = [1] %}{% for x in l %}{% set _ = l.append(x) %}{% endfor %}",
    "a list in itself": "{% set l = [1] %}{% set _ = l.append(l) %}{{ l }}",
    "levels of a loop": "{% for x in [1] recursive %}{{ loop(range(999999999)) }}{% endfor %}",
    "a deep loop": "{% for x in [1, 1] recursive %}{{ loop([x, x]) }}{% endfor %}",
    "deep JSON": "{{ ('[' * 99999) | from_json }}",
    "a sum of lists": "{{ ([[1] * 999] * 999) | sum(start=[]) | length }}",
    "deep brackets": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "its own length": "x" * 300_000,
}
ESCAPES = [
    "{{ ''.__class__.__mro__ }}",
    "{{ messages.__class__.__base__.__subclasses__() }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ messages[0].update({'content': 1}) }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ '{0.__class__}'.format(messages) }}",
    "{{ '{0[0]}'.format(messages) }}",
    "{{ [1].insert(0, 1) }}",
    "{{ [1].clear() }}",
    "{{ (messages | attr('__class__')).x }}",
    "{{ dict.fromkeys([1]) }}",
    "{{ 5 .to_bytes(10) }}",
]
EMPTY = [
    "{{ raise_exception.__globals__ }}",
    "{{ range.__self__ }}",
    "{{ self.__init__ }}",
    "{{ messages | attr('__class__') }}",
    "{{ messages | map('attr', '__class__') | join }}",
    "{{ namespace().__dict__ }}",
    "{{ strftime_now.__globals__ }}",
]


@pytest.mark.parametrize("source", TOO_MUCH.values(), ids=TOO_MUCH.keys())
def test_a_template_that_does_too_much_is_stopped(source: str) -> None:
    """It is named."""
    with pytest.raises(BadChatTemplate):
        ChatTemplate(source).render(SAID)


# Lists that hold one another twice, to a depth that no program could walk.
HELD_TWICE = (
    "{% set n = namespace(x=[1], y=[1]) %}{% for i in range(40) %}"
    "{% set n.x = [n.x, n.x] %}{% set n.y = [n.y, n.y] %}{% endfor %}"
)


@pytest.mark.parametrize(
    "use",
    [
        *("n.x == n.y", "n.x in [n.y]", "n.x", "n.x ~ ''", "n.x | tojson", "'%s' % n.x"),
        *(
            "[n.y] | select('equalto', n.x) | list",
            "[n.y].index(n.x)",
            "[n.x, n.y] | unique | list",
        ),
        *("[n.x, n.y] | max | length", "'{}'.format(n.x)", "n.x | upper", "[n.x] is eq [n.y]"),
    ],
)
def test_what_is_held_twice_is_paid_twice(use: str) -> None:
    """Comparing or writing it takes as long as it looks, not as long as it is."""
    with pytest.raises(BadChatTemplate, match="too many steps"):
        ChatTemplate(HELD_TWICE + "{{ " + use + " }}").render(SAID)


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


USED = (
    "{% for i in range(2) %}{{ 'a-b'.replace('-', '+') }}{% endfor %}",
    "{% block b %}{{ 'a-b'.replace('-', '+', 1) }}{% endblock %}",
    "{% for m in messages %}{{ ', '.join([m.role, 'b']) }}{% endfor %}",
    "{{ '%s is %d' | format('a', 3) }}{{ '%03d' % 7 }}{{ '%(x)s' % {'x': 1} }}{{ '50%' }}",
    "{% for i in [1] %}{{ '{} {a:>4} {{}}'.format('x', a=i) }}{% endfor %}",
    "{{ 'banana'.count('an') }}{{ 'abc'.index('c') }}{{ 'abc'.find('z') }}{{ [1, 2, 1].count(1) }}",
    "{{ '12'.isdigit() }}{{ 'a'.isalpha() }}{{ 'A'.isupper() }}{{ ' '.isspace() }}",
    "{{ 'xab'.removeprefix('x').removesuffix('b') }}{{ 'a.b.c'.partition('.') }}",
    "{{ 'a\nb' | indent }}|{{ 'a\nb' | indent(2, true) }}|{{ '7'.zfill(3) ~ 'a'.ljust(3) }}|",
    "{{ [1, 2] | sum }}{{ [{'n': 1}, {'n': 2}] | sum(attribute='n') }}{{ [[1], [2]] | sum(start=[]) }}",
    "{% for b in [1, 2, 3] | batch(2, 'x') %}{{ b }}{% endfor %}{{ [1, 2, 3] | slice(2) | list }}",
    "{% for g in [{'k': 'a'}, {'k': 'b'}, {'k': 'a'}] | groupby('k') %}"
    "{{ g.grouper }}{{ g.list | length }}{% for key, held in [g] %}{{ key }}{% endfor %}{% endfor %}",
    "{{ '<a> & b' | e }}{{ ['a', 'b'] | join('|') }}{{ [{'n': 1}] | join(attribute='n') }}",
    "{{ 'a b' | wordcount }}{{ 'abcdef' | truncate(5) }}{{ 'x' | center(5) }}{{ messages | pprint }}",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{% set j = joiner(',') %}{{ j() }}{{ j() }}",
    "{% set x = 1 %}{% generation %}{% set x = 2 %}{{ x }}{% endgeneration %}{{ x }}",
    "{% for x in [1, [2, [3]]] recursive %}{{ x if x is number else loop(x) }}{{ loop.depth }}{% endfor %}",
    "{{ 'a\tb'.expandtabs(4) }}{{ '<b>x</b>' | striptags }}{{ 'a b c' | wordwrap(3) }}{{ {'a': 1} | xmlattr }}",
    "{{ messages[0] | attr('role') }}{{ (messages[0] | attr('get'))('role') }}{{ '<' | forceescape }}",
    "{{ 5 .bit_length() }}{{ 2.0.is_integer() }}{{ range(9).index(3) }}{{ documents is none }}",
    "{{ messages[0].copy().get('role') }}{{ {'a': none, 'b': true, 'c': 1.5} }}{{ [none, 'x\u00e9'] | tojson }}",
)


@pytest.mark.parametrize("source", USED)
def test_what_templates_use_gives_what_transformers_gives(source: str) -> None:
    """To the letter: a budget changes nothing for who stays within it."""
    from transformers.utils.chat_template_utils import _compile_jinja_template

    expected = _compile_jinja_template(source).render(messages=SAID, documents=None)
    assert ChatTemplate(source).render(SAID) == expected and expected


@pytest.mark.parametrize(
    "look",
    [
        *(
            "messages | length",
            "messages | count",
            "(messages | last).role",
            "(messages | first).role",
        ),
        *("messages | default([]) is sequence", "messages is mapping", "messages is iterable"),
        *("messages is string", "messages is defined", "messages is sameas messages"),
    ],
)
def test_what_each_message_asks_of_all_costs_the_same_in_a_long_conversation(look: str) -> None:
    """As templates of Qwen3 do, which count all messages at each: no square of their number."""
    template = ChatTemplate("{% for m in messages %}{{ " + look + " }}{% endfor %}")
    n = 100
    steps = [_steps(template, SAID * times) for times in (n, 2 * n, 4 * n)]
    assert steps[2] - steps[1] == 2 * (steps[1] - steps[0]) != 0


def _steps(template: ChatTemplate, said: list[dict[str, str]]) -> int:
    """Return how many steps it must be given beside those for its length, from a fixed point on."""

    def is_enough(work: int) -> bool:
        try:
            template.render(said, work=work)
        except BadChatTemplate:
            return False
        return True

    return bisect.bisect_left(range(-100_000, 10_000_000), True, key=is_enough)


def test_lists_are_changed_as_in_llama_cpp() -> None:
    """A template changes its own lists and its copy of what it is given; JSON can be read."""
    said = [dict(SAID[0])]
    cases = {
        "{% set l = [] %}{% set _ = l.append(1) %}{{ l }}{{ l.pop() }}{{ l }}": "[1]1[]",
        "{% set _ = messages.append(messages.pop(0)) %}{{ messages | length }}": "1",
        "{% set _ = messages.pop() %}{{ messages }}": "[]",
        "{{ '{\"a\": [1, null]}' | from_json }}": "{'a': [1, None]}",
    }
    assert {source: ChatTemplate(source).render(said) for source in cases} == cases
    assert said == SAID


@pytest.mark.parametrize(
    ("source", "tag"),
    [
        ("{% include 'x' %}", "include"),
        ("{% import 'x' as y %}", "import"),
        ("{% from 'x' import y %}", "from … import"),
        ("{% extends 'x' %}", "extends"),
    ],
)
def test_other_files_are_refused_by_name(source: str, tag: str) -> None:
    with pytest.raises(BadChatTemplate, match=f"broken: it has the tag {tag}, but a model file"):
        ChatTemplate(source)


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
