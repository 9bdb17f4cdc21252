"""A context that the model or the machine cannot have is refused before llama.cpp sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.errors import BadModelFile, UsageError
from lamlam.runtime.llama.context import open_context, open_model
from lamlam.runtime.llama.context_size import bytes_per_token
from lamlam.runtime.llama.model_file import check_file
from lamlam.runtime.llama.usable_memory import usable_memory
from lamlam.runtime.sync import SyncEngine
from tests.other_models import write_tiny_gpt2
from tests.tiny_model import write_tiny_model


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gpt2(tmp_path_factory.mktemp("gpt2") / "gpt2.gguf")


def test_learned_positions_are_never_passed(gpt2: Path) -> None:
    """A longer context is refused by name; without one, texts end where the positions do."""
    for options in ({"context": 65}, {"context": 4096}, {"context": 65, "cache_tokens": 512}):
        with (
            pytest.raises(UsageError, match="more than the 64 positions that gpt2") as caught,
            SyncEngine(gpt2, None, **options),  # type: ignore[arg-type]
        ):
            pass
        assert "context=64" in str(caught.value.hint)
    for options in ({}, {"context": 64}, {"cache_tokens": 200}):
        with SyncEngine(gpt2, None, threads=1, **options) as engine:  # type: ignore[arg-type]
            assert engine.context == 64
            done = engine.generate("a", max_tokens=200, ignore_eos=True)
            assert done.finish_reason == "context"


def test_a_header_that_promises_more_positions_is_not_the_users_fault(tmp_path: Path) -> None:
    """Who asked for no context is told of the file, as llama.cpp is, which wants them all."""
    path = write_tiny_gpt2(tmp_path / "more.gguf", {"gpt2.context_length": 128}, sealed=False)
    with pytest.raises(BadModelFile, match="position_embd"), SyncEngine(path, None):
        pass


def test_nobody_opens_a_longer_context(gpt2: Path) -> None:
    """Not even without an engine, as the evaluations do."""
    with (
        open_model(check_file(gpt2)) as model,
        pytest.raises(UsageError, match="64 positions"),
        open_context(model, context=65, n_sequences=1, n_batch=8, threads=1),
    ):
        pass


def test_more_than_the_memory_is_refused_with_the_numbers(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is needed, what is free, and what the model was trained on."""
    monkeypatch.setattr("lamlam.runtime.llama.context_size.usable_memory", lambda: 1 << 24)
    options: list[tuple[dict[str, int], str]] = [
        ({"context": 16000}, r"context=16000 for 4 sequences needs .* 0\.0 GiB of memory are free"),
        ({"cache_tokens": 10**6}, "cache_tokens=1000000 needs about 2"),
    ]
    for given, said in options:
        with (
            pytest.raises(UsageError, match=said) as caught,
            SyncEngine(tiny_model, None, **given),  # type: ignore[arg-type]
        ):
            pass
        assert "trained on 512" in str(caught.value.hint)
    with SyncEngine(tiny_model, None, context=1024):
        pass


def test_a_context_far_beyond_training_is_refused_on_every_machine(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much memory there is."""
    monkeypatch.setattr("lamlam.runtime.llama.context_size.usable_memory", lambda: 1 << 60)
    with (
        pytest.raises(UsageError, match="context=1000000 is 1953 times the 512 tokens") as caught,
        SyncEngine(tiny_model, None, context=10**6),
    ):
        pass
    assert "context=512" in str(caught.value.hint)


@pytest.mark.parametrize(
    "value", [0, -1, 7, 2**31, 2**40, 10**30, True, 512.0, "512", float("nan")]
)
def test_what_is_not_a_length(value: object) -> None:
    """Refused by the constructor, which names the option."""
    for name in ("context", "cache_tokens"):
        with pytest.raises(UsageError, match=f"{name} must be a whole number"):
            SyncEngine("m.gguf", None, **{name: value})  # type: ignore[arg-type]


def test_bytes_of_one_token(tiny_model: Path) -> None:
    """Two layers, two key-value heads of 16 numbers each, keys and values, two bytes."""
    metadata = check_file(tiny_model).metadata
    assert bytes_per_token(metadata) == 2 * 2 * (16 + 16) * 2
    by_layer = metadata | {"llama.attention.head_count_kv": [2, 0]}
    assert bytes_per_token(by_layer) == 2 * (16 + 16) * 2
    assert bytes_per_token(metadata | {"llama.ssm.state_size": 16}) == 0
    assert bytes_per_token({"general.architecture": "llama"}) == 0


def test_memory_is_that_of_the_machine_or_of_its_group(tmp_path: Path) -> None:
    """The least counts; what only caches files is free."""
    (tmp_path / "proc").mkdir()
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    8000 kB\n")
    assert usable_memory(tmp_path) == 8000 << 10
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text("5000\n")
    (group / "memory.stat").write_text("anon 1\ninactive_file 2000\n")
    assert usable_memory(tmp_path) == 8000 << 10
    (group / "memory.max").write_text("10000\n")
    assert usable_memory(tmp_path) == 7000
    assert usable_memory() is not None


def test_a_context_beyond_training_is_allowed_where_positions_are_computed(tmp_path: Path) -> None:
    """Rotary positions have no end."""
    path = write_tiny_model(tmp_path / "m.gguf", context=32)
    with SyncEngine(path, None, context=64, threads=1) as engine:
        assert engine.context == 64
