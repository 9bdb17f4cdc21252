"""llama.cpp tokenizes as the tokenizer did that the model was trained with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lamlam.errors import BadCheckpoint
from lamlam.lookup_tokens import END_OF_TEXT, LOOKUP_TOKENS
from lamlam.quant.vocabularies import TokenType, read_vocabulary
from tests.checkpoints import VOCABULARY, Loader
from tests.tokenizers_of_others import four_hundred_texts

CONTROL_ATTRIBUTE = 1 << 3


def test_no_text_yields_a_lookup_id(tokenizer_file: Path, wide_f16: Path, load: Loader) -> None:
    """With parse_special off a text that spells a lookup token stays text."""
    from tokenizers import Tokenizer

    model = load(wide_f16)
    full = Tokenizer.from_file(str(tokenizer_file))
    special = {full.token_to_id(token) for token in (*LOOKUP_TOKENS, END_OF_TEXT)}
    for text in four_hundred_texts():
        assert not special & set(model.token_ids(text)), text
    # The same ids do come where they are asked for, or the test above could not fail.
    assert model.token_ids("".join(LOOKUP_TOKENS), parse_special=True) == [
        full.token_to_id(token) for token in LOOKUP_TOKENS
    ]


def test_llama_cpp_sees_control_tokens(wide_f16: Path, load: Loader) -> None:
    """The five special tokens carry the attribute CONTROL, and no other token does."""
    model = load(wide_f16)
    control = [n for n in range(model.size) if model.attributes(n) == CONTROL_ATTRIBUTE]
    assert control == [0, *range(VOCABULARY - 4, VOCABULARY)]


def changed(tokenizer_file: Path, folder: Path, **changes: Any) -> Path:
    state = json.loads(tokenizer_file.read_text(encoding="utf-8"))
    (folder / "tokenizer.json").write_text(json.dumps({**state, **changes}))
    return folder


def test_lookup_tokens_are_control_even_if_the_tokenizer_says_otherwise(
    tokenizer_file: Path, tmp_path: Path
) -> None:
    """A tokenizer that calls them ordinary added tokens cannot make them unsafe."""
    added = json.loads(tokenizer_file.read_text(encoding="utf-8"))["added_tokens"]
    folder = changed(
        tokenizer_file, tmp_path, added_tokens=[{**token, "special": False} for token in added]
    )
    types = read_vocabulary(folder, {}, VOCABULARY).types
    assert [types[0], *types[-4:]] == [TokenType.CONTROL] * 5


def test_rows_without_a_token_are_unused(tokenizer_file: Path, tmp_path: Path) -> None:
    """An embedding padded to a round number exports; its extra rows can never be text."""
    vocabulary = read_vocabulary(changed(tokenizer_file, tmp_path), {}, VOCABULARY + 3)
    assert len(vocabulary.tokens) == len(set(vocabulary.tokens)) == VOCABULARY + 3
    assert vocabulary.types[VOCABULARY:] == (TokenType.UNUSED,) * 3


def test_more_tokens_than_rows_are_refused_with_both_numbers(
    tokenizer_file: Path, tmp_path: Path
) -> None:
    """A tokenizer of another model is noticed."""
    with pytest.raises(BadCheckpoint, match="768 tokens, the embedding 700 rows"):
        read_vocabulary(changed(tokenizer_file, tmp_path), {}, 700)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"normalizer": {"type": "NFKC"}}, "the normalizer NFKC"),
        ({"pre_tokenizer": {"type": "Metaspace"}}, "the pre-tokenizer Metaspace"),
        ({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True}}, "add_prefix_space"),
        ({"model": {"type": "Unigram"}}, "type Unigram cannot be exported"),
    ],
)
def test_tokenizers_that_llama_cpp_would_read_otherwise_are_refused(
    changes: dict[str, Any], message: str, tokenizer_file: Path, tmp_path: Path
) -> None:
    """Better no file than one whose ids differ silently."""
    with pytest.raises(BadCheckpoint, match=message):
        read_vocabulary(changed(tokenizer_file, tmp_path, **changes), {}, VOCABULARY)


def test_an_unknown_end_token_is_refused(tokenizer_file: Path, tmp_path: Path) -> None:
    """The configuration may not name a token that does not exist."""
    folder = changed(tokenizer_file, tmp_path)
    (folder / "tokenizer_config.json").write_text('{"eos_token": "</s>"}')
    with pytest.raises(BadCheckpoint, match="eos token '</s>'"):
        read_vocabulary(folder, {}, VOCABULARY)
