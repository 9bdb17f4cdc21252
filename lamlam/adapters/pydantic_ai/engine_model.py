"""The engine as a model of pydantic-ai, which cites the facts that it writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic_ai import messages as said
from pydantic_ai.exceptions import ModelAPIError
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.settings import ModelSettings, ToolOrOutput

from lamlam.answering.jobs import Job, chat_job
from lamlam.answering.tool_offers import offer_options
from lamlam.answering.written_text import Citation
from lamlam.errors import BadMessages, EngineError, PromptTooLong, StreamLeft
from lamlam.runtime.chat.items import answer_item, called_item, result_item, thought_item
from lamlam.runtime.chat.messages import conversation
from lamlam.runtime.chat.tool_definitions import function_definition
from lamlam.runtime.decoding.events import Event, Finished, Text, Thought, ToolRequested
from lamlam.runtime.engine import Engine

_OPTIONS = ("max_tokens", "temperature", "top_p", "seed", "parallel_tool_calls")


class EngineModel(Model[Engine]):
    """An open engine as the model of an agent: ``Agent(EngineModel(engine))``.

    Each value that came from memory is a citation of the text, with the fact's id and source; all
    spans are ``provider_details["spans"]`` of the text, the lookups those of the response. A model
    file without a chat template, as the bundled one, continues the last message of the user,
    without instructions, earlier messages, tools and forms. Other options of `Engine.chat` stand in
    the settings as ``lamlam_options``: ``{"lamlam_options": {"namespace": ("users", "7")}}``.
    """

    system, model_name = "lamlam", "lamlam"

    def __init__(self, engine: Engine, *, settings: ModelSettings | None = None) -> None:
        """Store the engine, which stays open, and defaults of the settings of each request."""
        self._engine = engine
        profile = ModelProfile(supports_json_schema_output=True, supports_json_object_output=True)
        profile["default_structured_output_mode"] = "native"  # a mask keeps small models in form
        super().__init__(settings=settings, profile=profile)

    async def request(self, *given: Any, **named: Any) -> said.ModelResponse:
        """Return the answer to a conversation; arguments and errors as for `request_stream`."""
        async with self.request_stream(*given, **named) as answer:
            async for _ in answer:
                pass
            return answer.get()

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[said.ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: Any = None,
    ) -> AsyncIterator[StreamedResponse]:
        """Yield the answer as it is written; leaving the block ends the generation.

        Raises:
            ModelAPIError: the engine is busy or closed, or the conversation is too long for it.
            BadMessages: images, audio or files.
            UsageError, ModelError: as for `Engine.chat`.
        """
        settings, parameters = self.prepare_request(model_settings, model_request_parameters)
        given: dict[str, Any] = dict(settings or {})
        options = {name: given[name] for name in _OPTIONS if name in given}
        options |= {"stop": given.get("stop_sequences")} | given.get("lamlam_options", {})
        options |= offer_of(given.get("tool_choice"), parameters)
        try:
            job = chat_job(self._engine, conversation_of(messages, parameters), options)
            async with job.stream() as events:
                yield EngineResponse(parameters, events, job, timestamp=datetime.now(UTC))
        except (EngineError, PromptTooLong) as error:
            raise ModelAPIError(self.model_name, str(error)) from error


@dataclass
class EngineResponse(StreamedResponse):
    """One answer, as the engine writes it."""

    events: Any
    job: Job
    model_name: str = "lamlam"
    provider_name: str = "lamlam"
    provider_url: None = None
    timestamp: datetime = datetime.min  # here only because the class may have no abstract property

    async def _get_event_iterator(self) -> AsyncIterator[said.ModelResponseStreamEvent]:
        async for event in self.events:
            for one in self._mapped(event):
                yield one

    def _mapped(self, event: Event) -> Iterator[said.ModelResponseStreamEvent]:
        parts = self._parts_manager
        match event:
            case Text(text=text):
                yield from parts.handle_text_delta(vendor_part_id=0, content=text)
            case Thought(text=text):
                yield from parts.handle_thinking_delta(vendor_part_id=1, content=text)
            case ToolRequested(call=call):
                yield parts.handle_tool_call_part(
                    vendor_part_id=call.id,
                    tool_name=call.name,
                    args=call.arguments,
                    tool_call_id=call.id,
                )
            case Finished(completion=completion):
                written = self.job.written(completion)
                self.provider_details = told = written.provenance()
                cited = [_cited(one) for one in written.citations()] or None
                reason = written.reason
                self.finish_reason = "tool_call" if reason == "tool_calls" else reason
                self._usage.input_tokens = written.n_prompt_tokens
                self._usage.output_tokens = written.n_tokens
                if written.text:
                    yield from parts.handle_text_delta(
                        vendor_part_id=0, content="", provider_name=self.provider_name,
                        provider_details={"spans": told.pop("spans")}, citations=cited,
                    )  # fmt: skip

    async def close_stream(self) -> None:
        """End the generation."""
        self.events.leave()

    def get_stream_cancel_errors(self) -> tuple[type[BaseException], ...]:
        """Return what reading on raises then."""
        return (StreamLeft,)


def _cited(one: Citation) -> said.Citation:
    known, anchor = [one.statement], said.ContentCitationAnchor(start=one.start, end=one.end)
    if one.page:
        return said.Citation([said.WebCitationSource(one.page, excerpts=known)], anchor=anchor)
    fact = said.DocumentCitationSource(document_id=one.fact_id, title=one.source, excerpts=known)
    return said.Citation([fact], anchor=anchor)


def offer_of(chosen: Any, parameters: ModelRequestParameters) -> dict[str, Any]:
    """Return the options of a chat for tools and the form of the answer."""
    tools = [
        function_definition(one.name, one.description, one.parameters_json_schema)
        for one in parameters.declared_tool_defs.values()
    ]
    ending = [one.name for one in parameters.output_tools]
    if isinstance(chosen, ToolOrOutput):
        names = {*chosen.function_tools, *ending}
        tools, chosen = [one for one in tools if one["function"]["name"] in names], "auto"
    offer = offer_options(tools, chosen, parameters.allow_text_output, ending)
    if parameters.output_mode == "native" and (form := parameters.output_object):
        offer["response_format"] = {"type": "json_schema", "schema": form.json_schema}
    elif parameters.output_mode == "prompted":
        offer["response_format"] = "json_object"
    return offer


def conversation_of(
    messages: Sequence[said.ModelMessage], parameters: ModelRequestParameters
) -> list[dict[str, Any]]:
    """Return the messages as `Engine.chat` reads them, what the system says as the first one."""
    items = [_item(part) for message in messages for part in message.parts]
    return conversation(items, *[part.content for part in parameters.instruction_parts or ()])


def _item(part: said.ModelRequestPart | said.ModelResponsePart) -> dict[str, Any]:
    match part:
        case said.SystemPromptPart(content=text):
            return {"role": "system", "content": text}
        case said.UserPromptPart():
            return {"role": "user", "content": parts_of(part.content)}
        case said.TextPart(content=text):
            return answer_item(text)
        case said.ThinkingPart(content=text):
            return thought_item(text)
        case said.ToolCallPart():
            return called_item(part.tool_call_id, part.tool_name, part.args_as_json_str())
        case said.ToolReturnPart():
            return result_item(part.tool_call_id, part.model_response_str())
    raise BadMessages(f"the engine reads no {part.part_kind!r} in a message")


def parts_of(content: str | Sequence[said.UserContent]) -> list[str | said.UserContent]:
    """Return the parts of a message, those that are text as strings."""
    parts = [content] if isinstance(content, str) else content
    return [one.content if isinstance(one, said.TextContent) else one for one in parts]
