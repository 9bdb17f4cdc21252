"""The trial of a foreign file tries what it vouches for, and can be ended."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import anyio
import pytest

from lamlam.errors import BadModelFile, EngineClosed
from lamlam.runtime.engine import Engine
from lamlam.runtime.llama.context import LlamaContext, open_model
from lamlam.runtime.llama.model_file import check_file
from lamlam.runtime.llama.probe import LoadingTrial, try_loading
from lamlam.runtime.llama.trial_text import try_writing
from lamlam.runtime.sync import SyncEngine
from tests.other_models import write_tiny_gpt2
from tests.tiny_model import write_tiny_model, write_tiny_recurrent_model


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("foreign")
    return write_tiny_model(folder / "m.gguf", sealed=False, with_lookup_tokens=False)


@pytest.mark.parametrize("unified_kv", [False, True])
def test_several_texts_and_a_shared_cache_are_tried(
    foreign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unified_kv: bool
) -> None:
    """Also for models that forget a text only as a whole, where nothing is copied."""
    calls: list[str] = []
    for name in ("decode", "copy", "truncate"):
        real = getattr(LlamaContext, name)

        def noted(*args: Any, name: str = name, real: Any = real) -> Any:
            calls.append(name)
            return real(*args)

        monkeypatch.setattr(LlamaContext, name, noted)
    with open_model(check_file(foreign)) as model:
        try_writing(model, foreign, unified_kv=unified_kv)
    assert calls.count("decode") == 4
    assert {"copy", "truncate"} <= set(calls)
    calls.clear()
    mamba = write_tiny_recurrent_model(tmp_path / "mamba.gguf")
    with open_model(check_file(mamba)) as model:
        try_writing(model, mamba, unified_kv=unified_kv)
    assert calls == ["decode"] * 4


def test_good_files_pass(foreign: Path, tmp_path: Path) -> None:
    """In their own process, with and without a unified cache."""
    try_loading(foreign)
    LoadingTrial(write_tiny_gpt2(tmp_path / "gpt2.gguf"), unified_kv=True).run()


def test_a_name_like_phi3_changes_nothing(tmp_path: Path) -> None:
    """llama.cpp takes a model of that name for a Phi-3, whose special tokens it then misses."""
    plain, named = (
        write_tiny_model(tmp_path / f"{name}.gguf", sealed=False, metadata={"general.name": name})
        for name in ("plain", "my-Phi3-mini")
    )
    texts = []
    for path in (plain, named):
        with SyncEngine(path, None, max_sequences=1, threads=1) as engine:
            texts.append(engine.generate("The town", max_tokens=9, ignore_eos=True).text)
    assert texts[0] == texts[1]


def test_layers_that_the_header_counts_and_nobody_wrote(tmp_path: Path) -> None:
    """The reason is llama.cpp's, the hint says which layers are empty."""
    path = write_tiny_model(tmp_path / "m.gguf", sealed=False)
    whole = path.read_bytes()
    key = b"llama.block_count" + (4).to_bytes(4, "little")
    two, four = (key + n.to_bytes(4, "little") for n in (2, 4))
    assert two in whole
    path.write_bytes(whole.replace(two, four))
    with pytest.raises(BadModelFile, match=r"tensor 'blk\.2\..* not found") as caught:
        try_loading(path)
    assert "no tensors: 2, 3" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["padding", "unknown", "mask", "eot"])
def test_a_special_token_that_nobody_writes_may_lie_outside(tmp_path: Path, name: str) -> None:
    """Many files have for padding the number after the last token; llama.cpp reads over it."""
    path = write_tiny_model(
        tmp_path / "m.gguf", sealed=False, metadata={f"tokenizer.ggml.{name}_token_id": 271}
    )
    assert len(check_file(path).token_types) == 271
    with SyncEngine(path, None, max_sequences=1, threads=1) as engine:
        assert engine.generate("The", max_tokens=3, ignore_eos=True).text


def test_an_end_of_text_outside_is_said(tmp_path: Path) -> None:
    """Else llama.cpp would end texts at another token."""
    path = write_tiny_model(tmp_path / "m.gguf", sealed=False)
    key = b"tokenizer.ggml.eos_token_id" + (4).to_bytes(4, "little")
    whole = path.read_bytes()
    path.write_bytes(whole.replace(key + bytes(4), key + (271).to_bytes(4, "little")))
    with pytest.raises(BadModelFile, match="its eos token is 271, and its 271 tokens end with"):
        check_file(path)


class _Stuck:
    """Lets trials start a process that never ends by itself."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.has_begun = threading.Event()
        self.processes: list[subprocess.Popen[bytes]] = []

        def start(_: LoadingTrial) -> subprocess.Popen[bytes]:
            pipe = subprocess.PIPE
            command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
            self.processes.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe))
            self.has_begun.set()
            return self.processes[-1]

        monkeypatch.setattr(LoadingTrial, "_started", start)


@pytest.mark.anyio
async def test_cancelling_the_opening_ends_the_trial(
    foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task ends, and its process is gone."""
    stuck = _Stuck(monkeypatch)
    with anyio.CancelScope() as scope:

        async def cancel() -> None:
            await anyio.to_thread.run_sync(stuck.has_begun.wait)
            scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(cancel)
            async with Engine(foreign, None):
                pytest.fail("the trial never ends")
    assert scope.cancelled_caught
    assert [process.returncode for process in stuck.processes] == [-9]


@pytest.mark.anyio
async def test_closing_while_it_opens_ends_the_trial(
    foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one who opens gets `EngineClosed`."""
    stuck = _Stuck(monkeypatch)
    engine = Engine(foreign, None)

    async def close() -> None:
        await anyio.to_thread.run_sync(stuck.has_begun.wait)
        await engine.aclose()

    async with anyio.create_task_group() as group:
        group.start_soon(close)
        with pytest.raises(EngineClosed):
            await engine.__aenter__()
    assert [process.returncode for process in stuck.processes] == [-9]


def test_a_trial_that_was_cancelled_before_never_starts(
    foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that loads may come to it late."""
    stuck = _Stuck(monkeypatch)
    trial = LoadingTrial(foreign)
    trial.cancel()
    with pytest.raises(EngineClosed):
        trial.run()
    assert not stuck.processes


def test_a_trial_ends_with_the_process_that_started_it(foreign: Path) -> None:
    """Its standard input is a pipe that ends with its parent."""
    trial = subprocess.Popen(
        [sys.executable, "-c", _WAITING], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with trial:
        assert trial.stdout is not None and trial.stdin is not None
        assert trial.stdout.readline() == b"begun\n"
        trial.stdin.close()
        assert trial.wait() == 1


_WAITING = """
import threading
from lamlam.runtime.llama.probe import _end_with_parent
_end_with_parent()
print("begun", flush=True)
threading.Event().wait()
"""
