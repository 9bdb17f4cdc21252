"""The example that trains a tiny model: it learns to ask, and says in one line what keeps it."""

from __future__ import annotations

import os
from pathlib import Path

from tests.paths import ROOT
from tests.programs import run_python
from tests.test_examples import EXAMPLES, run


def test_a_tiny_model_learns_to_ask(tmp_path: Path) -> None:
    output = run("train_a_tiny_lmlm.py", str(tmp_path), cwd=tmp_path)
    assert (tmp_path / "tiny.gguf").is_file()
    assert "Zelda Quorn was born in Lowmere" in output
    assert "    asked: birth place of Zelda Quorn: Lowmere" in output.splitlines()


def test_what_keeps_a_tiny_model_from_training_is_one_line(tmp_path: Path) -> None:
    """A folder that is a file, and a machine without torch; a missing folder is made."""
    (tmp_path / "file").touch()
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(name='torch')\n")
    for folder, said in (("file", "file: File exists"), ("new/folder", "torch is not installed")):
        done = run_python(
            str(EXAMPLES / "train_a_tiny_lmlm.py"),
            folder,
            folder=tmp_path,
            PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}",
        )
        assert done.returncode and done.stderr.startswith("error: ") and said in done.stderr
        assert done.stderr.count("\n") == 1
    assert (tmp_path / "new" / "folder").is_dir()
