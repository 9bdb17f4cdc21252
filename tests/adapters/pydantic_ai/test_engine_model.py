"""The engine as the model of agents of pydantic-ai: the bundled model, and a small chat model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, RunContext, ToolDefinition, ToolOutput
from pydantic_ai.exceptions import ModelAPIError
from pydantic_ai.messages import (
    ContentCitationAnchor,
    DocumentCitationSource,
    ImageUrl,
    InstructionPart,
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextContent,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
    WebCitationSource,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.settings import ModelSettings, ToolOrOutput

import lamlam
from lamlam.adapters.pydantic_ai import EngineModel
from lamlam.adapters.pydantic_ai.engine_model import conversation_of, offer_of
from lamlam.errors import BadMessages, NoChatTemplate, UnknownOption
from tests.adapters.pydantic_ai.conftest import SOURCE

pytestmark = pytest.mark.anyio
PROMPT = "Ada Quill was born in"
SHORT = ModelSettings(max_tokens=8)


class Choice(BaseModel):
    """A form that no text but two fits."""

    colour: Literal["red", "green"]


@pytest.fixture
async def engine(store: lamlam.FactStore) -> AsyncIterator[lamlam.Engine]:
    """The bundled model, with the memory."""
    async with lamlam.Engine(memory=store, threads=1) as engine:
        yield engine


@pytest.fixture
async def chat(chat_model: str, anyio_backend: str) -> AsyncIterator[lamlam.Engine]:
    """The chat model, without a memory."""
    async with lamlam.Engine(chat_model, threads=1) as engine:
        yield engine


def text_of(response: ModelResponse) -> TextPart:
    """Return the only part of a response."""
    (part,) = response.parts
    assert isinstance(part, TextPart)
    return part


async def test_a_value_of_memory_is_cited_where_it_stands(
    engine: lamlam.Engine, store: lamlam.FactStore
) -> None:
    """The citation names fact and source; spans and lookups are those of the completion."""
    done = await Agent(EngineModel(engine)).run(PROMPT, model_settings=SHORT)
    completion = await engine.generate(PROMPT, max_tokens=8)
    text = text_of(done.response)
    assert PROMPT + text.content == completion.text
    (citation,) = text.citations or []
    assert isinstance(citation.anchor, ContentCitationAnchor)
    assert text.content[citation.anchor.start : citation.anchor.end] == "Lowmere"
    (source,) = citation.sources
    assert isinstance(source, DocumentCitationSource)
    fact = (await store.lookup("Ada Quill", "birth place")).facts[0]
    assert (source.document_id, source.title) == (fact.id, SOURCE)
    assert source.excerpts == ["Ada Quill: birth place: Lowmere"]
    spans = (text.provider_details or {})["spans"]
    assert "".join(text.content[one["start"] : one["end"]] for one in spans) == text.content
    assert [one["origin"] for one in spans] == [one.origin for one in completion.spans[1:]]
    details = done.response.provider_details or {}
    assert [one["status"] for one in details["lookups"]] == [
        one.status for one in completion.lookups
    ]
    assert done.response.finish_reason == "length"
    assert done.usage.input_tokens == completion.n_prompt_tokens


async def test_a_source_that_is_an_address_is_a_page(
    engine: lamlam.Engine, store: lamlam.FactStore
) -> None:
    """As interfaces show them, with a link."""
    address = "https://example.org/registers/lowmere"
    fact = lamlam.Fact(entity="Cy Tower", relation="birth place", value="Pol", source=address)
    await store.apply([lamlam.Assert(fact)])
    done = await Agent(EngineModel(engine)).run("Cy Tower was born in", model_settings=SHORT)
    (citation,) = text_of(done.response).citations or []
    assert citation.sources == [WebCitationSource(address, excerpts=["Cy Tower: birth place: Pol"])]


async def test_a_stream_gives_the_same_text_and_citations(engine: lamlam.Engine) -> None:
    """Piece by piece; and all of it can be written down as JSON and read again."""
    agent = Agent(EngineModel(engine, settings=SHORT))
    whole = await agent.run(PROMPT)
    async with agent.run_stream(PROMPT) as streamed:
        pieces = [piece async for piece in streamed.stream_text(delta=True, debounce_by=None)]
    text, streamed_text = text_of(whole.response), text_of(streamed.response)
    assert len(pieces) > 1 and "".join(pieces) == text.content
    assert streamed_text.citations == text.citations
    assert streamed_text.provider_details == text.provider_details
    kept = ModelMessagesTypeAdapter.validate_json(streamed.all_messages_json())[-1]
    assert isinstance(kept, ModelResponse) and text_of(kept).citations == text.citations


async def test_a_stream_that_is_left_frees_its_place(store: lamlam.FactStore) -> None:
    """An engine with one place writes the next text at once."""
    async with lamlam.Engine(memory=store, threads=1, max_sequences=1) as engine:
        agent = Agent(EngineModel(engine))
        async with agent.run_stream(PROMPT, model_settings={"max_tokens": 100_000}) as streamed:
            async for _ in streamed.stream_text(delta=True, debounce_by=None):
                break
        done = await agent.run(PROMPT, model_settings=SHORT)
        assert done.output


async def test_a_stream_can_be_cancelled(engine: lamlam.Engine) -> None:
    """The response says that it was."""
    agent = Agent(EngineModel(engine))
    async with agent.run_stream(PROMPT, model_settings={"max_tokens": 100_000}) as streamed:
        async for _ in streamed.stream_text(delta=True, debounce_by=None):
            await streamed.cancel()
    assert streamed.response.state == "interrupted"


async def test_options_of_the_engine_stand_in_the_settings(engine: lamlam.Engine) -> None:
    """The namespace of a user, for example; a wrong one is named."""
    model = EngineModel(engine)
    mine: Any = {"max_tokens": 4, "lamlam_options": {"namespace": ("users", "7")}}
    assert "Pol" in (await Agent(model).run(PROMPT, model_settings=mine)).output
    wrong: Any = {"lamlam_options": {"namespaces": ()}}
    with pytest.raises(UnknownOption, match="namespaces"):
        await Agent(model).run(PROMPT, model_settings=wrong)


async def test_what_a_model_without_a_chat_template_cannot_do_is_said(
    engine: lamlam.Engine,
) -> None:
    """Tools and forms need one."""
    with pytest.raises(NoChatTemplate):
        await Agent(EngineModel(engine), output_type=Choice).run("red or green?")


async def test_an_engine_that_is_closed_is_an_error_of_the_model(store: lamlam.FactStore) -> None:
    """So that a fallback of pydantic-ai can take its place."""
    engine = lamlam.Engine(memory=store, threads=1)
    async with engine:
        agent = Agent(EngineModel(engine))
        with pytest.raises(ModelAPIError, match="tokens"):
            await agent.run("a " * 5000)
    with pytest.raises(ModelAPIError, match="closed"):
        await agent.run(PROMPT)


async def test_images_are_refused(engine: lamlam.Engine) -> None:
    """By the name of what was given."""
    with pytest.raises(BadMessages, match="ImageUrl"):
        await Agent(EngineModel(engine)).run(["Look:", ImageUrl("https://example.org/a.png")])


@pytest.mark.parametrize(
    "form", [Choice, NativeOutput(Choice), ToolOutput(Choice)], ids=["model", "native", "tool"]
)
async def test_an_answer_has_the_form_that_is_asked_for(chat: lamlam.Engine, form: Any) -> None:
    """By a mask of the schema, or of a tool: a small model cannot leave it."""
    agent: Agent[None, Choice] = Agent(EngineModel(chat), output_type=form, retries=0)
    done = await agent.run("Which colour is grass?", model_settings={"max_tokens": 64})
    assert done.output.colour in ("red", "green")


async def test_a_tool_is_called_and_its_result_is_read(chat: lamlam.Engine) -> None:
    """The call has a mask, so a small model calls with arguments of the schema."""
    seen: list[str] = []

    def weather(town: Literal["Lowmere", "Highmere"]) -> str:
        seen.append(town)
        return f"It rains in {town}."

    def first_a_call(context: RunContext[Any]) -> ModelSettings:
        choice: Any = ["weather"] if context.run_step == 1 else "none"
        return {"tool_choice": choice, "max_tokens": 32, "parallel_tool_calls": False}

    agent = Agent(EngineModel(chat), tools=[weather], model_settings=first_a_call)
    done = await agent.run("How is the weather in Lowmere?")
    asked, called, answered, said = done.all_messages()
    assert isinstance(called, ModelResponse) and called.finish_reason == "tool_call"
    (call,) = called.parts
    assert isinstance(call, ToolCallPart) and call.args_as_dict() == {"town": seen[0]}
    assert answered.parts[0].part_kind == "tool-return"
    assert isinstance(said, ModelResponse) and text_of(said).content == done.output


def _tools(*names: str) -> list[ToolDefinition]:
    return [ToolDefinition(name=name) for name in names]


@pytest.mark.parametrize(
    ("chosen", "allows_text", "names", "choice"),
    [
        (None, True, ["a", "b", "end"], "auto"),
        (None, False, ["a", "b", "end"], "required"),
        ("auto", True, ["a", "b", "end"], "auto"),
        ("none", True, ["end"], "auto"),
        ([], False, ["end"], "required"),
        ("required", True, ["a", "b"], "required"),
        (["b"], True, ["b"], "required"),
        (["b", "end"], True, ["b", "end"], "required"),
        (ToolOrOutput(["a"]), True, ["a", "end"], "auto"),
    ],
    ids=str,
)
def test_each_choice_of_tools(
    chosen: Any, allows_text: bool, names: list[str], choice: str
) -> None:
    """As pydantic-ai's page about tool choice says it."""
    parameters = ModelRequestParameters(
        function_tools=_tools("a", "b"),
        output_tools=_tools("end"),
        allow_text_output=allows_text,
    )
    offer = offer_of(chosen, parameters)
    assert [one["function"]["name"] for one in offer["tools"]] == names
    assert offer["tool_choice"] == choice


def test_a_form_in_words_is_any_object() -> None:
    """The prompt has the schema then; without tools and form nothing is asked of the engine."""
    assert offer_of(None, ModelRequestParameters(output_mode="prompted")) == {
        "response_format": "json_object"
    }
    assert offer_of("none", ModelRequestParameters(function_tools=_tools("a"))) == {}


def test_a_conversation_is_read_in_full() -> None:
    """Instructions and prompts of the system are one message, the first."""
    messages: list[ModelMessage] = [
        ModelRequest(
            [SystemPromptPart("Be short."), UserPromptPart(["Hello,", TextContent("Ada")])]
        ),
        ModelResponse(
            [ThinkingPart("hm"), TextPart("I ask."), ToolCallPart("f", {"x": 1}, tool_call_id="c1")]
        ),
        ModelRequest([ToolReturnPart("f", {"y": 2}, tool_call_id="c1")]),
    ]
    parameters = ModelRequestParameters(instruction_parts=[InstructionPart("Be kind.")])
    assert conversation_of(messages, parameters) == [
        {"role": "system", "content": "Be short.\n\nBe kind."},
        {"role": "user", "content": "Hello,\nAda"},
        {
            "role": "assistant",
            "content": "I ask.",
            "reasoning_content": "hm",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": {"x": 1}}}
            ],
        },
        {"role": "tool", "name": "f", "tool_call_id": "c1", "content": '{"y":2}'},
    ]
