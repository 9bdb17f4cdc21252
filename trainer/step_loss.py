"""The loss of one step and its gradients."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from lamlam.trainer.attention import DocumentSpans
from lamlam.trainer.device_feed import DeviceBatch
from lamlam.trainer.model import next_token_loss
from lamlam.trainer.settings import Settings


class StepLoss:
    """Runs a batch forward and backward, in as many parts as memory asks for."""

    def __init__(
        self, model: Any, settings: Settings, end_of_text: int, device: torch.device
    ) -> None:
        self._model = model
        self._parts = settings.optimiser.accumulate
        self._within = settings.data.within_documents
        self._end_of_text = end_of_text
        on_gpu = device.type == "cuda"
        self._dtype = torch.bfloat16 if on_gpu else torch.float32
        self._autocast: Any = torch.autocast("cuda", torch.bfloat16) if on_gpu else nullcontext()
        self._loss_of = (
            torch.compile(next_token_loss) if on_gpu and settings.run.compile else next_token_loss
        )

    def __call__(self, batch: DeviceBatch) -> Tensor:
        """Add the gradients of a batch; returns its mean loss, still on the device."""
        total = torch.zeros((), device=batch.inputs.device)
        for inputs, labels in zip(
            batch.inputs.chunk(self._parts), batch.labels.chunk(self._parts), strict=True
        ):
            spans = DocumentSpans.of(inputs, self._end_of_text) if self._within else None
            with self._autocast:
                loss = self._loss_of(
                    self._model,
                    inputs,
                    labels,
                    spans.mask() if spans is not None else None,
                    spans.position if spans is not None else None,
                    self._dtype,
                )
            loss = loss / batch.n_learnt
            loss.backward()  # type: ignore[no-untyped-call]  # torch annotates it half
            total += loss.detach()
        return total
