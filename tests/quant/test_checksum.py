"""One wrong bit anywhere in a file is noticed."""

from __future__ import annotations

import hashlib
import random
import shutil
from pathlib import Path

import pytest

from lamlam.errors import BadModelFile
from lamlam.quant.export import export_gguf
from lamlam.runtime.llama.checksum import HEADER_KEY, WEIGHTS_KEY, seal, verify
from lamlam.runtime.llama.gguf_file import read_header


@pytest.fixture(scope="module")
def sealed(narrow_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_gguf(narrow_checkpoint, tmp_path_factory.mktemp("sealed") / "m.gguf")


def test_the_weights_checksum_is_over_the_tensor_data(sealed: Path) -> None:
    """BLAKE2b-128 from the aligned start of the data to the end of the file, in hexadecimal."""
    header = read_header(sealed)
    assert header.data_offset % 32 == 0
    data = sealed.read_bytes()[header.data_offset :]
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    assert header.metadata[WEIGHTS_KEY] == digest
    assert verify(sealed)


def test_data_offset_is_where_the_gguf_package_finds_it(sealed: Path) -> None:
    """Our reader of headers agrees with gguf's on every tensor's place, type and shape."""
    import gguf

    header, theirs = read_header(sealed), gguf.GGUFReader(sealed)
    assert header.data_offset == theirs.data_offset
    assert [
        (entry.name, entry.type_name, list(entry.shape), header.data_offset + entry.offset)
        for entry in header.tensors
    ] == [
        (t.name, t.tensor_type.name, list(map(int, t.shape)), t.data_offset) for t in theirs.tensors
    ]


def test_sealing_again_changes_nothing(sealed: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(sealed, tmp_path / "m.gguf"))
    assert seal(copy) == read_header(sealed).metadata[WEIGHTS_KEY]
    assert copy.read_bytes() == sealed.read_bytes()


def test_one_flipped_bit_is_noticed(sealed: Path, tmp_path: Path) -> None:
    """In header and data alike; only the key names of the checksums themselves may hide one."""
    raw = sealed.read_bytes()
    header = read_header(sealed)
    names = [
        range(start - 4, start + len(key))
        for key in (WEIGHTS_KEY, HEADER_KEY)
        if (start := raw.find(key.encode()))
    ]
    chance = random.Random(9)
    places = [
        *range(40),
        *chance.sample(range(header.data_offset), 150),
        *chance.sample(range(header.data_offset, len(raw)), 50),
        len(raw) - 1,
    ]
    damaged = tmp_path / "m.gguf"
    for place in places:
        if any(place in name for name in names):
            continue
        changed = bytearray(raw)
        changed[place] ^= 1 << chance.randrange(8)
        damaged.write_bytes(changed)
        with pytest.raises(BadModelFile):
            verify(damaged)


def test_a_cut_file_is_noticed_wherever_it_is_cut(sealed: Path, tmp_path: Path) -> None:
    raw = sealed.read_bytes()
    chance = random.Random(10)
    for length in [0, 1, 4, 8, 24, *chance.sample(range(len(raw)), 60), len(raw) - 1]:
        (tmp_path / "m.gguf").write_bytes(raw[:length])
        with pytest.raises(BadModelFile):
            verify(tmp_path / "m.gguf")


def test_a_file_without_checksums_is_neither_right_nor_wrong(sealed: Path, tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(sealed.read_bytes().replace(b"lamlam.", b"others."))
    assert verify(tmp_path / "m.gguf") is False
    with pytest.raises(BadModelFile, match="no room for checksums"):
        seal(tmp_path / "m.gguf")
