"""``python -m lamlam.trainer.benchmark CONFIG.toml``: how fast this machine trains.

Runs the real loop, data feed included, and needs nothing but torch, transformers
and tokenizers. The steady speed leaves out compiling and the first steps.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.distributed
from transformers import PreTrainedModel

from lamlam.ending_signals import catching_signals, exit_status
from lamlam.errors import LamLamError
from lamlam.trainer.attention import DocumentSpans
from lamlam.trainer.collectives import ExchangeProbe
from lamlam.trainer.command_arguments import say_problem, settings_parser
from lamlam.trainer.compiled_parts import compile_parts
from lamlam.trainer.feed_benchmark import measure_feed
from lamlam.trainer.loop import train
from lamlam.trainer.model import build_model, next_token_loss
from lamlam.trainer.optimiser import build_optimisers
from lamlam.trainer.pretrained import PretrainedModel
from lamlam.trainer.run_phases import obey_watcher, say_phase
from lamlam.trainer.scaling import (
    ScalingPlan,
    as_table,
    measure_scaling,
    parse_shardings,
    parse_worlds,
)
from lamlam.trainer.settings import Settings, load_settings
from lamlam.trainer.steady_state import (
    PROBED,
    EnoughSeen,
    PlanKeeper,
    SteadyState,
    is_first_process,
)
from lamlam.trainer.token_files.manifest import read_manifest
from lamlam.trainer.tokenizer import LmlmTokenizer

EXAMPLE = """example:
  python -m lamlam.trainer.benchmark trainer/bundled.toml --seconds 60 --parts
  python -m lamlam.trainer.benchmark trainer/bundled.toml --seconds 20 --feed
  python -m lamlam.trainer.benchmark trainer/bundled.toml --world-sizes 1,2 --sharding none,full \\
      --seconds 10
"""
_FIRST_STEPS = 20
"""Steps before the steady state: caches fill and clocks rise."""
_FIRST_OF_MANY = 10
"""The same where several runs follow one another."""


def main(arguments: list[str] | None = None) -> int:
    """Measure a training run and print one JSON object; returns the exit status."""
    parser = settings_parser(
        "python -m lamlam.trainer.benchmark",
        "Measure the speed of training on this machine.",
        EXAMPLE,
    )
    parser.add_argument("--seconds", type=float, default=60, help="steady state (default 60)")
    parser.add_argument(
        "--steps", type=int, default=0, help="run so many steps instead, for the loss there"
    )
    parser.add_argument("--parts", action="store_true", help="time of each part of a step too")
    parser.add_argument(
        "--feed",
        action="store_true",
        help="no model: rows of one core, drawn of documents and read from token files",
    )
    many = parser.add_argument_group("several GPUs of this machine, or processes where it has none")
    many.add_argument("--world-sizes", metavar="1,2,…", help="one run for each number of processes")
    many.add_argument(
        "--sharding", default="none", metavar="none,full", help="values of run.sharding (none)"
    )
    many.add_argument(
        "--fixed-batch",
        action="store_true",
        help="batches of one size in all runs; otherwise each process gets optimiser.batch_rows",
    )
    many.add_argument(
        "--documents",
        type=int,
        default=20_000,
        help="of the file the first so many are prepared, once for all runs (20000; 0: all)",
    )
    many.add_argument(
        "--limit",
        type=float,
        default=180.0,
        metavar="SECONDS",
        help="a phase of a run that takes longer has failed (180)",
    )
    parser.add_argument("--loss-steps", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--figures", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    try:
        if chosen.world_sizes is not None:
            with catching_signals():
                return _measure_many(chosen)
        is_first = is_first_process()
        is_watched = chosen.figures is not None
        if is_watched:
            obey_watcher()
        level = logging.INFO if is_first else logging.WARNING
        logging.basicConfig(level=level, stream=sys.stderr, format="%(message)s")
        settings = load_settings(chosen.settings, chosen.set)
        if chosen.feed:
            own = PretrainedModel(Path(settings.model.init)) if settings.model.init else None
            figures = measure_feed(
                settings, seconds=chosen.seconds, own=None if own is None else own.tokenizer
            )
        else:
            figures = measure_run(
                settings,
                seconds=chosen.seconds,
                steps=chosen.steps,
                loss_steps=chosen.loss_steps,
                enter=say_phase if is_watched else lambda phase: None,
            )
        if chosen.parts and not chosen.feed:
            figures["parts_ms"] = measure_parts(settings)
    except LamLamError as problem:
        say_problem(problem)
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return exit_status() or 130
    if is_first and chosen.figures is not None:
        chosen.figures.write_text(json.dumps(figures))
    elif is_first:
        sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def _measure_many(chosen: argparse.Namespace) -> int:
    """Print one JSON object for each run as it ends, and a table of all on standard error."""
    plan = ScalingPlan(
        chosen.settings,
        tuple(chosen.set),
        parse_worlds(chosen.world_sizes),
        parse_shardings(chosen.sharding),
        chosen.seconds,
        chosen.steps,
        chosen.fixed_batch,
        chosen.documents,
        chosen.limit,
    )

    def report(run: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(run) + "\n")
        sys.stdout.flush()

    found = measure_scaling(plan, report)
    sys.stderr.write(f"\n{found['device']}\n\n{as_table(found['runs'])}")
    return 2 if any("error" in run for run in found["runs"]) else 0


def measure_run(
    settings: Settings,
    *,
    seconds: float,
    steps: int = 0,
    loss_steps: int = 0,
    enter: Callable[[str], None] = lambda phase: None,
) -> dict[str, Any]:
    """Return the steady tokens/s of a run of these settings, its share of the card, and its loss.

    Args:
        seconds: length of the steady state.
        steps: run so many steps instead.
        loss_steps: return the loss after so many steps, too; the run is one of several then.
        enter: is told each part of the run as it begins.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    on_gpu = torch.cuda.is_available() and settings.run.device != "cpu"
    steady = SteadyState(
        seconds, steps, loss_steps, ExchangeProbe(on_gpu=on_gpu), on_gpu, enter=enter
    )
    keeper = PlanKeeper(steady)
    first_steps = _FIRST_OF_MANY if loss_steps else _FIRST_STEPS
    with _folder(settings, world) as folder:
        every = math.gcd(loss_steps, 10) if loss_steps else min(steps or 20, 20)
        run = dataclasses.replace(
            settings.run,
            output=str(folder),
            save_every=0,
            evaluate_documents=0,
            tensorboard=False,
            log_every=every,
        )
        if not run.steps:  # a schedule by the clock would depend on the machine
            run = dataclasses.replace(run, steps=100_000, minutes=0.0)
        elif world > 1:  # room for the steps in which the exchange is watched
            more = every * -(-(PROBED + 1) // every)
            run = dataclasses.replace(run, steps=max(run.steps, steps + more))
        try:
            train(
                dataclasses.replace(settings, run=run),
                report=steady,
                watchers=[keeper],
                enter=enter,
            )
        except EnoughSeen:
            pass
    if not is_first_process():
        return {}
    enter("figures")
    assert keeper.plan is not None
    counted = [r for r in steady.reports if r.step > first_steps] or steady.reports
    spent = [
        (now.step - before.step, now.seconds - before.seconds)
        for before, now in zip(steady.reports, steady.reports[1:], strict=False)
        if now.step > first_steps
    ]
    tokens = settings.optimiser.batch_rows * settings.model.context
    n_steps, n_seconds = sum(n for n, _ in spent), sum(s for _, s in spent)
    speed = n_steps * tokens / n_seconds if n_seconds else counted[-1].tokens_per_s
    last = steady.reports[-1]
    n_parameters = keeper.plan.parameters
    figures: dict[str, Any] = {
        "tokens_per_s": round(speed),
        "steady_steps": n_steps,
        "steady_seconds": round(n_seconds, 2),
        "step": last.step,
        "loss": round(last.loss, 4),
        "waiting_share": round(last.waiting_share, 4),
        "learnt_share": round(last.learnt_share, 4),
        "parameters": n_parameters,
        "torch": torch.__version__,
        "device": "cpu",
    }
    figures["rows_at_once"] = keeper.plan.rows_at_once
    if loss_steps:
        after = [one.loss for one in steady.reports if one.step == loss_steps]
        figures["loss_after_same_tokens"] = round(after[0], 4) if after else None
    if (exchange := steady.exchanged(world)) is not None:
        figures["sent_bytes_per_step"] = exchange.sent_bytes
        figures["exchange_ms_per_step"] = exchange.busy_ms
    if on_gpu:
        peak = matmul_flops() * world
        figures |= {
            "device": torch.cuda.get_device_name(),
            "matmul_tflops": round(peak / 1e12),
            "share_of_matmul": round(6 * n_parameters * speed / peak, 4),
            "peak_memory_gib": round(torch.cuda.max_memory_allocated() / 2**30, 2),
        }
    return figures


@contextmanager
def _folder(settings: Settings, world: int) -> Iterator[Path]:
    """Give a folder for the run's files; one that all processes see where they are several."""
    if world == 1:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
        return
    shared = Path(settings.run.output) / "benchmark"
    try:
        yield shared
    finally:
        if is_first_process():
            shutil.rmtree(shared, ignore_errors=True)


def count_parameters(settings: Settings) -> int:
    """Return the number of weights of a model of these settings; the embedding counts once."""
    model, _ = _model(settings, torch.device("cpu"))
    return sum(weight.numel() for weight in model.parameters())


def _model(settings: Settings, device: torch.device) -> tuple[PreTrainedModel, int]:
    """Return the model that a run would begin with, and how many tokens it has."""
    if settings.model.init:
        pretrained = PretrainedModel(Path(settings.model.init))
        model = pretrained.build_as(settings.model, settings.run.seed, device)
        return model, pretrained.tokenizer.size
    data = settings.data
    vocabulary = data.vocabulary
    folders = [data.tokens, *(source.tokens for source in data.mixture)]
    if data.tokenizer:
        vocabulary = LmlmTokenizer.load(Path(data.tokenizer)).size
    elif folder := next(filter(None, folders), ""):
        vocabulary = read_manifest(Path(folder)).vocabulary
    return build_model(settings.model, vocabulary, 0, device), vocabulary


def matmul_flops(size: int = 8192, repeats: int = 10) -> float:
    """Return the FLOP/s of a bf16 matrix product on random data: what this card really gives."""
    a, b = (torch.randn(size, size, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    for _ in range(3):
        a @ b
    torch.cuda.synchronize()
    begun = time.perf_counter()
    for _ in range(repeats):
        a @ b
    torch.cuda.synchronize()
    return repeats * 2 * size**3 / (time.perf_counter() - begun)


def measure_parts(settings: Settings, repeats: int = 10) -> dict[str, float]:
    """Return the milliseconds of each part of a step, each waited for by itself.

    The sum is more than a step of a run takes: there nothing waits.
    """
    on_gpu = torch.cuda.is_available() and settings.run.device != "cpu"
    device = torch.device("cuda" if on_gpu else "cpu")
    model, vocabulary = _model(settings, device)
    model.train()
    optimisers = build_optimisers(model, settings.optimiser)
    rows = settings.optimiser.batch_rows // (settings.optimiser.accumulate or 1)
    inputs = torch.randint(1, vocabulary, (rows, settings.model.context), device=device)
    inputs[:, :: max(1, settings.model.context // 7)] = 0  # some seven documents a row, as in ours
    loss_of: Callable[..., torch.Tensor] = next_token_loss
    if on_gpu and settings.run.compile:
        loss_of = partial(next_token_loss, cross_entropy=compile_parts(model))
    autocast: Any = torch.autocast("cuda", torch.bfloat16) if on_gpu else nullcontext()
    kept: dict[str, Any] = {}

    def mask() -> None:
        spans = DocumentSpans.of(inputs, 0) if settings.data.within_documents else None
        kept["mask"] = spans.mask() if spans else None
        kept["position"] = spans.position if spans else None

    def forward() -> None:
        with autocast:
            kept["loss"] = loss_of(
                model, inputs, inputs, kept["mask"], kept["position"],
                torch.bfloat16 if on_gpu else torch.float32,
            ) / inputs.numel()  # fmt: skip

    def backward() -> None:
        kept["loss"].backward()

    def clip() -> None:
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings.optimiser.clip)

    parts: dict[str, Callable[[], None]] = {
        "mask": mask, "forward": forward, "backward": backward, "clip": clip,
    }  # fmt: skip
    for optimiser in optimisers:
        parts[type(optimiser).__name__.lower()] = optimiser.step
    parts["zero_grad"] = model.zero_grad
    spent = dict.fromkeys(parts, 0.0)
    for round_ in range(repeats + 3):
        for name, part in parts.items():
            begun = time.perf_counter()
            part()
            if on_gpu:
                torch.cuda.synchronize()
            if round_ >= 3:  # compiling and first allocations
                spent[name] += time.perf_counter() - begun
    return {name: round(1000 * total / repeats, 3) for name, total in spent.items()}


if __name__ == "__main__":
    raise SystemExit(main())
