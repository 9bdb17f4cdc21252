"""`Engine` and `SyncEngine` on a real, tiny model: texts, events, cancelling, closing."""

from __future__ import annotations

import threading
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from lamlam.errors import (
    BadModelFile,
    Conflict,
    EngineClosed,
    LamLamError,
    PromptTooLong,
    StreamInUse,
    UnknownOption,
    UsageError,
)
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.events import Finished, LookupAnswered, LookupStarted, Text
from lamlam.runtime.engine import Engine
from lamlam.runtime.sync import SyncEngine
from tests.limits import HANG_S
from tests.programs import run_python
from tests.runtime.engine_support import ALWAYS, FACTS
from tests.runtime.fake_store import SLOW, FakeStore, as_store
from tests.tiny_model import write_tiny_model

CERTAIN = Constraint(entity_floor=0.0, relation_floor=0.0)
"""Keys are always what memory holds: a random model would never write one."""


def store(**options: Any) -> FakeStore:
    return FakeStore(FACTS, **options)


async def everything(engine: Engine, prompt: str, **options: Any) -> list[Any]:
    async with engine.stream(prompt, **options) as events:
        return [event async for event in events]


@pytest.mark.anyio
async def test_texts_and_their_facts(tiny_model: Path) -> None:
    """A looked-up value stands in the text, with the fact that it came from."""
    memory = store()
    async with Engine(
        tiny_model, as_store(memory), lookup_bias=ALWAYS, constrain=CERTAIN
    ) as engine:
        done = await engine.generate("Marie Curie likes", max_tokens=16, max_lookups=2)
        told = await everything(engine, "Marie Curie likes", max_tokens=16, max_lookups=2)
    assert {record.entity for record in done.lookups} == {"Marie Curie"}
    assert [record.status for record in done.lookups] == ["hit", "hit"]
    facts = [s for s in done.spans if s.origin == "fact"]
    assert [done.text[s.start : s.end] for s in facts] == [r.value for r in done.lookups]
    assert [s.fact_id for s in facts] == [r.fact_id for r in done.lookups]
    # The stream tells the same text, and ends with the same completion.
    assert "".join(e.text for e in told if isinstance(e, Text)) == done.text[17:]
    assert sum(isinstance(event, LookupStarted | LookupAnswered) for event in told) == 4
    assert isinstance(told[-1], Finished)
    assert told[-1].completion.text == done.text
    assert done.as_dict()["spans"][0]["origin"] == "prompt"


@pytest.mark.anyio
async def test_a_memory_that_is_replaced(tiny_model: Path, tmp_path: Path) -> None:
    """No text is written from a fact file that was replaced while the engine had it open."""
    files = [tmp_path / "facts.db", tmp_path / "other.db"]
    for file in files:
        with SyncFactStore(file) as facts:
            facts.apply([Assert(Fact(entity="Marie Curie", relation="likes", value=file.stem))])
    async with Engine(
        tiny_model, f"sqlite:///{files[0]}", lookup_bias=ALWAYS, constrain=CERTAIN
    ) as engine:
        done = await engine.generate("Marie Curie likes", max_tokens=8, max_lookups=1)
        assert done.lookups[0].value == "facts"
        files[1].replace(files[0])
        for _ in range(2):
            with pytest.raises(Conflict, match="was replaced"):
                await engine.generate("Marie Curie likes", max_tokens=8, max_lookups=1)


@pytest.mark.anyio
async def test_a_slow_memory_is_asked_on_the_event_loop(tiny_model: Path) -> None:
    """Without fast lookups the same facts come by `lookup_many`."""
    slow = store(capabilities=SLOW)
    options: dict[str, Any] = {"max_tokens": 12, "max_lookups": 1, "policy": "unknown"}
    async with Engine(tiny_model, as_store(slow), lookup_bias=ALWAYS) as engine:
        done = await engine.generate("Marie Curie", **options)
        told = await everything(engine, "Marie Curie", **options)
    assert len(done.lookups) == 1 and len(slow.asked) == 2
    assert told[-1].completion.text == done.text


@pytest.mark.anyio
async def test_a_failing_memory_is_an_error_of_its_text(tiny_model: Path) -> None:
    """Fast or slow, its error reaches the caller, and the engine lives on."""
    for capabilities in (store().capabilities, SLOW):
        broken = store(capabilities=capabilities, error=OSError("gone"))
        async with Engine(tiny_model, as_store(broken), lookup_bias=ALWAYS) as engine:
            with pytest.raises(OSError, match="gone"):
                await engine.generate("Marie Curie", max_tokens=5)
            broken.error = None
            await engine.generate("Marie Curie", max_tokens=5, max_lookups=1)


@pytest.mark.anyio
async def test_many_tasks_share_one_engine(tiny_model: Path) -> None:
    """Texts at the same time are the texts of one after the other."""
    prompts = ["one", "two", "three", "four", "five"]
    texts: dict[str, str] = {}
    async with Engine(tiny_model, None, max_sequences=3, threads=1) as engine:

        async def write(prompt: str) -> None:
            texts[prompt] = (await engine.generate(prompt, max_tokens=8)).text

        alone = {p: (await engine.generate(p, max_tokens=8)).text for p in prompts}
        async with anyio.create_task_group() as group:
            for prompt in prompts:
                group.start_soon(write, prompt)
    assert texts == alone
    assert len(set(alone.values())) == len(prompts)


@pytest.mark.anyio
async def test_what_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    """Mistakes are named, with what was probably meant, and cost no open engine."""
    with pytest.raises(UnknownOption, match="contxt") as caught:
        Engine(tiny_model, None, contxt=5)  # type: ignore[call-arg]  # the mistake
    assert caught.value.hint == "did you mean 'context'?"
    with pytest.raises(UsageError, match="threads"):
        Engine(tiny_model, None, threads=0)
    with pytest.raises(BadModelFile):
        async with Engine(tmp_path / "none.gguf", None):
            pass
    async with Engine(tiny_model, None, context=32) as engine:
        assert engine.context == 32
        mistakes: list[tuple[dict[str, Any], str]] = [
            ({"max_token": 5}, "max_token"),
            ({"policy": "contnue"}, "contnue"),
            ({"verbalise": "shout"}, "shout"),
        ]
        for options, said in mistakes:
            with pytest.raises(UnknownOption, match=said):
                await engine.generate("a", **options)
        values: tuple[dict[str, Any], ...] = (
            {"temperature": -1}, {"top_p": 2}, {"max_tokens": -1}, {"stop": [""]},
        )  # fmt: skip
        for options in values:
            with pytest.raises(UsageError):
                await engine.generate("a", **options)
        with pytest.raises(PromptTooLong):
            await engine.generate("a" * 32)
        with pytest.raises(UsageError):
            await engine.generate(5)  # type: ignore[arg-type]  # the mistake
        full = await engine.generate("a" * 20, max_tokens=50, ignore_eos=True)
        assert full.finish_reason == "context"


def test_sampling_is_repeatable_by_its_seed(tiny_model: Path) -> None:
    """Equal seeds, equal texts; other seeds, other texts."""
    with SyncEngine(tiny_model, None, threads=1) as engine:

        def text(seed: int) -> str:
            return engine.generate("a", temperature=1.5, top_p=0.95, min_p=0.01, seed=seed).text

        assert text(1) == text(1)
        assert len({text(seed) for seed in range(4)}) > 1


def test_the_blocking_engine_serves_many_threads(tiny_model: Path) -> None:
    """Each thread gets its own text; one-thread results are the same."""
    with SyncEngine(tiny_model, as_store(store()), threads=1) as engine:
        alone = {p: engine.generate(p, max_tokens=6).text for p in ("x", "y", "z")}
        found: dict[str, Completion] = {}

        def write(prompt: str) -> None:
            found[prompt] = engine.generate(prompt, max_tokens=6)

        threads = [threading.Thread(target=write, args=(prompt,)) for prompt in alone]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {prompt: done.text for prompt, done in found.items()} == alone
        with engine.stream("x", max_tokens=6) as events:
            told = list(events)
        assert isinstance(told[-1], Finished) and told[-1].completion.text == alone["x"]
    with pytest.raises(EngineClosed):
        engine.generate("x")
    engine.close()


def test_the_two_engines_offer_the_same() -> None:
    """Whatever `Engine` can do, `SyncEngine` can."""
    names = {name for name in vars(Engine) if not name.startswith("_")} - {"aclose"}
    assert names <= set(vars(SyncEngine))


def test_a_damaged_default_is_named(tmp_path: Path) -> None:
    """A model file that wants an unknown way to write values is refused."""
    path = write_tiny_model(tmp_path / "m.gguf", metadata={"lamlam.verbalise": "shout"})
    with pytest.raises(LamLamError, match="shout"), SyncEngine(path, None):
        pass


def test_llama_cpp_is_silent_and_importing_is_light(tiny_model: Path) -> None:
    """Nothing on standard error; llama.cpp and numpy's consumers load at first use only."""
    program = (
        "import sys, lamlam.runtime.engine\n"
        "assert 'llama_cpp' not in sys.modules and 'trio' not in sys.modules\n"
        "import lamlam\n"
        "with lamlam.SyncEngine(sys.argv[1], None) as engine:\n"
        "    engine.generate('a', max_tokens=2)\n"
    )
    done = run_python("-c", program, str(tiny_model))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.anyio
async def test_one_stream_is_read_by_one_task(endless_model: Path) -> None:
    """A second one gets an error; the first reads on to the end."""
    ends: list[object] = []
    async with (
        Engine(endless_model, None, context=100_000, max_sequences=1) as engine,
        AsyncExitStack() as ahead,
    ):
        # Nothing is there to read before this one is left, so both readers have to wait.
        await ahead.enter_async_context(engine.stream("a", max_tokens=10**6, ignore_eos=True))
        async with engine.stream("a", max_tokens=200, ignore_eos=True) as events:

            async def read() -> None:
                try:
                    last: object = None
                    async for event in events:
                        last = event
                    ends.append(last)
                except StreamInUse as error:
                    ends.append(error)

            with anyio.fail_after(HANG_S):
                async with anyio.create_task_group() as group:
                    group.start_soon(read)
                    group.start_soon(read)
                    await anyio.wait_all_tasks_blocked()
                    await ahead.aclose()
    assert {type(end) for end in ends} == {StreamInUse, Finished}
