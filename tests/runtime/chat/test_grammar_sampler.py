"""Masks of tokens: whatever a model wants, what it writes is JSON that fits, or a call that does."""

from __future__ import annotations

import json
from datetime import date
from enum import Enum
from typing import Any, Literal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from lamlam.errors import BadSchema
from lamlam.runtime.chat.call_grammar import (
    BARE_FORM,
    HARMONY_FORM,
    TAGGED_FORM,
    CallForm,
    turn_grammar,
)
from lamlam.runtime.chat.json_schemas import check_compiles, read_schema, schema_source
from lamlam.runtime.chat.response_format import read_response_format
from lamlam.runtime.chat.tool_calls import AskedTool, find_calls, reader_of
from lamlam.runtime.chat.tool_definitions import read_tools
from lamlam.runtime.decoding.settings import GrammarSettings
from tests.runtime.chat.grammar_support import (
    FIRST_MARK,
    MARKS,
    fits,
    mark_vocabulary,
    tokens_of,
    written,
)

MISTRAL = CallForm(
    '[TOOL_CALLS] [{"name": "', '", "arguments": ', '}, {"name": "', "}]"
)  # the mark is a token of its own
OWN = CallForm("CALL ", " WITH ", " AND ", " END")
FORMS = (TAGGED_FORM, BARE_FORM, MISTRAL, OWN, HARMONY_FORM)

_SCALARS: list[dict[str, Any]] = [
    {"type": "string", "maxLength": 6},
    {"type": "string", "pattern": "^[a-c]{1,3}x$"},
    {"type": "integer", "minimum": -3, "maximum": 40},
    {"type": "number"},
    {"type": "boolean"},
    {"type": "null"},
    {"enum": ["ä", 'say "x"', 3, None]},
    {"const": "\\ and / and \n"},
]


def _larger(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    names = st.sampled_from(["a", "b c", 'q"', "ü", ""])
    objects = st.dictionaries(names, inner, max_size=3).flatmap(
        lambda held: st.sets(st.sampled_from(list(held) or ["-"])).map(
            lambda needed: {
                "type": "object",
                "properties": held,
                "required": sorted(needed & held.keys()),
            }
        )
    )
    arrays = st.builds(
        lambda one, low: {"type": "array", "items": one, "minItems": low, "maxItems": 3},
        inner,
        st.integers(0, 2),
    )
    return st.one_of(objects, arrays, st.lists(inner, min_size=1, max_size=3).map(_any_of))


def _any_of(choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {"anyOf": choices}


schemas = st.recursive(st.sampled_from(_SCALARS), _larger, max_leaves=6)


@settings(max_examples=60)
@given(schema=schemas, seed=st.integers(0, 999), heat=st.sampled_from([0.0, 1.0]))
def test_an_answer_fits_its_schema(schema: dict[str, Any], seed: int, heat: float) -> None:
    """With random logits, greedy or not: the text is JSON, and the schema as given allows it."""
    read = read_schema(schema, "the schema")
    grammar = turn_grammar(TAGGED_FORM, [], schema_source(read), {}, several=False)
    text = written(GrammarSettings(grammar, True, 0), seed, temperature=heat)
    assert text is not None, "every one of these schemas comes to an end"
    assert fits(json.loads(text), schema), text


class Colour(Enum):
    RED = "red"
    BLUE = 7


class Node(BaseModel):
    name: str = Field(max_length=4)
    children: list[Node] = Field(default=[], max_length=2)


class Record(BaseModel):
    """A model of many kinds of fields."""

    number: int = Field(ge=1, lt=10)
    day: date
    key: UUID
    colour: Colour
    note: str | None = Field(default=None, max_length=5)
    counts: dict[str, bool] = Field(max_length=2)
    pair: tuple[bool, Literal["x"]]
    node: Node | None = None


@settings(max_examples=25)
@given(seed=st.integers(0, 999))
def test_an_answer_makes_the_model_that_was_asked_for(seed: int) -> None:
    form = read_response_format(Record)
    assert form is not None
    grammar = turn_grammar(TAGGED_FORM, [], form.source, {}, several=False)
    text = written(GrammarSettings(grammar, True, 0), seed)
    assert text is not None
    parsed, error = form.parsed(text)
    is_no_day = error is not None and error.startswith("day:")  # 0000-00-00 has the form of one
    assert isinstance(parsed, Record) or is_no_day, (text, error)


TOOLS = read_tools(
    [
        {"name": "roll", "parameters": {"type": "object", "properties": {"n": _SCALARS[2]}}},
        {"type": "function", "function": {"name": "stop"}},
        Node,
    ]
)
READERS = {tool.name: reader_of(tool) for tool in TOOLS}


@settings(max_examples=60)
@given(
    form=st.sampled_from(FORMS),
    seed=st.integers(0, 999),
    several=st.booleans(),
    begins=st.booleans(),
)
def test_a_call_names_a_tool_and_fits_it(
    form: CallForm, seed: int, several: bool, begins: bool
) -> None:
    """In every form, required or begun by the model itself, alone or with others."""
    control = mark_vocabulary().control_marks
    names = list(READERS)
    triggers, at_start = form.triggers(names)
    begins = begins and bool(triggers)
    grammar = turn_grammar(form, TOOLS, None, control, several=several)
    before = "" if at_start else "I see. "
    trigger = triggers[seed % len(triggers)] if triggers else ""
    script = tokens_of(before + trigger) if begins else []
    turn = GrammarSettings(grammar, not begins, 500, triggers if begins else (), at_start)
    text = written(turn, seed, script=script)
    assert text is not None
    found = find_calls(text, READERS, form)
    assert found is not None and found.problem is None and found.calls, text
    assert found.before == (before.strip() if begins else "")
    assert several or len(found.calls) == 1
    for call in found.calls:
        assert isinstance(call, AskedTool)
        tool = next(one for one in TOOLS if one.name == call.name)
        assert fits(json.loads(call.arguments), tool.parameters)


def test_free_text_stays_free() -> None:
    """A mark in quotation marks, or in a thought, begins no call; a limit ends the text."""
    control = mark_vocabulary().control_marks
    grammar = turn_grammar(TAGGED_FORM, TOOLS, None, control, several=False)
    for text in ('Write "<tool_call>" so.', "<think>a <tool_call> b</think>No.", "No < call"):
        script = tokens_of(text)
        turn = GrammarSettings(grammar, False, 500, *TAGGED_FORM.triggers([]))
        assert written(turn, 0, script=[*script, 0]) == text
        turn = GrammarSettings(grammar, False, 3, *TAGGED_FORM.triggers([]))
        cut = written(turn, 0, script=[*script, 0])
        assert cut is not None and text.startswith(cut) and len(script) > 3


@settings(max_examples=20)
@given(seed=st.integers(0, 99))
def test_an_answer_in_channels_is_in_the_final_one(seed: int) -> None:
    """As gpt-oss writes it, beside its calls; a thought of its own may stand in front."""
    control = mark_vocabulary().control_marks
    source = schema_source({"type": "boolean"})
    grammar = turn_grammar(HARMONY_FORM, TOOLS, source, control, several=True)
    thought = "<|channel|>analysis<|message|>hm"
    text = written(GrammarSettings(grammar, True, 0), seed)
    assert text is not None
    is_call = text.startswith("<|channel|>commentary to=functions.")
    assert is_call or text in (f"<|channel|>final<|message|>{one}" for one in ("true", "false"))
    auto = GrammarSettings(grammar, False, 500, *HARMONY_FORM.triggers([]))
    said = f"{thought}<|end|><|channel|>final<|message|>Yes."
    assert written(auto, seed, script=[*tokens_of(said), 0]) == said


def test_a_model_may_think_before_an_answer_that_has_a_form() -> None:
    """If it opens the thought by itself; the form holds behind it."""
    grammar = turn_grammar(TAGGED_FORM, [], schema_source({"type": "boolean"}), {}, several=False)
    think, close = (FIRST_MARK + MARKS.index(one) for one in ("<think>", "</think>"))
    script = [think, *(1 + byte for byte in b"hm {"), close, *(1 + byte for byte in b"nothing")]
    text = written(GrammarSettings(grammar, True, 0), 1, script=script)
    assert text in ("<think>hm {</think>true", "<think>hm {</think>false")
    text = written(GrammarSettings(grammar, True, 0), 1, script=script[1:])
    assert text in ("true", "false")


# What is refused ----------------------------------------------------------------------------

ITSELF: dict[str, Any] = {
    "type": "object",
    "properties": {"x": {"$ref": "#"}},
    "required": ["x"],
}
DEEP: dict[str, Any] = {"type": "integer"}
for _ in range(150):
    DEEP = {"anyOf": [DEEP]}


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (5, "must be a JSON schema, which is an object, got int"),
        ({"type": {1}}, "is not JSON"),
        ({"const": float("nan")}, "is not JSON"),
        ({"enum": ["x" * 200_000]}, "200,0"),
        (DEEP, "nested too deeply"),
        (ITSELF, "recursive without end"),
        ({"$ref": "#"}, "recursive without end"),
        ({"$ref": ""}, "recursive without end"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "recursive without end"),
        ({"type": "array", "items": {"$ref": "#"}, "minItems": 1}, "recursive without end"),
        ({"$ref": "#/%24defs/a", "$defs": {"a": {"$ref": "#/%24defs/a"}}}, "recursive without end"),
        ({"$ref": "#b", "$defs": {"a": {"$anchor": "b", "$ref": "#b"}}}, "recursive without end"),
        ({"$id": "urn:a:b", "$ref": "urn:a:b"}, "recursive without end"),
        ({"anyOf": [ITSELF, {"allOf": [{"$ref": "#"}]}]}, "recursive without end"),
        ({"type": "foo"}, "Invalid type: foo"),
        ({"uniqueItems": True}, "uniqueItems"),
        ({"$ref": "http://example.com/s"}, "not present in a registry"),
        ({"enum": []}, "Unsatisfiable"),
        ({"type": "string", "pattern": "("}, "unclosed group"),
        ({"type": "string", "pattern": "(?=a)b"}, "look-around"),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "oneOf"),
    ],
)
def test_a_schema_that_no_mask_is_made_of_is_named(schema: Any, said: str) -> None:
    with pytest.raises(BadSchema) as caught:
        check_compiles(schema_source(read_schema(schema, "the schema of 'x'")), "the schema of 'x'")
    assert "the schema of 'x'" in str(caught.value) and said in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize("keyword", ["minLength", "maxItems", "properties", "allOf", "type"])
@pytest.mark.parametrize("n", range(84, 100))
def test_a_keyword_with_a_value_of_the_wrong_kind_is_named(keyword: str, n: int) -> None:
    """Also where llguidance cuts the value for its message within a character, and panics."""
    with pytest.raises(BadSchema, match="cannot become a mask"):
        schema = read_schema({keyword: ["x" * n + "😀" * 9]}, "s")
        check_compiles(schema_source(schema), "s")


def test_a_schema_of_thousands_of_levels_is_named() -> None:
    deeper: dict[str, Any] = {}
    for _ in range(5000):
        deeper = {"items": deeper}
    with pytest.raises(BadSchema, match="nested too deeply"):
        read_schema(deeper, "s")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"x": {"$ref": "#"}}},
        {"anyOf": [ITSELF, {"type": "null"}]},
        {"type": "array", "items": {"$ref": "#"}},
        {"type": ["object", "null"], "properties": {"x": {"$ref": "#"}}, "required": ["x"]},
        {"$ref": "#/own/a", "own": {"a": {"type": "integer"}}},
        {"type": "string", "format": "path"},
        {"type": "object", "x-guidance": {"lenient": True}, "title": "T", "default": {}},
    ],
)
def test_a_schema_that_ends_is_taken(schema: dict[str, Any]) -> None:
    before = json.dumps(schema)
    check_compiles(schema_source(read_schema(schema, "s")), "s")
    assert json.dumps(schema) == before, "the caller's own is not changed"


def test_long_chains_of_references_are_read_in_one_go() -> None:
    """Each schema is asked about as often as something that it needs was found to end."""
    held: dict[str, Any] = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(2000)}
    schema = {"$ref": "#/$defs/d0", "$defs": {**held, "d2000": {"type": "null"}}}
    assert read_schema(schema, "s") == schema
    held["d1999"] = {"$ref": "#/$defs/d0"}
    with pytest.raises(BadSchema, match="without end"):
        read_schema({"$ref": "#/$defs/d0", "$defs": held}, "s")


def test_an_answer_that_cannot_go_on_is_an_error_of_its_own() -> None:
    """Where the tokens that the form needs are forbidden, as by ignore_eos before its end."""
    with pytest.raises(BadSchema, match="no token of the model fits"):
        grammar = turn_grammar(TAGGED_FORM, [], 'FORBIDDEN\nFORBIDDEN: "\x00"', {}, several=False)
        settings_ = GrammarSettings(grammar.replace("\x00", "\\u0000"), True, 0)
        _forbidding(settings_)


def _forbidding(grammar: GrammarSettings) -> None:
    import numpy as np

    from lamlam.runtime.chat.grammar_sampler import Samplers
    from lamlam.runtime.decoding.sampling import Choice
    from lamlam.runtime.decoding.settings import TextSettings

    vocabulary = mark_vocabulary()
    sampler = Samplers(vocabulary)(TextSettings(grammar=grammar), vocabulary.n_tokens)
    sampler.pick(np.zeros(vocabulary.n_tokens, np.float32), Choice(np.array([1])), [5])
