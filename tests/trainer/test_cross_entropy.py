"""The loss in chunks is the loss."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lamlam.trainer import cross_entropy
from lamlam.trainer.cross_entropy import chunks_of, summed_cross_entropy
from lamlam.trainer.packing import IGNORED


@pytest.mark.parametrize("chunk_bytes", [4 * 11 * 3, 1 << 30])  # chunks of three tokens, and one
@pytest.mark.parametrize("ignored", [[], [0, 4, 5], list(range(10))])
def test_loss_and_gradients_are_those_of_torch(
    monkeypatch: pytest.MonkeyPatch, chunk_bytes: int, ignored: list[int]
) -> None:
    monkeypatch.setattr(cross_entropy, "_CHUNK_BYTES", chunk_bytes)
    torch.manual_seed(0)
    hidden = torch.randn(10, 6, requires_grad=True)
    weight = torch.randn(11, 6, requires_grad=True)
    labels = torch.randint(0, 11, (10,))
    labels[ignored] = IGNORED
    ours = summed_cross_entropy(hidden, weight, labels)
    torch.autograd.backward(ours / 7)
    found = hidden.grad, weight.grad
    hidden.grad = weight.grad = None
    theirs = torch.nn.functional.cross_entropy(
        hidden @ weight.T, labels, ignore_index=IGNORED, reduction="sum"
    )
    torch.autograd.backward(theirs / 7)
    assert torch.allclose(ours, theirs, atol=1e-4)
    for mine, other in zip(found, (hidden.grad, weight.grad), strict=True):
        assert mine is not None and other is not None
        assert torch.allclose(mine, other, atol=1e-5)


def test_a_bfloat16_stream_gets_a_bfloat16_gradient_and_float32_weights_their_own() -> None:
    torch.manual_seed(0)
    hidden = torch.randn(5, 6, dtype=torch.bfloat16, requires_grad=True)
    weight = torch.randn(11, 6, requires_grad=True)
    loss = summed_cross_entropy(hidden, weight, torch.arange(5))
    torch.autograd.backward(loss)
    assert loss.dtype == torch.float32
    assert hidden.grad is not None and hidden.grad.dtype == torch.bfloat16
    assert weight.grad is not None and weight.grad.dtype == torch.float32


@given(st.integers(1, 5_000), st.integers(1, 600))
def test_chunks_are_equal_where_they_can_be(n_tokens: int, most: int) -> None:
    n = chunks_of(n_tokens, most)
    longest = -(-n_tokens // n)
    assert longest <= most
    fewest = -(-n_tokens // most)
    could_be = any(n_tokens % k == 0 for k in range(fewest, 2 * fewest))
    assert (n_tokens % n == 0) == could_be
