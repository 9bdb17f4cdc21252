"""A damaged model file is an error in one line, never the end of the process."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from lamlam.errors import BadModelFile, LamLamError
from lamlam.runtime.llama.gguf_file import read_header
from lamlam.runtime.llama.model_file import check_file
from lamlam.runtime.sync import SyncEngine
from tests.tiny_model import write_tiny_model


def test_a_whole_file_says_what_it_wants(tmp_path: Path) -> None:
    """Metadata, token types and defaults are read without llama.cpp."""
    path = write_tiny_model(
        tmp_path / "m.gguf",
        metadata={"lamlam.verbalise": "model", "lamlam.lookup_bias": 2.5},
    )
    file = check_file(path)
    assert (file.verbalise, file.lookup_bias, file.n_context_trained) == ("model", 2.5, 512)
    assert file.is_sealed
    file.verify_weights()
    assert file.token_types[-4:] == [3, 3, 3, 3]
    plain = check_file(write_tiny_model(tmp_path / "p.gguf", sealed=False))
    assert (plain.verbalise, plain.lookup_bias, plain.is_sealed) == ("copy", 0.0, False)


def test_what_is_no_model_file(tmp_path: Path) -> None:
    """Missing, a folder, empty, something else: each is said."""
    for content, said in ((None, "does not exist"), (b"", "empty"), (b"hello, file", "not a GGUF")):
        path = tmp_path / "x.gguf"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(BadModelFile, match=said):
            check_file(path)
    with pytest.raises(BadModelFile, match="folder"):
        check_file(tmp_path)


def test_a_file_cut_anywhere_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    """Truncated in the header, between tensors, or by one byte."""
    whole = tiny_model.read_bytes()
    end = read_header(tiny_model).data_offset
    cuts = [*range(1, 64), *range(64, len(whole), 4999), end - 1, end, end + 1, len(whole) - 1]
    path = tmp_path / "cut.gguf"
    for cut in cuts:
        path.write_bytes(whole[:cut])
        with pytest.raises(BadModelFile):
            check_file(path)


def test_any_flipped_bit_of_a_sealed_file_is_noticed(tiny_model: Path, tmp_path: Path) -> None:
    """Header or weights: checksums cover both."""
    whole = tiny_model.read_bytes()
    draw = random.Random(0)
    path = tmp_path / "flipped.gguf"
    for at in draw.sample(range(len(whole)), 120):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << draw.randrange(8)
        path.write_bytes(flipped)
        with pytest.raises(BadModelFile):
            check_file(path).verify_weights()


def test_damaged_weights_never_become_an_engine(tiny_model: Path, tmp_path: Path) -> None:
    """The checksum runs beside the loading, and its verdict comes before the first text."""
    whole = bytearray(tiny_model.read_bytes())
    whole[-100] ^= 4
    path = tmp_path / "m.gguf"
    path.write_bytes(whole)
    with pytest.raises(BadModelFile, match="weights"), SyncEngine(path, None):
        pass


def test_tensors_may_not_overlap(tmp_path: Path) -> None:
    """Two tensors over the same bytes: refused without a checksum's help."""
    path = write_tiny_model(tmp_path / "m.gguf", sealed=False)
    whole = bytearray(path.read_bytes())
    second = read_header(path).tensors[1]
    name = second.name.encode()
    # After the name: number of axes (4), one axis (8), type (4), then the offset (8).
    at = whole.index(name) + len(name) + 4 + 8 * len(second.shape) + 4
    assert int.from_bytes(whole[at : at + 8], "little") == second.offset
    whole[at : at + 8] = (0).to_bytes(8, "little")
    path.write_bytes(whole)
    with pytest.raises(BadModelFile, match="overlaps another"):
        check_file(path)


def test_llama_cpp_never_ends_the_process(tmp_path: Path) -> None:
    """A token text that stands twice passes every check of lengths and makes llama.cpp abort."""
    path = write_tiny_model(tmp_path / "m.gguf", sealed=False)
    whole = path.read_bytes()
    # The byte letters "A" and "B" are separate tokens: now there are two "B".
    letter_a, letter_b = (len(t).to_bytes(8, "little") + t for t in (b"A", b"B"))
    path.write_bytes(whole.replace(letter_a, letter_b, 1))
    check_file(path)
    with pytest.raises(LamLamError, match="cannot load"), SyncEngine(path, None):
        pass
