"""Engines and other processes: a fork gets an error at once, workers open their own."""

from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path

import pytest

from lamlam.errors import EngineClosed, NotPicklable
from lamlam.runtime.engine import Engine
from lamlam.runtime.sync import SyncEngine
from tests.programs import run_python

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")

# A child that hangs is ended by its alarm, with a status that is not 0.
_FORK = """
import os, signal, sys, threading, traceback
import lamlam
from lamlam.errors import EngineElsewhere

def in_child(work):
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0

def refused(work):
    try:
        work()
    except EngineElsewhere as error:
        assert "in the worker" in error.hint, error.hint
        return
    raise AssertionError("not refused")

model = sys.argv[1]
"""


def run(program: str, *arguments: str) -> None:
    """Run a program in a separate process, since this one has threads."""
    done = run_python("-W", "ignore::DeprecationWarning", "-c", program, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_fork
def test_the_blocking_engine_in_a_forked_child(tiny_model: Path) -> None:
    """Every method is refused, also where a thread of the parent was inside one; closing is
    nothing; the parent goes on; and an engine opened in the child writes the same text."""
    run(
        _FORK
        + """
def inside():
    refused(lambda: engine.generate("a"))
    refused(lambda: engine.stream("a").__enter__())
    refused(lambda: engine.chat([{"role": "user", "content": "a"}]))
    refused(lambda: engine.context)
    refused(lambda: next(events))
    refused(unopened_here)
    engine.close()
    own = lamlam.SyncEngine(model, None, threads=2)
    with own:
        assert own.generate("a", max_tokens=4).text == text

def unopened_here():
    with engine:
        pass

made_before = lamlam.SyncEngine(model, None, threads=1)

def by_the_made():
    with made_before:
        assert made_before.generate("a", max_tokens=4).text == text

with lamlam.SyncEngine(model, None, threads=2) as engine:
    text = engine.generate("a", max_tokens=4).text
    busy = threading.Event()
    def write():
        while not busy.is_set():
            engine.generate("b", max_tokens=8)
    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    with engine.stream("a", max_tokens=100, ignore_eos=True) as events:
        for _ in range(5):
            in_child(inside)
        in_child(by_the_made)
        list(events)
    busy.set()
    for thread in threads:
        thread.join()
    assert engine.generate("a", max_tokens=4).text == text
    pid = os.fork()  # a child that leaves the blocks as programs do
    if pid == 0:
        signal.alarm(60)
        sys.exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert engine.generate("a", max_tokens=4).text == text
""",
        str(tiny_model),
    )


@needs_fork
def test_the_engine_in_a_forked_child(tiny_model: Path) -> None:
    """The same for the one with `async`, and a loop of the child's own."""
    run(
        _FORK
        + """
from concurrent.futures import ThreadPoolExecutor
import anyio

async def abroad():
    try:
        await engine.generate("a")
    except EngineElsewhere as error:
        assert "in the worker" in error.hint
    else:
        raise AssertionError("not refused")
    await engine.aclose()
    async with lamlam.Engine(model, None, threads=1) as own:
        assert (await own.generate("a", max_tokens=4)).text == text

async def main():
    global engine, text
    async with lamlam.Engine(model, None, threads=1) as engine:
        text = (await engine.generate("a", max_tokens=4)).text
        # In another thread: this one still believes that it runs the parent's loop.
        in_child(lambda: ThreadPoolExecutor(1).submit(anyio.run, abroad).result())
        assert (await engine.generate("a", max_tokens=4)).text == text

anyio.run(main)
""",
        str(tiny_model),
    )


@pytest.mark.parametrize(
    "method",
    [pytest.param("fork", marks=needs_fork), "spawn", pytest.param("forkserver", marks=needs_fork)],
)
def test_workers_that_open_their_own(tiny_model: Path, tmp_path: Path, method: str) -> None:
    """Each way in which Python starts workers, while the parent has an engine open."""
    program = tmp_path / "workers.py"
    program.write_text(
        """
import multiprocessing, sys
import lamlam

def text(model):
    with lamlam.SyncEngine(model, None, threads=1) as engine:
        return engine.generate("a", max_tokens=4).text

if __name__ == "__main__":
    model = sys.argv[1]
    with lamlam.SyncEngine(model, None, threads=1) as engine:
        own = engine.generate("a", max_tokens=4).text
        with multiprocessing.get_context(sys.argv[2]).Pool(2) as pool:
            assert pool.map_async(text, [model] * 4).get(90) == [own] * 4
        assert engine.generate("a", max_tokens=4).text == own
"""
    )
    run(
        f"import runpy, sys; sys.argv = sys.argv[:]; runpy.run_path({str(program)!r},"
        " run_name='__main__')"
        if method == "fork"
        else f"import os, sys; os.execv(sys.executable, [sys.executable, '-W',"
        f" 'ignore::DeprecationWarning', {str(program)!r}, *sys.argv[1:]])",
        str(tiny_model),
        method,
    )


@pytest.mark.parametrize("kind", [Engine, SyncEngine])
def test_an_engine_is_not_pickled(kind: type, tiny_model: Path) -> None:
    """The error says what to hand over instead; copying is the same mistake."""
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(NotPicklable, match=f"{kind.__name__} cannot") as caught:
            attempt(kind(tiny_model, None))
        assert "in the worker" in str(caught.value.hint)
        assert isinstance(caught.value, TypeError)  # what pickling raises elsewhere


def test_an_open_engine_is_not_pickled(tiny_model: Path) -> None:
    """And it goes on."""
    with SyncEngine(tiny_model, None, threads=1) as engine:
        with pytest.raises(NotPicklable):
            pickle.dumps(engine)
        assert engine.generate("a", max_tokens=2).text
    with pytest.raises(EngineClosed):
        engine.generate("a")
