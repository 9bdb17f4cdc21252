"""Continue a model by a small difference: two narrow matrices beside each frozen one (LoRA).

What is learnt is ``A`` and ``B`` of ``W + alpha / rank * B A`` for the matrices of the blocks, the
weights of the norms, and the rows of the four lookup tokens. All else stays as it was read, so the
difference is a few per cent of the model, which a file of its own can hold.

Source: Hu et al. 2021 (arXiv 2106.09685).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from lamlam.errors import BadSettings
from lamlam.trainer.loss_masks import LookupIds


class LowRankLinear(torch.nn.Module):
    """A frozen matrix and a difference of low rank.

    The sum is made for each forward pass: what is merged later is what training saw.
    """

    def __init__(self, whole: torch.nn.Linear, rank: int, alpha: float, seed: int) -> None:
        """Take a matrix over; its difference is zero at first.

        Args:
            rank: columns of ``B`` and rows of ``A``.
            alpha: the difference counts ``alpha / rank`` times.
            seed: of ``A``.
        """
        super().__init__()
        self.weight = whole.weight.requires_grad_(False)  # (out, in)
        self.bias = whole.bias
        self.scale = alpha / rank
        rows, columns = self.weight.shape
        # Drawn on the CPU: every device starts from the same ones.
        drawn = torch.randn(rank, columns, generator=torch.Generator().manual_seed(seed))
        device = self.weight.device
        self.low_rank_a = torch.nn.Parameter((drawn / math.sqrt(columns)).to(device))
        self.low_rank_b = torch.nn.Parameter(torch.zeros(rows, rank, device=device))

    def merged(self) -> Tensor:
        """Return the sum, (out, in)."""
        return self.weight + self.scale * (self.low_rank_b @ self.low_rank_a)

    def forward(self, states: Tensor) -> Tensor:
        """Return the product with the sum."""
        return torch.nn.functional.linear(states, self.merged(), self.bias)


def learn_low_rank(
    model: PreTrainedModel, ids: LookupIds, rank: int, alpha: float, seed: int
) -> None:
    """Put narrow matrices beside those of the blocks, in place, and freeze what is not learnt.

    Args:
        ids: whose rows of embedding and output matrix are learnt, too.
        alpha: the differences count ``alpha / rank`` times; 0: twice.

    Raises:
        BadSettings: the model has no blocks of linear layers (GPT-2's are of another kind).
    """
    for weight in model.parameters():
        weight.requires_grad_(weight.ndim < 2)
    found = 0
    for path, part in list(model.base_model.named_modules()):
        if isinstance(part, torch.nn.Linear):
            owner, _, name = path.rpartition(".")
            holder = model.base_model.get_submodule(owner)
            setattr(holder, name, LowRankLinear(part, rank, alpha or 2.0 * rank, seed + found))
            found += 1
    if not found:
        raise BadSettings(
            f"model.low_rank is for Llama and Qwen 3, not for {model.config.model_type}",
            hint="leave it out to train all weights",
        )
    rows = [ids.entity, ids.relationship, ids.return_, ids.end]
    for matrix in _matrices(model):
        matrix.requires_grad_(True)
        learnt = torch.zeros(matrix.shape[0], 1)
        learnt[rows] = 1.0
        matrix.register_hook(_RowsLearnt(learnt))


class _RowsLearnt:
    """Leaves gradients to some rows alone."""

    def __init__(self, learnt: Tensor) -> None:
        self._learnt = learnt

    def __call__(self, gradient: Tensor) -> Tensor:
        self._learnt = self._learnt.to(gradient.device)
        return gradient * self._learnt


def is_low_rank(model: torch.nn.Module) -> bool:
    """Return whether the model has narrow matrices."""
    return any(isinstance(part, LowRankLinear) for part in model.modules())


def merged_weights(model: torch.nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield the weights of a model by name, as it has them without narrow matrices."""
    narrow = {path: part for path, part in model.named_modules() if isinstance(part, LowRankLinear)}
    for name, weight in model.state_dict().items():
        owner, _, own = name.rpartition(".")
        if owner not in narrow:
            yield name, weight
        elif own == "weight":
            yield name, narrow[owner].merged()
        elif own == "bias":
            yield name, weight


def _matrices(model: PreTrainedModel) -> Iterator[Any]:
    embedding: Any = model.get_input_embeddings()
    output: Any = model.get_output_embeddings()  # type: ignore[no-untyped-call]  # transformers'
    yield embedding.weight
    if output.weight is not embedding.weight:
        yield output.weight
