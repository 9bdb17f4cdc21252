"""Vocabularies: a tokenizer as GGUF metadata.

One function per kind of tokenizer, chosen by `read_vocabulary`. The lookup
tokens are typed CONTROL whatever the tokenizer says of them: llama.cpp matches
USER_DEFINED tokens inside plain text, and then a value that spells
``<|db_end|>`` would close a lookup.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from lamlam.errors import BadCheckpoint
from lamlam.lookup_tokens import END_OF_TEXT, LOOKUP_TOKENS
from lamlam.quant.checkpoint_settings import read_json
from lamlam.quant.sentencepiece_bpe import (
    BYTE,
    check_rules,
    has_space_prefix,
    is_sentencepiece,
    scores_of,
)
from lamlam.quant.splitting import SPLITTINGS, name_of_splitting
from lamlam.quant.text_frame import read_frame
from lamlam.quant.unplaced import unplaced

_NFC = {"type": "NFC"}
_NOT_MERGED = -1e6
"""Score of a token that no text gives."""


class TokenType(IntEnum):
    """How llama.cpp treats a token; the numbers are the format's."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True, slots=True)
class GgufVocabulary:
    """The vocabulary of a GGUF file."""

    model: str
    """``gpt2`` for byte-level BPE, ``llama`` for SentencePiece."""
    pre: str
    """Name of the rule that splits text before BPE."""
    tokens: tuple[str, ...]
    types: tuple[TokenType, ...]
    merges: tuple[str, ...]
    bos_id: int
    eos_id: int
    others: dict[str, int]
    """``unk`` and ``pad``, where the tokenizer names them."""
    adds_bos: bool
    """A text that is tokenized begins with BOS."""
    adds_eos: bool
    scores: tuple[float, ...] = ()
    """Of SentencePiece: the best is merged first."""
    adds_space: bool = False
    """llama.cpp puts a space in front of a text, and behind each special token."""
    normalizer: str = ""
    """What is done to a text before llama.cpp sees it: ``NFC`` or nothing."""
    text_start: str = ""
    """What is put in front of a whole text, but of no part of it."""


@dataclass(frozen=True, slots=True)
class Named:
    """What stands beside a tokenizer."""

    special: dict[str, str | int]
    """Name of a special token to its text or its number."""
    settings: dict[str, Any]
    """``tokenizer_config.json``."""


def read_vocabulary(
    hf_dir: Path, config: dict[str, Any], n_rows: int, named: dict[str, Any] | None = None
) -> GgufVocabulary:
    """Return the vocabulary of a Hugging Face checkpoint.

    Args:
        config: its ``config.json``.
        n_rows: rows of the embedding; rows beyond the last token become UNUSED tokens.
        named: its ``tokenizer_config.json``; read from the folder if not given.

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
            hint=f"supported: {', '.join(_READERS)} (byte level, or SentencePiece with byte tokens)",
        )
    if named is None:
        named_path = hf_dir / "tokenizer_config.json"
        named = read_json(named_path) if named_path.is_file() else {}
    try:
        _check_later_tokens(state, named)
        return reader(state, path, Named(_special_ids(named, config), named), n_rows)
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise BadCheckpoint(
            f"{path} or tokenizer_config.json does not have the usual form: {problem!r}",
            hint="save the tokenizer again with tokenizer.save_pretrained",
        ) from None


def check_splitting(state: dict[str, Any], path: Path) -> None:
    """Raise if llama.cpp has no rule that makes the same tokens of text.

    Args:
        state: a ``tokenizer.json``.
        path: where it is from, for messages.

    Raises:
        BadCheckpoint: such a tokenizer.
    """
    try:
        if (state.get("model") or {}).get("type") != "BPE":
            raise BadCheckpoint(
                f"{path}: tokenizers of type {(state.get('model') or {}).get('type')} are not known"
            )
        if is_sentencepiece(state):
            check_rules(state, path)
        else:
            _splitting(state, path)
        for added in state.get("added_tokens") or []:
            _check_matching(added, path)
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise BadCheckpoint(f"{path} does not have the usual form: {problem!r}") from None


def _byte_level_bpe(state: dict[str, Any], path: Path, named: Named, n_rows: int) -> GgufVocabulary:
    model = state["model"]
    is_pieces = is_sentencepiece(state)
    if is_pieces:
        check_rules(state, path)
        pre = "default"
    else:
        pre = _splitting(state, path)
    by_id: dict[int, str] = {number: token for token, number in model["vocab"].items()}
    types: dict[int, TokenType] = {}
    if is_pieces:
        types = {n: TokenType.BYTE for n, token in by_id.items() if BYTE.fullmatch(token)}
    for added in state.get("added_tokens") or []:
        _check_matching(added, path)
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
    special = {name: _resolve(name, named.special, ids, path) for name in ("bos", "eos")}
    adds_bos, adds_eos = read_frame(state, named.settings, ids, special, path)
    if is_pieces and model.get("unk_token") in ids:
        types[ids[model["unk_token"]]] = TokenType.UNKNOWN
    scores = scores_of(model) if is_pieces else {}
    has_prefix = is_pieces and has_space_prefix(state)
    if named.settings.get("add_prefix_space") and not has_prefix:
        raise unplaced("tokenizer_config.json", "add_prefix_space", True)
    # Lookups are put together from parts of a text: a space in front of each would stand inside
    # words. Whoever knows where a text begins puts it there.
    has_lookups = all(token in ids for token in LOOKUP_TOKENS)
    return GgufVocabulary(
        model="llama" if is_pieces else "gpt2",
        pre=pre,
        tokens=tuple(by_id[number] for number in range(n_rows)),
        types=tuple(types.get(number, TokenType.NORMAL) for number in range(n_rows)),
        merges=tuple(m if isinstance(m, str) else " ".join(m) for m in model["merges"]),
        bos_id=special["bos"],
        eos_id=special["eos"],
        others={
            name: _resolve(name, named.special, ids, path)
            for name in ("unk", "pad")
            if name in named.special and not _is_beyond(named.special[name], n_rows)
        },
        adds_bos=adds_bos,
        adds_eos=adds_eos,
        scores=tuple(scores.get(by_id[n], _NOT_MERGED) for n in range(n_rows)) if scores else (),
        adds_space=has_prefix and not has_lookups,
        normalizer="" if is_pieces or state.get("normalizer") is None else "NFC",
        text_start=" " if has_prefix and has_lookups else "",
    )


def _splitting(state: dict[str, Any], path: Path) -> str:
    """Return llama.cpp's name of the rule that splits text; raise if none does as this one."""
    pre = state.get("pre_tokenizer") or {}
    model = state["model"]
    name = name_of_splitting(state)
    normalizer, decoder = state.get("normalizer"), state.get("decoder")
    is_usual = normalizer is None or normalizer in (
        _NFC,
        {"type": "Sequence", "normalizers": [_NFC]},
    )
    unlike = {
        f"the normalizer {(normalizer or {}).get('type')}": not is_usual,
        f"the pre-tokenizer {pre.get('type')}": name is None,
        "add_prefix_space": name is None and pre.get("add_prefix_space", True),
        "ignore_merges": name is None and model.get("ignore_merges"),
        "dropout": model.get("dropout"),
        "a subword prefix or suffix": model.get("continuing_subword_prefix")
        or model.get("end_of_word_suffix"),
        f"the decoder {(decoder or {}).get('type')}": decoder is not None
        and decoder.get("type") != "ByteLevel",
    }
    found = [what for what, present in unlike.items() if present]
    if found or name is None:
        raise BadCheckpoint(
            f"{path} does not tokenize as a rule of llama.cpp does: it has {', '.join(found)}",
            hint=f"byte-level BPE that splits as one of these can be exported: {', '.join(SPLITTINGS)}",
        )
    return name


def _check_matching(token: dict[str, Any], path: Path | str) -> None:
    """Raise if an added token takes spaces with it, which llama.cpp would leave."""
    found = [rule for rule in ("lstrip", "rstrip", "single_word") if token.get(rule)]
    if found:
        raise BadCheckpoint(
            f"{path}: the token {token.get('content')!r} has {', '.join(found)}, for which a GGUF "
            f"file has no place",
            hint="set them to false there if texts may be tokenized without",
        )


def _check_later_tokens(state: dict[str, Any], named: dict[str, Any]) -> None:
    """Raise if ``tokenizer_config.json`` adds a token or a rule that ``tokenizer.json`` lacks."""
    file = "tokenizer_config.json"
    known = {added["id"]: added["content"] for added in state.get("added_tokens") or []}
    words: dict[str, int] = (state.get("model") or {}).get("vocab") or {}
    for number, token in (named.get("added_tokens_decoder") or {}).items():
        _check_matching(token, file)
        content = token.get("content")
        if known.get(int(number)) != content and words.get(content) != int(number):
            raise BadCheckpoint(
                f"{file}: tokenizer.json lacks the added token {content!r} ({number})",
                hint="save the tokenizer again with tokenizer.save_pretrained",
            )


def _special_ids(named: dict[str, Any], config: dict[str, Any]) -> dict[str, str | int]:
    """Return the checkpoint's special tokens, each as text or id."""
    special: dict[str, str | int] = {}
    for name in ("bos", "eos", "unk", "pad"):
        token = named.get(f"{name}_token")
        if isinstance(token, dict):  # written by older tokenizers with its matching rules
            _check_matching(token, "tokenizer_config.json")
            token = token.get("content")
        number = config.get(f"{name}_token_id")
        if isinstance(number, list):  # several ends of text: the first is the usual one
            number = number[0] if number else None
        if token is not None:
            special[name] = str(token)
        elif type(number) is int and (number >= 0 or name in ("bos", "eos")):  # -1: no padding
            special[name] = number
    return special


def _is_beyond(token: str | int, n_rows: int) -> bool:
    """Return true for the number of a token that has no row, and so cannot occur.

    Some checkpoints have for padding the number that follows the last token.
    """
    return isinstance(token, int) and token >= n_rows


def _resolve(name: str, special: dict[str, str | int], ids: dict[str, int], path: Path) -> int:
    token = special.get(name, END_OF_TEXT)
    number = ids.get(token) if isinstance(token, str) else token
    if number is None or not 0 <= number < len(ids):
        raise BadCheckpoint(f"{path}: the {name} token {token!r} is not in its vocabulary")
    return number


_Reader = Callable[[dict[str, Any], Path, Named, int], GgufVocabulary]
_READERS: dict[str, _Reader] = {"BPE": _byte_level_bpe}
