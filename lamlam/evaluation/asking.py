"""Complete prompts whose values are known; shared by the evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamlam.errors import PromptTooLong
from lamlam.evaluation.engines import in_order, open_asked_engine
from lamlam.evaluation.scoring import Score, score
from lamlam.lookup_tokens import ENTITY
from lamlam.progress_bars import tracked

MAX_TOKENS = 40


def can_look_up(model: str) -> bool:
    """Return whether the model's file has lookup tokens."""
    from lamlam.bundled.model_names import model_file
    from lamlam.runtime.llama.model_file import check_file

    file = check_file(model_file(model))
    tokens = file.metadata.get("tokenizer.ggml.tokens")
    return isinstance(tokens, list) and ENTITY in tokens


def complete(
    prompts: Sequence[tuple[str, str]],
    *,
    model: str,
    memory: str | None,
    verbalise: str | None,
    show_progress: bool,
    engine_options: dict[str, Any],  # Any: checked by the engine
) -> tuple[list[Score | None], str]:
    """Return the score of each (prompt, value), and how values were written (copy or model).

    Greedy, at most 40 tokens of text. A model without lookup tokens runs as a plain one.
    None where the prompt does not fit the context.
    """
    options = dict(engine_options)
    if memory is None and not can_look_up(model):
        options["plain"] = True
    if verbalise is not None:
        options["verbalise"] = verbalise
    with open_asked_engine(model, memory, options) as engine:

        def scored(asked: tuple[str, str]) -> Score | None:
            prompt, value = asked
            try:
                return score(prompt, engine.generate(prompt, max_tokens=MAX_TOKENS), value)
            except PromptTooLong:
                return None

        found = in_order(scored, prompts)
        scores = list(tracked(found, "asking", wanted=show_progress, total=len(prompts)))
        way = engine.verbalise
    return scores, way
