"""The tensors of a model and its optimisers by name, whole or spread over processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim import Optimizer


def is_spread(model: torch.nn.Module) -> bool:
    """Return whether each process has a part of the weights only."""
    return any(isinstance(weight, DTensor) for weight in model.parameters())


def named_tensors(model: torch.nn.Module, optimisers: list[Optimizer]) -> dict[str, Tensor]:
    """Return weights as ``model.NAME`` and optimiser states as ``optimiser.NAME.KEY``.

    A weight that has two names is there once, and belongs to one optimiser.
    """
    found = {f"model.{name}": weight.detach() for name, weight in model.named_parameters()}
    for name, weight in model.named_parameters():
        for key, value in _state_of(optimisers, weight).items():
            found[f"optimiser.{name}.{key}"] = value
    return found


def prepared_tensors(
    model: torch.nn.Module, optimisers: list[Optimizer], names: Mapping[str, torch.Size]
) -> dict[str, Tensor]:
    """Return tensors to read a saved state into: the weights themselves, and new optimiser states.

    Args:
        names: of what was saved, with whole sizes.

    Raises:
        ValueError: another model was saved.
    """
    weights = dict(model.named_parameters())
    found = {f"model.{name}": weight.detach() for name, weight in weights.items()}
    for name, size in names.items():
        if not name.startswith("optimiser."):
            continue
        of, _, _ = name.removeprefix("optimiser.").rpartition(".")
        if of not in weights:
            raise ValueError(f"it has {of}, which this model lacks")
        is_like_the_weight = size == weights[of].shape
        found[name] = torch.zeros_like(weights[of]) if is_like_the_weight else torch.zeros(size)
    for name in found:
        if name not in names or names[name] != found[name].shape:
            raise ValueError(f"it lacks {name} of shape {tuple(found[name].shape)}")
    return {name: value.detach() for name, value in found.items()}


def fill(
    model: torch.nn.Module, optimisers: list[Optimizer], tensors: Mapping[str, Tensor]
) -> None:
    """Give the optimisers the states among the tensors; the weights were read in place."""
    name_of = {id(weight): name for name, weight in model.named_parameters()}
    states: dict[str, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimiser."):
            of, _, key = name.removeprefix("optimiser.").rpartition(".")
            states.setdefault(of, {})[key] = value
    for optimiser in optimisers:
        own = optimiser.state_dict()
        numbered = {
            number: states[name_of[id(weight)]]
            for number, weight in enumerate(_weights_of(optimiser))
            if name_of[id(weight)] in states
        }
        optimiser.load_state_dict({"state": numbered, "param_groups": own["param_groups"]})


def load_whole(
    model: torch.nn.Module,
    optimisers: list[Optimizer],
    weights: Mapping[str, Tensor],
    states: list[dict[str, Any]],
) -> None:
    """Give a model that is spread over processes the state of one that is whole.

    Args:
        weights: the ``state_dict`` of the whole model.
        states: those of its optimisers.
    """
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(_like(weight, weights[name]))
    for optimiser, saved in zip(optimisers, states, strict=True):
        own = _weights_of(optimiser)
        spread = {
            number: {
                key: _like(own[int(number)], value)
                if isinstance(value, Tensor) and value.shape == own[int(number)].shape
                else value
                for key, value in state.items()
            }
            for number, state in saved["state"].items()
        }
        optimiser.load_state_dict({**saved, "state": spread})


def _like(weight: Tensor, whole: Tensor) -> Tensor:
    """Return a whole tensor as the weight is spread, or as it is; each process has the whole."""
    whole = whole.to(weight.device)
    if not isinstance(weight, DTensor):
        return whole
    return distribute_tensor(whole, weight.device_mesh, weight.placements, src_data_rank=None)


def _weights_of(optimiser: Optimizer) -> list[Tensor]:
    return [weight for group in optimiser.param_groups for weight in group["params"]]


def _state_of(optimisers: list[Optimizer], weight: Tensor) -> dict[str, Tensor]:
    for optimiser in optimisers:
        if weight in optimiser.state:
            return dict(optimiser.state[weight])
    return {}
