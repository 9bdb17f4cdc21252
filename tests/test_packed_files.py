"""Packed files are read whatever their name, by facts and documents alike."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from lamlam.errors import BadDocument, LamLamError
from lamlam.evaluation.set_files import read_items
from lamlam.memory_backends.fact_formats.fact_files import FactFile
from lamlam.packed_files import created, unpacked
from lamlam.trainer.documents import read_documents

DOCUMENT = {"title": "A", "text": "A was born in B.", "facts": [["A", "born in", "B"]], "at": [14]}
READERS: tuple[Callable[[Path], Iterable[object]], ...] = (read_documents, read_items)
LINE = json.dumps(DOCUMENT).encode() + b"\n"
FACT = b'{"entity": "A", "relation": "r", "value": "v"}\n'
PACKS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    "": bytes,
}
ZSTD = b"\x28\xb5\x2f\xfd\x04\x00\x11\x00\x00"


def _facts_of(path: Path) -> FactFile:
    return FactFile(str(path))


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(("suffix", "pack"), PACKS.items())
def test_files_are_unpacked(
    tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes], named: bool
) -> None:
    """Documents, items of a set, and facts."""
    path = tmp_path / ("a.jsonl" + (suffix if named else ""))
    path.write_bytes(pack(LINE))
    assert [one.title for one in read_documents(path)] == ["A"]
    assert [one.fields["title"] for one in read_items(path)] == ["A"]
    path.write_bytes(pack(FACT))
    assert len(list(FactFile(str(path)))) == 1


@pytest.mark.parametrize(("suffix", "pack"), PACKS.items())
def test_standard_input_is_unpacked(
    monkeypatch: pytest.MonkeyPatch, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    """By what it begins with."""
    readers: list[tuple[bytes, Callable[[str], Iterable[object]]]]
    readers = [(LINE, read_documents), (FACT, FactFile)]
    for content, read in readers:
        raw = io.BufferedReader(io.BytesIO(pack(content)))
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(raw))
        assert len(list(read("-"))) == 1


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".bz2"])
def test_damaged_files_are_named(tmp_path: Path, suffix: str) -> None:
    """Cut off, or not packed at all."""
    path = tmp_path / f"a.jsonl{suffix}"
    for content in (PACKS[suffix](LINE * 99)[:-9], LINE):
        path.write_bytes(content)
        for read in READERS:
            with pytest.raises(BadDocument, match="cannot read|is damaged"):
                list(read(path))
        with pytest.raises(LamLamError, match="cannot be unpacked"):
            list(FactFile(str(path)))


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python unpacks Zstandard")
def test_a_packing_that_is_not_known_is_named(tmp_path: Path) -> None:
    """Reading and writing, with what to use instead."""
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(ZSTD)
    for read in (*READERS, _facts_of):
        with pytest.raises(LamLamError, match="Zstandard") as caught:
            list(read(path))
        assert "zstd" in str(caught.value.hint)
    with pytest.raises(LamLamError, match=r"a \.zst file is packed by Zstandard"):
        created(path, ".zst")


@pytest.mark.parametrize("suffix", PACKS)
def test_what_is_created_is_unpacked(tmp_path: Path, suffix: str) -> None:
    """The same bytes."""
    path = tmp_path / "a"
    with created(path, suffix) as file:
        file.write(LINE)
    with path.open("rb") as raw:
        assert unpacked(raw, "a").read() == LINE
