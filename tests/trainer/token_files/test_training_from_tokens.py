"""A run that reads token files is the run that draws its documents, and goes on as exactly."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import torch

from lamlam.errors import BadSettings, WorkerKilled
from lamlam.trainer import data_loader, training_data
from lamlam.trainer.benchmark import count_parameters
from lamlam.trainer.data_loader import BatchLoader
from lamlam.trainer.documents import Document
from lamlam.trainer.loop import train
from lamlam.trainer.prepare import main as prepare_main
from lamlam.trainer.ranks import Ranks
from lamlam.trainer.settings import load_settings
from lamlam.trainer.shared_rows import SharedRows
from lamlam.trainer.tokenizer import LmlmTokenizer
from lamlam.trainer.training_state import STATE
from tests.trainer_processes import configuration


@pytest.fixture(autouse=True)
def vocabulary(tokenizer: LmlmTokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Learn the vocabulary once for all."""
    monkeypatch.setattr(training_data, "train_tokenizer", lambda texts, size: tokenizer)
    monkeypatch.setattr(data_loader, "SHARD", 30)


@pytest.fixture
def tokens(corpus: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "tokens"
    config = configuration(corpus, tmp_path / "made")
    assert prepare_main([str(config), "--out", str(folder), "--epochs", "2"]) == 0
    return folder


def weights(folder: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = torch.load(folder / "run" / STATE, weights_only=True)["model"]
    return found


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(weight, other[name]) for name, weight in one.items())


def of_tokens(folder: Path) -> str:
    return f"data.tokens={json.dumps(str(folder))}"


def test_a_run_of_token_files_learns_what_the_documents_teach(
    corpus: Path, tokens: Path, tmp_path: Path
) -> None:
    train(load_settings(configuration(corpus, tmp_path / "drawn", steps=24)))
    read = configuration(corpus, tmp_path / "read", steps=24)
    train(load_settings(read, [of_tokens(tokens), "data.documents=''"]))
    expected = weights(tmp_path / "drawn")
    assert same(expected, weights(tmp_path / "read"))
    # Stopped behind the first epoch, it goes on to the same weights.
    parts = configuration(corpus, tmp_path / "parts", steps=24)

    def press(progress: Any) -> None:
        if progress.step == 21:
            signal.raise_signal(signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with pytest.raises(Exception, match="SIGTERM after step 21"):
            train(load_settings(parts, [of_tokens(tokens)]), report=press)
    finally:
        signal.signal(signal.SIGTERM, before)
    position = torch.load(tmp_path / "parts" / "run" / STATE, weights_only=True)["position"]
    assert position["epoch"] == 1
    train(load_settings(parts, [of_tokens(tokens)]), resume=True)
    assert same(expected, weights(tmp_path / "parts"))
    record = json.loads((tmp_path / "read" / "run" / "lamlam.json").read_text())["training"]
    assert record["settings"]["data"]["tokens"] == "tokens"  # a published file names no folder


def test_other_tokens_are_refused_by_name(corpus: Path, tokens: Path, tmp_path: Path) -> None:
    config = configuration(corpus, tmp_path / "run", steps=2)
    train(load_settings(config, [of_tokens(tokens)]))
    moved = tokens.rename(tmp_path / "moved")
    train(load_settings(config, [of_tokens(moved)]), resume=True)  # the same under another name
    other = configuration(corpus, tmp_path / "other")
    made = [str(other), "--out", str(tmp_path / "others"), "--set", "data.variation.unknown=0.5"]
    assert prepare_main(made) == 0
    with pytest.raises(BadSettings, match=r"data\.variation\.unknown was 0\.02 .* is 0\.5 now"):
        train(load_settings(config, [of_tokens(tmp_path / "others")]), resume=True)
    assert prepare_main([str(other), "--out", str(tmp_path / "longer"), "--epochs", "3"]) == 0
    with pytest.raises(BadSettings, match=r"the content of data\.tokens was 2 epochs, .* now"):
        train(load_settings(config, [of_tokens(tmp_path / "longer")]), resume=True)
    with pytest.raises(BadSettings, match=r"the content of data\.documents was None"):
        train(load_settings(config), resume=True)


class _Apart(Ranks):
    """Processes that start when they like."""

    def wait(self) -> None:
        """Go on."""


def _read(config: Path, changes: list[str], rank: int, rows: Path | None) -> str:
    """Return a hash of the rows that a process of two reads; of one that is alone, without rows."""
    chosen = load_settings(config, changes)
    data = training_data.read_training_data(chosen)
    seen = hashlib.blake2b()
    # Never left: the first to end would remove the rows of the other.
    shared = None if rows is None else SharedRows(rows, _Apart(rank, 2))
    with BatchLoader(chosen, data, data.tokenizer(), shared=shared) as loader:
        for batch, _ in zip(loader.batches(), range(20), strict=False):
            seen.update(batch.rows.inputs.tobytes() + batch.rows.labels.tobytes())
    return seen.hexdigest()


def test_two_processes_read_what_one_reads(corpus: Path, tokens: Path, tmp_path: Path) -> None:
    """Each maps the token files itself, and draws one half of the documents beside them."""
    changes = [
        f"data.mixture=[{{tokens={json.dumps(str(tokens))}, weight=0.5}}, "
        f"{{documents={json.dumps(str(corpus))}, weight=1.5}}]",
        f"data.tokenizer={json.dumps(str(tokens / 'tokenizer.json'))}",
        "data.documents=''",
    ]
    config = configuration(corpus, tmp_path / "run")
    rows = tmp_path / "rows"
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        # The first empties the folder.
        first = pool.submit(_read, config, changes, 0, rows)
        while not (rows / "process-0.lock").exists() and not first.done():
            time.sleep(0.01)
        second = pool.submit(_read, config, changes, 1, rows)
        found = [first.result(), second.result()]
    assert found == 2 * [_read(config, changes, 0, None)]


def test_the_log_says_what_each_source_makes_up(
    corpus: Path, tokens: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    tokenizer: LmlmTokenizer,
) -> None:  # fmt: skip
    replay = tmp_path / "plain.txt"
    replay.write_text("Zebras graze quietly.\n" * 50)
    mixture = (
        f"data.mixture=[{{tokens={json.dumps(str(tokens))}}}, "
        f"{{replay={json.dumps(str(replay))}, weight=2}}]"
    )
    chosen = load_settings(configuration(corpus, tmp_path / "run"), [mixture, "data.documents=''"])
    data = training_data.read_training_data(chosen)
    with caplog.at_level(logging.INFO), BatchLoader(chosen, data, tokenizer) as loader:
        rows = loader.epoch(0)
    lines = [line for line in caplog.messages if line.startswith("data.mixture.")]
    assert len(lines) == 2
    n_replayed = 100 * len(tokenizer.encode(["Zebras graze quietly."])[0]) + 100
    first, second = lines  # in the order of the settings
    assert first.startswith("data.mixture.1.tokens = ")
    assert f"50 documents x 2, {n_replayed:,} tokens an epoch" in second
    assert "100% learnt, 0.0 lookups" in second
    assert len(rows.inputs) > 0


@pytest.mark.parametrize("source", ["data.tokens={}", "data.mixture=[{{tokens={}}}]"])
def test_parameters_are_counted_with_the_vocabulary_of_the_tokens(
    source: str, corpus: Path, tokens: Path, tmp_path: Path
) -> None:
    """Not with that of the settings, which decides nothing then."""
    config = configuration(corpus, tmp_path / "run")
    expected = count_parameters(load_settings(config))
    changes = [source.format(json.dumps(str(tokens))), "data.documents=''", "data.vocabulary=900"]
    assert count_parameters(load_settings(config, changes)) == expected


def test_a_worker_that_is_killed_ends_the_run_in_one_line(
    corpus: Path, tmp_path: Path, documents: list[Document], tokenizer: LmlmTokenizer
) -> None:
    chosen = load_settings(configuration(corpus, tmp_path / "run"))
    with BatchLoader(chosen, documents, tokenizer, workers=1) as loader:
        assert loader._pool is not None
        os.kill(loader._pool.submit(os.getpid).result(), signal.SIGKILL)
        with pytest.raises(WorkerKilled, match="was killed, perhaps for want of memory"):
            loader.epoch(0)
