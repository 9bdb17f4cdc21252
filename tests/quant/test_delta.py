"""A delta and its ancestor make one model; a delta that is damaged or another's makes none."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from numpy.typing import NDArray

from lamlam.errors import BadModelFile
from lamlam.lookup_tokens import LOOKUP_TOKENS
from lamlam.quant.delta_file import read_delta
from lamlam.quant.delta_merge import StoredTensors
from lamlam.quant.delta_model import AS_IT_IS, write_merged
from lamlam.quant.ggml_rows import ROW_TYPES, quantise_rows, row_bytes
from lamlam.quant.quantise import quantise
from lamlam.runtime.llama.checksum import verify
from lamlam.runtime.llama.gguf_file import TensorEntry, read_header
from lamlam.runtime.sync import SyncEngine
from tests.tiny_delta import (
    ALPHA,
    RANK,
    UNUSED,
    first_unused,
    write_tiny_ancestor,
    write_tiny_delta,
)
from tests.tiny_model import CONTROL


@pytest.fixture
def ancestor(tmp_path: Path) -> Path:
    return write_tiny_ancestor(tmp_path / "ancestor.gguf")


def as_it_is(_: TensorEntry) -> str:
    return AS_IT_IS


def tensors_of(path: Path) -> dict[str, NDArray[np.float32]]:
    header = read_header(path)
    stored = StoredTensors(path, header)
    return {entry.name: stored.values(entry) for entry in header.tensors}


@pytest.mark.parametrize("kind", ["F16", "Q8_0", "Q5_0", "Q4_0"])
def test_the_merge_is_the_sum_as_written_down(kind: str, ancestor: Path, tmp_path: Path) -> None:
    """Every tensor equals a slow sum over the rank; rows and whole tensors are the delta's."""
    delta = write_tiny_delta(tmp_path / "delta.gguf", ancestor, kind=kind)
    merged = write_merged(read_delta(delta), ancestor, tmp_path / "m.gguf", as_it_is).path
    theirs, ours, found = tensors_of(ancestor), tensors_of(delta), tensors_of(merged)
    assert theirs.keys() == found.keys()
    number = first_unused(ancestor)
    for name, values in theirs.items():
        expected = values.astype(np.float64)
        if f"{name}.lora_a" in ours:
            a, b = ours[f"{name}.lora_a"], ours[f"{name}.lora_b"]
            for n in range(RANK):
                expected += ALPHA / RANK * np.outer(b[:, n], a[n])
            assert not np.allclose(expected, values)
        elif name == "token_embd.weight":
            expected[number : number + 4] = ours["token_embd.weight.rows"]
        elif name in ours:
            expected = ours[name].astype(np.float64)
        assert np.allclose(found[name], expected, atol=1e-5), name


def test_the_header_is_the_ancestors_with_what_the_delta_says(
    ancestor: Path, tmp_path: Path
) -> None:
    """Lookup tokens stand in the place of unused ones; nothing of the file of the delta is left."""
    delta = write_tiny_delta(tmp_path / "delta.gguf", ancestor)
    path = write_merged(read_delta(delta), ancestor, tmp_path / "m.gguf", as_it_is).path
    before, after = read_header(ancestor).metadata, read_header(path).metadata
    number = first_unused(ancestor)
    key = "tokenizer.ggml.tokens"
    assert before[key][number : number + 4] == list(UNUSED)
    assert after[key] == [*before[key][:number], *LOOKUP_TOKENS, *before[key][number + 4 :]]
    assert after["tokenizer.ggml.token_type"][number : number + 4] == [CONTROL] * 4
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert {name for name in changed if not name.startswith("lamlam.")} == {
        "general.name", key, "tokenizer.ggml.add_bos_token",
    }  # fmt: skip
    assert after["lamlam.lookup_bias"] == 0.5 and "adapter.type" not in after
    assert not any(name.startswith("lamlam.delta.") for name in after)
    assert after["lamlam.ancestor"].startswith("llm-tiny==0.1.2 llm_tiny/tiny.gguf sha256:")
    assert verify(path)


def test_a_delta_of_zeros_writes_the_ancestors_text(ancestor: Path, tmp_path: Path) -> None:
    """Of a quantised ancestor all tensors but the rows of new tokens are the same bytes."""
    small = quantise(ancestor, tmp_path / "small.gguf", "Q4_1")
    delta = write_tiny_delta(
        tmp_path / "delta.gguf", small, size=0.0,
        tensors={"output_norm.weight": np.ones(64, np.float32)},
    )  # fmt: skip
    merged = write_merged(read_delta(delta), small, tmp_path / "m.gguf", as_it_is)
    assert merged.changed == 2 and merged.kept == len(read_header(small).tensors) - 2
    theirs, ours = (StoredTensors(path, read_header(path)) for path in (small, merged.path))
    number = first_unused(small)
    for before, after in zip(
        read_header(small).tensors, read_header(merged.path).tensors, strict=True
    ):
        same = theirs.raw(before) == ours.raw(after)
        if before.name == "token_embd.weight":
            same[number : number + 4] = True
        assert same.all(), before.name
    texts = []
    for path in (small, merged.path):
        with SyncEngine(path, memory=None, plain=True) as engine:
            texts.append(engine.generate("the born", max_tokens=24, ignore_eos=True).text)
    assert texts[0] == texts[1]


def test_what_was_asked_and_what_became_of_it(ancestor: Path, tmp_path: Path) -> None:
    """Rows of 64 and 128 fit no blocks of 256: they get the nearest type that they fit."""
    delta = read_delta(write_tiny_delta(tmp_path / "delta.gguf", ancestor))
    merged = write_merged(delta, ancestor, tmp_path / "m.gguf", lambda entry: "Q6_K")
    assert merged.asked["Q6_K"] == 15 and merged.types.keys() == {"Q5_1", "F32"}
    with SyncEngine(merged.path, memory=None) as engine:
        assert engine.generate("the born", max_tokens=4).n_tokens


@pytest.mark.parametrize("type_name", ROW_TYPES)
def test_quantised_rows_are_near(type_name: str) -> None:
    """As its reader reads them; more bits, less error."""
    values = np.random.default_rng(0).standard_normal((40, 512), np.float32)
    raw = quantise_rows(values, type_name)
    assert raw.shape == (40, row_bytes(type_name, 512))
    back = gguf.dequantize(raw, gguf.GGMLQuantizationType[type_name])
    bits = min(8 * raw.nbytes / 40 / 512, 11)  # F16 keeps 11 of its bits in a number
    assert np.sqrt(np.mean((back - values) ** 2)) < 3.0 * 2.0**-bits * 1.2


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "another kind": ({"general.type": "model"}, "is not a delta"),
    "of nothing": ({"lamlam.delta.base.sha256": None}, "does not say of which file"),
    "no alpha": ({"adapter.lora.alpha": None}, "expected a number"),
    "endless alpha": ({"adapter.lora.alpha": float("inf")}, "expected a number"),
    "a hash": ({"lamlam.delta.base.sha256": "abc"}, "base.sha256 is 'abc'"),
    "an option": ({"lamlam.delta.base.package": "--index-url=x"}, "base.package is"),
    "a marker": ({"lamlam.delta.base.version": "1; echo"}, "base.version is"),
    "fewer texts": ({"lamlam.delta.tokens": ["<a>"]}, "do not go together"),
    "one text twice": ({"lamlam.delta.tokens": ["<a>"] * 4}, "do not go together"),
    "negative": ({"lamlam.delta.token_ids": [-1, 1, 2, 3]}, "do not go together"),
    "another way": ({"lamlam.verbalise": "sing"}, "lamlam.verbalise is 'sing'"),
    "endless bias": ({"lamlam.lookup_bias": float("nan")}, "lamlam.lookup_bias is nan"),
    "common tokens": ({"lamlam.delta.token_ids": [1, 2, 3, 4]}, "part of common words"),
    "far tokens": ({"lamlam.delta.token_ids": [9000, 9001, 9002, 9003]}, "there is no row 9003"),
    "a text of others": ({"lamlam.delta.tokens": ["a", "x1", "x2", "x3"]}, "at another place"),
}  # fmt: skip


@pytest.mark.parametrize("which", BAD)
def test_what_a_delta_may_not_say(which: str, ancestor: Path, tmp_path: Path) -> None:
    """One error that names it; nothing is written."""
    said, expected = BAD[which]
    delta = write_tiny_delta(tmp_path / "delta.gguf", ancestor, said=said)
    with pytest.raises(BadModelFile, match=expected):
        write_merged(read_delta(delta), ancestor, tmp_path / "m.gguf", as_it_is)
    assert not list(tmp_path.glob("*m.gguf*"))


def test_tensors_that_fit_nothing(ancestor: Path, tmp_path: Path) -> None:
    """Of another shape, alone, of no matrix, or not finite."""
    one = np.ones((RANK, 32), np.float32)
    endless = np.full(64, np.nan, np.float32)
    cases: list[tuple[dict[str, NDArray[np.float32]], str]] = [
        ({"blk.0.attn_q.weight.lora_a": one}, "attn_q.weight is 32 x 64 there, 64 x 64 in"),
        ({"blk.7.attn_q.weight.lora_a": one}, "one of the two narrow matrices"),
        ({"output_norm.weight": np.ones(32, np.float32)}, "is 32 there, 64 in"),
        ({"blk.9.attn_norm.weight": np.ones(64, np.float32)}, "64 there, absent in"),
        ({"token_embd.weight.rows": np.ones((3, 64), np.float32)}, "rows for 4 tokens"),
        ({"blk.0.attn_q.weight": np.ones((64, 64), np.float32)}, "and replaces it, too"),
        ({"output_norm.weight": endless}, "output_norm.weight has values that are no finite"),
    ]
    for tensors, expected in cases:
        delta = write_tiny_delta(tmp_path / "delta.gguf", ancestor, tensors=tensors)
        with pytest.raises(BadModelFile, match=expected):
            write_merged(read_delta(delta), ancestor, tmp_path / "m.gguf", as_it_is)
        assert not list(tmp_path.glob("*m.gguf*"))


def test_any_byte_of_a_header_may_be_wrong(ancestor: Path, tmp_path: Path) -> None:
    """A damaged delta is refused by name, or makes a whole file; it never ends otherwise."""
    delta = write_tiny_delta(tmp_path / "delta.gguf", ancestor)
    whole, length = delta.read_bytes(), read_header(delta).data_offset
    draw, refused = random.Random(0), 0
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[draw.randrange(length)] ^= 1 << draw.randrange(8)
        delta.write_bytes(damaged)
        try:
            write_merged(read_delta(delta), ancestor, tmp_path / "m.gguf", as_it_is)
        except BadModelFile:
            refused += 1
    assert refused > 20
    for kept in (0, 3, 40, length, len(whole) - 1):
        delta.write_bytes(whole[:kept])
        with pytest.raises(BadModelFile):
            read_delta(delta)
