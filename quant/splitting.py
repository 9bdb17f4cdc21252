"""Rules that split text before BPE, by llama.cpp's name, and how a `tokenizer.json` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Splitting:
    """One rule, as `tokenizers` writes it."""

    pre_tokenizer: Mapping[str, Any]
    normalizer: Mapping[str, Any] | None = None
    """What is done to the text before; llama.cpp does not do it."""
    ignore_merges: bool = False
    """A word that is a token is taken whole, whatever the merges would give."""


def _byte_level(use_regex: bool) -> dict[str, Any]:
    return {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": use_regex,
    }


def _by_pattern(digits: str) -> dict[str, Any]:
    """Return the splitting of the Llama 3 and Qwen families, which differ in runs of digits."""
    contraction = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
    rest = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    pattern = rf"{contraction}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|{digits}|{rest}"
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated"}
    return {
        "type": "Sequence",
        "pretokenizers": [{**split, "invert": False}, _byte_level(use_regex=False)],
    }


_SINGLE_DIGITS = {
    "type": "Sequence",
    "pretokenizers": [{"type": "Digits", "individual_digits": True}, _byte_level(use_regex=True)],
}
_NFC = {"type": "NFC"}
SPLITTINGS: Mapping[str, Splitting] = MappingProxyType(
    {
        "gpt-2": Splitting(_byte_level(use_regex=True)),
        "smollm": Splitting(_SINGLE_DIGITS),
        "llama-bpe": Splitting(_by_pattern(r"\p{N}{1,3}"), ignore_merges=True),
        "dbrx": Splitting(_by_pattern(r"\p{N}{1,3}")),
        "qwen2": Splitting(_by_pattern(r"\p{N}"), normalizer=_NFC),
    }
)
"""llama.cpp's name to the rule; the first of two that split alike is the one that is written.

Source of the patterns: the published tokenizers of the models and llama.cpp, whose own differ in
spelling only.
"""
_SAME_RULE = {
    "phi-2": "gpt-2", "olmo": "gpt-2", "mpt": "gpt-2", "gigachat": "gpt-2",
    "starcoder": "smollm", "refact": "smollm", "command-r": "smollm", "codeshell": "smollm",
    "llama3": "llama-bpe", "llama-v3": "llama-bpe", "falcon3": "llama-bpe",
    "smaug-bpe": "dbrx", "deepseek-r1-qwen": "qwen2", "stablelm2": "qwen2",
}  # fmt: skip


def splitting_of(pre: str) -> Splitting | None:
    """Return the rule that llama.cpp knows by this name; None for one that is not known here."""
    return SPLITTINGS.get(_SAME_RULE.get(pre, pre))


def name_of_splitting(state: Mapping[str, Any]) -> str | None:
    """Return llama.cpp's name of the rule in a ``tokenizer.json``; None where it has none.

    Whether the text is normalised to NFC does not matter: that is stated apart.
    """
    pre_tokenizer = _plain(state.get("pre_tokenizer"))
    ignores = bool((state.get("model") or {}).get("ignore_merges"))
    for name, rule in SPLITTINGS.items():
        if _plain(rule.pre_tokenizer) == pre_tokenizer and rule.ignore_merges == ignores:
            return name
    return None


def _plain(part: Any) -> Any:
    """Return a pre-tokenizer without what does not change tokens, and with all defaults."""
    if not isinstance(part, Mapping):
        return part
    plain = {key: value for key, value in part.items() if key != "trim_offsets"}
    if plain.get("type") == "ByteLevel":
        plain = {"add_prefix_space": True, "use_regex": True, **plain}
    if plain.get("type") == "Split":
        plain = {"invert": False, **plain}
    if plain.get("type") == "Sequence":
        parts = [_plain(one) for one in plain.get("pretokenizers") or []]
        if len(parts) == 1:
            return parts[0]
        plain["pretokenizers"] = parts
    return plain
