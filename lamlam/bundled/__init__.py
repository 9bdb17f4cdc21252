"""The default model and facts that ship with the package.

One ``*.gguf``, and ``facts.sqlite.xz``: a third of the size of the SQLite file, which
is unpacked once into the user's cache folder.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.resources import files
from pathlib import Path

from lamlam.errors import BadModelFile, StoreMissing, Unavailable

_REINSTALL = "this installation is incomplete: install lamlam again"
_FIRST_STAMP = 946_684_800
"""The year 2000: unpacked files get a time after it that says what was unpacked. In whole seconds
and even, which every file system keeps."""
_UNFINISHED = ".part"
_LONG_S = 3600
_PART = 1 << 20
_HEADER_BYTES = 100


def model_path() -> Path:
    """Return the bundled model file.

    Raises:
        BadModelFile: the package has no model, or several.
    """
    models = sorted(_folder().glob("*.gguf"))
    if len(models) != 1:
        found = ", ".join(path.name for path in models) or "none"
        raise BadModelFile(
            f"expected one bundled model, found {found}",
            hint=f"{_REINSTALL}, or name one (--model)",
        )
    return models[0]


def facts_path() -> Path:
    """Return the bundled fact file, unpacked; open it read-only.

    One that was damaged since is unpacked again, and a warning is logged.

    Raises:
        StoreMissing: the package has no facts, or damaged ones.
        Unavailable: there is no room for them.
    """
    packed = _folder() / "facts.sqlite.xz"
    if not packed.is_file():
        raise StoreMissing(
            "there are no bundled facts", hint=f"{_REINSTALL}, or name a store (--memory)"
        )
    # Named after its content: a new version of lamlam never reads an old one's facts.
    from hashlib import blake2b

    digest = blake2b(packed.read_bytes(), digest_size=8)
    name = f"facts-{digest.hexdigest()}.sqlite"
    path = cache_folder() / name
    stamp = _FIRST_STAMP + 2 * (int.from_bytes(digest.digest()[:3], "big"))
    try:
        if _is_whole(path, packed, stamp):
            return path
        return _unpack(packed, path, stamp)
    except OSError:
        # A home that cannot be written (a container, a service account) still has a
        # temporary folder. A new name, so that no other user can have put a file there.
        try:
            path = Path(_process_folder()) / name
            return path if path.is_file() else _unpack(packed, path, stamp)
        except OSError as error:
            raise Unavailable(
                f"the bundled facts cannot be unpacked: {error.strerror or error}",
                hint="free room on the disk, or name another folder by LAMLAM_HOME",
            ) from None


def cache_folder() -> Path:
    """Return the cache folder: files that lamlam can make again. It may not exist yet."""
    if home := os.environ.get("LAMLAM_HOME"):
        return Path(home) / "cache"
    from platformdirs import user_cache_path

    return user_cache_path("lamlam", appauthor=False)


@cache
def _process_folder() -> str:
    """Return a folder that is removed when this process ends."""
    folder = tempfile.mkdtemp(prefix="lamlam-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _is_whole(path: Path, packed: Path, stamp: int) -> bool:
    """Return whether the unpacked file is there as it was written; say so where it is damaged.

    A file that still has the time it was given, and the length that its header states, has not been
    written to since. Any other is compared with what is packed: it may have been copied.
    """
    try:
        if path.stat().st_mtime == stamp and os.access(path, os.R_OK) and _has_its_length(path):
            return True
        is_same = path.is_file() and _is_same(path, packed)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # it may not be read
        is_same = False
    if is_same:
        with suppress(OSError):  # somebody else's: it is compared each time
            os.utime(path, (stamp, stamp))
        return True
    import logging

    logging.getLogger(__name__).warning("%s was damaged: the facts are unpacked again", path)
    return False


def _has_its_length(path: Path) -> bool:
    """Return whether a file is as long as its SQLite header states.

    A machine that stops may keep the name and the time of a new file, and lose what it holds.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
        length = file.seek(0, os.SEEK_END)
    page_bytes = int.from_bytes(header[16:18], "big")
    page_bytes = 65_536 if page_bytes == 1 else page_bytes
    return length == page_bytes * int.from_bytes(header[28:32], "big") > 0


def _is_same(path: Path, packed: Path) -> bool:
    import lzma

    with _named_if_damaged(packed), lzma.open(packed) as source, path.open("rb") as unpacked:
        while part := source.read(_PART):
            if unpacked.read(len(part)) != part:
                return False
        return not unpacked.read(1)


def _unpack(packed: Path, path: Path, stamp: int) -> Path:
    """Write the unpacked file beside its place and rename it: two processes may do it at once."""
    import lzma  # only the first run needs it

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _remove_unfinished(path)
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f"{path.name}.", suffix=_UNFINISHED, delete=False
    ) as target:
        try:
            with _named_if_damaged(packed), lzma.open(packed) as source:
                shutil.copyfileobj(source, target, _PART)
            target.close()
            os.replace(target.name, path)
        except BaseException:
            os.unlink(target.name)
            raise
    with suppress(OSError):  # then it is compared each time
        os.utime(path, (stamp, stamp))  # not before: with that time it would look left behind
    return path


def _remove_unfinished(path: Path) -> None:
    """Remove what processes that were killed have left: no other takes so long."""
    for file in path.parent.glob(f"{path.name}.*{_UNFINISHED}"):
        with suppress(OSError):
            if file.stat().st_mtime < time.time() - _LONG_S:
                file.unlink()


@contextmanager
def _named_if_damaged(packed: Path) -> Iterator[None]:
    from lzma import LZMAError

    try:
        yield
    except (LZMAError, EOFError):
        raise StoreMissing(f"{packed} is damaged", hint=_REINSTALL) from None


def _folder() -> Path:
    # llama.cpp and SQLite open real files by path, so a package inside a zip cannot work.
    return Path(str(files(__name__)))
