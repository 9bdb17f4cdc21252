"""The cache of llama.cpp can be cut back, and its limits are ours to keep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as api
import numpy as np
import pytest

from lamlam.errors import DecodeFailed
from lamlam.runtime.decoding.sampling import Logits
from lamlam.runtime.llama.context import LlamaContext, open_context, open_model
from lamlam.runtime.llama.model_file import check_file


@pytest.fixture
def context(tiny_model: Path) -> Iterator[LlamaContext]:
    with (
        open_model(check_file(tiny_model)) as model,
        open_context(model, context=64, n_sequences=2, n_batch=16, threads=1) as opened,
    ):
        yield opened


def _logits_after(
    context: LlamaContext, tokens: list[int], position: int = 0, sequence: int = 0
) -> Logits:
    row = context.add(sequence, tokens, position, is_last=True)
    assert row is not None
    context.decode()
    return context.logits(row).copy()


def test_a_rewound_sequence_is_as_good_as_a_fresh_one(context: LlamaContext) -> None:
    """Cut back and continued: the logits of a fresh evaluation."""
    _logits_after(context, [0, 70, 71, 72])
    _logits_after(context, [90, 91, 92], position=4)
    context.truncate(0, 4)
    rewound = _logits_after(context, [73], position=4)
    context.free(0)
    fresh = _logits_after(context, [0, 70, 71, 72, 73])
    np.testing.assert_allclose(rewound, fresh, atol=2e-2)
    assert rewound.argmax() == fresh.argmax()


def test_sequences_do_not_see_each_other(context: LlamaContext) -> None:
    """Two sequences in one batch give what each gives alone."""
    alone = _logits_after(context, [0, 70, 71])
    context.free(0)
    context.add(0, [0, 80, 81], 0, is_last=True)
    row = context.add(1, [0, 70, 71], 0, is_last=True)
    assert row == 1
    context.decode()
    np.testing.assert_allclose(context.logits(row), alone, atol=2e-2)


def test_a_batch_over_its_limit_is_refused_before_llama_cpp_sees_it(context: LlamaContext) -> None:
    """llama.cpp would end the process."""
    assert context.free_tokens == 16
    with pytest.raises(DecodeFailed, match="16"):
        context.add(0, [1] * 17, 0, is_last=True)


def test_a_full_context_is_an_error(context: LlamaContext) -> None:
    """Sixty-four tokens fit in a sequence, however llama.cpp rounds that up."""
    with pytest.raises(DecodeFailed, match="KV cache is full"):
        for position in range(0, 4096, 16):
            context.add(0, [5] * 16, position, is_last=True)
            context.decode()


@pytest.mark.parametrize(("system", "is_repacked"), [("AMX_INT8 = 1", False), ("AVX2 = 1", True)])
def test_no_weights_come_to_matrix_tiles(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, system: str, is_repacked: bool
) -> None:
    """A build with AMX may end the process: its weights stay as they are in the file."""
    asked: list[bool] = []
    load = api.llama_model_load_from_file

    def noted(path: bytes, params: Any) -> object:
        asked.append(params.use_extra_bufts)
        return load(path, params)

    monkeypatch.setattr(api, "llama_print_system_info", f"CPU : {system} | ".encode)
    monkeypatch.setattr(api, "llama_model_load_from_file", noted)
    with open_model(check_file(tiny_model)):
        assert asked == [is_repacked]
