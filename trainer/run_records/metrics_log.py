"""The figures of a run as JSON lines, in ``metrics.jsonl`` of its folder.

One object a report (``"kind": "training"``) or evaluation (``"kind": "evaluation"``),
each whole on its line as soon as it is known. A run that is resumed first removes what
lies behind the step that it goes on from: each step is in the file once.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lamlam.errors import BadSettings
from lamlam.trainer.progress import Progress
from lamlam.trainer.run_records.figures import HeldOutFigures
from lamlam.trainer.run_records.watcher import RunPlan, RunWatcher
from lamlam.unfinished_files import part_beside

log = logging.getLogger(__name__)

METRICS = "metrics.jsonl"
EARLIER = "metrics.earlier.jsonl"
"""The log of another run that was begun in the same folder before."""


def read_metrics(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a log, also while a run writes it; a line that was cut is left out."""
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            record = _record(line)
            if record is not None:
                yield record


def _record(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_whole = isinstance(record, dict) and type(record.get("step")) is int
    return record if is_whole else None


class MetricsLog(RunWatcher):
    """Writes the log; where the disk is full a run goes on without it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / METRICS
        self._has_failed = False
        self._evaluated_until = -1
        """Last step that has an evaluation: the end of a run may be reached more than once."""

    def begin(self, plan: RunPlan) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if plan.is_resumed:
                self._keep_until(plan.first_step)
            elif self.path.exists():
                os.replace(self.path, self.path.with_name(EARLIER))
            self.path.touch()
        except OSError as problem:
            raise BadSettings(
                f"cannot write {self.path}: {problem.strerror or problem}",
                hint="make run.output a folder that can be written",
            ) from None

    def report(self, progress: Progress) -> None:
        self._write("training", dataclasses.asdict(progress))

    def evaluated(self, figures: HeldOutFigures) -> None:
        if figures.step <= self._evaluated_until:
            return
        self._evaluated_until = figures.step
        self._write("evaluation", figures.as_dict())

    def _keep_until(self, step: int) -> None:
        if not self.path.exists():
            return
        part = part_beside(self.path)
        try:
            with open(part, "w", encoding="utf-8") as kept:
                for record in read_metrics(self.path):
                    if record["step"] <= step:
                        kept.write(json.dumps(record) + "\n")
                        if record.get("kind") == "evaluation":
                            self._evaluated_until = record["step"]
            os.replace(part, self.path)
        finally:
            part.unlink(missing_ok=True)

    def _write(self, kind: str, figures: dict[str, Any]) -> None:
        record = {"kind": kind, **{name: _rounded(value) for name, value in figures.items()}}
        line = (json.dumps(record, allow_nan=False) + "\n").encode()
        try:
            with open(self.path, "ab", buffering=0) as file:
                whole = file.tell()
                try:
                    if file.write(line) < len(line):
                        raise OSError("the disk is full")
                except OSError:
                    file.truncate(whole)  # no half line stays
                    raise
            self._has_failed = False
        except OSError as problem:
            if not self._has_failed:
                log.warning("%s lacks step %d: %s", self.path, figures["step"], problem)
            self._has_failed = True


def _rounded(value: Any) -> Any:
    """Return a figure with the digits that mean something; JSON has no NaN."""
    if not isinstance(value, float):
        return value
    return float(f"{value:.6g}") if math.isfinite(value) else None
