"""Quantisation: a GGUF file with 16- or 32-bit numbers to a smaller one, by llama.cpp."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lamlam.errors import BadModelFile, UnknownOption, UsageError
from lamlam.installed import need
from lamlam.quant.written_file import Progress, written_beside
from lamlam.runtime.llama.checksum import PLACEHOLDERS, seal, verify
from lamlam.runtime.llama.model_kind import check_is_model
from lamlam.runtime.llama.model_parts import read_parts
from lamlam.usable_cpus import usable_cpus

_PREFIXES = ("LLAMA_FTYPE_MOSTLY_", "LLAMA_FTYPE_ALL_")
_UNQUANTISED = frozenset({"F32", "F16", "BF16"})
_STRING_TAG = 3  # LLAMA_KV_OVERRIDE_TYPE_STR
_ERROR_LEVEL = 4  # GGML_LOG_LEVEL_ERROR
# "[   3/  20] blk.0.attn_k.weight - [256, 128, 1, 1], type = f16, converting to q4_K .."
_STEP = re.compile(r"^\[\s*(\d+)/\s*(\d+)\]")


def quantisation_types() -> dict[str, int]:
    """Return every type that this llama.cpp can write: name to its number.

    Some need an importance matrix for some tensors; `quantise` then raises an error.

    Raises:
        MissingExtra: the engine is not installed.
    """
    need("engine")
    import llama_cpp

    return {
        name.removeprefix(prefix): number
        for name, number in sorted(vars(llama_cpp).items(), key=lambda item: str(item[1]))
        for prefix in _PREFIXES
        if name.startswith(prefix) and not name.endswith("NVFP4")  # for converters only
    }


def quantise(
    src: Path,
    dst: Path,
    type: str = "Q4_K_M",  # the word of the command and of llama.cpp
    threads: int | None = None,
    *,
    progress: Progress | None = None,
) -> Path:
    """Write a quantised, sealed copy of a GGUF file and return its path.

    Matrices whose rows do not divide into the type's blocks get the nearest
    type that fits, as llama.cpp decides.

    Args:
        src: a file, or the first part of a model in parts; the copy is one file.
        type: any of `quantisation_types`, in any case.
        threads: default: the CPUs that this process may use.
        progress: called with the number of tensors done and in all.

    Raises:
        MissingExtra: the engine is not installed.
        UnknownOption: no such type.
        BadModelFile: ``src`` is not a GGUF file, damaged, or llama.cpp cannot quantise it.
        UsageError: ``src`` is already quantised, or ``dst`` is the same file.
    """
    src, dst = Path(src), Path(dst)
    types = quantisation_types()
    if type.upper() not in types:
        raise UnknownOption(f"unknown type {type!r}", hint=f"one of: {', '.join(sorted(types))}")
    parts = read_parts(src)
    if dst.exists() and any(dst.samefile(part) for part in parts.paths):
        raise UsageError(f"{dst} is the file to quantise; name another")
    check_is_model(src, parts.metadata, has_tensors=bool(parts.tensors))
    found = {entry.type_name for entry in parts.tensors}
    if found - _UNQUANTISED:
        raise UsageError(
            f"{src} is already quantised ({', '.join(sorted(found - _UNQUANTISED))})",
            hint="start from the f16 file: quantising twice adds up the errors",
        )
    verify(src)
    with written_beside(dst) as unfinished:
        _run(src, unfinished, types[type.upper()], threads or usable_cpus(), progress)
        seal(unfinished)
    return dst


def _run(src: Path, dst: Path, ftype: int, threads: int, progress: Progress | None) -> None:
    import llama_cpp

    settings = llama_cpp.llama_model_quantize_default_params()
    settings.ftype = ftype
    settings.nthread = threads
    settings.kv_overrides = _placeholders(llama_cpp)
    errors: list[str] = []

    def listen(level: int, line: str) -> None:
        if level == _ERROR_LEVEL:
            errors.append(line.strip())
        step = _STEP.match(line)
        if step and progress is not None:
            progress(int(step[1]), int(step[2]))

    with _log_of(llama_cpp, listen):
        status = llama_cpp.llama_model_quantize(
            os.fsencode(src), os.fsencode(dst), ctypes.pointer(settings)
        )
    if status != 0:
        reason = next((line for line in reversed(errors) if line), f"status {status}")
        if "imatrix" in reason:
            raise UsageError(
                "this type needs an importance matrix, which lamlam does not make",
                hint="Q4_K_M, Q3_K_S, Q2_K, IQ4_XS and IQ3_S need none",
            )
        raise BadModelFile(f"llama.cpp cannot quantise {src}: {' '.join(reason.split())}")


def _placeholders(llama_cpp: Any) -> Any:  # Any: ctypes structures
    """Return overrides that set both checksums to zeros, also in files of other makers.

    An entry with an empty key ends the list.
    """
    overrides = (llama_cpp.llama_model_kv_override * (len(PLACEHOLDERS) + 1))()
    for entry, (key, zeros) in zip(overrides, PLACEHOLDERS.items(), strict=False):
        entry.tag = _STRING_TAG
        entry.key = key.encode("ascii")
        entry.value.val_str = zeros.encode("ascii")
    return overrides


@contextmanager
def _log_of(llama_cpp: Any, listen: Any) -> Iterator[None]:
    """Send llama.cpp's log to ``listen(level, line)`` and nowhere else, then as before.

    What ``listen`` raises, Ctrl-C among it, cannot pass through C: it is raised at the end.
    """
    raised: list[BaseException] = []

    @llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]  # a ctypes function type
    def receive(level: int, text: bytes, _: int | None) -> None:
        if not raised:
            try:
                listen(level, text.decode("utf-8", "replace"))
            except BaseException as error:
                raised.append(error)

    before = llama_cpp.llama_log_callback()
    before_data = ctypes.c_void_p()
    llama_cpp.llama_log_get(ctypes.byref(before), ctypes.byref(before_data))
    llama_cpp.llama_log_set(receive, ctypes.c_void_p())
    try:
        yield
    finally:
        llama_cpp.llama_log_set(before, before_data)
    if raised:
        raise raised[0]
