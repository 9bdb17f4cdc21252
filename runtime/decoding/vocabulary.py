"""The tokens of a model, the four lookup tokens among them.

`Vocabulary` is all that the decoder and the key constraint know of a model: text to tokens,
tokens to bytes, and which tokens are more than text. Text is data: it is always
tokenized with special tokens off, so no prompt, key or value yields a lookup token.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from lamlam.errors import NoLookupTokens, UnknownToken, UsageError
from lamlam.lookup_tokens import LOOKUP_TOKENS
from lamlam.runtime.decoding import output_marks

# The format's token types: these are never text (unknown, control, unused).
_NOT_TEXT = frozenset({2, 3, 5})
_CONTROL = 3
_MOST_RELATIONS = 4096
_SURELY_SHORT = 16
"""Characters a token, up to which a prompt is tokenized without counting first."""


Stretch = str | int
"""Text, or the id of a control token."""


@dataclass(frozen=True, slots=True)
class ChatPrompt:
    """A prompt in stretches, for `Vocabulary.prompt_tokens`."""

    stretches: tuple[Stretch, ...]
    thought: str = ""
    """The mark of the thought that the prompt opens."""
    question: str = ""
    """The last message if it is the user's; else empty."""
    before: tuple[str, ...] = ()
    """The user's message before it, and its answer, of which the last one may speak."""


class TokenSource(Protocol):
    """What a `Vocabulary` is built from: a loaded model, or a stand-in in tests."""

    n_tokens: int
    bos: int
    """The beginning-of-sequence (BOS) token; -1 if the model has none."""

    def tokenize(self, text: bytes, *, special: bool) -> list[int]:
        """Return the tokens of the text; with ``special``, token texts become their tokens."""
        ...

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Return the bytes of a token; those of control tokens only with ``special``."""
        ...

    def eog_tokens(self) -> list[int]:
        """Return the end-of-generation (EOG) tokens."""
        ...

    def token_types(self) -> list[int]:
        """Return the format's type number of each token, as it is treated."""
        ...


@dataclass(frozen=True, slots=True)
class LookupTokens:
    """Ids of the four tokens that make a lookup."""

    entity: int
    relationship: int
    return_: int
    end: int


class Vocabulary:
    """Text to tokens and back, with the lookup tokens known by id."""

    def __init__(
        self, source: TokenSource, *, plain: bool = False, suppressed: Iterable[int] = ()
    ) -> None:
        """Find the lookup tokens; ``lookup`` is ``None`` where the model has none of them.

        Args:
            plain: the model is run without lookups, whatever tokens it has.
            suppressed: tokens that the model must not write.

        Raises:
            NoLookupTokens: some are missing, or typed so that plain text could yield them.
        """
        self._source = source
        self._text_start = bytes(getattr(source, "text_start", b"")).decode()
        self._pieces: dict[int, bytes] = {}
        types = source.token_types()
        self.n_tokens = source.n_tokens
        self.bos = source.bos
        self.eog_tokens = frozenset(source.eog_tokens())
        self.lookup = None if plain else _find_lookup_tokens(source, types)
        self.token_types = types
        self.strips = source.strips() if hasattr(source, "strips") else {}
        """Tokens that take the white space (before, after) them."""
        self.suppressed = frozenset(suppressed)
        """Written in no state, whatever they are."""
        self.marks = frozenset() if self.lookup else _find_marks(source, self.eog_tokens)
        """Tokens around thoughts and calls, which a plain model writes."""
        control = {n for n, kind in enumerate(types) if kind in _NOT_TEXT}
        self.not_text = frozenset(control - self.marks) | self.suppressed
        self._pieces |= {
            mark: source.piece(mark, special=True) for mark in self.marks if mark in control
        }
        self.control_marks = {self._pieces[one].decode(): one for one in self.marks & control}
        """Marks by text, as far as only their own token yields them."""
        self._relation_tokens: dict[str, tuple[int, ...]] = {}
        self._longest_piece: int | None = None  # bytes; asking each token takes a while

    def prompt_tokens(self, prompt: str | ChatPrompt) -> list[int]:
        """Return the tokens of a prompt, the BOS token included.

        Raises:
            UnknownToken: the tokenizer is damaged.
        """
        start = [self.bos] if self.bos >= 0 else []
        if isinstance(prompt, str):
            is_begun = not prompt or prompt.startswith(" ")
            return start + self._tokenized(prompt if is_begun else self._text_start + prompt)
        tokens: list[int] = []
        for stretch in prompt.stretches:
            tokens += [stretch] if isinstance(stretch, int) else self.tokenize(stretch)
        return tokens if tokens[:1] == start else start + tokens  # a template may write it itself

    def least_tokens(self, prompt: str | ChatPrompt, enough: int) -> int:
        """Return how many tokens the prompt takes at least, by its length alone.

        Args:
            enough: below this number, 0 may be returned instead.
        """
        stretches = [prompt] if isinstance(prompt, str) else prompt.stretches
        n_characters = sum(len(one) for one in stretches if isinstance(one, str))
        if n_characters <= _SURELY_SHORT * enough:
            return 0
        if self._longest_piece is None:
            self._longest_piece = max(map(len, map(self._source.piece, range(self.n_tokens))))
        return n_characters // max(1, self._longest_piece)

    def piece(self, token: int) -> bytes:
        """Return the bytes that a token stands for."""
        piece = self._pieces.get(token)
        if piece is None:
            piece = self._pieces[token] = self._source.piece(token)
        return piece

    def text_of(self, tokens: list[int]) -> str:
        """Return the text of tokens; bytes that are not UTF-8 become U+FFFD."""
        return b"".join(map(self.piece, tokens)).decode("utf-8", "replace")

    def tokenize(self, text: str) -> tuple[int, ...]:
        """Return the tokens of text, without BOS.

        Not cached: text may be a value, and an erased one must not remain here.
        """
        return tuple(self._tokenized(text))

    def _tokenized(self, text: str) -> list[int]:
        """Return the tokens; check them, since an unknown one would fail its whole batch."""
        tokens = self._source.tokenize(_encode(text), special=False)
        if tokens and not (min(tokens) >= 0 and max(tokens) < self.n_tokens):
            wrong = next(token for token in tokens if not 0 <= token < self.n_tokens)
            raise UnknownToken(wrong, self.n_tokens)
        return tokens

    def relation_tokens(self, name: str) -> tuple[int, ...]:
        """Return the tokens of a relation's name with a space in front; cached, as few recur."""
        tokens = self._relation_tokens.get(name)
        if tokens is None:
            if len(self._relation_tokens) >= _MOST_RELATIONS:
                self._relation_tokens.clear()
            tokens = self._relation_tokens[name] = self.tokenize(f" {name}")
        return tokens


def _encode(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(
            "the text contains an unpaired surrogate, which is not a character"
        ) from None


def _find_marks(source: TokenSource, eog_tokens: frozenset[int]) -> frozenset[int]:
    found = (source.tokenize(text.encode(), special=True) for text in output_marks.TOKENS)
    return frozenset(tokens[0] for tokens in found if len(tokens) == 1) - eog_tokens


def _find_lookup_tokens(source: TokenSource, types: list[int]) -> LookupTokens | None:
    tokens_of = {text: source.tokenize(text.encode(), special=True) for text in LOOKUP_TOKENS}
    if all(len(tokens) != 1 for tokens in tokens_of.values()):
        return None  # a plain model
    found = []
    for text, tokens in tokens_of.items():
        if len(tokens) != 1:
            raise NoLookupTokens(
                f"the model has some lookup tokens, but not {text}",
                hint="export the checkpoint again, or open the engine with plain=True",
            )
        if types[tokens[0]] != _CONTROL:
            raise NoLookupTokens(
                f"the token {text} is not typed CONTROL, so plain text could yield it",
                hint="export the checkpoint again with lamlam export",
            )
        found.append(tokens[0])
    return LookupTokens(*found)
