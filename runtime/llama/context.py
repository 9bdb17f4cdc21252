"""The KV cache and the evaluation of batches: llama.cpp's low-level API in context managers.

Not thread-safe: one thread opens, uses and closes a `LlamaContext`. A `LlamaModel` may be
read from other threads. Errors of llama.cpp are raised as those of lamlam.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import repeat
from time import perf_counter
from typing import Any

import llama_cpp._utils as _wrapper_files
import llama_cpp.llama_cpp as api
import numpy as np
from numpy.typing import NDArray

from lamlam.errors import BadModelFile, DecodeFailed, EngineClosed, PromptTooLong
from lamlam.runtime.llama.adaptive_threads import ThreadCount
from lamlam.runtime.llama.context_size import check_positions
from lamlam.runtime.llama.model_file import CheckpointFile
from lamlam.runtime.llama.native_log import LOG

# llama-cpp-python 0.3 opens these when it is imported and leaves them to the interpreter's
# end, which warns about it.
for _name in ("outnull_file", "errnull_file"):
    if (_file := getattr(_wrapper_files, _name, None)) is not None:
        atexit.register(_file.close)

# The same function, for the bare address: a pointer object and what it points to cost 5 us a step.
_address_of_logits = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(
    ctypes.cast(api.llama_get_logits, ctypes.c_void_p).value or 0
)
# Asked once for every token, in half the time.
_attributes_of = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int32)(
    ctypes.cast(api.llama_vocab_get_attr, ctypes.c_void_p).value or 0
)
_NO_TOKEN = -1
_STRING_TAG = 3  # LLAMA_KV_OVERRIDE_TYPE_STR
# llama.cpp's attributes of tokens, and the type in a file that means the same; first come, first.
_TYPES = ((8, 3), (1, 2), (16, 4), (2, 5), (32, 6))
_NORMAL, _NORMAL_BIT = 1, 4
_LSTRIP, _RSTRIP = 128, 256


class LlamaModel:
    """A loaded model and its vocabulary."""

    def __init__(self, handle: Any, file: CheckpointFile) -> None:  # Any: a ctypes pointer
        token_types = file.token_types
        self.handle = handle
        self.n_positions = file.n_positions
        self._vocab: Any = api.llama_model_get_vocab(handle)
        self.n_tokens = int(api.llama_vocab_n_tokens(self._vocab))
        self.n_context_trained = int(api.llama_model_n_ctx_train(handle))
        # A recurrent layer keeps one state, from which single tokens cannot be removed.
        self.can_truncate = not (self.says("is_recurrent") or self.says("is_hybrid"))
        self._piece_buffer = ctypes.create_string_buffer(256)
        # Models of lamlam begin every sequence with BOS; add_bos = false is for other programs.
        buffer: Any = self._piece_buffer
        is_ours = api.llama_model_meta_val_str(handle, b"lamlam.format_version", buffer, 256) >= 0
        has_bos = is_ours or api.llama_vocab_get_add_bos(self._vocab)
        self.bos = int(api.llama_vocab_bos(self._vocab)) if has_bos else _NO_TOKEN
        # What the tokenizer of the training did, and llama.cpp does not.
        self._is_normalised = self.metadata_text(b"lamlam.normalizer") == b"NFC"
        self.text_start = self.metadata_text(b"lamlam.text_start")
        """What a whole text begins with, and no part of one: a space, for SentencePiece."""
        self._token_types, self._strips = token_types.copy(), {}
        for n, bits in enumerate(map(_attributes_of, repeat(self._vocab), range(self.n_tokens))):
            if bits != _NORMAL_BIT or token_types[n] != _NORMAL:
                self._token_types[n] = _type_of(bits)
                if bits & (_LSTRIP | _RSTRIP):
                    self._strips[n] = (bool(bits & _LSTRIP), bool(bits & _RSTRIP))

    def says(self, what: str) -> bool:
        """Return what llama.cpp says of the model; false if its version lacks the question."""
        return bool(getattr(api, f"llama_model_{what}", _no)(self.handle))

    def metadata_text(self, key: bytes) -> bytes:
        """Return a text of the metadata; empty if there is none of that name."""
        n = api.llama_model_meta_val_str(self.handle, key, self._piece_buffer, 256)
        buffer: Any = ctypes.create_string_buffer(max(n, 0) + 1)
        api.llama_model_meta_val_str(self.handle, key, buffer, len(buffer))
        return bytes(buffer.value)

    def tokenize(self, text: bytes, *, special: bool) -> list[int]:
        """Return the tokens of the text, with no BOS added in front."""
        if self._is_normalised and not text.isascii():
            text = unicodedata.normalize("NFC", text.decode("utf-8", "replace")).encode()
        vocab, room = self._open_vocab(), len(text) + 8
        tokens = (api.llama_token * room)()
        n = api.llama_tokenize(vocab, text, len(text), tokens, room, False, special)
        if n < 0:  # more tokens than bytes: some vocabularies add a space in front
            tokens = (api.llama_token * -n)()
            n = api.llama_tokenize(vocab, text, len(text), tokens, -n, False, special)
        return tokens[:n]

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Return the bytes of a token; those of control tokens only with ``special``."""
        vocab, buffer = self._open_vocab(), self._piece_buffer
        n = api.llama_token_to_piece(vocab, token, buffer, len(buffer), 0, special)
        if n < 0:
            buffer = self._piece_buffer = ctypes.create_string_buffer(-n)
            n = api.llama_token_to_piece(vocab, token, buffer, len(buffer), 0, special)
        return buffer.raw[:n]

    def eog_tokens(self) -> list[int]:
        """Return the end-of-generation (EOG) tokens."""
        candidates = {n for n, kind in enumerate(self._token_types) if kind != 1}
        candidates |= {int(api.llama_vocab_eos(self._vocab)), int(api.llama_vocab_eot(self._vocab))}
        return [
            token
            for token in sorted(candidates - {_NO_TOKEN})
            if api.llama_vocab_is_eog(self._vocab, token)
        ]

    def token_types(self) -> list[int]:
        """Return the format's type number of each token, as llama.cpp treats it.

        Where it knows better than the file, it changes types while it loads: a token called
        ``<|channel|>``, for example, is matched inside plain text whatever the file says.
        """
        return self._token_types

    def strips(self) -> dict[int, tuple[bool, bool]]:
        """Return the tokens that take the white space (before, after) them."""
        return self._strips

    def forget(self) -> None:
        """Make later uses of this model an error instead of an access to freed memory."""
        self._vocab = None

    def _open_vocab(self) -> Any:
        if self._vocab is None:
            raise EngineClosed("the model was freed")
        return self._vocab


class LlamaContext:
    """A KV cache for some sequences, and the evaluation of more of their tokens."""

    def __init__(
        self,
        model: LlamaModel,
        handle: Any,
        *,
        n_batch: int,
        n_context: int,
        n_cells: int,
        unified_kv: bool,
        threads: ThreadCount,
    ) -> None:
        self.n_batch = n_batch
        """Most tokens that `decode` takes at once; llama.cpp aborts the process beyond."""
        self.n_context = n_context
        """Tokens of one sequence."""
        self.n_cells = n_cells
        """Tokens of all sequences together."""
        self.unified_kv = unified_kv
        """All sequences share the cells of the KV cache; false if each has its own."""
        self.can_truncate = model.can_truncate
        """`truncate` works; false for models that can only forget a whole sequence."""
        self._handle = handle
        self._kv_cache: Any = api.llama_get_memory(handle)
        self._vocabulary_size = model.n_tokens
        self._tokens = np.zeros(n_batch, np.int32)
        self._positions = np.zeros(n_batch, np.int32)
        self._sequences = np.zeros(n_batch, np.int32)
        self._outputs = np.zeros(n_batch, np.int8)
        # Each token names its sequences by pointer: here the place of its one in an array.
        self._counts = np.ones(n_batch, np.int32)
        self._pointers = self._sequences.ctypes.data + 4 * np.arange(n_batch, dtype=np.uintp)
        self._batch = api.llama_batch(
            token=_pointer(self._tokens, api.llama_token),
            pos=_pointer(self._positions, api.llama_pos),
            n_seq_id=_pointer(self._counts, ctypes.c_int32),
            seq_id=_pointer(self._pointers, ctypes.POINTER(api.llama_seq_id)),
            logits=_pointer(self._outputs, ctypes.c_int8),
        )
        self._n = 0
        self._n_outputs = 0
        self._threads = threads
        self._n_threads = threads.most
        self._rows: NDArray[np.float32] | None = None
        self._n_rows = 0
        # llama.cpp keeps logits in one buffer; views are kept because making one costs 10 us.
        self._views: dict[tuple[int | None, int], NDArray[np.float32]] = {}

    @property
    def free_tokens(self) -> int:
        """Tokens that still fit into the batch."""
        return self.n_batch - self._n

    def add(
        self, sequence: int, tokens: Sequence[int], position: int, *, is_last: bool
    ) -> int | None:
        """Add tokens to the batch; return the row of the last one's logits if it is needed.

        Args:
            position: of the first token in its sequence.
            is_last: the logits after the last token are needed.
        """
        start, n = self._n, len(tokens)
        if n > self.free_tokens:
            raise DecodeFailed(f"a batch must have at most {self.n_batch} tokens, got {start + n}")
        end = start + n
        if n == 1:  # slices of one cost ten times as much
            self._tokens[start] = tokens[0]
            self._positions[start] = position
            self._sequences[start] = sequence
        else:
            self._tokens[start:end] = tokens
            self._positions[start:end] = range(position, position + n)
            self._sequences[start:end] = sequence
            self._outputs[start:end] = 0
        self._outputs[end - 1] = is_last
        self._n = end
        if not is_last:
            return None
        self._n_outputs += 1
        return self._n_outputs - 1

    def decode(self) -> None:
        """Evaluate the batch, which is empty afterwards.

        Raises:
            DecodeFailed: llama.cpp refused it.
        """
        n = self._batch.n_tokens = self._n
        self._n_rows, self._rows = self._n_outputs, None
        self._n = self._n_outputs = 0
        n_threads = self._threads.choose(n)
        if n_threads != self._n_threads:
            api.llama_set_n_threads(self._handle, n_threads, n_threads)
            self._n_threads = n_threads
        began = perf_counter()
        status = api.llama_decode(self._handle, self._batch)
        self._threads.measured(n, n_threads, perf_counter() - began)
        if status != 0:
            what = "the KV cache is full" if status == 1 else "the batch failed"
            raise DecodeFailed(f"llama.cpp cannot evaluate the batch: {what} (status {status})")

    def logits(self, row: int) -> NDArray[np.float32]:
        """Return a row of logits of the last batch: (vocabulary,), valid until `decode`."""
        rows = self._rows
        if rows is None:
            rows = self._rows = self._all_logits()
        logits: NDArray[np.float32] = rows[row]
        return logits

    def _all_logits(self) -> NDArray[np.float32]:
        """Return the rows asked for, in the order in which their tokens were added."""
        key = (_address_of_logits(self._handle), self._n_rows)
        view = self._views.get(key)
        if view is None:
            if len(self._views) >= 256:
                self._views.clear()
            pointer: Any = api.llama_get_logits(self._handle)
            view = np.ctypeslib.as_array(pointer, (self._n_rows, self._vocabulary_size))
            self._views[key] = view
        return view

    def score(self, tokens: Sequence[int], *, left_out: int | None = None) -> NDArray[np.float64]:
        """Return the log probability of each token but the first, given those before it.

        Sequence 0 is used and left empty. The context must be open with ``all_outputs``.

        Args:
            left_out: a token that cannot be written: the others share its probability.

        Returns:
            (len(tokens) - 1,) in nats.

        Raises:
            PromptTooLong: more tokens than the context holds.
        """
        if len(tokens) - 1 > self.n_context:
            raise PromptTooLong(len(tokens), self.n_context)
        scores = np.empty(len(tokens) - 1)
        for start in range(0, len(tokens) - 1, self.n_batch):
            chunk = tokens[start : min(start + self.n_batch, len(tokens) - 1)]
            self.add(0, chunk, start, is_last=True)
            self._outputs[: len(chunk)] = 1
            self._n_outputs = len(chunk)
            self.decode()
            for row in range(len(chunk)):
                logits = self.logits(row).astype(np.float64)
                top = logits.max()
                weights = np.exp(logits - top)
                if left_out is not None:
                    weights[left_out] = 0.0
                total = top + np.log(weights.sum())
                scores[start + row] = logits[tokens[start + row + 1]] - total
        self.free(0)
        return scores

    def truncate(self, sequence: int, n_tokens: int) -> None:
        """Remove all but the first ``n_tokens`` tokens of a sequence from the KV cache."""
        if not api.llama_memory_seq_rm(self._kv_cache, sequence, n_tokens, -1):
            raise DecodeFailed(
                "the KV cache of this model cannot be truncated, so it cannot do lookups"
            )

    def free(self, sequence: int) -> None:
        """Remove a sequence from the KV cache."""
        api.llama_memory_seq_rm(self._kv_cache, sequence, -1, -1)

    def copy(self, source: int, target: int, n_tokens: int) -> None:
        """Copy the first tokens of a sequence to an empty one, without evaluating them again."""
        if self.unified_kv:
            api.llama_memory_seq_cp(self._kv_cache, source, target, 0, n_tokens)
            return
        # Without a unified cache llama.cpp copies all or ends the process.
        api.llama_memory_seq_cp(self._kv_cache, source, target, -1, -1)
        self.truncate(target, n_tokens)


def _type_of(attributes: int) -> int:
    return next((kind for bit, kind in _TYPES if attributes & bit), _NORMAL)


def _no(handle: Any) -> bool:
    return False


def _pointer(array: NDArray[Any], kind: Any) -> Any:  # Any: ctypes
    return array.ctypes.data_as(ctypes.POINTER(kind))


@contextmanager
def open_model(
    file: CheckpointFile,
    *,
    gpu_layers: int = 0,
    verbose: bool = False,
    goes_on: Callable[[], bool] | None = None,
) -> Iterator[LlamaModel]:
    """Load a checked GGUF file and free it at the end.

    Args:
        file: what `check_file` returned; llama.cpp is asked what it makes of the token types.
        gpu_layers: layers on the GPU; -1 for all.
        goes_on: asked while the weights are read; false ends that.

    Raises:
        BadModelFile: llama.cpp cannot load it.
        EngineClosed: ``goes_on`` said no.
    """
    LOG.start(verbose=verbose)
    params = api.llama_model_default_params()
    params.n_gpu_layers = gpu_layers
    # Compiled with Intel's matrix tiles, it may end the process (build_support/lean_llama.cmake
    # says why); weights that are not repacked do not come to them.
    params.use_extra_bufts = b"AMX_INT8 = 1" not in api.llama_print_system_info()
    overrides = _overrides(file.overrides)  # named here, so that it lives while it is read
    if file.overrides:
        # A typed pointer in newer releases of the binding, an untyped one in older ones.
        kinds: dict[str, Any] = {field[0]: field[1] for field in params._fields_}
        params.kv_overrides = ctypes.cast(overrides, kinds["kv_overrides"])
    asked = api.llama_progress_callback(lambda share, _: goes_on is None or goes_on())
    params.progress_callback = asked
    handle = api.llama_model_load_from_file(os.fsencode(file.path), params)
    if not handle:
        if goes_on is not None and not goes_on():
            raise EngineClosed("the engine was closed while it was opening")
        reason = LOG.first_error or "no reason given"
        raise BadModelFile(f"llama.cpp cannot load {file.path}: {reason}")
    model = LlamaModel(handle, file)
    try:
        yield model
    finally:
        model.forget()
        api.llama_model_free(handle)


def _overrides(values: dict[str, str]) -> Any:  # Any: ctypes
    """Return strings of metadata for llama.cpp; an entry with an empty key ends the list."""
    entries = (api.llama_model_kv_override * (len(values) + 1))()
    for entry, (key, value) in zip(entries, values.items(), strict=False):
        entry.tag = _STRING_TAG
        entry.key = key.encode("ascii")
        entry.value.val_str = value.encode("ascii")
    return entries


@contextmanager
def open_context(
    model: LlamaModel,
    *,
    context: int,
    n_sequences: int,
    n_batch: int,
    threads: int,
    unified_cells: int | None = None,
    all_outputs: bool = False,
    always_all_threads: bool = False,
) -> Iterator[LlamaContext]:
    """Open a KV cache for ``n_sequences`` sequences of up to ``context`` tokens each.

    Args:
        all_outputs: keep the logits of every token of a batch, for `LlamaContext.score`.
        unified_cells: tokens that all sequences hold together, in one unified KV cache; by
            default each has its own cells, which is faster if several run.
        threads: the most that compute together; see `ThreadCount`.
        always_all_threads: never fewer, so that results do not depend on how busy the machine is.

    Raises:
        UsageError: more than the positions that the model has learned.
        DecodeFailed: llama.cpp cannot allocate it.
    """
    check_positions(context, model.n_positions)
    n_cells = context * n_sequences if unified_cells is None else unified_cells
    params = api.llama_context_default_params()
    params.n_ctx = n_cells
    params.n_seq_max = n_sequences
    params.kv_unified = unified_cells is not None
    # One row of logits for each sequence: the default reserves one for each token of a
    # batch, 33 MB for a small vocabulary (older versions have no such setting and ignore it).
    params.n_outputs_max = n_batch if all_outputs else n_sequences
    params.n_batch = n_batch
    params.n_ubatch = n_batch
    params.n_threads = params.n_threads_batch = threads
    params.no_perf = True
    handle = api.llama_init_from_model(model.handle, params)
    if not handle:
        raise DecodeFailed(
            f"llama.cpp cannot open a context of {context} tokens for {n_sequences} sequences",
            hint="use a smaller context=, or fewer max_sequences",
        )
    try:
        yield LlamaContext(
            model,
            handle,
            n_batch=n_batch,
            n_context=context,
            n_cells=n_cells,
            unified_kv=unified_cells is not None,
            threads=ThreadCount(threads, is_fixed=always_all_threads),
        )
    finally:
        api.llama_free(handle)
