"""Figures of a run that never was."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from lamlam.trainer.progress import Progress
from lamlam.trainer.run_records.figures import HeldOutFigures
from lamlam.trainer.run_records.watcher import RunPlan


def plan(output: Path, first_step: int = 0, **more: Any) -> RunPlan:
    return dataclasses.replace(
        RunPlan(
            output=output, steps=100, first_step=first_step, is_resumed=first_step > 0,
            parameters=1, device="cpu", processes=1, workers=0,
        ),
        **more,
    )  # fmt: skip


def progress(step: int, loss: float = 2.0, **more: Any) -> Progress:
    return dataclasses.replace(
        Progress(
            step=step, steps=100, epoch=0, tokens=10 * step, loss=loss, learning_rate=1e-3,
            matrix_learning_rate=None, gradient_norm=0.5, tokens_per_s=1000.0, learnt_share=0.8,
            lookups_per_1000=12.0, waiting_share=0.0, mfu=None, seconds=float(step),
            seconds_left=1.0,
        ),
        **more,
    )  # fmt: skip


def held_out(step: int) -> HeldOutFigures:
    return HeldOutFigures(
        step=step, tokens=10 * step, held_out_loss=2.5, keys_right=0.25, lookups_opened=0.5,
        openings_due=0.75, entities_right=0.3, relations_right=0.4, n_documents=9, n_lookups=40,
        n_keys=36, evaluation_s=0.1,
    )  # fmt: skip
