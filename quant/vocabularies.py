"""Vocabularies: a tokenizer as GGUF metadata.

One function per kind of tokenizer, chosen by `read_vocabulary`. The lookup
tokens are typed CONTROL whatever the tokenizer says of them: llama.cpp matches
USER_DEFINED tokens inside plain text, and then a value that spells
``<|db_end|>`` would close a lookup.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from lamlam.errors import BadCheckpoint
from lamlam.lookup_tokens import END_OF_TEXT, LOOKUP_TOKENS


class TokenType(IntEnum):
    """How llama.cpp treats a token; the numbers are the format's."""

    NORMAL = 1
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5


@dataclass(frozen=True, slots=True)
class GgufVocabulary:
    """The vocabulary of a GGUF file."""

    model: str
    """``gpt2`` for byte-level BPE."""
    pre: str
    """Name of the rule that splits text before BPE."""
    tokens: tuple[str, ...]
    types: tuple[TokenType, ...]
    merges: tuple[str, ...]
    bos_id: int
    eos_id: int


def read_vocabulary(hf_dir: Path, config: dict[str, Any], n_rows: int) -> GgufVocabulary:
    """Return the vocabulary of a Hugging Face checkpoint.

    Args:
        config: its ``config.json``.
        n_rows: rows of the embedding; rows beyond the last token become UNUSED tokens.

    Raises:
        BadCheckpoint: no tokenizer, one of a kind that is not supported, or one
            with more tokens than the embedding has rows.
    """
    path = hf_dir / "tokenizer.json"
    if not path.is_file():
        raise BadCheckpoint(f"{hf_dir} has no tokenizer.json")
    state = read_json(path)
    kind = (state.get("model") or {}).get("type")
    reader = _READERS.get(str(kind))
    if reader is None:
        raise BadCheckpoint(
            f"{path}: tokenizers of type {kind} cannot be exported",
            hint=f"supported: {', '.join(_READERS)} (byte level)",
        )
    return reader(state, path, _special_ids(hf_dir, config), n_rows)


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises:
        BadCheckpoint: not readable, or not a JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise BadCheckpoint(f"cannot read {path}: {problem.strerror}") from None
    except ValueError as problem:
        raise BadCheckpoint(f"cannot read {path}: {problem}") from None
    if not isinstance(value, dict):
        raise BadCheckpoint(f"{path} is not a JSON object")
    return value


def _byte_level_bpe(
    state: dict[str, Any], path: Path, special: dict[str, str | int], n_rows: int
) -> GgufVocabulary:
    model = state["model"]
    _check_gpt2_rules(state, path)
    by_id: dict[int, str] = {number: token for token, number in model["vocab"].items()}
    types: dict[int, TokenType] = {}
    for added in state.get("added_tokens") or []:
        by_id[added["id"]] = added["content"]
        plain = not added.get("special") and added["content"] not in (*LOOKUP_TOKENS, END_OF_TEXT)
        types[added["id"]] = TokenType.USER_DEFINED if plain else TokenType.CONTROL
    for number, token in by_id.items():
        if token in (*LOOKUP_TOKENS, END_OF_TEXT):
            types[number] = TokenType.CONTROL
    if max(by_id, default=0) >= n_rows:
        raise BadCheckpoint(
            f"{path} has {max(by_id) + 1} tokens, the embedding {n_rows} rows",
            hint="tokenizer and model do not belong together",
        )
    for number in range(n_rows):
        if number not in by_id:
            by_id[number] = f"[UNUSED{number}]"
            types[number] = TokenType.UNUSED
    ids = {token: number for number, token in by_id.items()}
    bos = _resolve("bos", special, ids, path)
    return GgufVocabulary(
        model="gpt2",
        pre="gpt-2",
        tokens=tuple(by_id[number] for number in range(n_rows)),
        types=tuple(types.get(number, TokenType.NORMAL) for number in range(n_rows)),
        merges=tuple(m if isinstance(m, str) else " ".join(m) for m in model["merges"]),
        bos_id=bos,
        eos_id=_resolve("eos", special, ids, path),
    )


def _check_gpt2_rules(state: dict[str, Any], path: Path) -> None:
    """Raise if llama.cpp's ``gpt-2`` rule would tokenize differently."""
    pre = state.get("pre_tokenizer") or {}
    model = state["model"]
    unlike = {
        "a normalizer": state.get("normalizer") is not None,
        f"the pre-tokenizer {pre.get('type')}": pre.get("type") != "ByteLevel",
        "add_prefix_space": pre.get("add_prefix_space", True),
        "a pre-tokenizer without GPT-2's pattern": not pre.get("use_regex", True),
        "byte_fallback": model.get("byte_fallback"),
        "ignore_merges": model.get("ignore_merges"),
        "dropout": model.get("dropout"),
        "a subword prefix or suffix": model.get("continuing_subword_prefix")
        or model.get("end_of_word_suffix"),
    }
    found = [what for what, present in unlike.items() if present]
    if found:
        raise BadCheckpoint(
            f"{path} does not tokenize as GPT-2 does: it has {', '.join(found)}",
            hint="only byte-level BPE with GPT-2's splitting can be exported",
        )


def _special_ids(hf_dir: Path, config: dict[str, Any]) -> dict[str, str | int]:
    """Return the checkpoint's start and end tokens, each as text or id."""
    path = hf_dir / "tokenizer_config.json"
    named = read_json(path) if path.is_file() else {}
    special: dict[str, str | int] = {}
    for name in ("bos", "eos"):
        token = named.get(f"{name}_token")
        if isinstance(token, dict):  # written by older tokenizers with its matching rules
            token = token.get("content")
        number = config.get(f"{name}_token_id")
        if isinstance(number, list):  # several ends of text: the first is the usual one
            number = number[0]
        if token is not None:
            special[name] = str(token)
        elif number is not None:
            special[name] = int(number)
    return special


def _resolve(name: str, special: dict[str, str | int], ids: dict[str, int], path: Path) -> int:
    token = special.get(name, END_OF_TEXT)
    number = ids.get(token) if isinstance(token, str) else token
    if number is None or not 0 <= number < len(ids):
        raise BadCheckpoint(f"{path}: the {name} token {token!r} is not in its vocabulary")
    return number


_Reader = Callable[[dict[str, Any], Path, dict[str, str | int], int], GgufVocabulary]
_READERS: dict[str, _Reader] = {"BPE": _byte_level_bpe}
