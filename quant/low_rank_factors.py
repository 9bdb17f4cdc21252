"""Two narrow matrices whose product is a difference of low rank, in a form that keeps it well."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lamlam.quant.architectures import Weights

_SEED = 0


@dataclass(frozen=True, slots=True)
class LowRankFactors:
    """The difference is ``b @ a``."""

    b: Weights
    """(out, rank)."""
    a: Weights
    """(rank, in)."""
    left_out: float = 0.0
    """Sum of the squares of what was cut off for the rank."""

    @property
    def rank(self) -> int:
        """Columns of ``b``."""
        return int(self.b.shape[1])

    @property
    def product(self) -> Weights:
        """The difference, (out, in)."""
        return self.b @ self.a


def factors_of(difference: Weights, rank: int) -> LowRankFactors:
    """Return the product of this rank that is nearest to a difference, (out, in)."""
    rows, columns = difference.shape
    whole = difference.astype(np.float64)
    # Of a tall matrix the small square has the directions: an embedding has many rows.
    if rows > 4 * columns:
        _, directions = np.linalg.eigh(whole.T @ whole)
        kept = directions[:, ::-1][:, :rank].T
        found = balanced_factors(whole @ kept.T, kept)
    else:
        u, values, v = np.linalg.svd(whole, full_matrices=False)
        found = balanced_factors(u[:, :rank] * values[:rank], v[:rank])
    kept_squares = float(np.square(found.product).sum(dtype=np.float64))
    return replace(found, left_out=max(0.0, float(np.square(whole).sum()) - kept_squares))


def balanced_factors(
    b: NDArray[np.floating], a: NDArray[np.floating], rank: int = 0
) -> LowRankFactors:
    """Return other factors of a product, of which rounding loses the least.

    As training leaves them, some columns are large and others small, ``b`` is small and ``a`` is not.
    Here each column of ``b`` and each row of ``a`` has about the same norm: the directions of the
    product, the root of its singular values in each, are mixed by a rotation.

    Args:
        b: (out, rank).
        a: (rank, in).
        rank: of the result; the smallest directions are left out. 0: all.
    """
    left, left_part = np.linalg.qr(b.astype(np.float64))
    right, right_part = np.linalg.qr(a.astype(np.float64).T)
    u, values, v = np.linalg.svd(left_part @ right_part.T)
    kept = min(rank or len(values), len(values))
    roots = np.sqrt(values[:kept])
    drawn = np.random.default_rng(_SEED).standard_normal((kept, kept))
    rotation = np.linalg.qr(drawn)[0]
    return LowRankFactors(
        np.ascontiguousarray(left @ (u[:, :kept] * roots) @ rotation, np.float32),
        np.ascontiguousarray(rotation.T @ (roots[:, None] * v[:kept]) @ right.T, np.float32),
        float(np.square(values[kept:]).sum()),
    )
