"""A fact file that is replaced or removed while it is open is neither read nor written any more."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lamlam.errors import Conflict
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.stores import put

QUESTION = Lookup("Ada", "work")


def _another(path: Path) -> Path:
    other = path.with_name("other.db")
    with SyncFactStore(other) as store:
        put(store, ("Ada", "work", "another"))
    return other


def _replace(path: Path) -> None:
    os.replace(_another(path), path)


def _remove(path: Path) -> None:
    path.unlink()


def _remove_and_make(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    with SyncFactStore(path.with_name("again.db")) as store:
        put(store, ("Ada", "work", "another"))
    shutil.copy(path.with_name("again.db"), path)


def _rename(path: Path) -> None:
    path.rename(path.with_name("moved.db"))


def _remove_log(path: Path) -> None:
    path.with_name(f"{path.name}-wal").unlink()


def _remove_log_index(path: Path) -> None:
    path.with_name(f"{path.name}-shm").unlink()


def _remove_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def _question_at_once(store: SyncFactStore) -> object:
    store.refresh_nowait()  # as each generation does when it begins
    return store.lookup_nowait(QUESTION)


def _described(store: SyncFactStore) -> object:
    store.refresh_nowait()
    return store.describe_nowait("Ada")


USES: dict[str, Callable[[SyncFactStore], object]] = {
    "lookup": lambda store: store.lookup("Ada", "work"),
    "lookup_nowait": _question_at_once,
    "describe_nowait": _described,
    "scan": lambda store: list(store.scan()),
    "scan of one": lambda store: list(store.scan("Ada")),
    "scan as of": lambda store: list(store.scan(as_of=1)),
    "changes": lambda store: list(store.changes(0)),
    "all": lambda store: list(store.changes(None)),
    "history": lambda store: store.history("Ada"),
    "info": lambda store: store.info(),
    "apply": lambda store: store.apply([Assert(Fact(entity="Ada", relation="work", value="new"))]),
    "erase": lambda store: store.erase("Ada"),
    "migrate": lambda store: store.migrate(),
}
CHANGES = (
    _replace, _remove, _remove_and_make, _rename, _remove_log, _remove_log_index, _remove_folder,
)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("has_written", [True, False])
def test_nothing_is_read_or_written(
    tmp_path: Path, change: Callable[[Path], None], has_written: bool
) -> None:
    """Every use is `Conflict`, with what to do; closing works."""
    path = tmp_path / "folder" / "facts.db"
    path.parent.mkdir()
    with SyncFactStore(path) as first:
        put(first, ("Ada", "work", "x"))
    with SyncFactStore(path) as store:
        if has_written:
            put(store, ("Ada", "work", "y"))
        assert store.lookup_nowait(QUESTION).value == "x"
        change(path)
        for name, use in USES.items():
            with pytest.raises(Conflict, match=r"was (removed|replaced)") as caught:
                use(store)
            assert caught.value.hint is not None and "open it again" in caught.value.hint, name


def test_the_other_file_is_left_alone(path: Path) -> None:
    """A store that is refused, and closed, changes nothing of the file that took the name."""
    with SyncFactStore(path) as store:
        put(store, ("Ada", "work", "x"))
        os.replace(_another(path), path)
        for file in path.parent.glob(f"{path.name}-*"):
            file.unlink()
        with SyncFactStore(path) as reopened:
            put(reopened, ("Ada", "score", "1"))
            with pytest.raises(Conflict):
                put(store, ("Ada", "work", "lost"))
            store.close()
            put(reopened, ("Ada", "score", "2"))
    with SyncFactStore(path) as reopened:
        assert [one.surface for one in reopened.scan()] == ["another", "1", "2"]


def test_a_link_that_leads_elsewhere(path: Path) -> None:
    """A link that is set to another file counts as another file; one set back, as the same."""
    one, other = path.with_name("one.db"), _another(path)
    with SyncFactStore(one) as store:
        put(store, ("Ada", "work", "x"))
    path.symlink_to(one)
    with SyncFactStore(path) as store:
        path.unlink()
        path.symlink_to(other)
        with pytest.raises(Conflict, match="replaced"):
            store.lookup("Ada", "work")
        path.unlink()
        path.symlink_to(one)
        assert store.lookup("Ada", "work").value == "x"


def test_a_file_that_is_replaced_while_operations_come(path: Path) -> None:
    """Operations that are taken while the file is replaced are not committed."""
    with SyncFactStore(path) as store:
        put(store, ("Ada", "work", "x"))
        moved = path.with_name("moved.db")

        def operations() -> object:
            yield Assert(Fact(entity="Ada", relation="work", value="y"))
            path.rename(moved)

        with pytest.raises(Conflict, match="removed"):
            store.apply(operations())  # type: ignore[arg-type]  # taken as they come
        moved.rename(path)
        assert store.lookup("Ada", "work").values == ("x",)


def test_what_is_no_other_file_goes_on(path: Path) -> None:
    """Other permissions, other times and a further name of the file change nothing."""
    with SyncFactStore(path) as store:
        put(store, ("Ada", "work", "x"))
        path.chmod(0o400)
        os.utime(path, (1, 1))
        os.link(path, path.with_name("further.db"))
        assert store.lookup("Ada", "work").value == "x"
        path.chmod(0o600)
        put(store, ("Ada", "work", "y"))
        assert store.erase("Ada").verified
