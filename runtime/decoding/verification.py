"""Checks whether the facts of a text still hold: each span is looked up again later."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from lamlam.memory_backends.model.facts import Fact
    from lamlam.memory_backends.model.lookups import Lookup, LookupResult
    from lamlam.memory_backends.model.operations import PastFact
    from lamlam.memory_backends.protocol import FactStore
    from lamlam.memory_backends.sync import SyncFactStore
    from lamlam.runtime.decoding.spans import LookupRecord, Span

CheckStatus = Literal["unchanged", "changed", "retracted", "not_valid", "unknown", "not_verifiable"]
"""What has become of a span's fact:

- ``unchanged``: the store still has the value that is in the text;
- ``changed``: the fact was replaced, or its value is written in another way now;
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
    """Where the store has the fact, or its history: of another namespace than the usual one
    everything here is said of it there."""


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

    @property
    def names(self) -> tuple[str, ...]:
        """Entities that may have the fact: with an inverse relation it is the other one."""
        return tuple(dict.fromkeys((self.lookup.entity, self.text)))

    def is_about(self, fact: Fact) -> bool:
        """Return true for the fact that the span came from."""
        return self.span.fact_id is not None and fact.id == self.span.fact_id


@dataclass(frozen=True, slots=True)
class _Named:
    """What a store holds and held of one entity."""

    stored: list[Fact]
    past: Sequence[PastFact] | None
    """``None`` where the store keeps no history."""


async def verify(
    text: str, spans: Sequence[Span], lookups: Sequence[LookupRecord], store: FactStore
) -> Verification:
    """Return what has become of each span (`Completion.verify`)."""
    steps, answer = _steps(text, spans, lookups, store), None
    try:
        while True:
            call = steps.send(answer)
            answer = [fact async for fact in call] if hasattr(call, "__aiter__") else await call
    except StopIteration as end:
        verification: Verification = end.value
        return verification


def verify_sync(
    text: str, spans: Sequence[Span], lookups: Sequence[LookupRecord], store: SyncFactStore
) -> Verification:
    """Return what has become of each span (`Completion.verify_sync`)."""
    steps, answer = _steps(text, spans, lookups, store), None
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
) -> Generator[Any, Any, Verification]:
    """Yield what the store's methods return, for the caller to wait for; return the outcome."""
    from lamlam.memory_backends.protocol import check_store

    check_store(store)
    asked = _questions(text, spans, lookups)
    results = (yield store.lookup_many([one.lookup for one in asked])) if asked else []
    has_history, named = "history" in store.capabilities, {}
    for name in _to_look_through(asked, results):
        stored = yield store.scan(name, namespace=())
        named[name] = _Named(stored, (yield store.history(name)) if has_history else None)
    elsewhere = {}
    for one, result in zip(asked, results, strict=True):
        if _is_nowhere(one, result, named):
            found = yield from _elsewhere(one, store, has_history)
            if found is not None:
                elsewhere[one.span] = found
    return _verification(text, spans, asked, results, named, elsewhere)


def _is_nowhere(asked: _Asked, result: LookupResult, named: dict[str, _Named]) -> bool:
    """Return whether the usual namespace has neither the fact of a span nor a past of it."""
    if asked.span.fact_id is None or _answer(asked, result):
        return False
    places = [named[name] for name in asked.names]
    facts = [fact for one in places for fact in one.stored]
    facts += [past.fact for one in places for past in one.past or ()]
    return not any(map(asked.is_about, facts))


def _elsewhere(
    asked: _Asked, store: Any, has_history: bool
) -> Generator[Any, Any, SpanCheck | None]:
    """Return the check of a fact in the other namespace that has it; ``None``: no one has.

    An id says in which namespace it was, but cannot be turned back: so all are looked through.
    """
    if not hasattr(store, "entities"):  # it looks like a store, and derives from none
        return None
    for name in asked.names:
        for known in (yield store.entities(name=name)):
            space = known.namespace
            if not space:
                continue
            named = {}
            for other in asked.names:
                stored = yield store.scan(other, namespace=space)
                past = (yield store.history(other, namespace=space)) if has_history else None
                named[other] = _Named(stored, past)
            facts = [fact for one in named.values() for fact in one.stored]
            facts += [past.fact for one in named.values() for past in one.past or ()]
            if any(map(asked.is_about, facts)):
                (result,) = yield store.lookup_many([replace(asked.lookup, namespace=space)])
                return replace(_checked(asked, result, named), namespace=space)
    return None


def _to_look_through(asked: list[_Asked], results: Sequence[LookupResult]) -> list[str]:
    """Return the entities of facts that the store no longer answers with."""
    gone = [one for one, result in zip(asked, results, strict=True) if not _answer(one, result)]
    return list(dict.fromkeys(name for one in gone for name in one.names))


def _questions(text: str, spans: Sequence[Span], lookups: Sequence[LookupRecord]) -> list[_Asked]:
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
            asked.append(_Asked(span, text[span.start : span.end], lookup))
    return asked


def _answer(asked: _Asked, result: LookupResult) -> tuple[str, str | None] | None:
    """Return value and id of the fact if it still holds, or of one with the same value."""
    ids: Sequence[str | None] = result.fact_ids or (None,) * len(result.values)
    answers = list(zip(result.values, ids, strict=True))
    fact_id = asked.span.fact_id
    own = next((answer for answer in answers if fact_id and answer[1] == fact_id), None)
    return own or next((answer for answer in answers if answer[0] == asked.text), None)


def _checked(asked: _Asked, result: LookupResult, named: dict[str, _Named]) -> SpanCheck:
    answer = _answer(asked, result)
    if answer is None:
        return _gone(asked, result, [named[name] for name in asked.names])
    value, now_id = answer
    matches = value == asked.text
    status: CheckStatus = "unchanged" if matches else "changed"
    return _check(asked, status, result, text_matches=matches, now_fact_id=now_id)


def _gone(asked: _Asked, result: LookupResult, named: Sequence[_Named]) -> SpanCheck:
    """Return the check of a fact that the store no longer answers with."""
    for one in named:
        for fact in one.stored:
            if asked.is_about(fact):
                return _check(asked, "not_valid", result, text_matches=_says(fact, asked))
    ended = [past for one in named for past in one.past or () if asked.is_about(past.fact)]
    if not ended:
        # Without a history only the present values can be compared.
        has_history = all(one.past is not None for one in named)
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
        **more,
    )


def _verification(
    text: str,
    spans: Sequence[Span],
    asked: list[_Asked],
    results: Sequence[LookupResult],
    named: dict[str, _Named],
    elsewhere: dict[Span, SpanCheck],
) -> Verification:
    checks = {
        one.span: _checked(one, result, named) for one, result in zip(asked, results, strict=True)
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
