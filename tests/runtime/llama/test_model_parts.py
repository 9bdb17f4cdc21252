"""A model in parts is one model, opened by its first part."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lamlam.errors import BadModelFile
from lamlam.runtime.llama.checksum import verify
from lamlam.runtime.llama.model_file import check_file
from lamlam.runtime.llama.model_parts import read_parts
from lamlam.runtime.sync import SyncEngine
from tests.other_models import split_model
from tests.tiny_model import write_tiny_model

PROMPT = "The town lies by a river"


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("parts")
    return split_model(write_tiny_model(folder / "m.gguf"), folder, 3)


def _written(path: Path) -> str:
    with SyncEngine(path, None, max_sequences=1, threads=1) as engine:
        return engine.generate(PROMPT, max_tokens=20, ignore_eos=True).text


def test_the_first_part_writes_what_the_whole_file_writes(parts: list[Path]) -> None:
    """All tensors are found, wherever they are."""
    whole = parts[0].with_name("m.gguf")
    assert _written(parts[0]) == _written(whole)
    assert {t.name for t in read_parts(parts[0]).tensors} == {
        t.name for t in read_parts(whole).tensors
    }


def test_a_later_part_names_the_first(parts: list[Path]) -> None:
    """It has no metadata of its own."""
    for n in (1, 2):
        with pytest.raises(BadModelFile, match=f"part {n + 1} of 3") as caught:
            check_file(parts[n])
        assert parts[0].name in str(caught.value.hint)


def test_a_missing_part_is_named(parts: list[Path], tmp_path: Path) -> None:
    """Before llama.cpp looks for it."""
    for n in (0, 2):
        shutil.copy(parts[n], tmp_path)
    with pytest.raises(BadModelFile, match=f"part 2 is missing: {parts[1].name}"):
        check_file(tmp_path / parts[0].name)


def test_a_part_of_another_model_or_place(parts: list[Path], tmp_path: Path) -> None:
    """Two parts exchanged, a part of a model of another shape, and a cut part."""
    for part in parts:
        shutil.copy(part, tmp_path)
    here = [tmp_path / part.name for part in parts]
    shutil.copy(parts[2], here[1])
    with pytest.raises(BadModelFile, match="is not part 2 of 3"):
        check_file(here[0])
    other = write_tiny_model(tmp_path / "o.gguf", n_layers=3)
    shutil.copy(split_model(other, tmp_path, 3)[1], here[1])
    with pytest.raises(BadModelFile, match="another model"):
        check_file(here[0])
    here[1].write_bytes(parts[1].read_bytes()[:-1])
    with pytest.raises(BadModelFile, match="damaged"):
        check_file(here[0])


def test_a_first_part_under_another_name(parts: list[Path], tmp_path: Path) -> None:
    """The names of the others cannot be found by it."""
    path = tmp_path / "model.gguf"
    shutil.copy(parts[0], path)
    with pytest.raises(BadModelFile, match="first of 3 parts") as caught:
        check_file(path)
    assert "model-00001-of-00003.gguf" in str(caught.value.hint)


def test_the_weights_of_all_parts_have_the_checksum(parts: list[Path], tmp_path: Path) -> None:
    """A sealed file that was split keeps the checksum of its weights; its header is another."""
    assert verify(parts[0])
    assert not check_file(parts[0]).is_sealed
    for part in parts:
        shutil.copy(part, tmp_path)
    last = tmp_path / parts[2].name
    flipped = bytearray(last.read_bytes())
    flipped[-50] ^= 1
    last.write_bytes(flipped)
    with pytest.raises(BadModelFile, match="weights"):
        verify(tmp_path / parts[0].name)
