"""Plain models ask memory by tool calls: forms, constrained decoding, turns, and their bounds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.errors import EngineClosed
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import Lookup, LookupResult
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.open import open_store
from lamlam.runtime.chat.call_grammar import BARE_FORM, TAGGED_FORM, CallForm, turn_grammar
from lamlam.runtime.chat.chat_options import ChatOptions
from lamlam.runtime.chat.conversation import Conversation
from lamlam.runtime.chat.grammar_sampler import Samplers
from lamlam.runtime.chat.tool_calls import LOOK_UP, MEMORY_TOOL, find_calls
from lamlam.runtime.decoding.completion import ChatCompletion, Completion, FinishReason
from lamlam.runtime.decoding.events import (
    Event,
    Finished,
    LookupAnswered,
    LookupMissed,
    LookupStarted,
    Text,
)
from lamlam.runtime.decoding.settings import GrammarSettings, text_settings
from lamlam.runtime.decoding.thoughts import ThoughtSettings
from lamlam.runtime.engine import Engine
from lamlam.runtime.scheduling.scheduler import Scheduler
from tests.limits import HANG_S
from tests.runtime.chat.chat_support import (
    CHATML,
    STRICT,
    TINY,
    TOOLS,
    make_form,
    small_instruct_model,
)
from tests.runtime.fake_store import FAST, SLOW, FakeStore, as_store
from tests.runtime.support import BYTES, Asked, byte_vocabulary
from tests.tiny_model import ScriptedModel, write_tiny_model

CURIE = {"marie curie": {"birth place": ["Warsaw"], "child": ["Irène", "Ève"]}}
ARGUMENTS = {"entity": "Marie Curie", "relation": "birth place"}
CALL = json.dumps({"name": "look_up_fact", "arguments": ARGUMENTS})
CALL_WITH_TEXT = json.dumps({"name": "look_up_fact", "arguments": json.dumps(ARGUMENTS)})
ASKED = Lookup("Marie Curie", "birth place")
QUESTION = [{"role": "user", "content": "Where was Marie Curie born?"}]

# Constrained decoding -----------------------------------------------------------------------


def write(
    script: list[int],
    form: CallForm,
    *,
    is_required: bool,
    max_tokens: int = 200,
    inside: str = "",
    **keywords: Any,
) -> Completion:
    """What comes of a model that wants these tokens, one after the other."""
    grammar = turn_grammar(form, [MEMORY_TOOL], None, {}, several=True)
    triggers, begins_answer = form.triggers([LOOK_UP.name])
    turn = GrammarSettings(grammar, is_required, max_tokens, triggers, begins_answer)
    options = text_settings({"max_tokens": 1000, **keywords}, verbalise="copy", lookup_bias=0.0)
    wanted = iter(script)
    model = ScriptedModel(lambda tokens: next(wanted, 0), n_context=2000)
    scheduler = Scheduler(
        model,
        byte_vocabulary(),
        None,
        is_fast=False,
        constraint=None,
        n_sequences=1,
        make_sampler=Samplers(byte_vocabulary()),
    )
    asked = Asked("", replace(options, grammar=turn, thoughts=ThoughtSettings(inside)))
    scheduler.submit(asked)
    for _ in range(3000):
        if not scheduler.has_work:
            break
        scheduler.step()
    return asked.result


any_tokens = st.lists(st.integers(0, BYTES.n_tokens - 1), max_size=120)


@settings(max_examples=100)
@given(
    script=any_tokens,
    is_bare=st.booleans(),
    heat=st.sampled_from([0.0, 1.0]),
    stop=st.sampled_from([None, "\n", '"', "entity", "<"]),
)
def test_a_required_call_is_well_formed(
    script: list[int], is_bare: bool, heat: float, stop: str | None
) -> None:
    """Whatever the model wants to write, and whatever ends its text: it is not a call."""
    form = BARE_FORM if is_bare else TAGGED_FORM
    done = write(script, form, is_required=True, temperature=heat, seed=0, stop=stop)
    found = find_calls(done.text)
    assert found is not None and found.problem is None and len(found.calls) == 1, done.text
    (asked,) = found.calls
    assert isinstance(asked, Lookup) and asked.entity.strip() and asked.relation.strip()
    assert done.finish_reason == "stop"


@settings(max_examples=60)
@given(script=any_tokens, stop=st.sampled_from([None, "\n", '"', "entity"]))
def test_a_call_that_was_begun_is_well_formed(script: list[int], stop: str | None) -> None:
    """Text, then the opening, then whatever: also where the text may hold no more tokens."""
    before = "Let me see. <tool_call>"
    for limit in (200, len(before)):
        tokens = BYTES.encode(before) + script
        done = write(tokens, TAGGED_FORM, is_required=False, max_tokens=limit, stop=stop)
        found = find_calls(done.text)
        assert found is not None and found.problem is None and found.before == "Let me see."


@pytest.mark.parametrize("form", [TAGGED_FORM, BARE_FORM])
def test_an_answer_beside_tools_stops_at_a_stop_string(form: CallForm) -> None:
    """It is not a call, whatever form calls would have."""
    done = write(BYTES.encode("Paris.\nAnd then"), form, is_required=False, stop="\n")
    assert (done.text, done.finish_reason) == ("Paris.", "stop_string")


def test_names_are_what_the_model_writes() -> None:
    """Up to a quotation mark, and text without a call is left alone, up to its limit."""
    done = write(BYTES.encode('Ada "birth place"'), TAGGED_FORM, is_required=True)
    found = find_calls(done.text)
    # The model's wishes are asked for at every token that is evaluated, fixed ones included.
    assert found is not None and len(found.calls) == 1
    plain = write(BYTES.encode("No call < here"), TAGGED_FORM, is_required=False)
    assert (plain.text, plain.finish_reason) == ("No call < here", "stop")
    cut = write(BYTES.encode("No call < here"), TAGGED_FORM, is_required=False, max_tokens=4)
    assert (cut.text, cut.n_text_tokens) == ("No c", 4)


# Turns --------------------------------------------------------------------------------------


def turn(text: str, reason: FinishReason = "stop", n_text_tokens: int = 3) -> Completion:
    return Completion(text, (), (), reason, 5, n_text_tokens, 7)


def converse(
    turns: Sequence[str | Completion], template: str = CHATML, **options: Any
) -> tuple[ChatCompletion, list[Event], Conversation]:
    """Let a conversation run with these turns of a model, letter by letter."""
    keywords: dict[str, Any] = {
        key: options.pop(key) for key in ("max_lookups", "max_tokens") if key in options
    }
    texts = text_settings(keywords, verbalise="copy", lookup_bias=0.0)
    talk = Conversation(QUESTION, make_form(template), texts, has_memory=True, **options)
    store, events = FakeStore(CURIE), []
    for said in turns:
        talk.prompt()
        one = turn(said) if isinstance(said, str) else said
        for letter in one.text:
            events += talk.heard(Text(letter, "parametric"))
        more, calls = talk.ended(one)
        events += more
        for call in calls:
            result = store.lookup_nowait(Lookup(call.entity, call.relation))
            events += talk.answered(call, result)
    assert isinstance(events[-1], Finished) and isinstance(events[-1].completion, ChatCompletion)
    done = events[-1].completion
    assert "".join(event.text for event in events if isinstance(event, Text)) == done.text
    return done, events, talk


TAGGED = f"<tool_call>{CALL}</tool_call>"


@pytest.mark.parametrize("template", [CHATML, STRICT, TOOLS])
def test_a_fetched_value_is_a_fact_of_the_answer(template: str) -> None:
    """With the fact's id; the model gets the value in the way its template has."""
    done, events, talk = converse([f"Let me see. {TAGGED}", "In Warsaw, Poland."], template)
    assert done.text == "Let me see. In Warsaw, Poland."
    (fact,) = [span for span in done.spans if span.origin == "fact"]
    assert done.text[fact.start : fact.end] == "Warsaw"
    (record,) = done.lookups
    assert (record.entity, record.status, record.value) == ("Marie Curie", "hit", "Warsaw")
    assert fact.fact_id == record.fact_id == "marie curie/birth place/Warsaw"
    assert [type(e) for e in events if not isinstance(e, Text)] == [LookupAnswered, Finished]
    assert [m["role"] for m in done.messages] == [
        "assistant",
        "tool" if template == TOOLS else "user",
        "assistant",
    ]
    assert "Warsaw" in done.messages[1]["content"]
    assert done.message["content"] == done.text and done.n_tokens == 10


def test_a_miss_is_told_as_a_miss() -> None:
    missing = TAGGED.replace("birth place", "shoe size")
    done, events, _ = converse([missing, "I do not know."])
    assert [record.status for record in done.lookups] == ["miss"]
    assert any(isinstance(event, LookupMissed) for event in events)
    assert "has no answer" in done.messages[1]["content"]
    assert {span.origin for span in done.spans} == {"parametric"}


def test_all_values_are_told_and_cited() -> None:
    done, _, _ = converse([TAGGED.replace("birth place", "child"), "Irène and Ève."])
    facts = [done.text[s.start : s.end] for s in done.spans if s.origin == "fact"]
    assert facts == ["Irène", "Ève"] and "Irène; Ève" in done.messages[1]["content"]


def test_calls_are_bounded() -> None:
    """Beyond the bound no tool is offered, and a call ends the answer."""
    one, two, three = (TAGGED.replace("birth place", name) for name in ("a", "b", "c"))
    done, _, talk = converse([one, two, f"Well: {three}"], max_lookups=2)
    assert (len(done.lookups), done.finish_reason, done.text) == (2, "max_lookups", "Well: ")
    assert not talk.offers_tools and talk.settings.grammar is None
    done, _, _ = converse([one + two + three, "Warsaw."], max_lookups=2)
    assert (len(done.lookups), done.finish_reason) == (2, "stop")


@pytest.mark.parametrize("template", [CHATML, TOOLS])
def test_the_same_question_is_not_asked_twice(template: str) -> None:
    """The model is then offered no tool any more, and answers with what it was told."""
    done, _, talk = converse([TAGGED, TAGGED, "Warsaw."], template)
    assert (len(done.lookups), done.text, done.finish_reason) == (1, "Warsaw.", "stop")
    assert not talk.offers_tools
    done, _, _ = converse([TAGGED, TAGGED, TAGGED])
    assert (len(done.lookups), done.text, done.finish_reason) == (1, "", "max_lookups")


def test_a_call_that_is_none_is_told() -> None:
    done, _, _ = converse(["<tool_call>{}</tool_call>", "I do not know."])
    assert not done.lookups and "not understood" in done.messages[1]["content"]
    done, _, _ = converse(["<tool_call>x</tool_call>"] * 2 + ["Hm."], max_lookups=2)
    assert done.text == "Hm."


def test_what_is_cut_ends_the_answer() -> None:
    done, _, _ = converse([turn('Well <tool_call>{"na', "length")])
    assert (done.text, done.finish_reason, done.lookups) == ("Well ", "length", ())
    done, _, _ = converse([turn("Well", "stop", n_text_tokens=4)], max_tokens=4)
    assert done.finish_reason == "length", "the sampler ends a text that leaves a call's room free"


def test_json_that_is_asked_for_is_an_answer() -> None:
    done, _, _ = converse(['{"name": "Marie"}'])
    assert done.text == '{"name": "Marie"}'


def test_who_may_call() -> None:
    """``none``: nobody is offered anything; ``required``: the first turn must."""
    _, _, talk = converse([TAGGED], options=ChatOptions(choice="none"))
    assert talk.settings.grammar is None
    form, texts = make_form(CHATML), text_settings({}, verbalise="copy", lookup_bias=0.0)
    must = ChatOptions(choice="required")
    talk = Conversation(QUESTION, form, texts, has_memory=True, options=must)
    grammar = talk.settings.grammar
    assert grammar is not None and grammar.is_whole
    assert "look_up_fact" in "".join(map(str, talk.prompt().stretches))
    talk = Conversation(QUESTION, form, texts, has_memory=False, options=must)
    assert talk.settings.grammar is None
    assert "look_up_fact" not in "".join(map(str, talk.prompt().stretches))


# Engines ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chat_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("chat") / "chat.gguf"
    return write_tiny_model(
        path,
        with_lookup_tokens=False,
        context=4096,
        metadata={"tokenizer.chat_template": TINY},
    )


@pytest.mark.anyio
@pytest.mark.parametrize("capabilities", [FAST, SLOW])
async def test_a_required_lookup_reaches_the_memory(chat_model: Path, capabilities: Any) -> None:
    """A model of noise asks for noise: a miss, recorded, streamed as whole, twice the same."""
    memory = FakeStore(CURIE, capabilities=capabilities)
    options: dict[str, Any] = {"tool_choice": "required", "max_tokens": 6, "max_lookups": 1}
    async with Engine(chat_model, as_store(memory), threads=1) as engine:
        done = await engine.chat(QUESTION, **options)
        async with engine.stream_chat(QUESTION, **options) as events:
            told = [event async for event in events]
    assert [record.status for record in done.lookups] == ["miss"]
    assert memory.asked[0] == (done.lookups[0].entity, done.lookups[0].relation)
    assert len(memory.asked) == 2
    assert [type(e) for e in told if not isinstance(e, Text)] == [
        LookupStarted,
        LookupMissed,
        Finished,
    ]
    assert "".join(e.text for e in told if isinstance(e, Text)) == done.text


@pytest.mark.anyio
@pytest.mark.parametrize("is_left", [False, True])
async def test_nobody_waits_for_a_memory_that_does_not_answer(
    chat_model: Path, is_left: bool
) -> None:
    """Where the answer is left, or the engine is closed, by another task."""
    asked = anyio.Event()

    class Silent(FakeStore):
        async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
            asked.set()
            await anyio.sleep_forever()
            raise AssertionError

    errors: list[EngineClosed] = []
    async with Engine(chat_model, as_store(Silent(CURIE, capabilities=SLOW))) as engine:
        events = await engine._chat_events(QUESTION, {"tool_choice": "required"})

        async def read() -> None:
            try:
                async for _ in events:
                    pass
            except EngineClosed as error:
                errors.append(error)

        with anyio.fail_after(HANG_S):
            async with anyio.create_task_group() as group:
                group.start_soon(read)
                await asked.wait()
                if is_left:
                    events.leave()
                else:
                    await engine.aclose()
    (error,) = errors
    assert ("left" if is_left else "closed") in str(error)


@pytest.mark.anyio
async def test_a_failing_memory_is_an_error_of_the_chat(chat_model: Path) -> None:
    broken = FakeStore(CURIE, error=OSError("gone"))
    async with Engine(chat_model, as_store(broken)) as engine:
        with pytest.raises(OSError, match="gone"):
            await engine.chat(QUESTION, tool_choice="required")
        assert (await engine.chat(QUESTION, tool_choice="none", max_tokens=2)).n_text_tokens <= 2


@pytest.mark.anyio
async def test_a_real_model_fetches_a_fact() -> None:
    """SmolLM2 fills the gaps of a required call with what was asked, and the value is cited."""
    question = [{"role": "user", "content": "Where was Ada Quill born?"}]
    fact = Fact(entity="Ada Quill", relation="birth place", value="Lowmere", source="a test")
    async with open_store("memory:") as store:
        await store.apply([Assert(fact)])
        async with Engine(small_instruct_model(), store, context=640) as engine:
            done = await engine.chat(question, tool_choice="required", max_tokens=32)
        (stored,) = [one async for one in store.scan()]
    assert done.lookups[0].entity == "Ada Quill"
    assert (done.lookups[0].value, done.lookups[0].fact_id) == ("Lowmere", stored.id)
    cited = [span for span in done.spans if span.origin == "fact"]
    assert cited and done.text[cited[0].start : cited[0].end] == "Lowmere"
    assert cited[0].fact_id == stored.id
