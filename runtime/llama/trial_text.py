"""What an engine does with a model, once and in small: texts beside each other, a shared prefix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lamlam.errors import BadModelFile
from lamlam.runtime.llama.context import LlamaContext, LlamaModel, open_context

_CONTEXT, _N_SEQUENCES = 32, 3
_TEXT = "A trial of 2 words, and a third: été. "
_TEMPLATE = b"tokenizer.chat_template"


def try_writing(model: LlamaModel, path: Path, *, unified_kv: bool) -> None:
    """Return if the model writes several texts at the same time.

    Raises:
        BadModelFile: it is of a kind that does not write one token after the other.
        DecodeFailed: llama.cpp refuses a batch.
    """
    _check_kind(model, path)
    _try_vocabulary(model)
    context = min(_CONTEXT, model.n_positions or _CONTEXT)
    cells = context * _N_SEQUENCES
    with open_context(
        model,
        context=context,
        n_sequences=_N_SEQUENCES,
        n_batch=cells,
        threads=1,
        unified_cells=cells if unified_kv else None,
    ) as opened:
        tokens = model.tokenize(_TEXT.encode(), special=False) or [0]
        before, after = _try_batches(
            opened, [tokens[n % len(tokens)] for n in range(max(2, context // 4))]
        )
    if not np.isfinite([before, after]).any():
        raise BadModelFile(
            f"{path} cannot write text: its weights give no finite number for any token",
            hint="fetch or export the file again",
        )
    if np.array_equal(before, after):
        raise BadModelFile(
            f"{path} cannot write text: what it gives after one text is what it gives after "
            f"another, as with an embedding model",
            hint="name the file of a model that writes text",
        )


def _check_kind(model: LlamaModel, path: Path) -> None:
    if model.says("is_diffusion"):
        what = "a diffusion language model, which fills in all tokens of a text at once"
    elif model.says("has_encoder"):
        what = "a model with an encoder, which reads a text before anything is written"
    else:
        return
    raise BadModelFile(
        f"{path} cannot write text as lamlam does: it is {what}",
        hint="name the file of a model that writes one token after the other",
    )


def _try_vocabulary(model: LlamaModel) -> None:
    """Ask for the text of all tokens, and for the tokens of a text with special ones."""
    for token in range(model.n_tokens):
        model.piece(token, special=True)
    template = model.metadata_text(_TEMPLATE)
    model.tokenize(_TEXT.encode() + template, special=True)
    model.eog_tokens()


def _try_batches(
    context: LlamaContext, tokens: list[int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Evaluate a text, another beside it, and a third that begins like the first.

    Returns:
        The logits after one text and after another, which llama.cpp leaves as they are where the
        model is an encoder.
    """
    n = len(tokens)
    before = _decode(context, {0: (tokens, 0)})
    after = _decode(context, {0: (tokens[:1], n), 1: (tokens[: n - 1], 0)})
    if context.can_truncate:
        context.copy(0, 2, n)
        context.truncate(0, n - 1)
        held = {0: n - 1, 1: n - 1, 2: n}
    else:  # it can forget a text only as a whole, and so does the engine then
        context.free(0)
        held = {0: 0, 1: n - 1, 2: 0}
    _decode(context, {sequence: (tokens[:1], at) for sequence, at in held.items()})
    for sequence in held:
        context.free(sequence)
    _decode(context, {0: (tokens, 0)})
    return before, after


def _decode(context: LlamaContext, added: dict[int, tuple[list[int], int]]) -> NDArray[np.float32]:
    """Evaluate tokens of each sequence, from a position on; return the first one's logits."""
    rows = [
        context.add(sequence, tokens, position, is_last=True)
        for sequence, (tokens, position) in added.items()
    ]
    context.decode()
    logits = [context.logits(row).copy() for row in rows if row is not None]
    return logits[0]
