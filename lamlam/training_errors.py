"""The errors of a training run; `lamlam.errors` draws them in the tree of all."""

from __future__ import annotations

from lamlam.error_base import LamLamError


class TrainingError(LamLamError):
    """Training cannot go on."""

    is_shared = False
    """Whether all processes that train one model raise it alike, so that the first speaks for all."""


class BadDocument(TrainingError):
    """A training document breaks its format."""


class BadTokenFiles(TrainingError):
    """A folder of token files is damaged, unfinished, or made for another model."""


class WorkerKilled(TrainingError):
    """A process that prepares data was killed from outside."""


class AnnotatorFailed(TrainingError):
    """The model that annotates texts refuses, or gives no usable answer."""


class BadSettings(TrainingError):
    """Settings are unknown, have a wrong type, or contradict each other."""


class NothingToLearn(TrainingError):
    """Every token of the data is masked."""


class TrainingDiverged(TrainingError):
    """A loss or a gradient is no longer a finite number."""

    is_shared = True


class SavingFailed(TrainingError):
    """A state or a checkpoint cannot be written; the one before it is kept."""


class GpuMemoryFull(TrainingError):
    """A part of a batch does not fit into the memory of the GPU."""


class ProcessLost(TrainingError):
    """Another of the processes that train one model ended; its own message says why."""


class TrainingStopped(TrainingError):
    """A signal asked the run to end; its state was saved first."""

    is_shared = True

    def __init__(self, message: str, *, hint: str, number: int) -> None:
        super().__init__(message, hint=hint)
        self.status = 128 + number
        """Exit status of a process that such a signal ends."""
