"""Whether a model that can be pulled is on this machine, and whole."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from lamlam.bundled.model_names import other_versions, pulled_file
from lamlam.errors import BadModelFile
from lamlam.runtime.llama.checksum import verify
from lamlam.runtime.llama.model_file import check_file

State = Literal["there", "damaged", "absent", "made by another version"]


class PulledState(NamedTuple):
    """How it stands with one model."""

    state: State
    path: Path
    """Where its file is, or will be."""
    command: str
    """What makes it whole; empty where it is."""


def state_of(name: str) -> PulledState:
    """Return how it stands with a model; every byte of its file is read."""
    path = pulled_file(name)
    if path.is_file():
        if is_whole(path):
            return PulledState("there", path, "")
        return PulledState("damaged", path, f"lamlam pull {name} --force")
    state: State = "made by another version" if other_versions(name) else "absent"
    return PulledState(state, path, f"lamlam pull {name}")


def is_whole(path: Path) -> bool:
    """Return whether a pulled file is there as it was made."""
    try:
        return path.is_file() and check_file(path).is_sealed and verify(path)
    except (BadModelFile, OSError):
        return False
