"""Training that is killed at random moments, again and again, ends with the same weights.

``--soak`` only: `tests/trainer/test_resume.py` stops a run at chosen steps with every run of the
suite, in one process.
"""

from __future__ import annotations

import dataclasses
import json
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from lamlam.trainer.documents import Document
from lamlam.trainer.loop import train
from lamlam.trainer.progress import Progress
from lamlam.trainer.settings import load_settings
from lamlam.trainer.synthetic.documents import invent
from lamlam.trainer.training_state import STATE
from tests.trainer_processes import configuration, ends, start

KILLS = 50
STEPS = 1_500


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = random.Random(5)
    path = tmp_path_factory.mktemp("corpus") / "documents.jsonl"
    path.write_text("".join(as_line(invent(rng)) for _ in range(120)), encoding="utf-8")
    return path


def as_line(document: Document) -> str:
    facts = [[fact.entity, fact.relation, fact.value] for fact in document.facts]
    at = [fact.at for fact in document.facts]
    line = {"title": document.title, "text": document.text, "facts": facts, "at": at}
    return json.dumps(line) + "\n"


@pytest.fixture(autouse=True)
def only_at_length(pytestconfig: pytest.Config) -> None:
    if not pytestconfig.getoption("--soak", default=False):
        pytest.skip("runs with --soak; tests/trainer/test_resume.py has a share of it")


def test_killed_at_random_a_run_ends_with_the_same_weights(corpus: Path, tmp_path: Path) -> None:
    """Killed as it starts, in its steps and while it saves, mostly before it has come far."""
    whole = configuration(corpus, tmp_path / "whole", steps=STEPS, save_every=3)
    killed = configuration(corpus, tmp_path / "killed", steps=STEPS, save_every=3)
    begun = time.monotonic()
    process = start(1, whole)[0]
    wait_for_steps(process, tmp_path / "whole" / "run" / "train.log", 1)
    start_s = time.monotonic() - begun
    assert ends([process])[0][0] == 0
    rng = random.Random(0)
    folder = tmp_path / "killed" / "run"
    begun_at: list[int] = []
    for _ in range(KILLS):
        begun_at.append(saved_step(folder))
        process = start(1, killed, *(["--resume"] if begun_at[-1] else []))[0]
        if rng.random() < 0.2:
            time.sleep(rng.uniform(0, start_s))
        else:
            wait_for_steps(process, folder / "train.log", rng.randint(1, 3 * STEPS // (2 * KILLS)))
            time.sleep(rng.uniform(0, 0.03))  # about one step, in which it may save, too
        assert process.poll() is None, process.communicate()[1]
        process.kill()
        process.communicate()
    begun_at.append(saved_step(folder))
    assert begun_at[-1] < STEPS
    assert begun_at == sorted(begun_at) and len(set(begun_at)) > KILLS / 2
    status, said = ends(start(1, killed, "--resume"))[0]
    assert status == 0, said
    expected = load_file(tmp_path / "whole" / "run" / "model.safetensors")
    found = load_file(folder / "model.safetensors")
    assert all(torch.equal(weight, found[name]) for name, weight in expected.items())
    assert not list(folder.glob(".*.part")), "what the killed ones began is left"


def saved_step(folder: Path) -> int:
    """The step that the run would go on from; 0 where there is none."""
    if not (folder / STATE).exists():
        return 0
    position = torch.load(folder / STATE, weights_only=True)["position"]
    return int(position["step"])


def wait_for_steps(process: subprocess.Popen[str], log: Path, n: int) -> None:
    """Wait until the process has logged so many steps of its own, or has ended."""
    before = steps_in(log)
    while process.poll() is None and steps_in(log) < before + n:
        time.sleep(0.005)


def steps_in(log: Path) -> int:
    """How many steps all processes have logged."""
    return log.read_text(encoding="utf-8").count(" epoch ") if log.exists() else 0


def test_from_every_step_a_run_goes_on_to_the_same_weights(corpus: Path, tmp_path: Path) -> None:
    """Each state of one run, kept as the run passes it, is gone on from by itself."""
    path = configuration(corpus, tmp_path / "whole", steps=24, save_every=1)
    chosen = load_settings(path)
    states: dict[int, bytes] = {}

    def keep(progress: Progress) -> None:
        if progress.step > 1:  # the state of the step before is what is there
            states[progress.step - 1] = (Path(chosen.run.output) / STATE).read_bytes()

    expected = load_file(train(chosen, report=keep) / "model.safetensors")
    assert list(states) == list(range(1, 24))
    epochs = set()
    for step, state in states.items():
        folder = tmp_path / f"from-{step}"
        folder.mkdir()
        (folder / STATE).write_bytes(state)
        epochs.add(torch.load(folder / STATE, weights_only=True)["position"]["epoch"])
        run = dataclasses.replace(chosen.run, output=str(folder))
        train(dataclasses.replace(chosen, run=run), resume=True)
        found = load_file(folder / "model.safetensors")
        assert all(torch.equal(weight, found[name]) for name, weight in expected.items()), step
    assert len(epochs) > 1


def test_a_signal_to_one_ends_both_and_one_goes_on(corpus: Path, tmp_path: Path) -> None:
    config = configuration(corpus, tmp_path / "run", steps=100_000)
    pair = start(2, config)
    log = tmp_path / "run" / "run" / "train.log"
    while not (log.exists() and "step 2 " in log.read_text()):
        assert all(process.poll() is None for process in pair)
    pair[1].send_signal(signal.SIGTERM)
    for status, said in ends(pair):
        assert status == 128 + signal.SIGTERM, said
        assert "stopped by SIGTERM after step" in said
    saved = torch.load(tmp_path / "run" / "run" / STATE, weights_only=True)["position"]
    assert saved["step"] >= 2
