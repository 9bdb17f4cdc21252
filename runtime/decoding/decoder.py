"""The state machine of one sequence: token in, action out.

No I/O, no model, no memory. The driver reads `Decoder.action`, does it, and reports
back with the one method that fits; `lamlam.runtime.decoding.actions` says which.

States follow each other as ``InText -> InEntity -> InRelation -> Waiting -> InText``.
In each, a logit mask forbids every token that would break the format, so a malformed
lookup cannot be written, and a key that does not end is closed by force.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from lamlam.memory_backends.model.lookup_status import LookupStatus
from lamlam.runtime.decoding.actions import Action, Done, Force, Look, Rewind, Sample
from lamlam.runtime.decoding.call_openings import find_opening
from lamlam.runtime.decoding.completion import Completion, FinishReason
from lamlam.runtime.decoding.due_lookup import (
    DUE_BIAS,
    DueLookup,
    DueLookups,
    SpokenWatch,
    is_sentence_over,
    sentence_start,
)
from lamlam.runtime.decoding.logprobs import Scored, TokenList
from lamlam.runtime.decoding.miss_policies import MISS_POLICIES, AfterMiss
from lamlam.runtime.decoding.output_text import OutputText
from lamlam.runtime.decoding.sampling import Choice, TokenIds
from lamlam.runtime.decoding.settings import TextSettings
from lamlam.runtime.decoding.spans import LookupRecord
from lamlam.runtime.decoding.thoughts import TextPart, ThoughtReader
from lamlam.runtime.decoding.token_masks import SEPARATORS, TokenMasks, token_ids
from lamlam.runtime.decoding.trie import MAX_ENTITY_TOKENS, MAX_RELATION_TOKENS, Paths
from lamlam.runtime.decoding.vocabulary import Vocabulary

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import Lookup
    from lamlam.runtime.decoding.vocabulary import ChatPrompt

LOOKUP_COOLDOWN_TOKENS = 12
"""Text tokens after a miss in which opening a lookup is not favoured: the bias would have the
model ask for the same unknown thing at every word."""
PROMPT_END_BIAS = 2.0
"""Added to the lookup bias right after the prompt: prompts often end where a fact is due."""
DISCOURAGING_BIAS = -6.0
"""Added where the message of a chat asks nothing that memory could know."""
CLOSED_AFTER_MISS_TOKENS = 16
"""Text tokens without lookups where the words of the text named a relation that memory lacks: the
model would ask for another one and state its value there."""
NOT_IN_MEMORY = "not in memory"
"""The answer where memory has none."""
SEVERAL_OF_THE_NAME = "not clear: memory holds several of this name"
_SAID_IN_CHATS = ("continue", "ask_again", "nearest", "memory_only")
"""Policies under which a chat says in a sentence what memory lacks."""
_SENTENCE_MARKS = (".", "!", "?", "\n")
_MOST_ALIKE = 4
"""Equal tokens in a row, at which a sentence is left."""
MAX_QUESTIONS = 3
"""Questions at one place under the policy ``ask_again``."""


@dataclass(slots=True)
class InText:
    """Visible text is being written."""


@dataclass(slots=True)
class InEntity:
    """The name of the entity is being written."""

    start: int
    """Where in the tokens the lookup opened."""
    trie: Paths | None = None
    only: Paths | None = None
    """Nothing else may be written."""
    is_another: bool = False
    """Memory did not know the name before: another one of the trie has to follow, not only
    preferably; without guidance, one that begins with another token."""


@dataclass(slots=True)
class InRelation:
    """The relation is being written."""

    start: int
    entity: str
    begin: int
    """Where in the tokens the relation's own tokens begin."""
    trie: Paths | None = None
    only: Paths | None = None
    """Nothing else may be written."""


@dataclass(slots=True)
class Waiting:
    """Memory is asked."""

    start: int
    lookup: Lookup
    relation_begin: int


@dataclass(frozen=True, slots=True)
class _Planned:
    """What is written where the sequence goes on in text: the first part that is given."""

    rest: str = ""
    """Visible text whose tokens were taken back with others."""
    lead: DueLookup | None = None
    """A sentence is begun for a value, and the value looked up."""
    words: str = ""
    asked: tuple[str, str] | None = None
    """(entity, relation) of the lookup that is written."""
    is_led: bool = False


State = InText | InEntity | InRelation | Waiting


@dataclass(frozen=True, slots=True)
class _TextSamples:
    """The choices in text, built once for a sequence."""

    plain: Sample
    """No lookup may open."""
    quiet: Sample
    """One may, but is not favoured."""
    looking: Sample
    at_prompt_end: Sample


class Decoder:
    """One sequence, from its prompt to its end."""

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
        """Begin with the prompt's tokens; the driver evaluates them before the first action.

        Args:
            context: tokens that the sequence may hold.
            may_look: false forbids lookups altogether.
            floors: least probability of the preferred tokens in (entity, relation).
        """
        self.vocabulary = vocabulary
        self.settings = settings
        self.tokens = vocabulary.prompt_tokens(prompt)
        self.n_prompt_tokens = len(self.tokens)
        self.output = OutputText(prompt if isinstance(prompt, str) else "")
        self.listed = TokenList(vocabulary) if settings.logprobs is not None else None
        thoughts = settings.thoughts if settings.stop else None
        self._thoughts = ThoughtReader(thoughts.inside) if thoughts else None
        self.records: list[LookupRecord] = []
        self.state: State = InText()
        self.key_to_guide: Literal["entity", "relation"] | None = None
        """Set when a key begins: the driver may then call `guide`."""
        self.n_text_tokens = 0
        self.n_tokens = 0
        self.n_lookup_tokens = 0
        self._n_lookups = 0
        self._context = context
        self._masks = masks
        self._floors = floors
        self._may_look = may_look and vocabulary.lookup is not None
        self._blocked_here = False
        self._quiet_until = 0
        self._closed_until = 0
        self.is_asked_by_words = False
        """The words of the text named what the lookup asks, rather than the model."""
        self._ends_behind_value = False
        self._due: DueLookups | None = None
        self._watch: SpokenWatch | None = None
        self._planned: _Planned | None = None
        """What is written where the sequence goes on in text."""
        self._led = False
        """The sentence before the open lookup is the runtime's own."""
        self._has_answered = False
        """All questions of a chat have their values: the answer ends with its sentence."""
        self._boundaries: list[tuple[int, int]] = []
        """(characters, tokens) before each token of the sentence that may be taken back."""
        self._n_questions = 0
        self._avoid: set[int] = set()
        self._tried: set[tuple[str, str]] = set()
        self._unknown_starts: set[int] = set()
        """First tokens of names that memory did not know, at this place."""
        self.last_lookup: Lookup | None = None
        """What memory was asked last."""
        self._text_samples = self._build_text_samples(masks.letters[:0])
        self._samples_behind_value: _TextSamples | None = None
        self._is_behind_value = False
        """A value that ends in a letter or digit was written just now."""
        self._is_behind_number = False
        self.action: Action = self._next_in_text()

    @property
    def open_entity(self) -> str:
        """The entity of the question that is being written; empty outside a relation."""
        return self.state.entity if isinstance(self.state, InRelation) else ""

    @property
    def open_lookup(self) -> Lookup | None:
        """What would be asked if the key that is being written ended here."""
        state = self.state
        if not isinstance(state, InRelation):
            return None
        return self._lookup(state.entity, self._text(state.begin, len(self.tokens)))

    @property
    def needs_score(self) -> bool:
        """The next token is one of the text, and how likely it is is to be listed."""
        return self.listed is not None and isinstance(self.state, InText)

    # What the driver reports -----------------------------------------------------------

    def sampled(self, token: int, scored: Scored | None = None) -> None:
        """Take the token that was sampled; it is appended to the sequence.

        Args:
            scored: how likely it was, where the decoder `needs_score`.
        """
        self.n_tokens += 1
        match self.state:
            case InText():
                self._sampled_in_text(token, scored)
            case InEntity() as state:
                self._sampled_in_entity(state, token)
            case InRelation() as state:
                self._sampled_in_relation(state, token)
            case Waiting():
                raise AssertionError("no token is sampled while a question waits")

    def forced(self) -> None:
        """Note that the forced tokens were appended to the sequence."""
        assert isinstance(self.action, Force)
        tokens = self.action.tokens
        match self.state:
            case InEntity() | InRelation():
                for token in tokens:
                    self.sampled(token)
                if isinstance(self.state, Waiting):
                    self.key_to_guide = None
            case _:
                self.n_tokens += len(tokens)
                self.tokens.extend(tokens)
                self.state = InText()
                self.action = self._next_in_text()
                self._go_on()

    @property
    def may_open_lookup(self) -> bool:
        """A lookup may be written here."""
        return isinstance(self.state, InText) and self._can_look

    def ask(self, entity: str, relation: str | None, *, is_last: bool = False) -> None:
        """Have a lookup written, in the place of one that the model may open or has opened.

        Args:
            relation: ``None`` leaves it to the model, within what the driver lets it choose.
            is_last: the text ends behind its value, as the answer of a question does.
        """
        lookup = self.vocabulary.lookup
        assert lookup is not None
        names = (*self.vocabulary.tokenize(f" {entity}"), lookup.relationship)
        if relation is not None:
            names += (*self.vocabulary.relation_tokens(relation), lookup.return_)
        if len(self.tokens) + len(names) >= self._context:
            return
        if isinstance(self.state, InText):
            self._open_lookup()
            names = (lookup.entity, *names)
        self.key_to_guide = None
        self.is_asked_by_words, self._ends_behind_value = True, is_last
        self.action = Force(names)

    def expect(self, due: DueLookups) -> None:
        """Have lookups written where the model would open one, state a value or end."""
        if not self._can_look:
            return
        self._due = due
        self._favour(DUE_BIAS)
        if due.waiting[0].begins_answer:
            self._planned = _Planned(lead=due.take_next())
            self._go_on()

    def watch(self, watch: SpokenWatch) -> None:
        """Have a value looked up wherever the model is about to state one that memory holds."""
        self._watch = watch

    def end_with_sentence(self) -> None:
        """End the text with its first sentence: what it answers is mere politeness."""
        self._has_answered = True

    def close_lookups(self, is_common: Callable[[str], bool]) -> None:
        """Allow no lookup in this text: it asks nothing that memory could know.

        Args:
            is_common: returns whether a word in small letters is one of every text.
        """
        self._may_look = False
        if isinstance(self.state, InText) and isinstance(self.action, Sample):
            self.action = self._next_in_text()

    def discourage_lookups(self, is_common: Callable[[str], bool]) -> None:
        """Have a lookup written only where the model is almost sure of it.

        Args:
            is_common: as for `close_lookups`.
        """
        self._favour(DISCOURAGING_BIAS)

    def forbid_lookups(self) -> None:
        """Allow no lookup for some words."""
        self._closed_until = self.n_text_tokens + CLOSED_AFTER_MISS_TOKENS
        if isinstance(self.state, InText) and isinstance(self.action, Sample):
            self.action = self._next_in_text()

    def close(self) -> None:
        """Take back the lookup that has just opened, and allow none for some words."""
        assert isinstance(self.state, InEntity)
        self._closed_until = self.n_text_tokens + CLOSED_AFTER_MISS_TOKENS
        self._abandon(self.state.start)

    def guide(
        self,
        trie: Paths | None,
        avoid: frozenset[int] = frozenset(),
        *,
        only: Paths | None = None,
        is_strict: bool = False,
        is_blind: bool = False,
    ) -> None:
        """Let the key that has just begun prefer the paths of the trie.

        Args:
            avoid: tokens with which the key must not begin.
            only: all paths that the key may take, if the guidance is strict; without any
                the lookup is abandoned.
            is_blind: it is not known what memory holds.
        """
        self.key_to_guide = None
        state = self.state
        if not isinstance(state, InEntity | InRelation):
            return
        if isinstance(state, InEntity) and state.is_another:
            if is_blind:
                self._avoid |= self._unknown_starts
            else:
                only, is_strict = trie, True
        if is_strict and only is None:
            self.action = self._abandon(state.start)
            return
        if trie is not None:
            self._avoid |= avoid
        state.trie, state.only = trie, only
        if isinstance(self.action, Sample):
            self.action = self._next_in_key(state)

    def answered(self, record: LookupRecord) -> None:
        """Go on with how the lookup ended; entity, relation and place are filled in here."""
        state = self.state
        assert isinstance(state, Waiting)
        record = replace(
            record,
            entity=state.lookup.entity,
            relation=state.lookup.relation,
            at=len(self.output.text),
        )
        self.records.append(record)
        self._n_lookups += 1
        is_led, self._led = self._led, False
        if record.value is not None:
            self._write_value(record.value, record)
            due = self._due
            if due is not None and due.waiting and self.settings.verbalise == "copy":
                self._planned = _Planned(lead=due.take_next())
            return
        if is_led and self.settings.policy in _SAID_IN_CHATS:
            self._say_lacking(state.start, record)
            return
        self._quiet_until = self.n_text_tokens + LOOKUP_COOLDOWN_TOKENS
        if self.is_asked_by_words:
            self._closed_until = self.n_text_tokens + CLOSED_AFTER_MISS_TOKENS
        match MISS_POLICIES[self.settings.policy].then:
            case str() as words:
                self._write_value(words, None)
            case AfterMiss.STOP:
                self._finish("miss")
            case AfterMiss.RAISE:
                self.action = Done("lookup_failed")
            case AfterMiss.ASK_AGAIN if self._n_questions + 1 < MAX_QUESTIONS and self._may_ask:
                self._ask_again(state, record)
            case AfterMiss.ASK_AGAIN | AfterMiss.CONTINUE:
                self._abandon(state.start)

    def rewound(self) -> None:
        """Note that the sequence was truncated."""
        assert isinstance(self.action, Rewind)
        del self.tokens[self.action.to :]
        self.action = (
            self._next_in_text()
            if isinstance(self.state, InText)
            else self._next_in_key(self.state)
        )
        if isinstance(self.state, InText):
            self._go_on()

    def completion(self) -> Completion:
        """Return the completion; only after `Done`."""
        assert isinstance(self.action, Done) and self.action.reason != "lookup_failed"
        text, spans = self.output.text, self.output.spans()
        return Completion(
            text=text,
            spans=spans,
            # A stop string may have cut the text off before a lookup.
            lookups=tuple(replace(one, at=min(one.at, len(text))) for one in self.records),
            finish_reason=self.action.reason,
            n_tokens=self.n_tokens,
            n_text_tokens=self.n_text_tokens,
            n_prompt_tokens=self.n_prompt_tokens,
            logprobs=self.listed.listed(text, spans, ends_amid=self.output.ends_amid)
            if self.listed is not None
            else None,
            namespace=self.settings.namespace,
            shared_namespace=self.settings.shared_namespace,
        )

    # Text --------------------------------------------------------------------------------

    def _sampled_in_text(self, token: int, scored: Scored | None) -> None:
        lookup = self.vocabulary.lookup
        if self._due is not None and self._asks_due(self._due, token):
            return
        if self._watch is not None and self._asks_stated(self._watch, token):
            return
        if lookup is not None and token == lookup.entity:
            self.output.settle()
            if self._is_stopped():
                self._finish("stop_string")
                return
            state = self._open_lookup()
            self._append_lookup_token(token)
            self.key_to_guide = "entity"
            self.action = self._next_in_key(state)
            return
        if token in self.vocabulary.eog_tokens:
            self._finish("stop")
            return
        self._blocked_here = False
        piece = self.vocabulary.piece(token)
        if self._is_behind_value:  # "6" and "," may not become "6,700"
            self._is_behind_value = self._is_behind_number and piece in SEPARATORS
        self.tokens.append(token)
        self.n_text_tokens += 1
        if self.listed is not None:
            self.listed.add_sampled(token, len(self.output.text), scored)
        self.output.add_bytes(piece)
        if self._is_stopped():
            self._finish("stop_string")
            return
        if self._has_answered and self._is_said(token):
            self._finish("stop")
            return
        self.action = self._next_in_text()

    def _is_said(self, token: int) -> bool:
        """Return whether the one sentence that is wanted is complete, or goes round in circles."""
        is_over = self.output.text[-1:] in _SENTENCE_MARKS
        return is_over or self.tokens[-_MOST_ALIKE:] == [token] * _MOST_ALIKE

    # Questions of a chat -----------------------------------------------------------------

    def _asks_due(self, due: DueLookups, token: int) -> bool:
        """Return true if a lookup that is due is written in the place of a token."""
        lookup = self.vocabulary.lookup
        assert lookup is not None
        before = self.output.text
        self._boundaries.append((len(before), len(self.tokens)))
        if not self._can_look:
            return False
        if token == lookup.entity or token in self.vocabulary.eog_tokens:
            place: int | None = due.end_place(before)
        else:
            piece = self.vocabulary.piece(token).decode("utf-8", "ignore")
            place = due.value_place(before, piece)
        if place is None:
            self.output.held_from = sentence_start(before)
            return False
        self._boundaries.pop()
        self.output.settle()
        if self._is_stopped():
            self._finish("stop_string")
            return True
        text = before[:place]
        bare = text.rstrip()
        asked = due.take_spoken(bare)
        if asked is not None:
            self._take_back(len(bare), _Planned(asked=asked))
        else:  # the model's sentence speaks of something else
            end = len(text) if is_sentence_over(bare) else sentence_start(bare)
            self._take_back(end, _Planned(lead=due.take_next()))
        return True

    def _asks_stated(self, watch: SpokenWatch, token: int) -> bool:
        """Return true if a lookup is written in the place of a token that would begin its value."""
        lookup = self.vocabulary.lookup
        if not self._can_look or (lookup is not None and token == lookup.entity):
            return False
        piece = self.vocabulary.piece(token).decode("utf-8", "ignore")
        asked = watch.stated(self.output.text, piece)
        if asked is None:
            return False
        self.output.settle()
        if self._is_stopped():
            self._finish("stop_string")
            return True
        before = self.action
        self.ask(*asked)
        return self.action is not before

    def _take_back(self, end: int, then: _Planned) -> None:
        """End the text at a place behind which nothing was sent, and go on from there."""
        text = self.output.text
        places = [*self._boundaries, (len(text), len(self.tokens))]
        end = max(end, places[0][0])
        begin = max(characters for characters, _ in places if characters <= end)
        to = next(n_tokens for characters, n_tokens in places if characters == begin)
        n_taken = len(self.tokens) - to
        self._boundaries.clear()
        self.output.cut(end)
        if self.listed is not None:
            self.listed.cut(begin)
        self.n_text_tokens -= n_taken
        self._planned = replace(then, rest=text[begin:end])
        if n_taken:
            self.action = Rewind(to)
        else:
            self._go_on()

    def _go_on(self) -> None:
        """Write what was planned for the place that the sequence has come to."""
        planned, self._planned = self._planned, None
        if planned is None:
            return
        is_begun = bool(planned.words or planned.asked)  # a sentence, which is completed
        if isinstance(self.action, Done) and not (is_begun and self.action.reason == "length"):
            return
        self._boundaries.clear()
        due = self._due
        if planned.lead is not None:
            one = planned.lead
            self._planned = _Planned(asked=(one.entity, one.relations[0]), is_led=True)
            self._write_text(planned.rest, f"{self._break_before_sentence()}{one.lead}")
        elif planned.rest or planned.words:
            self._planned = replace(planned, rest="", words="")
            self._write_text(planned.rest, planned.words)
        elif planned.asked is not None:
            if due is not None and not due.waiting:
                self._due = None
                self._favour(0.0)
                self._has_answered = due.is_whole
            self.output.held_from = None
            self.ask(*planned.asked)
            self._led = planned.is_led
        elif due is not None and due.waiting:
            self._planned = _Planned(lead=due.take_next())
            self._go_on()
        else:
            self._finish("miss")

    def _break_before_sentence(self) -> str:
        text = self.output.text
        if not text or text[-1].isspace():
            return ""
        return " " if is_sentence_over(text) else ". "

    def _write_text(self, rest: str, text: str) -> None:
        """Write text in the place of the model.

        Args:
            rest: the end of the visible text whose tokens are to be written, too.
        """
        tokens = self.vocabulary.tokenize(rest + text)
        start = len(self.output.text) - len(rest)
        self.output.add_bytes(text.encode("utf-8", "replace"))
        self.n_text_tokens += len(tokens)
        if self.listed is not None:
            self.listed.add_written(tokens, start, len(self.output.text))
        if self._due is not None:
            self._due.begin_at(len(self.output.text))
        if self._is_stopped():
            self._finish("stop_string")
        elif len(self.tokens) + len(tokens) > self._context:
            self._finish("context")
        else:
            self.action = Force(tokens)

    def _say_lacking(self, start: int, record: LookupRecord) -> None:
        """Complete the sentence that was begun for a value: memory has none."""
        is_unclear = record.status is LookupStatus.AMBIGUOUS
        self._planned = _Planned(words=f" {SEVERAL_OF_THE_NAME if is_unclear else NOT_IN_MEMORY}.")
        self.state = InText()
        self.key_to_guide = None
        self.action = Rewind(start)

    def _favour(self, extra: float) -> None:
        """Add to the bias of a lookup, which is then the same right after the prompt."""
        self._text_samples = self._build_text_samples(self._masks.letters[:0], extra)
        self._samples_behind_value = None
        if isinstance(self.state, InText) and isinstance(self.action, Sample):
            self.action = self._next_in_text()

    def _open_lookup(self) -> InEntity:
        self.state = state = InEntity(start=len(self.tokens))
        self._n_questions = 0
        self.is_asked_by_words = False
        self._avoid.clear()
        self._tried.clear()
        self._unknown_starts.clear()
        return state

    def _is_stopped(self, *, final: bool = False) -> bool:
        """Return true if the text contains a stop string, and cut the text off before it."""
        if not self.settings.stop:
            return False
        text = self.output.text
        answer: list[TextPart] = []
        if self._thoughts is not None:
            self._thoughts.read(text, final=final)
            answer = self._thoughts.answer()
            if not answer:
                return False
        at = self.output.find_stop(self.settings.stop, answer)
        if at is not None and self.settings.grammar is not None:
            parts = answer or [TextPart(0, len(text), False)]
            found = (find_opening(text, one.start, one.end) for one in parts)
            first = min((n for n in found if n is not None), default=-1)
            opening = 0 if self.settings.grammar.is_whole else first
            if 0 <= opening <= at:
                return False  # the grammar decides where it ends
        if at is not None:
            self.output.cut(at)
        return at is not None

    def _next_in_text(self) -> Action:
        """Return what comes next in text, limits considered."""
        output = self.output
        if self.n_text_tokens >= self.settings.max_tokens and not output.awaits_value:
            return self._done("length")
        if len(self.tokens) >= self._context:
            return self._done("context")
        if self._ends_behind_value and not output.awaits_value:
            return self._done("stop")
        samples = self._text_samples
        if self._is_behind_value:
            if self._samples_behind_value is None:
                self._samples_behind_value = self._build_text_samples(self._masks.letters)
            samples = self._samples_behind_value
        if not self._can_look:
            return samples.plain
        if self.n_text_tokens < self._quiet_until and not self.settings.is_bias_steady:
            return samples.quiet
        return samples.looking if self.n_text_tokens else samples.at_prompt_end

    @property
    def _can_look(self) -> bool:
        """A lookup may open at this place."""
        return (
            self._may_look
            and not self._blocked_here
            and self.n_text_tokens >= self._closed_until
            and self._may_ask
            and not self.output.has_partial_character
        )

    @property
    def _may_ask(self) -> bool:
        """The budgets of lookups leave room for a question."""
        return (
            self._n_lookups < self.settings.max_lookups
            and self.n_lookup_tokens < self.settings.max_lookup_tokens
        )

    def _build_text_samples(
        self, also_forbidden: TokenIds, favour: float | None = None
    ) -> _TextSamples:
        masks, settings, lookup = self._masks, self.settings, self.vocabulary.lookup
        bias: tuple[tuple[int, float], ...] = ()
        more: tuple[tuple[int, float], ...] = ()
        is_led = favour is not None and favour > 0  # a sentence rather than the bare value
        if lookup and favour is not None:
            bias = more = ((lookup.entity, settings.lookup_bias + favour),)
        elif lookup and settings.lookup_bias:
            bias = ((lookup.entity, settings.lookup_bias),)
            extra = 0.0 if settings.is_bias_steady else PROMPT_END_BIAS
            more = ((lookup.entity, settings.lookup_bias + extra),)
        plain = masks.key if settings.ignore_eos else masks.text_no_lookup
        looking = masks.text_no_end if settings.ignore_eos else masks.text
        if len(also_forbidden):
            plain, looking = (np.union1d(one, also_forbidden) for one in (plain, looking))
        return _TextSamples(
            plain=Sample(Choice(plain)),
            quiet=Sample(Choice(looking)),
            looking=Sample(Choice(looking, bias)),
            at_prompt_end=Sample(Choice(plain)) if is_led else Sample(Choice(looking, more)),
        )

    # Keys --------------------------------------------------------------------------------

    def _sampled_in_entity(self, state: InEntity, token: int) -> None:
        lookup = self.vocabulary.lookup
        assert lookup is not None
        self._append_lookup_token(token)
        if token == lookup.relationship:
            begin = len(self.tokens)
            entity = self._text(state.start + 1, begin - 1)
            relation_state = InRelation(state.start, entity, begin)
            self.state = relation_state
            self._avoid.clear()
            self.key_to_guide = "relation"
            self.action = self._next_in_key(relation_state)
            return
        _follow(state, token)
        self.action = self._next_in_key(state)

    def _sampled_in_relation(self, state: InRelation, token: int) -> None:
        lookup = self.vocabulary.lookup
        assert lookup is not None
        self._append_lookup_token(token)
        if token == lookup.return_:
            key = self._lookup(state.entity, self._text(state.begin, len(self.tokens) - 1))
            if _key(key) in self._tried:  # the same words in other tokens
                self.action = self._abandon(state.start)
                return
            self.last_lookup = key
            self.state = Waiting(state.start, key, state.begin)
            self.action = Look(key)
            return
        _follow(state, token)
        self.action = self._next_in_key(state)

    def _next_in_key(self, state: InEntity | InRelation | Waiting) -> Action:
        assert not isinstance(state, Waiting)
        if len(self.tokens) >= self._context:
            return self._done("context")
        is_entity = isinstance(state, InEntity)
        begin = state.start + 1 if isinstance(state, InEntity) else state.begin
        lookup = self.vocabulary.lookup
        assert lookup is not None
        closing = lookup.relationship if is_entity else lookup.return_
        n_key_tokens = len(self.tokens) - begin
        is_blank = not self._text(begin, len(self.tokens))
        if n_key_tokens >= (MAX_ENTITY_TOKENS if is_entity else MAX_RELATION_TOKENS):
            if is_blank:
                return self._abandon(state.start)
            return Force((closing,))
        if is_blank:  # nothing to close
            forbidden = self._masks.key
        else:
            forbidden = self._masks.entity if is_entity else self._masks.relation
        if self._avoid and n_key_tokens == 0:
            forbidden = np.concatenate([forbidden, token_ids(self._avoid)])
        allowed: TokenIds | None = None
        if state.only is not None:
            allowed = np.setdiff1d(state.only.choices, forbidden)
            if not len(allowed):
                return self._abandon(state.start)
        bias = self.settings.close_bias
        return Sample(
            Choice(
                forbidden,
                bias=((closing, bias),) if bias else (),
                preferred=state.trie.choices if state.trie else None,
                floor=self._floors[0 if is_entity else 1],
                is_key=True,
                allowed=allowed,
            )
        )

    def _lookup(self, entity: str, relation: str) -> Lookup:
        from lamlam.memory_backends.model.lookups import Lookup  # late: pydantic comes with it

        return Lookup(entity, relation, as_of=self.settings.as_of)

    def _text(self, begin: int, end: int) -> str:
        return self.vocabulary.text_of(self.tokens[begin:end]).strip()

    def _append_lookup_token(self, token: int) -> None:
        self.tokens.append(token)
        self.n_lookup_tokens += 1

    # Values and misses -------------------------------------------------------------------

    def _write_value(self, value: str, fact: LookupRecord | None) -> None:
        """Write a value for the model; ``fact`` is the lookup that gave it."""
        lookup = self.vocabulary.lookup
        assert lookup is not None
        fetched = self.vocabulary.tokenize(f" {value}")
        tokens = (*fetched, lookup.end)
        self.n_lookup_tokens += len(tokens)
        if self.settings.verbalise == "copy":
            tokens += self._write_out(value, fact, fetched)
        else:
            self.output.expect_value(value, fact)
        if len(self.tokens) + len(tokens) > self._context:
            if self.settings.verbalise == "model":
                self._write_out(value, fact, fetched)
            self._finish("context")
            return
        self.action = Force(tokens)

    def _write_out(
        self, value: str, fact: LookupRecord | None, fetched: tuple[int, ...]
    ) -> tuple[int, ...]:
        """Add the value to the visible text; return its tokens there.

        Args:
            fetched: its tokens behind a space.
        """
        lead = self.output.space_before_value()
        surface = fetched if lead == " " else self.vocabulary.tokenize(lead + value)
        start = len(self.output.text)
        self.output.add_value(lead, value, fact)
        self._is_behind_value = value[-1:].isascii() and value[-1:].isalnum()
        self._is_behind_number = self._is_behind_value and value[-1:].isdigit()
        self.n_text_tokens += len(surface)
        if self.listed is not None:
            self.listed.add_written(surface, start, len(self.output.text))
        return surface

    def _ask_again(self, state: Waiting, miss: LookupRecord) -> None:
        """Go back to the part of the key that memory did not know, the tried one excluded."""
        self._n_questions += 1
        self._tried.add(_key(state.lookup))
        if miss.knows_entity:
            begin = state.relation_begin
            self.state = InRelation(state.start, state.lookup.entity, begin)
            # Another relation, not the same words in other tokens: another first token.
            self._avoid.add(self.tokens[begin])
            self.key_to_guide = "relation"
        else:
            begin = state.start + 1
            self._unknown_starts.add(self.tokens[begin])
            self.state = InEntity(state.start, is_another=True)
            self.key_to_guide = "entity"
        self.action = Rewind(begin)

    def _abandon(self, start: int) -> Action:
        """Return to before the lookup; none may open at this place again."""
        self._blocked_here = True
        self._ends_behind_value = False
        self.state = InText()
        self.key_to_guide = None
        self.action = Rewind(start)
        return self.action

    # End ---------------------------------------------------------------------------------

    def _finish(self, reason: FinishReason) -> None:
        self.action = self._done(reason)

    def _done(self, reason: FinishReason) -> Done:
        if reason == "stop":
            self.output.settle()
        else:  # what the model did not come to write in full is not a broken character
            self.output.end_cut()
        # What looked like the beginning of a value is text, and may contain a stop string.
        return Done("stop_string" if self._is_stopped(final=True) else reason)


def _follow(state: InEntity | InRelation, token: int) -> None:
    """Move the paths of the key on by a token."""
    state.trie = state.trie.after(token) if state.trie else None
    state.only = state.only.after(token) if state.only else None


def _key(lookup: Lookup) -> tuple[str, str]:
    return lookup.entity.casefold(), lookup.relation.casefold()
