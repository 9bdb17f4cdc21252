"""The stores that ``lamlam facts`` opens: as named, or the user's own, or the bundled one."""

from __future__ import annotations

import os
import shlex
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from lamlam.cli.output import command_name, printable, printable_line, stderr_console

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lamlam.memory_backends.fact_formats.format import Item
    from lamlam.memory_backends.model.facts import Namespace
    from lamlam.memory_backends.model.operations import Commit
    from lamlam.memory_backends.sync import SyncFactStore

_SQLITE = "sqlite:///"
_MEMORY = "memory:///"
_LOGS = ("-wal", "-shm", "-journal")  # what SQLite keeps beside its file


def any_store(memory: str | None) -> SyncFactStore:
    """Open the store to read: as named, or the user's own facts, or the bundled ones."""
    from lamlam.memory_backends.open import BUNDLED, user_facts_path
    from lamlam.memory_backends.sync import SyncFactStore

    own = user_facts_path()
    if memory is None:
        memory = f"{_SQLITE}{own}" if own.exists() else BUNDLED
    return SyncFactStore(memory, create=False, read_only=True)


def own_store(
    memory: str | None, *, create: bool = False, read_only: bool = False
) -> SyncFactStore:
    """Open the store to change: as named, or the user's own facts, which may not exist yet.

    Raises:
        UsageError: a store that ends with the command would be created.
    """
    from lamlam.errors import UsageError
    from lamlam.memory_backends.open import user_facts_path
    from lamlam.memory_backends.sync import SyncFactStore

    if create and memory in ("memory:", "memory://"):
        raise UsageError(
            "what is written to memory: is gone when this command ends",
            hint="memory:///FILE.json keeps it",
        )
    if memory is None:
        path = user_facts_path()
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        elif not path.exists():
            return SyncFactStore("memory:")
        memory = f"{_SQLITE}{path}"
    return SyncFactStore(memory, create=create, read_only=read_only)


def read_where(memory: str | None, store: SyncFactStore) -> str:
    """Return, in brackets, which store was read, and how to read the bundled one instead."""
    from lamlam.memory_backends.open import BUNDLED, user_facts_path

    if memory is None and user_facts_path().exists():
        own = store.info().location
        return f"(read: your own facts, {own}; --memory bundled reads the bundled ones)"
    return f"(read: {'the bundled facts' if memory in (None, BUNDLED) else store.info().location})"


def url_of_own() -> str:
    """Return the URL of the user's own facts."""
    from lamlam.memory_backends.open import user_facts_path

    return f"{_SQLITE}{user_facts_path().absolute()}"


def say_how_to_ask() -> None:
    """Print on standard error how to write texts with the user's own facts."""
    url = shlex.quote(url_of_own())
    said = f"ask with: {command_name()} ask … --memory {url}"
    stderr_console().print(printable_line(said), style="dim", soft_wrap=True)


def is_same_file(file: str, location: str) -> bool:
    """Return whether a file to write is the file of a store, also under another name."""
    try:
        return os.path.samefile(file, location)
    except (OSError, ValueError):  # one of them does not exist, or is not a file
        return False


def load(
    memory: str | None, items: Iterable[Item], commit_every: int | None = None
) -> tuple[Commit, str]:
    """Put all items into the store, or none and create no store; also return its location.

    With ``commit_every`` parts that were committed stay, also after an error.
    """
    from lamlam.memory_backends.transfer import put

    target = _file_of(memory)
    is_new_file = target is not None and not target.exists()
    is_new_memory = memory is not None and _is_new_memory(memory)
    if commit_every is not None:
        if is_new_file or is_new_memory:
            items = _first_part_read(items, commit_every)
    elif target is not None and is_new_file:
        commit, location = _load_new(target, items)
        if memory is not None and "?" in memory:  # an index is made of all facts at once
            with own_store(memory):
                pass
        return commit, location
    elif memory is not None and is_new_memory:
        return _load_new_memory(memory, items)
    with own_store(memory, create=True) as store:
        return put(store, items, commit_every=commit_every), store.info().location


def _first_part_read(items: Iterable[Item], size: int) -> Iterable[Item]:
    """Return the same items, a first part of them read: a fault in it creates no store."""
    remaining = iter(items)
    return chain(list(islice(remaining, size)), remaining)


def _load_new(target: Path, items: Iterable[Item]) -> tuple[Commit, str]:
    """Put the items into a file that does not exist yet.

    They are gathered in a file beside it, so that a bad line leaves nothing behind, and a file
    that another process creates meanwhile is kept.
    """
    from lamlam.errors import Unavailable
    from lamlam.memory_backends.sync import SyncFactStore
    from lamlam.memory_backends.transfer import copy_facts, put
    from lamlam.unfinished_files import part_beside

    if target.parent.is_dir() and not os.access(target.parent, os.W_OK):
        raise Unavailable(f"{target} cannot be created: its folder is not writable")
    beside = part_beside(target)
    try:
        with SyncFactStore(beside) as gathered:
            commit = put(gathered, items, beside=target)
        if not _has_become(beside, target):
            with SyncFactStore(target) as store, SyncFactStore(beside, read_only=True) as gathered:
                commit = copy_facts(gathered, store)
    finally:
        for file in (beside, *_logs_of(beside)):
            file.unlink(missing_ok=True)
    return commit, str(target.resolve())


def _has_become(beside: Path, target: Path) -> bool:
    """Link the closed file to its name; return False if the name is taken or links do not work.

    Also False if a removed file has left its log: SQLite would replay that log into a file with
    content, but drops it when it creates the file itself.
    """
    if beside.with_name(f"{beside.name}-wal").exists():
        return False
    if any(log.exists() for log in _logs_of(target)):
        return False
    try:
        os.link(beside, target)
    except OSError:
        return False
    return True


def _logs_of(file: Path) -> list[Path]:
    return [file.with_name(file.name + suffix) for suffix in _LOGS]


def _load_new_memory(memory: str, items: Iterable[Item]) -> tuple[Commit, str]:
    """Put the items into a JSON file that does not exist yet.

    They are gathered first: a store with a file writes it when it is closed, even if it is empty.
    """
    from lamlam.memory_backends.sync import SyncFactStore
    from lamlam.memory_backends.transfer import copy_facts, put

    with SyncFactStore("memory:") as gathered:
        put(gathered, items)
        with own_store(memory, create=True) as store:
            return copy_facts(gathered, store), store.info().location


def _is_new_memory(memory: str) -> bool:
    """Return whether the URL names a JSON file to be created in a folder that exists."""
    file = Path(memory.removeprefix(_MEMORY))
    return (
        memory.startswith(_MEMORY)
        and bool(file.name)
        and "?" not in memory
        and file.parent.is_dir()
        and not file.exists()
    )


def _file_of(memory: str | None) -> Path | None:
    """Return the SQLite file of a store to change; create the folder of the user's own one."""
    from lamlam.memory_backends.open import user_facts_path

    if memory is None:
        path = user_facts_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
    file = memory.removeprefix(_SQLITE).partition("?search_index=")[0]
    return Path(file) if file and file != memory and "?" not in file else None


def meant_name(
    store: SyncFactStore, text: str, namespace: Namespace = ()
) -> tuple[str, str] | None:
    """Return the stored name that a text matches, and how; ``None`` if it matches no single name."""
    found = store.lookup(text, "name", namespace=namespace).match.entity
    return None if found.matched is None or found.kind == "none" else (found.matched, found.kind)


def hint_at_name(
    store: SyncFactStore,
    entity: str,
    namespace: Namespace = (),
    *,
    lacks: str = "facts",
    read: str = "",
) -> None:
    """Print which stored name may have been meant: no fact is changed on a guess.

    Args:
        lacks: what the entity of a name that matches exactly does not have.
        read: which store was read, in brackets.
    """
    said = f"memory has nothing of {entity!r} by exactly this name"
    meant = meant_name(store, entity, namespace)
    if meant is not None:
        name, kind = meant
        said = f"memory has nothing of {entity!r} by exactly this name, but of {name!r}"
        if kind in ("exact", "alias"):
            said = f"memory has no {lacks} of {name!r}"
    stderr_console().print(printable(f"{said} {read}".rstrip()), soft_wrap=True)
