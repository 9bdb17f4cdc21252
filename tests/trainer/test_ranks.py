"""Two processes train the model that one would have trained, whole or spread over them."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from lamlam.errors import BadSettings, TrainingStopped
from lamlam.quant.delta_names import DELTA_FILE
from lamlam.trainer import data_loader
from lamlam.trainer.loop import train
from lamlam.trainer.progress import Progress
from lamlam.trainer.ranks import Ranks
from lamlam.trainer.run_records.metrics_log import METRICS, read_metrics
from lamlam.trainer.settings import load_settings
from lamlam.trainer.spread_state import POINTER
from lamlam.trainer.training_state import STATE
from tests.chat_ancestor import write_chat_ancestor
from tests.trainer_pair import SHARD, run_pair
from tests.trainer_processes import configuration

STOP = 3
SPREAD = ["run.sharding='full'"]
HALVES = ["run.precision='bf16'", "model.tied=false", "model.family='qwen3'", "model.layers=2"]
PARTS = ["optimiser.name='adamw'", "optimiser.accumulate=2", "model.family='gpt2'"]


class Runs:
    """One-process runs, and what the pair made of the same settings."""

    def __init__(self, corpus: Path, folder: Path) -> None:
        self.corpus, self.folder = corpus, folder
        self.alone_losses: dict[str, list[float]] = {}
        folder.mkdir(exist_ok=True)
        self.pair: dict[str, list[dict[str, Any]]] = {}

    def config(self, name: str) -> str:
        path = configuration(self.corpus, self.folder / name)
        # All are evaluated on the way, which must leave no trace.
        text = path.read_text().replace("[data]", "[data]\nheld_out = 0.2")
        path.write_text(text.replace("[run]", "[run]\nevaluate_every = 4"))
        return str(path)

    def difference_config(self, name: str) -> str:
        """Settings of a run that goes on from another model by a difference of low rank."""
        ancestor = self.folder / "ancestor.gguf"
        if not ancestor.exists():
            write_chat_ancestor(ancestor)
        path = Path(self.config(name))
        before, _, after = path.read_text().partition("[model]")
        rest = after.partition("[optimiser]")[2].replace('"muon"', '"adamw"')
        model = f"[model]\ninit = {json.dumps(str(ancestor))}\ncontext = 64\nlow_rank = 8\n"
        path.write_text(before.replace("vocabulary = 600", "") + model + "[optimiser]" + rest)
        return str(path)

    def alone(self, name: str, *changes: str, resume: bool = False, stop_at: int = 0) -> None:
        losses: list[float] = []

        def report(progress: Progress) -> None:
            losses.append(progress.loss)
            if progress.step == stop_at:
                signal.raise_signal(signal.SIGTERM)

        path = self.folder / name / "run.toml"
        try:
            train(load_settings(path, list(changes)), resume=resume, report=report)
        except TrainingStopped:
            assert stop_at
        self.alone_losses[name] = losses

    def weights(self, name: str) -> dict[str, torch.Tensor]:
        return load_file(self.folder / name / "run" / "model.safetensors")


@pytest.fixture(scope="module")
def runs(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    runs = Runs(corpus, tmp_path_factory.mktemp("pair"))
    other = runs.folder / "other.jsonl"
    lines = corpus.read_text().splitlines(keepends=True)
    other.write_text("".join(lines[:-1]))
    names = [
        "whole",
        "spread",
        "halves",
        "halves_spread",
        "parts",
        "parts_spread",
        "resumed",
        "two_to_one",
        "one_to_two",
    ]
    config = {
        name: runs.config(name)
        for name in [*names, "other", "measured", "lost", "alone", "alone_parts"]
    }
    config |= {name: runs.difference_config(name) for name in ("difference", "alone_difference")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data_loader, "SHARD", SHARD)
        runs.alone("alone_difference")
        runs.alone("alone")
        runs.alone("alone_parts", *PARTS)
        runs.alone("one_to_two", stop_at=STOP)
        figures = str(runs.folder / "figures.json")
        measured = ["--steps", "4", "--loss-steps", "4", "--figures", figures]
        measured += ["--set", SPREAD[0]]
        scenarios: list[dict[str, Any]] = [
            {"name": "whole"},
            {"name": "spread", "set": SPREAD},
            {"name": "halves", "set": HALVES},
            {"name": "halves_spread", "set": [*HALVES, *SPREAD]},
            {"name": "parts", "set": PARTS},
            {"name": "parts_spread", "set": [*PARTS, *SPREAD]},
            {"name": "difference"},
            {"name": "resumed", "set": SPREAD, "stop_at": STOP},
            {"name": "resumed_again", "of": "resumed", "set": SPREAD, "resume": True},
            {"name": "two_to_one", "set": SPREAD, "stop_at": STOP},
            {"name": "one_to_two", "set": SPREAD, "resume": True},
            {"name": "other", "set_1": [f"data.documents='{other}'"]},
            {"name": "measured", "benchmark": measured},
            {"name": "lost", "die_at": 2},
        ]
        for one in scenarios:
            one["config"] = config[one.get("of", one["name"])]
        runs.pair = run_pair(runs.folder, scenarios)
        runs.alone("two_to_one", resume=True)
    return runs


def losses(runs: Runs, name: str) -> list[float]:
    found: list[float] = runs.pair[name][0]["losses"]
    return found


@pytest.mark.parametrize("name", ["whole", "spread"])
def test_two_processes_learn_what_one_learns_under_muon(runs: Runs, name: str) -> None:
    assert losses(runs, name) == pytest.approx(runs.alone_losses["alone"], abs=2e-3)
    assert runs.pair[name][0]["losses"] == runs.pair[name][1]["losses"]
    found = runs.weights(name)
    for key, weight in runs.weights("alone").items():
        # Sums in another order, which Muon's bfloat16 makes a little larger.
        assert torch.allclose(weight, found[key], atol=3e-3), key


@pytest.mark.parametrize("name", ["whole", "spread"])
def test_two_processes_find_what_one_finds_on_held_out_documents(runs: Runs, name: str) -> None:
    def evaluations(of: str) -> list[dict[str, Any]]:
        records = read_metrics(runs.folder / of / "run" / METRICS)
        return [record for record in records if record["kind"] == "evaluation"]

    found, alone = evaluations(name), evaluations("alone")
    assert [one["step"] for one in found] == [one["step"] for one in alone] == [4, 6]
    for one, other in zip(found, alone, strict=True):
        assert one["n_lookups"] == other["n_lookups"] > 0
        assert one["n_keys"] == other["n_keys"] > 0
        assert one["held_out_loss"] == pytest.approx(other["held_out_loss"], abs=2e-3)


@pytest.mark.parametrize("name", ["parts", "parts_spread"])
def test_two_processes_learn_what_one_learns_in_parts(runs: Runs, name: str) -> None:
    assert losses(runs, name) == pytest.approx(runs.alone_losses["alone_parts"], abs=1e-4)
    found = runs.weights(name)
    for key, weight in runs.weights("alone_parts").items():
        assert torch.allclose(weight, found[key], atol=1e-3), key


def test_two_processes_learn_the_difference_that_one_learns(runs: Runs) -> None:
    assert losses(runs, "difference") == pytest.approx(
        runs.alone_losses["alone_difference"], abs=1e-4
    )
    found, alone = (
        load_file(runs.folder / name / "run" / DELTA_FILE)
        for name in ("difference", "alone_difference")
    )
    for key, weight in alone.items():
        assert torch.allclose(weight, found[key], atol=1e-3), key


def test_a_spread_model_learns_in_bfloat16_what_a_whole_one_learns(runs: Runs) -> None:
    """Blocks that are gathered in bfloat16 are what autocast makes of them."""
    assert losses(runs, "halves_spread") == pytest.approx(losses(runs, "halves"), abs=1e-3)
    assert losses(runs, "halves") != losses(runs, "whole")
    found = runs.weights("halves_spread")
    for key, weight in runs.weights("halves").items():
        assert torch.allclose(weight, found[key], atol=5e-3), key


def test_a_signal_to_one_process_saves_the_spread_state_and_it_goes_on_exactly(runs: Runs) -> None:
    assert [one["error"] for one in runs.pair["resumed"]] == ["TrainingStopped"] * 2
    assert losses(runs, "resumed") + losses(runs, "resumed_again") == losses(runs, "spread")
    found = runs.weights("resumed")
    assert all(torch.equal(w, found[key]) for key, w in runs.weights("spread").items())


@pytest.mark.parametrize("name", ["two_to_one", "one_to_two"])
def test_a_state_goes_on_in_another_number_of_processes(runs: Runs, name: str) -> None:
    whole = runs.alone_losses["alone"]
    both = runs.alone_losses[name], losses(runs, name)
    before, after = both if name == "one_to_two" else reversed(both)
    assert len(before) == STOP and before + after == pytest.approx(whole, abs=2e-3)
    found = runs.weights(name)
    for key, weight in runs.weights("alone").items():
        assert torch.allclose(weight, found[key], atol=3e-3), key
    # One state is left, in the form of the last session.
    folder = runs.folder / name / "run"
    left = {path.name.partition("-")[0] for path in folder.glob("state*")}
    assert left == ({STATE} if name == "two_to_one" else {POINTER, "state"})


def test_a_process_with_other_documents_is_refused_by_name(runs: Runs) -> None:
    for outcome in runs.pair["other"]:
        assert outcome["error"] == "BadSettings"
        assert "the content of data.documents is" in outcome["text"]
        assert "in process 1" in outcome["text"]


def test_a_process_that_ends_without_a_word_ends_the_others(runs: Runs) -> None:
    (left,) = runs.pair["lost"]
    assert left["error"] == "ProcessLost"
    assert len(left["losses"]) == 2


def test_the_benchmark_says_what_two_processes_exchange(runs: Runs) -> None:
    assert [one["status"] for one in runs.pair["measured"]] == [0, 0]
    figures = json.loads((runs.folder / "figures.json").read_text())
    assert figures["step"] == 4 and figures["rows_at_once"] == 4
    assert figures["loss_after_same_tokens"] == figures["loss"]
    # Gathered for the forward pass, and the block for the backward pass; all summed in float32.
    matrices = 16 * (16 + 8 + 8 + 16) + 3 * 16 * 32
    block, rest = matrices + 2 * 16, 600 * 16 + 16
    floats = 2 * block + rest + block + rest
    # Halves of matrices travel in bfloat16 to be orthogonalised whole; of the only one of its
    # shape the first process sends all.
    only = 16 * 32
    floats_of_muon = matrices / 2 + (matrices - only) / 2 + only
    sent = (4 * floats + 2 * floats_of_muon) / 2
    assert figures["sent_bytes_per_step"] == pytest.approx(sent, rel=0.01)
    assert figures["exchange_ms_per_step"] > 0
    assert not (runs.folder / "measured" / "run" / "benchmark").exists()


def test_rows_that_cannot_be_shared_are_refused() -> None:
    assert Ranks(1, 4).share_of(16, 2) == slice(4, 8)
    with pytest.raises(BadSettings, match="12, which 4 processes with 2 parts") as refused:
        Ranks(1, 4).share_of(12, 2)
    assert refused.value.hint == "use a multiple of 8"
