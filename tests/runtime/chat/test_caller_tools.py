"""A chat as a model inside a framework: the caller's tools, the form of an answer, its results."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import BaseModel, Field

from lamlam.errors import BadSchema, BadTools, PromptTooLong, UsageError
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.runtime.chat.chat_options import read_chat_options
from lamlam.runtime.chat.conversation import Conversation
from lamlam.runtime.chat.grammar_sampler import GrammarSampler
from lamlam.runtime.chat.messages import read_messages
from lamlam.runtime.decoding.completion import ChatCompletion, Completion, FinishReason
from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.events import Event, Finished, Text, ToolCallDelta, ToolRequested
from lamlam.runtime.decoding.settings import text_settings
from lamlam.runtime.engine import Engine
from lamlam.runtime.sync import SyncEngine
from tests.runtime.chat.chat_support import (
    CHATML,
    STRICT,
    TINY,
    TOOLS,
    make_form,
)
from tests.runtime.fake_store import FakeStore, as_store
from tests.tiny_model import write_tiny_model

CURIE = {"marie curie": {"birth place": ["Warsaw"]}}
QUESTION = [{"role": "user", "content": "How is the weather where Marie Curie was born?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tell the weather.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city"],
        },
    },
}


class Verdict(BaseModel):
    sure: bool
    grade: int = Field(ge=1, le=5)


def tagged(name: str, **arguments: Any) -> str:
    call = json.dumps({"name": name, "arguments": arguments})
    return f"<tool_call>\n{call}\n</tool_call>"


LOOK_UP = tagged("look_up_fact", entity="Marie Curie", relation="birth place")
ASK = tagged("weather", city="Warsaw")


def turn(text: str, reason: FinishReason = "stop") -> Completion:
    return Completion(text, (), (), reason, 5, 3, 7)


def converse(
    turns: Sequence[str | Completion],
    template: str = CHATML,
    *,
    messages: Sequence[Any] = QUESTION,
    has_memory: bool = True,
    max_tokens: int = 256,
    **options: Any,
) -> tuple[ChatCompletion, list[Event], Conversation]:
    """Let a conversation run with these turns of a model, letter by letter."""
    texts = text_settings({"max_tokens": max_tokens}, verbalise="copy", lookup_bias=0.0)
    read = read_chat_options({"tools": [WEATHER], **options})
    said = read_messages(messages)
    talk = Conversation(said, make_form(template), texts, has_memory=has_memory, options=read)
    store, events = FakeStore(CURIE), list[Event]()
    for one in map(lambda t: turn(t) if isinstance(t, str) else t, turns):
        talk.prompt()
        for letter in one.text:
            events += talk.heard(Text(letter, "parametric"))
        more, calls = talk.ended(one)
        events += more
        for call in calls:
            events += talk.answered(call, store.lookup_nowait(Lookup(call.entity, call.relation)))
    assert isinstance(events[-1], Finished) and isinstance(events[-1].completion, ChatCompletion)
    done = events[-1].completion
    assert "".join(event.text for event in events if isinstance(event, Text)) == done.text
    return done, events, talk


# Turns --------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", [CHATML, STRICT, TOOLS])
def test_a_call_of_the_callers_tool_ends_the_answer(template: str) -> None:
    """It is told as an event, in the completion, and as a message in OpenAI's shape."""
    done, events, _ = converse([f"Let me ask. {ASK}"], template)
    assert (done.finish_reason, done.text) == ("tool_calls", "Let me ask. ")
    (call,) = done.tool_calls
    assert (call.name, call.arguments, call.parsed) == ("weather", {"city": "Warsaw"}, None)
    assert events[-2:] == [ToolRequested(call), Finished(done)]
    function = {"name": "weather", "arguments": '{"city": "Warsaw"}'}
    made = [{"id": call.id, "type": "function", "function": function}]
    assert done.message == {"role": "assistant", "content": "Let me ask.", "tool_calls": made}
    assert done.messages == (done.message,)
    assert (done.usage.prompt_tokens, done.usage.completion_tokens) == (7, 5)
    assert json.loads(json.dumps(done.as_dict()))["tool_calls"][0]["arguments"]["city"] == "Warsaw"


@pytest.mark.parametrize("template", [CHATML, STRICT, TOOLS])
def test_a_result_is_handed_back_and_answered(template: str) -> None:
    """With the answer's own messages, or those of a client that leaves some keys out."""
    asked, _, _ = converse([ASK], template)
    result = {"role": "tool", "tool_call_id": asked.tool_calls[0].id, "content": '{"sky": "blue"}'}
    said = [*QUESTION, *asked.messages, result]
    done, _, talk = converse(["It is blue."], template, messages=said)
    prompt = "".join(map(str, talk.prompt().stretches))
    assert (done.text, done.finish_reason, done.tool_calls) == ("It is blue.", "stop", ())
    assert "blue" in prompt and "weather" in prompt and "Warsaw" in prompt
    again, _, _ = converse([ASK], template, messages=said)
    assert again.tool_calls[0].id != asked.tool_calls[0].id, "no id occurs twice"


@pytest.mark.parametrize("template", [CHATML, TOOLS])
def test_memory_is_asked_beside_the_callers_tools(template: str) -> None:
    """In turns of its own, or in the same turn, whose lookups are answered first."""
    done, events, _ = converse([LOOK_UP, ASK], template)
    assert [one.value for one in done.lookups] == ["Warsaw"] and done.usage.turns == 2
    assert [call.name for call in done.tool_calls] == ["weather"]
    both, told, _ = converse([f"{LOOK_UP}\n{ASK}"], template)
    assert (both.finish_reason, both.usage.turns) == ("tool_calls", 1)
    assert both.tool_calls == done.tool_calls and len(both.lookups) == 1
    kinds, kinds_apart = (
        [type(e) for e in some if not isinstance(e, ToolCallDelta)] for some in (told, events)
    )
    assert kinds[-3:] == kinds_apart[-3:]
    assert [m["role"] for m in both.messages] == [m["role"] for m in done.messages]
    (mine,) = both.message["tool_calls"]
    assert mine["function"]["name"] == "weather", "the caller is asked for its own tools alone"


def arguments_by_id(events: Sequence[Event]) -> dict[str, list[str]]:
    """Return the pieces of arguments that were told of each call, by its id."""
    pieces: dict[str, list[str]] = {}
    for event in events:
        if isinstance(event, ToolCallDelta):
            pieces.setdefault(event.id, []).append(event.text)
    return pieces


@pytest.mark.parametrize("template", [CHATML, STRICT, TOOLS])
@pytest.mark.parametrize("is_parallel", [True, False])
def test_arguments_are_told_as_they_are_written(template: str, is_parallel: bool) -> None:
    """Letter by letter, before the call is complete; joined they are those of the call that ends
    the answer, with its id, in the order of the calls, and of no call of the memory's.
    """
    hard, form = r"Ärgernis {\"x\"}]\\", make_form(template).call_form
    assert form.between is not None
    written = form.between.join(
        "weather" + form.middle + json.dumps(given)
        for given in ({"city": hard, "days": 2}, {"city": "Rome"})
    )
    turns = [LOOK_UP, f"Well. {form.opening}{written}{form.ending}"]
    if form.opening[:1] in "[{":  # then it is a call only from the first letter on
        turns[1] = turns[1].removeprefix("Well. ")
    done, events, _ = converse(turns, template, parallel_tool_calls=is_parallel)
    pieces = arguments_by_id(events)
    assert [call.arguments["city"] for call in done.tool_calls] == [hard, "Rome"][: 1 + is_parallel]
    assert list(pieces) == [call.id for call in done.tool_calls]
    for call in done.tool_calls:
        assert len(pieces[call.id]) > 10 and json.loads("".join(pieces[call.id])) == call.arguments
    first = next(n for n, event in enumerate(events) if isinstance(event, ToolRequested))
    assert not any(isinstance(event, ToolCallDelta) for event in events[first:])


def test_a_call_that_is_cut_is_told_as_far_as_it_came() -> None:
    """The reason of the end says so, and no call is requested."""
    done, events, _ = converse([turn(ASK[:-25], "length")])
    (pieces,) = arguments_by_id(events).values()
    assert "".join(pieces) and ASK[:-25].endswith("".join(pieces))
    assert (done.finish_reason, done.tool_calls) == ("length", ())


@pytest.mark.parametrize(
    "said",
    ['{"name": "weather"} is what I said.', "<tool_call>\n", "<tool_call>\nweather(1)", "[]"],
)
def test_what_is_no_call_of_the_form_is_not_told_piece_by_piece(said: str) -> None:
    """It is text, or told when the turn is complete."""
    _, events, _ = converse([said, "Well.", "Well.", "Well."])
    assert not arguments_by_id(events)


def test_several_calls_at_once_or_one() -> None:
    two = f"{ASK}\n{tagged('weather', city='Paris', days=2)}"
    done, _, talk = converse([two])
    assert [call.arguments["city"] for call in done.tool_calls] == ["Warsaw", "Paris"]
    assert len({call.id for call in done.tool_calls}) == 2
    done, _, talk = converse([two], parallel_tool_calls=False)
    assert [call.arguments["city"] for call in done.tool_calls] == ["Warsaw"]
    assert talk.settings.grammar is not None and "call)" not in talk.settings.grammar.grammar


def test_who_may_and_must_call() -> None:
    """Nobody, anybody, everybody, or one: as the masks of the turns say."""
    _, _, talk = converse([ASK], tool_choice="none")
    assert talk.settings.grammar is None and not talk.offers_tools
    assert "weather" not in "".join(map(str, talk.prompt().stretches)).partition("user")[0]
    _, _, talk = converse(["Hm."])
    grammar = talk.settings.grammar
    assert grammar is not None and not grammar.is_whole and grammar.triggers == ("<tool_call>",)
    done, _, talk = converse([LOOK_UP, ASK], tool_choice="required")
    grammar = talk.settings.grammar
    assert grammar is not None and grammar.is_whole, "until a tool of the caller's is called"
    assert "look_up_fact" in grammar.grammar and "weather" in grammar.grammar
    done, _, talk = converse([ASK], tool_choice="weather")
    grammar = talk.settings.grammar
    assert grammar is not None and grammar.is_whole and "look_up_fact" not in grammar.grammar
    done, _, talk = converse([LOOK_UP, "Warsaw."], tool_choice={"name": "look_up_fact"})
    grammar = talk.settings.grammar
    assert grammar is not None and not grammar.is_whole, "only the first turn is named"
    assert done.lookups[0].value == "Warsaw" and done.finish_reason == "stop"


def test_a_call_that_does_not_fit_is_told_to_the_model() -> None:
    """So that it calls again; not for ever."""
    for wrong in (
        tagged("weather"),
        tagged("weather", city="Rome", planet="Mars"),
        tagged("climate", city="Rome"),
    ):
        done, _, _ = converse([wrong, ASK])
        assert done.finish_reason == "tool_calls"
        assert "not understood" in done.messages[1]["content"]
    done, _, talk = converse([tagged("weather")] * 3 + ["I cannot."])
    assert (done.text, done.finish_reason) == ("I cannot.", "stop")
    assert [tool.name for tool in talk.offer.tools] == ["look_up_fact"]


def test_forms_without_types_are_brought_to_those_of_the_schema() -> None:
    text = (
        "<tool_call>\n<function=weather>\n<parameter=city>\n10\n</parameter>\n"
        "<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>"
    )
    done, _, _ = converse([text])
    assert done.tool_calls[0].arguments == {"city": "10", "days": 3}
    done, _, _ = converse(['[weather(city="Rome", days=-2)]'])
    assert done.tool_calls[0].arguments == {"city": "Rome", "days": -2}


def test_calls_that_are_whole_survive_a_cut() -> None:
    """The last one lacks its end for want of room: those before it are made."""
    cut = turn(f"{ASK}\n{ASK[:30]}", "length")
    done, _, _ = converse([cut])
    assert (done.finish_reason, len(done.tool_calls)) == ("tool_calls", 1)
    done, _, _ = converse([turn(ASK[:30], "length")])
    assert (done.finish_reason, done.tool_calls, done.text) == ("length", (), "")


# The form of an answer ----------------------------------------------------------------------


@pytest.mark.parametrize("template", [CHATML, STRICT, TOOLS])
def test_an_answer_in_a_form_is_parsed(template: str) -> None:
    """As the model that was given, or as JSON; the model is told of the form."""
    text = '{"sure": true, "grade": 4}'
    options: dict[str, Any] = {"tools": None, "has_memory": False}
    done, _, talk = converse([text], template, response_format=Verdict, **options)
    assert (done.text, done.parsed, done.parse_error) == (text, Verdict(sure=True, grade=4), None)
    assert done.as_dict()["parsed"] == {"sure": True, "grade": 4}
    assert '"grade"' in "".join(map(str, talk.prompt().stretches))
    schema = {"type": "json_schema", "json_schema": {"schema": Verdict.model_json_schema()}}
    done, _, _ = converse([text], template, response_format=schema, **options)
    assert done.parsed == {"sure": True, "grade": 4}
    done, _, _ = converse([turn(text[:-3], "length")], response_format=Verdict, **options)
    assert done.parsed is None and "cut off" in str(done.parse_error)
    done, _, _ = converse(['{"sure": true, "grade": 9}'], response_format=Verdict, **options)
    assert done.parsed is None and str(done.parse_error).startswith("grade: ")


def test_an_answer_in_a_form_may_look_up_before() -> None:
    """A call or the form: nothing else; what memory gave is a fact inside the JSON."""
    form: Any = {"type": "json_object"}
    done, _, talk = converse([LOOK_UP, '{"city": "Warsaw"}'], response_format=form)
    assert done.parsed == {"city": "Warsaw"} and done.finish_reason == "stop"
    facts = [done.text[one.start : one.end] for one in done.spans if one.origin == "fact"]
    assert facts == ["Warsaw"]
    grammar = talk.settings.grammar
    assert grammar is not None and grammar.is_whole and "calls | answer" in grammar.grammar
    looks_alike = '{"name": "weather", "arguments": {"city": "Rome"}}'
    done, _, _ = converse([looks_alike], response_format=form)
    assert done.parsed is not None and not done.tool_calls, "a call begins with its mark"


# Engines ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chat_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("chat") / "chat.gguf"
    metadata: dict[str, Any] = {"tokenizer.chat_template": TINY}
    return write_tiny_model(path, with_lookup_tokens=False, context=4096, metadata=metadata)


ENUM = {"name": "pick", "parameters": {"type": "object", "properties": {"of": {"enum": [1, 2]}}}}
PICKED: tuple[dict[str, int], ...] = ({}, {"of": 1}, {"of": 2})
HELLO = [{"role": "user", "content": "Hello"}]


@pytest.mark.anyio
async def test_a_model_of_noise_calls_and_answers_in_form(
    chat_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many at once, each with its own masks, made by the thread that owns the model."""
    threads: set[str] = set()
    pick = GrammarSampler.pick

    def seen(self: GrammarSampler, *arguments: Any) -> int:
        threads.add(threading.current_thread().name)
        return pick(self, *arguments)

    monkeypatch.setattr(GrammarSampler, "pick", seen)
    done: dict[int, ChatCompletion] = {}
    async with Engine(chat_model, None, threads=1) as engine:

        async def ask(n: int) -> None:
            options: dict[str, Any] = {"temperature": 1.0, "seed": n}
            if n % 2:
                options |= {"tools": [ENUM], "tool_choice": "required"}
            else:
                options |= {"response_format": Verdict}
            done[n] = await engine.chat(HELLO, **options)

        async with anyio.create_task_group() as group:
            for n in range(8):
                group.start_soon(ask, n)
        async with engine.stream_chat(HELLO, tools=[ENUM], tool_choice="required") as events:
            told = [event async for event in events]
    for n, one in done.items():
        if n % 2:
            assert one.finish_reason == "tool_calls" and one.tool_calls
            assert all(call.arguments in PICKED for call in one.tool_calls)
        else:
            assert isinstance(one.parsed, Verdict) and one.finish_reason == "stop"
    assert [type(event) for event in told[-2:]] == [ToolRequested, Finished]
    assert threads == {"lamlam-engine"}


def test_what_a_chat_refuses_leaves_the_engine_as_it_was(chat_model: Path) -> None:
    """Each in one line, before a token is written; the one sequence is free afterwards."""
    ask = {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "pick"}}]}
    result = {"role": "tool", "tool_call_id": "a", "content": "x" * 9000}
    long: list[Any] = [*HELLO, ask, result]
    memory = as_store(FakeStore(CURIE))
    own = {"name": "look_up_fact"}
    with SyncEngine(chat_model, memory, context=1500, max_sequences=1) as engine:
        with pytest.raises(PromptTooLong, match=r"the result of pick \(message 2, 9,000 char"):
            engine.chat(long, tools=[ENUM])
        with pytest.raises(BadTools, match="look_up_fact"):
            engine.chat(HELLO, tools=[own])
        with pytest.raises(BadTools, match="two tools"):
            engine.chat(HELLO, tools=[ENUM, ENUM])
        with pytest.raises(BadSchema, match="without end"):
            engine.chat(HELLO, response_format={"type": "json_schema", "schema": {"$ref": "#"}})
        with pytest.raises(UsageError, match="logprobs"):
            engine.chat(HELLO, tools=[ENUM], logprobs=1)
        assert engine.chat(HELLO, max_tokens=2, tool_choice="none").n_text_tokens <= 2
        options: Any = {"tool_choice": "none", "response_format": Verdict}
        done = engine.chat(HELLO, ignore_eos=True, **options)
        assert isinstance(done.parsed, Verdict), "a form that is complete ends the text"


def test_masks_that_are_too_much_work_end_one_text_alone(
    chat_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grammar that fails in the owner thread is an error of its chat; the next one goes on."""
    real = GrammarSampler.pick
    n_left = iter(range(3))

    def fails(self: GrammarSampler, *arguments: Any) -> int:
        if next(n_left, None) is None:
            raise BadSchema("too much work")
        return real(self, *arguments)

    with SyncEngine(chat_model, None, max_sequences=1) as engine:
        with monkeypatch.context() as patch:
            patch.setattr(GrammarSampler, "pick", fails)
            with pytest.raises(BadSchema, match="too much work"):
                engine.chat(HELLO, response_format=Verdict)
        assert isinstance(engine.chat(HELLO, response_format=Verdict).parsed, Verdict)


def test_a_model_with_lookup_tokens_looks_up_inside_a_form(tmp_path: Path) -> None:
    """Lookups are no part of the text that is masked; values come from the model, in form."""
    path = write_tiny_model(tmp_path / "m.gguf", metadata={"tokenizer.chat_template": TINY})
    memory = FakeStore({"hello": {"x": ['y"']}})
    certain = Constraint(entity_floor=0.0, relation_floor=0.0)
    with SyncEngine(path, as_store(memory), lookup_bias=1000.0, constrain=certain) as engine:
        done = engine.chat(HELLO, response_format=Verdict, max_lookups=2)
        assert isinstance(done.parsed, Verdict) and len(done.lookups) >= 1
        asked = engine.chat(HELLO, tools=[ENUM], tool_choice="required", max_lookups=2)
        assert asked.tool_calls and all(one.arguments in PICKED for one in asked.tool_calls)
        assert asked.text == "" and len(asked.lookups) >= 1
        with pytest.raises(UsageError, match="memory_only"):
            engine.chat(HELLO, response_format=Verdict, policy="memory_only")


def test_a_trace_tells_what_the_caller_is_asked(chat_model: Path, tmp_path: Path) -> None:
    """With name and arguments, as a trace has all of a text."""
    trace = tmp_path / "trace.jsonl"
    with SyncEngine(chat_model, None, trace=trace) as engine:
        done = engine.chat(HELLO, tools=[ENUM], tool_choice="pick", parallel_tool_calls=False)
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    (asked,) = [one for one in events if one["event"] == "tool_requested"]
    (call,) = done.tool_calls
    assert (asked["name"], asked["arguments"], asked["id"]) == ("pick", call.arguments, call.id)
    assert events[-1]["reason"] == "tool_calls"
