"""Lookups of running sequences: at once if the store is fast, else while other sequences run.

A sequence that waits for a slow store is parked. If the key that it is writing may be complete,
the lookup at a slow store is prefetched.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from lamlam.memory_backends.model.lookup_status import LookupStatus
from lamlam.runtime.decoding.events import LookupAnswered, LookupMissed
from lamlam.runtime.decoding.lookup_answers import (
    PendingLookup,
    by_general_name,
    checked_result,
    nearest_record,
)
from lamlam.runtime.decoding.miss_policies import MISS_POLICIES
from lamlam.runtime.decoding.spans import LookupRecord
from lamlam.runtime.scheduling.sequence import Request, RunningSequence

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import Lookup, LookupResult
    from lamlam.memory_backends.protocol import FactStore

_MOST_RELATIONS = 4096
"""Most names of relations that are kept: a store may answer to anything a model writes."""


class LookupBroker:
    """Sends lookups of running sequences to a store, and returns its answers."""

    def __init__(
        self,
        store: FactStore | None,
        *,
        is_fast: bool,
        drop: Callable[[RunningSequence, BaseException], None],
    ) -> None:
        """Start with nothing asked.

        Args:
            is_fast: the store answers at once (`lookup_nowait`).
            drop: ends a sequence whose lookup failed.
        """
        self._store = store
        self._is_fast = is_fast
        # The local copy of a server holds only the present.
        self._is_past_fast = is_fast and store is not None and "server" not in store.capabilities
        self._drop = drop
        self._may_hold_snapshot = store is not None
        self.relations: set[str] = set()
        """Those for which a slow store had a value: only their lookups are prefetched."""

    def answers_at_once(self, request: Request) -> bool:
        """Return true if no lookup of the sequence has to wait."""
        return self._is_fast if request.settings.as_of is None else self._is_past_fast

    def refresh(self) -> None:
        """Let a sequence that begins see what is in the store now."""
        if self._store is not None:
            self._may_hold_snapshot = True
            self._store.refresh_nowait()

    def release_snapshot(self) -> None:
        """Release the snapshot of the store, so that other processes can complete erasures."""
        if not self._may_hold_snapshot:
            return
        self._may_hold_snapshot = False
        assert self._store is not None
        # There is no sequence to fail; the next one fails when it refreshes the store itself.
        with suppress(Exception):
            self._store.refresh_nowait()

    def look_up(self, sequence: RunningSequence, lookup: Lookup) -> bool:
        """Ask the store; return false where the sequence has to wait for the answer."""
        store = sequence.memory
        assert store is not None
        if not self.answers_at_once(sequence.request):
            return self._look_up_slowly(sequence, lookup)
        began = time.perf_counter()
        result = checked_result(store.lookup_nowait(lookup))
        holder = sequence.key_constraint.holder if sequence.key_constraint else ""
        record = sequence.given.next_record(lookup, result, holder, time.perf_counter() - began)
        meant = _meant_otherwise(sequence, lookup, record)
        if meant is not None:
            again = store.lookup_nowait(replace(lookup, relation=meant))
            record = sequence.given.next_record(lookup, again, holder, time.perf_counter() - began)
            record = by_general_name(record)
        if record.value is None and _takes_nearest(sequence, result):
            best = result.candidates[0]
            again = store.lookup_nowait(replace(lookup, entity=best.entity, relation=best.relation))
            record = replace(record, elapsed_s=time.perf_counter() - began)
            record = nearest_record(best.score, again, record, sequence.given)
        _hand_over(sequence, record)
        return True

    def prefetch(self, sequence: RunningSequence) -> None:
        """Ask a slow store already, where the key that is being written may be complete.

        The store answers during the step in which the model writes that it is.
        """
        lookup, asked = sequence.decoder.open_lookup, sequence.asked
        if lookup is None or lookup.relation not in self.relations:
            return
        is_asked = asked is not None and asked.lookup == lookup
        if not is_asked and not self.answers_at_once(sequence.request):
            _ask(sequence, lookup)

    def answer(
        self,
        asked: PendingLookup,
        result: LookupResult | BaseException,
        running: Iterable[RunningSequence],
    ) -> None:
        """Take the answer of a slow store, and resume the sequence if it waits for it."""
        asked.result, asked.is_answered = result, True
        for sequence in running:
            if sequence.asked is asked and sequence.awaits_lookup:
                sequence.awaits_lookup = False
                try:
                    self._take_answer(sequence, asked)
                except Exception as error:  # a third-party store may return anything
                    self._drop(sequence, error)
                return

    def _look_up_slowly(self, sequence: RunningSequence, lookup: Lookup) -> bool:
        """Take a prefetched answer; return false where the sequence has to wait."""
        asked = sequence.asked
        if asked is None or asked.lookup != lookup:
            _ask(sequence, lookup)
        elif asked.is_answered:
            return self._take_answer(sequence, asked)
        sequence.awaits_lookup = True
        return False

    def _take_answer(self, sequence: RunningSequence, asked: PendingLookup) -> bool:
        """Use what a slow store has answered; return false where the sequence cannot go on."""
        result, sequence.asked = asked.result, None
        if isinstance(result, BaseException):
            self._drop(sequence, result)
            return False
        elapsed_s = result.elapsed_ns / 1e9
        miss, sequence.miss = sequence.miss, None
        if miss is not None:  # the second lookup, of the nearest candidate
            miss = replace(miss, elapsed_s=miss.elapsed_s + elapsed_s)
            record = nearest_record(sequence.candidate_score, result, miss, sequence.given)
        else:
            record = sequence.given.next_record(asked.lookup, result, "", elapsed_s)
            if record.value is not None and len(self.relations) < _MOST_RELATIONS:
                self.relations.add(asked.lookup.relation)
            if record.value is None and _takes_nearest(sequence, result):
                best = result.candidates[0]
                sequence.miss, sequence.candidate_score = record, best.score
                sequence.awaits_lookup = True
                _ask(sequence, replace(asked.lookup, entity=best.entity, relation=best.relation))
                return False
        _hand_over(sequence, record)
        return True


def _ask(sequence: RunningSequence, lookup: Lookup) -> None:
    sequence.asked = PendingLookup(lookup)
    sequence.request.ask(sequence.asked)


def _meant_otherwise(sequence: RunningSequence, lookup: Lookup, record: LookupRecord) -> str | None:
    """Return the relation that a lookup means which the entity lacks under the name asked for."""
    key_constraint, decoder = sequence.key_constraint, sequence.decoder
    if (
        record.status is not LookupStatus.MISS
        or key_constraint is None
        or decoder.is_asked_by_words
    ):
        return None
    return key_constraint.meant(lookup, decoder.output.text, sequence.given)


def _takes_nearest(sequence: RunningSequence, result: LookupResult) -> bool:
    policy = MISS_POLICIES[sequence.request.settings.policy]
    # What holds at another time has been found: asking again would not find more.
    is_near = bool(result.candidates) and result.status != "not_valid_at"
    return policy.takes_nearest and is_near


def _hand_over(sequence: RunningSequence, record: LookupRecord) -> None:
    decoder = sequence.decoder
    decoder.answered(record)
    if sequence.request.is_streamed:
        record = decoder.records[-1]
        event = LookupMissed(record) if record.value is None else LookupAnswered(record)
        sequence.request.send([event])
