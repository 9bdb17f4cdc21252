"""Keys of the servers: who asks, in which namespace, and what they may do.

``lamlam keys new`` writes the file; servers read it again when it has changed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from lamlam.access_keys.access import Access
from lamlam.access_keys.key_file import (
    HASH,
    KeyRecord,
    alone,
    checked_rights,
    read_keys,
    unreadable,
    write_keys,
)
from lamlam.errors import KeyRefused, LamLamError, UnknownOption
from lamlam.memory_backends.model import clock
from lamlam.memory_backends.model.facts import Namespace, check_namespace
from lamlam.memory_backends.model.timestamps import written_moment

_MOST_KEY = 200  # characters; ours have 61
_BEGIN = "lamlam"


class AccessKeys:
    """The keys of one file.

    >>> keys = AccessKeys(Path("keys.json"))  # doctest: +SKIP
    >>> keys.access("lamlam_1f0c…_…").namespace  # doctest: +SKIP
    ('users', '7')
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Read the file, which may be missing: there are no keys then.

        Raises:
            BadKeyFile: it is not a file of keys.
        """
        self.path = Path(path)
        self._seen: object = None
        self._records: dict[str, KeyRecord] = {}
        self.records()

    def records(self) -> list[KeyRecord]:
        """Return all keys, in the order in which they were made.

        Raises:
            BadKeyFile: the file was changed, and is no longer a file of keys.
        """
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            self._seen, self._records = None, {}
            return []
        except (OSError, ValueError) as error:
            raise unreadable(self.path, error) from None
        seen = status.st_mtime_ns, status.st_size, status.st_ino
        if seen != self._seen:
            self._records = {one.id: one for one in read_keys(self.path)}
            self._seen = seen
        return list(self._records.values())

    def access(self, key: str | None) -> Access:
        """Return what a key allows.

        Args:
            key: as the client sent it; it is never repeated in an error.

        Raises:
            KeyRefused: it is missing, unknown, revoked or expired.
            BadKeyFile: the file is no longer a file of keys.
        """
        if not key:
            raise KeyRefused(
                "an access key is needed", hint="send the header Authorization: Bearer KEY"
            )
        self.records()
        hashed = _hashed(key) if len(key) <= _MOST_KEY else ""
        record = self._records.get(_id_of(key))
        # Also where there is no such id, so that the time does not tell which ids exist.
        if not hmac.compare_digest(record.hash if record else HASH, hashed) or record is None:
            raise KeyRefused(
                "the access key is unknown or revoked", hint="lamlam keys new makes one"
            )
        if record.expires is not None and clock.now() >= record.expires:
            raise KeyRefused(
                f"the access key {record.name!r} expired at {written_moment(record.expires)}",
                hint="lamlam keys new makes another",
            )
        return record.access()

    def allows(self, key: str | None) -> bool:
        """Return whether a key is still one: not revoked, not expired."""
        try:
            self.access(key)
        except LamLamError:
            return False
        return True

    def new(
        self,
        name: str,
        *,
        namespace: Namespace = (),
        shared_namespace: Namespace | None = (),
        rights: Iterable[str] = ("read", "write"),
        below: bool = False,
        expires: datetime | None = None,
    ) -> str:
        """Make a key, write its hash to the file, and return the key, which nobody can read again.

        Args:
            name: of whom or what it is for; the log of changes names it.
            namespace: where facts are read and written.
            shared_namespace: read where the first has nothing; ``None``: none.
            rights: of "read", "write", "forget" and "watch".
            below: a request may also name namespaces that begin with the key's own.
            expires: from then on it is refused.

        Raises:
            UnknownOption: a right does not exist, the name is used, or is not a name.
            BadFact: a namespace is not valid.
            BadKeyFile: the file is not a file of keys, or cannot be written.
        """
        rights = checked_rights(rights)
        place = check_namespace(namespace)
        shared = None if shared_namespace is None else check_namespace(shared_namespace)
        if shared == place:  # nothing lies behind a namespace but another one
            shared = None
        if not name.strip() or not name.isprintable() or len(name) > 80:
            raise UnknownOption(
                f"the name of a key must be a printable text of at most 80 characters, got {name[:80]!r}"
            )
        id, secret = secrets.token_hex(5), secrets.token_urlsafe(32)
        key = f"{_BEGIN}_{id}_{secret}"
        now = clock.now().replace(microsecond=0)
        record = KeyRecord(
            id, name, _hashed(key), place, shared, rights, below, made=now, expires=expires
        )
        with self._changing() as records:
            if any(name == one.name for one in records):
                raise UnknownOption(
                    f"there is a key named {name!r} already",
                    hint="lamlam keys revoke NAME revokes it, or choose another name",
                )
            records.append(record)
        return key

    def revoke(self, name: str) -> KeyRecord | None:
        """Remove a key by its name or id; return what it was, or ``None`` if there is none.

        Raises:
            BadKeyFile: the file is not a file of keys, or cannot be written.
        """
        with self._changing() as records:
            found = next((one for one in records if name in (one.name, one.id)), None)
            if found is not None:
                records.remove(found)
        return found

    @contextmanager
    def _changing(self) -> Iterator[list[KeyRecord]]:
        """Give the records to a block that changes them; write them after, all or none."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with alone(self.path):
                before = self.records()
                records = list(before)
                yield records
                if records != before:
                    write_keys(self.path, records)
        except (OSError, ValueError) as error:
            raise unreadable(self.path, error) from None
        self.records()


def _hashed(key: str) -> str:
    # One round: 256 random bits cannot be guessed, however fast a hash is.
    return HASH + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _id_of(key: str) -> str:
    begin, _, rest = key.partition("_")
    return rest.partition("_")[0] if begin == _BEGIN else ""
