"""Muon over stacks of equal matrices: a few large products a step instead of thousands of small ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

from lamlam.trainer.whole_matrices import WholeMatrices

Coefficients = tuple[float, float, float]


class StackedMuon(torch.optim.Muon):
    """`torch.optim.Muon` with its updates worked out for all matrices of one shape at once.

    Settings and state are those of `torch.optim.Muon`, so a state saved by
    either loads into the other. Updates are as large as AdamW's would be
    (``adjust_lr_fn="match_rms_adamw"``): one scale of learning rates for both.
    Matrices that are spread over processes by rows are orthogonalised whole,
    each by one process.
    """

    def __init__(
        self, matrices: Sequence[Tensor], *, lr: float, weight_decay: float, momentum: float = 0.95
    ) -> None:
        super().__init__(
            matrices,
            lr=lr,
            weight_decay=weight_decay,
            momentum=momentum,
            adjust_lr_fn="match_rms_adamw",
        )
        on_gpu = any(matrix.is_cuda for matrix in matrices)
        self._update: Callable[..., None] = torch.compile(_update) if on_gpu else _update
        self._orthogonalise: Callable[..., Tensor] = (
            torch.compile(orthogonalise) if on_gpu else orthogonalise
        )

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # Any: as torch has it
        """Move the matrices that have a gradient by one step."""
        if closure is not None:
            raise ValueError("a closure is not supported: compute the gradients before the step")
        for group in self.param_groups:
            stacks: dict[tuple[int, ...], list[Tensor]] = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    stacks.setdefault(tuple(matrix.shape), []).append(matrix)
            for shape, matrices in stacks.items():
                momenta = [self._momentum(matrix) for matrix in matrices]
                # A tensor, not a number: a compiled function is built anew for each number.
                # Filled on the device: a copy from the host would wait for all steps before.
                rate = torch.full((), group["lr"], device=matrices[0].device)
                gradients = [matrix.grad for matrix in matrices]
                update = self._update
                if isinstance(matrices[0], DTensor):
                    update = self._update_spread
                update(
                    matrices,
                    gradients,
                    momenta,
                    rate,
                    rate * (0.2 * math.sqrt(max(shape))),
                    weight_decay=group["weight_decay"],
                    momentum=group["momentum"],
                    coefficients=tuple(group["ns_coefficients"]),
                    steps=group["ns_steps"],
                    eps=group["eps"],
                )

    def _update_spread(
        self,
        matrices: list[DTensor],
        gradients: list[DTensor],
        momenta: list[DTensor],
        rate: Tensor,
        matrix_rate: Tensor,
        *,
        weight_decay: float,
        momentum: float,
        coefficients: Coefficients,
        steps: int,
        eps: float,
    ) -> None:
        here = [matrix.to_local() for matrix in matrices]
        rows, columns = matrices[0].shape
        exchange = WholeMatrices(len(here), rows, columns, matrices[0].device_mesh.get_group())
        gradient = torch.stack([one.to_local() for one in gradients])  # (n, rows here, columns)
        buffers = [one.to_local() for one in momenta]
        mean = torch.stack(buffers).lerp(gradient, 1 - momentum)
        # Orthogonalising begins in bfloat16: sent in it, nothing is lost.
        whole = exchange.gather(gradient.lerp(mean, momentum).to(torch.bfloat16))
        if len(whole):
            whole = self._orthogonalise(whole, coefficients, steps, eps)
        direction = exchange.spread(whole)
        torch._foreach_copy_(buffers, list(mean.unbind()))
        torch._foreach_mul_(here, 1 - rate * weight_decay)
        torch._foreach_sub_(here, list((direction * matrix_rate).float().unbind()))

    def _momentum(self, matrix: Tensor) -> Tensor:
        state = self.state[matrix]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        buffer: Tensor = state["momentum_buffer"]
        return buffer


def _update(
    matrices: list[Tensor],
    gradients: list[Tensor],
    momenta: list[Tensor],
    rate: Tensor,
    matrix_rate: Tensor,
    *,
    weight_decay: float,
    momentum: float,
    coefficients: Coefficients,
    steps: int,
    eps: float,
) -> None:
    gradient = torch.stack(gradients)  # (n, rows, columns)
    mean = torch.stack(momenta).lerp(gradient, 1 - momentum)
    # Nesterov's look ahead.
    direction = orthogonalise(gradient.lerp(mean, momentum), coefficients, steps, eps)
    for matrix, buffer, new, change in zip(matrices, momenta, mean, direction, strict=True):
        buffer.copy_(new)
        matrix.mul_(1 - rate * weight_decay)
        matrix.sub_(change * matrix_rate)


def orthogonalise(matrices: Tensor, coefficients: Coefficients, steps: int, eps: float) -> Tensor:
    """Return the matrices with their singular values drawn near 1, by Newton–Schulz in bfloat16.

    Args:
        matrices: (n, rows, columns).
    """
    a, b, c = coefficients
    x = matrices.to(torch.bfloat16)
    is_tall = x.shape[1] > x.shape[2]
    if is_tall:
        x = x.mT
    x = x / x.flatten(1).norm(dim=1).clamp(min=eps)[:, None, None]
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if is_tall else x
