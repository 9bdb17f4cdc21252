"""Grammars compiled for the tokens of one model, by llguidance.

Used by the thread that owns the model: the tokenizer asks llama.cpp how a model would write text
that the grammar leaves no choice about.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lamlam.errors import BadSchema
from lamlam.runtime.chat.call_grammar import split_at_marks
from lamlam.runtime.chat.json_schemas import parser_limits, without_panics
from lamlam.runtime.decoding.vocabulary import Vocabulary

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

_MOST_KEPT = 64
"""Compiled grammars: an agent sends the same tools with every message."""
_SPECIAL = b"\xff"
"""Before the text of a token that is more than its text, so that no text contains it."""


class TokenMatcher:
    """One text under a grammar, token by token."""

    def __init__(self, matcher: LLMatcher, n_tokens: int) -> None:
        self._matcher = matcher
        self._n_tokens = n_tokens

    @property
    def is_over(self) -> bool:
        """The text is complete, and nothing may follow."""
        return self._matcher.is_stopped()

    def allowed(self) -> NDArray[np.uint8]:
        """Return a row in which 1 marks the tokens that may come next.

        Raises:
            BadSchema: the grammar is too much work here.
        """
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        self._check()
        return np.unpackbits(bits, count=self._n_tokens, bitorder="little")

    def take(self, token: int) -> None:
        """Append an allowed token."""
        self._matcher.consume_token(token)
        self._check()

    def try_to_take(self, tokens: Sequence[int]) -> bool:
        """Append tokens, or none of them where the grammar does not allow all; return which."""
        n = self._matcher.try_consume_tokens(list(tokens))
        if n < len(tokens):
            self._matcher.rollback(n)
        return n == len(tokens)

    def _check(self) -> None:
        if self._matcher.is_error():
            reason = self._matcher.get_error().partition("\n")[0][:200]
            raise BadSchema(
                f"the schema is too much work while it is written: {reason}",
                hint="simplify the schema: fewer alternatives, shorter patterns",
            )


class GrammarMatchers:
    """The compiled grammars of one model."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._tokenizer: LLTokenizer | None = None
        self._compiled: OrderedDict[str, LLMatcher] = OrderedDict()

    def matcher(self, grammar: str) -> TokenMatcher:
        """Return a fresh matcher; the first takes a tenth of a second for fifty thousand tokens.

        Raises:
            BadSchema: llguidance refuses the grammar.
        """
        from llguidance import LLMatcher

        compiled = self._compiled.get(grammar)
        if compiled is None:
            if self._tokenizer is None:
                self._tokenizer = _tokenizer(self._vocabulary)
            with without_panics("the form of the answer"):
                limits = parser_limits()
                compiled = LLMatcher(self._tokenizer, grammar, log_level=0, limits=limits)
            if compiled.is_error():
                reason = compiled.get_error().partition("\n")[0][:200]
                raise BadSchema(f"the schemas cannot become a mask: {reason}")
            self._compiled[grammar] = compiled
            while len(self._compiled) > _MOST_KEPT:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(grammar)
        return TokenMatcher(compiled.deep_copy(), self._vocabulary.n_tokens)

    def tokens_of(self, text: str) -> list[int]:
        """Return the tokens of a part of a grammar, control tokens included."""
        control = self._vocabulary.control_marks
        tokens: list[int] = []
        for part in split_at_marks(text, control):
            tokens += [control[part]] if part in control else self._vocabulary.tokenize(part)
        return tokens


class _Tokens:
    """A vocabulary as llguidance reads it."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        ends = sorted(vocabulary.eog_tokens - vocabulary.suppressed) or sorted(
            vocabulary.eog_tokens
        )
        self.ends = ends
        self.eos_token_id = ends[0] if ends else 0
        self.bos_token_id = vocabulary.bos if vocabulary.bos >= 0 else None
        names = {token: text.encode() for text, token in vocabulary.control_marks.items()}
        more_than_text = vocabulary.not_text | vocabulary.eog_tokens
        self.tokens = [
            _SPECIAL + names.get(token, b"<|%d|>" % token)
            if token in more_than_text or token in names
            else vocabulary.piece(token)
            for token in range(vocabulary.n_tokens)
        ]
        self.special_token_ids: list[int] = []

    def __call__(self, text: bytes | str) -> list[int]:
        text = text.decode("utf-8", "ignore") if isinstance(text, bytes) else text
        return list(self._vocabulary.tokenize(text))


def _tokenizer(vocabulary: Vocabulary) -> LLTokenizer:
    from llguidance import LLTokenizer, TokenizerWrapper

    tokens = _Tokens(vocabulary)
    return LLTokenizer(TokenizerWrapper(tokens), eos_token=tokens.ends or None)
