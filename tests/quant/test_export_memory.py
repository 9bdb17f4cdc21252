"""An export holds one tensor at a time, however large the checkpoint is."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.quant.export import export_gguf
from tests.checkpoints import llama, save_checkpoint


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells what is mapped")
def test_nothing_that_was_read_stays_mapped(tokenizer_file: Path, tmp_path: Path) -> None:
    """Pages of the file count as memory of the process: between two tensors there are none."""
    folder = save_checkpoint(llama(64).bfloat16(), tokenizer_file, tmp_path / "hf")
    mapped: list[int] = []

    def look(done: int, total: int) -> None:
        mapped.append(Path("/proc/self/maps").read_text().count(str(folder)))

    export_gguf(folder, tmp_path / "m.gguf", progress=look)
    assert len(mapped) > 10
    assert not any(mapped)
