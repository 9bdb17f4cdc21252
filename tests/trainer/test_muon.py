"""Stacked Muon moves weights as torch's does."""

from __future__ import annotations

import copy

import pytest
import torch

from lamlam.trainer.muon import StackedMuon

SHAPES = [(16, 16), (16, 16), (8, 16), (32, 16), (32, 16), (16, 32)]


def weights(seed: int) -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


def reference(parameters: list[torch.nn.Parameter]) -> torch.optim.Muon:
    return torch.optim.Muon(
        parameters, lr=0.01, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw"
    )


def step(optimiser: torch.optim.Optimizer, parameters: list[torch.nn.Parameter], i: int) -> None:
    generator = torch.Generator().manual_seed(100 + i)
    for parameter in parameters:
        parameter.grad = torch.randn(parameter.shape, generator=generator)
    optimiser.step()


def test_five_steps_end_where_those_of_torch_end() -> None:
    ours, theirs = weights(0), weights(0)
    stacked, plain = StackedMuon(ours, lr=0.01, weight_decay=0.1), reference(theirs)
    for i in range(5):
        step(stacked, ours, i)
        step(plain, theirs, i)
    for before, mine, other in zip(weights(0), ours, theirs, strict=True):
        moved = (other - before).abs().mean()
        # Both work in bfloat16, and may round in another order.
        assert (mine - other).abs().mean() < 0.02 * moved


def test_a_state_of_torch_goes_on_here() -> None:
    ours, theirs = weights(0), weights(0)
    plain = reference(theirs)
    for i in range(2):
        step(plain, theirs, i)
    stacked = StackedMuon(ours, lr=0.01, weight_decay=0.1)
    stacked.load_state_dict(copy.deepcopy(plain.state_dict()))
    with torch.no_grad():
        for mine, other in zip(ours, theirs, strict=True):
            mine.copy_(other)
    before = [other.detach().clone() for other in theirs]
    step(stacked, ours, 2)
    step(plain, theirs, 2)
    for start, mine, other in zip(before, ours, theirs, strict=True):
        # Without the momenta of the state half of the step would point elsewhere.
        assert (mine - other).abs().mean() < 0.02 * (other - start).abs().mean()


def test_weights_without_a_gradient_stay() -> None:
    parameters = weights(0)
    optimiser = StackedMuon(parameters, lr=0.01, weight_decay=0.1)
    for parameter in parameters[1:]:
        parameter.grad = torch.ones_like(parameter)
    before = parameters[0].detach().clone()
    optimiser.step()
    assert torch.equal(parameters[0], before)
    with pytest.raises(ValueError, match="closure"):
        optimiser.step(lambda: 0.0)
