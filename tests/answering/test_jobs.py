"""An engine with and without a chat template is asked in one way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lamlam.answering.jobs import chat_job, has_chat_template, text_job
from lamlam.errors import BadMessages, NoChatTemplate
from lamlam.runtime.decoding.events import Event, Finished, Text
from lamlam.runtime.engine import Engine
from tests.runtime.chat.chat_support import TINY
from tests.tiny_model import write_tiny_model

pytestmark = pytest.mark.anyio
ASKED = [
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": "Where was Ada born?"},
]
TOOL = {"type": "function", "function": {"name": "f"}}


async def events_of(job: Any) -> list[Event]:
    """Return all events of a job's stream."""
    async with job.stream() as events:
        return [event async for event in events]


async def test_a_model_without_a_template_goes_on_with_the_last_message(tmp_path: Path) -> None:
    """Complete or as a stream; a choice of tools says nothing where there are none."""
    model = write_tiny_model(tmp_path / "m.gguf")
    async with Engine(model, memory=None, threads=1) as engine:
        assert not has_chat_template(engine)
        options = {"max_tokens": 4, "tool_choice": "auto", "parallel_tool_calls": True}
        job = chat_job(engine, ASKED, options)
        assert job.prompt == ASKED[-1]["content"]
        plain = text_job(engine, job.prompt, {"max_tokens": 4})
        written = job.written(await job.complete())
        assert written == plain.written(await plain.complete())
        events = await events_of(job)
        assert isinstance(events[-1], Finished)
        assert "".join(one.text for one in events if isinstance(one, Text)) == written.text
        assert job.written(events[-1].completion).text == written.text


async def test_a_model_with_a_template_reads_all_of_it(tmp_path: Path) -> None:
    """Its answer is the whole text."""
    model = write_tiny_model(tmp_path / "m.gguf", metadata={"tokenizer.chat_template": TINY})
    async with Engine(model, memory=None, threads=1) as engine:
        assert has_chat_template(engine)
        job = chat_job(engine, ASKED, {"max_tokens": 4})
        done = await engine.chat(ASKED, max_tokens=4)
        written = job.written(await job.complete())
        assert (written.text, written.n_prompt_tokens) == (done.text, done.usage.prompt_tokens)


async def test_what_needs_a_template_is_refused_by_name(tmp_path: Path) -> None:
    """When the job runs; what is no conversation when it is made."""
    model = write_tiny_model(tmp_path / "m.gguf")
    async with Engine(model, memory=None, threads=1) as engine:
        with pytest.raises(NoChatTemplate):
            await chat_job(engine, ASKED, {"tools": [TOOL]}).complete()
        with pytest.raises(BadMessages):
            chat_job(engine, [], {})
