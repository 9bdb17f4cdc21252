"""Named pipes, sockets, devices and the like in the place of a file: an error, and no waiting."""

from __future__ import annotations

import gzip
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lamlam.errors import BadModelFile, BadStore, Unavailable
from lamlam.memory_backends.fact_formats.fact_files import FactFile
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.networkx_graph.file import read_file, write_file
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.runtime.llama.gguf_file import read_header
from lamlam.runtime.llama.model_file import check_file
from lamlam.special_files import what_else

KINDS: dict[str, Callable[[Path], object]] = {
    "a folder": Path.mkdir,
    "a named pipe": os.mkfifo,
    "a symbolic link that leads back to itself": lambda path: path.symlink_to(path),
    "a device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.fixture(params=[*KINDS, "a socket"])
def special(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Path, str]]:
    """A path in the working folder, and what it names."""
    monkeypatch.chdir(tmp_path)
    path = Path("special")
    with socket.socket(socket.AF_UNIX) as bound:
        if request.param == "a socket":
            bound.bind(str(path))
        else:
            KINDS[request.param](path)
        yield path, request.param


@pytest.mark.parametrize("beginning", ["sqlite:///", "memory:///"])
@pytest.mark.parametrize("may_write", [True, False])
def test_no_store_opens_it(beginning: str, may_write: bool, special: tuple[Path, str]) -> None:
    """Whether to read or to create; what it is, is said in one line."""
    path, what = special
    url = f"{beginning}{path}"
    with pytest.raises(BadStore, match=f"{path} is {what}"):
        with SyncFactStore(url, create=may_write, read_only=not may_write):
            pass


def test_no_model_is_read_from_it(special: tuple[Path, str]) -> None:
    """By the engine, nor by what looks at its header alone."""
    path, what = special
    for read in (check_file, read_header):
        with pytest.raises(BadModelFile, match=f"{path} is {what}"):
            read(path)


def test_no_memory_is_saved_to_it(special: tuple[Path, str]) -> None:
    """A pipe, say, that took the name while the store was open."""
    path, what = special
    other = Path("other.json")
    with SyncFactStore(f"memory:///{other}"):
        pass
    contents, _ = read_file(other)
    with pytest.raises(Unavailable, match=f"cannot write .*: it is {what}"):
        write_file(path, contents)


def test_what_is_there_and_what_is_not_are_no_special_files(tmp_path: Path) -> None:
    """Also by a link, whether or not that leads to something."""
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dangling").symlink_to("absent")
    for name in ("file", "link", "absent", "dangling", "file/inside", "x" * 300, "a\0b"):
        assert what_else(tmp_path / name) is None


RDF = (
    '<http://x/A> <http://x/b> <http://x/C> .\n'
    '<http://x/A> <http://www.w3.org/2000/01/rdf-schema#label> "Ada" .\n'
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pipe", b'{"entity": "Ada", "relation": "b", "value": "C"}\n'),
        ("pipe.csv", b"entity,relation,value\nAda,b,C\n"),
        ("pipe.gz", gzip.compress(b'{"entity": "Ada", "relation": "b", "value": "C"}\n')),
        ("pipe.nt", RDF.encode()),  # gone through twice
    ],
)
@pytest.mark.parametrize("is_at_terminal", [True, False])
def test_facts_come_through_a_named_pipe(
    name: str, content: bytes, is_at_terminal: bool, tmp_path: Path
) -> None:
    """As from standard input: with a bar of progress or without."""
    path = tmp_path / name
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(content,), daemon=True)
    writer.start()
    told: list[int] = []
    advance: Callable[[int, int | None], None] | None = None
    if is_at_terminal:
        advance = lambda read, total: told.append(read)  # noqa: E731
    facts = [
        item.fact for item in FactFile(str(path), on_progress=advance) if isinstance(item, Assert)
    ]
    writer.join()
    assert [(fact.entity, fact.surface) for fact in facts] == [("Ada", "C")]
