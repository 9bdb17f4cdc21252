"""The records that every run writes into its folder."""

from __future__ import annotations

from pathlib import Path

from lamlam.trainer.run_records.metrics_log import MetricsLog
from lamlam.trainer.run_records.watcher import RunWatcher
from lamlam.trainer.settings import Settings


def own_watchers(settings: Settings) -> list[RunWatcher]:
    """Return what writes the records of a run of these settings."""
    return [MetricsLog(Path(settings.run.output))]
