"""Quantised files are small, run, and come only from what may be quantised."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from lamlam.errors import BadModelFile, UnknownOption, UsageError
from lamlam.quant.quantise import quantisation_types, quantise
from lamlam.runtime.llama.checksum import verify
from lamlam.runtime.llama.gguf_file import read_header
from tests.checkpoints import Loader
from tests.other_models import split_model, write_header_alone

IDS = [0, *range(40, 100)]


@pytest.fixture
def small(wide_f16: Path, tmp_path: Path) -> Path:
    return quantise(wide_f16, tmp_path / "small.gguf")


def test_q4_k_m_is_small_sealed_and_generates(wide_f16: Path, small: Path, load: Loader) -> None:
    """The default type: a third of f16's bytes, near its logits, and it writes tokens."""
    header = read_header(small)
    assert {entry.type_name for entry in header.tensors} == {"Q4_K", "Q6_K", "F32"}
    assert small.stat().st_size < 0.4 * wide_f16.stat().st_size
    assert verify(small)
    exact, ours = load(wide_f16).logits(IDS), load(small).logits(IDS)
    correlation = np.corrcoef(exact.ravel(), ours.ravel())[0, 1]
    assert correlation > 0.9  # random weights leave 0.95; a wrong block layout leaves none
    written = load(small).greedy(IDS, 8)
    assert len(written) == 8
    assert all(0 <= token < exact.shape[1] for token in written)


def test_metadata_and_vocabulary_survive(wide_f16: Path, small: Path) -> None:
    """Quantising changes the numbers and their checksum, nothing else."""
    before, after = read_header(wide_f16).metadata, read_header(small).metadata
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert changed == {
        "general.file_type",
        "general.quantization_version",
        "lamlam.weights_blake2b",
        "lamlam.header_blake2b",
    }


def test_a_model_in_parts_becomes_one_file(wide_f16: Path, small: Path, tmp_path: Path) -> None:
    """The same bytes as from the whole file, sealed; none of its parts may be written over."""
    parts = split_model(wide_f16, tmp_path, 3)
    joined = quantise(parts[0], tmp_path / "joined.gguf")
    assert verify(joined)
    assert "split.count" not in read_header(joined).metadata
    ours, theirs = (path.read_bytes()[read_header(path).data_offset :] for path in (joined, small))
    assert ours == theirs
    with pytest.raises(UsageError, match="is the file to quantise"):
        quantise(parts[0], parts[1])
    with pytest.raises(BadModelFile, match="part 2 of 3") as caught:
        quantise(parts[1], tmp_path / "other.gguf")
    assert parts[0].name in str(caught.value.hint)
    with pytest.raises(UsageError, match="already quantised"):
        quantise(split_model(small, tmp_path, 2)[0], tmp_path / "other.gguf")


def test_what_is_not_a_model_is_not_quantised(tmp_path: Path) -> None:
    """llama.cpp says of each that something is missing."""
    for kind, said in (("adapter", "an adapter"), ("imatrix", "an importance matrix")):
        path = write_header_alone(tmp_path / "m.gguf", "llama", {"general.type": kind})
        with pytest.raises(BadModelFile, match=f"cannot be quantised: it is {said}"):
            quantise(path, tmp_path / "q.gguf")


def test_nearer_types_are_larger(wide_f16: Path, tmp_path: Path, load: Loader) -> None:
    """More bits, less error; names may be written in any case."""
    exact = load(wide_f16).logits(IDS)
    sizes, errors = [], []
    for name in ("q2_k", "Q4_K_M", "Q6_K", "q8_0"):
        path = quantise(wide_f16, tmp_path / f"{name}.gguf", name)
        sizes.append(path.stat().st_size)
        errors.append(float(np.abs(load(path).logits(IDS) - exact).mean()))
    assert sizes == sorted(sizes)
    assert errors == sorted(errors, reverse=True)


def test_a_file_of_another_maker_is_sealed_too(wide_f16: Path, tmp_path: Path) -> None:
    """A GGUF that never had checksums gets them."""
    raw = wide_f16.read_bytes().replace(b"lamlam.", b"others.")
    (tmp_path / "foreign.gguf").write_bytes(raw)
    assert not verify(tmp_path / "foreign.gguf")
    assert verify(quantise(tmp_path / "foreign.gguf", tmp_path / "q.gguf"))


def test_progress_counts_to_the_end(wide_f16: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    quantise(wide_f16, tmp_path / "q.gguf", progress=lambda *step: seen.append(step))
    n_tensors = len(read_header(wide_f16).tensors)
    assert seen == [(done, n_tensors) for done in range(1, n_tensors + 1)]


def test_an_interrupted_quantisation_leaves_no_file(
    wide_f16: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What the progress callback raises comes out, without the half-wanted file."""

    def interrupt(done: int, total: int) -> None:
        if done == total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quantise(wide_f16, tmp_path / "q.gguf", progress=interrupt)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_llama_cpps_log_stays_silent(
    wide_f16: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    quantise(wide_f16, tmp_path / "q.gguf")
    assert capfd.readouterr() == ("", "")


def test_an_unknown_type_is_refused_with_the_known_ones(wide_f16: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownOption, match="unknown type 'Q4_L'") as caught:
        quantise(wide_f16, tmp_path / "q.gguf", "Q4_L")
    assert caught.value.hint is not None
    assert all(name in caught.value.hint for name in ("Q4_K_M", "Q8_0", "IQ4_XS"))
    assert {"Q4_K_M", "Q8_0", "F16"} <= quantisation_types().keys()
    assert list(tmp_path.iterdir()) == []


def test_types_that_need_more_than_the_file_are_refused(wide_f16: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="importance matrix"):
        quantise(wide_f16, tmp_path / "q.gguf", "IQ2_XXS")
    assert list(tmp_path.iterdir()) == []


def test_a_quantised_source_is_refused(small: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"already quantised \(Q4_K, Q6_K\)"):
        quantise(small, tmp_path / "again.gguf")
    assert not (tmp_path / "again.gguf").exists()


@pytest.mark.parametrize("content", [b"", b"GG", b"not a model", b"GGUF", b"GGUF\x03\0\0\0"])
def test_a_source_that_is_no_gguf_is_refused(content: bytes, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(content)
    with pytest.raises(BadModelFile):
        quantise(source, tmp_path / "q.gguf")
    assert list(tmp_path.iterdir()) == [source]


def test_missing_folders_and_the_file_itself_are_refused(wide_f16: Path, tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match="does not exist"):
        quantise(tmp_path / "nothing.gguf", tmp_path / "q.gguf")
    with pytest.raises(BadModelFile, match="is a folder"):
        quantise(tmp_path, tmp_path / "q.gguf")
    copy = Path(shutil.copy(wide_f16, tmp_path / "m.gguf"))
    with pytest.raises(UsageError, match="is the file to quantise"):
        quantise(copy, copy)
    assert verify(copy)


def test_a_damaged_source_is_refused(wide_f16: Path, tmp_path: Path) -> None:
    raw = bytearray(wide_f16.read_bytes())
    raw[-1000] ^= 1
    (tmp_path / "m.gguf").write_bytes(raw)
    with pytest.raises(BadModelFile, match="damaged"):
        quantise(tmp_path / "m.gguf", tmp_path / "q.gguf")
