"""Quantise rows of numbers in memory, by llama.cpp's own functions.

Its quantiser of whole files (`lamlam.quant.quantise`) wants the file in 16 bits first, and computes
every tensor anew; here a tensor that need not change can stay as it is, byte by byte.
"""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamlam.errors import NotSupported
from lamlam.installed import need
from lamlam.runtime.llama.gguf_file import TENSOR_TYPES
from lamlam.usable_cpus import usable_cpus

ROW_TYPES = ("F32", "F16", "Q8_0", "Q6_K", "Q5_K", "Q5_1", "Q5_0", "Q4_K", "Q4_1", "Q4_0")
"""Types that rows can be written in, the nearest to the original first."""
_NUMBERS = {name: number for number, (name, _, _) in TENSOR_TYPES.items()}
_CHUNK_VALUES = 1 << 20


def row_bytes(type_name: str, width: int) -> int | None:
    """Return the bytes of a row; none where so many values fill no whole blocks."""
    _, in_block, block_bytes = TENSOR_TYPES[_NUMBERS[type_name]]
    return None if width % in_block else width // in_block * block_bytes


def quantise_rows(
    values: NDArray[np.float32], type_name: str, threads: int | None = None
) -> NDArray[np.uint8]:
    """Return the rows of a matrix in a type: (rows, bytes of a row).

    Args:
        values: (rows, width), where the width fills whole blocks of the type.
        type_name: one of `ROW_TYPES`.
        threads: default: the CPUs that this process may use.
    """
    values = np.ascontiguousarray(values, np.float32)
    n_rows, width = values.shape
    if type_name in ("F32", "F16"):
        plain = values.astype(np.float32 if type_name == "F32" else np.float16)
        return plain.view(np.uint8).reshape(n_rows, -1)
    n_bytes = row_bytes(type_name, width)
    assert n_bytes is not None, f"{width} values fill no whole blocks of {type_name}"
    written = np.empty((n_rows, n_bytes), np.uint8)
    step = max(1, _CHUNK_VALUES // width)
    quantise, importance = _quantise_chunk(), _importance(width)

    def one(start: int) -> None:
        part, target = values[start : start + step], written[start : start + step]
        done = quantise(
            _NUMBERS[type_name], part.ctypes.data, target.ctypes.data, 0, len(part), width,
            importance.ctypes.data,
        )  # fmt: skip
        assert done == target.nbytes

    with ThreadPoolExecutor(threads or usable_cpus()) as pool:  # the call leaves Python's lock
        for _ in pool.map(one, range(0, n_rows, step)):
            pass
    return written


@cache
def _importance(width: int) -> NDArray[np.float32]:
    return np.ones(width, np.float32)


@cache
def _quantise_chunk() -> Any:  # Any: a function of a C library
    """Return ggml's public function; llama-cpp-python loads the library and does not declare it.

    Raises:
        MissingExtra: the engine is not installed.
        NotSupported: this llama-cpp-python brings no such library.
    """
    need("engine")
    try:
        from llama_cpp._ggml import libggml

        function = libggml.ggml_quantize_chunk
    except (ImportError, AttributeError):
        raise NotSupported(
            "this llama-cpp-python cannot quantise rows",
            hint="run: python -m pip install --upgrade llama-cpp-python",
        ) from None
    function.restype = ctypes.c_size_t
    function.argtypes = (
        ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64,
        ctypes.c_int64, ctypes.c_void_p,
    )  # fmt: skip
    return function
