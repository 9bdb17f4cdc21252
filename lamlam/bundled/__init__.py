"""The default model and facts that ship with the package.

One ``*.gguf``, and ``facts.sqlite.xz``: a third of the size of the SQLite file, which
is unpacked once into the user's cache folder.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path

from lamlam.errors import BadModelFile, StoreMissing

_REINSTALL = "this installation is incomplete: install lamlam again"


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

    Raises:
        StoreMissing: the package has no facts.
    """
    packed = _folder() / "facts.sqlite.xz"
    if not packed.is_file():
        raise StoreMissing(
            "there are no bundled facts", hint=f"{_REINSTALL}, or name a store (--memory)"
        )
    # Named after its content: a new version of lamlam never reads an old one's facts.
    from hashlib import blake2b

    name = f"facts-{blake2b(packed.read_bytes(), digest_size=8).hexdigest()}.sqlite"
    path = cache_folder() / name
    if path.is_file():
        return path
    try:
        return _unpack(packed, path)
    except OSError:
        # A home that cannot be written (a container, a service account) still has a
        # temporary folder. A new name, so that no other user can have put a file there.
        return _unpack(packed, Path(_process_folder()) / name)


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


def _unpack(packed: Path, path: Path) -> Path:
    """Write the unpacked file beside its place and rename it: two processes may do it at once."""
    import lzma  # only the first run needs it

    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as target:
        try:
            with lzma.open(packed) as source:
                shutil.copyfileobj(source, target, 1 << 20)
            target.close()
            os.replace(target.name, path)
        except BaseException as error:
            os.unlink(target.name)
            if isinstance(error, lzma.LZMAError | EOFError):
                raise StoreMissing(f"{packed} is damaged", hint=_REINSTALL) from None
            raise
    return path


def _folder() -> Path:
    # llama.cpp and SQLite open real files by path, so a package inside a zip cannot work.
    return Path(str(files(__name__)))
