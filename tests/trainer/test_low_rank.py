"""A run may learn a difference of low rank alone; it is written, resumed and exported as such."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from lamlam.errors import BadCheckpoint, BadSettings, TrainingStopped, UnknownOption
from lamlam.lookup_tokens import LOOKUP_TOKENS
from lamlam.quant.delta_file import check_fits, read_delta
from lamlam.quant.delta_merge import DeltaMerge
from lamlam.quant.delta_names import DELTA_FILE
from lamlam.quant.delta_writing import DeltaType, export_delta
from lamlam.quant.export import export_gguf
from lamlam.runtime.llama.checksum import verify
from lamlam.runtime.llama.gguf_file import read_header
from lamlam.trainer.loop import train
from lamlam.trainer.low_rank import LowRankLinear, is_low_rank, merged_weights
from lamlam.trainer.optimiser import build_optimisers
from lamlam.trainer.pretrained import PretrainedModel
from lamlam.trainer.progress import Progress
from lamlam.trainer.settings import DataConfig, ModelConfig, OptimiserConfig, RunConfig, Settings
from tests.chat_ancestor import write_chat_ancestor, write_chats
from tests.checkpoints import torch_logits

Command = Callable[..., "subprocess.CompletedProcess[str]"]
RANK = 32
Numbers = NDArray[np.float32]


def settings(corpus: Path, folder: Path, output: str, **changes: Any) -> Settings:
    return Settings(
        data=DataConfig(
            documents=str(corpus), held_out=0.0, replay=str(folder / "chat.jsonl"), replay_share=0.3
        ),
        model=ModelConfig(
            init=str(folder / "ancestor.gguf"), context=64, low_rank=changes.pop("low_rank", RANK)
        ),
        optimiser=OptimiserConfig(
            batch_rows=4, learning_rate=1e-2, accumulate=changes.pop("accumulate", 1)
        ),
        run=RunConfig(
            output=str(folder / output), device="cpu", steps=4, log_every=1, evaluate_every=0,
            evaluate_documents=0, **changes,
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("low-rank")
    write_chat_ancestor(made / "ancestor.gguf")
    write_chats(made / "chat.jsonl")
    return made


@pytest.fixture(scope="module")
def run(corpus: Path, folder: Path) -> Path:
    """A run of four steps."""
    return train(settings(corpus, folder, "run"))


@pytest.fixture(scope="module")
def all_weights(corpus: Path, folder: Path) -> Path:
    """The same run with all weights."""
    return train(settings(corpus, folder, "all", low_rank=0))


def ancestor_model(folder: Path, low_rank: int = RANK) -> tuple[PretrainedModel, Any]:
    found = PretrainedModel(folder / "ancestor.gguf")
    shape = ModelConfig(init="x", context=64, low_rank=low_rank)
    model: Any = found.build_as(shape, 0)  # Any: eval has no types
    return found, model.eval()


def test_a_difference_begins_at_nothing_and_trains_nothing_else(folder: Path) -> None:
    found, model = ancestor_model(folder)
    _, before = ancestor_model(folder, low_rank=0)
    tokens = list(range(40, 70))
    assert np.abs(torch_logits(model, tokens) - torch_logits(before, tokens)).max() < 1e-4
    assert is_low_rank(model) and not is_low_rank(before)
    narrow = [part for part in model.modules() if isinstance(part, LowRankLinear)]
    assert len(narrow) == 2 * 7  # of each layer q, k, v, o, gate, up and down
    optimisers = build_optimisers(model, OptimiserConfig(learning_rate=0.1))
    start = {name: weight.detach().clone() for name, weight in model.state_dict().items()}
    for _ in range(2):  # of the first step A has no gradient, as B is zero
        model(input_ids=torch.tensor([tokens]), labels=torch.tensor([tokens])).loss.backward()
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad()
    ids = [found.tokenizer.full.token_to_id(token) for token in LOOKUP_TOKENS]
    for name, weight in model.state_dict().items():
        moved = weight != start[name]
        if name in ("model.embed_tokens.weight", "lm_head.weight"):
            assert moved[ids].any()
            moved[ids] = False
            assert not moved.any()
        else:
            assert moved.any() == ("low_rank" in name or "norm" in name), name


def test_lookup_tokens_take_the_places_of_tokens_that_the_model_never_uses(
    folder: Path, run: Path, tmp_path: Path
) -> None:
    """Tokenizer, checkpoint and GGUF agree, and the vocabulary keeps its size."""
    old = list(read_header(folder / "ancestor.gguf").metadata["tokenizer.ggml.tokens"])
    header = read_header(export_gguf(run, tmp_path / "whole.gguf"))
    new = list(header.metadata["tokenizer.ggml.tokens"])
    first = old.index("<gh_stars>")
    assert new == [*old[:first], *LOOKUP_TOKENS, *old[first + 4 :]]
    assert json.loads((run / "config.json").read_text())["vocab_size"] == len(old)
    assert "<gh_stars>" not in (run / "tokenizer.json").read_text()
    template = read_header(folder / "ancestor.gguf").metadata["tokenizer.chat_template"]
    assert header.metadata["tokenizer.chat_template"] == template


def test_the_checkpoint_is_the_sum(folder: Path, run: Path) -> None:
    """The slow way: each matrix of the ancestor plus its narrow ones, and what was trained whole."""
    _, before = ancestor_model(folder, low_rank=0)
    learnt, merged = load_file(run / DELTA_FILE), load_file(run / "model.safetensors")
    ids = _about(run)["token_ids"]
    for name, weight in before.state_dict().items():
        expected = learnt.get(name, weight).clone()
        if f"{name}.low_rank_a" in learnt:
            expected += 2.0 * learnt[f"{name}.low_rank_b"] @ learnt[f"{name}.low_rank_a"]
            assert not torch.equal(expected, weight)
        if name in ("model.embed_tokens.weight", "lm_head.weight"):
            expected[ids] = learnt["model.embed_tokens.weight.rows"]
        if name in merged:
            assert torch.equal(merged[name], expected.bfloat16()), name
    loaded: Any = AutoModelForCausalLM.from_pretrained(run, dtype=torch.float32)
    assert np.isfinite(torch_logits(loaded.eval(), [5, 6, 7])).all()


def test_merged_weights_are_those_of_the_model_that_was_trained(folder: Path) -> None:
    _, model = ancestor_model(folder)
    _, plain = ancestor_model(folder, low_rank=0)
    with torch.no_grad():
        for part in model.modules():
            if isinstance(part, LowRankLinear):
                part.low_rank_b.normal_(0, 0.1, generator=torch.Generator().manual_seed(1))
    plain.load_state_dict(dict(merged_weights(model)))
    tokens = list(range(40, 70))
    assert np.abs(torch_logits(model, tokens) - torch_logits(plain, tokens)).max() < 1e-3


def test_a_resumed_difference_is_that_of_a_run_that_was_not_stopped(
    corpus: Path, folder: Path, run: Path
) -> None:
    stopped = settings(corpus, folder, "stopped")

    def press(progress: Progress) -> None:
        if progress.step == 2:
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(TrainingStopped):
        train(stopped, report=press)
    assert not (folder / "stopped" / DELTA_FILE).exists()
    again, whole = load_file(train(stopped, resume=True) / DELTA_FILE), load_file(run / DELTA_FILE)
    assert again.keys() == whole.keys()
    assert all(torch.equal(weight, again[name]) for name, weight in whole.items())
    # Parts of a batch sum up to it.
    parts = load_file(train(settings(corpus, folder, "parts", accumulate=2)) / DELTA_FILE)
    assert all(torch.allclose(weight, parts[name], atol=2e-3) for name, weight in whole.items())


def _about(run: Path) -> dict[str, Any]:
    from safetensors import safe_open

    with safe_open(run / DELTA_FILE, framework="np") as file:
        about: dict[str, Any] = json.loads(file.metadata()["lamlam"])
    return about


def _tensors(path: Path) -> dict[str, Numbers]:
    """All numbers of a GGUF file."""
    return {
        one.name: np.array(gguf.dequantize(one.data, one.tensor_type)).reshape(one.shape[::-1])
        for one in gguf.GGUFReader(path).tensors
    }


def _applied(delta: Path, ancestor: Path) -> dict[str, Numbers]:
    """The ancestor with a delta, as its description says: the slow way."""
    said = read_header(delta).metadata
    found, ours = _tensors(ancestor), _tensors(delta)
    for name, values in ours.items():
        if name.endswith(".lora_a"):
            plain = name.removesuffix(".lora_a")
            product = ours[f"{plain}.lora_b"] @ values
            found[plain] = found[plain] + said["adapter.lora.alpha"] / len(values) * product
        elif name.endswith(".rows"):
            found[name.removesuffix(".rows")][said["lamlam.delta.token_ids"]] = values
        elif not name.endswith(".lora_b"):
            found[name] = values
    return found


@pytest.mark.parametrize("rank", [0, RANK])
def test_a_delta_turns_the_ancestor_into_the_checkpoint(
    rank: int, folder: Path, run: Path, all_weights: Path, tmp_path: Path
) -> None:
    """Also that of a run of all weights, where the rank is that of its matrices."""
    trained, ancestor = (all_weights if rank else run), folder / "ancestor.gguf"
    done = export_delta(
        trained, tmp_path / "d.gguf", delta_type="f16", rank=rank, ancestor=ancestor if rank else None
    )  # fmt: skip
    assert (done.rank, done.n_bytes) == (RANK, done.path.stat().st_size)
    assert verify(done.path) and done.error < 1e-3
    whole = _tensors(export_gguf(trained, tmp_path / "whole.gguf", dtype="f32"))
    before, after = _tensors(ancestor), _applied(done.path, ancestor)
    delta, header = read_delta(done.path), read_header(ancestor)
    check_fits(delta, header, ancestor)
    merge = DeltaMerge(delta, ancestor, header)
    for entry in header.tensors:
        assert np.allclose(merge.values(entry), after[entry.name], atol=1e-6), entry.name
    assert whole.keys() == after.keys()
    for name, values in whole.items():
        assert np.abs(values - after[name]).max() < 2.0**-8 * np.abs(values).max(), name
        if name.startswith("blk.0.attn_q"):  # rows are in the order of the file
            assert np.abs(values - before[name]).max() > 0.01


def test_smaller_types_lose_more_and_rows_that_do_not_fit_have_f16(
    run: Path, tmp_path: Path
) -> None:
    kinds: tuple[DeltaType, ...] = ("f16", "q8_0", "q5_0", "q4_0")
    done = [export_delta(run, tmp_path / "d.gguf", delta_type=kind) for kind in kinds]
    assert [one.n_bytes for one in done] == sorted((one.n_bytes for one in done), reverse=True)
    assert [one.error for one in done] == sorted(one.error for one in done)
    assert 0.02 < done[-1].error < 0.15
    # f32: norms. f16: rows of tokens, and of k and v, which have 16 rows, the second narrow matrix.
    assert done[-1].types == {"q4_0": 24, "f32": 5, "f16": 5}
    cut = export_delta(run, tmp_path / "d.gguf", delta_type="q8_0", rank=8)
    assert cut.rank == 8 and cut.types == {"q8_0": 14, "f16": 15, "f32": 5}


def test_a_delta_says_what_it_belongs_to(folder: Path, run: Path, tmp_path: Path) -> None:
    said = read_header(export_delta(run, tmp_path / "own-1.gguf").path).metadata
    assert (said["general.type"], said["adapter.type"]) == ("adapter", "lora")
    assert said["general.name"] == "own-1"
    assert said["lamlam.delta.base.file"] == "ancestor.gguf"
    assert list(said["lamlam.delta.tokens"]) == list(LOOKUP_TOKENS)
    tokens = list(read_header(folder / "ancestor.gguf").metadata["tokenizer.ggml.tokens"])
    assert [tokens[n] for n in said["lamlam.delta.token_ids"]] == tokens[-4:]
    assert said["tokenizer.ggml.bos_token_id"] == said["tokenizer.ggml.eos_token_id"] == 0
    assert said["lamlam.verbalise"] == "copy" and "lamlam.training" in said


def test_what_has_no_delta_is_refused_in_a_line(
    folder: Path, run: Path, all_weights: Path, tmp_path: Path
) -> None:
    ancestor, other = folder / "ancestor.gguf", tmp_path / "other.gguf"
    other.write_bytes(ancestor.read_bytes() + b" ")
    out = tmp_path / "d.gguf"
    damaged, unknown = tmp_path / "damaged", tmp_path / "unknown"
    shutil.copytree(run, damaged)
    (damaged / DELTA_FILE).write_bytes((run / DELTA_FILE).read_bytes()[:2000])
    shutil.copytree(run, unknown)
    about = {**_about(run), "ancestor_sha256": ""}
    save_file(load_file(run / DELTA_FILE), unknown / DELTA_FILE, {"lamlam": json.dumps(about)})
    for trained, given, rank, what in (
        (all_weights, None, 0, "has no delta.safetensors: the run has trained all weights"),
        (all_weights, ancestor, 0, "has to be cut to a rank"),
        (run, other, 0, "went on from another file"),
        (damaged, None, 0, "cannot read .*delta.safetensors"),
        (unknown, None, 0, "does not say which GGUF file it went on from"),
        (tmp_path / "nothing", None, 0, "is not a folder"),
    ):
        with pytest.raises(BadCheckpoint, match=what):
            export_delta(trained, out, rank=rank, ancestor=given)
    assert export_delta(unknown, out, ancestor=ancestor).rank == RANK
    out.unlink()
    with pytest.raises(UnknownOption, match="'q4_9'"):
        export_delta(run, out, delta_type="q4_9")  # type: ignore[arg-type]
    assert not out.exists()


def test_the_command_prints_the_size_and_what_is_left_out(
    run: Path, all_weights: Path, folder: Path, lamlam_command: Command
) -> None:
    done = lamlam_command("export", str(run), "--delta", "d.gguf", "--delta-type", "Q4_0", "--json")
    figures = json.loads(done.stdout)
    assert figures["bytes"] == Path("d.gguf").stat().st_size
    assert (figures["rank"], figures["type"]) == (RANK, "q4_0")
    assert figures["tensors"]["q4_0"] == 24 and 0 < figures["error"] < 0.2
    cut = lamlam_command(
        "export", str(all_weights), "--delta", "d.gguf", "--delta-rank", "4",
        "--ancestor", str(folder / "ancestor.gguf"),
    )  # fmt: skip
    assert cut.returncode == 0 and "rank     4" in cut.stdout
    for arguments, what in (
        ([str(run)], "name one file to write"),
        ([str(run), "a.gguf", "--delta", "b.gguf"], "name one file to write"),
        ([str(all_weights), "--delta", "b.gguf"], "has no delta.safetensors"),
        ([str(run), "--delta", "b.gguf", "--ancestor", "absent.gguf"], "absent.gguf"),
        ([str(run), "--delta", "absent/b.gguf"], "cannot write"),
        (
            [str(all_weights), "--delta", "b.gguf", "--ancestor", "d.gguf", "--delta-rank", "4"],
            "d.gguf",
        ),
        (
            [str(all_weights), "--delta", "b.gguf", "--ancestor", "no.gguf", "--delta-rank", "4"],
            "no.gguf",
        ),
    ):
        failed = lamlam_command("export", *arguments)
        assert failed.returncode == 2 and failed.stderr.startswith("error: ")
        assert what in failed.stderr and failed.stderr.count("\n") == 1, failed.stderr
    assert not Path("b.gguf").exists()


def test_a_delta_does_not_outlive_its_checkpoint(corpus: Path, folder: Path) -> None:
    once = settings(corpus, folder, "twice")
    once = dataclasses.replace(once, run=dataclasses.replace(once.run, steps=1))
    assert (train(once) / DELTA_FILE).exists()
    whole = dataclasses.replace(once, model=dataclasses.replace(once.model, low_rank=0))
    assert not (train(whole) / DELTA_FILE).exists()


@pytest.mark.parametrize(
    ("model", "optimiser", "run", "what"),
    [
        ({"low_rank": 4}, {}, {}, "model.low_rank needs model.init"),
        ({"low_rank": 4, "init": "x"}, {"name": "muon"}, {}, "needs optimiser.name = 'adamw'"),
        ({"low_rank": 4, "init": "x"}, {}, {"sharding": "full"}, "needs run.sharding = 'none'"),
        ({"low_rank": -1, "init": "x"}, {}, {}, "must be 0 or more, got -1"),
        ({"low_rank": 4, "init": "x", "low_rank_alpha": math.inf}, {}, {}, "must be 0 or more"),
    ],
)
def test_settings_that_do_not_go_together(
    model: dict[str, Any], optimiser: dict[str, Any], run: dict[str, Any], what: str
) -> None:
    with pytest.raises(BadSettings, match=what):
        Settings(
            data=DataConfig(documents="x"),
            model=ModelConfig(**model),
            optimiser=OptimiserConfig(**optimiser),
            run=RunConfig(steps=1, **run),
        )
