"""Whether a run still learns: losses and gradients that are finite numbers."""

from __future__ import annotations

import torch
from torch import Tensor

from lamlam.errors import TrainingDiverged


class RunHealth:
    """Whether losses and gradients are still finite; read rarely, since reading waits for the GPU."""

    def __init__(self, first_step: int) -> None:
        self._step = first_step  # steps whose figures were read
        self._losses: list[Tensor] = []
        self._norms: list[Tensor] = []
        self.mean_norm = 0.0
        """Mean gradient norm over the steps of the last `mean_loss`."""

    @property
    def is_pending(self) -> bool:
        return bool(self._losses)

    def saw(self, loss: Tensor, norm: Tensor) -> None:
        """Take note of one step."""
        self._losses.append(loss)
        self._norms.append(norm)

    def mean_loss(self) -> float:
        """Return the mean loss since the last call.

        Raises:
            TrainingDiverged: as `check`.
        """
        self.check()
        mean = float(torch.stack(self._losses).mean())
        self.mean_norm = float(torch.stack(self._norms).mean())
        self._step += len(self._losses)
        self._losses.clear()
        self._norms.clear()
        return mean

    def check(self) -> None:
        """Raise `TrainingDiverged` where a step since the last report was not finite."""
        if not self._losses:
            return
        figures = torch.stack([torch.stack(self._losses), torch.stack(self._norms)])
        broken = (~figures.isfinite()).any(dim=0).nonzero().flatten()
        if len(broken):
            i = int(broken[0])
            raise TrainingDiverged(
                f"training diverged at step {self._step + i + 1}: "
                f"loss {float(figures[0, i])}, gradient norm {float(figures[1, i])}",
                hint="what was saved before is kept; lower the learning rate or optimiser.clip",
            )
