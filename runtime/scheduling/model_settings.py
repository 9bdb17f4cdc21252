"""`ModelSettings`: how a model is loaded, as a caller sets it; and what the engine reads of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamlam.errors import EngineClosed, UsageError
from lamlam.installed import need
from lamlam.runtime.decoding.option_checks import check_bool, check_int
from lamlam.runtime.decoding.settings import Verbalise

if TYPE_CHECKING:
    from lamlam.runtime.decoding.vocabulary import Vocabulary
    from lamlam.runtime.llama.model_file import CheckpointFile


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """How the model is loaded."""

    threads: int | None = None
    """Threads that compute; by default one for each usable processor."""
    context: int | None = None
    """Tokens that one sequence may hold; by default what the model was trained on."""
    gpu_layers: int = 0
    """Layers on the GPU; -1 for all."""
    max_sequences: int = 4
    """Generations that run at the same time."""
    max_waiting: int = 4096
    """Requests that may wait for their turn; more are refused."""
    reproducible: bool = False
    """A generation does not depend on others that run at the same time; they gain no speed."""
    cache_tokens: int | None = None
    """Size of a unified KV cache in tokens; by default each sequence has ``context`` tokens."""
    batch: int = 512
    """Most tokens evaluated at once."""
    plain: bool = False
    """Run as a plain model, whatever lookup tokens there are."""
    verbose: bool = False
    """Let llama.cpp write its log to standard error."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense, and all where no model can run.

        Raises:
            MissingExtra: the engine is not installed.
            UsageError: a value that makes no sense.
        """
        need("engine")
        for name, value, least, most in (
            ("threads", self.threads, 1, 1024),
            ("context", self.context, 8, 1 << 24),
            ("gpu_layers", self.gpu_layers, -1, 1 << 16),
            ("max_sequences", self.max_sequences, 1, 256),
            ("max_waiting", self.max_waiting, 0, 1 << 30),
            ("cache_tokens", self.cache_tokens, 8, 1 << 30),
            ("batch", self.batch, 1, 1 << 16),
        ):
            if value is not None:
                check_int(name, value, least, most)
        check_bool("plain", self.plain)
        check_bool("reproducible", self.reproducible)
        if self.reproducible and self.cache_tokens is not None:
            raise UsageError(
                "reproducible does not work with cache_tokens, by which sequences share cells",
                hint="leave out one of them",
            )
        check_bool("verbose", self.verbose)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """Properties of the model that the engine reads without using the model."""

    context: int
    verbalise: Verbalise
    lookup_bias: float
    vocabulary: Vocabulary
    file: CheckpointFile


def closed() -> EngineClosed:
    """Return the error of a generation whose engine is closed."""
    return EngineClosed("the engine was closed")
