"""Write the model that an ancestor and a delta make, as one sealed GGUF file."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamlam.errors import MissingExtra
from lamlam.quant.delta_file import Delta, check_fits
from lamlam.quant.delta_merge import DeltaMerge
from lamlam.quant.ggml_rows import quantise_rows, row_bytes
from lamlam.quant.vocabularies import TokenType
from lamlam.quant.written_file import Progress, written_beside
from lamlam.runtime.llama.checksum import PLACEHOLDERS, seal
from lamlam.runtime.llama.gguf_file import GgufHeader, TensorEntry, read_header

TypeOf = Callable[[TensorEntry], str]
"""Which type a matrix of the ancestor is to get; `AS_IT_IS` for the one that it has there."""
AS_IT_IS = ""
_STRING = 8
_TOKENS, _TYPES = "tokenizer.ggml.tokens", "tokenizer.ggml.token_type"


@dataclass(frozen=True, slots=True)
class MergedModel:
    """What was written."""

    path: Path
    n_bytes: int
    asked: dict[str, int]
    """Tensors for which each type was asked; what could not have it has another one."""
    types: dict[str, int]
    """Bytes by type, as written, the largest first."""
    kept: int
    """Tensors that are the ancestor's, byte by byte."""
    changed: int
    """Tensors that differ from the ancestor's."""


def write_merged(
    delta: Delta,
    ancestor: Path,
    out: Path,
    type_of: TypeOf,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> MergedModel:
    """Write the merged model and return what became of its tensors.

    What the delta does not change stays as it is in the ancestor, byte by byte, unless another
    type is asked for it. One tensor at a time is in memory.

    Args:
        delta: of `read_delta`.
        ancestor: the GGUF file that the delta belongs to; its hash is the caller's to check.
        out: the file to write; it takes this name when it is whole.
        type_of: which type a matrix gets. A row that does not fit it gets the nearest that does.
        threads: default: the CPUs that this process may use.
        progress: called with the number of tensors done and in all.

    Raises:
        BadModelFile: a file is damaged, or the two do not go together.
        MissingExtra: the engine is not installed.
        UsageError: the place cannot be written.
    """
    header = read_header(ancestor)
    check_fits(delta, header, ancestor)
    merge = DeltaMerge(delta, ancestor, header)
    plan = {
        entry.name: _PlannedTensor(entry, *_fitting(entry, type_of(entry)), merge.is_changed(entry))
        for entry in header.tensors
    }
    with written_beside(out) as unfinished:
        writer = _writer(unfinished, delta, header, plan)
        try:
            for done, planned in enumerate(plan.values(), start=1):
                writer.write_tensor_data(_data(merge, planned, threads))
                if progress is not None:
                    progress(done, len(plan))
        finally:
            writer.close()
        seal(unfinished)
    return _report(out, plan)


@dataclass(frozen=True, slots=True)
class _PlannedTensor:
    entry: TensorEntry
    asked: str
    becomes: str
    is_changed: bool

    @property
    def n_bytes(self) -> int:
        rows = self.entry.n_values // self.entry.shape[0]
        return rows * (row_bytes(self.becomes, self.entry.shape[0]) or 0)

    @property
    def stays(self) -> bool:
        return not self.is_changed and self.becomes == self.entry.type_name


_NEXT = {"Q6_K": "Q5_1", "Q5_K": "Q5_1", "Q4_K": "Q4_1"}
"""Where rows fill no blocks of 256: the type of blocks of 32 that is the nearest."""


def _fitting(entry: TensorEntry, asked: str) -> tuple[str, str]:
    """Return the type that is asked for, and the one that the rows can have."""
    if len(entry.shape) < 2:
        return entry.type_name, entry.type_name if entry.type_name in ("F32", "F16") else "F32"
    asked = asked or entry.type_name
    for type_name in (asked, _NEXT.get(asked, "Q8_0"), "Q8_0"):
        if row_bytes(type_name, entry.shape[0]) is not None:
            return asked, type_name
    return asked, "F16"


def _data(merge: DeltaMerge, planned: _PlannedTensor, threads: int | None) -> NDArray[Any]:
    entry = planned.entry
    if planned.stays:
        return merge.raw(entry)
    if planned.becomes == entry.type_name and (rows := merge.new_rows(entry)) is not None:
        numbers, values = rows
        raw = merge.raw(entry)
        raw[numbers] = quantise_rows(values, planned.becomes, threads)
        return raw
    values = merge.values(entry)
    return quantise_rows(values.reshape(-1, entry.shape[0]), planned.becomes, threads)


def _writer(
    path: Path, delta: Delta, header: GgufHeader, plan: dict[str, _PlannedTensor]
) -> Any:  # Any: gguf publishes no types
    try:
        import gguf
    except ImportError:
        raise MissingExtra("engine", "gguf") from None
    logging.getLogger("gguf").setLevel(logging.WARNING)
    writer = gguf.GGUFWriter(path, header.metadata["general.architecture"])
    kinds = gguf.GGUFValueType
    writer.kv_data[0].clear()
    for key, (value, kind) in _metadata(delta, header).items():
        if isinstance(value, list):
            if value:
                writer.add_key_value(key, value, kinds.ARRAY, kinds(kind))
        else:
            writer.add_key_value(key, value, kinds(kind))
    for planned in plan.values():
        writer.add_tensor_info(
            planned.entry.name,
            planned.entry.shape[::-1],
            np.dtype(np.float32),
            planned.n_bytes,
            raw_dtype=gguf.GGMLQuantizationType[planned.becomes],
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    return writer


def _metadata(delta: Delta, header: GgufHeader) -> dict[str, tuple[Any, int]]:
    """Return the metadata of the new file: the ancestor's, then what the delta says."""
    found = {key: (value, header.kinds[key]) for key, value in header.metadata.items()}
    if delta.tokens:
        texts, types = list(found[_TOKENS][0]), list(found[_TYPES][0])
        for number, text in delta.tokens.items():
            texts[number], types[number] = text, int(TokenType.CONTROL)
        found[_TOKENS], found[_TYPES] = (texts, found[_TOKENS][1]), (types, found[_TYPES][1])
    found.pop("general.file_type", None)  # no list of llama.cpp's has these types together
    found |= delta.settings
    place = delta.place
    found["lamlam.ancestor"] = (f"{place.requirement} {place.file} sha256:{place.sha256}", _STRING)
    return found | {key: (zeros, _STRING) for key, zeros in PLACEHOLDERS.items()}


def _report(out: Path, plan: dict[str, _PlannedTensor]) -> MergedModel:
    types: Counter[str] = Counter()
    for planned in plan.values():
        types[planned.becomes] += planned.n_bytes
    return MergedModel(
        path=out,
        n_bytes=out.stat().st_size,
        asked=dict(Counter(planned.asked for planned in plan.values()).most_common()),
        types=dict(types.most_common()),
        kept=sum(planned.stays for planned in plan.values()),
        changed=sum(planned.is_changed for planned in plan.values()),
    )
