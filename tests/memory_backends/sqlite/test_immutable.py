"""``sqlite:///facts.db?immutable=yes``: a file that nobody writes, read by many without locks."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.errors import ReadOnly, StoreMissing, Unavailable, UnknownOption
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.stores import put


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of two facts."""
    path = tmp_path / "facts.db"
    with SyncFactStore(f"sqlite:///{path}") as store:
        put(store, ("Ada Quill", "work", "mill"), ("Bob Ferris", "work", "ferry"))
    return path


def test_it_is_read_without_a_lock_or_a_file_beside_it(path: Path) -> None:
    """However many have it open; a folder that may not be written is enough."""
    before = path.read_bytes()
    path.parent.chmod(0o555)
    try:
        url = f"sqlite:///{path}?immutable=yes"
        with SyncFactStore(url) as first, SyncFactStore(url, read_only=True) as second:
            for store in (first, second):
                assert store.lookup("Ada Quill", "work").value == "mill"
                assert store.lookup("Bob Feris", "work").value == "ferry"
                assert store.info().read_only
            assert [file.name for file in path.parent.iterdir()] == ["facts.db"]
            with pytest.raises(ReadOnly, match="was opened for reading"):
                first.apply([Assert(Fact(entity="A", relation="b", value="c"))])
    finally:
        path.parent.chmod(0o755)
    assert path.read_bytes() == before


def test_a_file_that_is_written_is_refused(path: Path) -> None:
    """What is in the log beside it would not be seen."""
    with SyncFactStore(f"sqlite:///{path}") as store:
        put(store, ("Ada Quill", "age", "9"))
        with pytest.raises(Unavailable, match="is being written"):
            SyncFactStore(f"sqlite:///{path}?immutable=yes").__enter__()
    with SyncFactStore(f"sqlite:///{path}?immutable=yes") as store:
        assert store.lookup("Ada Quill", "age").value == "9"


def test_no_other_value_and_no_new_file(path: Path) -> None:
    """Errors name what would do."""
    with pytest.raises(UnknownOption, match="immutable='maybe'"):
        SyncFactStore(f"sqlite:///{path}?immutable=maybe").__enter__()
    with pytest.raises(StoreMissing):
        SyncFactStore(f"sqlite:///{path}.other?immutable=yes").__enter__()
