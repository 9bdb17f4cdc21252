"""The default model and facts that ship with the package: one ``*.gguf`` and ``facts.sqlite``."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from lamlam.errors import BadModelFile, StoreMissing

_REINSTALL = "this installation is incomplete: install lamlam again"


def model_path() -> Path:
    """The bundled model file.

    Raises:
        BadModelFile: the package holds no model, or several.
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
    """The bundled fact file; open it read-only.

    Raises:
        StoreMissing: the package holds no facts.
    """
    path = _folder() / "facts.sqlite"
    if not path.is_file():
        raise StoreMissing(
            "there are no bundled facts", hint=f"{_REINSTALL}, or name a store (--memory)"
        )
    return path


def _folder() -> Path:
    # llama.cpp and SQLite open real files by path, so a package inside a zip cannot work.
    return Path(str(files(__name__)))
