"""Compiling: blocks of one model share what is compiled, and it changes no gradient."""

from __future__ import annotations

import pytest
import torch
from torch._dynamo.utils import counters

from lamlam.trainer import cross_entropy as cross_entropy_module
from lamlam.trainer.attention import DocumentSpans
from lamlam.trainer.compiled_parts import compile_parts
from lamlam.trainer.model import build_model, next_token_loss
from lamlam.trainer.settings import ModelConfig


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # dynamo looks at it
@pytest.mark.parametrize("family", ["llama", "gpt2", "qwen3"])
def test_a_model_compiles_as_fast_as_one_of_few_blocks(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More blocks and chunks than dynamo would compile one by one (8) make no graph more."""
    monkeypatch.setattr(cross_entropy_module, "_CHUNK_BYTES", 4 * 300 * 4)  # 4 tokens a chunk
    torch._dynamo.reset()
    counters.clear()
    shape = ModelConfig(
        family=family,  # type: ignore[arg-type]  # of the parameters above
        width=32,
        layers=12,
        heads=2,
        kv_heads=1,
        feed_forward=48,
        context=32,
    )
    torch.manual_seed(0)
    model = build_model(shape, 300, 0)
    inputs = torch.randint(1, 300, (2, 32))
    inputs[:, ::8] = 0
    spans = DocumentSpans.of(inputs, 0)
    batch = (model, inputs, inputs, spans.mask(), spans.position)
    plain = next_token_loss(*batch)
    plain.backward()  # type: ignore[no-untyped-call]
    expected = [weight.grad for weight in model.parameters()]
    model.zero_grad(set_to_none=True)

    cross_entropy = compile_parts(model, backend="eager")
    compiled = next_token_loss(*batch, cross_entropy=cross_entropy)
    compiled.backward()  # type: ignore[no-untyped-call]

    assert counters["stats"]["unique_graphs"] == 4  # embedding, block, last norm, chunk of the loss
    assert torch.equal(compiled, plain)
    for weight, gradient in zip(model.parameters(), expected, strict=True):
        assert gradient is not None
        torch.testing.assert_close(weight.grad, gradient)
