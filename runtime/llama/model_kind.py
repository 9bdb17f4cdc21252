"""What a GGUF file is by its header: a model that writes text, or one of the many other kinds.

llama.cpp loads some of the others as well, and gives numbers that look like text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamlam.errors import BadModelFile

LANGUAGE_MODEL = "language model"
_NAME_ANOTHER = "name the file of a model that writes text"
_BESIDE = "name the language model that it belongs to"


@dataclass(frozen=True, slots=True)
class OtherKind:
    """A kind of GGUF file that writes no text."""

    name: str
    why: str
    hint: str = _NAME_ANOTHER
    is_model: bool = True
    """It has weights of its own, which can be quantised."""


_EMBEDDING = OtherKind("embedding model", "it turns a text into numbers and writes none")
_RERANKER = OtherKind("reranker", "it rates texts and writes none")
_DIFFUSION = OtherKind(
    "diffusion language model",
    "it fills in all tokens of a text at once, lamlam writes one after the other",
)
_ENCODER_DECODER = OtherKind(
    "encoder-decoder model", "it reads a text with another part than it writes with"
)
_PROJECTOR = OtherKind(
    "projector file",
    "it is the part of a model that reads pictures or sound",
    _BESIDE,
)
_PICTURES = OtherKind("model for pictures or video", "it writes no text")
_SPEECH = OtherKind("speech model", "it writes no text of its own")
_DRAFT = OtherKind(
    "draft model", "it works only inside a larger model that it guesses for", _BESIDE
)
_ADAPTER = OtherKind(
    "adapter (LoRA)",
    "it changes a model and is none by itself",
    "merge it into its model with llama.cpp's llama-export-lora, and name the result",
    is_model=False,
)
_CONTROL = OtherKind(
    "control vector", "it changes what a model writes and is none by itself", _BESIDE, False
)
_IMATRIX = OtherKind("importance matrix", "it helps to quantise a model", _BESIDE, False)
_VOCABULARY = OtherKind("vocabulary alone", "it has no weights", _NAME_ANOTHER, False)

_BY_TYPE: dict[str, OtherKind] = {
    "adapter": _ADAPTER,
    "mmproj": _PROJECTOR,
    "projector": _PROJECTOR,
    "imatrix": _IMATRIX,
    "vocab": _VOCABULARY,
    "dataset": OtherKind("data set", "it is not a model", _NAME_ANOTHER, False),
}
_BY_ARCHITECTURE: dict[str, OtherKind] = {
    name: kind
    for kind, names in {
        _EMBEDDING: (
            "bert nomic-bert nomic-bert-moe neo-bert modern-bert eurobert jina-bert-v2"
            " jina-bert-v3 gemma-embedding llama-embed t5encoder distilbert roberta"
        ),
        _DIFFUSION: "dream llada llada-moe rnd1",
        _ENCODER_DECODER: "t5",
        _PROJECTOR: "clip",
        _PICTURES: (
            "flux sd1 sd2 sd3 sdxl aura hidream cosmos ltxv hyvid wan lumina2 qwen_image chroma"
            " pixart omnigen pig"
        ),
        _SPEECH: "wavtokenizer-dec whisper qwen3tts pockettts kokoro parakeet moonshine",
        _DRAFT: "eagle3 dflash gemma4-assistant",
        _CONTROL: "controlvector",
        _IMATRIX: "imatrix",
    }.items()
    for name in names.split()
}  # fmt: skip
_RANK = 4
_POOLING = range(1, 4)  # mean, first token, last token; 0 is none


def other_kind(metadata: Mapping[str, Any], *, has_tensors: bool) -> OtherKind | None:
    """Return what a file is by its metadata; ``None`` if nothing says that it writes no text."""
    by_type = _BY_TYPE.get(_word(metadata.get("general.type")))
    if by_type is not None:
        return by_type
    architecture = _word(metadata.get("general.architecture"))
    if "adapter.type" in metadata:  # older ones name no type of file
        return _ADAPTER
    if any(key.startswith("controlvector.") for key in metadata):
        return _CONTROL
    if "clip.has_vision_encoder" in metadata or "clip.has_audio_encoder" in metadata:
        return _PROJECTOR
    if architecture in _BY_ARCHITECTURE:
        return _BY_ARCHITECTURE[architecture]
    if not has_tensors and metadata.get("tokenizer.ggml.tokens"):
        return _VOCABULARY
    pooling = metadata.get(f"{architecture}.pooling_type")
    if pooling == _RANK or metadata.get(f"{architecture}.classifier.output_labels"):
        return _RERANKER
    if pooling in _POOLING or metadata.get(f"{architecture}.attention.causal") is False:
        return _EMBEDDING
    return None


def check_writes_text(path: Path, metadata: Mapping[str, Any], *, has_tensors: bool) -> None:
    """Raise `BadModelFile` if the header says that the file is of a kind that writes no text."""
    kind = other_kind(metadata, has_tensors=has_tensors)
    if kind is not None:
        raise _unfit(path, "write text", kind, metadata)


def check_is_model(path: Path, metadata: Mapping[str, Any], *, has_tensors: bool) -> None:
    """Raise `BadModelFile` if the header says that the file is not a model of any kind."""
    kind = other_kind(metadata, has_tensors=has_tensors)
    if kind is not None and not kind.is_model:
        raise _unfit(path, "be quantised", kind, metadata)


def _unfit(path: Path, what: str, kind: OtherKind, metadata: Mapping[str, Any]) -> BadModelFile:
    architecture = metadata.get("general.architecture")
    named = f" of architecture {architecture!r}" if isinstance(architecture, str) else ""
    article = "an" if kind.name[0] in "aeio" else "a"
    return BadModelFile(
        f"{path} cannot {what}: it is {article} {kind.name}{named}; {kind.why}", hint=kind.hint
    )


def _word(value: Any) -> str:
    return value.lower() if isinstance(value, str) else ""
