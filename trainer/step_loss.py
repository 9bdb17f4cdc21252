"""The loss of one step and its gradients, in as many parts as memory asks for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from lamlam.errors import GpuMemoryFull
from lamlam.trainer.attention import DocumentSpans
from lamlam.trainer.compiled_parts import compile_parts
from lamlam.trainer.device_feed import DeviceBatch
from lamlam.trainer.gpu_memory import ROOM_FOR_NOTHING, divisors, most_rows, usable_bytes
from lamlam.trainer.model import next_token_loss
from lamlam.trainer.ranks import Ranks
from lamlam.trainer.settings import Settings
from lamlam.trainer.sharding import ShardedLoss, local_part

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
        self,
        model: PreTrainedModel,
        settings: Settings,
        end_of_text: int,
        device: torch.device,
        ranks: Ranks,
        sharded: ShardedLoss | None = None,
    ) -> None:
        """Prepare, and compile where the settings ask for it.

        Args:
            sharded: the loss of the model where it is spread over processes.
        """
        self._model = model
        self._device = device
        self._ranks = ranks
        self._is_sharded = sharded is not None
        self._context = settings.model.context
        self._within = settings.data.within_documents
        self._end_of_text = end_of_text
        on_gpu = device.type == "cuda"
        self._dtype = working_dtype(settings, device)
        is_float32 = self._dtype == torch.float32
        self._autocast: Any = (
            nullcontext() if is_float32 else torch.autocast(device.type, self._dtype)
        )
        self._loss_of: Callable[..., Tensor]
        if sharded is not None:
            self._loss_of = sharded
        else:
            self._loss_of = partial(next_token_loss, model)
            if is_compiled(settings, device):
                self._loss_of = partial(self._loss_of, cross_entropy=compile_parts(model))
        self._rows = settings.optimiser.batch_rows // ranks.world
        self._is_tried = on_gpu and not settings.optimiser.accumulate
        self.parts = settings.optimiser.accumulate or (self._found_parts() if on_gpu else 1)
        """Parts that a batch of this process is run in."""

    @property
    def dtype(self) -> torch.dtype:
        """Of the matrix products and the residual stream."""
        return self._dtype

    def warm_up(self) -> None:
        """Compile what a step runs, before there is a batch; no weight moves.

        Not where processes spread the model: one that found no room would leave the others waiting.
        """
        if self._is_sharded or self._is_tried:
            return
        shape = (self._rows // self.parts, self._context)
        inputs = torch.full(shape, self._end_of_text, device=self._device)
        with suppress(torch.OutOfMemoryError):  # the first step says what would fit
            self._backward(inputs, inputs, inputs.numel())
        self._forget_gradients()

    def __call__(self, batch: DeviceBatch) -> Tensor:
        """Add the gradients of a batch; returns its mean loss, still on the device.

        Raises:
            GpuMemoryFull: says which part would have fitted; no weight has moved. All processes
                raise it alike, unless they spread the model.
        """
        total = torch.zeros((), device=batch.inputs.device)
        is_full = False
        try:
            for inputs, labels in zip(
                batch.inputs.chunk(self.parts), batch.labels.chunk(self.parts), strict=True
            ):
                total += self._backward(inputs, labels, batch.n_learnt)
        except torch.OutOfMemoryError:
            is_full = True  # handled below, where the frames of the failed part hold nothing
        if self._is_sharded and is_full:
            raise GpuMemoryFull(
                self._too_much(),
                hint=f"set optimiser.accumulate = {2 * self.parts}, or 0 to have it found, and"
                " continue with --resume",
            )
        if not self._is_sharded and self._ranks.largest(int(is_full)):
            raise self._what_fits(batch)
        return total

    def _backward(self, inputs: Tensor, labels: Tensor, n_learnt: int) -> Tensor:
        spans = DocumentSpans.of(inputs, self._end_of_text) if self._within else None
        with self._autocast:
            loss = self._loss_of(
                inputs,
                labels,
                spans.mask() if spans is not None else None,
                spans.position if spans is not None else None,
                self._dtype,
            )
        loss = loss / n_learnt
        loss.backward()  # type: ignore[no-untyped-call]  # torch annotates it half
        return loss.detach()

    def _too_much(self) -> str:
        return (
            f"the memory of the GPU is full with {self._rows // self.parts} rows of"
            f" {self._context} tokens at once (optimiser.accumulate = {self.parts})"
        )

    def _what_fits(self, batch: DeviceBatch) -> GpuMemoryFull:
        """Try smaller parts of the batch; returns the error that says which one fits."""
        fitting = 0
        for parts in divisors(self._rows):
            if parts <= self.parts:
                continue
            self._forget_gradients()
            with suppress(torch.OutOfMemoryError):
                self._backward(
                    batch.inputs.chunk(parts)[0], batch.labels.chunk(parts)[0], batch.n_learnt
                )
                fitting = parts
                break
        self._forget_gradients()
        fails = self._ranks.largest(int(fitting == 0))
        fitting = self._ranks.largest(fitting)
        hint = ROOM_FOR_NOTHING
        if not fails:
            hint = (
                f"{self._rows // fitting} rows at once fit: set optimiser.accumulate = {fitting},"
                " and continue with --resume"
            )
        problem = GpuMemoryFull(self._too_much(), hint=hint)
        problem.is_shared = True
        return problem

    def _forget_gradients(self) -> None:
        self._model.zero_grad(set_to_none=True)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _may_fit_whole(self, room: int) -> bool:
        """Return whether it is worth a compilation to try all rows at once, the same everywhere."""
        shape: Any = self._model.config
        needed = least_bytes_of_rows(
            self._rows * self._context, shape.num_hidden_layers, shape.hidden_size
        )
        return needed <= room

    def _found_parts(self) -> int:
        """Return in how many parts a batch fits into the memory of the GPU, the same everywhere."""
        weights = sum(
            weight.numel() * weight.element_size()
            for weight in map(local_part, self._model.parameters())
        )
        # Room that the optimisers will take at their first step: two moments, as AdamW has.
        later = torch.empty(2 * weights, dtype=torch.uint8, device=self._device)
        free, _ = torch.cuda.mem_get_info(self._device)
        base = torch.cuda.memory_allocated(self._device) + weights  # the gradients
        limit = usable_bytes(free + torch.cuda.memory_reserved(self._device))
        limit = -self._ranks.largest(-limit)
        tried: list[int] = []

        def peak_of(rows: int) -> int | None:
            tried.append(rows)
            torch.cuda.reset_peak_memory_stats(self._device)
            inputs = torch.full((rows, self._context), self._end_of_text, device=self._device)
            is_full = False
            try:
                self._backward(inputs, inputs, inputs.numel())
            except torch.OutOfMemoryError:
                is_full = True
            self._forget_gradients()
            peak = torch.cuda.max_memory_allocated(self._device)
            return None if self._ranks.largest(int(is_full)) else self._ranks.largest(peak)

        base = self._ranks.largest(base)
        all_first = self._may_fit_whole(limit - base)
        rows = most_rows(self._rows, base, limit, peak_of, all_first=all_first)
        del later
        self._forget_gradients()
        if len(tried) > 1:  # what is compiled for several sizes is slower for the one that stays
            torch.compiler.reset()
        log.info("%d rows at once fit into the GPU's memory", rows)
        return self._rows // rows


def least_bytes_of_rows(n_tokens: int, layers: int, width: int) -> int:
    """Return fewer bytes than a forward pass keeps for the backward pass.

    Args:
        n_tokens: at once.
        layers: blocks of the model.
        width: of the residual stream; each block keeps at least the inputs of its two parts,
            normalised and not, its queries, and what attention gives, in bfloat16.
    """
    return n_tokens * layers * 6 * width * 2


def is_compiled(settings: Settings, device: torch.device) -> bool:
    """Return whether the model is compiled: on a GPU, unless the settings say no."""
    return device.type == "cuda" and settings.run.compile
