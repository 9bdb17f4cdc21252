"""SentencePiece BPE as `tokenizers` writes it: scores for its merges, and merges for its scores.

Llama 2 and its kin merge the pair whose token has the best score; `tokenizers` keeps the pairs as
a list. Text is one piece, spaces written as U+2581, with one more space at the start; characters
without a token are spelt in byte tokens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lamlam.errors import BadCheckpoint

SPACE = "\u2581"
"""How a space is written in a token."""
BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_PREPEND = {"type": "Prepend", "prepend": SPACE}
_REPLACE = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
_NEVER_MERGED = -1e6
"""Score of a token that no merge makes."""


def is_sentencepiece(state: Mapping[str, Any]) -> bool:
    """Return whether a ``tokenizer.json`` holds a BPE of this kind."""
    model = state.get("model") or {}
    return model.get("type") == "BPE" and bool(model.get("byte_fallback"))


def check_rules(state: Mapping[str, Any], path: Path) -> None:
    """Raise if llama.cpp would tokenize differently.

    Raises:
        BadCheckpoint: a rule that llama.cpp's SentencePiece does not have.
    """
    model = state["model"]
    words: Mapping[str, int] = model["vocab"]
    unlike = {
        f"the normalizer {_named(state.get('normalizer'))}": not _is_usual(state),
        "ignore_merges": model.get("ignore_merges"),
        "dropout": model.get("dropout"),
        "a subword prefix or suffix": model.get("continuing_subword_prefix")
        or model.get("end_of_word_suffix"),
        "no token for some bytes": any(f"<0x{byte:02X}>" not in words for byte in range(256)),
    }
    found = [what for what, present in unlike.items() if present]
    if found:
        raise BadCheckpoint(
            f"{path} does not tokenize as Llama 2 does: it has {', '.join(found)}",
            hint="only SentencePiece BPE with its space in front of a text can be exported",
        )
    lost = next((word for word in _parted(words, _pairs(model["merges"]))), None)
    if lost is not None:
        raise BadCheckpoint(
            f"{path} has no merge for {lost!r}, which llama.cpp would make: it looks at scores alone"
        )


def _is_usual(state: Mapping[str, Any]) -> bool:
    normalizer, pre = state.get("normalizer"), state.get("pre_tokenizer")
    if normalizer is None:
        return (
            isinstance(pre, Mapping)
            and pre.get("type") == "Metaspace"
            and pre.get("replacement", SPACE) == SPACE
            and pre.get("prepend_scheme", "always") in ("first", "always", "never")
            and not pre.get("split", True)
        )
    parts = normalizer.get("normalizers") if normalizer.get("type") == "Sequence" else [normalizer]
    return pre is None and parts in ([_PREPEND, _REPLACE], [_REPLACE])


def has_space_prefix(state: Mapping[str, Any]) -> bool:
    """Return whether a text begins with one more space than is written."""
    pre = state.get("pre_tokenizer")
    if pre is not None:
        return bool(pre.get("prepend_scheme", "always") != "never")
    return _PREPEND in ((state.get("normalizer") or {}).get("normalizers") or [])


def without_space_prefix(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``tokenizer.json`` that adds no space: for pieces inside a text."""
    changed = dict(state)
    if state.get("pre_tokenizer") is not None:
        changed["pre_tokenizer"] = {**state["pre_tokenizer"], "prepend_scheme": "never"}
    else:
        changed["normalizer"] = _REPLACE
    return changed


def scores_of(model: Mapping[str, Any]) -> dict[str, float]:
    """Return the score of each token: the earlier its merge, the better."""
    scores: dict[str, float] = dict.fromkeys(model["vocab"], _NEVER_MERGED)
    for rank, (left, right) in enumerate(_pairs(model["merges"])):
        if scores.get(left + right) == _NEVER_MERGED:
            scores[left + right] = -float(rank)
    return scores


def merges_of(scores: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return every pair of tokens that makes a token, in the order in which they are merged."""
    pairs: list[tuple[float, str, str]] = []
    for word, score in scores.items():
        pairs += [
            (-score, word[:i], word[i:])
            for i in range(1, len(word))
            if word[:i] in scores and word[i:] in scores
        ]
    return [(left, right) for _, left, right in sorted(pairs, key=lambda pair: pair[0])]


def tokenizer_state(
    tokens: Sequence[str], scores: Mapping[str, float], *, has_prefix: bool
) -> dict[str, Any]:
    """Return a ``tokenizer.json`` without added tokens.

    Args:
        scores: of the tokens that text may give: neither control nor byte tokens.
    """
    parts = [_PREPEND, _REPLACE] if has_prefix else [_REPLACE]
    strip = [{"type": "Strip", "content": " ", "start": 1, "stop": 0}] if has_prefix else []
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": parts},
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": SPACE}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
                *strip,
            ],
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": True,
            "ignore_merges": False,
            "vocab": {token: number for number, token in enumerate(tokens)},
            "merges": [list(pair) for pair in merges_of(scores)],
        },
    }


def _pairs(merges: Sequence[Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for one in merges:
        left, right = one.split(" ") if isinstance(one, str) else one
        found.append((left, right))
    return found


def _parted(words: Mapping[str, int], pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Return words that two others make and that no merge of these two makes."""
    known = set(pairs)
    return [
        word
        for word in words
        if not BYTE.fullmatch(word) and not (word.startswith("<") and word.endswith(">"))
        for i in range(1, len(word))
        if word[:i] in words and word[i:] in words and (word[:i], word[i:]) not in known
    ]


def _named(part: Any) -> str:
    return str(part.get("type")) if isinstance(part, Mapping) else "of another form"
