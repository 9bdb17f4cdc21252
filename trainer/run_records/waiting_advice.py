"""What to change where a run waits for rows: said once in the log, and in the live view."""

from __future__ import annotations

import logging

from lamlam.trainer.progress import Progress
from lamlam.trainer.run_records.watcher import RunPlan, RunWatcher
from lamlam.usable_cpus import usable_cpus

log = logging.getLogger(__name__)

MUCH = 0.1
"""Share of the time from which on waiting is worth a word."""
_REPORTS = 2
"""Reports in a row that say so: the first rows of a run are always waited for."""


class WaitingAdvice(RunWatcher):
    """Notices that rows come too slowly and says what would help."""

    def __init__(self, *, has_token_files: bool) -> None:
        self._has_token_files = has_token_files
        self._advice = ""
        self._in_a_row = 0

    def begin(self, plan: RunPlan) -> None:
        self._advice = advice(plan.workers, usable_cpus() // plan.processes, self._has_token_files)

    def report(self, progress: Progress) -> None:
        is_much = progress.waiting_share >= MUCH and progress.tokens_per_s > 0
        self._in_a_row = self._in_a_row + 1 if is_much else 0
        if self._in_a_row == _REPORTS:
            log.warning(
                "%.0f%% of the time passes waiting for rows: %s",
                100 * progress.waiting_share, self._advice,
            )  # fmt: skip
            self._in_a_row = -(1 << 60)  # once is enough


def advice(workers: int, cpus: int, has_token_files: bool) -> str:
    """Return what would bring rows faster.

    Args:
        workers: processes that prepare rows.
        cpus: processors for each process that trains.
        has_token_files: whether rows are read from files that ``lamlam prepare`` made.
    """
    if has_token_files:
        return "put the token files (data.tokens) on a faster disk, or copy them to this machine"
    prepare = "make token files once with lamlam prepare"
    if workers + 1 < cpus:
        return f"raise data.workers (now {workers}, with {cpus} processors), or {prepare}"
    return f"all {cpus} processors are in use: {prepare}"
