"""``python -m lamlam.trainer.learning_rates CONFIG.toml``: which learning rates suit a run.

Several short runs from the same weights over the same batches, each with the whole
schedule of the settings (warm-up and decay) pressed into its steps, and each with both
learning rates, AdamW's and Muon's, times another factor. The loss at their ends is what
is compared.

The other usual way, one run whose rate is raised until the loss rises, was made for SGD.
Updates of AdamW and Muon have nearly the same size whatever the gradients are, so too
high a rate seldom makes the loss leap: it stops falling, or falls later. In one run that
cannot be told from what the steps before have learnt, nor does such a run show what the
decay at the end recovers.
"""

from __future__ import annotations

import dataclasses
import errno
import json
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from lamlam.ending_signals import catching_signals, exit_status
from lamlam.errors import BadSettings, LamLamError, MissingExtra, TrainingDiverged

if __name__ == "__main__":
    # Read once, when torch is loaded: as `python -m lamlam.trainer` does, and for its reason.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
try:
    import torch
except ModuleNotFoundError:
    raise MissingExtra("train", "torch") from None

from lamlam.trainer.command_arguments import say_problem, settings_parser
from lamlam.trainer.data_loader import BatchLoader, choose_workers
from lamlam.trainer.device_feed import DeviceBatch, DeviceFeed
from lamlam.trainer.devices import is_on_gpu
from lamlam.trainer.model import build_model
from lamlam.trainer.optimiser import build_optimisers, lr_scale
from lamlam.trainer.pretrained import PretrainedModel
from lamlam.trainer.ranks import Ranks
from lamlam.trainer.settings import OptimiserConfig, Settings, load_settings
from lamlam.trainer.sharding import clip_gradients
from lamlam.trainer.step_loss import StepLoss
from lamlam.trainer.training_data import read_training_data
from lamlam.unfinished_files import part_beside

EXAMPLE = """example:
  python -m lamlam.trainer.learning_rates lmlm.toml --steps 100
"""
FACTORS = (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0, 8.0)
STEPS = 60
_LAST = 5
"""The loss of a run is the mean over the last fifth of its steps."""
_TOLERANCE = 0.005
"""Share of the best loss by which another counts as good: what short runs differ by anyway."""
_WITH_FACTORS = "python -m lamlam.trainer.learning_rates CONFIG.toml --factors"
_LEAP = 1.0
"""Nats above the first loss from which on a run counts as diverged."""
_CHECK_EVERY = 10
"""Steps between two looks at the losses, which wait for a GPU."""


@dataclass(frozen=True, slots=True)
class ShortRun:
    """One run of the sweep."""

    factor: float
    """Of both learning rates of the settings."""
    learning_rate: float
    matrix_learning_rate: float | None
    losses: tuple[float, ...]
    """Of each step; fewer than planned where it diverged."""
    is_diverged: bool

    @property
    def loss(self) -> float:
        """Mean over the last fifth of the steps; infinite where the run diverged."""
        last = self.losses[-max(1, len(self.losses) // _LAST) :]
        return math.inf if self.is_diverged else sum(last) / len(last)


@dataclass(frozen=True, slots=True)
class Sweep:
    """All runs, by rising rates."""

    runs: tuple[ShortRun, ...]
    steps: int
    seconds: float

    @property
    def suggested(self) -> ShortRun:
        """The lowest rates that come within half a percent of the best loss.

        The lowest: the best rates fall as runs get longer.

        Raises:
            TrainingDiverged: no run stayed finite.
        """
        best = min(run.loss for run in self.runs)
        if math.isinf(best):
            raise TrainingDiverged(
                f"all {len(self.runs)} learning rates diverged within {self.steps} steps",
                hint=f"sweep lower ones: {_WITH_FACTORS} 0.001,0.004,0.016,0.06",
            )
        return next(run for run in self.runs if run.loss <= best * (1 + _TOLERANCE))

    @property
    def remark(self) -> str:
        """What to know about the suggestion; empty where it lies inside of what was tried."""
        if len(self.runs) > 1 and self.suggested in (self.runs[0], self.runs[-1]):
            which = "lowest" if self.suggested is self.runs[0] else "highest"
            return f"it is the {which} that was tried: sweep further with {_WITH_FACTORS}"
        return ""

    def as_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        chosen = self.suggested
        return {
            "suggested": {
                "factor": chosen.factor,
                "learning_rate": chosen.learning_rate,
                "matrix_learning_rate": chosen.matrix_learning_rate,
            },
            "remark": self.remark,
            "steps": self.steps,
            "seconds": round(self.seconds, 1),
            "runs": [
                {
                    "factor": run.factor,
                    "learning_rate": run.learning_rate,
                    "matrix_learning_rate": run.matrix_learning_rate,
                    "loss": None if run.is_diverged else round(run.loss, 5),
                    "is_diverged": run.is_diverged,
                    "losses": [round(one, 5) if math.isfinite(one) else None for one in run.losses],
                }
                for run in self.runs
            ],
        }


def sweep_learning_rates(
    settings: Settings,
    *,
    factors: Sequence[float] = FACTORS,
    steps: int = STEPS,
    tell: Callable[[ShortRun], None] | None = None,
) -> Sweep:
    """Train shortly with each learning rate; nothing is written.

    Args:
        factors: of the learning rates of the settings.
        steps: of each run.
        tell: called with each run that is done.

    Raises:
        BadSettings, BadDocument, NothingToLearn: as `train` does.
    """
    factors = sorted(set(factors))
    if not factors or not all(0 < one < math.inf for one in factors):
        raise BadSettings("the factors must be numbers above 0")
    if steps < 2:
        raise BadSettings(f"a run of the sweep must have 2 steps or more, got {steps}")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise BadSettings("learning rates are swept by one process: start it without torchrun")
    run = settings.run
    on_gpu = is_on_gpu(run.device)
    device = torch.device(run.device or ("cuda" if on_gpu else "cpu"))
    torch.set_float32_matmul_precision("high")
    begun = time.monotonic()
    with ExitStack() as stack:
        data = read_training_data(settings)
        settings = data.settings
        pretrained = PretrainedModel(Path(settings.model.init)) if settings.model.init else None
        tokenizer = data.tokenizer(None if pretrained is None else pretrained.tokenizer)
        workers = choose_workers(settings.data.workers, on_gpu=on_gpu)
        loader = stack.enter_context(BatchLoader(settings, data, tokenizer, workers=workers))
        torch.manual_seed(run.seed)
        model = (
            build_model(settings.model, tokenizer.size, tokenizer.ids.end_of_text, device)
            if pretrained is None
            else pretrained.build_as(settings.model, run.seed, device)
        )
        model.train()
        step_loss = StepLoss(model, settings, tokenizer.ids.end_of_text, device, Ranks())
        feed = stack.enter_context(DeviceFeed(loader.batches(), device))
        batches = list(islice(feed, steps))
        first = {name: weight.detach().clone() for name, weight in model.state_dict().items()}
        runs: list[ShortRun] = []
        for factor in factors:
            model.load_state_dict(first)
            done = _short_run(
                model, step_loss, batches, _scaled(settings.optimiser, factor), factor
            )
            runs.append(done)
            if tell is not None:
                tell(done)
    return Sweep(tuple(runs), steps, time.monotonic() - begun)


def _scaled(optim: OptimiserConfig, factor: float) -> OptimiserConfig:
    return dataclasses.replace(
        optim,
        learning_rate=optim.learning_rate * factor,
        matrix_learning_rate=optim.matrix_learning_rate * factor,
    )


def _short_run(
    model: torch.nn.Module,
    step_loss: StepLoss,
    batches: Sequence[DeviceBatch],
    optim: OptimiserConfig,
    factor: float,
) -> ShortRun:
    optimisers = build_optimisers(model, optim)
    losses: list[torch.Tensor] = []
    is_diverged = False
    for step, batch in enumerate(batches):
        for optimiser in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["initial_lr"] * lr_scale(step / len(batches), optim)
        losses.append(step_loss(batch))
        clip_gradients(model, optim.clip)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        if (step + 1) % _CHECK_EVERY == 0 or step + 1 == len(batches):
            seen = torch.stack(losses)
            is_diverged = not bool((seen.isfinite() & (seen < seen[0] + _LEAP)).all())
            if is_diverged:
                break
    for optimiser in optimisers:
        optimiser.zero_grad(set_to_none=True)
    return ShortRun(
        factor=factor,
        learning_rate=optim.learning_rate,
        matrix_learning_rate=optim.matrix_learning_rate if optim.name == "muon" else None,
        losses=tuple(float(loss) for loss in losses),
        is_diverged=is_diverged,
    )


def report_places(settings: Settings) -> tuple[Path, Path]:
    """Return where figures and picture go: beside the run's folder, which stays as it is.

    Raises:
        BadSettings: nothing can be written there.
    """
    folder = Path(settings.run.output)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(folder.parent, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as problem:
        raise _not_written(folder.parent, problem) from None
    return (
        folder.with_name(f"{folder.name}.learning-rates.json"),
        folder.with_name(f"{folder.name}.learning-rates.png"),
    )


def write_report(sweep: Sweep, settings: Settings) -> list[Path]:
    """Write the figures, and a picture where matplotlib is installed; returns what was written.

    Raises:
        BadSettings: the place cannot be written.
    """
    from lamlam.trainer.run_records.sweep_picture import draw_sweep

    figures, picture = report_places(settings)
    found, name = sweep.as_dict(), Path(settings.run.output).name
    written = [_written(figures, lambda part: part.write_text(json.dumps(found, indent=1) + "\n"))]
    if find_spec("matplotlib") is not None:
        written.append(_written(picture, lambda part: draw_sweep(found, name, part)))
    return written


def _written(place: Path, write: Callable[[Path], object]) -> Path:
    part = part_beside(place)
    try:
        write(part)
        os.replace(part, place)
    except OSError as problem:
        raise _not_written(place, problem) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return place


def _not_written(place: Path, problem: OSError) -> BadSettings:
    return BadSettings(
        f"cannot write {place}: {problem.strerror or problem}",
        hint="set run.output to a place that can be written",
    )


def in_words(run: ShortRun) -> str:
    """Return one line about a run."""
    matrix = (
        "" if run.matrix_learning_rate is None else f"  matrix {run.matrix_learning_rate:<9.3g}"
    )
    loss = f"diverged at step {len(run.losses)}" if run.is_diverged else f"loss {run.loss:.4f}"
    return f"x {run.factor:<7.4g} learning rate {run.learning_rate:<9.3g}{matrix} {loss}"


def suggestion(sweep: Sweep) -> str:
    """Return what to put on the command line."""
    chosen = sweep.suggested
    text = f"--set optimiser.learning_rate={chosen.learning_rate:.4g}"
    if chosen.matrix_learning_rate is not None:
        text += f" --set optimiser.matrix_learning_rate={chosen.matrix_learning_rate:.4g}"
    return f"{text}  ({sweep.remark})" if sweep.remark else text


def main(arguments: list[str] | None = None) -> int:
    """Try learning rates and say which to use; returns the exit status."""
    parser = settings_parser(
        "python -m lamlam.trainer.learning_rates",
        "Find learning rates by short runs from the same start; run.output is not touched.",
        EXAMPLE,
    )
    parser.add_argument("--steps", type=int, default=STEPS, help=f"of each run (default {STEPS})")
    parser.add_argument(
        "--factors",
        default=",".join(f"{one:g}" for one in FACTORS),
        help="of the learning rates of the settings (default %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args(arguments)
    with catching_signals():
        try:
            settings = load_settings(chosen.settings, chosen.set)
            report_places(settings)  # not after minutes of work
            sweep = sweep_learning_rates(
                settings,
                factors=parse_factors(chosen.factors),
                steps=chosen.steps,
                tell=lambda run: print(in_words(run), file=sys.stderr, flush=True),  # noqa: T201
            )
            written = write_report(sweep, settings)
            said = suggestion(sweep)
        except LamLamError as problem:
            say_problem(problem)
            return 2
        except KeyboardInterrupt:
            return exit_status() or 130
    sys.stdout.write((json.dumps(sweep.as_dict()) if chosen.json else f"use {said}") + "\n")
    sys.stderr.write("".join(f"written: {place}\n" for place in written))
    return 0


def parse_factors(text: str) -> list[float]:
    """Return numbers that commas part.

    Raises:
        BadSettings: one is not a number.
    """
    try:
        return [float(one) for one in text.split(",") if one.strip()]
    except ValueError:
        raise BadSettings(f"--factors must be numbers with commas between, got {text!r}") from None


if __name__ == "__main__":
    raise SystemExit(main())
