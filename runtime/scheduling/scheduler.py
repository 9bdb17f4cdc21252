"""Continuous batching: each step evaluates the next tokens of all running sequences in one batch.

Used by one thread only. A sequence that waits for a slow memory is parked and the others go on.
After a lookup nothing is evaluated twice: the cells in the KV cache stay, and
``<|db_return|>``, value, ``<|db_end|>`` and copied text are evaluated in one batch.

Requests are admitted in the order in which they were submitted, with a unified KV cache as soon as
the expected tokens fit; if the cache gets full nevertheless, the youngest sequence is paused, its
cells are freed, and it is evaluated again later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from lamlam.errors import EngineBusy, LookupFailed, PromptTooLong, UsageError
from lamlam.runtime.decoding.actions import Done, Force, Look, Rewind, Sample
from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.decoder import Decoder
from lamlam.runtime.decoding.entity_names import EntityNames
from lamlam.runtime.decoding.events import (
    Event,
    Finished,
    LookupStarted,
)
from lamlam.runtime.decoding.logprobs import score
from lamlam.runtime.decoding.memory_only import MemoryOnlyDecoder
from lamlam.runtime.decoding.sampling import Logits, Sampler
from lamlam.runtime.decoding.settings import TextSettings
from lamlam.runtime.decoding.token_masks import TokenMasks
from lamlam.runtime.decoding.vocabulary import Vocabulary
from lamlam.runtime.scheduling.batcher import Batcher
from lamlam.runtime.scheduling.chat_question import ask_for_question
from lamlam.runtime.scheduling.guidance import guidance_of
from lamlam.runtime.scheduling.kv_slots import KvSlots
from lamlam.runtime.scheduling.lookup_broker import LookupBroker
from lamlam.runtime.scheduling.sequence import InferenceContext, Request, RunningSequence
from lamlam.runtime.scheduling.stats import SchedulerStats

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import LookupResult
    from lamlam.memory_backends.protocol import FactStore
    from lamlam.runtime.decoding.lookup_answers import PendingLookup


class Scheduler:
    """Runs sequences in one context until each is complete."""

    def __init__(
        self,
        evaluator: InferenceContext,
        vocabulary: Vocabulary,
        store: FactStore | None,
        *,
        is_fast: bool,
        constraint: Constraint | None,
        n_sequences: int,
        entity_names: EntityNames | None = None,
        make_sampler: Callable[[TextSettings, int], Sampler] | None = None,
        max_waiting: int | None = None,
        keeps_prefixes: bool = False,
        is_reproducible: bool = False,
    ) -> None:
        """Start empty.

        Args:
            make_sampler: gets the settings of a sequence and the size of the vocabulary; evaluation
                uses one that writes a given text.
            is_fast: the store answers at once (`lookup_nowait`).
            constraint: constrains keys to what a fast store holds.
            n_sequences: sequences that run at the same time; others wait their turn.
            entity_names: all names of the store, for a strict constraint.
            max_waiting: requests that may wait; more are refused.
            keeps_prefixes: use the prefix cache.
            is_reproducible: each sequence is evaluated in the batches that it would have alone,
                since results of llama.cpp depend on the batch.
        """
        self._evaluator = evaluator
        self._vocabulary = vocabulary
        self._store = store
        self._broker = LookupBroker(store, is_fast=is_fast, drop=self._drop)
        self._constraint = constraint if is_fast else None
        self._entity_names = entity_names
        self._masks = TokenMasks(vocabulary)
        self._make_sampler = make_sampler or _plain_sampler
        keeps_prefixes = keeps_prefixes and not is_reproducible
        self._slots = KvSlots(evaluator, n_sequences, keeps_prefixes=keeps_prefixes)
        padding_token = max(0, vocabulary.bos)
        self._batcher = Batcher(
            evaluator, self._slots, padding_token=padding_token, is_reproducible=is_reproducible
        )
        self._max_waiting = max_waiting
        self._waiting: deque[Request] = deque()
        self._next: RunningSequence | None = None
        """The first that waits, with its prompt tokenized, until there is a slot for it."""
        self._running: list[RunningSequence] = []
        self._n_admitted = 0

    def stats(self) -> SchedulerStats:
        """Return how many requests run and wait, and how many slots are free."""
        return SchedulerStats(len(self._running), self._n_waiting, self._slots.n_free)

    @property
    def has_work(self) -> bool:
        """True where a step would do something."""
        for sequence in self._running:
            if not sequence.awaits_lookup or sequence.request.is_cancelled:
                return True
        # If all running sequences are parked, a waiting request can begin only if there is a slot.
        return bool(self._waiting or self._next) and self._has_place()

    def submit(self, request: Request) -> None:
        """Queue a request; it fails if too many wait."""
        most = self._max_waiting
        if most is not None and self._n_waiting - self._slots.n_free >= most:
            self._drop_cancelled()
            self._forget_cancelled()
            if self._n_waiting - self._slots.n_free >= most:
                _fail(request, EngineBusy(most))
                return
        self._waiting.append(request)

    def answer(self, asked: PendingLookup, result: LookupResult | BaseException) -> None:
        """Take the answer of a slow memory; see `LookupBroker.answer`."""
        self._broker.answer(asked, result, self._running)

    def fail_all(self, error: BaseException) -> None:
        """End every generation with the error."""
        for sequence in list(self._running):
            with suppress(Exception):
                self._drop(sequence, error)
        if self._next is not None:
            self._waiting.appendleft(self._next.request)
            self._next = None
        while self._waiting:
            _fail(self._waiting.popleft(), error)
        with suppress(Exception):
            while self._slots.evict_oldest():
                pass

    def rest(self) -> None:
        """Release the snapshot of the memory if no sequence runs.

        A store may answer all lookups of a sequence from one snapshot; as long as it is open,
        another process cannot complete an erasure.
        """
        if not self._running:
            self._broker.release_snapshot()

    def step(self) -> None:
        """Advance every sequence that is ready, as far as one batch has room."""
        self._drop_cancelled()
        self._admit_all()
        ready: list[RunningSequence] = []
        for sequence in list(self._running):
            if sequence.awaits_lookup:
                continue
            try:
                needs_logits = self._advance(sequence)
            except Exception as error:  # a third-party store may raise anything
                self._drop(sequence, error)
                continue
            if needs_logits:
                ready.append(sequence)
        self._batcher.evaluate(ready, self._running)
        if len(self._running) > 1:  # each is the first in turn
            self._running.append(self._running.pop(0))

    @property
    def _n_waiting(self) -> int:
        return len(self._waiting) + (self._next is not None)

    def _drop_cancelled(self) -> None:
        """End running sequences that were cancelled."""
        for sequence in tuple(self._running):
            if sequence.request.is_cancelled:
                self._drop(sequence, None)

    def _forget_cancelled(self) -> None:
        """Remove cancelled requests from the queue."""
        self._waiting = deque(one for one in self._waiting if not one.is_cancelled)
        if self._next is not None and self._next.request.is_cancelled:
            self._next = None

    def _has_place(self) -> bool:
        """Return true if there is a slot, and cells for the first that waits."""
        first = self._next
        if first is None or first.request.is_cancelled or not self._slots.n_free:
            return self._slots.n_free > 0
        if not self._running or not self._evaluator.unified_kv:
            return True
        may_look = self._store is not None
        expected = [sequence.n_expected(may_look=may_look) for sequence in (*self._running, first)]
        return sum(min(n, self._evaluator.n_context) for n in expected) <= self._evaluator.n_cells

    def _admit_all(self) -> None:
        """Admit requests, in order, as long as there is a slot for the next."""
        if not self._waiting and self._next is None:
            return
        self._forget_cancelled()
        while self._slots.n_free:
            if self._next is None:
                if not self._waiting:
                    return
                self._next = self._prepared(self._waiting.popleft())
                continue
            tokens = self._next.pending
            if not self._has_place() or self._slots.is_worth_waiting(tokens, self._running):
                return
            sequence, self._next = self._next, None
            self._admit(sequence)

    def _prepared(self, request: Request) -> RunningSequence | None:
        """Return the sequence of a request, its prompt tokenized; none if that failed."""
        context = self._evaluator.n_context
        constraint = self._constraint if self._broker.answers_at_once(request) else None
        try:
            n_least = self._vocabulary.least_tokens(request.prompt, context)
            if n_least > context:
                raise PromptTooLong(n_least, context, is_least=True)
            is_guarded = request.settings.policy == "memory_only"
            decoder = (MemoryOnlyDecoder if is_guarded else Decoder)(
                self._vocabulary,
                self._masks,
                request.settings,
                request.prompt,
                context=context,
                may_look=self._store is not None,
                floors=(constraint.entity_floor, constraint.relation_floor)
                if constraint
                else (0.0, 0.0),
            )
            if decoder.n_prompt_tokens > context:
                raise PromptTooLong(decoder.n_prompt_tokens, context)
            if not decoder.n_prompt_tokens:
                raise UsageError(
                    "the prompt must not be empty: this model has no BOS token",
                    hint="begin with some text",
                )
            sampler = self._make_sampler(request.settings, self._vocabulary.n_tokens)
            guidance = guidance_of(
                request.settings, self._store, self._vocabulary, constraint, self._entity_names
            )
        except Exception as error:
            _fail(request, error)
            return None
        return RunningSequence(request, decoder, sampler, guidance)

    def _admit(self, sequence: RunningSequence) -> None:
        try:
            self._broker.refresh()
            sequence.slot, n_held = self._slots.acquire(sequence.pending, self._running)
        except Exception as error:
            _fail(sequence.request, error)
            return
        sequence.n_evaluated = n_held
        del sequence.pending[:n_held]
        self._n_admitted += 1
        sequence.age = self._n_admitted
        self._running.append(sequence)

    def _advance(self, sequence: RunningSequence) -> bool:
        """Do the actions of the decoder; return true if it needs logits to go on.

        If it waits for memory or is done, pending tokens need not be evaluated.
        """
        decoder = sequence.decoder
        if not sequence.is_prompt_read:
            sequence.is_prompt_read = True
            self._ask_by_words(sequence)
            ask_for_question(sequence)
            if isinstance(decoder, MemoryOnlyDecoder):
                decoder.prompt_read(
                    sequence.form_of_prompt(), is_by_words=sequence.word_guide is not None
                )
        while True:
            match decoder.action:
                case Sample(choice):
                    if sequence.pending:
                        return True
                    logits = self._logits(sequence)
                    token = sequence.sampler.pick(logits, choice, decoder.tokens)
                    n_before = len(decoder.tokens)
                    scored = None
                    if decoder.needs_score:
                        n_top = decoder.settings.logprobs or 0
                        scored = score(logits, token, n_top)
                    decoder.sampled(token, scored)
                    if decoder.key_to_guide == "entity":
                        sequence.opened = (n_before, logits.copy())
                    if len(decoder.tokens) > n_before:
                        sequence.pending.append(token)
                        sequence.restored = None
                    self._guide(sequence)
                    if self._broker.relations:
                        self._broker.prefetch(sequence)
                    if sequence.request.is_streamed and not decoder.key_to_guide:
                        self._send_text(sequence)
                case Force(tokens):
                    sequence.pending.extend(tokens)
                    sequence.restored = None
                    decoder.forced()
                    self._guide(sequence)
                    if sequence.request.is_streamed:
                        self._send_text(sequence)
                case Rewind(to):
                    sequence.rewind(to, self._evaluator)
                    decoder.rewound()
                    self._guide(sequence)
                case Look(lookup):
                    if sequence.request.is_streamed:
                        sequence.request.send([LookupStarted(lookup.entity, lookup.relation)])
                    if not self._broker.look_up(sequence, lookup):
                        return False
                case Done(reason):
                    if reason == "lookup_failed":
                        assert decoder.last_lookup is not None
                        raise LookupFailed(decoder.last_lookup.entity, decoder.last_lookup.relation)
                    self._finish(sequence)
                    return False

    def _logits(self, sequence: RunningSequence) -> Logits:
        if sequence.restored is not None:
            return sequence.restored
        assert sequence.row is not None
        return self._evaluator.logits(sequence.row)

    def _guide(self, sequence: RunningSequence) -> None:
        """Constrain a key that has just begun to what memory knows."""
        decoder, key_constraint = sequence.decoder, sequence.key_constraint
        if decoder.key_to_guide is None:
            return
        is_strict = key_constraint is not None and key_constraint.is_strict
        if key_constraint is None:
            decoder.guide(None, is_blind=True)
        elif decoder.key_to_guide == "entity":
            if decoder.n_text_tokens:
                self._ask_by_words(sequence)
                if decoder.key_to_guide is None:
                    return
            named = key_constraint.entities(decoder.output.text)
            if sequence.word_guide is not None and named is not None and not is_strict:
                # What memory does not hold is not asked about where it holds a name of the text.
                decoder.guide(named, only=named, is_strict=True)
                return
            only = key_constraint.all_entities(named) if is_strict else None
            decoder.guide(named, only=only, is_strict=is_strict)
        else:
            entity = decoder.open_entity
            if sequence.asked_among:  # the words leave several: the model chooses
                among, sequence.asked_among = key_constraint.among(sequence.asked_among), ()
                decoder.guide(among, only=among, is_strict=True)
                return
            trie, avoid = key_constraint.relations(entity, decoder.output.text, sequence.given)
            if key_constraint.is_strict:
                decoder.guide(trie, only=key_constraint.all_relations(entity), is_strict=True)
            else:
                decoder.guide(trie, avoid)

    def _ask_by_words(self, sequence: RunningSequence) -> None:
        """Ask what the words of the text name, if they do: a relation of an entity in it."""
        decoder, guide = sequence.decoder, sequence.word_guide
        is_open = decoder.key_to_guide == "entity"
        if guide is None or not (is_open or decoder.may_open_lookup):
            return
        asked = guide.read(decoder.output.text)
        if asked is None:
            return
        if not is_open:
            sequence.form = asked.form
        if not asked.is_clear:
            is_vague = bool(asked.entity) and asked.form in ("question", "blank")
            if not is_open and (is_vague or asked.is_unfit):
                decoder.forbid_lookups()
            return
        if is_open and not asked.relations:
            decoder.close()
            return
        if sequence.key_constraint is not None:
            sequence.key_constraint.holder = asked.key
        relation: str | None = asked.relations[0] if asked.relations else asked.wanted
        if asked.form == "open" and asked.n_equal > 1:
            sequence.asked_among, relation = asked.relations[: asked.n_equal], None
        settings = decoder.settings
        may_end = not (settings.ignore_eos or settings.grammar is not None)
        is_last = asked.form != "open" and not is_open and may_end
        decoder.ask(asked.entity, relation, is_last=is_last)

    def _send_text(self, sequence: RunningSequence) -> None:
        events = sequence.decoder.output.take_unsent(sequence.request.settings.stop)
        if events:
            sequence.request.send(list(events))

    def _finish(self, sequence: RunningSequence) -> None:
        completion = sequence.decoder.completion()
        self._release(sequence, keeps=True)
        request = sequence.request
        if request.is_streamed:
            events: list[Event] = list(sequence.decoder.output.take_unsent(final=True))
            request.send([*events, Finished(completion)])
        request.finish(completion)

    def _drop(self, sequence: RunningSequence, error: BaseException | None) -> None:
        try:
            self._release(sequence)
        finally:
            if error is not None:
                _fail(sequence.request, error)

    def _release(self, sequence: RunningSequence, *, keeps: bool = False) -> None:
        if sequence not in self._running:  # an error after its release
            return
        self._running.remove(sequence)
        try:
            self._slots.release(sequence.slot, sequence.reusable_prefix if keeps else [])
        finally:
            # If cells are left, llama.cpp refuses the positions of the next sequence: an error for
            # that sequence, which is better than a slot that is never free again.
            self.rest()  # before a caller learns that the generation is over, and erases


def _fail(request: Request, error: BaseException) -> None:
    # A request that cannot be failed must not end the thread.
    with suppress(Exception):
        request.fail(error)


def _plain_sampler(settings: TextSettings, n_tokens: int) -> Sampler:
    return Sampler(settings.sampler, n_tokens)
