"""Constrained decoding of tool calls: a call, once begun, is well-formed.

All of a call except the two names is fixed text, which the model does not choose. A name contains
no quotation marks, backslashes or control characters, and a token that begins with a quotation
mark ends it.
"""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Sequence

from lamlam.runtime.decoding.sampling import Choice, Logits, Sampler
from lamlam.runtime.decoding.settings import CallSettings, TextSettings
from lamlam.runtime.decoding.thoughts import ThoughtReader, closing_of
from lamlam.runtime.decoding.token_masks import token_ids
from lamlam.runtime.decoding.vocabulary import Vocabulary

MAX_NAME_TOKENS = 32
_QUOTES = (b"`", b'"', b"'")


class NameTokens:
    """The tokens of a vocabulary that may occur in a name, and those that end it."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Sort the tokens; takes a tenth of a second for fifty thousand."""
        blank: set[int] = set()
        inside: set[int] = set()
        ending: set[int] = set()
        forbidden = vocabulary.not_text | vocabulary.eog_tokens | vocabulary.marks
        for token in range(vocabulary.n_tokens):
            piece = vocabulary.piece(token)
            if token in forbidden or not piece:
                continue
            if piece.startswith(b'"'):
                ending.add(token)
            elif not any(byte in b'"\\\x7f' or byte < 0x20 for byte in piece):
                (blank if piece.isspace() else inside).add(token)
        everything = set(range(vocabulary.n_tokens))
        self.ending = frozenset(ending)
        self.not_first = token_ids(everything - inside)
        self.not_inside = token_ids(everything - inside - blank)
        self.not_inside_or_ending = token_ids(everything - inside - blank - ending)


class CallSampler(Sampler):
    """Chooses the tokens of one turn."""

    def __init__(
        self, settings: TextSettings, call: CallSettings, vocabulary: Vocabulary, names: NameTokens
    ) -> None:
        super().__init__(settings.sampler, vocabulary.n_tokens)
        self._vocabulary = vocabulary
        self._call = call
        self._names = names
        self._opening = call.form.opening.encode()
        self._end = min(vocabulary.eog_tokens - vocabulary.suppressed, default=None)
        inside = settings.thoughts.inside if settings.thoughts else ""
        self._way_out = f"\n{closing_of(inside)}\n\n" if inside else ""
        """What ends the thought that the prompt opened, where a call is required."""
        self._thoughts = ThoughtReader(inside)
        self._text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._n_before: int | None = None
        self._tail = b""
        """The end of the text, which may be the beginning of a call's opening."""
        self._forced: deque[int] = deque()
        self._gap: int | None = None
        """0 in the entity, 1 in the relation, 2 behind; ``None`` before a call."""
        self._name = codecs.getincrementaldecoder("utf-8")("replace")
        self._n_name_tokens = 0

    def pick(self, logits: Logits, choice: Choice, history: Sequence[int]) -> int:
        """Return the next token."""
        if self._n_before is None:
            self._n_before = len(history)
            if self._call.is_required:
                self._begin(self._way_out + self._call.form.opening)
        if self._forced:
            return self._forced.popleft()
        if self._gap is None:
            if len(history) - self._n_before >= self._call.max_text_tokens:
                return self._ended(logits, choice, history)
            return self._watched(super().pick(logits, choice, history))
        if self._gap < 2:
            return self._in_name(logits, history)
        return self._ended(logits, choice, history)

    def _watched(self, token: int) -> int:
        """Return the token, or where it completes the opening of a call, the first of the call."""
        if not self._opening:
            return token
        piece = self._vocabulary.piece(token)
        self._text += self._decoder.decode(piece)
        self._thoughts.read(self._text)
        text = self._tail + piece
        at = text.find(self._opening)
        is_quoted = at > 0 and text[at - 1 : at] in _QUOTES
        if at < 0 or is_quoted or self._thoughts.in_thought:
            # One byte more than the opening could need: it tells whether the opening is quoted.
            kept = text[at + len(self._opening) :] if is_quoted else text[-len(self._opening) :]
            self._tail = b"" if self._thoughts.in_thought else kept
            return token
        # The token may have brought more than the opening: it is not taken.
        n = next(n for n in range(len(self._tail), -1, -1) if self._opens(n))
        self._begin(self._opening[n:].decode("utf-8", "ignore"))
        return self._forced.popleft()

    def _opens(self, n: int) -> bool:
        return n < len(self._opening) and self._tail.endswith(self._opening[:n])

    def _begin(self, opening: str) -> None:
        self._gap = 0
        self._forced.extend(self._vocabulary.tokenize(opening + self._call.form.fixed[0]))

    def _in_name(self, logits: Logits, history: Sequence[int]) -> int:
        names = self._names
        is_partial = bool(self._name.getstate()[0])
        if self._n_name_tokens >= MAX_NAME_TOKENS:
            return self._close_name()
        if not self._n_name_tokens:
            forbidden = names.not_first
        else:
            forbidden = names.not_inside if is_partial else names.not_inside_or_ending
        token = super().pick(logits, Choice(forbidden, is_key=True), history)
        if token in names.ending:
            return self._close_name()
        self._n_name_tokens += 1
        self._name.decode(self._vocabulary.piece(token))
        return token

    def _close_name(self) -> int:
        assert self._gap is not None
        self._gap += 1
        self._n_name_tokens = 0
        self._name.reset()
        self._forced.extend(self._vocabulary.tokenize(self._call.form.fixed[self._gap]))
        return self._forced.popleft()

    def _ended(self, logits: Logits, choice: Choice, history: Sequence[int]) -> int:
        return super().pick(logits, choice, history) if self._end is None else self._end


class Samplers:
    """Makes the sampler that a generation's settings ask for."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._names: NameTokens | None = None

    def __call__(self, settings: TextSettings, n_tokens: int) -> Sampler:
        """Return a fresh sampler."""
        if settings.call is None:
            return Sampler(settings.sampler, n_tokens)
        self._names = self._names or NameTokens(self._vocabulary)
        return CallSampler(settings, settings.call, self._vocabulary, self._names)
