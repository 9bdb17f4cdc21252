"""A baseline: the least that a greedy loop has to do, on llama-cpp-python's low-level API."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lamlam.errors import BadModelFile

_BATCH = 512


class BareBatch:
    """Sequences in one context, a token of each in every batch."""

    def __init__(self, api: Any, model: Any, context: Any) -> None:  # Any: ctypes
        self._api = api
        self._context = context
        self._memory = api.llama_get_memory(context)
        self._vocab = api.llama_model_get_vocab(model)
        self._n_vocab = api.llama_vocab_n_tokens(self._vocab)
        self._batch = batch = api.llama_batch_init(_BATCH, 0, 1)
        self._tokens = np.ctypeslib.as_array(batch.token, (_BATCH,))
        self._positions = np.ctypeslib.as_array(batch.pos, (_BATCH,))
        self._outputs = np.ctypeslib.as_array(batch.logits, (_BATCH,))
        np.ctypeslib.as_array(batch.n_seq_id, (_BATCH,))[:] = 1

    def generate(self, prompts: Sequence[Sequence[int]], n_tokens: int) -> int:
        """Sample ``n_tokens`` after each prompt; return how many in all."""
        lengths = np.array([len(prompt) for prompt in prompts])
        self.go_on(self._prefill(prompts), lengths, n_tokens - 1)
        return len(prompts) * n_tokens

    def go_on(self, tokens: Any, positions: Any, n_tokens: int) -> None:
        """Evaluate one token of each sequence at its position and sample ``n_tokens`` more."""
        n = len(positions)
        for row in range(n):
            self._batch.seq_id[row][0] = row
        self._outputs[:n] = 1
        for step in range(n_tokens):
            self._tokens[:n] = tokens
            self._positions[:n] = positions + step
            tokens = self._decode(n, n)

    def text(self, tokens: Sequence[int]) -> bytes:
        """Return the text of tokens, special tokens by their names."""
        buffer, parts = ctypes.create_string_buffer(256), []
        for token in tokens:
            n = self._api.llama_token_to_piece(self._vocab, token, buffer, len(buffer), 0, True)
            parts.append(buffer.raw[:n])
        return b"".join(parts)

    def tokens(self, text: bytes) -> list[int]:
        """Return the tokens of a text; names of special tokens are read as those tokens."""
        found = (self._api.llama_token * (len(text) + 8))()
        n = self._api.llama_tokenize(self._vocab, text, len(text), found, len(found), False, True)
        return list(found[:n])

    def prompt_tokens(self, text: str) -> list[int]:
        """Return the tokens of a prompt, with the start-of-text token first."""
        return [self._api.llama_vocab_bos(self._vocab), *self.tokens(text.encode())]

    def next_token(self, tokens: Sequence[int], position: int) -> int:
        """Evaluate tokens of sequence 0 from a position on; return the likeliest next one.

        Position 0 clears the KV cache first.
        """
        if position == 0:
            self._api.llama_memory_clear(self._memory, True)
        likeliest = -1
        for start in range(0, len(tokens), _BATCH):
            part = tokens[start : start + _BATCH]
            self._add(0, part, 0, position + start)
            likeliest = int(self._decode(len(part), 1)[0])
        return likeliest

    def _prefill(self, prompts: Sequence[Sequence[int]]) -> Any:
        self._api.llama_memory_clear(self._memory, True)
        at = 0
        for sequence, prompt in enumerate(prompts):
            self._add(sequence, prompt, at, 0)
            at += len(prompt)
        return self._decode(at, len(prompts))

    def _add(self, sequence: int, tokens: Sequence[int], at: int, position: int) -> None:
        end = at + len(tokens)
        self._tokens[at:end] = tokens
        self._positions[at:end] = range(position, position + len(tokens))
        self._outputs[at:end] = 0
        self._outputs[end - 1] = 1
        for row in range(at, end):
            self._batch.seq_id[row][0] = sequence

    def _decode(self, n_tokens: int, n_rows: int) -> Any:
        self._batch.n_tokens = n_tokens
        assert self._api.llama_decode(self._context, self._batch) == 0
        logits = self._api.llama_get_logits(self._context)
        return np.ctypeslib.as_array(logits, (n_rows, self._n_vocab)).argmax(axis=1)


@contextmanager
def bare_batch(
    path: Path, *, sequences: int, context: int, threads: int, kv_unified: bool
) -> Iterator[BareBatch]:
    """Open a loop over ``sequences`` sequences of ``context`` tokens each.

    Args:
        kv_unified: the sequences share one KV cache; else each has its part.

    Raises:
        BadModelFile: llama.cpp cannot load the file.
    """
    import llama_cpp

    api: Any = llama_cpp  # Any: its pointers are typed as if they might be missing
    model = api.llama_model_load_from_file(str(path).encode(), api.llama_model_default_params())
    if not model:
        raise BadModelFile(f"llama.cpp cannot load {path}")
    settings = api.llama_context_default_params()
    settings.n_ctx = context * sequences
    settings.n_seq_max = sequences
    settings.n_batch = settings.n_ubatch = _BATCH
    settings.n_threads = settings.n_threads_batch = threads
    settings.kv_unified = kv_unified
    try:
        opened = api.llama_init_from_model(model, settings)
        if not opened:
            raise BadModelFile(f"llama.cpp cannot open {sequences} sequences for {path}")
        try:
            yield BareBatch(api, model, opened)
        finally:
            api.llama_free(opened)
    finally:
        api.llama_model_free(model)
