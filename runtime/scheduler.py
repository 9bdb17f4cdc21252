"""The step loop: every running sequence gets its next tokens into one batch.

Used by one thread only. A sequence that waits for a slow memory is parked and the
others run on. After a lookup nothing is evaluated twice: the sequence's cells stay,
and ``<|db_return|>``, value, ``<|db_end|>`` and copied text go in as one batch.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from lamlam.errors import LookupFailed, PromptTooLong
from lamlam.runtime.answers import Answer, Query, nearest_answer
from lamlam.runtime.decoder import Decoder
from lamlam.runtime.events import Event, Finished, LookupAnswered, LookupMissed, LookupStarted
from lamlam.runtime.grounding import Constraint, Grounding
from lamlam.runtime.masks import Masks
from lamlam.runtime.policies import TextSettings
from lamlam.runtime.sampling import Logits, Sampler
from lamlam.runtime.sequence import Evaluator, Request, Sequence
from lamlam.runtime.vocabulary import Vocabulary
from lamlam.runtime.wants import Done, Force, Look, Rewind, Sample

if TYPE_CHECKING:
    from lamlam.memory_backends.lookups import LookupResult
    from lamlam.memory_backends.protocol import FactStore


class Scheduler:
    """Runs sequences in one context until each is complete."""

    def __init__(
        self,
        evaluator: Evaluator,
        vocabulary: Vocabulary,
        store: FactStore | None,
        *,
        is_fast: bool,
        constraint: Constraint | None,
        n_sequences: int,
        make_sampler: Callable[[TextSettings, int], Sampler] | None = None,
    ) -> None:
        """Start empty.

        Args:
            make_sampler: from a text's settings and the size of the vocabulary; evaluation
                brings one that writes a given text.
            is_fast: the store answers at once (`lookup_nowait`).
            constraint: draws keys towards what a fast store holds.
            n_sequences: texts that run at the same time; others wait their turn.
        """
        self._evaluator = evaluator
        self._vocabulary = vocabulary
        self._store = store
        self._is_fast = is_fast
        self._constraint = constraint if is_fast else None
        self._masks = Masks(vocabulary)
        self._make_sampler = make_sampler or _plain_sampler
        self._free = list(range(n_sequences))
        self._waiting: deque[Request] = deque()
        self._running: list[Sequence] = []
        self._may_hold_snapshot = store is not None

    @property
    def has_work(self) -> bool:
        """True where a step would do something."""
        return bool(self._waiting and self._free) or any(
            not sequence.is_parked or sequence.request.is_cancelled for sequence in self._running
        )

    def submit(self, request: Request) -> None:
        """The request waits for its turn."""
        self._waiting.append(request)

    def answer(self, request: Request, result: LookupResult | BaseException) -> None:
        """A slow memory has answered the question of a parked sequence."""
        for sequence in self._running:
            if sequence.request is request and sequence.is_parked:
                sequence.is_parked = False
                if isinstance(result, BaseException):
                    self._drop(sequence, result)
                else:
                    self._take_answer(sequence, result)
                return

    def fail_all(self, error: BaseException) -> None:
        """Every text ends with the error, also where telling one of them fails."""
        for sequence in list(self._running):
            with suppress(Exception):
                self._drop(sequence, error)
        while self._waiting:
            _fail(self._waiting.popleft(), error)

    def rest(self) -> None:
        """While no text runs, nothing here keeps the memory from erasing what it held.

        A store may answer all lookups of a text from one snapshot; as long as that is open,
        another process cannot wipe what it deletes.
        """
        if self._running or not self._may_hold_snapshot:
            return
        self._may_hold_snapshot = False
        assert self._store is not None
        # No text is there to be told; the next one is, when it refreshes the store itself.
        with suppress(Exception):
            self._store.refresh_nowait()

    def step(self) -> None:
        """Advance every sequence that is ready, as far as one batch has room."""
        while self._waiting and self._free:
            self._admit(self._waiting.popleft())
        ready: list[Sequence] = []
        for sequence in list(self._running):
            if sequence.request.is_cancelled:
                self._drop(sequence, None)
                continue
            if sequence.is_parked:
                continue
            try:
                needs_logits = self._advance(sequence)
            except Exception as error:  # a store of someone else's may raise anything
                self._drop(sequence, error)
                continue
            if needs_logits:
                ready.append(sequence)
        if ready:
            self._fill_batch(ready)
            self._evaluator.decode()
        if len(self._running) > 1:  # each is the first to get room in turn
            self._running.append(self._running.pop(0))

    def _fill_batch(self, ready: list[Sequence]) -> None:
        """What is pending goes into the batch; where room is short, in turn.

        Single tokens come before stretches (prompts, values): a text that is being written
        does not wait for another's prompt. But none is first in every batch, so a batch too
        small for a token of each goes round.
        """
        if len(ready) <= self._evaluator.room:
            ready.sort(key=lambda sequence: len(sequence.pending) > 1)
            most = self._evaluator.room
        else:
            most = 1
        for sequence in ready:
            self._add_pending(sequence, most)

    def _admit(self, request: Request) -> None:
        if request.is_cancelled:
            return
        slot = self._free[0]
        context = self._evaluator.n_context
        try:
            if self._store is not None:
                self._may_hold_snapshot = True
                self._store.refresh_nowait()
            constraint = self._constraint
            decoder = Decoder(
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
            sampler = self._make_sampler(request.settings, self._vocabulary.n_tokens)
        except Exception as error:
            _fail(request, error)
            return
        grounding = None
        if constraint and self._store is not None:
            grounding = Grounding(self._store, self._vocabulary, constraint)
        self._free.pop(0)
        self._running.append(Sequence(slot, request, decoder, sampler, grounding))

    def _advance(self, sequence: Sequence) -> bool:
        """Do what the decoder wants; return true where it needs logits to go on.

        Where it waits for memory or is done, what is pending need not be evaluated.
        """
        decoder = sequence.decoder
        while True:
            match decoder.want:
                case Sample(choice):
                    if sequence.pending:
                        return True
                    logits = self._logits(sequence)
                    token = sequence.sampler.pick(logits, choice, decoder.tokens)
                    n_before = len(decoder.tokens)
                    decoder.sampled(token)
                    if decoder.guide_wanted == "entity":
                        sequence.opened = (n_before, logits.copy())
                    if len(decoder.tokens) > n_before:
                        sequence.pending.append(token)
                        sequence.restored = None
                    self._guide(sequence)
                    if sequence.request.wants_events and not decoder.guide_wanted:
                        self._tell_text(sequence)
                case Force(tokens):
                    sequence.pending.extend(tokens)
                    decoder.forced()
                    self._guide(sequence)
                    if sequence.request.wants_events:
                        self._tell_text(sequence)
                case Rewind(to):
                    self._rewind(sequence, to)
                    decoder.rewound()
                    self._guide(sequence)
                case Look(query):
                    if sequence.request.wants_events:
                        sequence.request.tell([LookupStarted(query.entity, query.relation)])
                    if not self._look(sequence, query):
                        return False
                case Done(reason):
                    if reason == "lookup_failed":
                        query_asked = decoder.query
                        assert query_asked is not None
                        raise LookupFailed(query_asked.entity, query_asked.relation)
                    self._finish(sequence)
                    return False

    def _logits(self, sequence: Sequence) -> Logits:
        if sequence.restored is not None:
            return sequence.restored
        assert sequence.row is not None
        return self._evaluator.logits(sequence.row)

    def _guide(self, sequence: Sequence) -> None:
        """A key that has just begun learns which paths memory knows."""
        decoder, grounding = sequence.decoder, sequence.grounding
        if decoder.guide_wanted is None:
            return
        if grounding is None:
            decoder.guide(None)
        elif decoder.guide_wanted == "entity":
            decoder.guide(grounding.entities(decoder.written.text))
        else:
            entity = decoder.open_entity
            decoder.guide(*grounding.relations(entity, decoder.written.text, sequence.given))

    def _rewind(self, sequence: Sequence, to: int) -> None:
        """The sequence holds its first ``to`` tokens, and the logits behind them are at hand."""
        sequence.pending.clear()
        sequence.row = None
        opened = sequence.opened
        if opened is not None and opened[0] == to:
            sequence.restored = opened[1]
            keep = to
        else:
            # One token is evaluated again, for its logits.
            keep = min(to - 1, sequence.n_evaluated)
            sequence.pending.extend(sequence.decoder.tokens[keep:to])
            sequence.restored = None
        if keep < sequence.n_evaluated:
            self._evaluator.keep(sequence.slot, keep)
            sequence.n_evaluated = keep

    def _look(self, sequence: Sequence, query: Query) -> bool:
        """Ask memory; return false where the sequence has to wait for the answer."""
        store = self._store
        assert store is not None
        if not self._is_fast:
            sequence.is_parked = True
            sequence.request.ask(query)
            return False
        from lamlam.memory_backends.lookups import Lookup

        began = time.perf_counter()
        result = store.lookup_nowait(Lookup(query.entity, query.relation))
        holder = sequence.grounding.holder if sequence.grounding else ""
        answer = sequence.given.next_answer(result, holder, time.perf_counter() - began)
        if answer.value is None and self._takes_nearest(sequence, result):
            best = result.candidates[0]
            again = store.lookup_nowait(Lookup(best.entity, best.relation))
            answer = nearest_answer(best.score, again, answer)
        self._tell_answer(sequence, answer)
        return True

    def _take_answer(self, sequence: Sequence, result: LookupResult) -> None:
        """Go on with what a slow memory has answered."""
        miss, sequence.miss = sequence.miss, None
        if miss is not None:  # the second question, for the nearest candidate
            answer = nearest_answer(sequence.candidate_score, result, miss)
        else:
            answer = sequence.given.next_answer(result, "", result.elapsed_ns / 1e9)
            if answer.value is None and self._takes_nearest(sequence, result):
                best = result.candidates[0]
                sequence.miss, sequence.candidate_score = answer, best.score
                sequence.is_parked = True
                sequence.request.ask(Query(best.entity, best.relation))
                return
        self._tell_answer(sequence, answer)

    def _takes_nearest(self, sequence: Sequence, result: LookupResult) -> bool:
        return sequence.request.settings.policy == "nearest" and bool(result.candidates)

    def _tell_answer(self, sequence: Sequence, answer: Answer) -> None:
        decoder = sequence.decoder
        decoder.answered(answer)
        if sequence.request.wants_events:
            record = decoder.records[-1]
            event = LookupMissed(record) if answer.value is None else LookupAnswered(record)
            sequence.request.tell([event])

    def _add_pending(self, sequence: Sequence, most: int) -> None:
        """Put as much of what is pending into the batch as fits."""
        n = min(len(sequence.pending), self._evaluator.room, most)
        if n == 0:
            return
        tokens = sequence.pending[:n]
        del sequence.pending[:n]
        sequence.row = self._evaluator.add(
            sequence.slot, tokens, sequence.n_evaluated, is_last=not sequence.pending
        )
        sequence.n_evaluated += n

    def _tell_text(self, sequence: Sequence) -> None:
        texts = sequence.decoder.written.take_unsent(sequence.request.settings.stop)
        if texts:
            sequence.request.tell(list(texts))

    def _finish(self, sequence: Sequence) -> None:
        completion = sequence.decoder.completion()
        self._release(sequence)
        request = sequence.request
        if request.wants_events:
            events: list[Event] = list(sequence.decoder.written.take_unsent(final=True))
            request.tell([*events, Finished(completion)])
        request.finish(completion)

    def _drop(self, sequence: Sequence, error: BaseException | None) -> None:
        try:
            self._release(sequence)
        finally:
            if error is not None:
                _fail(sequence.request, error)

    def _release(self, sequence: Sequence) -> None:
        if sequence not in self._running:  # what followed its release has failed
            return
        self._running.remove(sequence)
        try:
            self._evaluator.clear(sequence.slot)
        finally:
            # Should cells be left, llama.cpp refuses the next text's positions: an error for
            # that text, where a slot that is never free again would let it wait for ever.
            self._free.append(sequence.slot)
            self.rest()  # before anyone learns that the text is over, and erases


def _fail(request: Request, error: BaseException) -> None:
    # Whoever cannot be told must not end the thread that the others wait for.
    with suppress(Exception):
        request.fail(error)


def _plain_sampler(settings: TextSettings, n_tokens: int) -> Sampler:
    return Sampler(settings.sampler, n_tokens)
