"""``/v1/chat/completions``: answers a conversation."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from lamlam.answering.written_text import WrittenText
from lamlam.runtime.decoding.events import Event, Text, Thought, ToolCallDelta, ToolRequested
from lamlam.serving.answers.refusals import Refusal, json_bytes
from lamlam.serving.openai_api.bodies import GenerationBody, Ignored, Positive, TopCount, only
from lamlam.serving.openai_api.chat_options import (
    OfferedFunction,
    ToolChoiceObject,
    check_tool_choice,
)
from lamlam.serving.openai_api.conversations import describe_message
from lamlam.serving.texts.generation import GenerationAnswer
from lamlam.serving.texts.jobs import chat_job, checked_options
from lamlam.serving.texts.shown import call_json, chat_citation, chat_logprobs, usage_of
from lamlam.serving.texts.streams import END, StreamHead, StreamOptions, event_data, wants_usage

if TYPE_CHECKING:
    from lamlam.access_keys import Access
    from lamlam.runtime.decoding.completion import RequestedCall
    from lamlam.serving.state.served import Served


class ChatMessage(BaseModel):
    """One message of a conversation; further keys, as clients hand them back, are read too."""

    model_config = ConfigDict(extra="allow", strict=True, json_schema_extra=describe_message)

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[dict[str, Any]] | None = None


class ChatBody(GenerationBody):
    """The body of a request for a chat completion."""

    messages: list[ChatMessage] = Field(min_length=1, max_length=10_000)
    max_tokens: Positive | None = None
    max_completion_tokens: Positive | None = Field(
        None, description="Most tokens of each turn; 256 where nothing is said."
    )
    stop: (
        Annotated[str, Field(min_length=1)]
        | Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=16)]
        | None
    ) = None
    tools: list[OfferedFunction] | None = Field(None, max_length=128)
    tool_choice: Literal["auto", "none", "required"] | ToolChoiceObject | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = Field(
        None, description='{"type": "text"}, "json_object" or "json_schema" with a schema.'
    )
    logprobs: bool | None = None
    top_logprobs: TopCount | None = None
    stream_options: StreamOptions | None = None
    n: only(1, None) = None  # type: ignore[valid-type]  # made for each setting
    logit_bias: only({}, None) = None  # type: ignore[valid-type]
    frequency_penalty: only(0, None) = None  # type: ignore[valid-type]
    presence_penalty: only(0, None) = None  # type: ignore[valid-type]
    modalities: only(["text"], None) = None  # type: ignore[valid-type]
    audio: only(None) = None  # type: ignore[valid-type]
    prediction: only(None) = None  # type: ignore[valid-type]
    web_search_options: only(None) = None  # type: ignore[valid-type]
    functions: only([], None) = None  # type: ignore[valid-type]
    function_call: only("none", None) = None  # type: ignore[valid-type]
    moderation: only(None) = None  # type: ignore[valid-type]
    reasoning_effort: Ignored = None
    verbosity: Ignored = None


class ChatText(BaseModel):
    """The answer to a conversation; its message holds annotations and provenance."""

    id: str
    object: str
    created: int
    model: str
    choices: list[dict[str, Any]]
    usage: dict[str, int]


def answer_chat(served: Served, access: Access, body: ChatBody, base_url: str) -> GenerationAnswer:
    """Return the answer to a request for a chat completion.

    Raises:
        Refusal, RightMissing, NamespaceRefused, BadMessages: it cannot be.
    """
    options = checked_options(served, access, body)
    most = body.max_completion_tokens or body.max_tokens
    if most is not None:
        options["max_tokens"] = most
    if body.logprobs:
        options["logprobs"] = body.top_logprobs or 0
    if body.tools:
        options["tools"] = [one.definition() for one in body.tools]
    choice = body.tool_choice
    if isinstance(choice, ToolChoiceObject):
        choice_given: Any = choice.model_dump()
        check_tool_choice(choice.function.name, [one.name for one in body.tools or ()])
        options["tool_choice"] = choice_given
    elif choice is not None and body.tools:
        options["tool_choice"] = choice
    if body.parallel_tool_calls is not None:
        options["parallel_tool_calls"] = body.parallel_tool_calls
    if body.response_format is not None and body.response_format.get("type") != "text":
        options["response_format"] = body.response_format
    messages = [one.model_dump(exclude_unset=True) for one in body.messages]
    job = chat_job(served, messages, options)
    head = StreamHead(f"chatcmpl-{uuid4().hex}", "chat.completion", int(time.time()), served.model)
    shape = _ShownAnswer(body, head, base_url)
    encoder = _ChatEncoder(shape, is_trimmed=job.is_trimmed) if body.stream else None
    return GenerationAnswer(served, [job], answer=shape.answer, encoder=encoder)


class _ShownAnswer:
    """How an answer is shown."""

    def __init__(self, body: ChatBody, head: StreamHead, base_url: str) -> None:
        self.body = body
        self.head = head
        self.base_url = base_url

    def answer(self, texts: list[WrittenText]) -> bytes:
        (written,) = texts
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if written.tool_calls and not written.text else written.text,
            "refusal": None,
            **self.origins(written),
        }
        if written.reasoning:
            message["reasoning_content"] = written.reasoning
        if written.tool_calls:
            message["tool_calls"] = [_call(call) for call in written.tool_calls]
        choice = {
            "index": 0,
            "message": message,
            "logprobs": self.logprobs(written),
            "finish_reason": written.reason,
        }
        return json_bytes({**self.head.fields, "choices": [choice], "usage": usage_of(texts)})

    def origins(self, written: WrittenText) -> dict[str, Any]:
        """Return where the text came from."""
        annotations = [chat_citation(one, self.base_url) for one in written.citations()]
        return {"annotations": annotations, "provenance": written.provenance()}

    def logprobs(self, written: WrittenText) -> dict[str, Any] | None:
        if written.logprobs is None:
            return None
        return {"content": chat_logprobs(written.logprobs), "refusal": None}


class _ChatEncoder:
    """Writes an answer as a stream of chunks."""

    def __init__(self, shape: _ShownAnswer, *, is_trimmed: bool) -> None:
        self._shape = shape
        self._fields = {**shape.head.fields, "object": "chat.completion.chunk"}
        head = StreamHead(**self._fields)
        self._content = head.around(_chunk({"content": "\0"}))
        self._thought = head.around(_chunk({"reasoning_content": "\0"}))
        self._is_begun = not is_trimmed
        """Text was sent; the answer of a model without a template begins with a space else."""
        self._calls: dict[str, int] = {}
        """By the id of each call that has begun: its index."""

    def begin(self) -> bytes:
        return event_data({**self._fields, **_chunk({"role": "assistant", "content": ""})})

    def pieces(self, events: Iterable[Event]) -> bytes:
        data, text = b"", ""
        for event in events:
            if isinstance(event, Text):
                text += event.text
                continue
            data, text = data + self._text(text), ""
            if isinstance(event, Thought):
                data += self._thought.piece(event.text)
            elif isinstance(event, ToolCallDelta):
                data += self._arguments(event)
            elif isinstance(event, ToolRequested) and event.call.id not in self._calls:
                data += self._begin_call(_call(event.call))
        return data + self._text(text)

    def _arguments(self, event: ToolCallDelta) -> bytes:
        function = {"name": event.name, "arguments": event.text}
        index = self._calls.get(event.id)
        if index is None:
            return self._begin_call({"id": event.id, "type": "function", "function": function})
        delta = {"index": index, "function": {"arguments": event.text}}
        return event_data({**self._fields, **_chunk({"tool_calls": [delta]})})

    def _begin_call(self, call: dict[str, Any]) -> bytes:
        index = self._calls[call["id"]] = len(self._calls)
        return event_data({**self._fields, **_chunk({"tool_calls": [{"index": index, **call}]})})

    def end(self, written: WrittenText) -> bytes:
        shape = self._shape
        last = _chunk(shape.origins(written), written.reason)
        last["choices"][0]["logprobs"] = shape.logprobs(written)
        data = event_data({**self._fields, **last})
        if wants_usage(shape.body.stream_options):
            data += event_data({**self._fields, "choices": [], "usage": usage_of([written])})
        return data + END

    def failed(self, refusal: Refusal) -> bytes:
        return event_data({"error": refusal.details}) + END

    def _text(self, text: str) -> bytes:
        if not self._is_begun:
            text = text.lstrip()
            self._is_begun = bool(text)
        return self._content.piece(text) if text else b""


def _chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    return {"choices": [choice]}


def _call(call: RequestedCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call_json(call)}
    return {"id": call.id, "type": "function", "function": function}
