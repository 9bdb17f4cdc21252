"""A saved state that many processes write together, each its part.

The parts lie in a folder, and a small file beside it names the folder once all
of them are whole. So a state that is being written replaces nothing: whoever is
killed meanwhile goes on from the one before.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.metadata import TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from lamlam.trainer.ranks import Ranks
from lamlam.trainer.write_errors import write_error
from lamlam.unfinished_files import part_beside

POINTER = "state.json"
"""File that names the folder of the state, and says what it is of."""


class SpreadState:
    """Tensors in a folder, readable by another number of processes than wrote them."""

    def __init__(self, folder: Path, ranks: Ranks) -> None:
        """Take note of the places.

        Args:
            folder: of the run, on a file system that all processes share.
        """
        self._folder = folder
        self._ranks = ranks
        self.pointer = folder / POINTER

    def save(self, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
        """Write the tensors; all processes call this alike.

        Args:
            tensors: spread ones (`DTensor`) or whole ones, which one process writes.
            about: kept in the file that names the folder; JSON.

        Raises:
            OSError: a part cannot be written, in every process; the state before it is kept.
        """
        first = self._ranks.is_first
        part = Path(self._ranks.agreed_text(str(part_beside(self._folder / "state"))))
        try:
            with _without_their_warnings():
                save(
                    tensors,
                    storage_writer=FileSystemWriter(part),
                    process_group=self._ranks.hosts,
                    no_dist=self._ranks.world == 1,
                )
        except CheckpointException as problem:
            if first:
                shutil.rmtree(part, ignore_errors=True)
            raise _reason(problem) from None
        if first:
            final = self._folder / f"state-{secrets.token_hex(4)}"
            os.replace(part, final)
            _write_whole(self.pointer, json.dumps({"folder": final.name, **about}, indent=1))
            for old in self._folder.glob("state-*"):
                if old != final:
                    shutil.rmtree(old, ignore_errors=True)
        self._ranks.wait()

    def about(self) -> dict[str, Any]:
        """Return what `save` was told.

        Raises:
            ValueError, OSError: the file cannot be read.
        """
        about = json.loads(self.pointer.read_text(encoding="utf-8"))
        if not isinstance(about, dict) or not isinstance(about.get("folder"), str):
            raise ValueError("it names no folder")
        return about

    def names(self) -> dict[str, torch.Size]:
        """Return the names of the saved tensors and their whole sizes."""
        metadata = FileSystemReader(self._parts()).read_metadata()
        return {
            name: entry.size
            for name, entry in metadata.state_dict_metadata.items()
            if isinstance(entry, TensorStorageMetadata)
        }

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Fill the tensors in place; all processes call this alike.

        Raises:
            ValueError: a part is missing or damaged.
        """
        try:
            with _without_their_warnings():
                load(
                    tensors,
                    storage_reader=FileSystemReader(self._parts()),
                    process_group=self._ranks.hosts,
                    no_dist=self._ranks.world == 1,
                )
        except CheckpointException as problem:
            raise ValueError(_reason(problem)) from None

    def remove(self) -> None:
        """Remove the state: another one has taken its place."""
        self.pointer.unlink(missing_ok=True)
        for old in self._folder.glob("state-*"):
            shutil.rmtree(old, ignore_errors=True)

    def _parts(self) -> Path:
        return self._folder / Path(self.about()["folder"]).name


@contextmanager
def _without_their_warnings() -> Iterator[None]:
    """Leave out what PyTorch says while it saves or loads, and no user can change."""
    with warnings.catch_warnings():
        # That a single process does it is what is meant.
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")
        # Its own writer asks for one, up to 2.9; as an error, it would be a part not written.
        warnings.filterwarnings("ignore", message="TypedStorage is deprecated")
        yield


def _write_whole(path: Path, text: str) -> None:
    part = part_beside(path)
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _reason(problem: CheckpointException) -> OSError:
    """Return why a process could not read or write, as one error."""
    failures: Any = problem.failures
    return OSError(", ".join({write_error(failure[0]) for failure in failures.values()}))
