"""The records that every run writes into its folder."""

from __future__ import annotations

from pathlib import Path

from lamlam.trainer.run_records.metrics_log import MetricsLog
from lamlam.trainer.run_records.run_picture import RunPicture
from lamlam.trainer.run_records.tensorboard_log import tensorboard_log
from lamlam.trainer.run_records.waiting_advice import WaitingAdvice
from lamlam.trainer.run_records.watcher import RunWatcher
from lamlam.trainer.settings import Settings


def own_watchers(settings: Settings) -> list[RunWatcher]:
    """Return what writes the records of a run of these settings.

    Raises:
        BadSettings: one is asked for that is not installed.
    """
    folder = Path(settings.run.output)
    tensorboard = tensorboard_log(folder, settings.run.tensorboard)
    return [
        MetricsLog(folder),
        *([] if tensorboard is None else [tensorboard]),
        WaitingAdvice(has_token_files=bool(settings.data.tokens)),
        RunPicture(folder),  # last: it reads the log
    ]
