"""Constrained decoding of a turn: calls and answers in a form, by masks of tokens.

Free text is watched for what shows that a call has begun; from there on, or from the first token
of an answer whose form was asked for, only tokens that the grammar allows are chosen. Lookup tokens
are no part of the text, so a model that has them may look up in between.
"""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Sequence

import numpy as np

from lamlam.errors import BadSchema
from lamlam.runtime.chat.grammar_matchers import GrammarMatchers
from lamlam.runtime.decoding.output_marks import THOUGHT_MARKS
from lamlam.runtime.decoding.sampling import Choice, Logits, Sampler
from lamlam.runtime.decoding.settings import GrammarSettings, TextSettings
from lamlam.runtime.decoding.thoughts import ThoughtReader, closing_of
from lamlam.runtime.decoding.vocabulary import Vocabulary

_QUOTES = (b"`", b'"', b"'")
_THOUGHTS = frozenset(opening for opening, _ in THOUGHT_MARKS)


class GrammarSampler(Sampler):
    """Chooses the tokens of one turn."""

    def __init__(
        self,
        settings: TextSettings,
        grammar: GrammarSettings,
        vocabulary: Vocabulary,
        matchers: GrammarMatchers,
    ) -> None:
        """Compile the grammar.

        Raises:
            BadSchema: llguidance refuses it.
        """
        super().__init__(settings.sampler, vocabulary.n_tokens)
        self._vocabulary = vocabulary
        self._grammar = grammar
        self._matchers = matchers
        self._matcher = matchers.matcher(grammar.grammar) if grammar.grammar else None
        self._masked: Logits = np.empty(vocabulary.n_tokens, np.float32)
        self._end = min(vocabulary.eog_tokens - vocabulary.suppressed, default=None)
        lookup = vocabulary.lookup
        # Inside a form a value that the runtime copies into the text could break it.
        may_look = settings.verbalise == "model" and lookup is not None
        self._lookup = lookup.entity if lookup is not None and may_look else None
        inside = settings.thoughts.inside if settings.thoughts else ""
        self._way_out = f"\n{closing_of(inside)}\n\n" if inside else ""
        """What ends the thought that the prompt opened, where the answer has a form."""
        self._thoughts = ThoughtReader(inside)
        self._text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._n_before: int | None = None
        self._triggers = grammar.triggers if self._matcher is not None else ()
        """What may still begin a call."""
        self._tail = b""
        """The end of the text, which may be the beginning of a trigger."""
        self._answer = ""
        """The answer so far, where only its beginning can be a trigger."""
        self._forced: deque[int] = deque()
        self._is_inside = False
        self._is_thinking = False

    def pick(self, logits: Logits, choice: Choice, history: Sequence[int]) -> int:
        """Return the next token.

        Raises:
            BadSchema: no token of the model can go on in the grammar, or it is too much work.
        """
        if choice.is_key:
            return super().pick(logits, choice, history)
        if self._n_before is None:
            self._n_before = len(history)
            if self._grammar.is_whole:
                return self._begin_whole(logits, choice, history)
        if self._forced:
            return self._forced.popleft()
        if self._is_inside:
            return self._pick_inside(logits, choice, history)
        if self._is_thinking:
            token = super().pick(logits, choice, history)
            self._read(self._vocabulary.piece(token))
            self._is_thinking = self._thoughts.in_thought
            self._is_inside = not self._is_thinking
            return token
        if len(history) - self._n_before >= self._grammar.max_text_tokens:
            return self._ended(logits, choice, history)
        return self._watched(super().pick(logits, choice, history))

    def _begin_whole(self, logits: Logits, choice: Choice, history: Sequence[int]) -> int:
        """Return the first token of an answer that has a form; a model may think before."""
        self._forced.extend(self._matchers.tokens_of(self._way_out))
        if self._forced:
            self._is_inside = True
            return self._forced.popleft()
        token = super().pick(logits, choice, history)
        mark = self._vocabulary.piece(token)
        if token in self._vocabulary.marks and mark.decode("utf-8", "replace") in _THOUGHTS:
            self._is_thinking = True
            self._read(mark)
            return token
        self._is_inside = True
        return self._pick_inside(logits, choice, history)

    def _pick_inside(self, logits: Logits, choice: Choice, history: Sequence[int]) -> int:
        assert self._matcher is not None
        if self._matcher.is_over:
            return self._ended(logits, choice, history)
        allowed = self._matcher.allowed()
        if self._lookup is not None:
            allowed[self._lookup] = 1
        allowed[choice.forbidden] = 0
        if not allowed.any():
            raise BadSchema(
                "the answer cannot go on: no token of the model fits the schema here",
                hint="allow another answer, or leave out ignore_eos",
            )
        np.copyto(self._masked, logits)
        self._masked[allowed == 0] = -np.inf
        token = super().pick(self._masked, choice, history)
        if token != self._lookup:
            self._matcher.take(token)
        return token

    def _ended(self, logits: Logits, choice: Choice, history: Sequence[int]) -> int:
        return super().pick(logits, choice, history) if self._end is None else self._end

    # Free text ---------------------------------------------------------------------------

    def _read(self, piece: bytes) -> None:
        self._text += self._decoder.decode(piece)
        self._thoughts.read(self._text)

    def _watched(self, token: int) -> int:
        """Return the token, or where it completes a trigger but breaks the form, what fits it."""
        if not self._triggers:
            return token
        piece = self._vocabulary.piece(token)
        self._read(piece)
        found = self._in_beginning() if self._grammar.begins_answer else self._in_text(piece)
        if found is None:
            return token
        assert self._matcher is not None
        written, trigger, missing = found
        self._is_inside = True
        if self._matcher.try_to_take(self._matchers.tokens_of(written)):
            return token
        # The token brought more than the trigger, which the form does not allow: it is not taken.
        if not self._matcher.try_to_take(self._matchers.tokens_of(trigger)):
            raise AssertionError("a grammar begins with its triggers")
        self._forced.extend(self._matchers.tokens_of(missing))
        return self._forced.popleft()

    def _in_text(self, piece: bytes) -> tuple[str, str, str] | None:
        """Return what has been written of a call with its trigger, the trigger, and its rest.

        The rest is what the trigger lacked before the last token.
        """
        text, (trigger,) = self._tail + piece, self._triggers
        sought = trigger.encode()
        at = text.find(sought)
        is_quoted = at > 0 and text[at - 1 : at] in _QUOTES
        if at < 0 or is_quoted or self._thoughts.in_thought:
            # One byte more than the trigger could need: it tells whether the trigger is quoted.
            kept = text[at + len(sought) :] if is_quoted else text[-len(sought) :]
            self._tail = b"" if self._thoughts.in_thought else kept
            return None
        missing = sought[max(0, len(self._tail) - at) :]
        return text[at:].decode("utf-8", "replace"), trigger, missing.decode("utf-8", "ignore")

    def _in_beginning(self) -> tuple[str, str, str] | None:
        """Return the same where the answer begins with a trigger."""
        before = self._answer
        parts = self._thoughts.answer()
        self._answer = "".join(self._text[one.start : one.end] for one in parts).lstrip()
        if not self._answer:
            return None
        for trigger in self._triggers:
            if self._answer.startswith(trigger):
                return self._answer, trigger, trigger[len(before) :]
        may_begin = [one for one in self._triggers if one.startswith(self._answer)]
        self._triggers = tuple(may_begin)
        return None


class Samplers:
    """Makes the sampler that a generation's settings ask for."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._matchers = GrammarMatchers(vocabulary)

    def __call__(self, settings: TextSettings, n_tokens: int) -> Sampler:
        """Return a fresh sampler.

        Raises:
            BadSchema: llguidance refuses the grammar that was asked for.
        """
        if settings.grammar is None:
            return Sampler(settings.sampler, n_tokens)
        return GrammarSampler(settings, settings.grammar, self._vocabulary, self._matchers)
