"""Annotating with a real Ray in local mode: `make test-cluster`.

Not part of `make test`, because Ray Data is half a gigabyte; its contract is tested there with a
stand-in.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from lamlam.cli.app import run
from lamlam.trainer.annotation import ray_documents
from lamlam.trainer.annotation.aligned_documents import align_documents
from lamlam.trainer.annotation.known_facts import KnownFacts
from lamlam.trainer.annotation.ray_documents import align_documents_on_ray
from lamlam.trainer.documents import Document

pytestmark = pytest.mark.filterwarnings("default")  # of Ray's own

DOCUMENTS = [
    Document(f"Acme {n}", f"Acme {n} was founded in {1900 + n % 100} by Ada Quill in Bath.", ())
    for n in range(1000)
]


class DeadlyFacts(KnownFacts):
    """Facts that kill the first worker that reads them."""

    def __init__(self, mark: Path) -> None:
        super().__init__([("Acme 7", "founder", "Ada Quill")])
        self._mark = str(mark)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        try:
            os.close(os.open(self._mark, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_dies_is_tried_again_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In several windows, the documents of one process, in their order."""
    monkeypatch.setattr(ray_documents, "CHUNKS_OF_CPU", 2)
    mark = tmp_path / "killed"
    mark.touch()
    facts = DeadlyFacts(mark)
    alone = list(align_documents(DOCUMENTS, facts, by_rules=True))
    mark.unlink()
    found = list(
        align_documents_on_ray(DOCUMENTS, facts, address="local", workers=1, by_rules=True)
    )
    assert found == alone
    assert mark.exists()  # a worker was killed


def test_the_command_on_a_cluster(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The same file as without; nothing of Ray between the lines of the command."""
    texts = tmp_path / "texts.jsonl"
    texts.write_text(
        "".join(json.dumps({"title": d.title, "text": d.text}) + "\n" for d in DOCUMENTS)
    )
    common = ["annotate", str(texts), "--rules", "--json", "--out"]
    assert run([*common, str(tmp_path / "alone.jsonl")]) == 0
    capfd.readouterr()
    assert run([*common, str(tmp_path / "ray.jsonl"), "--ray", "local", "--workers", "2"]) == 0
    shown = capfd.readouterr()
    assert json.loads(shown.out)["documents"] == len(DOCUMENTS)
    assert shown.err == ""
    assert (tmp_path / "ray.jsonl").read_bytes() == (tmp_path / "alone.jsonl").read_bytes()


def test_a_cluster_that_is_not_there(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One line, and no file."""
    (tmp_path / "t.txt").write_text("Acme was founded in 1987.")
    out = tmp_path / "out.jsonl"
    arguments = ["annotate", str(tmp_path / "t.txt"), "--rules", "--out", str(out)]
    assert run([*arguments, "--ray", "127.0.0.1:1"]) == 2
    assert "no Ray cluster at 127.0.0.1:1" in capfd.readouterr().err
    assert not out.exists()
