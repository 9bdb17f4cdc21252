"""The engine as a model of pydantic-ai, which cites the facts that it writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai import messages as said
from pydantic_ai.exceptions import ModelAPIError
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.settings import ModelSettings, ToolOrOutput
from pydantic_ai.usage import RequestUsage

from lamlam.adapters.pydantic_ai.conversation import conversation_of
from lamlam.errors import EngineError, PromptTooLong, StreamLeft
from lamlam.runtime.decoding.completion import ChatCompletion, Completion
from lamlam.runtime.decoding.events import Event, Finished, Text, Thought, ToolRequested
from lamlam.runtime.engine import Engine

_OPTIONS = ("max_tokens", "temperature", "top_p", "seed", "parallel_tool_calls")
_ENDS: dict[str, said.FinishReason] = {
    "length": "length",
    "context": "length",
    "max_lookups": "length",
    "tool_calls": "tool_call",
}


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

    async def request(
        self,
        messages: list[said.ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> said.ModelResponse:
        """Return the answer to a conversation; errors as for `request_stream`."""
        given = (messages, model_settings, model_request_parameters)
        async with self.request_stream(*given) as answer:
            async for _ in answer:
                pass
            return answer.get()

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[said.ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
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
        offer = offer_of(given.get("tool_choice"), parameters)
        conversation, prompt = conversation_of(messages, parameters), ""
        try:
            if offer or "tokenizer.chat_template" in self._engine.metadata:
                block = self._engine.stream_chat(conversation, **options, **offer)
            else:
                options.pop("parallel_tool_calls", None)
                asked = [one["content"] for one in conversation if one["role"] == "user"]
                prompt = asked[-1] if asked else ""
                block = self._engine.stream(prompt, **options)
            async with block as events:
                yield EngineResponse(parameters, events, len(prompt), timestamp=datetime.now(UTC))
        except (EngineError, PromptTooLong) as error:
            raise ModelAPIError(self.model_name, str(error)) from error


@dataclass
class EngineResponse(StreamedResponse):
    """One answer, as the engine writes it."""

    events: Any
    start: int
    """Where the answer begins in the text of the completion."""
    model_name: str = "lamlam"
    provider_name: str = "lamlam"
    provider_url: None = None
    timestamp: datetime = datetime.min  # here only because the class may have no abstract property

    async def _get_event_iterator(self) -> AsyncIterator[said.ModelResponseStreamEvent]:
        async for event in self.events:
            for one in self._mapped(event):
                yield one

    def _mapped(self, event: Event) -> Iterator[said.ModelResponseStreamEvent]:
        match event:
            case Text(text=text):
                yield from self._parts_manager.handle_text_delta(vendor_part_id=0, content=text)
            case Thought(text=text):
                yield from self._parts_manager.handle_thinking_delta(vendor_part_id=1, content=text)
            case ToolRequested(call=call):
                yield self._parts_manager.handle_tool_call_part(
                    vendor_part_id=call.id, tool_name=call.name, args=call.arguments, tool_call_id=call.id
                )  # fmt: skip
            case Finished(completion=done):
                told = done.as_dict()
                reason = done.finish_reason
                self.finish_reason = _ENDS.get(reason, "stop")
                self.provider_details = {"finish_reason": reason, "lookups": list(told["lookups"])}
                used = (done.n_prompt_tokens, done.n_tokens)
                if isinstance(done, ChatCompletion):
                    used = (done.usage.prompt_tokens, done.usage.completion_tokens)
                self._usage = RequestUsage(input_tokens=used[0], output_tokens=used[1])
                spans = [one for one in told["spans"] if one["origin"] != "prompt"]
                for one in spans:
                    one |= {"start": one["start"] - self.start, "end": one["end"] - self.start}
                if spans:
                    yield from self._parts_manager.handle_text_delta(
                        vendor_part_id=0, content="", provider_name=self.provider_name,
                        provider_details={"spans": spans}, citations=_citations(done, spans) or None,
                    )  # fmt: skip

    async def close_stream(self) -> None:
        """End the generation."""
        self.events.leave()

    def get_stream_cancel_errors(self) -> tuple[type[BaseException], ...]:
        """Return what reading on raises then."""
        return (StreamLeft,)


def _citations(done: Completion, spans: list[dict[str, Any]]) -> list[said.Citation]:
    cited = []
    facts = {one.fact_id: f"{one.entity}: {one.relation}: {one.value}" for one in done.lookups}
    for span in (one for one in spans if one["origin"] == "fact"):
        known, source = [facts[span["fact_id"]]], span["source"]
        anchor = said.ContentCitationAnchor(start=span["start"], end=span["end"])
        place: said.WebCitationSource | said.DocumentCitationSource
        if source and source.startswith(("https://", "http://")):
            place = said.WebCitationSource(source, excerpts=known)
        else:
            fact_id = span["fact_id"]
            place = said.DocumentCitationSource(document_id=fact_id, title=source, excerpts=known)
        cited.append(said.Citation([place], anchor=anchor))
    return cited


def offer_of(chosen: Any, parameters: ModelRequestParameters) -> dict[str, Any]:
    """Return the options of a chat for tools and the form of the answer."""
    tools = parameters.declared_tool_defs
    ending = {one.name for one in parameters.output_tools}
    must, names = not parameters.allow_text_output, set(tools)
    if chosen in ("none", []):
        names = ending
    elif isinstance(chosen, ToolOrOutput):
        names = {*chosen.function_tools, *ending}
    elif chosen == "required" or isinstance(chosen, list):
        must, names = True, set(tools) - ending if chosen == "required" else set(chosen)
    offered = [
        {"name": name, "parameters": one.parameters_json_schema, "description": one.description or ""}
        for name, one in tools.items() if name in names
    ]  # fmt: skip
    offer: dict[str, Any] = {}
    if offered:
        offer["tools"] = [{"type": "function", "function": one} for one in offered]
        offer["tool_choice"] = "required" if must else "auto"
    if parameters.output_mode == "native" and parameters.output_object:
        schema = {"schema": parameters.output_object.json_schema}
        offer["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif parameters.output_mode == "prompted":
        offer["response_format"] = "json_object"
    return offer
