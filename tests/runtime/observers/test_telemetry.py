"""OpenTelemetry spans of real texts, as an exporter gets them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from lamlam.errors import LookupFailed, UsageError
from lamlam.memory_backends.model.lookups import Lookup, LookupResult
from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.events import Text
from lamlam.runtime.engine import Engine
from lamlam.runtime.observers.telemetry import Telemetry
from lamlam.runtime.sync import SyncEngine
from tests.programs import output_of
from tests.runtime.chat.chat_support import TINY
from tests.runtime.fake_store import FakeStore, as_store
from tests.tiny_model import write_tiny_model

ALWAYS: dict[str, Any] = {
    "lookup_bias": 1000.0,
    "constrain": Constraint(entity_floor=0.0, relation_floor=0.0),
}
FACTS = {"marie curie": {"birth place": ["Warsaw"], "field": ["physics"]}}
SECRET = ("Marie", "Curie", "birth", "Warsaw", "physics", "source of", "STOP")


class Spans:
    """Where spans arrive."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    @property
    def texts(self) -> list[ReadableSpan]:
        """Spans of texts, in the order in which they ended."""
        return [span for span in self.exporter.get_finished_spans() if not self._is_tool(span)]

    @property
    def lookups(self) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if self._is_tool(span)]

    def _is_tool(self, span: ReadableSpan) -> bool:
        return (span.attributes or {})["gen_ai.operation.name"] == "execute_tool"


@pytest.fixture
def spans() -> Iterator[Spans]:
    made = Spans()
    yield made
    made.provider.shutdown()


def store() -> Any:
    return as_store(FakeStore(FACTS))


def said(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


@pytest.mark.anyio
async def test_the_span_of_a_text(tiny_model: Path, spans: Spans) -> None:
    """Settings, counts and lookups of the completion, below the caller's span; no word of it."""
    telemetry = Telemetry(spans.provider)
    options: dict[str, Any] = {"max_tokens": 12, "max_lookups": 2, "stop": "STOP", "seed": 5}
    tracer = spans.provider.get_tracer("caller")
    async with Engine(tiny_model, store(), telemetry=telemetry, **ALWAYS) as engine:
        with tracer.start_as_current_span(
            "caller", attributes={"gen_ai.operation.name": "caller"}
        ) as caller:
            done = await engine.generate("Marie Curie", **options)
        async with engine.stream("Marie Curie", **options) as events:
            async for _ in events:
                pass
    first, _, second = spans.texts
    assert first.parent is not None and first.parent.span_id == caller.get_span_context().span_id
    assert second.parent is None
    for span in (first, second):
        attributes = said(span)
        assert (span.name, span.kind) == ("text_completion tiny.gguf", SpanKind.INTERNAL)
        assert attributes["gen_ai.operation.name"] == "text_completion"
        assert attributes["gen_ai.provider.name"] == "lamlam"
        assert attributes["gen_ai.request.model"] == "tiny.gguf"
        assert attributes["gen_ai.request.max_tokens"] == 12
        assert attributes["gen_ai.request.seed"] == 5
        assert attributes["gen_ai.response.finish_reasons"] == (done.finish_reason,)
        assert attributes["gen_ai.usage.input_tokens"] == done.n_prompt_tokens
        assert attributes["gen_ai.usage.output_tokens"] == done.n_tokens
        assert attributes["lamlam.lookups"] == attributes["lamlam.lookups.hit"] == 2
        assert attributes["lamlam.fact_spans"] == 2
        assert attributes["lamlam.memory"] == "FakeStore"
        assert attributes["lamlam.time_to_first_text_s"] > 0
        assert span.status.status_code is StatusCode.UNSET
    assert len(spans.lookups) == 4
    for n, span in enumerate(spans.lookups):
        parent, record = (first, second)[n // 2], done.lookups[n % 2]
        assert span.parent is not None and span.context is not None and parent.context is not None
        assert span.parent.span_id == parent.context.span_id
        assert span.start_time is not None and parent.start_time is not None
        assert span.end_time is not None and parent.end_time is not None
        assert parent.start_time <= span.start_time <= span.end_time <= parent.end_time
        assert span.name == "execute_tool look_up_fact"
        assert said(span)["lamlam.lookup.status"] == "hit"
        assert said(span)["lamlam.lookup.revision"] == 7
        assert said(span)["lamlam.lookup.entity_match"] == "exact"
        assert record.status == "hit"
    everything = "".join(
        span.to_json().replace(str(said(span).get("lamlam.lookup.fact_id")), "")
        for span in (first, second, *spans.lookups)
    )
    assert not [word for word in SECRET if word.lower() in everything.lower()]


@pytest.mark.anyio
async def test_words_where_they_are_asked_for(tiny_model: Path, spans: Spans) -> None:
    """``content=True`` puts prompt, text, questions and values where the conventions want them."""
    telemetry = Telemetry(spans.provider, content=True)
    async with Engine(tiny_model, store(), telemetry=telemetry, **ALWAYS) as engine:
        done = await engine.generate("Marie Curie", max_tokens=8, max_lookups=1, stop="STOP")
    (text,), (lookup,) = spans.texts, spans.lookups
    (asked,) = json.loads(said(text)["gen_ai.input.messages"])
    assert asked == {"role": "user", "parts": [{"type": "text", "content": "Marie Curie"}]}
    (answer,) = json.loads(said(text)["gen_ai.output.messages"])
    assert "Marie Curie" + answer["parts"][0]["content"] == done.text
    assert answer["finish_reason"] == done.finish_reason
    assert said(text)["gen_ai.request.stop_sequences"] == ("STOP",)
    (record,) = done.lookups
    asked = {"entity": record.entity, "relation": record.relation}
    assert json.loads(said(lookup)["gen_ai.tool.call.arguments"]) == asked
    assert json.loads(said(lookup)["gen_ai.tool.call.result"]) == record.value


@pytest.mark.anyio
async def test_texts_that_fail_or_are_left(tiny_model: Path, spans: Spans) -> None:
    """Each span ends: an error by its class alone, a lookup that was under way with it."""
    broken = FakeStore(FACTS, error=OSError("Marie Curie is gone"))
    telemetry = Telemetry(spans.provider)
    async with Engine(tiny_model, as_store(broken), telemetry=telemetry, **ALWAYS) as engine:
        with pytest.raises(OSError, match="gone"):
            await engine.generate("Marie Curie")
        async with engine.stream("a", max_tokens=200, max_lookups=0, ignore_eos=True) as events:
            async for event in events:
                if isinstance(event, Text):
                    break
    failed, left = spans.texts
    assert (failed.status.status_code, failed.status.description) == (StatusCode.ERROR, None)
    assert said(failed)["error.type"] == "OSError" and not failed.events
    assert said(left)["lamlam.left"] is True and left.status.status_code is StatusCode.UNSET
    (lookup,) = spans.lookups
    assert said(lookup)["error.type"] == "OSError"
    async with Engine(
        tiny_model, as_store(FakeStore({})), telemetry=telemetry, lookup_bias=1000.0
    ) as engine:
        with pytest.raises(LookupFailed):
            await engine.generate("a", policy="raise")
    assert said(spans.texts[-1])["error.type"] == "LookupFailed"
    assert said(spans.lookups[-1])["lamlam.lookup.status"] == "miss"


@pytest.mark.anyio
async def test_a_lookup_that_is_left_has_its_span(tiny_model: Path, spans: Spans) -> None:
    """The span of a lookup that was given up says which it was, and how long it took."""

    asked = anyio.Event()

    class Silent(FakeStore):
        async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
            asked.set()
            await anyio.sleep_forever()
            raise AssertionError

    store = as_store(Silent(FACTS, capabilities=frozenset()))
    async with Engine(tiny_model, store, telemetry=Telemetry(spans.provider), **ALWAYS) as engine:
        async with anyio.create_task_group() as group:
            group.start_soon(engine.generate, "Marie Curie")
            await asked.wait()
            await anyio.sleep(0.2)
            group.cancel_scope.cancel()
    (text,), (lookup,) = spans.texts, spans.lookups
    assert said(text)["lamlam.left"] is True
    assert lookup.parent is not None and text.context is not None
    assert lookup.parent.span_id == text.context.span_id
    assert "lamlam.lookup.status" not in said(lookup)
    assert lookup.status.status_code is StatusCode.UNSET
    assert (lookup.end_time or 0) - (lookup.start_time or 0) > 1e8  # nanoseconds


def test_a_conversation(tmp_path: Path, spans: Spans) -> None:
    """One span for the answer, whatever turns it took; the blocking engine has them, too."""
    model = write_tiny_model(
        tmp_path / "chat.gguf",
        with_lookup_tokens=False,
        context=2048,
        metadata={"tokenizer.chat_template": TINY},
    )
    with SyncEngine(model, store(), telemetry=Telemetry(spans.provider)) as engine:
        done = engine.chat(
            [{"role": "user", "content": "Marie Curie"}],
            tool_choice="required",
            max_tokens=8,
            max_lookups=1,
        )
    (answer,) = spans.texts
    assert answer.name == "chat chat.gguf"
    assert said(answer)["gen_ai.usage.output_tokens"] == done.n_tokens
    assert len(spans.lookups) == len(done.lookups) == 1


@pytest.mark.parametrize("content", [False, True])
def test_calls_of_the_callers_tools(tmp_path: Path, spans: Spans, content: bool) -> None:
    """Are counted, and named with their arguments only where content is asked for."""
    chat: dict[str, Any] = {"tokenizer.chat_template": TINY}
    model = write_tiny_model(
        tmp_path / "chat.gguf", with_lookup_tokens=False, context=2048, metadata=chat
    )
    telemetry = Telemetry(spans.provider, content=content)
    with SyncEngine(model, None, telemetry=telemetry) as engine:
        hello = [{"role": "user", "content": "Hello"}]
        done = engine.chat(hello, tools=[{"name": "probe"}], tool_choice="probe")
    (answer,) = spans.texts
    assert said(answer)["lamlam.tool_calls"] == len(done.tool_calls) > 0
    assert said(answer)["gen_ai.response.finish_reasons"] == ("tool_calls",)
    told = said(answer).get("gen_ai.output.messages", "")
    assert ("probe" in told) is content and ("tool_call" in told) is content


@pytest.mark.anyio
async def test_a_broken_pipeline_harms_no_text(
    tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What a processor of someone else's raises is logged; the text is as without it."""

    class Broken(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            raise RuntimeError("no room")

    provider = TracerProvider()
    provider.add_span_processor(Broken())
    options: dict[str, Any] = {"max_tokens": 8, "max_lookups": 1}
    async with Engine(tiny_model, store(), **ALWAYS) as engine:
        wanted = await engine.generate("Marie Curie", **options)
    async with Engine(tiny_model, store(), telemetry=Telemetry(provider), **ALWAYS) as engine:
        done = await engine.generate("Marie Curie", **options)
    assert done.text == wanted.text
    assert "the generation goes on" in caplog.text
    provider.shutdown()


@pytest.mark.anyio
async def test_the_programs_own_provider_is_the_default(tiny_model: Path) -> None:
    """``telemetry=True`` needs no set-up: without a provider spans go nowhere."""
    async with Engine(tiny_model, store(), telemetry=True, **ALWAYS) as engine:
        done = await engine.generate("Marie Curie", max_tokens=4, max_lookups=1)
    assert done.lookups
    with pytest.raises(UsageError, match="telemetry"):
        Engine(tiny_model, telemetry="yes")  # type: ignore[arg-type]


def test_the_extra_is_named_and_costs_nothing_unasked() -> None:
    """Without OpenTelemetry the error says what to install; without telemetry none is loaded."""
    program = (
        "import sys\n"
        "from lamlam.errors import MissingExtra\n"
        "from lamlam.runtime.engine import Engine\n"
        "Engine(memory=None)\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]\n"
        "sys.modules['opentelemetry'] = None\n"
        "try: Engine(memory=None, telemetry=True)\n"
        "except MissingExtra as error: print(error, error.hint)\n"
    )
    said = output_of(program)
    assert "opentelemetry-api" in said and "lamlam[otel]" in said
