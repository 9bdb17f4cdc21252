"""What the tests of masks share: a vocabulary of bytes and marks, and texts of random logits."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from lamlam.runtime.chat.grammar_sampler import Samplers
from lamlam.runtime.decoding.sampler_settings import SamplerSettings
from lamlam.runtime.decoding.sampling import Choice
from lamlam.runtime.decoding.settings import GrammarSettings, TextSettings
from lamlam.runtime.decoding.token_masks import TokenMasks
from lamlam.runtime.decoding.vocabulary import Vocabulary
from tests.tiny_model import CONTROL, NORMAL

MARKS = (
    *("<tool_call>", "</tool_call>", "[TOOL_CALLS]", "<|python_tag|>", "<think>", "</think>"),
    *("<|channel|>", "<|message|>", "<|constrain|>", "<|end|>"),
)
END, FIRST_MARK = 0, 257


class MarkTokens:
    """A vocabulary of end of text (0), the 256 bytes and marks, which no text yields."""

    n_tokens = FIRST_MARK + len(MARKS)
    bos = -1

    def tokenize(self, text: bytes, *, special: bool) -> list[int]:
        """Return one token for each byte, or that of a mark."""
        if special and text.decode() in MARKS:
            return [FIRST_MARK + MARKS.index(text.decode())]
        return [1 + byte for byte in text]

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Return the byte of a token; the text of marks if asked for."""
        if token >= FIRST_MARK:
            return MARKS[token - FIRST_MARK].encode() if special else b""
        return bytes([token - 1]) if token else b""

    def eog_tokens(self) -> list[int]:
        """Return the one token that ends a text."""
        return [END]

    def token_types(self) -> list[int]:
        """Return CONTROL for all but bytes."""
        return [CONTROL, *[NORMAL] * 256, *[CONTROL] * len(MARKS)]


@cache
def mark_vocabulary() -> Vocabulary:
    """The vocabulary of bytes and marks."""
    return Vocabulary(MarkTokens())


@cache
def samplers() -> Samplers:
    """Samplers over bytes and marks, whose compiled grammars are kept."""
    return Samplers(mark_vocabulary())


def tokens_of(text: str) -> list[int]:
    """Return the tokens of a text in which marks are tokens of their own."""
    parts = re.split("(" + "|".join(map(re.escape, MARKS)) + ")", text)
    split = (
        [FIRST_MARK + MARKS.index(p)] if p in MARKS else [1 + b for b in p.encode()] for p in parts
    )
    return [token for tokens in split for token in tokens]


def written(
    grammar: GrammarSettings,
    seed: int,
    *,
    script: Sequence[int] = (),
    most: int = 3000,
    brief: float = 4.0,
    **options: Any,
) -> str | None:
    """Return what comes of random logits under a grammar; none where it does not come to an end.

    Args:
        script: tokens that the model wants first.
        brief: how much likelier than others tokens are that end strings, lists and objects.
    """
    vocabulary = mark_vocabulary()
    settings = TextSettings(sampler=SamplerSettings(seed=seed, **options), grammar=grammar)
    sampler = samplers()(settings, vocabulary.n_tokens)
    choice = Choice(TokenMasks(vocabulary).text_no_lookup)
    random, history, wanted = np.random.default_rng(seed), [1, 2], list(script)
    ending = [1 + byte for byte in b'"]}'] + [END]
    for _ in range(most):
        logits = random.standard_normal(vocabulary.n_tokens, np.float32)
        logits[ending] += np.float32(brief)
        if wanted:
            logits[wanted.pop(0)] += 100
        token = sampler.pick(logits, choice, history)
        if token == END:
            return vocabulary.text_of(history[2:])
        history.append(token)
    return None


def fits(value: Any, schema: Any, root: Any = None) -> bool:
    """Return whether a value fits a schema, the slow, obvious way, for the keywords of these tests."""
    root = schema if root is None else root
    if "$ref" in schema:
        held = root
        for part in schema["$ref"].removeprefix("#").split("/")[1:]:
            held = held[part]
        return fits(value, held, root)
    if "anyOf" in schema and not any(fits(value, one, root) for one in schema["anyOf"]):
        return False
    if "enum" in schema and json.dumps(value) not in map(json.dumps, schema["enum"]):
        return False
    if "const" in schema and json.dumps(value) != json.dumps(schema["const"]):
        return False
    kinds = {
        "null": value is None,
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int | float) and not isinstance(value, bool) and not value % 1,
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "string": isinstance(value, str),
        "array": isinstance(value, list),
        "object": isinstance(value, dict),
    }
    if "type" in schema and not kinds[schema["type"]]:
        return False
    if isinstance(value, str):
        length, pattern = len(value), schema.get("pattern", "")
        return (
            schema.get("minLength", 0) <= length <= schema.get("maxLength", length)
            and re.search(pattern, value) is not None
        )
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int | float):
        return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
    if isinstance(value, list):
        n = len(value)
        inside = all(fits(one, schema.get("items", {}), root) for one in value)
        return inside and schema.get("minItems", 0) <= n <= schema.get("maxItems", n)
    held = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    return set(schema.get("required", ())) <= value.keys() and all(
        fits(one, held[name], root) if name in held else bool(others) for name, one in value.items()
    )
