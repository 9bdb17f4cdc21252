"""The body of a request for a response, and the object that answers it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from lamlam.answering.written_text import WrittenText
from lamlam.serving.openai_api.bodies import GenerationBody, Ignored, Positive, TopCount, only
from lamlam.serving.openai_api.chat_options import FunctionName
from lamlam.serving.openai_api.conversations import InputItem, InputText
from lamlam.serving.texts.shown import call_json, chat_logprobs, response_citation

_LOGPROBS = "message.output_text.logprobs"
_NOTHING_KEPT = "this server keeps no responses; hand over the whole conversation as input"


class ResponseTool(BaseModel):
    """A function that the model may call; no other kind of tool runs here."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["function"]
    name: FunctionName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None

    def definition(self) -> dict[str, Any]:
        """Return it as the engine reads it."""
        function = self.model_dump(exclude_none=True, exclude={"type"})
        return {"type": "function", "function": function}

    def shown(self) -> dict[str, Any]:
        """Return it as the answer repeats it."""
        return self.model_dump()


class ResponseToolChoice(BaseModel):
    """The one tool that is to be called."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["function"]
    name: FunctionName


class TextSettingsBody(BaseModel):
    """The form of the answer."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: dict[str, Any] | None = None
    verbosity: Ignored = None

    def response_format(self) -> dict[str, Any] | None:
        """Return the form as the engine reads it, where it is not any text."""
        if self.format is None or self.format.get("type") == "text":
            return None
        return self.format


class ResponsesBody(GenerationBody):
    """The body of a request for a response."""

    input: InputText | list[InputItem] = Field(
        description="A message, or the items of a conversation."
    )
    instructions: str | None = Field(None, description="Tells the model how to answer.")
    max_output_tokens: Positive | None = None
    tools: list[ResponseTool] | None = Field(None, max_length=128)
    tool_choice: Literal["auto", "none", "required"] | ResponseToolChoice | None = None
    parallel_tool_calls: bool | None = None
    text: TextSettingsBody | None = None
    top_logprobs: TopCount | None = None
    include: list[str] | None = Field(None, max_length=20)
    truncation: only("disabled", None) = None  # type: ignore[valid-type]  # made for each setting
    background: only(False, None) = None  # type: ignore[valid-type]
    previous_response_id: only(None, why=_NOTHING_KEPT) = None  # type: ignore[valid-type]
    conversation: only(None, why=_NOTHING_KEPT) = None  # type: ignore[valid-type]
    prompt: only(None) = None  # type: ignore[valid-type]
    moderation: only(None) = None  # type: ignore[valid-type]
    frequency_penalty: only(0, None) = None  # type: ignore[valid-type]
    presence_penalty: only(0, None) = None  # type: ignore[valid-type]
    context_management: only([], None) = None  # type: ignore[valid-type]
    reasoning: Ignored = None
    max_tool_calls: Ignored = None
    stream_options: Ignored = None

    @property
    def wants_logprobs(self) -> bool:
        """Whether tokens are listed with their probabilities."""
        return self.top_logprobs is not None or _LOGPROBS in (self.include or ())

    def messages(self) -> list[Any]:
        """Return the conversation, as the engine reads it."""
        given: list[Any] = (
            [{"role": "user", "content": self.input}]
            if isinstance(self.input, str)
            else list(self.input)
        )
        before = [{"role": "system", "content": self.instructions}] if self.instructions else []
        return [*before, *given]


class ResponseObject(BaseModel):
    """The answer to a request for a response; parts of its output hold provenance."""

    model_config = ConfigDict(extra="allow")

    id: str
    object: Literal["response"]
    created_at: int
    status: str
    model: str
    output: list[dict[str, Any]]
    usage: dict[str, Any] | None


@dataclass(slots=True)
class OpenResponse:
    """A response that is being made."""

    body: ResponsesBody
    model: str
    base_url: str
    id: str = field(default_factory=lambda: f"resp_{uuid4().hex}")
    message_id: str = field(default_factory=lambda: f"msg_{uuid4().hex}")
    reasoning_id: str = field(default_factory=lambda: f"rs_{uuid4().hex}")
    created_at: int = field(default_factory=lambda: int(time.time()))

    def shown(
        self,
        status: str,
        output: list[dict[str, Any]],
        *,
        written: WrittenText | None = None,
        error: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the response as JSON, settings included."""
        body = self.body
        choice = body.tool_choice
        is_cut = status == "incomplete"
        text_format = (body.text.format if body.text else None) or {"type": "text"}
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created_at,
            "completed_at": int(time.time()) if status == "completed" else None,
            "status": status,
            "error": error,
            "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None,
            "instructions": body.instructions,
            "max_output_tokens": body.max_output_tokens,
            "max_tool_calls": None,
            "model": self.model,
            "output": output,
            "parallel_tool_calls": body.parallel_tool_calls is not False,
            "previous_response_id": None,
            "reasoning": None,
            "store": False,
            "background": False,
            "temperature": 0.0 if body.temperature is None else body.temperature,
            "top_p": 1.0 if body.top_p is None else body.top_p,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "top_logprobs": body.top_logprobs or 0,
            "text": {"format": text_format},
            "tool_choice": (
                choice.model_dump() if isinstance(choice, ResponseToolChoice) else choice or "auto"
            ),
            "tools": [tool.shown() for tool in body.tools or ()],
            "truncation": "disabled",
            "usage": None if written is None else _usage(written),
            "user": body.user,
            "metadata": body.metadata or {},
            "service_tier": "default",
            "safety_identifier": body.safety_identifier,
            "prompt_cache_key": body.prompt_cache_key,
        }

    def complete(self, written: WrittenText) -> dict[str, Any]:
        """Return the whole response."""
        status = "incomplete" if written.reason == "length" else "completed"
        return self.shown(status, self.output(written), written=written)

    def output(self, written: WrittenText) -> list[dict[str, Any]]:
        """Return its items: thoughts, text, calls."""
        items: list[dict[str, Any]] = []
        if written.reasoning:
            items.append(self.reasoning(written.reasoning))
        if written.text or not written.tool_calls:
            items.append(self.message(written))
        return [*items, *map(call_item, written.tool_calls)]

    def reasoning(self, text: str) -> dict[str, Any]:
        """Return the item of what the model thought."""
        parts = [{"type": "reasoning_text", "text": text}] if text else []
        return {"id": self.reasoning_id, "type": "reasoning", "summary": [], "content": parts}

    def message(self, written: WrittenText | None) -> dict[str, Any]:
        """Return the item of the text; empty while it is being written."""
        status = "in_progress"
        if written is not None:
            status = "incomplete" if written.reason == "length" else "completed"
        return {
            "id": self.message_id,
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": [] if written is None else [self.part(written)],
        }

    def part(self, written: WrittenText | None) -> dict[str, Any]:
        """Return the text with where it came from."""
        part: dict[str, Any] = {
            "type": "output_text", "text": "", "annotations": [], "logprobs": [],
        }  # fmt: skip
        if written is not None:
            part["text"] = written.text
            part["annotations"] = [
                response_citation(one, self.base_url) for one in written.citations()
            ]
            part["logprobs"] = chat_logprobs(written.logprobs or ())
            part["provenance"] = written.provenance()
        return part


def call_item(call: Any, *, is_begun: bool = False) -> dict[str, Any]:
    """Return the item of a call of one of the client's functions."""
    return {
        "id": f"fc_{call.id}",
        "type": "function_call",
        "call_id": call.id,
        "name": call.name,
        "arguments": "" if is_begun else call_json(call),
        "status": "in_progress" if is_begun else "completed",
    }


def _usage(written: WrittenText) -> dict[str, Any]:
    read, wrote = written.n_prompt_tokens, written.n_tokens
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": wrote,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + wrote,
    }
