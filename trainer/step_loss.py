"""The loss of one step and its gradients."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from lamlam.trainer.attention import DocumentSpans
from lamlam.trainer.device_feed import DeviceBatch
from lamlam.trainer.model import next_token_loss
from lamlam.trainer.settings import Settings

log = logging.getLogger(__name__)

_CPU_BF16 = ("avx512_bf16", "amx_bf16")
"""Capabilities, by torch's names, of processors that multiply bfloat16 themselves."""


def working_dtype(settings: Settings, device: torch.device) -> torch.dtype:
    """Return the dtype of matrix products and residual stream; the weights stay in float32."""
    wanted = settings.run.precision
    if device.type == "cuda":
        return torch.float32 if wanted == "float32" else torch.bfloat16
    if wanted != "bf16":
        return torch.float32
    if _multiplies_bf16():
        return torch.bfloat16
    log.warning("this processor does not multiply bf16 itself: float32 is used")
    return torch.float32


def _multiplies_bf16() -> bool:
    cpu: Any = torch.cpu
    if not hasattr(cpu, "get_capabilities"):  # torch before 2.10
        return bool(cpu._is_avx512_bf16_supported() or cpu._is_amx_tile_supported())
    found = cpu.get_capabilities()
    return any(found.get(name) for name in _CPU_BF16)


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
        self._dtype = working_dtype(settings, device)
        is_float32 = self._dtype == torch.float32
        self._autocast: Any = (
            nullcontext() if is_float32 else torch.autocast(device.type, self._dtype)
        )
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
