"""Names of models: ``bundled``, those that ``lamlam pull`` makes, and paths.

A name wins over a file of the same name in the current folder, so that a command means the same
model everywhere; such a file is named by its path (``./lamlam-135m``), and a `pathlib.Path` is
always a path.
"""

from __future__ import annotations

import os
import re
from functools import cache
from importlib.resources import files
from pathlib import Path

from lamlam.bundled import cache_folder, model_path
from lamlam.errors import BadModelFile, ModelMissing

BUNDLED = "bundled"
_MADE_AS = b"1"
"""How `lamlam pull` makes a file; to be raised when the same delta would become another file."""
_DIGEST_BYTES = 8
_PULLED = re.compile(r"(?P<name>.+)-[0-9a-f]{16}\.gguf")


def model_file(model: str | os.PathLike[str]) -> Path:
    """Return the file of a model: the bundled one, one that was pulled, or a path as it is.

    Raises:
        BadModelFile: the package has no bundled model, or several.
        ModelMissing: a model of this name was not pulled, or by another version of lamlam.
    """
    if not isinstance(model, str):
        return Path(model)
    if model == BUNDLED:
        return model_path()
    if model not in deltas():
        return Path(model)
    path = pulled_file(model)
    if path.is_file():
        return path
    why = "is not on this machine"
    if other_versions(model):
        why = "was made by another version of lamlam, which made another file of it"
    raise ModelMissing(f"the model {model} {why}", hint=f"run: lamlam pull {model}")


def hint_at_pull(error: BaseException, model: str | os.PathLike[str]) -> None:
    """Have the error of a pulled model's file say the command that makes the file again."""
    if isinstance(error, BadModelFile) and isinstance(model, str) and model in deltas():
        error.hint = f"run: lamlam pull {model} --force"


def deltas() -> dict[str, Path]:
    """Return the models that can be pulled: by name, the file that says what makes them."""
    return {path.stem: path for path in sorted(_folder().glob("*.gguf"))}


def pulled_file(name: str) -> Path:
    """Return where the file of a model that can be pulled is, or will be.

    Its name has a hash of what it is made of: a file of another version is another one.
    """
    delta = deltas()[name]
    stat = delta.stat()
    return _pulled_folder() / f"{name}-{_digest(delta, stat.st_mtime_ns, stat.st_size)}.gguf"


def other_versions(name: str) -> list[Path]:
    """Return files of a model that other versions of lamlam have made, and this one never opens."""
    try:
        found = sorted(_pulled_folder().glob(f"{name}-*.gguf"))
    except OSError:
        return []
    ours = pulled_file(name)
    return [path for path in found if path != ours and _name_of(path) == name]


def _name_of(path: Path) -> str | None:
    found = _PULLED.fullmatch(path.name)
    return found["name"] if found else None


def _pulled_folder() -> Path:
    return cache_folder() / "models"


@cache
def _digest(delta: Path, changed_ns: int, n_bytes: int) -> str:
    """Return the hash of a file, which is read once as long as it is the same."""
    from hashlib import blake2b

    digest = blake2b(delta.read_bytes(), digest_size=_DIGEST_BYTES, person=b"lamlam" + _MADE_AS)
    return digest.hexdigest()


def _folder() -> Path:
    return Path(str(files("lamlam.bundled"))) / "deltas"
