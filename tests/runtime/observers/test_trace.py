"""The trace of an engine: whole lines, in order, told apart, and never in a text's way."""

from __future__ import annotations

import io
import json
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.errors import (
    EngineClosed,
    EngineElsewhere,
    LookupFailed,
    StreamInUse,
    TraceFailed,
    UsageError,
)
from lamlam.memory_backends import open as opening
from lamlam.memory_backends.model.lookups import Lookup, LookupResult
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.events import Text
from lamlam.runtime.decoding.settings import TextSettings
from lamlam.runtime.engine import Engine
from lamlam.runtime.observers.observer import BegunText
from lamlam.runtime.observers.trace import Trace, _File
from tests.programs import run_python
from tests.runtime.chat.chat_support import TINY
from tests.runtime.fake_store import SLOW, FakeStore, as_store
from tests.tiny_model import write_tiny_model

Command = Callable[..., "subprocess.CompletedProcess[str]"]

ALWAYS: dict[str, Any] = {
    "lookup_bias": 1000.0,
    "constrain": Constraint(entity_floor=0.0, relation_floor=0.0),
}
FACTS = {"marie curie": {"birth place": ["Warsaw"], "field": ["physics"]}}
ENDS = {"finish", "error", "left"}
FULL = Path("/dev/full")


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Every line of a trace, read one by one as a reader of such files would."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def store() -> Any:
    return as_store(FakeStore(FACTS))


@pytest.mark.anyio
async def test_what_a_text_leaves(tiny_model: Path, tmp_path: Path) -> None:
    """From the beginning to the end, as the completion has it; `generate` and `stream` alike."""
    path = tmp_path / "trace.jsonl"
    async with Engine(tiny_model, store(), trace=path, **ALWAYS) as engine:
        done = await engine.generate("Marie Curie", max_tokens=12, max_lookups=2, seed=3)
        async with engine.stream("Marie Curie", max_tokens=12, max_lookups=2, seed=3) as events:
            async for _ in events:
                pass
    lines = lines_of(path)
    half = len(lines) // 2
    for told in (lines[:half], lines[half:]):
        begin, *between, end = told
        assert (begin["event"], begin["kind"], begin["t_s"]) == ("begin", "text", begin["t_s"])
        assert begin["prompt"] == "Marie Curie"
        assert begin["settings"]["max_lookups"] == 2 and begin["settings"]["sampler"]["seed"] == 3
        assert (begin["model"], begin["memory"]) == ("tiny.gguf", "FakeStore")
        texts = [line for line in between if line["event"] == "text"]
        assert "Marie Curie" + "".join(line["text"] for line in texts) == done.text
        facts = {line["fact_id"] for line in texts if line["origin"] == "fact"}
        assert facts == {record.fact_id for record in done.lookups}
        answered = [line for line in between if line["event"] == "lookup_answered"]
        for line, record in zip(answered, done.lookups, strict=True):
            assert (line["entity"], line["relation"]) == (record.entity, record.relation)
            assert (line["status"], line["value"]) == ("hit", record.value)
            assert (line["fact_id"], line["revision"]) == (record.fact_id, 7)
            assert line["match"]["entity"]["kind"] == "exact"
            assert line["elapsed_s"] >= 0
        assert [line["event"] for line in between].count("lookup_started") == len(answered)
        assert (end["event"], end["reason"]) == ("finish", done.finish_reason)
        assert (end["n_tokens"], end["n_lookups"]) == (done.n_tokens, len(done.lookups))
        assert end["seconds"] >= 0
        assert len({line["text_id"] for line in told}) == 1
        times = [line["t_s"] for line in told]
        assert times == sorted(times)
    assert lines[0]["text_id"] != lines[half]["text_id"]


@pytest.mark.anyio
async def test_texts_side_by_side_are_told_apart(tiny_model: Path, tmp_path: Path) -> None:
    """Lines of one id are one text, begun and ended once."""
    path = tmp_path / "trace.jsonl"
    prompts = [f"Marie Curie {n}" for n in range(6)]
    texts = []
    async with Engine(tiny_model, store(), trace=path, max_sequences=3, **ALWAYS) as engine:

        async def write(prompt: str) -> None:
            done = await engine.generate(prompt, max_tokens=8, max_lookups=1)
            texts.append(done.text)

        async with anyio.create_task_group() as tasks:
            for prompt in prompts:
                tasks.start_soon(write, prompt)
    told: dict[str, list[dict[str, Any]]] = {}
    for line in lines_of(path):
        told.setdefault(line["text_id"], []).append(line)
    assert len(told) == len(prompts)
    whole = []
    for lines in told.values():
        events = [line["event"] for line in lines]
        assert events[0] == "begin" and events.count("begin") == 1
        assert events[-1] == "finish" and sum(event in ENDS for event in events) == 1
        whole.append(lines[0]["prompt"] + "".join(line.get("text", "") for line in lines))
    assert sorted(whole) == sorted(texts)


@pytest.mark.anyio
async def test_how_a_text_may_end(tiny_model: Path, tmp_path: Path) -> None:
    """An error with its name, or left by its reader: each said once."""
    path = tmp_path / "trace.jsonl"
    asked = anyio.Event()

    class SaysSoOnce(FakeStore):
        """Knows nothing, and says so once."""

        async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
            if self.asked:
                asked.set()
                await anyio.sleep_forever()
            return await super().lookup_many(queries)

    empty = as_store(SaysSoOnce({}, capabilities=SLOW))
    async with Engine(tiny_model, empty, trace=path, lookup_bias=1000.0) as engine:
        with pytest.raises(LookupFailed):
            await engine.generate("Marie Curie", policy="raise")
        async with engine.stream("a", max_tokens=200, max_lookups=0, ignore_eos=True) as events:
            async for event in events:
                if isinstance(event, Text):
                    break
        async with anyio.create_task_group() as group:
            group.start_soon(engine.generate, "a")
            await asked.wait()
            group.cancel_scope.cancel()
    ends = [line for line in lines_of(path) if line["event"] in ENDS]
    assert [line["event"] for line in ends] == ["error", "left", "left"]
    assert ends[0]["error"] == "LookupFailed"


@pytest.mark.anyio
async def test_a_reader_that_is_refused_ends_no_text(endless_model: Path, tmp_path: Path) -> None:
    """Neither a second one nor one on another loop: the first reads to the end."""
    path = tmp_path / "trace.jsonl"
    async with (
        Engine(endless_model, None, trace=path, context=100_000, max_sequences=1) as engine,
        AsyncExitStack() as ahead,
    ):
        # Nothing is there to read before this one is left.
        await ahead.enter_async_context(engine.stream("a", max_tokens=10**6, ignore_eos=True))
        async with engine.stream("a", max_tokens=4) as events:

            async def read() -> None:
                async for _ in events:
                    pass

            async with anyio.create_task_group() as group:
                group.start_soon(read)
                await anyio.wait_all_tasks_blocked()
                with pytest.raises(StreamInUse):
                    await read()
                with pytest.raises(EngineElsewhere):
                    await anyio.to_thread.run_sync(anyio.run, read)
                await ahead.aclose()
    ends = [line["event"] for line in lines_of(path) if line["event"] in ENDS]
    assert ends == ["left", "finish"]


@pytest.mark.anyio
async def test_a_conversation(tmp_path: Path) -> None:
    """Messages stand in place of the prompt; lookups of tool calls are lines like any other."""
    path = tmp_path / "trace.jsonl"
    model = write_tiny_model(
        tmp_path / "chat.gguf",
        with_lookup_tokens=False,
        context=2048,
        metadata={"tokenizer.chat_template": TINY},
    )
    hello = [{"role": "user", "content": "Hello"}]
    async with Engine(model, store(), trace=path) as engine:
        done = await engine.chat(hello, tool_choice="required", max_tokens=8, max_lookups=1)
    begin, *between, end = lines_of(path)
    assert (begin["kind"], begin["messages"], "prompt" in begin) == ("chat", hello, False)
    asked = [line for line in between if line["event"] in ("lookup_answered", "lookup_missed")]
    assert [line["entity"] for line in asked] == [record.entity for record in done.lookups]
    assert asked and end["event"] == "finish"
    assert "".join(line.get("text", "") for line in between) == done.text


@given(text=st.text(st.characters(codec=None), max_size=30))
def test_hostile_text_stays_in_its_line(text: str) -> None:
    """Whatever a value holds, half a surrogate pair too: one line of plain ASCII gives it back."""
    file = io.StringIO()
    with Trace(file) as trace:
        watch = trace.begin(BegunText("text", text, TextSettings(), "m", None))
        watch.saw(Text(text, "fact", "id", text))
        watch.left()
    lines = file.getvalue().splitlines()
    assert len(lines) == 3 and file.getvalue().isascii()
    assert not any(ord(letter) < 32 for line in lines for letter in line)
    assert json.loads(lines[0])["prompt"] == text
    assert json.loads(lines[1])["source"] == text


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full, a disk that is always full")
@pytest.mark.anyio
async def test_a_full_disk_harms_no_text(tiny_model: Path) -> None:
    """The texts are those written without a trace; closing says why there is none."""
    options: dict[str, Any] = {"max_tokens": 12, "max_lookups": 2}
    async with Engine(tiny_model, store(), **ALWAYS) as engine:
        wanted = await engine.generate("Marie Curie", **options)
    texts = []
    with pytest.raises(TraceFailed, match="/dev/full.*space"):
        async with Engine(tiny_model, store(), trace=FULL, **ALWAYS) as engine:
            texts = [(await engine.generate("Marie Curie", **options)).text for _ in range(2)]
    assert texts == [wanted.text] * 2
    # An error of the block itself comes first.
    with pytest.raises(ZeroDivisionError) as caught:
        async with Engine(tiny_model, store(), trace=FULL) as engine:
            await engine.generate("a", max_tokens=1)
            raise ZeroDivisionError
    assert any("/dev/full" in note for note in caught.value.__notes__)


@pytest.mark.anyio
async def test_a_file_that_cannot_be_opened(tiny_model: Path, tmp_path: Path) -> None:
    """One named error before the model is loaded, with the name of the file."""
    for path in (tmp_path, tmp_path / "absent" / "trace.jsonl"):
        with pytest.raises(TraceFailed, match=path.name):
            async with Engine(tiny_model, None, trace=path):
                pytest.fail("it opened")
    with pytest.raises(UsageError, match="trace"):
        Engine(tiny_model, None, trace=3)  # type: ignore[arg-type]


def test_a_half_written_line_is_taken_back(tmp_path: Path) -> None:
    """Where the disk fills in the middle of a line, the file ends with the line before."""
    program = (
        "import resource, signal, sys\n"
        "from lamlam.errors import TraceFailed\n"
        "from lamlam.runtime.observers.trace import Trace\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "trace = Trace(sys.argv[1])\n"
        "for n in range(100): trace.write({'n': n, 'x': 'x' * 50})\n"
        "try: trace.close()\n"
        "except TraceFailed as error: print(error)\n"
    )
    path = tmp_path / "trace.jsonl"
    done = run_python("-c", program, str(path))
    assert "cannot be written" in done.stdout
    numbers = [line["n"] for line in lines_of(path)]
    assert numbers == list(range(len(numbers))) and 5 < len(numbers) < 100
    assert path.read_bytes().endswith(b"\n")


def test_lines_of_another_process_are_not_taken_back(tmp_path: Path) -> None:
    """The disk fills in the middle of a line, and somebody has written behind it already."""
    path = tmp_path / "trace.jsonl"
    line = b'{"n": 2}\n'

    class Filling(io.FileIO):
        def write(self, data: Any) -> int:  # Any: whatever has bytes
            if path.stat().st_size:
                raise OSError("no room")
            n_written = super().write(data[:5])
            with path.open("ab") as other:
                other.write(line)
            return n_written or 0

    file = _File(path)
    file.close()
    with Filling(path, "ab") as file._file:
        with pytest.raises(OSError, match="no room"):
            file.write('{"n": 1}\n')
    assert path.read_bytes() == b'{"n":' + line
    file._file = path.open("ab", buffering=0)
    file.write('{"n": 3}\n')
    file.close()
    assert path.read_bytes() == b'{"n":' + line + b'{"n": 3}\n'


def test_lines_go_behind_others(tmp_path: Path) -> None:
    """Behind a line that a killed writer left half, and whole from many threads."""
    path = tmp_path / "trace.jsonl"
    path.write_text('{"event": "be', encoding="utf-8")
    with Trace(path) as first, Trace(path) as second:
        first.write({"n": -1})

        def work(trace: Trace, n: int) -> None:
            for _ in range(50):
                trace.write({"n": n, "x": "x" * 500})

        threads = [
            threading.Thread(target=work, args=((first, second)[n % 2], n)) for n in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    half, *rest = path.read_text(encoding="utf-8").splitlines()
    assert half == '{"event": "be'
    numbers = [json.loads(line)["n"] for line in rest if line]
    assert sorted(numbers) == sorted([-1, *[n for n in range(6) for _ in range(50)]])
    first.write({"n": 0})  # closed: nobody is harmed, and nothing is written
    assert len(path.read_text(encoding="utf-8").splitlines()) == 1 + len(rest)


def test_ask_traces_and_asks_the_past(lamlam_command: Command, tmp_path: Path) -> None:
    """``--trace`` adds lines to a file, without the password of any URL; ``--as-of`` is asked."""
    memory = ("--memory", "sqlite:///a.db")
    for value in ("Lowmere", "Highmere"):
        lamlam_command("facts", "set", "Ada Quill", "birth place", value, *memory)
    ask = ("ask", "Ada Quill was born in", "--max-tokens", "12", *memory)
    done = lamlam_command(*ask, "--as-of", "1", "--trace", "t.jsonl", "--json")
    assert done.returncode == 0, done.stderr
    assert "Lowmere" in json.loads(done.stdout)["text"]
    begin, *_, end = lines_of(tmp_path / "t.jsonl")
    assert (begin["model"], begin["memory"]) == ("bundled", "sqlite:///a.db")
    assert (begin["settings"]["as_of"], end["event"]) == (1, "finish")
    for wrong, said in (
        (("--as-of", "99"), "revision"),
        (("--trace", "-"), "/dev/stderr"),
        (("--trace", "."), "cannot be written"),
    ):
        done = lamlam_command(*ask, *wrong)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr and len(done.stderr.splitlines()) == 1
    done = lamlam_command("ask", "Ada Quill was born in", "--no-memory", "--as-of", "1")
    assert done.returncode == 2 and "needs a memory" in done.stderr
    if FULL.exists():
        done = lamlam_command(*ask, "--trace", str(FULL), "--json")
        assert done.returncode == 2 and "Highmere" in json.loads(done.stdout)["text"]
        assert "/dev/full" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.anyio
async def test_no_password_is_in_a_trace(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The memory's URL stands there without user, password and options."""
    entry = EntryPoint("vault", "json:loads", opening.ENTRY_POINTS)
    monkeypatch.setattr(opening, "entry_points", lambda **_: [entry])
    monkeypatch.setattr(EntryPoint, "load", lambda self: lambda url, **_: GraphStore())
    path = tmp_path / "trace.jsonl"
    memory = "vault://ada:hunter2@host/facts?key=hunter2"
    async with Engine(tiny_model, memory, trace=path) as engine:
        await engine.generate("a", max_tokens=1)
    assert "hunter2" not in path.read_text(encoding="utf-8")
    assert lines_of(path)[0]["memory"] == "vault://…@host/facts?…"


@pytest.mark.anyio
async def test_a_stream_that_is_open_at_the_end_has_an_end(
    endless_model: Path, tmp_path: Path
) -> None:
    """Closing the engine is told before the file is closed, whether or not a reader goes on."""
    path = tmp_path / "trace.jsonl"
    engine = Engine(endless_model, None, trace=path, context=100_000)
    await engine.__aenter__()
    async with engine.stream("a", max_tokens=10**6, ignore_eos=True) as events:
        await anext(events)
        await engine.aclose()
        with pytest.raises(EngineClosed):
            async for _ in events:
                pass
    last = lines_of(path)[-1]
    assert (last["event"], last["error"]) == ("error", "EngineClosed")


@pytest.mark.anyio
async def test_numbers_of_numpy_are_numbers(tiny_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    async with Engine(tiny_model, None, trace=path) as engine:
        bias: Any = np.float32(1.5)
        await engine.generate("a", max_tokens=2, lookup_bias=bias)
    assert lines_of(path)[0]["settings"]["lookup_bias"] == 1.5


def test_what_is_no_json_ends_the_trace_with_a_reason() -> None:
    trace = Trace(io.StringIO())
    trace.write({"event": {1, 2}})
    with pytest.raises(TraceFailed, match="set"):
        trace.close()
