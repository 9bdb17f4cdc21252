"""The trial of a foreign file tries what it vouches for, and can be ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from lamlam.background_loop import BackgroundLoop
from lamlam.errors import BadModelFile, EngineClosed
from lamlam.runtime.engine import Engine
from lamlam.runtime.llama.context import LlamaContext, open_model
from lamlam.runtime.llama.gguf_file import read_header
from lamlam.runtime.llama.model_file import check_file
from lamlam.runtime.llama.probe import LoadingTrial, try_loading
from lamlam.runtime.llama.trial_text import try_writing
from lamlam.runtime.sync import SyncEngine
from tests.other_models import write_tiny_bert, write_tiny_gpt2
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
    LoadingTrial(write_tiny_gpt2(tmp_path / "gpt2.gguf", sealed=False), unified_kv=True).run()


def test_a_name_like_phi3_changes_nothing(tmp_path: Path) -> None:
    """llama.cpp takes a model of that name for a Phi-3, whose special tokens it then misses."""
    plain, named = (
        write_tiny_model(tmp_path / f"{name}.gguf", metadata={"general.name": name})
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
    with pytest.raises(BadModelFile, match=r"tensor 'blk\.2\.") as caught:
        try_loading(path)
    assert "no tensors: 2, 3" in str(caught.value.hint)


def test_special_tokens_that_nobody_writes_may_lie_outside(tmp_path: Path) -> None:
    """Many files have for padding the number after the last token; llama.cpp reads over it."""
    names = ("padding", "unknown", "mask", "eot")
    numbers = {f"tokenizer.ggml.{name}_token_id": 271 for name in names}
    path = write_tiny_model(tmp_path / "m.gguf", sealed=False, metadata={**numbers})
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


def test_a_beginning_of_text_outside_counts_only_where_it_is_used(tmp_path: Path) -> None:
    """Some models begin no text with BOS, and have a number there that means nothing."""
    outside = {"tokenizer.ggml.bos_token_id": 267}
    with pytest.raises(BadModelFile, match="its bos token is 267"):
        check_file(write_tiny_gpt2(tmp_path / "m.gguf", outside))
    never = outside | {"tokenizer.ggml.add_bos_token": False}
    with SyncEngine(write_tiny_gpt2(tmp_path / "n.gguf", never), None, threads=1) as engine:
        assert engine.generate("The", max_tokens=3, ignore_eos=True).text


def test_an_architecture_that_llama_cpp_does_not_know(tmp_path: Path) -> None:
    """A newer version may know it."""
    path = write_tiny_model(tmp_path / "m.gguf", sealed=False)
    path.write_bytes(path.read_bytes().replace(b"llama", b"zorga"))
    with pytest.raises(BadModelFile, match="unknown model architecture: 'zorga'") as caught:
        try_loading(path)
    assert "newer llama-cpp-python" in str(caught.value.hint)


def test_weights_that_are_no_numbers(foreign: Path, tmp_path: Path) -> None:
    """A file of the right size, full of what a failed conversion leaves."""
    start = read_header(foreign).data_offset
    path, data = tmp_path / "nan.gguf", foreign.read_bytes()
    n_weights = (len(data) - start) // 4
    path.write_bytes(data[:start] + np.full(n_weights, np.nan, np.float32).tobytes())
    with pytest.raises(BadModelFile, match="cannot write text: its weights give no finite number"):
        try_loading(path)


def test_an_encoder_that_its_header_does_not_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends the trial, or gives the same numbers after every text."""
    path = write_tiny_bert(tmp_path / "bert.gguf")
    started = LoadingTrial._started

    def start(trial: LoadingTrial) -> subprocess.Popen[bytes]:
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
        return started(trial)

    # Read in the process of the trial before anything else: there no header is looked at.
    (tmp_path / "sitecustomize.py").write_text(
        "import lamlam.runtime.llama.model_kind as kinds\nkinds.other_kind = lambda *_, **__: None\n"
    )
    monkeypatch.setattr(LoadingTrial, "_started", start)
    with pytest.raises(BadModelFile, match="cannot write text: .* an embedding model"):
        LoadingTrial(path).run()


def test_loading_ends_where_it_is_not_wanted_any_more(foreign: Path) -> None:
    """A large file takes long to read."""
    with (
        pytest.raises(EngineClosed, match="while it was opening"),
        open_model(check_file(foreign), goes_on=lambda: False),
    ):
        pass


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
    assert [process.returncode for process in stuck.processes] == [-signal.SIGKILL]


def test_ctrl_c_while_it_opens_ends_the_trial(
    foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for code without an event loop."""
    stuck = _Stuck(monkeypatch)

    def press() -> None:
        stuck.has_begun.wait()
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    presser = threading.Thread(target=press)
    try:
        presser.start()
        with pytest.raises(KeyboardInterrupt), SyncEngine(foreign, None):
            pass
        presser.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert [process.returncode for process in stuck.processes] == [-signal.SIGKILL]


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
    assert [process.returncode for process in stuck.processes] == [-signal.SIGKILL]


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


def test_an_interrupt_before_the_wait_for_the_engine_ends_the_trial(
    foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task that opens is under way, and nobody has its future yet."""
    stuck = _Stuck(monkeypatch)
    submit = BackgroundLoop._submit
    n_submitted = 0

    def interrupted(self: BackgroundLoop, work: Any, *args: Any) -> Any:
        nonlocal n_submitted
        n_submitted += 1
        future = submit(self, work, *args)
        if n_submitted == 1:
            stuck.has_begun.wait()
            raise KeyboardInterrupt
        return future

    monkeypatch.setattr(BackgroundLoop, "_submit", interrupted)
    with pytest.raises(KeyboardInterrupt), SyncEngine(foreign, None):
        pass
    assert [process.returncode for process in stuck.processes] == [-signal.SIGKILL]
