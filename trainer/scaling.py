"""How the speed of training grows with the number of processes: one short run for each."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, get_args, get_type_hints

import torch

from lamlam.errors import BadSettings
from lamlam.trainer.documents import UNREADABLE, open_text
from lamlam.trainer.gpu_memory import divisors
from lamlam.trainer.run_phases import phase_in
from lamlam.trainer.settings import RunConfig, Settings, load_settings
from lamlam.trainer.watched_processes import run_watched
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
    documents: int = 20_000
    """Of the file of documents so many are prepared; 0: all."""
    limit: float = 180.0
    """Seconds that a phase of a run may take, beside those that it is to take."""


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


def measure_scaling(
    plan: ScalingPlan, report: Callable[[dict[str, Any]], None] = lambda run: None
) -> dict[str, Any]:
    """Run the benchmark for each number of processes; returns all figures.

    A run that fails is among them with its ``error``, and the others go on. Documents are made
    token files once, and what one run compiles the others find.

    Args:
        report: is told each run as soon as it is over.

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
    common = {
        "device": torch.cuda.get_device_name() if on_gpu else "CPU processes over gloo, no GPU",
        "torch": torch.__version__,
        "seed": settings.run.seed,
        "context": settings.model.context,
        "batch": "fixed" if plan.is_batch_fixed else "grows with the processes",
    }
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as shared:
        folder = Path(shared)
        environment = _environment(folder)
        data = _prepared(plan, settings, folder, environment)
        rows_at_once: int | None = None
        for world in plan.worlds:
            # One process has nothing to spread.
            for sharding in plan.shardings if world > 1 else ("none",):
                one = _OneRun(plan, settings, world, sharding, data, rows_at_once)
                run = {"processes": world, "sharding": sharding, **_run(one, folder, environment)}
                if on_gpu and sharding == "none":
                    rows_at_once = rows_at_once or run.get("rows_at_once")
                runs.append(run)
                add_efficiency(runs)
                report({**run, **common})
    return {**common, "runs": runs}


def add_efficiency(runs: Sequence[dict[str, Any]]) -> None:
    """Add to each run its speed over that of as many times the smallest number of processes."""
    whole = [run for run in runs if "error" not in run]
    if not whole:
        return
    first = whole[0]
    for run in whole:
        ideal = first["tokens_per_s"] * run["processes"] / first["processes"]
        run["efficiency"] = round(run["tokens_per_s"] / ideal, 4)


@dataclass(frozen=True, slots=True)
class _OneRun:
    """One of the runs of a plan."""

    plan: ScalingPlan
    settings: Settings
    world: int
    sharding: str
    data: tuple[str, ...] = ()
    """Changes to the settings by which it reads the data that all runs share."""
    rows_at_once: int | None = None
    """Rows that were found to fit into the memory of a GPU."""

    def accumulate(self, rows: int) -> int | None:
        """Return what ``optimiser.accumulate`` has to be; None: as the user says.

        Args:
            rows: of the whole batch.
        """
        if self.settings.optimiser.accumulate > 1:
            return None
        if self.rows_at_once is None:
            return 0  # memory decides
        own = rows // self.world
        return own // max(n for n in divisors(own) if n <= self.rows_at_once)


def child_arguments(
    plan: ScalingPlan,
    settings: Settings,
    world: int,
    sharding: str,
    folder: Path,
    *,
    data: tuple[str, ...] = (),
    rows_at_once: int | None = None,
) -> list[str]:
    """Return the benchmark's arguments for one run; its figures go to ``figures.json``.

    Args:
        data: changes to the settings by which the run reads data that all share.
        rows_at_once: what was found to fit into the memory of a GPU.
    """
    times = 1 if plan.is_batch_fixed else world
    most = 1 if plan.is_batch_fixed else plan.worlds[-1]
    rows = settings.optimiser.batch_rows * times
    # As many tokens in every run, and the same learning rate after each of them.
    loss_steps = -(-(plan.loss_steps or _LOSS_STEPS) * most // times)
    least = 2 * loss_steps * times if plan.loss_steps else _PLANNED_STEPS
    planned = -(-max(settings.run.steps, least) // times)
    changes = [
        *plan.changes,
        *data,
        f"optimiser.batch_rows={rows}",
        f"run.steps={planned}",
        f"run.sharding={json.dumps(sharding)}",
        f"run.output={json.dumps(str(folder))}",
    ]
    one = _OneRun(plan, settings, world, sharding, data, rows_at_once)
    if (accumulate := one.accumulate(rows)) is not None:
        changes.append(f"optimiser.accumulate={accumulate}")
    ending = ["--steps", str(loss_steps)] if plan.loss_steps else ["--seconds", str(plan.seconds)]
    return [
        str(plan.config),
        *ending,
        "--loss-steps",
        str(loss_steps),
        "--figures",
        str(folder / "figures.json"),
        *_as_options(changes),
    ]


def _as_options(changes: Sequence[str]) -> list[str]:
    return [part for change in changes for part in ("--set", change)]


def _environment(folder: Path) -> dict[str, str]:
    """Return the environment of all runs; what one compiles is kept for the next ones."""
    kept = {
        "TORCHINDUCTOR_CACHE_DIR": str(folder / "compiled"),
        "TRITON_CACHE_DIR": str(folder / "compiled" / "triton"),
        "KINETO_LOG_LEVEL": "5",
        "PYTHONUNBUFFERED": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    return kept | os.environ | {"NCCL_NVLS_ENABLE": "0"}  # no NVLink multicast, whoever asks


def _prepared(
    plan: ScalingPlan, settings: Settings, folder: Path, environment: Mapping[str, str]
) -> tuple[str, ...]:
    """Make token files of the documents; returns the changes by which runs read them.

    Raises:
        BadSettings: it failed; the message says why.
    """
    data = settings.data
    if data.mixture or data.tokens:
        return ()
    said = _Saying("data")
    try:
        documents = _first_documents(plan, settings, folder)
    except UNREADABLE as problem:
        # A system's own message names the file again.
        why = (problem.strerror if isinstance(problem, OSError) else None) or problem
        raise BadSettings(f"cannot read {data.documents}: {why}") from None
    tokens = folder / "tokens"
    given = [*plan.changes, f"data.documents={json.dumps(str(documents))}"]
    command = [
        sys.executable, "-m", "lamlam.trainer.prepare", str(plan.config), "--out", str(tokens),
        "--workers", str(usable_cpus()), *_as_options(given),
    ]  # fmt: skip
    failure = run_watched([(command, environment)], folder, lambda phase: plan.limit, said)
    if failure is not None:
        raise BadSettings(f"the data cannot be prepared: {failure}")
    said("ready")
    return (f"data.tokens={json.dumps(str(tokens))}", "data.documents=''", "data.replay=''")


def _first_documents(plan: ScalingPlan, settings: Settings, folder: Path) -> Path:
    """Return a file of as many documents as the plan wants."""
    if not plan.documents:
        return Path(settings.data.documents)
    path = folder / "documents.jsonl"
    with open_text(settings.data.documents) as given, path.open("w", encoding="utf-8") as kept:
        kept.writelines(islice(given, plan.documents))
    return path


class _Saying:
    """Says on standard error what a run does, after how many seconds."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._begun = time.monotonic()
        self("begins")

    def __call__(self, line: str) -> None:
        phase = phase_in(line)
        text = line if phase is None else f"→ {phase}"
        sys.stderr.write(f"[{self._run}, {time.monotonic() - self._begun:.0f} s] {text}\n")
        sys.stderr.flush()


def _run(one: _OneRun, shared: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    plan = one.plan
    with tempfile.TemporaryDirectory(dir=shared) as name:
        folder = Path(name)
        command = [
            sys.executable, "-m", "lamlam.trainer.benchmark",
            *child_arguments(
                plan, one.settings, one.world, one.sharding, folder / "run",
                data=one.data, rows_at_once=one.rows_at_once,
            ),
        ]  # fmt: skip
        (folder / "run").mkdir()
        # All runs share the processors alike, whatever the number of processes.
        threads = str(max(1, usable_cpus() // plan.worlds[-1]))
        commands = [
            (command, {"OMP_NUM_THREADS": threads, **environment, **place})
            for place in _places(one.world)
        ]
        problem = run_watched(
            commands, folder, partial(_limit, plan), _Saying(f"{one.world} x {one.sharding}")
        )
        if problem is not None:
            return {"error": problem}
        try:
            figures: dict[str, Any] = json.loads((folder / "run" / "figures.json").read_text())
        except (OSError, ValueError):
            return {"error": "it ended without figures"}
    return figures


def _limit(plan: ScalingPlan, phase: str) -> float:
    return plan.limit + (plan.seconds if phase == "steps" else 0.0)


def _places(world: int) -> Iterator[dict[str, str]]:
    """Yield what tells each process its place, as ``torchrun`` does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(world)}
    for rank in range(world):
        yield {**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)}


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
