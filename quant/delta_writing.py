"""Export what a checkpoint has learnt beyond its ancestor: a small GGUF file, an adapter (LoRA)."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from lamlam.errors import BadCheckpoint, MissingExtra, UnknownOption

try:
    import numpy as np
except ModuleNotFoundError:
    raise MissingExtra("train", "numpy") from None

from lamlam.quant.architectures import TensorRule, Weights, read_architecture
from lamlam.quant.checkpoint_settings import read_settings
from lamlam.quant.delta_names import (
    DELTA_KEYS,
    KNOWN_ANCESTORS,
    LORA_A,
    LORA_B,
    ROWS,
    KnownAncestor,
)
from lamlam.quant.differences import Difference, read_difference
from lamlam.quant.export import (
    add_lamlam_settings,
    add_text_settings,
    lamlam_settings,
    model_name,
    new_writer,
    text_settings,
)
from lamlam.quant.ggml_rows import quantise_rows
from lamlam.quant.low_rank_factors import LowRankFactors
from lamlam.quant.vocabularies import read_vocabulary
from lamlam.quant.written_file import Progress, written_beside
from lamlam.runtime.llama.checksum import seal

DeltaType = Literal["q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "f16", "f32"]
_LARGEST_F16 = 65504.0


@dataclass(frozen=True, slots=True)
class WrittenDelta:
    """What was written."""

    path: Path
    n_bytes: int
    rank: int
    """The highest of all matrices."""
    types: dict[str, int]
    """How many tensors have each type: a row that fills no whole blocks has f16."""
    error: float
    """Norm of what the rank and rounding have left out, over the norm of what was learnt."""


def export_delta(
    hf_dir: Path,
    out: Path,
    *,
    delta_type: DeltaType = "q8_0",
    rank: int = 0,
    ancestor: Path | None = None,
    progress: Progress | None = None,
) -> WrittenDelta:
    """Write the difference of a checkpoint to the model that it went on from.

    Args:
        hf_dir: folder of a run with ``model.low_rank``; of any other run that went on from a GGUF
            file with ``ancestor`` and ``rank``, to which its difference is cut.
        out: the file to write; replaced if it exists.
        delta_type: of the narrow matrices.
        rank: of the differences at most; 0: as they were learnt.
        ancestor: the GGUF file that the run went on from, where the run did not record it.
        progress: called with the number of tensors done and in all.

    Raises:
        BadCheckpoint: there is no difference, or it is not one to a GGUF file.
        MissingExtra: the packages of ``lamlam[train]`` or ``lamlam[engine]`` are not installed.
        UnknownOption: a type that does not exist.
    """
    hf_dir, out = Path(hf_dir), Path(out)
    if delta_type not in get_args(DeltaType):
        raise UnknownOption(
            f"unknown number type {delta_type!r}", hint=f"one of: {', '.join(get_args(DeltaType))}"
        )
    if rank < 0:
        raise UnknownOption(f"the rank of a delta must be 0 or more, got {rank}")
    if not hf_dir.is_dir():
        raise BadCheckpoint(f"{hf_dir} is not a folder with a checkpoint")
    said = read_settings(hf_dir)
    architecture = read_architecture(said.config)
    difference = read_difference(hf_dir, ancestor, rank)
    if not difference.sha256:
        raise BadCheckpoint(
            f"{hf_dir} does not say which GGUF file it went on from",
            hint=f"name it: --ancestor {difference.ancestor or 'FILE.gguf'}",
        )
    vocabulary = read_vocabulary(hf_dir, said.config, architecture.n_rows, said.tokenizer)
    settings = lamlam_settings(hf_dir, said.config, vocabulary)
    known = KNOWN_ANCESTORS.get(difference.sha256)
    settings["name"] = model_name(settings.get("name", out.stem), said.config, architecture.name)
    stored = StoredDelta(delta_type)
    for done, (rule, change, rows) in enumerate(difference.parts(architecture, rank), start=1):
        stored.add(rule, change, rows)
        if progress is not None:
            progress(done, len(architecture.rules))
    text = text_settings(said, vocabulary)
    with written_beside(out) as unfinished:
        writer = new_writer(unfinished, architecture.name)
        try:
            _add_delta_settings(writer, difference, stored.rank, settings, known)
            add_text_settings(writer, text)
            add_lamlam_settings(writer, settings)
            stored.write(writer)
        finally:
            writer.close()
        seal(unfinished)
    return WrittenDelta(
        out, out.stat().st_size, stored.rank, dict(stored.types.most_common()), stored.error
    )


def _add_delta_settings(
    writer: Any,  # gguf publishes no types
    difference: Difference,
    rank: int,
    settings: dict[str, Any],
    known: KnownAncestor | None,
) -> None:
    file = re.sub(r"[^\w./+-]|^[^\w]", "_", difference.ancestor, flags=re.ASCII)
    place = known or KnownAncestor("unpublished", "0", file, "")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(rank))
    writer.add_name(str(settings["name"]))
    if licence := settings.get("license") or place.license:
        writer.add_license(str(licence))
    if settings.get("version"):
        writer.add_version(str(settings["version"]))
    for key, value in (
        ("sha256", difference.sha256),
        ("package", place.package),
        ("version", place.version),
        ("file", place.file),
    ):
        writer.add_string(f"{DELTA_KEYS}base.{key}", value)
    if difference.tokens:
        writer.add_array(f"{DELTA_KEYS}tokens", list(difference.tokens.values()))
        writer.add_array(f"{DELTA_KEYS}token_ids", list(difference.tokens))


class StoredDelta:
    """Tensors of a delta in the types in which they are written."""

    def __init__(self, delta_type: DeltaType) -> None:
        """Begin with none; narrow matrices get this type where it fits them."""
        try:
            import gguf
        except ImportError:
            raise MissingExtra("train", "gguf") from None
        self._gguf: Any = gguf  # which publishes no types
        self._type = delta_type.upper()
        self._tensors: list[tuple[str, Any, Any]] = []
        self._lost = self._learnt = 0.0
        self.types: Counter[str] = Counter()
        self.rank = 0

    @property
    def error(self) -> float:
        """Norm of what is left out, over the norm of what was learnt."""
        return float(np.sqrt(self._lost / self._learnt)) if self._learnt else 0.0

    def add(self, rule: TensorRule, change: LowRankFactors | Weights, rows: Weights | None) -> None:
        """Take one tensor's part, with rows in the order of the GGUF file."""
        if rows is not None:
            self._keep(rule.target + ROWS, rows, "F16")
        if isinstance(change, LowRankFactors):
            if change.rank:
                self._add_factors(rule, change)
        else:
            self._keep(rule.target, change, "F32")

    def _add_factors(self, rule: TensorRule, change: LowRankFactors) -> None:
        # The numbers of alpha and rank are one for all: a narrower matrix is scaled by itself.
        self.rank = self.rank or change.rank
        b = change.b if rule.change is None else rule.change(change.b)
        b = np.ascontiguousarray(b * np.float32(change.rank / self.rank))
        a = self._keep(rule.target + LORA_A, change.a, self._type)
        b = self._keep(rule.target + LORA_B, b, self._type)
        product = change.product if rule.change is None else rule.change(change.product)
        kept = (b @ a) * np.float32(self.rank / change.rank)
        rounded = float(np.square(kept - product).sum(dtype=np.float64))
        self._lost += rounded + change.left_out  # which is orthogonal to what is kept
        self._learnt += float(np.square(product).sum(dtype=np.float64)) + change.left_out

    def _keep(self, name: str, values: Weights, type_name: str) -> Weights:
        """Keep a tensor for writing; returns the numbers that it then stands for."""
        gguf, kind = self._gguf, self._gguf.GGMLQuantizationType[type_name]
        if values.shape[-1] % gguf.GGML_QUANT_SIZES[kind][0]:
            kind = gguf.GGMLQuantizationType.F16
        largest = float(np.abs(values).max(initial=0.0))
        if kind == gguf.GGMLQuantizationType.F16 and largest > _LARGEST_F16:
            kind = gguf.GGMLQuantizationType.F32
        rows = np.ascontiguousarray(values, np.float32).reshape(-1, values.shape[-1])
        raw = quantise_rows(rows, kind.name).reshape(*values.shape[:-1], -1)
        self._tensors.append((name, raw, kind))
        self.types[kind.name.lower()] += 1
        found: Weights = gguf.dequantize(raw, kind).astype(np.float32).reshape(values.shape)
        return found

    def write(self, writer: Any) -> None:
        """Write header and tensors."""
        for name, raw, kind in self._tensors:
            writer.add_tensor(name, raw, raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
