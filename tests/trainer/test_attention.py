"""Documents of one row do not see each other."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lamlam.trainer.attention import DocumentSpans, attend
from lamlam.trainer.model import build_model
from lamlam.trainer.settings import ModelConfig

END_OF_TEXT = 0


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(3)
    shape = ModelConfig(width=32, layers=2, heads=4, kv_heads=2, feed_forward=64, context=48)
    return build_model(shape, 50, END_OF_TEXT)


def slow_spans(row: list[int]) -> tuple[list[int], list[int]]:
    """The same, token by token."""
    documents, positions = [], []
    document, position = 0, -1
    for token in row:
        if token == END_OF_TEXT:
            document, position = document + 1, -1
        position += 1
        documents.append(document)
        positions.append(position)
    return documents, positions


@given(st.lists(st.lists(st.integers(0, 3), min_size=9, max_size=9), min_size=1, max_size=4))
def test_spans_are_those_of_the_slow_way(rows: list[list[int]]) -> None:
    spans = DocumentSpans.of(torch.tensor(rows), END_OF_TEXT)
    for i, row in enumerate(rows):
        documents, positions = slow_spans(row)
        assert spans.document[i].tolist() == documents
        assert spans.position[i].tolist() == positions
        mask = spans.mask()
        assert isinstance(mask, torch.Tensor)
        for query in range(9):
            for key in range(9):
                sees = key <= query and documents[key] == documents[query]
                assert bool(mask[i, 0, query, key]) is sees


@torch.no_grad()
def test_a_document_in_a_row_reads_as_it_does_alone(model: Any) -> None:
    torch.manual_seed(1)
    row = torch.randint(1, 50, (2, 48))
    row[:, 0] = row[:, 17] = row[0, 30] = END_OF_TEXT
    spans = DocumentSpans.of(row, END_OF_TEXT)
    together = model.model(
        inputs_embeds=model.model.embed_tokens(row),
        attention_mask=spans.mask(),
        position_ids=spans.position,
    ).last_hidden_state
    for i, begin, end in ((0, 0, 17), (0, 17, 30), (0, 30, 48), (1, 17, 48)):
        alone = model.model(input_ids=row[i : i + 1, begin:end]).last_hidden_state
        assert torch.allclose(together[i, begin:end], alone[0], atol=1e-5)
    without = model.model(input_ids=row).last_hidden_state
    assert not torch.allclose(together[0, 17:30], without[0, 17:30], atol=1e-2)


@pytest.mark.parametrize("n_kv", [1, 2, 4])
def test_grouped_heads_share_keys_and_values(n_kv: int) -> None:
    torch.manual_seed(0)
    query = torch.randn(2, 4, 6, 8)
    key, value = torch.randn(2, n_kv, 6, 8), torch.randn(2, n_kv, 6, 8)
    out, _ = attend(torch.nn.Identity(), query, key, value, None, scaling=0.3)
    repeated = key.repeat_interleave(4 // n_kv, 1), value.repeat_interleave(4 // n_kv, 1)
    scores = (query @ repeated[0].mT * 0.3).masked_fill(~torch.ones(6, 6).tril().bool(), -1e9)
    assert torch.allclose(out, (scores.softmax(-1) @ repeated[1]).transpose(1, 2), atol=1e-5)


@pytest.mark.filterwarnings("ignore:flex_attention called without")
def test_a_gpu_sees_the_blocks_that_the_dense_mask_leaves() -> None:
    """The block mask of a GPU, made here without one and run by the uncompiled kernel."""
    from torch.nn.attention.flex_attention import create_block_mask, create_mask

    from lamlam.trainer.attention import seen_by

    rows = torch.randint(0, 5, (2, 256), generator=torch.Generator().manual_seed(4))
    spans = DocumentSpans.of(rows, END_OF_TEXT)
    blocks = create_block_mask(
        seen_by(spans.document), 2, None, 256, 256, device="cpu", BLOCK_SIZE=128
    )
    dense = create_mask(seen_by(spans.document), 2, 1, 256, 256, device="cpu")
    mask = spans.mask()
    assert isinstance(mask, torch.Tensor) and torch.equal(dense, mask)
    torch.manual_seed(0)
    query, key, value = torch.randn(2, 4, 256, 16), *torch.randn(2, 2, 2, 256, 16)
    by_blocks, _ = attend(torch.nn.Identity(), query, key, value, blocks)
    by_mask, _ = attend(torch.nn.Identity(), query, key, value, spans.mask())
    assert torch.allclose(by_blocks, by_mask, atol=1e-5)
