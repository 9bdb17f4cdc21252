"""The tokenizers of published models keep their token ids in llama.cpp."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import gguf
import pytest
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers

from lamlam.errors import BadCheckpoint
from lamlam.lookup_tokens import END_OF_TEXT
from lamlam.quant.export import export_gguf
from lamlam.quant.vocabularies import TokenType, read_vocabulary
from lamlam.runtime.llama.gguf_file import read_header
from lamlam.trainer.tokenizer import LmlmTokenizer
from tests.checkpoints import Loader, llama
from tests.tokenizers_of_others import (
    KINDS,
    OURS,
    four_hundred_texts,
    plain,
    train,
    with_lookups,
    write_folder,
)


def export(tokenizer: Tokenizer, folder: Path, end: str) -> Path:
    model = llama(16, vocab_size=tokenizer.get_vocab_size() + 4)
    model.config.bos_token_id = model.config.eos_token_id = tokenizer.token_to_id(end)
    model.save_pretrained(folder)
    write_folder(tokenizer, folder, bos_token=end, eos_token=end)
    return export_gguf(folder, folder / "m.gguf")


@pytest.mark.parametrize("kind", [*KINDS, OURS])
def test_four_hundred_texts_have_the_same_ids(kind: str, tmp_path: Path, load: Loader) -> None:
    end = "</s>" if kind == "llama" else END_OF_TEXT
    tokenizer = with_lookups(train(kind))
    path = export(tokenizer, tmp_path / "hf", end)
    metadata = read_header(path).metadata
    assert metadata["tokenizer.ggml.model"] == ("llama" if kind == "llama" else "gpt2")
    rule = {"llama": "default", OURS: "gpt-2"}.get(kind, kind)
    assert metadata["tokenizer.ggml.pre"] == rule
    assert metadata.get("lamlam.normalizer", "") == ("NFC" if kind == "qwen2" else "")
    start = metadata.get("lamlam.text_start", "")
    assert start == (" " if kind == "llama" else "")
    model, original = load(path), plain(tokenizer)
    differing = []
    for text in four_hundred_texts():
        given = unicodedata.normalize("NFC", text) if kind == "qwen2" else text
        ours = model.token_ids(start + given if text else text)
        if ours != original.encode(text, add_special_tokens=False).ids:
            differing.append(text)
    assert differing == []


@pytest.mark.parametrize("kind", [kind for kind in (*KINDS, OURS) if kind != "llama"])
def test_the_vocabulary_is_the_one_that_llama_cpps_converter_reads(
    kind: str, tmp_path: Path
) -> None:
    """Its package reads tokens, merges and special tokens of byte-level BPE for the converter."""
    tokenizer = with_lookups(train(kind))
    folder = write_folder(tokenizer, tmp_path, bos_token=END_OF_TEXT, eos_token=END_OF_TEXT)
    ours = read_vocabulary(folder, {}, tokenizer.get_vocab_size())
    tokens = gguf.BpeVocab(folder).all_tokens()
    assert ours.tokens == tuple(t.decode() if isinstance(t, bytes) else t for t, _, _ in tokens)
    special = gguf.SpecialVocab(folder, load_merges=True)
    assert list(ours.merges) == special.merges
    assert {"bos": ours.bos_id, "eos": ours.eos_id} == special.special_token_ids


def test_a_space_in_front_may_be_said_twice(tmp_path: Path) -> None:
    """As transformers writes it of a Llama tokenizer: its place is in `tokenizer.json`."""
    tokenizer = with_lookups(train("llama"))
    said = {"bos_token": "<s>", "eos_token": "</s>", "add_prefix_space": True}
    size = tokenizer.get_vocab_size()
    assert read_vocabulary(write_folder(tokenizer, tmp_path, **said), {}, size).text_start == " "
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    with pytest.raises(BadCheckpoint, match="add_prefix_space is True"):
        read_vocabulary(write_folder(tokenizer, tmp_path, **said), {}, size)


def test_a_plain_sentencepiece_model_keeps_its_space(tmp_path: Path, load: Loader) -> None:
    """Without lookups other programs tokenize as the original does, space in front included."""
    tokenizer = train("llama")
    model, original = load(export(tokenizer, tmp_path / "hf", "</s>")), plain(tokenizer)
    for text in ("Velmora was founded", " x", "naïve 😀"):
        assert model.token_ids(text) == original.encode(text).ids


def test_sentencepiece_types(tmp_path: Path) -> None:
    tokenizer = with_lookups(train("llama"))
    folder = write_folder(tokenizer, tmp_path, bos_token="<s>", eos_token="</s>")
    vocabulary = read_vocabulary(folder, {}, tokenizer.get_vocab_size())
    assert vocabulary.types[:4] == (
        TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL, TokenType.BYTE,
    )  # fmt: skip
    assert vocabulary.types[-4:] == (TokenType.CONTROL,) * 4
    assert vocabulary.types.count(TokenType.BYTE) == 256


def spoilt(kind: str, **changes: Any) -> Tokenizer:
    tokenizer = train(kind)
    for name, part in changes.items():
        setattr(tokenizer, name, part)
    return tokenizer


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("qwen2", {"normalizer": normalizers.NFKC()}, "the normalizer NFKC"),
        ("smollm", {"pre_tokenizer": pre_tokenizers.Whitespace()}, "pre-tokenizer Whitespace"),
        ("llama", {"normalizer": normalizers.NFC()}, "the normalizer NFC"),
        ("llama", {"pre_tokenizer": pre_tokenizers.Whitespace()}, "the normalizer Sequence"),
    ],
)
def test_rules_that_llama_cpp_lacks_are_refused(
    kind: str, changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    folder = write_folder(spoilt(kind, **changes), tmp_path, eos_token="<|im_end|>")
    with pytest.raises(BadCheckpoint, match=message):
        read_vocabulary(folder, {}, 700)


def test_sentencepiece_with_a_merge_left_out_is_refused(tmp_path: Path) -> None:
    """llama.cpp merges by scores alone, so a pair that is not to be merged cannot be said."""
    state = json.loads(train("llama").to_str())
    left, right = state["model"]["merges"].pop(40)
    (tmp_path / "tokenizer.json").write_text(json.dumps(state))
    with pytest.raises(BadCheckpoint, match=f"no merge for '{left}{right}'"):
        read_vocabulary(tmp_path, {}, 700)


@pytest.mark.parametrize("kind", ["qwen2", "smollm", "llama"])
def test_added_tokens_of_text_are_found_where_training_finds_them(
    kind: str, tmp_path: Path, load: Loader
) -> None:
    """As `<think>` of Qwen 3: no special token, so text may hold it, behind others that are."""
    tokenizer = train(kind)
    tokenizer.add_special_tokens([AddedToken("<|vision|>", special=True, normalized=False)])
    tokenizer.add_tokens([AddedToken("<think>", special=False, normalized=False)])
    end = "</s>" if kind == "llama" else END_OF_TEXT
    ours = LmlmTokenizer(with_lookups(tokenizer), end)
    model = load(export(tokenizer, tmp_path / "hf", end))
    for text in ("Velmora<think> was</think>", "<think>", "a <think>b<|vision|><|db_end|>"):
        (ids,) = ours.encode([text])
        assert ids == model.token_ids(text)
        assert tokenizer.token_to_id("<think>") in ids
        assert tokenizer.token_to_id("<|vision|>") not in ids
