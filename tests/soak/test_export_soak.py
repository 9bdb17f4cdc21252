"""Export of a large checkpoint: what it takes of memory. ``--soak`` only.

`tests/quant/test_export_memory.py` asks with every run that no part of a file stays in memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, sys
from pathlib import Path
from lamlam.benchmarks.peak_memory import peak_rss_mb
from lamlam.quant.export import export_gguf
out = export_gguf(Path(sys.argv[1]), Path(sys.argv[2]))
print(json.dumps({"peak": peak_rss_mb(), "file": out.stat().st_size / 2**20}))
"""


@pytest.fixture(autouse=True)
def only_at_length(pytestconfig: pytest.Config) -> None:
    if not pytestconfig.getoption("--soak", default=False):
        pytest.skip("runs with --soak; tests/quant/test_export_memory.py has a share of it")


def test_a_large_model_exports_within_twice_its_size(tmp_path: Path) -> None:
    """The preset lmlm-382m, in bfloat16 as the trainer saves it; Python and torch included."""
    import torch

    from lamlam.lookup_tokens import END_OF_TEXT
    from lamlam.trainer.model import build_model
    from lamlam.trainer.presets import PRESETS
    from lamlam.trainer.settings import ModelConfig
    from tests.tokenizers_of_others import train, with_lookups, write_folder

    shape, vocabulary = PRESETS["lmlm-382m"]
    model = build_model(ModelConfig(**shape), vocabulary, 0)
    model.to(torch.bfloat16).save_pretrained(tmp_path / "hf")  # type: ignore[arg-type]
    tokenizer = with_lookups(train("smollm"))
    write_folder(tokenizer, tmp_path / "hf", bos_token=END_OF_TEXT, eos_token=END_OF_TEXT)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "hf"), str(tmp_path / "m.gguf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert 700 < figures["file"] < 760
    assert figures["peak"] <= 2 * figures["file"], figures
