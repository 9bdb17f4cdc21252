"""Training that is killed at random moments, again and again, ends with the same weights.

``--soak`` only: `tests/trainer/test_resume.py` stops a run at chosen steps with every run of the
suite, in one process.
"""

from __future__ import annotations

import json
import random
import signal
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from lamlam.trainer.documents import Document
from lamlam.trainer.synthetic.documents import invent
from lamlam.trainer.training_state import STATE
from tests.trainer_processes import configuration, ends, start

KILLS = 50


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
    steps = 3_000
    whole = configuration(corpus, tmp_path / "whole", steps=steps, save_every=7)
    killed = configuration(corpus, tmp_path / "killed", steps=steps, save_every=7)
    begun = time.monotonic()
    assert ends(start(1, whole))[0][0] == 0
    whole_s = time.monotonic() - begun
    rng = random.Random(0)
    state = tmp_path / "killed" / "run" / STATE
    for _ in range(KILLS):
        process = start(1, killed, *(["--resume"] if state.exists() else []))[0]
        time.sleep(rng.uniform(0.3, 0.6) * whole_s)  # in the middle of reading, training or saving
        process.kill()
        process.communicate()
    status = ends(start(1, killed, *(["--resume"] if state.exists() else [])))[0][0]
    assert status == 0
    expected = load_file(tmp_path / "whole" / "run" / "model.safetensors")
    found = load_file(tmp_path / "killed" / "run" / "model.safetensors")
    assert all(torch.equal(weight, found[name]) for name, weight in expected.items())


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
