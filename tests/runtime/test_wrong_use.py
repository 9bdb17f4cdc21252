"""An engine, a store or a stream that is used in the wrong way says which way is right."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

import lamlam
from lamlam.errors import EngineClosed, StreamInUse, StreamLeft, UsageError, WrongBlock
from tests.tiny_model import write_tiny_model

# Any below: what a type checker would refuse.


def _with(block: Any) -> object:
    with block as value:
        return value


def _for(block: Any) -> object:
    return [event for event in block]


async def _async_with(block: Any) -> object:
    async with block as value:
        return value


async def _async_for(block: Any) -> object:
    return [event async for event in block]


async def _await(block: Any) -> object:
    return await block


def _attribute(block: Any) -> object:
    return block.lookup


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wrong") / "tiny.gguf"
    write_tiny_model(path)
    return path


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async_ones_name_the_right_block(model: Path, backend: str) -> None:
    """Every wrong use of what needs ``async with`` is `WrongBlock`, whose hint shows that."""

    async def check() -> None:
        engine = lamlam.Engine(model, None, threads=1)
        makers: list[Callable[[], object]] = [
            lambda: engine.stream("Ada"),
            lambda: engine.stream_chat([{"role": "user", "content": "Ada"}]),
            lambda: lamlam.open_store("memory:"),
        ]
        async with engine:
            for make in makers:
                for use in (_with, _for, next, _attribute):
                    _check("async with", partial(use, make()))
                for wait in (_async_for, _await):
                    with pytest.raises(WrongBlock, match="`async with`") as caught:
                        await wait(make())
                    assert "async with" in str(caught.value.hint)
            async with engine.stream("Ada", max_tokens=4) as events:
                _check("async for", partial(_for, events))
                assert [event async for event in events]
                assert [event async for event in events] == []
        _check("async with", partial(_with, lamlam.Engine(model, None)))
        with pytest.raises(WrongBlock, match="`async with`, not by `await`"):
            await _await(lamlam.Engine(model, None))
        assert not hasattr(lamlam.open_store("memory:"), "__len__")

    anyio.run(check, backend=backend)


def _check(right: str, use: Callable[[], object]) -> None:
    with pytest.raises(WrongBlock, match=f"`{right}`") as caught:
        use()
    assert right in str(caught.value.hint)


def test_blocking_ones_name_the_right_block(model: Path) -> None:
    """The same for what needs ``with``, in code with and without an event loop."""

    async def refused(use: Callable[[Any], Any], block: object, right: str) -> None:
        with pytest.raises(WrongBlock, match=f"`{right}`") as caught:
            await use(block)
        assert right in str(caught.value.hint)

    with lamlam.SyncEngine(model, None, threads=1) as engine:
        for use in (_for, next, _attribute):
            _check("with", partial(use, engine.stream("Ada")))
        for wait in (_async_with, _async_for, _await):
            anyio.run(refused, wait, engine.stream("Ada"), "with")
        with engine.stream("Ada", max_tokens=2) as events:
            anyio.run(refused, _async_for, events, "for")
            assert list(events) and list(events) == []
    blocks = (
        lamlam.SyncEngine(model, None),
        lamlam.SyncFactStore("memory:"),
        lamlam.Trace(io.StringIO()),
    )
    for block in blocks:
        for wait in (_async_with, _await):
            anyio.run(refused, wait, block, "with")
    with lamlam.SyncFactStore("memory:") as store, pytest.raises(WrongBlock, match="only once"):
        _with(store)
    with store:  # after it was closed, it may be opened again
        assert store.lookup("Ada", "job").status == "miss"
    with pytest.raises(EngineClosed, match="not open yet") as caught:
        _ = lamlam.SyncEngine(model, None).context
    assert "with SyncEngine" in str(caught.value.hint)


def test_a_stream_is_entered_once_and_left_for_good(model: Path) -> None:
    """Its errors say so, and the engine writes on."""

    async def check() -> None:
        async with lamlam.Engine(model, None, threads=1) as engine:
            stream = engine.stream("Ada", max_tokens=50)
            async with stream as events:
                async for _ in events:
                    break
                with pytest.raises(WrongBlock, match="only once"):
                    await _async_with(stream)
            with pytest.raises(StreamLeft, match="left before its end") as caught:
                await _async_for(events)
            assert "closed" not in str(caught.value)
            assert (await engine.generate("Ada", max_tokens=2)).n_text_tokens == 2

    anyio.run(check)
    with lamlam.SyncEngine(model, None, threads=1) as engine:
        stream = engine.stream("Ada", max_tokens=50)
        with stream as events:
            next(events)
        with pytest.raises(WrongBlock, match="only once"):
            _with(stream)
        with pytest.raises(StreamLeft):
            next(events)
        assert engine.generate("Ada", max_tokens=2).n_text_tokens == 2


def test_two_threads_read_one_stream(model: Path) -> None:
    """One gets all events, the other `StreamInUse`; in turns, both may read."""
    with (
        lamlam.SyncEngine(model, None, threads=1) as engine,
        engine.stream("Ada", max_tokens=30, ignore_eos=True) as events,
    ):
        waits, goes_on = threading.Event(), threading.Event()
        read = events._next_event  # type: ignore[attr-defined]

        def held() -> Any:
            waits.set()
            goes_on.wait()
            return read()

        events._next_event = held  # type: ignore[attr-defined]
        found: list[object] = []
        first = threading.Thread(target=lambda: found.append(len(list(events))))
        first.start()
        waits.wait()
        with pytest.raises(StreamInUse, match="two threads") as caught:
            next(events)
        assert caught.value.hint
        goes_on.set()
        first.join()
        assert isinstance(found[0], int) and found[0] > 1


# What is asked for, and whether it is refused.
REQUESTS: list[tuple[object, dict[str, Any], bool]] = [
    ("", {}, True),
    (" \n\t", {}, True),
    ("\u3000", {}, True),
    ("Ada \ud800", {}, True),
    (b"Ada", {}, True),
    (None, {}, True),
    ("Ada\0", {}, False),
    ("Ada " * 5000, {}, True),
    *(("Ada", {"max_tokens": n}, True) for n in (0, -1, 2**63, True, 2.0, "2", float("nan"))),
    ("Ada", {"max_tokens": -(10**5000)}, True),
    ("Ada", {"max_tokens": 2**62, "stop": "a"}, False),
    *(("Ada", {"temperature": t}, True) for t in (-0.1, 101, "warm", True, float("inf"))),
    ("Ada", {"temperature": 10**5000}, True),
    ("Ada", {"temperature": 1.5, "seed": 2**100}, False),
    *(("Ada", {"seed": seed}, True) for seed in (-1, 2**200, 0.5, True, "1")),
    *(("Ada", {"top_p": share}, True) for share in (-0.1, 1.1, True, "1")),
    *(("Ada", {"stop": stop}, True) for stop in ("", ["a", ""], 5, b"a", {"a": 1}, "\udc00", [1])),
    *(("Ada", {"logprobs": n}, True) for n in (-1, 21, True)),
    *(("Ada", {"policy": name}, True) for name in ("", "perhaps", 1, ["stop"])),
    ("Ada", {"as_of": -1}, True),
    (
        "Ada",
        {"max_tokens": np.int64(2), "temperature": np.float32(0.5), "seed": np.uint8(1)},
        False,
    ),
    ("Ada", {"max_tokens": np.int64(0)}, True),
]
_OPTIONS = ("max_tokens", "temperature", "seed", "logprobs", "policy", "as_of")


def test_engine_and_command_refuse_alike(model: Path, lamlam_command: Callable[..., Any]) -> None:
    """A request is valid for both or for neither, and both give the same reason."""
    with lamlam.SyncEngine(model, None, threads=1, context=64) as engine:
        for prompt, options, is_refused in REQUESTS:
            asked: Any = {"max_tokens": 1, **options}
            said = ""
            try:
                engine.generate(prompt, **asked)  # type: ignore[arg-type]
            except UsageError as error:
                said = str(error)
            assert bool(said) == is_refused, (prompt, options, said)
            assert len(said) < 250
            if not _can_be_typed(prompt, options):
                continue
            typed = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
            plain = () if "as_of" in options else ("--no-memory",)
            done = lamlam_command(
                "ask", "--json", "--model", str(model), *plain, *typed, "--", str(prompt)
            )
            assert (done.returncode == 2) == is_refused, (prompt, options, done.stderr)
            assert done.stderr.count("\n") == (1 if is_refused else 0), done.stderr
            if is_refused and "tokens, the context" not in said:
                reason = said.partition(",")[0].partition(" must")[2] or said.partition(" (")[0]
                assert reason in done.stderr, (said, done.stderr)


def _can_be_typed(prompt: object, options: dict[str, object]) -> bool:
    """Return whether the command can be given it: text, and numbers that its parser reads."""
    if not isinstance(prompt, str) or "\0" in prompt or set(options) - set(_OPTIONS):
        return False
    kinds = {"temperature": (int, float), "policy": (str,)}
    return all(
        isinstance(value, kinds.get(name, (int,)))
        and not isinstance(value, bool)
        and abs(value if isinstance(value, int | float) else 0) < 10**300
        for name, value in options.items()
    )
