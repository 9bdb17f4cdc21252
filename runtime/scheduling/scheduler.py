"""The step loop: every running sequence gets its next tokens into one batch.

Used by one thread only. A sequence that waits for a slow memory is parked and the
others run on. After a lookup nothing is evaluated twice: the sequence's cells stay,
and ``<|db_return|>``, value, ``<|db_end|>`` and copied text go in as one batch.

Texts begin in the order in which they were submitted. Where all take their cells from one
store, a text begins when what it is expected to hold fits; should the store be full all the
same, the youngest text gives its cells back and is evaluated again later.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from lamlam.errors import EngineBusy, LookupFailed, PromptTooLong, UsageError
from lamlam.runtime.decoding.actions import Done, Force, Look, Rewind, Sample
from lamlam.runtime.decoding.decoder import Decoder
from lamlam.runtime.decoding.entity_names import EntityNames
from lamlam.runtime.decoding.events import (
    Event,
    Finished,
    LookupAnswered,
    LookupMissed,
    LookupStarted,
)
from lamlam.runtime.decoding.key_constraint import Constraint, KeyConstraint
from lamlam.runtime.decoding.logprobs import score
from lamlam.runtime.decoding.lookup_answers import (
    Answer,
    Query,
    Question,
    checked_result,
    nearest_answer,
)
from lamlam.runtime.decoding.sampling import Logits, Sampler
from lamlam.runtime.decoding.settings import TextSettings
from lamlam.runtime.decoding.token_masks import TokenMasks
from lamlam.runtime.decoding.vocabulary import Vocabulary
from lamlam.runtime.scheduling.batch_plan import evened, gaps, share_out
from lamlam.runtime.scheduling.kv_slots import KvSlots
from lamlam.runtime.scheduling.sequence import Evaluator, Request, RunningSequence

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import LookupResult
    from lamlam.memory_backends.protocol import FactStore

_SPARE = 16
"""Tokens for each running text that stay free when a paused one goes on."""
_MOST_RELATIONS = 4096
"""Names of relations that are kept, for a memory may answer to whatever a model writes."""


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
        entity_names: EntityNames | None = None,
        make_sampler: Callable[[TextSettings, int], Sampler] | None = None,
        max_waiting: int | None = None,
        keeps_prefixes: bool = False,
        is_reproducible: bool = False,
    ) -> None:
        """Start empty.

        Args:
            make_sampler: from a text's settings and the size of the vocabulary; evaluation
                brings one that writes a given text.
            is_fast: the store answers at once (`lookup_nowait`).
            constraint: draws keys towards what a fast store holds.
            n_sequences: texts that run at the same time; others wait their turn.
            entity_names: all names of the store, for a strict constraint.
            max_waiting: texts that may wait; more are refused.
            keeps_prefixes: what a text begins with is taken over from texts that begin alike.
            is_reproducible: each text is evaluated by itself, in the batches that it would have
                alone, since llama.cpp computes otherwise in other batches.
        """
        self._evaluator = evaluator
        self._vocabulary = vocabulary
        self._store = store
        self._is_fast = is_fast
        # A server's copy in this process holds the present alone.
        self._is_past_fast = is_fast and store is not None and "server" not in store.capabilities
        self._constraint = constraint if is_fast else None
        self._entity_names = entity_names
        self._masks = TokenMasks(vocabulary)
        self._make_sampler = make_sampler or _plain_sampler
        self._is_reproducible = is_reproducible
        keeps_prefixes = keeps_prefixes and not is_reproducible
        self._slots = KvSlots(evaluator, n_sequences, keeps_prefixes=keeps_prefixes)
        self._max_waiting = max_waiting
        self._waiting: deque[Request] = deque()
        self._next: RunningSequence | None = None
        """The first that waits, its prompt read, as long as there is no place for it."""
        self._running: list[RunningSequence] = []
        self._n_admitted = 0
        self._may_hold_snapshot = store is not None
        self._relations: set[str] = set()
        """Those under which a slow memory had something."""

    @property
    def has_work(self) -> bool:
        """True where a step would do something."""
        for text in self._running:
            if not text.is_parked or text.request.is_cancelled:
                return True
        # What waits beside parked texts alone has waited in vain for a place, or gets one now.
        return bool(self._waiting or self._next) and self._has_place()

    def submit(self, request: Request) -> None:
        """The request waits for its turn, or fails where too many wait."""
        most = self._max_waiting
        if most is not None and self._n_waiting - self._slots.n_free >= most:
            self._drop_cancelled()
            self._forget_cancelled()
            if self._n_waiting - self._slots.n_free >= most:
                _fail(request, EngineBusy(most))
                return
        self._waiting.append(request)

    def answer(self, question: Question, result: LookupResult | BaseException) -> None:
        """A slow memory has answered; the text goes on, if it has come to where it needs that."""
        question.result, question.is_answered = result, True
        for sequence in self._running:
            if sequence.question is question and sequence.is_parked:
                sequence.is_parked = False
                try:
                    self._take_answer(sequence, question)
                except Exception as error:  # a store of someone else's may answer anything
                    self._drop(sequence, error)
                return

    def fail_all(self, error: BaseException) -> None:
        """Every text ends with the error, also where telling one of them fails."""
        for sequence in list(self._running):
            with suppress(Exception):
                self._drop(sequence, error)
        if self._next is not None:
            self._waiting.appendleft(self._next.request)
            self._next = None
        while self._waiting:
            _fail(self._waiting.popleft(), error)
        with suppress(Exception):
            while self._slots.forget_oldest():
                pass

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
        self._drop_cancelled()
        self._admit_all()
        ready: list[RunningSequence] = []
        for sequence in list(self._running):
            if sequence.is_parked:
                continue
            try:
                needs_logits = self._advance(sequence)
            except Exception as error:  # a store of someone else's may raise anything
                self._drop(sequence, error)
                continue
            if needs_logits:
                ready.append(sequence)
        if self._evaluator.unified_kv:
            ready = self._with_cells(ready)
        if self._is_reproducible:
            self._evaluate_each(ready)
        elif ready:
            self._evaluate(ready)
        if len(self._running) > 1:  # each is the first to get room in turn
            self._running.append(self._running.pop(0))

    def _evaluate(self, ready: list[RunningSequence]) -> None:
        """What is pending is evaluated, as much of it as a batch takes.

        A text that is being written does not wait for another's prompt. But none is first in
        every batch, so a batch too small for a token of each goes round.
        """
        evaluator = self._evaluator
        if len(ready) == 1:  # the common case, and nothing to share out
            self._add_pending(ready[0], min(len(ready[0].pending), evaluator.free_tokens))
            evaluator.decode()
            return
        shares = share_out([len(sequence.pending) for sequence in ready], evaluator.free_tokens)
        if not evaluator.unified_kv and sum(shares) > len(shares):
            values = [one.n_evaluated >= one.decoder.n_prompt_tokens for one in ready]
            shares = evened(shares, values)
        in_batch = {
            sequence.slot: (sequence, n) for sequence, n in zip(ready, shares, strict=True) if n
        }
        slots = sorted(in_batch)
        between = [] if evaluator.unified_kv else gaps(slots)
        if sum(shares) + len(between) > evaluator.free_tokens:
            between = []
        fillers: list[tuple[int, int]] = []
        for slot in sorted([*slots, *between]) if between else slots:
            if slot in in_batch:
                self._add_pending(*in_batch[slot])
            else:
                fillers += self._fill(slot)
        try:
            evaluator.decode()
        finally:
            for slot, n_held in fillers:
                if n_held:
                    evaluator.truncate(slot, n_held)
                else:
                    evaluator.free(slot)

    def _evaluate_each(self, ready: list[RunningSequence]) -> None:
        for sequence in ready:
            self._add_pending(sequence, min(len(sequence.pending), self._evaluator.free_tokens))
            self._evaluator.decode()
            if sequence.row is not None:
                sequence.restored = self._evaluator.logits(sequence.row).copy()

    def _fill(self, slot: int) -> list[tuple[int, int]]:
        """A sequence that has nothing to do gets a token; return what it held before.

        If it waits for memory it gets what it will need anyway, which may stay.
        """
        parked = next((text for text in self._running if text.slot == slot), None)
        if parked is not None and parked.pending:
            self._add_pending(parked, 1)
            return []
        n_held = self._slots.n_held(slot) if parked is None else parked.n_evaluated
        can_go_back = not n_held or self._evaluator.can_truncate
        if n_held >= self._evaluator.n_context or not can_go_back:
            return []
        self._evaluator.add(slot, [max(0, self._vocabulary.bos)], n_held, is_last=False)
        return [(slot, n_held)]

    def _with_cells(self, ready: list[RunningSequence]) -> list[RunningSequence]:
        """Return those for which the common store has room, the oldest above all.

        What earlier texts left goes first, then the youngest text gives its cells back.
        """
        if not ready:
            return ready
        evaluator = self._evaluator
        by_age = sorted(self._running, key=lambda text: text.age)
        oldest = min(ready, key=lambda text: text.age)
        oldest.is_paused = False
        while True:
            n_held = sum(text.n_evaluated for text in by_age) + self._slots.n_kept
            going = [text for text in ready if not text.is_paused]
            n_new = sum(share_out([len(text.pending) for text in going], evaluator.free_tokens))
            if n_held + n_new <= evaluator.n_cells:
                break
            if self._slots.forget_oldest():
                continue
            # Alone the oldest has room: a text is no longer than the store.
            others = [t for t in by_age if t is not oldest and (t.n_evaluated or t in going)]
            evaluator.free(others[-1].slot)
            others[-1].pause()
        for text in by_age:
            # Room for all of it and some steps of the others, or it would be paused again.
            n_held += len(text.pending)
            if text.is_paused and n_held + _SPARE * len(by_age) <= evaluator.n_cells:
                text.is_paused = False
        return going

    @property
    def _n_waiting(self) -> int:
        return len(self._waiting) + (self._next is not None)

    def _drop_cancelled(self) -> None:
        """Texts that nobody wants any more end."""
        for sequence in tuple(self._running):
            if sequence.request.is_cancelled:
                self._drop(sequence, None)

    def _forget_cancelled(self) -> None:
        """Who has left the queue makes room for others."""
        self._waiting = deque(one for one in self._waiting if not one.is_cancelled)
        if self._next is not None and self._next.request.is_cancelled:
            self._next = None

    def _has_place(self) -> bool:
        """True where a slot is free, and cells for the first that waits."""
        first = self._next
        if first is None or first.request.is_cancelled or not self._slots.n_free:
            return self._slots.n_free > 0
        if not self._running or not self._evaluator.unified_kv:
            return True
        may_look = self._store is not None
        wanted = [text.n_expected(may_look=may_look) for text in (*self._running, first)]
        return sum(min(n, self._evaluator.n_context) for n in wanted) <= self._evaluator.n_cells

    def _admit_all(self) -> None:
        """Texts begin, in order, as long as there is a place for the next."""
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
        """Return the text with its prompt read, none where it has failed."""
        context = self._evaluator.n_context
        constraint = self._constraint if self._answers_at_once(request) else None
        try:
            n_least = self._vocabulary.least_tokens(request.prompt, context)
            if n_least > context:
                raise PromptTooLong(n_least, context, is_least=True)
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
            if not decoder.n_prompt_tokens:
                raise UsageError(
                    "the prompt is empty, and this model has no token that begins a text",
                    hint="begin with some text",
                )
            sampler = self._make_sampler(request.settings, self._vocabulary.n_tokens)
        except Exception as error:
            _fail(request, error)
            return None
        key_constraint = None
        if constraint and self._store is not None:
            key_constraint = KeyConstraint(
                self._store,
                self._vocabulary,
                constraint,
                self._entity_names,
                request.settings.as_of,
            )
        return RunningSequence(request, decoder, sampler, key_constraint)

    def _admit(self, sequence: RunningSequence) -> None:
        try:
            if self._store is not None:
                self._may_hold_snapshot = True
                self._store.refresh_nowait()
            sequence.slot, n_held = self._slots.take(sequence.pending, self._running)
        except Exception as error:
            _fail(sequence.request, error)
            return
        sequence.n_evaluated = n_held
        del sequence.pending[:n_held]
        self._n_admitted += 1
        sequence.age = self._n_admitted
        self._running.append(sequence)

    def _advance(self, sequence: RunningSequence) -> bool:
        """Do what the decoder wants; return true where it needs logits to go on.

        Where it waits for memory or is done, what is pending need not be evaluated.
        """
        decoder = sequence.decoder
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
                    if self._relations:
                        self._ask_ahead(sequence)
                    if sequence.request.is_streamed and not decoder.key_to_guide:
                        self._send_text(sequence)
                case Force(tokens):
                    sequence.pending.extend(tokens)
                    decoder.forced()
                    self._guide(sequence)
                    if sequence.request.is_streamed:
                        self._send_text(sequence)
                case Rewind(to):
                    self._rewind(sequence, to)
                    decoder.rewound()
                    self._guide(sequence)
                case Look(query):
                    if sequence.request.is_streamed:
                        sequence.request.send([LookupStarted(query.entity, query.relation)])
                    if not self._look(sequence, query):
                        return False
                case Done(reason):
                    if reason == "lookup_failed":
                        query_asked = decoder.query
                        assert query_asked is not None
                        raise LookupFailed(query_asked.entity, query_asked.relation)
                    self._finish(sequence)
                    return False

    def _logits(self, sequence: RunningSequence) -> Logits:
        if sequence.restored is not None:
            return sequence.restored
        assert sequence.row is not None
        return self._evaluator.logits(sequence.row)

    def _guide(self, sequence: RunningSequence) -> None:
        """A key that has just begun learns which paths memory knows."""
        decoder, key_constraint = sequence.decoder, sequence.key_constraint
        if decoder.key_to_guide is None:
            return
        if key_constraint is None:
            decoder.guide(None, is_blind=True)
        elif decoder.key_to_guide == "entity":
            named = key_constraint.entities(decoder.output.text)
            only = key_constraint.all_entities(named) if key_constraint.is_strict else None
            decoder.guide(named, only=only, is_strict=key_constraint.is_strict)
        else:
            entity = decoder.open_entity
            trie, avoid = key_constraint.relations(entity, decoder.output.text, sequence.given)
            if key_constraint.is_strict:
                decoder.guide(trie, only=key_constraint.all_relations(entity), is_strict=True)
            else:
                decoder.guide(trie, avoid)

    def _rewind(self, sequence: RunningSequence, to: int) -> None:
        """The sequence holds its first ``to`` tokens, and the logits behind them are at hand."""
        sequence.pending.clear()
        sequence.row = None
        sequence.question = None  # it was asked for what is cut off, and may come again much later
        opened = sequence.opened
        if opened is not None and opened[0] == to:
            sequence.restored = opened[1]
            keep = to
        else:
            # One token is evaluated again, for its logits.
            keep = to - 1
            sequence.restored = None
        keep = min(keep, sequence.n_evaluated)
        sequence.pending.extend(sequence.decoder.tokens[keep:to])
        if keep < sequence.n_evaluated:
            self._evaluator.truncate(sequence.slot, keep)
            sequence.n_evaluated = keep

    def _answers_at_once(self, request: Request) -> bool:
        return self._is_fast if request.settings.as_of is None else self._is_past_fast

    def _look(self, sequence: RunningSequence, query: Query) -> bool:
        """Ask memory; return false where the sequence has to wait for the answer."""
        store = self._store
        assert store is not None
        if not self._answers_at_once(sequence.request):
            return self._look_slowly(sequence, query)
        from lamlam.memory_backends.model.lookups import Lookup

        as_of = sequence.request.settings.as_of
        began = time.perf_counter()
        lookup = Lookup(query.entity, query.relation, as_of=as_of)
        result = checked_result(store.lookup_nowait(lookup))
        holder = sequence.key_constraint.holder if sequence.key_constraint else ""
        answer = sequence.given.next_answer(result, holder, time.perf_counter() - began)
        if answer.value is None and self._takes_nearest(sequence, result):
            best = result.candidates[0]
            again = store.lookup_nowait(Lookup(best.entity, best.relation, as_of=as_of))
            answer = replace(answer, elapsed_s=time.perf_counter() - began)
            answer = nearest_answer(best.score, again, answer, sequence.given)
        self._use_answer(sequence, answer)
        return True

    def _look_slowly(self, sequence: RunningSequence, query: Query) -> bool:
        """Take what memory was asked ahead; return false where the sequence has to wait."""
        question = sequence.question
        if question is None or question.query != query:
            self._ask(sequence, query)
        elif question.is_answered:
            return self._take_answer(sequence, question)
        sequence.is_parked = True
        return False

    def _ask_ahead(self, sequence: RunningSequence) -> None:
        """A slow memory is asked already, where what is written may be the whole question.

        The step in which the model writes that it is goes by while memory answers.
        """
        query, question = sequence.decoder.open_query, sequence.question
        if query is None or query.relation not in self._relations:
            return
        is_asked = question is not None and question.query == query
        if not is_asked and not self._answers_at_once(sequence.request):
            self._ask(sequence, query)

    def _ask(self, sequence: RunningSequence, query: Query) -> None:
        sequence.question = Question(query)
        sequence.request.ask(sequence.question)

    def _take_answer(self, sequence: RunningSequence, question: Question) -> bool:
        """Go on with what a slow memory has answered; return false where the text cannot go on."""
        result, sequence.question = question.result, None
        if isinstance(result, BaseException):
            self._drop(sequence, result)
            return False
        miss, sequence.miss = sequence.miss, None
        if miss is not None:  # the second question, for the nearest candidate
            miss = replace(miss, elapsed_s=miss.elapsed_s + result.elapsed_ns / 1e9)
            answer = nearest_answer(sequence.candidate_score, result, miss, sequence.given)
        else:
            answer = sequence.given.next_answer(result, "", result.elapsed_ns / 1e9)
            if answer.value is not None and len(self._relations) < _MOST_RELATIONS:
                self._relations.add(question.query.relation)
            if answer.value is None and self._takes_nearest(sequence, result):
                best = result.candidates[0]
                sequence.miss, sequence.candidate_score = answer, best.score
                sequence.is_parked = True
                self._ask(sequence, Query(best.entity, best.relation))
                return False
        self._use_answer(sequence, answer)
        return True

    def _takes_nearest(self, sequence: RunningSequence, result: LookupResult) -> bool:
        return sequence.request.settings.policy == "nearest" and bool(result.candidates)

    def _use_answer(self, sequence: RunningSequence, answer: Answer) -> None:
        decoder = sequence.decoder
        decoder.answered(answer)
        if sequence.request.is_streamed:
            record = decoder.records[-1]
            event = LookupMissed(record) if answer.value is None else LookupAnswered(record)
            sequence.request.send([event])

    def _add_pending(self, sequence: RunningSequence, n: int) -> None:
        """The first ``n`` pending tokens go into the batch."""
        tokens = sequence.pending[:n]
        del sequence.pending[:n]
        sequence.row = self._evaluator.add(
            sequence.slot,
            tokens,
            sequence.n_evaluated,
            is_last=not sequence.pending and not sequence.is_parked,
        )
        sequence.n_evaluated += n

    def _send_text(self, sequence: RunningSequence) -> None:
        texts = sequence.decoder.output.take_unsent(sequence.request.settings.stop)
        if texts:
            sequence.request.send(list(texts))

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
        if sequence not in self._running:  # what followed its release has failed
            return
        self._running.remove(sequence)
        try:
            self._slots.give_back(sequence.slot, sequence.evaluated if keeps else [])
        finally:
            # Should cells be left, llama.cpp refuses the next text's positions: an error for
            # that text, where a slot that is never free again would let it wait for ever.
            self.rest()  # before anyone learns that the text is over, and erases


def _fail(request: Request, error: BaseException) -> None:
    # Whoever cannot be told must not end the thread that the others wait for.
    with suppress(Exception):
        request.fail(error)


def _plain_sampler(settings: TextSettings, n_tokens: int) -> Sampler:
    return Sampler(settings.sampler, n_tokens)
