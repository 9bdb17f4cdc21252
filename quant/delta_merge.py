"""Merge a delta into its ancestor, one tensor after the other, without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamlam.errors import BadModelFile, MissingExtra
from lamlam.quant.delta_file import Delta
from lamlam.runtime.llama.gguf_file import GgufHeader, TensorEntry

Values = NDArray[np.float32]


class DeltaMerge:
    """The tensors of the ancestor with the delta in them; nothing is kept in memory."""

    def __init__(self, delta: Delta, ancestor: Path, header: GgufHeader) -> None:
        """Keep the places of the numbers; ``check_fits`` has been called."""
        self._delta = delta
        self._theirs = StoredTensors(ancestor, header)
        self._ours = StoredTensors(delta.path, delta.header)

    def is_changed(self, entry: TensorEntry) -> bool:
        """Return whether any number of a tensor differs from the ancestor's."""
        delta = self._delta
        if entry.name in delta.whole or entry.name in delta.rows:
            return True
        pair = delta.pairs.get(entry.name)
        if pair is None or pair.scale == 0.0:
            return False
        return all(np.any(self._ours.values(narrow)) for narrow in (pair.a, pair.b))

    def raw(self, entry: TensorEntry) -> NDArray[np.uint8]:
        """Return a tensor of the ancestor as its file has it: (rows, bytes of a row)."""
        return self._theirs.raw(entry)

    def new_rows(self, entry: TensorEntry) -> tuple[list[int], Values] | None:
        """Return numbers and values of the rows that alone are new; none where more is."""
        name = entry.name
        rows = self._delta.rows.get(name)
        if rows is None or name in self._delta.pairs:
            return None
        return list(self._delta.tokens), self._ours.values(rows)

    def values(self, entry: TensorEntry) -> Values:
        """Return a tensor of the new model: (out, in), or (width,).

        Raises:
            BadModelFile: a value is not a finite number.
        """
        delta, name = self._delta, entry.name
        if name in delta.whole:
            values = self._ours.values(delta.whole[name])
        else:
            values = self._theirs.values(entry)
            if (pair := delta.pairs.get(name)) is not None:
                b, a = self._ours.values(pair.b), self._ours.values(pair.a)
                with np.errstate(all="ignore"):
                    values += (b * np.float32(pair.scale)) @ a
            if (rows := delta.rows.get(name)) is not None:
                values[list(delta.tokens)] = self._ours.values(rows)
        if not np.isfinite(values).all():
            raise BadModelFile(
                f"the delta {delta.path} is damaged: with it {name} has values that are no finite "
                "numbers",
                hint="install lamlam again, or fetch it again",
            )
        return values


class StoredTensors:
    """Tensors of one file, read where they are needed."""

    def __init__(self, path: Path, header: GgufHeader) -> None:
        self._path, self._header = path, header

    def raw(self, entry: TensorEntry) -> NDArray[np.uint8]:
        """Return its bytes, one row after the other: (rows, bytes of a row)."""
        start = self._header.data_offset + entry.offset
        flat = np.fromfile(self._path, np.uint8, entry.n_bytes, offset=start)
        return flat.reshape(entry.n_values // entry.shape[0], -1)

    def values(self, entry: TensorEntry) -> Values:
        """Return its numbers, slowest axis first as in NumPy.

        Raises:
            BadModelFile: of a type that cannot be read.
        """
        gguf = _gguf()
        kind = gguf.GGMLQuantizationType[entry.type_name]
        try:
            with np.errstate(all="ignore"):  # what is not finite is refused by name
                values = gguf.dequantize(self.raw(entry), kind)
        except NotImplementedError:
            raise BadModelFile(
                f"{self._path}: {entry.name} has the type {entry.type_name}, which cannot be read"
            ) from None
        return np.ascontiguousarray(values, np.float32).reshape(entry.shape[::-1])


def _gguf() -> Any:  # Any: gguf publishes no types
    try:
        import gguf
    except ImportError:
        raise MissingExtra("engine", "gguf") from None
    return gguf
