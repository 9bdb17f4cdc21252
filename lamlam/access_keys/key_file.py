"""The file of access keys: a record a key, with a hash in place of the key itself.

A file of JSON::

    {"version": 1, "keys": [{"id": "1f0c…", "name": "laptop", "hash": "sha256:…",
     "namespace": "users/7", "shared_namespace": "", "rights": ["read", "write"],
     "below": false, "made": "2026-05-31T12:00:00+00:00", "expires": null}]}
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lamlam.access_keys.access import RIGHTS, Access
from lamlam.errors import BadFact, BadKeyFile, UnknownOption
from lamlam.memory_backends.model.facts import Namespace, check_namespace
from lamlam.memory_backends.model.namespaces import parsed, written
from lamlam.memory_backends.model.timestamps import as_moment, written_moment
from lamlam.unfinished_files import part_beside

try:
    import fcntl
except ImportError:  # a system without it: two commands at once may lose a key there
    fcntl = None  # type: ignore[assignment]

VERSION = 1
HASH = "sha256:"
_MOST_BYTES = 16 << 20
_FIELDS = {
    "id", "name", "hash", "namespace", "shared_namespace", "rights", "below", "made", "expires",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What the file knows of one key."""

    id: str
    name: str
    hash: str
    namespace: Namespace
    shared_namespace: Namespace | None
    rights: frozenset[str]
    below: bool
    made: datetime
    expires: datetime | None

    def access(self) -> Access:
        """Return what the key allows."""
        return Access(
            self.namespace, self.shared_namespace, self.rights, self.below, self.name, self.id
        )


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock of a file of keys, so that of two commands neither undoes the other's."""
    if fcntl is None:
        yield
        return
    with open(path.with_name(f".{path.name}.lock"), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_keys(path: Path, records: list[KeyRecord]) -> None:
    """Write the file beside its place, for its owner alone, and rename it."""
    text = json.dumps({"version": VERSION, "keys": list(map(as_json, records))}, indent=2)
    beside = part_beside(path)
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def as_json(record: KeyRecord) -> dict[str, Any]:
    """Return a record as the file has it."""
    shared = record.shared_namespace
    return {
        "id": record.id,
        "name": record.name,
        "hash": record.hash,
        "namespace": written(record.namespace),
        "shared_namespace": None if shared is None else written(shared),
        "rights": [right for right in RIGHTS if right in record.rights],
        "below": record.below,
        "made": written_moment(record.made),
        "expires": None if record.expires is None else written_moment(record.expires),
    }


def read_keys(path: Path) -> list[KeyRecord]:
    """Return the records of a file.

    Raises:
        BadKeyFile: naming the key and the field that is at fault.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadKeyFile(f"{path}: more than {_MOST_BYTES >> 20} MiB are not a file of keys")
        whole = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise unreadable(path, error) from None
    listed = whole.get("keys") if isinstance(whole, dict) else None
    if not isinstance(listed, list):
        raise BadKeyFile(
            f"{path}: must be an object with a list 'keys'", hint="lamlam keys new writes one"
        )
    if whole.get("version") != VERSION:
        raise BadKeyFile(f"{path}: version must be {VERSION}, got {whole.get('version')!r}")
    records: list[KeyRecord] = []
    for place, one in enumerate(listed):
        try:
            records.append(_record(one))
        except (BadFact, UnknownOption, ValueError) as error:
            raise BadKeyFile(f"{path}: keys[{place}]: {error}") from None
    for field in ("id", "name"):
        if len({getattr(one, field) for one in records}) < len(records):
            raise BadKeyFile(f"{path}: two keys have one {field}")
    return records


def _record(given: object) -> KeyRecord:
    """Return the record that an object of the file stands for."""
    if not isinstance(given, dict):
        raise ValueError(f"must be an object, got {type(given).__name__}")
    if unknown := sorted(set(given) - _FIELDS):
        raise ValueError(f"{unknown[0]} is not a field of a key")
    for field in ("id", "name", "hash", "made"):
        if not isinstance(given.get(field), str) or not given[field]:
            raise ValueError(f"{field} must be a text, got {given.get(field)!r}")
    if not given["hash"].startswith(HASH) or not given["hash"].isascii():
        raise ValueError("hash must begin with sha256:")
    if not isinstance(given.get("below", False), bool):
        raise ValueError(f"below must be true or false, got {given['below']!r}")
    space, shared = given.get("namespace", ""), given.get("shared_namespace", "")
    for field, text in (("namespace", space), ("shared_namespace", shared)):
        if not isinstance(text, str) and not (text is None and field == "shared_namespace"):
            raise ValueError(f"{field} must be a text such as users/7, got {text!r}")
    rights, expires = given.get("rights"), given.get("expires")
    if not isinstance(rights, list):
        raise ValueError(f"rights must be a list, got {rights!r}")
    own = check_namespace(parsed(space))
    behind = None if shared is None else check_namespace(parsed(shared))
    return KeyRecord(
        given["id"],
        given["name"],
        given["hash"],
        own,
        None if behind == own else behind,
        checked_rights(rights),
        given.get("below", False),
        _moment(given["made"]),
        None if expires is None else _moment(expires),
    )


def _moment(text: object) -> datetime:
    moment = as_moment(text)
    if not isinstance(moment, datetime):  # years before 1
        raise ValueError(f"{text!r} is too early")
    return moment


def checked_rights(rights: Iterable[str]) -> frozenset[str]:
    """Return rights as a set.

    Raises:
        UnknownOption: one does not exist, or there is none.
    """
    given = list(rights)
    for right in given:
        if right not in RIGHTS:
            raise UnknownOption(f"{str(right)[:40]!r} is not a right", hint=", ".join(RIGHTS))
    if not given:
        raise UnknownOption("a key needs at least one right", hint=", ".join(RIGHTS))
    return frozenset(given)


def unreadable(path: Path, error: Exception) -> BadKeyFile:
    why = error.strerror if isinstance(error, OSError) else "it is not JSON"
    return BadKeyFile(f"{path}: cannot be used as a file of keys: {why}")
