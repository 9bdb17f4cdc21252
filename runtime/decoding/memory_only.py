"""The decoder of the policy ``memory_only``: what memory lacks is not written from the weights.

Four rules, on top of the lookups that a text has under every policy:

- A missed lookup ends the text. A question, a blank or a label gets `NOT_IN_MEMORY` first.
- A lookup that the model holds for likely (`WANTED`) is made, also where another token is
  likelier. Where none may be made, the text ends.
- A name or a number that neither prompt nor memory has given is not written (`GuessGuard`).
- A value that the model writes itself has to be the fetched one, letter by letter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from lamlam.errors import UsageError
from lamlam.runtime.decoding.actions import Action, Done, Sample
from lamlam.runtime.decoding.decoder import NOT_IN_MEMORY, Decoder, InEntity, InText
from lamlam.runtime.decoding.due_lookup import is_sentence_over, sentence_start
from lamlam.runtime.decoding.guess_guard import GuessGuard
from lamlam.runtime.decoding.sampling import Choice
from lamlam.runtime.decoding.settings import TextSettings
from lamlam.runtime.decoding.token_masks import TokenMasks, token_ids
from lamlam.runtime.decoding.vocabulary import ChatPrompt, Vocabulary

if TYPE_CHECKING:
    from lamlam.runtime.decoding.completion import FinishReason
    from lamlam.runtime.decoding.logprobs import Scored
    from lamlam.runtime.decoding.spans import LookupRecord

SAID_FOR_NOTHING = f"That is {NOT_IN_MEMORY}."
"""The answer of a chat of which nothing else is left."""
WANTED = 0.2
"""A lookup of at least this probability is made: a model without a lookup writes what it guesses,
and a guess in small letters cannot be told from other text."""


class MemoryOnlyDecoder(Decoder):
    """One sequence whose names, numbers and answers are those of prompt and memory."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        masks: TokenMasks,
        settings: TextSettings,
        prompt: str | ChatPrompt,
        *,
        context: int,
        may_look: bool = True,
        floors: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Begin as `Decoder` does.

        Raises:
            UsageError: there is no memory, or the model cannot ask it while it writes.
        """
        lookup = vocabulary.lookup
        if lookup is None:
            raise UsageError(
                "policy 'memory_only' needs a model with lookup tokens: what another model writes"
                " cannot be told from a guess",
                hint="use the bundled model, or another policy",
            )
        if not may_look:
            raise UsageError(
                "policy 'memory_only' needs a memory", hint="give the engine one: Engine(memory=…)"
            )
        parts = [prompt] if isinstance(prompt, str) else prompt.stretches
        self._guard = GuessGuard("\n".join(one for one in parts if isinstance(one, str)))
        self._settled = len(prompt) if isinstance(prompt, str) else 0
        self._is_chat = isinstance(prompt, ChatPrompt) and bool(prompt.question)
        self._is_model_writing = False
        """The model is writing a fetched value itself."""
        self._must_look = False
        self._is_lacking = False
        """The words of the prompt ask for what memory has no value of."""
        self._is_answer_due = False
        self._lookup_token = token_ids({lookup.entity})
        looking = masks.text_no_end if settings.ignore_eos else masks.text
        bias = ((lookup.entity, settings.lookup_bias),) if settings.lookup_bias else ()
        self._wanting, self._wanting_behind_value = (
            Sample(Choice(forbidden, bias, preferred=self._lookup_token, floor=WANTED))
            for forbidden in (looking, np.union1d(looking, masks.letters))
        )
        self._only_looking = Sample(Choice(masks.key[:0], allowed=self._lookup_token))
        super().__init__(
            vocabulary,
            masks,
            settings,
            prompt,
            context=context,
            may_look=may_look,
            floors=floors,
        )

    def prompt_read(self, form: str, *, is_by_words: bool) -> None:
        """Take what the prompt is, before any text is written and after its words asked memory.

        Args:
            form: "open" if its sentence goes on; else it is answered.
            is_by_words: what its words ask for is asked for; so nothing is left to be asked.
        """
        self._is_answer_due = form != "open"
        if self._is_lacking and not self._is_answer_due:
            self._finish("miss")
            return
        if not self._is_answer_due or not isinstance(self.action, Sample):
            return
        if is_by_words or not self._can_look:
            self._lack()
        else:
            self._must_look = True
            self.action = self._only_looking

    def forbid_lookups(self) -> None:
        """Note that the words ask for what memory lacks: the text may not go on."""
        super().forbid_lookups()
        self._is_lacking = True

    def ask(self, entity: str, relation: str | None, *, is_last: bool = False) -> None:
        """Have a whole lookup written, or end the text if there is no room for it."""
        before = self.action
        super().ask(entity, relation, is_last=is_last)
        if self.action is before:
            self._finish("context")

    def close_lookups(self, is_common: Callable[[str], bool]) -> None:
        """Allow no lookup, and words of every text at the beginning of a sentence."""
        super().close_lookups(is_common)
        self._guard.allow_common(is_common)

    def discourage_lookups(self, is_common: Callable[[str], bool]) -> None:
        """Have fewer lookups, and words of every text at the beginning of a sentence."""
        super().discourage_lookups(is_common)
        self._guard.allow_common(is_common)

    def close(self) -> None:
        """End the text: its words ask for what memory lacks."""
        assert isinstance(self.state, InEntity)
        self._abandon(self.state.start)

    def answered(self, record: LookupRecord) -> None:
        """Go on with how the lookup ended."""
        super().answered(record)
        if record.value is None and self.action == Done("miss"):
            self._lack()

    # Text --------------------------------------------------------------------------------

    def _sampled_in_text(self, token: int, scored: Scored | None) -> None:
        if token == self._lookup_token[0] and self._due is None:
            if self._cut_guess(is_complete=True):
                self._finish("miss")
                return
            if not self._can_look:
                self._lack()
                return
        super()._sampled_in_text(token, scored)
        if isinstance(self.state, InText) and isinstance(self.action, Sample) and not self._due:
            if self._cut_guess(is_complete=False):
                self._finish("miss")

    def _open_lookup(self) -> InEntity:
        state = super()._open_lookup()
        if self._must_look:
            self._must_look, self._ends_behind_value = False, not self.settings.ignore_eos
        return state

    def _next_in_text(self) -> Action:
        action = super()._next_in_text()
        if isinstance(action, Done) or self.output.has_partial_character or self._due is not None:
            return action
        if not self._may_look:
            return action
        return self._wanting_behind_value if self._is_behind_value else self._wanting

    def _write_text(self, rest: str, text: str) -> None:
        super()._write_text(rest, text)
        self._settled = len(self.output.text)

    def _cut_guess(self, *, is_complete: bool) -> bool:
        """Return true if the text holds a guess, and cut the text off before it."""
        output = self.output
        if self._is_model_writing:
            if is_complete:
                output.settle()
            if output.is_comparing:
                return False
            self._is_model_writing = False
            end = output.fact_end(self._settled)
            if end is None:
                output.cut(self._settled)
                return True
            self._settled = end
        found = self._guard.search(output.text, self._settled, is_complete=is_complete)
        if found.guess is not None:
            output.cut(found.guess)
            return True
        self._settled = output.held_from = found.settled
        if self._is_chat:
            output.held_from = min(found.settled, sentence_start(output.text))
        return False

    # Values and misses -------------------------------------------------------------------

    def _write_value(self, value: str, fact: LookupRecord | None) -> None:
        self._guard.learn(value)
        super()._write_value(value, fact)
        self._settled = self.output.held_from = len(self.output.text)
        if self.settings.verbalise == "model":
            self._is_model_writing = not isinstance(self.action, Done)

    def _lack(self) -> None:
        """End the text where memory lacks what is wanted; an answer that is due says so."""
        if self._is_answer_due and not self.n_text_tokens and self.settings.max_lookups:
            words = self.vocabulary.tokenize(f" {NOT_IN_MEMORY}")
            self.n_tokens += len(words)
            self._write_out(NOT_IN_MEMORY, None, words)
        self.state = InText()
        self.key_to_guide = None
        self._finish("miss")

    def _abandon(self, start: int) -> Action:
        self._lack()
        return self.action

    def _done(self, reason: FinishReason) -> Done:
        done = super()._done(reason)
        if self._cut_guess(is_complete=True):
            done = Done("miss")
        if self._is_chat and done.reason == "miss":
            self._leave_whole_sentences()
        return done

    def _leave_whole_sentences(self) -> None:
        """Take back the sentence that a miss ends, unless it holds a value; something is said."""
        output = self.output
        start = sentence_start(output.text)
        if is_sentence_over(output.text[start:]) or output.fact_end(start) is not None:
            start = len(output.text)
        output.cut(start)
        if self.listed is not None:
            self.listed.cut(start)
        if not output.text.strip():
            super()._write_text("", SAID_FOR_NOTHING)
            self.tokens += self.vocabulary.tokenize(SAID_FOR_NOTHING)
