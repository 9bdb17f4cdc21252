"""How far a run has come: the figures that are reported, and the clock that they are taken by."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the command reads these figures where torch may be missing
    import torch
    from torch.optim import Optimizer

log = logging.getLogger(__name__)

# Dense bf16 peak of cards whose model FLOP utilisation is shown, in FLOP/s.
PEAK_FLOPS = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L4": 121e12, "4090": 165e12}


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run, as it is reported."""

    step: int
    steps: int
    """Planned steps; 0 while only the time is set."""
    epoch: int
    tokens: int
    """Tokens trained on since the first step, over all sessions of the run."""
    loss: float
    """Mean over the steps since the last report, in nats per learnt token."""
    learning_rate: float
    """Of AdamW, in the last step."""
    matrix_learning_rate: float | None
    """Of Muon, in the last step; None where it is not used."""
    gradient_norm: float
    """Mean over the steps since the last report, before clipping."""
    tokens_per_s: float
    learnt_share: float
    """Share of the tokens that count in the loss; returned values and padding do not."""
    lookups_per_1000: float
    """Lookups in 1,000 tokens of the batches."""
    waiting_share: float
    """Share of the time spent waiting for rows: near 0 where the data keeps up."""
    mfu: float | None
    """Model FLOP utilisation: 6 x parameters x tokens/s over the card's peak; None if unknown."""
    seconds: float
    seconds_left: float

    def log(self) -> None:
        """Write the figures as one line of the log."""
        log.info(
            "step %d epoch %d loss %.4f %.0f tokens/s%s, %.0f%% learnt, %.1f lookups/1000%s;"
            " %.0f s, %.0f s left",
            self.step, self.epoch, self.loss, self.tokens_per_s,
            "" if self.mfu is None else f" (MFU {self.mfu:.0%})",
            100 * self.learnt_share, self.lookups_per_1000,
            f", {self.waiting_share:.0%} waiting for data" if self.waiting_share >= 0.05 else "",
            self.seconds, self.seconds_left,
        )  # fmt: skip


class RunClock:
    """The seconds that a run has trained, without the time that compiling took."""

    def __init__(self, *, steps: int, minutes: float, spent_s: float) -> None:
        """Start the clock.

        Args:
            steps: planned steps; 0 lets the time decide.
            minutes: the run ends by then; 0 for no limit.
            spent_s: seconds that earlier sessions of the run took.
        """
        self.steps = steps
        self._limit_s = 60 * minutes
        self._spent_s = spent_s
        self.restart()

    def restart(self) -> None:
        """Forget the seconds of this session: compiling belongs to no step."""
        self._started = time.monotonic()
        self._begin_window(self._started)

    def _begin_window(self, now: float) -> None:
        self._window_started = now
        self._window_tokens = self._window_learnt = self._window_lookups = 0
        self._window_timed = 0  # tokens of steps that were timed: not those of the first
        self._waited_s = 0.0

    @property
    def seconds(self) -> float:
        return self._spent_s + time.monotonic() - self._started

    def share_done(self, step: int) -> float:
        """Return how much of the run is done: by steps where they are set, else by time."""
        if self.steps:
            return step / self.steps
        return self.seconds / self._limit_s

    def is_over(self, step: int) -> bool:
        by_time = bool(self._limit_s) and self.seconds >= self._limit_s
        return by_time or bool(self.steps and step >= self.steps)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time of the body as waiting for data."""
        begun = time.monotonic()
        yield
        self._waited_s += time.monotonic() - begun

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the time of the body out of tokens/s: evaluating and saving are no steps."""
        begun = time.monotonic()
        yield
        self._window_started += time.monotonic() - begun

    def count(self, n_tokens: int, n_learnt: int, n_lookups: int, *, is_timed: bool) -> None:
        """Count the tokens of one step.

        Args:
            is_timed: whether its time was taken: that of the first step, which compiles, is not.
        """
        self._window_tokens += n_tokens
        self._window_learnt += n_learnt
        self._window_lookups += n_lookups
        self._window_timed += n_tokens if is_timed else 0

    def report(
        self,
        *,
        step: int,
        epoch: int,
        tokens: int,
        loss: float,
        gradient_norm: float,
        optimisers: Sequence[Optimizer],
        n_parameters: int,
        device: torch.device,
        processes: int,
    ) -> Progress:
        """Return the figures since the last report, and begin the next window."""
        now = time.monotonic()
        window_s = max(now - self._window_started, 1e-9)
        counted = max(self._window_tokens, 1)
        speed = self._window_timed / window_s
        progress = Progress(
            step=step,
            steps=self.steps,
            epoch=epoch,
            tokens=tokens,
            loss=loss,
            learning_rate=optimisers[0].param_groups[0]["lr"],
            matrix_learning_rate=(
                optimisers[1].param_groups[0]["lr"] if len(optimisers) > 1 else None
            ),
            gradient_norm=gradient_norm,
            tokens_per_s=speed,
            learnt_share=self._window_learnt / counted,
            lookups_per_1000=1000 * self._window_lookups / counted,
            waiting_share=min(self._waited_s / window_s, 1.0),
            mfu=model_flop_utilisation(device, n_parameters, speed / processes),
            seconds=self.seconds,
            seconds_left=self._seconds_left(step),
        )
        self._begin_window(now)
        return progress

    def _seconds_left(self, step: int) -> float:
        seconds = self.seconds
        left = seconds / max(self.share_done(step), 1e-9) - seconds
        if self._limit_s:
            left = min(left, self._limit_s - seconds)
        return max(0.0, left)


def model_flop_utilisation(
    device: torch.device, n_parameters: int, tokens_per_s: float
) -> float | None:
    """Return 6 x parameters x tokens/s over the card's peak; None on a CPU or an unknown card.

    Args:
        tokens_per_s: of one card.
    """
    if device.type != "cuda":
        return None
    name = device_name(device)
    for card, peak in PEAK_FLOPS.items():
        if card in name:
            return 6 * n_parameters * tokens_per_s / peak
    return None


def device_name(device: torch.device) -> str:
    """Return the name of the card, or "cpu"."""
    if device.type != "cuda":
        return device.type
    import torch

    return torch.cuda.get_device_name(device)
