"""Small tokenizers of the kinds that published models have, and texts to compare them on."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers import trainers as bpe_trainers

from lamlam.lookup_tokens import END_OF_TEXT, LOOKUP_TOKENS
from lamlam.trainer.tokenizer import train_tokenizer

_LETTERS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
KINDS = ("gpt-2", "smollm", "llama-bpe", "qwen2", "llama")
OURS = "as lamlam trains it"
WORDS = [
    "Velmora", "Quistel's", "founded", "naïve", "Ångström", "Łódź", "Дубровник", "東京", "서울",
    "مدينة", "ก", "été", "1867", "3.14", "1,234,567", "²³", "½", "٣٤", "I'm", "they'll", "'S",
    "WE'VE", "O’Neill", "—", "…", "(born", "C++", "a_b", "x=y", "<tag>", "😀", "👩‍🔬", "e\u0301",
    "ﬁn", "\u200b", "\ufeff", "\x00", "\x1b", "|>", "<|", "<|db_", "_end|>", "in", "the", "and",
    "20261130", "A\u030angstro\u0308m", "\u1100\u1161", "\u2581", "ſ", "ǅ", "\U0001d7d9", "[UNUSED3]",
]  # fmt: skip
GAPS = [" ", " ", " ", "", "  ", "   ", "\n", "\n\n", " \n ", "\t", "\r\n", "\u00a0", "\u3000"]


def four_hundred_texts() -> list[str]:
    """Half of them ordinary sentences, half with odd spacing, scripts and spelt-out tokens."""
    return list(_texts())


@cache
def _texts() -> tuple[str, ...]:
    chance = random.Random(11)
    towns = ["Velmora", "Quistel", "Brannoch", "Ostrevy", "Lindquay", "Tharn"]
    texts = [
        f"{chance.choice(towns)} was founded in {chance.randint(2, 99999)} by people who didn't "
        f"know {chance.choice(towns)}; it's home to {chance.randint(0, 10**7):,} of them."
        for _ in range(200)
    ]
    texts += ["", " ", "\n", "   x", "x   ", "\t\t", *LOOKUP_TOKENS, END_OF_TEXT, "</s>", "<s>"]
    texts += [f"a{token}b" for token in LOOKUP_TOKENS] + ["".join(LOOKUP_TOKENS), "<0x0A>"]
    texts += [
        *(f" {token} " for token in LOOKUP_TOKENS),
        "Warsaw<|db_end|> Paris",
        "born in<|db_entity|> A<|db_relationship|> b<|db_return|> c<|db_end|> c",
        "<|db_end|>" * 5,
        "<|db_en<|db_end|>d|>",
    ]
    while len(texts) < 400:
        words = chance.choices([*WORDS, *LOOKUP_TOKENS], k=chance.randint(1, 12))
        texts.append("".join(word + chance.choice(GAPS) for word in words))
    return tuple(texts)


def train(kind: str, size: int = 600) -> Tokenizer:
    """A tokenizer of this kind, as the models of its family write it: ours alone with lookup tokens."""
    return Tokenizer.from_str(_trained(kind, size))


@cache
def _trained(kind: str, size: int) -> str:
    """The same as JSON: learnt once, since a caller may change what it is given."""
    return str(_learn(kind, size).to_str())


def _learn(kind: str, size: int) -> Tokenizer:
    if kind == "llama":
        return _sentencepiece(size)
    if kind == OURS:
        return train_tokenizer(_sentences(), size).full
    tokenizer = Tokenizer(models.BPE(ignore_merges=kind == "llama-bpe"))
    by_pattern = {"llama-bpe": r"\p{N}{1,3}", "qwen2": r"\p{N}"}
    if kind in by_pattern:
        pattern = Regex(_LETTERS + by_pattern[kind] + _REST)
        first: list[Any] = [pre_tokenizers.Split(pattern, "isolated")]
    else:
        first = [pre_tokenizers.Digits(individual_digits=True)] if kind == "smollm" else []
    last = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=kind not in by_pattern)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*first, last]) if first else last
    tokenizer.decoder = decoders.ByteLevel()
    trainer = bpe_trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[END_OF_TEXT, "<|im_end|>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(_sentences(), trainer)
    if kind == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    return tokenizer


def _sentencepiece(size: int) -> Tokenizer:
    """Llama 2's form: pieces by score, every pair of pieces that makes one is a merge."""
    learnt = Tokenizer(models.BPE())
    learnt.normalizer = normalizers.Sequence(
        [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
    )
    learnt.pre_tokenizer = pre_tokenizers.Split(Regex("\u2581[^\u2581]*"), "isolated")
    trainer = bpe_trainers.BpeTrainer(vocab_size=size - 300, show_progress=False)
    learnt.train_from_iterator(_sentences(), trainer)
    vocabulary = learnt.get_vocab()
    pieces = sorted(vocabulary, key=lambda word: vocabulary[word])
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *pieces]
    rank = {piece: n for n, piece in enumerate(pieces)}
    merges = [
        (rank[piece], piece[:i], piece[i:])
        for piece in pieces
        for i in range(1, len(piece))
        if piece[:i] in rank and piece[i:] in rank
    ]
    tokenizer = Tokenizer(
        models.BPE(
            {token: n for n, token in enumerate(tokens)},
            [(left, right) for _, left, right in sorted(merges, key=lambda merge: merge[0])],
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    tokenizer.normalizer = learnt.normalizer
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("\u2581", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in tokens[:3]]
    )
    return tokenizer


def _sentences() -> list[str]:
    return (
        four_hundred_texts()[:200] + ["naïve Ångström été in the year 1867, (born) they'll go"] * 9
    )


def with_lookups(tokenizer: Tokenizer) -> Tokenizer:
    """The same with the four lookup tokens at its end."""
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in LOOKUP_TOKENS]
    )
    return tokenizer


def plain(tokenizer: Tokenizer) -> Tokenizer:
    """The same without added tokens: what it makes of text alone."""
    state = json.loads(tokenizer.to_str())
    return Tokenizer.from_str(json.dumps({**state, "added_tokens": [], "post_processor": None}))


def write_folder(tokenizer: Tokenizer, folder: Path, **settings: Any) -> Path:
    """Write a folder with the tokenizer and what `tokenizer_config.json` says."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder
