"""A byte-level BPE tokenizer with the four lookup tokens at the end of its vocabulary.

Plain text is encoded by a tokenizer that does not know the special tokens, so
no text can yield one, whatever it holds; lookups are put together from ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from lamlam.errors import BadCheckpoint, BadSettings
from lamlam.lookup_tokens import END_OF_TEXT, LOOKUP_TOKENS
from lamlam.quant.sentencepiece_bpe import (
    has_space_prefix,
    is_sentencepiece,
    without_space_prefix,
)
from lamlam.quant.vocabularies import check_splitting
from lamlam.trainer.chats import ChatWriter
from lamlam.trainer.loss_masks import LookupIds


class LmlmTokenizer:
    """Turns text into token ids and back; lookup tokens are never read from text."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        end_of_text: str = END_OF_TEXT,
        chat_template: str | None = None,
    ) -> None:
        """Wrap a tokenizer that has the four lookup tokens.

        Args:
            end_of_text: the token in front of each document and behind it.
            chat_template: of the model that it belongs to, if that has one.

        Raises:
            BadSettings: one of the special tokens is missing.
        """
        found = [tokenizer.token_to_id(token) for token in (*LOOKUP_TOKENS, end_of_text)]
        ids = [number for number in found if number is not None]
        if len(ids) < len(found):
            raise BadSettings("the tokenizer lacks a lookup token or the end-of-text token")
        self.ids = LookupIds(*ids)
        self.full = tokenizer
        self.end_of_text = end_of_text
        self.chat_template = chat_template
        self.size: int = max(tokenizer.get_vocab(with_added_tokens=True).values()) + 1
        state = json.loads(tokenizer.to_str())
        self._plain = _without_special_tokens(state)
        self.text_start = " " if is_sentencepiece(state) and has_space_prefix(state) else ""
        """What a document begins with, and no part of it: SentencePiece's space."""

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text; text that spells a special token stays text.

        Equal texts are encoded once and share one list: documents name the same entities and
        relations again and again.
        """
        once = dict.fromkeys(texts)
        found = (encoding.ids for encoding in self._plain.encode_batch_fast(list(once)))
        ids = dict(zip(once, found, strict=True))
        return [ids[text] for text in texts]

    @cached_property
    def chats(self) -> ChatWriter:
        """What writes chats by the template.

        Raises:
            BadSettings: there is none, or it is broken.
        """
        return ChatWriter(self.chat_template, list(self._controls))

    @cached_property
    def _controls(self) -> dict[str, int]:
        added = self.full.get_added_tokens_decoder()
        return {token.content: number for number, token in added.items() if token.special}

    def control_id(self, text: str) -> int:
        """Return the id of a special token."""
        return self._controls[text]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of the ids, special tokens included."""
        return str(self.full.decode(list(ids), skip_special_tokens=False))

    @classmethod
    def load(cls, path: Path) -> LmlmTokenizer:
        """Read ``tokenizer.json``; a ``tokenizer_config.json`` beside it names the end of a text.

        Raises:
            BadSettings: the file cannot be read, lacks a special token, or could not be exported.
        """
        try:
            tokenizer = Tokenizer.from_str(_without_start(path.read_text(encoding="utf-8")))
        except Exception as problem:  # tokenizers raises no narrower class
            raise BadSettings(f"cannot read the tokenizer {path}: {problem}") from None
        end = END_OF_TEXT
        beside = path.with_name("tokenizer_config.json")
        if tokenizer.token_to_id(end) is None and beside.is_file():
            end = str(json.loads(beside.read_text(encoding="utf-8")).get("eos_token") or end)
        hint = "leave data.tokenizer out to learn one, or set model.init to go on from a model"
        try:
            check_splitting(json.loads(tokenizer.to_str()), path)
            return cls(tokenizer, end)
        except BadCheckpoint as problem:  # better said now than by the export at the end
            raise BadSettings(f"data.tokenizer: {problem}", hint=problem.hint or hint) from None
        except BadSettings as problem:
            raise BadSettings(f"data.tokenizer, {path}: {problem}", hint=hint) from None

    def save(self, path: Path) -> None:
        """Write ``tokenizer.json``, special tokens included; a text begins as a document does.

        Other programs then put the token in front that the model was trained with; they read no
        ``lamlam.json``. `load` takes that off again.
        """
        state = json.loads(self.full.to_str())
        state["post_processor"] = _with_start(
            state.get("post_processor"), self.end_of_text, self.ids.end_of_text
        )
        # Not `save` of the library, whose errors on a full disk have no class.
        path.write_text(json.dumps(state, ensure_ascii=False, indent=2), encoding="utf-8")


def train_tokenizer(texts: Iterable[str], size: int) -> LmlmTokenizer:
    """Return a tokenizer of ``size`` tokens, learnt from the texts.

    The end-of-text token is id 0, the lookup tokens are the last four.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(LOOKUP_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[END_OF_TEXT],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in LOOKUP_TOKENS]
    )
    return LmlmTokenizer(tokenizer)


def _without_special_tokens(state: dict[str, Any]) -> Tokenizer:
    """Return the same BPE without special tokens: it can never yield one of them from text.

    Other added tokens stay, since llama.cpp finds them in text too. No space is put in front.
    """
    special = (*LOOKUP_TOKENS, END_OF_TEXT)
    kept = [
        token
        for token in state["added_tokens"]
        if not token["special"] and token["content"] not in special
    ]
    plain = {**state, "added_tokens": kept, "post_processor": None}
    # With a number of their own, which would follow from their place in the list otherwise.
    vocabulary = {token["content"]: token["id"] for token in kept}
    plain["model"] = {**state["model"], "vocab": {**state["model"]["vocab"], **vocabulary}}
    if is_sentencepiece(state):
        plain = without_space_prefix(plain)
    return Tokenizer.from_str(json.dumps(plain))


def _start(token: str, number: int) -> dict[str, Any]:
    """Return the post-processor that puts one token in front of each text."""
    start = {"SpecialToken": {"id": token, "type_id": 0}}
    text, second = ({"Sequence": {"id": name, "type_id": n}} for n, name in enumerate("AB"))
    return {
        "type": "TemplateProcessing",
        "single": [start, text],
        "pair": [start, text, {"SpecialToken": {"id": token, "type_id": 1}}, second],
        "special_tokens": {token: {"id": token, "ids": [number], "tokens": [token]}},
    }


def _with_start(processor: dict[str, Any] | None, token: str, number: int) -> dict[str, Any]:
    start = _start(token, number)
    if (processor or {}).get("type") != "ByteLevel":  # another that adds tokens gives way
        return start
    return {"type": "Sequence", "processors": [processor, start]}


def _without_start(text: str) -> str:
    """Return a ``tokenizer.json`` as it was before `LmlmTokenizer.save` added to it."""
    state = json.loads(text)
    processor = state.get("post_processor")
    parts = processor.get("processors", [processor]) if isinstance(processor, dict) else []
    tokens = list(parts[-1].get("special_tokens") or {}) if parts else []
    if len(tokens) != 1:
        return text
    found = parts[-1]["special_tokens"][tokens[0]]["ids"]
    before = parts[0] if len(parts) == 2 else None
    if processor != _with_start(before, tokens[0], found[0]):
        return text
    return json.dumps({**state, "post_processor": before})
