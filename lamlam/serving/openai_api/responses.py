"""``/v1/responses``: answers a conversation by items, of which text is one kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lamlam.answering.written_text import WrittenText
from lamlam.runtime.decoding.completion import RequestedCall
from lamlam.runtime.decoding.events import Event, Text, Thought, ToolCallDelta, ToolRequested
from lamlam.serving.answers.refusals import Refusal, json_bytes
from lamlam.serving.openai_api.chat_options import check_tool_choice
from lamlam.serving.openai_api.response_bodies import (
    OpenResponse,
    ResponsesBody,
    ResponseToolChoice,
    call_item,
)
from lamlam.serving.texts.generation import GenerationAnswer
from lamlam.serving.texts.jobs import chat_job, checked_options
from lamlam.serving.texts.shown import call_json
from lamlam.serving.texts.streams import END, named_event

if TYPE_CHECKING:
    from lamlam.access_keys import Access
    from lamlam.serving.state.served import Served


def answer_response(
    served: Served, access: Access, body: ResponsesBody, base_url: str
) -> GenerationAnswer:
    """Return the answer to a request for a response.

    Raises:
        Refusal, RightMissing, NamespaceRefused, BadMessages: it cannot be.
    """
    options = checked_options(served, access, body)
    if body.max_output_tokens is not None:
        options["max_tokens"] = body.max_output_tokens
    if body.wants_logprobs:
        options["logprobs"] = body.top_logprobs or 0
    tools = body.tools or []
    if tools:
        options["tools"] = [one.definition() for one in tools]
    choice = body.tool_choice
    if isinstance(choice, ResponseToolChoice):
        check_tool_choice(choice.name, [one.name for one in tools])
        options["tool_choice"] = {"type": "function", "function": {"name": choice.name}}
    elif choice is not None and tools:
        options["tool_choice"] = choice
    if body.parallel_tool_calls is not None:
        options["parallel_tool_calls"] = body.parallel_tool_calls
    if body.text is not None and (form := body.text.response_format()) is not None:
        options["response_format"] = form
    job = chat_job(served, body.messages(), options)
    response = OpenResponse(body, served.model, base_url)
    encoder = _ResponseEncoder(response, is_trimmed=job.is_trimmed) if body.stream else None

    def answer(texts: list[WrittenText]) -> bytes:
        return json_bytes(response.complete(texts[0]))

    return GenerationAnswer(served, [job], answer=answer, encoder=encoder)


class _ResponseEncoder:
    """Writes a response as events, each with its name and number."""

    def __init__(self, response: OpenResponse, *, is_trimmed: bool) -> None:
        self._response = response
        self._n_events = 0
        self._n_items = 0
        self._thoughts = ""
        self._text = ""
        self._is_open = False
        """The item of the text has begun."""
        self._calls: list[dict[str, Any]] = []
        self._begun: dict[str, dict[str, Any]] = {}
        """By the id of each call that has begun: its place."""
        self._is_trimmed = is_trimmed

    def begin(self) -> bytes:
        shown = self._response.shown("in_progress", [])
        return self._event("created", response=shown) + self._event("in_progress", response=shown)

    def pieces(self, events: Iterable[Event]) -> bytes:
        data, text = b"", ""
        for event in events:
            if isinstance(event, Text):
                text += event.text
                continue
            data, text = data + self._add(text), ""
            if isinstance(event, Thought):
                data += self._think(event.text)
            elif isinstance(event, ToolCallDelta):
                data += self._arguments(event)
            elif isinstance(event, ToolRequested):
                data += self._call(event)
        return data + self._add(text)

    def end(self, written: WrittenText) -> bytes:
        response = self._response
        data = self._end_thoughts()
        output = response.output(written)
        if any(item["type"] == "message" for item in output):
            data += self._end_text(written)
        done = response.complete(written)
        done["output"] = _in_order(output, self._calls)
        return data + self._event(done["status"], response=done) + END

    def failed(self, refusal: Refusal) -> bytes:
        error = {"code": "server_error", "message": refusal.message}
        if refusal.status == 429:
            error["code"] = "rate_limit_exceeded"
        shown = self._response.shown("failed", [], error=error)
        return self._event("failed", response=shown) + END

    def _event(self, kind: str, **fields: Any) -> bytes:
        kind = f"response.{kind}"
        number, self._n_events = self._n_events, self._n_events + 1
        return named_event(kind, {"type": kind, "sequence_number": number, **fields})

    def _item(self, name: str, item: dict[str, Any], index: int) -> bytes:
        return self._event(f"output_item.{name}", output_index=index, item=item)

    def _think(self, text: str) -> bytes:
        data = b""
        if not self._thoughts:
            data += self._item("added", self._response.reasoning(""), self._n_items)
        self._thoughts += text
        return data + self._event("reasoning_text.delta", **self._of_thoughts, delta=text)

    @property
    def _of_thoughts(self) -> dict[str, Any]:
        return {
            "item_id": self._response.reasoning_id,
            "output_index": self._n_items,
            "content_index": 0,
        }

    def _end_thoughts(self) -> bytes:
        if not self._thoughts:
            return b""
        text, self._thoughts = self._thoughts, ""
        data = self._event("reasoning_text.done", **self._of_thoughts, text=text)
        data += self._item("done", self._response.reasoning(text), self._n_items)
        self._n_items += 1
        return data

    def _add(self, text: str) -> bytes:
        if self._is_trimmed and not self._text:
            text = text.lstrip()
        if not text:
            return b""
        data = self._end_thoughts() + self._open_text()
        self._text += text
        return data + self._event("output_text.delta", **self._of_text, delta=text, logprobs=[])

    @property
    def _of_text(self) -> dict[str, Any]:
        return {
            "item_id": self._response.message_id,
            "output_index": self._n_items,
            "content_index": 0,
        }

    def _open_text(self) -> bytes:
        if self._is_open:
            return b""
        self._is_open = True
        data = self._item("added", self._response.message(None), self._n_items)
        return data + self._event(
            "content_part.added", **self._of_text, part=self._response.part(None)
        )

    def _end_text(self, written: WrittenText) -> bytes:
        data = self._open_text()
        part = self._response.part(written)
        for index, annotation in enumerate(part["annotations"]):
            data += self._event(
                "output_text.annotation.added",
                **self._of_text,
                annotation_index=index,
                annotation=annotation,
            )
        data += self._event(
            "output_text.done", **self._of_text, text=written.text, logprobs=part["logprobs"]
        )
        data += self._event("content_part.done", **self._of_text, part=part)
        data += self._item("done", self._response.message(written), self._n_items)
        self._n_items += 1
        return data

    def _arguments(self, event: ToolCallDelta) -> bytes:
        data = b""
        if event.id not in self._begun:
            data += self._end_thoughts()
            index = len(self._begun) + self._n_items + self._is_open
            item = call_item(RequestedCall(event.id, event.name, {}), is_begun=True)
            self._begun[event.id] = {"item_id": item["id"], "output_index": index}
            data += self._item("added", item, index)
        place = self._begun[event.id]
        return data + self._event("function_call_arguments.delta", **place, delta=event.text)

    def _call(self, event: ToolRequested) -> bytes:
        call, data, item = event.call, b"", call_item(event.call)
        if call.id not in self._begun:
            data += self._arguments(ToolCallDelta(call.id, call.name, call_json(call)))
        place = self._begun[call.id]
        self._calls.append(item)
        data += self._event(
            "function_call_arguments.done", **place, name=call.name, arguments=call_json(call)
        )
        return data + self._item("done", item, place["output_index"])


def _in_order(output: list[dict[str, Any]], calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the items of a response, calls as they were told before."""
    return [item for item in output if item["type"] != "function_call"] + calls
