"""A byte-level BPE tokenizer with the four lookup tokens at the end of its vocabulary.

Plain text is encoded by a tokenizer that does not know the special tokens, so
no text can yield one, whatever it holds; lookups are put together from ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from lamlam.errors import BadSettings
from lamlam.lookup_tokens import END_OF_TEXT, LOOKUP_TOKENS
from lamlam.trainer.loss_masks import LookupIds


class LmlmTokenizer:
    """Turns text into token ids and back; lookup tokens are never read from text."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Wrap a tokenizer whose vocabulary ends in the four lookup tokens.

        Raises:
            BadSettings: one of the special tokens is missing.
        """
        found = [tokenizer.token_to_id(token) for token in (*LOOKUP_TOKENS, END_OF_TEXT)]
        ids = [number for number in found if number is not None]
        if len(ids) < len(found):
            raise BadSettings("the tokenizer lacks a lookup token or the end-of-text token")
        self.ids = LookupIds(*ids)
        self.full = tokenizer
        self.size: int = tokenizer.get_vocab_size()
        self._plain = _without_special_tokens(tokenizer)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text; text that spells a special token stays text."""
        return [encoding.ids for encoding in self._plain.encode_batch_fast(list(texts))]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of the ids, special tokens included."""
        return str(self.full.decode(list(ids), skip_special_tokens=False))

    @classmethod
    def load(cls, path: Path) -> LmlmTokenizer:
        """Read ``tokenizer.json``."""
        return cls(Tokenizer.from_file(str(path)))

    def save(self, path: Path) -> None:
        """Write ``tokenizer.json``, special tokens included."""
        self.full.save(str(path))


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


def _without_special_tokens(tokenizer: Tokenizer) -> Tokenizer:
    """Return the same BPE with no added tokens: it can never yield a special id from text."""
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = []
    state["post_processor"] = None
    return Tokenizer.from_str(json.dumps(state))
