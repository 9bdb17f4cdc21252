"""How the speed of training grows with the number of processes: one short run for each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import torch

from lamlam.errors import BadSettings
from lamlam.trainer.settings import RunConfig, Settings, load_settings
from lamlam.usable_cpus import usable_cpus

_LOSS_STEPS = 20
"""Steps of the largest number of processes, after whose tokens the losses are compared."""
_PLANNED_STEPS = 20_000
"""Of one process at least, which the learning rate follows; no run ends by itself before."""


@dataclass(frozen=True, slots=True)
class ScalingPlan:
    """Which runs to make."""

    config: Path
    changes: tuple[str, ...]
    """Changes to the settings, as ``--set`` takes them."""
    worlds: tuple[int, ...]
    """Numbers of processes, each once, smallest first."""
    shardings: tuple[str, ...]
    seconds: float
    loss_steps: int = 0
    """Steps of the largest number of processes; 0: a default, and `seconds` decides when to end."""
    is_batch_fixed: bool = False
    """All runs train on batches of one size; otherwise each process gets as much as one alone."""


def parse_worlds(text: str) -> tuple[int, ...]:
    """Return the numbers of processes of a list such as ``1,2,4``.

    Raises:
        BadSettings: it is none.
    """
    try:
        worlds = sorted({int(part) for part in text.split(",")})
    except ValueError:
        worlds = []
    if not worlds or worlds[0] < 1:
        raise BadSettings(
            f"--world-sizes must be numbers of processes, got {text!r}", hint="such as 1,2,4"
        )
    return tuple(worlds)


def parse_shardings(text: str) -> tuple[str, ...]:
    """Return the values of ``run.sharding`` of a list such as ``none,full``.

    Raises:
        BadSettings: one is not known.
    """
    known = get_args(get_type_hints(RunConfig)["sharding"])
    found = tuple(dict.fromkeys(text.split(",")))
    if not set(found) <= set(known):
        raise BadSettings(f"--sharding must be some of {', '.join(known)}, got {text!r}")
    return found


def measure_scaling(plan: ScalingPlan) -> dict[str, Any]:
    """Run the benchmark for each number of processes; returns all figures.

    A run that fails is among them with its ``error``, and the others go on.

    Raises:
        BadSettings: the settings are wrong, or the machine has too few GPUs.
    """
    settings = load_settings(plan.config, list(plan.changes))
    on_gpu = torch.cuda.is_available() and settings.run.device != "cpu"
    if on_gpu and plan.worlds[-1] > torch.cuda.device_count():
        raise BadSettings(
            f"--world-sizes asks for {plan.worlds[-1]} GPUs, and this machine has"
            f" {torch.cuda.device_count()}",
            hint="run.device = 'cpu' measures processes on the CPU",
        )
    runs = []
    for world in plan.worlds:
        # One process has nothing to spread.
        for sharding in plan.shardings if world > 1 else ("none",):
            sys.stderr.write(f"{world} x {'GPU' if on_gpu else 'CPU'}, sharding {sharding} …\n")
            figures = _run(plan, settings, world, sharding)
            runs.append({"processes": world, "sharding": sharding, **figures})
    add_efficiency(runs)
    return {
        "device": torch.cuda.get_device_name() if on_gpu else "CPU processes over gloo, no GPU",
        "torch": torch.__version__,
        "seed": settings.run.seed,
        "context": settings.model.context,
        "batch": "fixed" if plan.is_batch_fixed else "grows with the processes",
        "runs": runs,
    }


def add_efficiency(runs: Sequence[dict[str, Any]]) -> None:
    """Add to each run its speed over that of as many times the smallest number of processes."""
    whole = [run for run in runs if "error" not in run]
    if not whole:
        return
    first = whole[0]
    for run in whole:
        ideal = first["tokens_per_s"] * run["processes"] / first["processes"]
        run["efficiency"] = round(run["tokens_per_s"] / ideal, 4)


def child_arguments(
    plan: ScalingPlan, settings: Settings, world: int, sharding: str, folder: Path
) -> list[str]:
    """Return the benchmark's arguments for one run; its figures go to ``figures.json``."""
    times = 1 if plan.is_batch_fixed else world
    most = 1 if plan.is_batch_fixed else plan.worlds[-1]
    rows = settings.optimiser.batch_rows * times
    # As many tokens in every run, and the same learning rate after each of them.
    loss_steps = -(-(plan.loss_steps or _LOSS_STEPS) * most // times)
    least = 2 * loss_steps * times if plan.loss_steps else _PLANNED_STEPS
    planned = -(-max(settings.run.steps, least) // times)
    changes = [
        *plan.changes,
        f"optimiser.batch_rows={rows}",
        f"run.steps={planned}",
        f"run.sharding={json.dumps(sharding)}",
        f"run.output={json.dumps(str(folder))}",
    ]
    if settings.optimiser.accumulate == 1:  # not chosen by the user: memory decides
        changes.append("optimiser.accumulate=0")
    ending = ["--steps", str(loss_steps)] if plan.loss_steps else ["--seconds", str(plan.seconds)]
    return [
        str(plan.config),
        *ending,
        "--loss-steps",
        str(loss_steps),
        "--figures",
        str(folder / "figures.json"),
        *(part for change in changes for part in ("--set", change)),
    ]


def _run(plan: ScalingPlan, settings: Settings, world: int, sharding: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        # All runs share the processors alike, whatever the number of processes.
        threads = str(max(1, usable_cpus() // plan.worlds[-1]))
        finished = subprocess.run(
            [
                sys.executable, "-m", "torch.distributed.run", "--standalone",
                "--nproc-per-node", str(world), "--log-dir", folder,
                "-m", "lamlam.trainer.benchmark",
                *child_arguments(plan, settings, world, sharding, Path(folder)),
            ],
            env={"OMP_NUM_THREADS": threads, "KINETO_LOG_LEVEL": "5"} | os.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )  # fmt: skip
        said = finished.stderr.splitlines()
        try:
            figures: dict[str, Any] = json.loads((Path(folder) / "figures.json").read_text())
        except (OSError, ValueError):
            problems = [line for line in said if line.startswith("error: ")] or said[-1:]
            reason = problems[0] if problems else f"it ended with {finished.returncode}"
            return {"error": reason.removeprefix("error: ")}
    return figures


_COLUMNS = (
    ("processes", "processes", "{}"),
    ("sharding", "sharding", "{}"),
    ("tokens/s", "tokens_per_s", "{:,}"),
    ("efficiency", "efficiency", "{:.3f}"),
    ("share of card", "share_of_matmul", "{:.1%}"),
    ("rows at once", "rows_at_once", "{}"),
    ("bytes sent a step", "sent_bytes_per_step", "{:,}"),
    ("ms exchanging", "exchange_ms_per_step", "{:.2f}"),
    ("loss", "loss_after_same_tokens", "{:.4f}"),
)


def as_table(runs: Sequence[dict[str, Any]]) -> str:
    """Return the runs as a Markdown table."""
    lines = [[title for title, _, _ in _COLUMNS], ["---:"] * len(_COLUMNS)]
    for run in runs:
        cells = [form.format(run[key]) if key in run else "-" for _, key, form in _COLUMNS]
        if "error" in run:
            cells[2] = f"failed: {run['error']}".replace("|", "/")
        lines.append(cells)
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)
