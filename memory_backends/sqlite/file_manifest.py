"""The manifest beside a fact file that is handed on: what the file has to be, byte for byte."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from lamlam.errors import BadStore, Unavailable
from lamlam.memory_backends.sqlite.schema import check_file, check_schema, open_reader, translated

_SUFFIX = ".manifest.json"
_FORMAT = 1
_MOST_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class FileManifest:
    """What a fact file is."""

    bytes: int
    sha256: str
    schema: int
    revision: int
    facts: int
    entities: int

    @classmethod
    def of(cls, path: Path) -> FileManifest:
        """Return the manifest of a file as it is, all of which is read.

        Raises:
            Unavailable: it is being written: a log with what is not in the file stands beside it.
        """
        check_file(path, may_create=False)
        check_not_written(path)
        with translated(path):
            with closing(open_reader(path, is_frozen=True)) as connection:
                schema = check_schema(connection, path)
                revision, facts, entities = connection.execute(
                    "SELECT revision, facts, entities FROM store"
                ).fetchone()
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(path.stat().st_size, digest, schema, revision, facts, entities)

    def write_beside(self, path: Path) -> Path:
        """Write the manifest beside its file, and return where."""
        target = manifest_path(path)
        beside = target.with_name(f"{target.name}.part")
        beside.write_text(
            json.dumps({"format": _FORMAT, **asdict(self)}, indent=2) + "\n", encoding="utf-8"
        )
        beside.replace(target)
        return target


def is_being_written(path: Path) -> bool:
    """Return whether a log beside a file has what is not in the file yet."""
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0


def check_not_written(path: Path) -> None:
    """Raise if a log beside a file has what is not in the file yet.

    Raises:
        Unavailable: it has.
    """
    with translated(path):
        if is_being_written(path):
            raise Unavailable(
                f"{path} is being written: a log stands beside it",
                hint="close every program that uses the file",
            )


def manifest_path(path: Path) -> Path:
    """Return where the manifest of a file is, if it has one."""
    return path.with_name(f"{path.name}{_SUFFIX}")


def manifest_beside(path: Path) -> FileManifest | None:
    """Return the manifest beside a file; ``None`` where there is none.

    Raises:
        BadStore: it is not a manifest of this version.
    """
    where = manifest_path(path)
    try:
        with where.open("rb") as file:
            text = file.read(_MOST_BYTES)
    except FileNotFoundError:
        return None
    try:
        fields = json.loads(text)
        if fields.pop("format") != _FORMAT:
            raise ValueError("another format")
        numbers = {name: fields[name] for name in FileManifest.__slots__ if name != "sha256"}
        if not all(type(number) is int for number in numbers.values()):
            raise ValueError("not a number")
        return FileManifest(sha256=str(fields["sha256"]), **numbers)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadStore(
            f"{where} is not the manifest of a fact file",
            hint="write it anew: lamlam facts verify FILE --write-manifest",
        ) from error
