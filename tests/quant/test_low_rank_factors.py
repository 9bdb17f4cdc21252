"""Factors of a product of low rank: cut as the best approximation is, and rounded with little loss."""

from __future__ import annotations

import numpy as np
import pytest

from lamlam.quant.architectures import Weights
from lamlam.quant.low_rank_factors import LowRankFactors, balanced_factors, factors_of


def drawn(*shape: int, seed: int = 0) -> Weights:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def rounded(values: Weights) -> Weights:
    """To sixteen steps of the largest in a block of 32."""
    blocks = values.reshape(-1, 32)
    steps = np.abs(blocks).max(1, keepdims=True) / 8
    found: Weights = (np.round(blocks / steps) * steps).reshape(values.shape)
    return found


@pytest.mark.parametrize("shape", [(64, 96), (96, 64), (300, 64)])
@pytest.mark.parametrize("rank", [1, 16, 64])
def test_a_cut_difference_is_the_nearest_of_its_rank(shape: tuple[int, int], rank: int) -> None:
    whole = drawn(*shape)
    u, values, v = np.linalg.svd(whole, full_matrices=False)
    found = factors_of(whole, rank)
    assert found.rank == rank
    assert np.allclose(found.product, (u[:, :rank] * values[:rank]) @ v[:rank], atol=1e-4)
    assert found.left_out == pytest.approx(float(np.square(values[rank:]).sum()), abs=1e-2)
    again = balanced_factors(found.b, found.a, 8)
    assert np.allclose(again.product, factors_of(whole, min(8, rank)).product, atol=1e-4)


def test_balanced_factors_are_a_product_that_rounding_loses_less_of() -> None:
    """Columns as training leaves them: some are large, and one number stands out."""
    scales = np.geomspace(0.01, 1.0, 32).astype(np.float32)
    b, a = drawn(64, 32) * scales, drawn(32, 96, seed=1)
    b[3, 4] = 30.0

    def lost(one: LowRankFactors) -> float:
        return float(np.linalg.norm(rounded(one.b) @ rounded(one.a) - b @ a))

    found = balanced_factors(b, a)
    assert np.allclose(found.product, b @ a, atol=1e-3)
    assert found.left_out == 0.0
    assert lost(found) < 0.9 * lost(LowRankFactors(b, a))
    nothing = balanced_factors(np.zeros_like(b), a)
    assert not nothing.product.any()
