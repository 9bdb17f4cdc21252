"""`lamlam bench decode` measures what it says, on a model too small to mean anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lamlam.benchmarks import decode
from lamlam.benchmarks.bare_batch import bare_batch
from lamlam.benchmarks.decode import decode_benchmark
from lamlam.cli.app import run
from lamlam.errors import BadModelFile, EngineError, StoreMissing
from tests.tiny_model import write_tiny_model


def test_every_figure_is_there(tmp_path: Path) -> None:
    """One short round gives all keys, each a positive number."""
    model = write_tiny_model(tmp_path / "m.gguf", context=1024)
    rounds: list[int] = []
    figures = decode_benchmark(
        model, pairs=1, tokens=8, threads=1, on_progress=lambda done, _: rounds.append(done)
    )
    assert rounds == [1]
    promised = (
        "bare_tokens_per_s",
        "lamlam_tokens_per_s",
        "llama_cpp_python_tokens_per_s",
        "value_step_ms",
        "reprefill_step_ms",
        "late_token_ms",
        "bare_late_token_ms",
        "time_to_first_token_s",
        "peak_rss_mb",
    )
    assert all(figures[name] > 0 for name in promised)


@pytest.mark.parametrize("content", [None, b"", b"a text and no model\n" * 50])
def test_a_bad_model_is_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    """Missing, empty or a text: status 2 and a line that names the file, before any run."""
    path = tmp_path / "bad.gguf"
    if content is not None:
        path.write_bytes(content)
    assert run(["bench", "decode", "--model", str(path), "--pairs", "1"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: ") and "bad.gguf" in line


def test_a_model_that_llama_cpp_refuses_is_an_error(tmp_path: Path) -> None:
    """A file that passes the first checks and not llama.cpp's is named, too."""
    path = write_tiny_model(
        tmp_path / "odd.gguf", sealed=False, metadata={"general.architecture": "none_such"}
    )
    with pytest.raises(BadModelFile, match="odd.gguf"):
        decode_benchmark(path, pairs=1, tokens=2, threads=1)
    with (
        pytest.raises(BadModelFile, match="odd.gguf"),
        bare_batch(path, sequences=1, context=64, threads=1, kv_unified=False),
    ):
        pass


def test_a_missing_memory_is_named_before_any_run(tmp_path: Path) -> None:
    """No round is measured for figures that could not be whole."""
    model = write_tiny_model(tmp_path / "m.gguf", context=1024)
    rounds: list[int] = []
    with pytest.raises(StoreMissing):
        decode_benchmark(
            model,
            memory=f"sqlite:///{tmp_path}/none.db",
            pairs=1,
            tokens=2,
            threads=1,
            on_progress=lambda done, _: rounds.append(done),
        )
    assert rounds == []


@pytest.mark.parametrize(
    "program",
    [
        "raise SystemExit('out of luck')",
        "print('first', flush=True); raise SystemExit('out of luck')",
        "print('nothing of use', file=__import__('sys').stderr)",
    ],
)
def test_a_process_that_fails_gives_no_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """Its status and its last lines are shown instead."""
    monkeypatch.setattr(decode, "_FIRST_TOKEN_PROGRAM", program)
    with pytest.raises(EngineError, match=r"status \d+: (out of luck|nothing of use)"):
        decode._first_token(tmp_path / "m.gguf", None)


def test_the_command_prints_figures_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """JSON on standard output; how far it is, on standard error where that is a terminal."""
    model = write_tiny_model(tmp_path / "m.gguf", context=1024)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    arguments = ["bench", "decode", "--model", str(model), "--memory", "memory:", "--pairs", "1"]
    assert run([*arguments, "--json"]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out)["pairs"] == 1
    assert "time to first token" in err
