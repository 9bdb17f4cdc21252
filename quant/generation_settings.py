"""Where a generation ends and how it samples, as GGUF metadata."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamlam.errors import BadCheckpoint
from lamlam.installed import need
from lamlam.quant.checkpoint_settings import CheckpointSettings
from lamlam.quant.vocabularies import GgufVocabulary

_MORE_ENDS = ("tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id")
# transformers' name to the file's, and the type of the number.
_SAMPLING: dict[str, tuple[str, type[int] | type[float]]] = {
    "temperature": ("general.sampling.temp", float),
    "top_k": ("general.sampling.top_k", int),
    "top_p": ("general.sampling.top_p", float),
    "min_p": ("general.sampling.min_p", float),
}
WriteVocabulary = Callable[[Path, dict[str, int]], None]
"""Writes a file with nothing but the vocabulary and these numbers."""


@dataclass(frozen=True, slots=True)
class GenerationSettings:
    """What a file says about generations."""

    ends: dict[str, int]
    """Key to token, of ends beside the end of text."""
    suppressed: tuple[int, ...]
    """Tokens that are never written."""
    sampling: dict[str, int | float]
    """Key to number."""


def generation_settings(
    settings: CheckpointSettings, vocabulary: GgufVocabulary, write: WriteVocabulary
) -> GenerationSettings:
    """Return what the file has to say, so that llama.cpp ends where the checkpoint does.

    Raises:
        BadCheckpoint: a token that does not exist, a number of another type, or more ends
            than the file has places for.
    """
    said = settings.config if settings.generation is None else settings.generation
    n_tokens = len(vocabulary.tokens)
    ends = _tokens(said.get("eos_token_id"), "eos_token_id", n_tokens)
    suppressed = _tokens(said.get("suppress_tokens"), "suppress_tokens", n_tokens)
    return GenerationSettings(_places(ends, vocabulary, write), suppressed, _sampling(said))


def _tokens(value: Any, name: str, n_tokens: int) -> tuple[int, ...]:
    numbers = value if isinstance(value, list) else [] if value is None else [value]
    for number in numbers:
        if type(number) is not int or not 0 <= number < n_tokens:
            raise BadCheckpoint(
                f"{name}: {number!r} is not a token, expected a whole number below {n_tokens}",
                hint=f"correct it, or export without it: --leave-out {name}",
            )
    return tuple(dict.fromkeys(numbers))


def _places(
    ends: tuple[int, ...], vocabulary: GgufVocabulary, write: WriteVocabulary
) -> dict[str, int]:
    """Return keys for the ends that llama.cpp does not know by their text."""
    others = [token for token in ends if token != vocabulary.eos_id]
    if not others:
        return {}
    unknown = _not_ends(others, write, {})
    placed = dict(zip(_MORE_ENDS, unknown, strict=False))
    # Asked again: a token in one of the places may make llama.cpp look at others differently.
    lost = _not_ends(others, write, placed) if placed else []
    if lost:
        texts = ", ".join(f"{vocabulary.tokens[token]!r} ({token})" for token in lost)
        raise BadCheckpoint(
            f"eos_token_id: a GGUF file has places for {1 + len(_MORE_ENDS)} ends of text, "
            f"none is left for {texts}",
            hint="take them out of eos_token_id in generation_config.json (or config.json)",
        )
    return placed


def _not_ends(tokens: list[int], write: WriteVocabulary, places: dict[str, int]) -> list[int]:
    """Return the tokens that llama.cpp would generate past, asked of llama.cpp itself."""
    need("engine")
    import llama_cpp

    from lamlam.runtime.llama.native_log import silence_log

    silence_log()
    options = llama_cpp.llama_model_default_params()
    options.vocab_only = True
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vocabulary.gguf"
        write(path, places)
        model = llama_cpp.llama_model_load_from_file(str(path).encode(), options)
    if not model:
        raise BadCheckpoint("llama.cpp does not read the vocabulary")
    try:
        vocabulary = llama_cpp.llama_model_get_vocab(model)
        return [token for token in tokens if not llama_cpp.llama_vocab_is_eog(vocabulary, token)]
    finally:
        llama_cpp.llama_model_free(model)


def _sampling(said: dict[str, Any]) -> dict[str, int | float]:
    """Return the defaults of sampling; without ``do_sample`` transformers uses no other."""
    found: dict[str, int | float] = {}
    if said.get("do_sample"):
        for name, (key, kind) in _SAMPLING.items():
            if said.get(name) is not None:
                found[key] = kind(_number(said, name))
    if said.get("repetition_penalty") not in (None, 1.0):
        found["general.sampling.penalty_repeat"] = float(_number(said, "repetition_penalty"))
        found["general.sampling.penalty_last_n"] = -1  # over the whole context
    return found


def _number(said: dict[str, Any], name: str) -> int | float:
    value = said[name]
    if type(value) not in (int, float) or not 0 <= value < 1e9:
        raise BadCheckpoint(
            f"{name} must be a number, got {value!r}",
            hint=f"correct it, or export without it: --leave-out {name}",
        )
    number: int | float = value
    return number
