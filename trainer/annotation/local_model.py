"""A GGUF model of this process as annotator, its replies bound to the text by a grammar."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

from lamlam.errors import AnnotatorFailed
from lamlam.installed import need
from lamlam.trainer.annotation.chat_endpoint import ModelReply

_CONTEXT = 8192
"""Tokens: the instructions, a part of a document, and the part again with its calls."""


class LocalModel:
    """Asks a model file, one text at a time: a context of llama.cpp serves one."""

    def __init__(self, path: Path, *, threads: int | None = None, context: int = _CONTEXT) -> None:
        """Load the model.

        Args:
            path: a GGUF file, with a chat template or without.
            threads: of the CPU; by default as llama.cpp chooses.
            context: tokens of prompt and reply.

        Raises:
            AnnotatorFailed: there is no such file, or it cannot be loaded.
            MissingExtra: the engine is not installed.
        """
        try:
            with path.open("rb") as file:
                is_gguf = file.read(4) == b"GGUF"
        except OSError as error:
            raise AnnotatorFailed(f"cannot read {path}: {error.strerror}") from None
        if not is_gguf:
            raise AnnotatorFailed(f"{path} is not a GGUF file", hint="name a model that chats")
        # The high-level wrapper, not the runtime's: it has chat formats and grammars, and what
        # matters here is neither lookups nor many sequences.
        need("engine")
        from llama_cpp import Llama

        self._lock = threading.Lock()
        self.stop = threading.Event()
        self.failures: Counter[str] = Counter()
        try:
            self._model: Any = Llama(  # Any: llama_cpp has no types
                str(path), n_ctx=context, n_threads=threads, verbose=False
            )
        except (ValueError, RuntimeError, OSError) as error:
            raise AnnotatorFailed(f"cannot load {path}: {error}") from None

    def ask(
        self, messages: list[dict[str, str]], most_tokens: int, grammar: str | None = None
    ) -> ModelReply | None:
        """Return the reply; None if the text does not fit, or the run was stopped."""
        from llama_cpp.llama_grammar import LlamaGrammar

        with self._lock:
            if self.stop.is_set():
                return None
            try:
                bound = (
                    None if grammar is None else LlamaGrammar.from_string(grammar, verbose=False)
                )
                answer = self._model.create_chat_completion(
                    messages, max_tokens=most_tokens, temperature=0.0, grammar=bound
                )
            except (ValueError, RuntimeError) as error:
                reason = "too long" if "context" in str(error) else "llama.cpp failed"
                self.failures[reason] += 1
                return None
        usage = answer["usage"]
        text = answer["choices"][0]["message"]["content"] or ""
        return ModelReply(text, usage["prompt_tokens"], usage["completion_tokens"])
