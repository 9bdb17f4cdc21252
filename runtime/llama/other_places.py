"""Says which file may have been meant, where a path was given as a model that is none."""

from __future__ import annotations

import re
from pathlib import Path

from lamlam.near_names import near_names

_URL = re.compile(r"(https?|hf|s3|gs|file|ollama):")
_NAME_IN_A_HUB = re.compile(r"[\w.-]+/[\w.-]+(:[\w.-]+)?")
_LATER_PART = re.compile(r"-(?!00001)\d{5}-of-\d{5}\.gguf$")
_FETCH = "fetch it first: a model is a file on this machine"


def hint_for_folder(path: Path) -> str:
    """Return what to name in the place of a folder, or of what is no file either."""
    if (path / "config.json").exists():
        return f"export the checkpoint first: lamlam export {path} model.gguf"
    files = _models_in(path)
    return f"name a GGUF file, such as {path / files[0]}" if files else "name a GGUF file"


def hint_for_missing(path: Path) -> str | None:
    """Return what may have been meant by the path of a file that does not exist."""
    text = str(path)
    if _URL.match(text):
        return _FETCH
    if text.startswith("~"):
        return "write the path from / on: only a shell knows what ~ is"
    files = _models_in(path.parent)
    near = [name for name in files if path.stem and name.startswith(path.stem)]
    known = [*files, "bundled"] if text == path.name else files
    near = near or near_names(path.name, known, most=1)
    if near:
        return f"did you mean {path.with_name(near[0])}?"
    is_in_a_hub = _NAME_IN_A_HUB.fullmatch(text) and not path.parent.exists()
    return _FETCH if is_in_a_hub and path.suffix != ".gguf" else None


def _models_in(folder: Path) -> list[str]:
    """Return the names of GGUF files that can be opened; of a model in parts, of the first."""
    try:
        names = sorted(path.name for path in folder.glob("*.gguf"))
    except (OSError, ValueError):
        return []
    return [name for name in names if not _LATER_PART.search(name)]
