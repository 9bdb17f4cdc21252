"""The optimisers of a run and how their learning rates move over it."""

from __future__ import annotations

import math

import torch
from torch.optim import Optimizer

from lamlam.errors import BadSettings
from lamlam.trainer.low_rank import is_low_rank
from lamlam.trainer.settings import OptimiserConfig


def build_optimisers(model: torch.nn.Module, settings: OptimiserConfig) -> list[Optimizer]:
    """Return the optimisers; each group keeps its full rate under ``initial_lr``."""
    matrices, embeddings, vectors = [], [], []
    looked_up = {
        id(part.weight) for part in model.modules() if isinstance(part, torch.nn.Embedding)
    }
    for name, weight in model.named_parameters():
        if not weight.requires_grad:
            continue
        if weight.ndim < 2:
            vectors.append(weight)
        elif id(weight) in looked_up or "lm_head" in name:
            embeddings.append(weight)
        else:
            matrices.append(weight)
    on_gpu = next(model.parameters()).is_cuda
    use_muon = settings.name == "muon"
    decayed = embeddings if use_muon else matrices + embeddings
    if is_low_rank(model):  # of the embedding a few rows are learnt, and the others would shrink
        decayed, vectors = matrices, vectors + embeddings
    optimisers: list[Optimizer] = [
        torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": settings.weight_decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=settings.learning_rate,
            betas=(0.9, 0.95),
            fused=on_gpu,
        )
    ]
    if use_muon:
        if not hasattr(torch.optim, "Muon"):
            raise BadSettings("this torch has no Muon", hint="use optimiser.name = 'adamw'")
        from lamlam.trainer.muon import StackedMuon

        optimisers.append(
            StackedMuon(
                matrices, lr=settings.matrix_learning_rate, weight_decay=settings.weight_decay
            )
        )
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["initial_lr"] = group["lr"]
    return optimisers


def lr_scale(progress: float, settings: OptimiserConfig) -> float:
    """Return the share of the full learning rate at this point of the run (0 to 1)."""
    if progress < settings.warm_up:
        return max(progress / settings.warm_up, 1e-3)
    rest = min((progress - settings.warm_up) / max(1e-9, 1 - settings.warm_up), 1.0)
    return settings.final + (1 - settings.final) * 0.5 * (1 + math.cos(math.pi * rest))
