"""Scenarios that two processes run one after the other: they load torch once for all."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lamlam.errors import LamLamError
from lamlam.trainer import benchmark, data_loader, step_loss
from lamlam.trainer.loop import train
from lamlam.trainer.progress import Progress
from lamlam.trainer.run_records import run_picture
from lamlam.trainer.settings import load_settings

SHARD = 30
"""Documents of a shard: each process draws some of them, and reads those of the other."""


def run_pair(folder: Path, scenarios: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Run scenarios in two processes; returns what each of the two said of each, by name.

    Args:
        scenarios: each with a ``name``, a settings file ``config``, and perhaps ``set``, ``resume``,
            ``stop_at`` (a step after which SIGTERM comes to the second process) and ``die_at`` (a
            step after which the second process ends without a word), or with the arguments of a
            ``benchmark``.
    """
    plan = folder / "plan.json"
    ports = [_free_port() for _ in scenarios]
    plan.write_text(
        json.dumps([{**one, "port": p} for one, p in zip(scenarios, ports, strict=True)])
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.trainer_pair", str(plan)],
            env=os.environ
            | {"MASTER_ADDR": "127.0.0.1", "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
            | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    said = [process.communicate()[1] for process in processes]
    found: dict[str, list[dict[str, Any]]] = {}
    for one in scenarios:
        files = [folder / f"{one['name']}-{rank}.json" for rank in range(2)]
        assert files[0].exists(), said
        found[one["name"]] = [json.loads(f.read_text()) for f in files if f.exists()]
    return found


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def _run(scenario: dict[str, Any], rank: int) -> dict[str, Any]:
    os.environ["MASTER_PORT"] = str(scenario["port"])
    changes = scenario.get("set", []) + scenario.get(f"set_{rank}", [])
    losses: list[float] = []
    if "benchmark" in scenario:
        status = benchmark.main([scenario["config"], *scenario["benchmark"]])
        return {"status": status}
    try:
        train(
            load_settings(Path(scenario["config"]), changes),
            resume=scenario.get("resume", False),
            report=_reporter(scenario, rank, losses),
        )
    except LamLamError as problem:
        return {"error": type(problem).__name__, "text": str(problem), "losses": losses}
    return {"losses": losses}


def _reporter(
    scenario: dict[str, Any], rank: int, losses: list[float]
) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        losses.append(progress.loss)
        if rank == 1 and progress.step == scenario.get("die_at"):
            os._exit(9)
        if rank == 1 and progress.step == scenario.get("stop_at"):
            signal.raise_signal(signal.SIGTERM)

    return report


def main() -> None:
    """Run the scenarios of a plan, as one of the two processes."""
    data_loader.SHARD = SHARD
    setattr(run_picture, "find_spec", lambda name: None)  # noqa: B010  # drawing takes longer than the runs
    # On any processor, however slowly.
    setattr(step_loss, "_multiplies_bf16", lambda: True)  # noqa: B010
    rank = int(os.environ["RANK"])
    plan = Path(sys.argv[1])
    for scenario in json.loads(plan.read_text()):
        outcome = _run(scenario, rank)
        (plan.parent / f"{scenario['name']}-{rank}.json").write_text(json.dumps(outcome))


if __name__ == "__main__":
    main()
