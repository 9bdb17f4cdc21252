"""Traces and spans say whose facts a text read, and of which namespace each fact was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.open import open_store
from lamlam.memory_backends.protocol import FactStore
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.engine import Engine
from lamlam.runtime.observers.telemetry import Telemetry

ADA = "Ada Quill"
HOME, FIELD = f"The birth place of {ADA} is", f"The field of {ADA} is"
MINE = ("users", "7")


async def fill(store: FactStore) -> None:
    facts = [
        Fact(entity=ADA, relation="birth place", value="Lowmere"),
        Fact(entity=ADA, relation="field", value="milling"),
        Fact(entity=ADA, relation="birth place", value="Town 7", namespace=MINE),
    ]
    await store.apply([Assert(one) for one in facts])


def namespaces(done: Completion) -> list[tuple[str, ...]]:
    return [one.namespace for one in done.spans if one.origin == "fact"]


@pytest.mark.anyio
async def test_a_trace_says_whose_facts_they_are(tiny_model: Path, tmp_path: Path) -> None:
    """The settings at the beginning, the namespace at each answer; so do the spans of the text."""
    file = tmp_path / "trace.jsonl"
    async with open_store("memory:") as store:
        await fill(store)
        async with Engine(tiny_model, store, trace=file) as engine:
            mine = await engine.generate(HOME, namespace=MINE, max_tokens=2)
            shared = await engine.generate(FIELD, namespace=MINE, max_tokens=2)
            usual = await engine.generate(HOME, max_tokens=2)
    assert [namespaces(one) for one in (mine, shared, usual)] == [[MINE], [()], [()]]
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    begun = [line["settings"] for line in lines if line["event"] == "begin"]
    assert [one["namespace"] for one in begun] == [["users", "7"], ["users", "7"], []]
    assert [one["shared_namespace"] for one in begun] == [[], [], None]
    answered = [line["namespace"] for line in lines if line["event"] == "lookup_answered"]
    assert answered == [["users", "7"], [], []]
    assert json.loads(json.dumps(mine.as_dict()))["namespace"] == ["users", "7"]


@pytest.mark.anyio
async def test_spans_of_telemetry_say_it(tiny_model: Path) -> None:
    """A text with a namespace has it, and each of its lookups; one without says nothing of it."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    async with open_store("memory:") as store:
        await fill(store)
        async with Engine(tiny_model, store, telemetry=Telemetry(provider)) as engine:
            for options in ({"namespace": MINE}, {"namespace": MINE, "shared_namespace": None}, {}):
                given: dict[str, Any] = {"max_tokens": 2, **options}
                for prompt in (HOME, FIELD):
                    await engine.generate(prompt, **given)
    told = [dict(span.attributes or {}) for span in exporter.get_finished_spans()]
    provider.shutdown()
    texts = [one for one in told if one["gen_ai.operation.name"] == "text_completion"]
    spaces = [(one.get("lamlam.namespace"), one.get("lamlam.shared_namespace")) for one in texts]
    assert spaces == [("users/7", "")] * 2 + [("users/7", None)] * 2 + [(None, None)] * 2
    lookups = [one for one in told if "lamlam.lookup.fact_id" in one]
    answered = [one.get("lamlam.lookup.namespace") for one in lookups]
    assert answered == ["users/7", "", "users/7", None, None]
