"""Training runs in processes of their own: one, or several that train one model."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

# Shards of 30 documents: each process draws some of them, and reads those of the other.
PROGRAM = """
import sys
from lamlam.trainer import data_loader
from lamlam.trainer.__main__ import main
data_loader.SHARD = 30
sys.exit(main(sys.argv[1:]))
"""


def configuration(corpus: Path, folder: Path, steps: int = 6, save_every: int = 0) -> Path:
    """Write the settings of a tiny run, whose output goes to ``run`` in the folder."""
    folder.mkdir()
    path = folder / "run.toml"
    path.write_text(
        f"""
        [data]
        documents = {json.dumps(str(corpus))}
        vocabulary = 600
        [model]
        width = 16
        layers = 1
        heads = 2
        kv_heads = 1
        feed_forward = 32
        context = 128
        [optimiser]
        name = "muon"
        batch_rows = 8
        [run]
        output = {json.dumps(str(folder / "run"))}
        steps = {steps}
        log_every = 1
        save_every = {save_every}
        device = "cpu"
        """
    )
    return path


def start(world: int, config: Path, *arguments: str) -> list[subprocess.Popen[str]]:
    """Start as many processes as ``torchrun`` would."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(world)}
    return [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(config), *arguments],
            env=os.environ
            | shared
            | {"RANK": str(rank), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(world)
    ]


def ends(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str]]:
    """Wait for them; returns the status of each and what it said on standard error."""
    said = [process.communicate()[1] for process in processes]
    return [(process.returncode, text) for process, text in zip(processes, said, strict=True)]
