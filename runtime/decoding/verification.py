"""Checks whether the facts of a text still hold: each span is looked up again later.

A text was written from two namespaces, its user's and the shared one, and is checked against both
in the same way: each fact in the one that it came from.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from lamlam.memory_backends.resolution.layers import Layers

if TYPE_CHECKING:
    from lamlam.memory_backends.model.facts import Fact, Namespace
    from lamlam.memory_backends.model.lookups import Lookup, LookupResult
    from lamlam.memory_backends.model.operations import PastFact
    from lamlam.memory_backends.protocol import FactStore
    from lamlam.memory_backends.sync import SyncFactStore
    from lamlam.runtime.decoding.spans import LookupRecord, Span

CheckStatus = Literal["unchanged", "changed", "retracted", "not_valid", "unknown", "not_verifiable"]
"""What has become of a span's fact:

- ``unchanged``: the store still has the value that is in the text;
- ``changed``: the fact was replaced, its value is written in another way now, or a fact of the
  user hides it now;
- ``retracted``: it was retracted and not replaced;
- ``not_valid``: the store has it, but its period of world time does not include now;
- ``unknown``: the store has no such fact and no history of it, in no namespace: it was erased, or
  never was in this store, or the store keeps no history. After an erasure these look the same;
- ``not_verifiable``: the weights wrote it, so there is no fact to ask about.
"""


@dataclass(frozen=True, slots=True)
class SpanCheck:
    """What has become of one stretch of a text."""

    start: int
    end: int
    text: str
    status: CheckStatus
    entity: str | None = None
    """What the store was asked about, as it was stored then."""
    relation: str | None = None
    fact_id: str | None = None
    text_matches: bool | None = None
    """The text is exactly the value of the fact, as it is stored now or was when it ended;
    ``None`` if there is no fact to compare it with."""
    now: tuple[str, ...] = ()
    """Every value that the store answers now."""
    now_fact_id: str | None = None
    """The fact that says the same now: another one where entities were merged or split."""
    revision: int | None = None
    """The revision of the store when the text was generated."""
    ended: int | None = None
    """The revision at which the fact ended."""
    namespace: tuple[str, ...] = ()
    """Where the store has the fact, or its history; ``()`` also where it has neither."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What has become of the facts of a text."""

    checks: tuple[SpanCheck, ...]
    """Of every span but the prompt, in their order."""
    revision: int | None
    """The revision of the store now; ``None`` where there was nothing to ask."""

    @property
    def holds(self) -> bool:
        """True if memory still has everything that came from it; what the weights wrote is not
        counted."""
        return all(check.status in ("unchanged", "not_verifiable") for check in self.checks)

    @property
    def broken(self) -> tuple[SpanCheck, ...]:
        """The checks of facts that no longer hold, or cannot be found."""
        return tuple(
            one for one in self.checks if one.status not in ("unchanged", "not_verifiable")
        )

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain dictionaries, lists, strings and numbers."""
        return {"holds": self.holds, **asdict(self)}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A span, and the lookup that it answered."""

    span: Span
    text: str
    lookup: Lookup
    layers: Layers
    """What is asked now: as the text was written, unless the fact is of a third namespace."""

    @property
    def names(self) -> tuple[str, ...]:
        """Entities that may have the fact: with an inverse relation it is the other one."""
        return tuple(dict.fromkeys((self.lookup.entity, self.text)))

    @property
    def places(self) -> list[_Where]:
        """Where the fact may be, where the store does not answer with it."""
        spaces = dict.fromkeys((self.span.namespace, *self.layers.all()))
        return [_Where(name, space) for space in spaces for name in self.names]

    def is_about(self, fact: Fact) -> bool:
        """Return true for the fact that the span came from."""
        return self.span.fact_id is not None and fact.id == self.span.fact_id


class _Where(NamedTuple):
    """An entity of a namespace."""

    name: str
    namespace: Namespace


@dataclass(frozen=True, slots=True)
class _Known:
    """What a store holds and held of one entity."""

    stored: list[Fact]
    past: Sequence[PastFact] | None
    """``None`` where the store keeps no history."""

    def has(self, asked: _Asked) -> bool:
        """Return whether the fact of a span is, or was, one of them."""
        facts = [*self.stored, *(past.fact for past in self.past or ())]
        return any(map(asked.is_about, facts))


async def verify(
    text: str,
    spans: Sequence[Span],
    lookups: Sequence[LookupRecord],
    store: FactStore,
    layers: Layers,
) -> Verification:
    """Return what has become of each span (`Completion.verify`)."""
    steps, answer = _steps(text, spans, lookups, store, layers), None
    try:
        while True:
            call = steps.send(answer)
            answer = [fact async for fact in call] if hasattr(call, "__aiter__") else await call
    except StopIteration as end:
        verification: Verification = end.value
        return verification


def verify_sync(
    text: str,
    spans: Sequence[Span],
    lookups: Sequence[LookupRecord],
    store: SyncFactStore,
    layers: Layers,
) -> Verification:
    """Return what has become of each span (`Completion.verify_sync`)."""
    steps, answer = _steps(text, spans, lookups, store, layers), None
    try:
        while True:
            answer = list(steps.send(answer))
    except StopIteration as end:
        verification: Verification = end.value
        return verification


def _steps(
    text: str,
    spans: Sequence[Span],
    lookups: Sequence[LookupRecord],
    store: Any,  # Any: a FactStore or its blocking twin
    layers: Layers,
) -> Generator[Any, Any, Verification]:
    """Yield what the store's methods return, for the caller to wait for; return the outcome."""
    from lamlam.memory_backends.protocol import check_store

    check_store(store)
    asked = _questions(text, spans, lookups, layers)
    results = yield from _answers(asked, store)
    known: dict[_Where, _Known] = {}
    for one, result in zip(asked, results, strict=True):
        if not _answer(one, result):
            yield from _look_through(one.places, known, store)
    elsewhere = {}
    for one, result in zip(asked, results, strict=True):
        if one.span.fact_id is None or _answer(one, result):
            continue
        if not any(known[place].has(one) for place in one.places):
            found = yield from _elsewhere(one, store, known)
            if found is not None:
                elsewhere[one.span] = found
    return _verification(text, spans, asked, results, known, elsewhere)


def _answers(asked: list[_Asked], store: Any) -> Generator[Any, Any, list[LookupResult]]:
    """Return what the store answers now to the lookup of each span."""
    from lamlam.memory_backends.model.keys import canonical_key
    from lamlam.memory_backends.resolution.layer_answers import AsksAlias, all_answers

    if not asked:
        return []
    steps, sent = all_answers([(one.lookup, one.layers) for one in asked]), None
    has_aliases = "aliases" in store.capabilities
    try:
        while True:
            step = steps.send(sent)
            if not isinstance(step, AsksAlias):
                sent = yield store.lookup_many(step)
                continue
            sent = False
            if has_aliases:
                aliases = yield store.aliases(step.stored, namespace=step.namespace)
                sent = canonical_key(step.name) in aliases
    except StopIteration as end:
        results: list[LookupResult] = end.value
        return results


def _look_through(
    places: Sequence[_Where], known: dict[_Where, _Known], store: Any
) -> Generator[Any, Any, None]:
    """Read what the store holds and held of some entities."""
    from lamlam.memory_backends.model.expiry import with_expired

    # What has expired since the text was written has not been erased.
    has_history = "history" in store.capabilities
    for place in places:
        if place not in known:
            name, space = place
            stored = yield store.scan(name, namespace=space, **with_expired(store))
            past = (yield store.history(name, namespace=space)) if has_history else None
            known[place] = _Known(stored, past)


def _elsewhere(
    asked: _Asked, store: Any, known: dict[_Where, _Known]
) -> Generator[Any, Any, SpanCheck | None]:
    """Return the check of a fact in the other namespace that has it; ``None``: no one has.

    An id says in which namespace it was, but cannot be turned back: so all are looked through.
    """
    if not hasattr(store, "entities"):  # it looks like a store, and derives from none
        return None
    looked_through = {place.namespace for place in asked.places}
    for name in asked.names:
        for entity in (yield store.entities(name=name)):
            space = entity.namespace
            if space in looked_through:
                continue
            there = replace(asked, span=replace(asked.span, namespace=space), layers=Layers(space))
            yield from _look_through(there.places, known, store)
            if any(known[place].has(there) for place in there.places):
                (result,) = yield store.lookup_many([replace(asked.lookup, namespace=space)])
                return _checked(there, result, known)
    return None


def _questions(
    text: str, spans: Sequence[Span], lookups: Sequence[LookupRecord], layers: Layers
) -> list[_Asked]:
    from lamlam.memory_backends.model.lookups import Lookup

    asked = []
    for span in spans:
        if span.origin != "fact" or span.match is None or span.match.entity.matched is None:
            continue
        relation = span.match.relation.matched
        if span.match.relation.kind == "inverse" or relation is None:
            # What matched is the relation of the other entity; this one was asked otherwise.
            same = (one.relation for one in lookups if one.match == span.match)
            relation = next(same, relation)
        if relation is not None:
            lookup = Lookup(span.match.entity.matched, relation)
            is_read = span.namespace in layers.all()
            read = layers if is_read else Layers(span.namespace)
            asked.append(_Asked(span, text[span.start : span.end], lookup, read))
    return asked


def _answer(asked: _Asked, result: LookupResult) -> tuple[str, str | None] | None:
    """Return value and id of the fact if it still holds, or of one with the same value."""
    ids: Sequence[str | None] = result.fact_ids or (None,) * len(result.values)
    answers = list(zip(result.values, ids, strict=True))
    fact_id = asked.span.fact_id
    own = next((answer for answer in answers if fact_id and answer[1] == fact_id), None)
    return own or next((answer for answer in answers if answer[0] == asked.text), None)


def _checked(asked: _Asked, result: LookupResult, known: dict[_Where, _Known]) -> SpanCheck:
    answer = _answer(asked, result)
    if answer is None:
        return _gone(asked, result, [known[place] for place in asked.places])
    value, now_id = answer
    matches = value == asked.text
    status: CheckStatus = "unchanged" if matches else "changed"
    return _check(asked, status, result, text_matches=matches, now_fact_id=now_id)


def _gone(asked: _Asked, result: LookupResult, known: Sequence[_Known]) -> SpanCheck:
    """Return the check of a fact that the store no longer answers with."""
    for one in known:
        for fact in one.stored:
            if asked.is_about(fact):
                # What holds and is no answer is hidden by a fact of the user.
                status: CheckStatus = "changed" if _holds(fact) else "not_valid"
                return _check(asked, status, result, text_matches=_says(fact, asked))
    ended = [past for one in known for past in one.past or () if asked.is_about(past.fact)]
    if not ended:
        # Without a history only the present values can be compared.
        has_history = all(one.past is not None for one in known)
        is_changed = not has_history and bool(result.values)
        return _check(asked, "changed" if is_changed else "unknown", result)
    last = max(ended, key=lambda one: one.retracted)
    is_replaced = any((fact.revision or 0) >= last.retracted for fact in result.facts)
    return _check(
        asked,
        "changed" if is_replaced else "retracted",
        result,
        text_matches=any(_says(one.fact, asked) for one in ended),
        ended=int(last.retracted),
    )


def _holds(fact: Fact) -> bool:
    """Return whether the period of a fact includes now."""
    from lamlam.memory_backends.model.clock import microseconds
    from lamlam.memory_backends.model.timestamps import holds_at, to_us

    return holds_at(to_us(fact.valid_from), to_us(fact.valid_to), microseconds(None))


def _says(fact: Fact, asked: _Asked) -> bool:
    """Return true if the text is the value of a fact, or its entity (inverse relation)."""
    return asked.text in (fact.surface, fact.entity)


def _check(
    asked: _Asked,
    status: CheckStatus,
    result: LookupResult,
    **more: Any,  # Any: of SpanCheck
) -> SpanCheck:
    span, lookup = asked.span, asked.lookup
    return SpanCheck(
        span.start,
        span.end,
        asked.text,
        status,
        lookup.entity,
        lookup.relation,
        span.fact_id,
        now=result.values,
        revision=None if span.revision is None else int(span.revision),
        namespace=() if status == "unknown" else span.namespace,
        **more,
    )


def _verification(
    text: str,
    spans: Sequence[Span],
    asked: list[_Asked],
    results: Sequence[LookupResult],
    known: dict[_Where, _Known],
    elsewhere: dict[Span, SpanCheck],
) -> Verification:
    checks = {
        one.span: _checked(one, result, known) for one, result in zip(asked, results, strict=True)
    }
    checks |= elsewhere
    every = []
    for span in spans:
        if span.origin == "prompt":
            continue
        part = text[span.start : span.end]
        status: CheckStatus = "unknown" if span.origin == "fact" else "not_verifiable"
        unasked = SpanCheck(span.start, span.end, part, status, fact_id=span.fact_id)
        every.append(checks.get(span, unasked))
    return Verification(tuple(every), int(results[0].revision) if results else None)
