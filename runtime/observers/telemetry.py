"""`Telemetry`: each generation an OpenTelemetry span, each lookup a span below it (extra ``otel``).

Attributes are those of the semantic conventions for generative AI (``gen_ai.…``, status
"development") where there is one, and ``lamlam.…`` for the rest.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from lamlam.errors import MissingExtra
from lamlam.runtime.decoding.events import (
    Event,
    Finished,
    LookupAnswered,
    LookupMissed,
    LookupStarted,
    Text,
    ToolCallDelta,
    ToolRequested,
)
from lamlam.runtime.decoding.spans import LookupRecord
from lamlam.runtime.observers.observer import BegunText, TextObserver

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer, TracerProvider

_TOOL = "look_up_fact"
_SYSTEM = "lamlam"


class Telemetry:
    """OpenTelemetry spans for every generation: ``Engine(telemetry=True)``, or an instance of this.

    By default no span contains a prompt, a name, a value or a word of the text: only settings,
    counts, times, how lookups ended, ids of facts, which reveal nothing by themselves, and the
    namespaces that a text reads.
    """

    def __init__(
        self, tracer_provider: TracerProvider | None = None, *, content: bool = False
    ) -> None:
        """Store where spans go.

        Args:
            tracer_provider: by default the one that the program has set.
            content: put prompts, texts, questions and values into spans, too.

        Raises:
            MissingExtra: OpenTelemetry is not installed.
        """
        try:
            from opentelemetry import trace
        except ImportError as error:
            raise MissingExtra("otel", "opentelemetry-api") from error
        from lamlam.version import __version__

        self._tracer = trace.get_tracer("lamlam", __version__, tracer_provider)
        self._has_content = content

    def begin(self, begun: BegunText) -> TextObserver:
        """Begin the span of a generation; return the observer that ends it."""
        return _TextSpan(self._tracer, begun, self._has_content)


class _TextSpan:
    """The span of one generation, below that of the caller."""

    def __init__(self, tracer: Tracer, begun: BegunText, has_content: bool) -> None:
        from opentelemetry.trace import SpanKind, set_span_in_context

        self._tracer = tracer
        self._has_content = has_content
        self._has_namespaces = begun.settings.namespaces != ((),)
        self._began_ns = time.time_ns()
        self._lookup: Span | None = None
        self._lookup_began_ns = 0
        self._asked: LookupStarted | None = None
        self._has_text = False
        self._written: list[str] = []
        self._n_requested = 0
        self._requested: list[dict[str, Any]] = []
        operation = "chat" if begun.kind == "chat" else "text_completion"
        self._span = tracer.start_span(
            f"{operation} {begun.model}",
            kind=SpanKind.INTERNAL,
            start_time=self._began_ns,
            attributes=_begun(operation, begun),
        )
        self._context = set_span_in_context(self._span)
        if has_content:
            self._span.set_attribute("gen_ai.input.messages", _messages(begun))
            if begun.settings.stop:
                self._span.set_attribute("gen_ai.request.stop_sequences", list(begun.settings.stop))

    def saw(self, event: Event) -> None:
        match event:
            case Text(text=text):
                if not self._has_text:
                    self._has_text = True
                    seconds = (time.time_ns() - self._began_ns) / 1e9
                    self._span.set_attribute("lamlam.time_to_first_text_s", seconds)
                if self._has_content:
                    self._written.append(text)
            case LookupStarted():
                self._asked, self._lookup_began_ns = event, time.time_ns()
            case LookupAnswered(record) | LookupMissed(record):
                self._end_lookup(record)
            case ToolRequested(call):
                self._n_requested += 1
                if self._has_content:
                    part = {"type": "tool_call", "id": call.id, "name": call.name}
                    self._requested.append({**part, "arguments": call.arguments})
            case ToolCallDelta() | Finished():
                pass  # `ToolRequested` has them all; `finished` takes the other

    def finished(self, event: Finished) -> None:
        done = event.completion
        facts = [span for span in done.spans if span.origin == "fact"]
        self._span.set_attributes(
            {
                "gen_ai.response.finish_reasons": [done.finish_reason],
                "gen_ai.usage.input_tokens": done.n_prompt_tokens,
                "gen_ai.usage.output_tokens": done.n_tokens,
                "lamlam.usage.text_tokens": done.n_text_tokens,
                "lamlam.lookups": len(done.lookups),
                "lamlam.lookups.hit": sum(one.status == "hit" for one in done.lookups),
                "lamlam.fact_spans": len(facts),
                "lamlam.tool_calls": self._n_requested,
            }
        )
        if self._has_content:
            self._span.set_attribute("gen_ai.output.messages", self._output(done.finish_reason))
        self._span.end()

    def failed(self, error: BaseException) -> None:
        from opentelemetry.trace import Status, StatusCode

        # The message may quote names or text; the class may not.
        said = str(error) if self._has_content else None
        if self._asked is not None:
            self._end_lookup(None, error)
        self._span.set_attribute("error.type", type(error).__name__)
        self._span.set_status(Status(StatusCode.ERROR, said))
        self._span.end()

    def left(self) -> None:
        if self._asked is not None:
            self._end_lookup(None)
        self._span.set_attribute("lamlam.left", True)
        self._span.end()

    def _end_lookup(self, record: LookupRecord | None, error: BaseException | None = None) -> None:
        from opentelemetry.trace import SpanKind, Status, StatusCode

        now = time.time_ns()
        # Both events of a quick lookup may come at once: its own clock knows better.
        took_ns = round(record.elapsed_s * 1e9) if record is not None else 0
        began = min(self._lookup_began_ns or now, now - took_ns)
        asked, self._asked = self._asked, None
        span = self._tracer.start_span(
            f"execute_tool {_TOOL}",
            context=self._context,
            kind=SpanKind.INTERNAL,
            start_time=max(began, self._began_ns),
            attributes={
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": _TOOL,
                "gen_ai.tool.type": "datastore",
            },
        )
        if record is not None:
            span.set_attributes(_answered(record))
            if self._has_namespaces:
                span.set_attribute("lamlam.lookup.namespace", "/".join(record.namespace))
        if error is not None:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
        if self._has_content and asked is not None:
            arguments = {"entity": asked.entity, "relation": asked.relation}
            span.set_attribute("gen_ai.tool.call.arguments", json.dumps(arguments))
        if self._has_content and record is not None and record.value is not None:
            span.set_attribute("gen_ai.tool.call.result", json.dumps(record.value))
        span.end(now)

    def _output(self, reason: str) -> str:
        part = {"type": "text", "content": "".join(self._written)}
        parts = [part, *self._requested]
        return json.dumps([{"role": "assistant", "parts": parts, "finish_reason": reason}])


def _begun(operation: str, begun: BegunText) -> dict[str, Any]:  # Any: attribute values
    settings = begun.settings
    attributes = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": _SYSTEM,
        "gen_ai.output.type": "text",
        "gen_ai.request.model": begun.model,
        "gen_ai.response.model": begun.model,
        "gen_ai.request.max_tokens": settings.max_tokens,
        "gen_ai.request.temperature": settings.sampler.temperature,
        "gen_ai.request.top_p": settings.sampler.top_p,
        "gen_ai.request.seed": settings.sampler.seed,
        "lamlam.policy": settings.policy,
        "lamlam.verbalise": settings.verbalise,
        "lamlam.as_of": None if settings.as_of is None else int(settings.as_of),
        "lamlam.memory": begun.memory,
    }
    if settings.namespaces != ((),):  # as command lines have them: "users/7"
        attributes["lamlam.namespace"] = "/".join(settings.namespace)
        shared = settings.shared_namespace
        attributes["lamlam.shared_namespace"] = None if shared is None else "/".join(shared)
    return {name: value for name, value in attributes.items() if value is not None}


def _answered(record: LookupRecord) -> dict[str, Any]:  # Any: attribute values
    match = record.match
    attributes = {
        "lamlam.lookup.status": str(record.status),
        "lamlam.lookup.fact_id": record.fact_id,
        "lamlam.lookup.revision": None if record.revision is None else int(record.revision),
        "lamlam.lookup.elapsed_s": record.elapsed_s,
        "lamlam.lookup.entity_match": None if match is None else match.entity.kind,
        "lamlam.lookup.relation_match": None if match is None else match.relation.kind,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _messages(begun: BegunText) -> str:
    said = (
        [{"role": "user", "content": begun.prompt}]
        if isinstance(begun.prompt, str)
        else begun.prompt
    )
    return json.dumps(
        [
            {"role": one["role"], "parts": [{"type": "text", "content": one["content"]}]}
            for one in said
        ]
    )
