"""How far a run has come: the figures that are reported, and the clock that they are taken by."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

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
    loss: float
    """Mean over the steps since the last report, in nats per learnt token."""
    tokens_per_s: float
    learnt_share: float
    """Share of the tokens that count in the loss; returned values and padding do not."""
    waiting_share: float
    """Share of the time spent waiting for rows: near 0 where the data keeps up."""
    mfu: float | None
    """Model FLOP utilisation: 6 x parameters x tokens/s over the card's peak; None if unknown."""
    seconds: float
    seconds_left: float

    def log(self) -> None:
        """Write the figures as one line of the log."""
        log.info(
            "step %d epoch %d loss %.4f %.0f tokens/s%s, %.0f%% learnt%s; %.0f s, %.0f s left",
            self.step, self.epoch, self.loss, self.tokens_per_s,
            "" if self.mfu is None else f" (MFU {self.mfu:.0%})",
            100 * self.learnt_share,
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
        self._started = self._window_started = time.monotonic()
        self._window_tokens = self._window_learnt = 0
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

    def count(self, n_tokens: int, n_learnt: int) -> None:
        """Count the tokens of one step."""
        self._window_tokens += n_tokens
        self._window_learnt += n_learnt

    def report(
        self, *, step: int, epoch: int, loss: float, n_parameters: int, device: torch.device
    ) -> Progress:
        """Return the figures since the last report, and begin the next window."""
        now = time.monotonic()
        window_s = max(now - self._window_started, 1e-9)
        speed = self._window_tokens / window_s
        learnt = self._window_learnt / max(self._window_tokens, 1)
        waiting = min(self._waited_s / window_s, 1.0)
        self._window_started = now
        self._window_tokens = self._window_learnt = 0
        self._waited_s = 0.0
        seconds = self.seconds
        done = max(self.share_done(step), 1e-9)
        return Progress(
            step=step,
            steps=self.steps,
            epoch=epoch,
            loss=loss,
            tokens_per_s=speed,
            learnt_share=learnt,
            waiting_share=waiting,
            mfu=model_flop_utilisation(device, n_parameters, speed),
            seconds=seconds,
            seconds_left=max(0.0, seconds / done - seconds),
        )


def model_flop_utilisation(
    device: torch.device, n_parameters: int, tokens_per_s: float
) -> float | None:
    """Return 6 x parameters x tokens/s over the card's peak; None on a CPU or an unknown card."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    for card, peak in PEAK_FLOPS.items():
        if card in name:
            return 6 * n_parameters * tokens_per_s / peak
    return None
