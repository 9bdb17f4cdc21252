"""A model as one file or in parts, which llama.cpp calls splits.

The first part has the metadata, each part some of the tensors. llama.cpp finds the others by
their names: ``NAME-00001-of-00003.gguf``, ``NAME-00002-of-00003.gguf`` and so on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamlam.errors import BadModelFile
from lamlam.runtime.llama.gguf_file import GgufHeader, TensorEntry, read_header

_NAME = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf")
NUMBER, COUNT, N_TENSORS = "split.no", "split.count", "split.tensors.count"
_FETCH = "fetch all parts again, into one folder"


@dataclass(frozen=True, slots=True)
class ModelParts:
    """The files of a model, each with its header."""

    paths: tuple[Path, ...]
    headers: tuple[GgufHeader, ...]

    @property
    def metadata(self) -> dict[str, Any]:
        """Metadata of the model."""
        return self.headers[0].metadata

    @property
    def tensors(self) -> tuple[TensorEntry, ...]:
        """Tensors of all parts."""
        return tuple(entry for header in self.headers for entry in header.tensors)

    @property
    def n_bytes(self) -> int:
        """Size of all files together."""
        return sum(header.n_bytes for header in self.headers)

    @property
    def weights(self) -> tuple[tuple[Path, int], ...]:
        """Each file, and the byte at which its tensor data begins."""
        offsets = (header.data_offset for header in self.headers)
        return tuple(zip(self.paths, offsets, strict=True))

    @property
    def was_split(self) -> bool:
        """True if a tool has split the model, or joined it again: its header is another."""
        return COUNT in self.metadata


def read_parts(path: Path) -> ModelParts:
    """Return the headers of a model's files, of which the path is the first.

    Raises:
        BadModelFile: a file cannot be read, is a later part, or a part is missing or another's.
    """
    first = read_header(path)
    count, number = _number(path, first, COUNT), _number(path, first, NUMBER)
    if count <= 1:
        return ModelParts((path,), (first,))
    paths = _names(path, number, count)
    headers = [first]
    for n, part in enumerate(paths[1:], start=1):
        if not part.exists():
            raise BadModelFile(
                f"{path} is a model in {count} parts, and part {n + 1} is missing: {part.name}",
                hint=f"fetch {part.name} into the same folder",
            )
        headers.append(_checked(part, n, headers[0]))
    parts = ModelParts(tuple(paths), tuple(headers))
    n_tensors = _number(path, first, N_TENSORS)
    names = {entry.name for entry in parts.tensors}
    if n_tensors and n_tensors != len(parts.tensors) or len(names) != len(parts.tensors):
        raise BadModelFile(
            f"the parts of {path} do not belong together: {len(names)} different tensors, "
            f"expected {n_tensors}",
            hint=_FETCH,
        )
    return parts


def _names(path: Path, number: int, count: int) -> list[Path]:
    """Return the names of all parts; raise unless the path is that of the first."""
    found = _NAME.fullmatch(path.name)
    stem = found[1] if found else path.stem
    names = [path.with_name(f"{stem}-{n + 1:05d}-of-{count:05d}.gguf") for n in range(count)]
    if number:
        raise BadModelFile(
            f"{path} is part {number + 1} of {count} of a model, which is opened by its first part",
            hint=f"name {names[0] if found else 'the file that ends in ' + names[0].name[-20:]}",
        )
    if path.name != names[0].name:
        raise BadModelFile(
            f"{path} is the first of {count} parts of a model, and is not called so: the others "
            f"cannot be found by its name",
            hint=f"call it {names[0].name}, and the others likewise, as they were published",
        )
    return names


def _checked(part: Path, number: int, first: GgufHeader) -> GgufHeader:
    """Return the header of a later part."""
    header = read_header(part)
    if (_number(part, header, NUMBER), _number(part, header, COUNT)) != (
        number,
        first.metadata[COUNT],
    ):
        raise BadModelFile(
            f"{part} is not part {number + 1} of {first.metadata[COUNT]} of a model", hint=_FETCH
        )
    if header.metadata.get(N_TENSORS) != first.metadata.get(N_TENSORS):
        raise BadModelFile(f"{part} is a part of another model than part 1", hint=_FETCH)
    return header


def _number(path: Path, header: GgufHeader, key: str) -> int:
    value = header.metadata.get(key, 0)
    if type(value) is not int or not 0 <= value < 1 << 24:
        raise BadModelFile(f"{path} is damaged: {key} is {value!r}", hint=_FETCH)
    return value
