"""A tiny model learns, resumes exactly, and has a no-lookup baseline."""

from __future__ import annotations

import dataclasses
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import LlamaForCausalLM

from lamlam.ending_signals import catching_signals
from lamlam.errors import BadSettings, NothingToLearn
from lamlam.trainer import data_loader
from lamlam.trainer.checkpoint import save_checkpoint
from lamlam.trainer.data_loader import BatchLoader, choose_workers
from lamlam.trainer.documents import Document
from lamlam.trainer.loop import train
from lamlam.trainer.model import build_model, next_token_loss
from lamlam.trainer.packing import IGNORED
from lamlam.trainer.progress import Progress
from lamlam.trainer.settings import DataConfig, ModelConfig, OptimiserConfig, RunConfig, Settings
from lamlam.trainer.split import is_held_out
from lamlam.trainer.tokenizer import LmlmTokenizer

SHAPE = ModelConfig(width=32, layers=2, heads=2, kv_heads=1, feed_forward=64, context=128)


def settings(corpus: Path, output: Path, steps: int = 6, **data: object) -> Settings:
    return Settings(
        data=dataclasses.replace(
            DataConfig(documents=str(corpus), vocabulary=600, held_out=0.05),
            **data,  # type: ignore[arg-type]  # passed on by name
        ),
        model=SHAPE,
        optimiser=OptimiserConfig(batch_rows=4, learning_rate=1e-2),
        run=RunConfig(output=str(output), steps=steps, device="cpu", log_every=1),
    )


def test_the_loss_falls_and_a_checkpoint_is_left(corpus: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    folder = train(settings(corpus, tmp_path / "run", steps=60), report=seen.append)
    assert seen[-1].loss < 0.85 * seen[0].loss
    about = json.loads((folder / "lamlam.json").read_text())
    assert about["training"]["steps"] == 60
    assert {p.name for p in folder.iterdir()} >= {
        "config.json", "model.safetensors", "tokenizer.json", "state.pt",
    }  # fmt: skip


def test_the_baseline_sees_no_lookup_token(
    corpus: Path, tmp_path: Path, documents: list[Document], tokenizer: LmlmTokenizer
) -> None:
    ids = tokenizer.ids
    lookups = torch.tensor([ids.entity, ids.relationship, ids.return_, ids.end])
    for plain in (False, True):
        with BatchLoader(settings(corpus, tmp_path, plain=plain), documents, tokenizer) as loader:
            rows = loader.epoch(0)
        found = torch.isin(torch.from_numpy(rows.inputs), lookups).any()
        assert bool(found) is not plain


def test_workers_prepare_the_same_rows(
    corpus: Path, tmp_path: Path, documents: list[Document], tokenizer: LmlmTokenizer
) -> None:
    results = []
    for workers in (0, 2):
        chosen = settings(corpus, tmp_path, invented=0.2)
        with BatchLoader(chosen, documents, tokenizer, workers=workers) as loader:
            results.append(loader.epoch(1))
    assert (results[0].inputs == results[1].inputs).all()
    assert (results[0].labels == results[1].labels).all()


def test_an_epoch_that_was_begun_early_is_drawn_once(
    corpus: Path,
    tmp_path: Path,
    documents: list[Document],
    tokenizer: LmlmTokenizer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = settings(corpus, tmp_path)
    begun: list[int] = []
    submit = BatchLoader._submit

    def counted(loader: BatchLoader, number: int) -> Any:
        begun.append(number)
        return submit(loader, number)

    monkeypatch.setattr(BatchLoader, "_submit", counted)
    with BatchLoader(chosen, documents, tokenizer, workers=1) as loader:
        loader.begin(0)
        first = next(loader.batches())
    assert begun == [0, 1]
    with BatchLoader(chosen, documents, tokenizer) as alone:
        alone.begin(0)  # nobody would draw it meanwhile
        assert begun == [0, 1]
        expected = next(alone.batches())
    assert (first.rows.inputs == expected.rows.inputs).all()


def test_batches_begin_anywhere(
    corpus: Path, tmp_path: Path, documents: list[Document], tokenizer: LmlmTokenizer
) -> None:
    with BatchLoader(settings(corpus, tmp_path), documents, tokenizer) as loader:
        batches = loader.batches()
        batch = next(batch for batch in batches if batch.epoch == 1 and batch.number == 2)
        again = next(loader.batches(batch.epoch, batch.number))
        assert (again.rows.inputs == batch.rows.inputs).all()
        after = next(loader.batches(batch.epoch, batch.number + 1))
        assert (after.rows.inputs == next(batches).rows.inputs).all()


def test_held_out_titles_depend_on_the_title_alone() -> None:
    titles = [f"Title {i}" for i in range(4000)]
    share = sum(is_held_out(t, 0.05) for t in titles) / len(titles)
    assert 0.03 < share < 0.07
    assert all(is_held_out(t, 0.1) for t in titles if is_held_out(t, 0.05))
    assert is_held_out("ADA", 0.5) == is_held_out("ada", 0.5)


def test_masked_targets_do_not_move_the_weights(tokenizer: LmlmTokenizer) -> None:
    torch.manual_seed(0)
    model = build_model(SHAPE, tokenizer.size, 0)
    inputs = torch.randint(5, 500, (2, 16))
    labels = torch.roll(inputs, -1, 1)
    labels[:, 8:] = IGNORED
    other = labels.clone()
    loss = next_token_loss(model, inputs, labels)
    # Only the first eight targets count: a sum over them taken by hand is the same.
    logits = model(input_ids=inputs).logits.log_softmax(-1)
    by_hand = -sum(logits[b, t, other[b, t]] for b in range(2) for t in range(8))
    assert torch.allclose(loss, torch.as_tensor(by_hand), rtol=1e-4)


def test_a_corpus_with_nothing_to_learn_is_refused(
    tmp_path: Path, tokenizer: LmlmTokenizer
) -> None:
    with pytest.raises(NothingToLearn):
        BatchLoader(settings(tmp_path, tmp_path), [], tokenizer)


def test_resuming_without_a_state_is_refused(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="no state"):
        train(settings(corpus, tmp_path / "none"), resume=True)


@pytest.mark.parametrize("tied", [True, False])
def test_untied_output_weights_are_saved(
    tied: bool, corpus: Path, tmp_path: Path, tokenizer: LmlmTokenizer
) -> None:
    """Whatever the configuration said: what the weights are counts."""
    model = build_model(SHAPE, tokenizer.size, 0)
    if not tied:
        model.lm_head.weight = torch.nn.Parameter(model.model.embed_tokens.weight.detach() + 1)
    save_checkpoint(tmp_path / "saved", model, tokenizer, settings(corpus, tmp_path), {})
    again = LlamaForCausalLM.from_pretrained(tmp_path / "saved", dtype=torch.bfloat16)
    assert torch.equal(again.lm_head.weight, model.lm_head.weight.to(torch.bfloat16))
    assert ("lm_head.weight" in load_file(tmp_path / "saved" / "model.safetensors")) is not tied


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("hangup", [signal.SIG_DFL, signal.SIG_IGN], ids=["usual", "nohup"])
def test_signals_of_a_terminal_are_for_the_parent(
    corpus: Path,
    documents: list[Document],
    tokenizer: LmlmTokenizer,
    tmp_path: Path,
    hangup: signal.Handlers,
) -> None:
    """A worker says nothing at Ctrl-C, and ends at once by the others, as before it was forked."""
    before = signal.signal(signal.SIGHUP, hangup)
    try:
        with (
            catching_signals(),
            BatchLoader(settings(corpus, tmp_path), documents, tokenizer, workers=1) as loader,
        ):
            assert loader._pool is not None
            number_of = {signal.SIGINT: signal.SIG_IGN, signal.SIGHUP: hangup}
            for number, handler in number_of.items():
                assert loader._pool.submit(signal.getsignal, number).result() == handler
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_checkpoint_that_is_not_whole_replaces_nothing(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted while it is written, it leaves the one before it, and no part of its own."""
    folder = train(settings(corpus, tmp_path / "run", steps=1))

    def files() -> dict[str, bytes]:
        found = [
            path for path in folder.iterdir() if not path.name.startswith(("metrics", "train"))
        ]
        return {path.name: path.read_bytes() for path in found}

    before = files()

    def interrupted(self: LmlmTokenizer, path: Path) -> None:
        path.write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(LmlmTokenizer, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(settings(corpus, tmp_path / "run", steps=2))
    after = files()
    assert after.keys() == before.keys()
    assert all(after[name] == before[name] for name in after if name != "state.pt")


@pytest.mark.parametrize(
    ("workers", "on_gpu", "cpus", "chosen"),
    [
        (-1, True, 16, 14),
        (-1, True, 64, 16),
        (-1, True, 1, 1),
        (-1, False, 16, 0),
        (3, False, 2, 3),
    ],
)
def test_workers_are_as_many_as_there_are_processors_to_spare(
    monkeypatch: pytest.MonkeyPatch, workers: int, on_gpu: bool, cpus: int, chosen: int
) -> None:
    monkeypatch.setattr(data_loader, "usable_cpus", lambda: cpus)
    assert choose_workers(workers, on_gpu=on_gpu) == chosen
