"""Take a commit back: the steps, which ask a store, and how they are run on one, blocking or not."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from typing import Any, NamedTuple

from lamlam.errors import BadFact, CannotUndo, Conflict
from lamlam.memory_backends.commits.undo_plan import UndoPlan, UndoReport
from lamlam.memory_backends.model.capabilities import Capability, unsupported
from lamlam.memory_backends.model.expiry import with_expired
from lamlam.memory_backends.model.facts import check_flags
from lamlam.memory_backends.model.operations import Later

Store = Any
"""A `FactStore` or its blocking twin: both have methods of the same names."""
_MOST_TRIES = 5


class Each(NamedTuple):
    """Asks for every item, one after another: there may be more than memory takes."""

    items: Any  # an iterator, async where the store is
    take: Callable[[Any], bool | None]
    """Called with each; true where it wants no more."""


Steps = Generator[Any, Any, UndoReport]


def undo_steps(
    store: Store, revision: int, later: Later, *, dry_run: bool, actor: str | None
) -> Steps:
    """Yield what the store is asked, for the caller to wait for; return what was done.

    Args:
        store: the store.
        revision: of the commit.
        later: what to do about what later commits changed again.
        dry_run: write nothing.
        actor: who does it.
    """
    UndoPlan(revision, later)
    check_flags(dry_run=dry_run)
    for needed in (Capability.CHANGES, Capability.HISTORY):
        if needed not in store.capabilities:
            raise unsupported(store, "undo", needed)
    has_cas = Capability.CAS in store.capabilities
    for n_left in reversed(range(_MOST_TRIES)):
        info = yield store.info()
        plan = UndoPlan(revision, later)
        plan.check_reached(info)
        yield Each(store.changes(revision - 1), plan.add)
        plan.check()
        if plan.rules:
            if info.changes_since:
                plan.earlier_rules = plan.rules  # nobody knows any more
            else:
                yield Each(store.changes(0), plan.add_earlier)
        shown = with_expired(store)
        for (space, key), entity in plan.touched.items():
            asked = {"namespace": space, **shown}
            entity.before = _of(key, (yield store.scan(entity.name, as_of=revision - 1, **asked)))
            entity.now = _of(key, (yield store.scan(entity.name, **asked)))
        ops = plan.ops()
        if dry_run:
            return plan.report(ops, None)
        try:
            expected = info.revision if has_cas else None
            commit = yield store.apply(ops, expected=expected, actor=actor)
        except Conflict:
            if not n_left:
                raise
        except BadFact as error:  # a merge that stands no longer, a name that is taken
            raise CannotUndo(
                f"revision {plan.revision} cannot be undone: {error}", hint=error.hint
            ) from None
        else:
            return plan.report(ops, commit)
    raise AssertionError("the last try returns or raises")


def _of(key: str, facts: list[Any]) -> list[Any]:
    """Return the facts of the entity itself: what has its name as an alias is another one."""
    from lamlam.memory_backends.model.keys import canonical_key

    return [fact for fact in facts if canonical_key(fact.entity) == key]


async def run_steps(steps: Steps) -> UndoReport:
    """Run the steps on a store that is waited for."""
    answer: Any = None
    error: Exception | None = None
    while True:
        try:
            asked = steps.send(answer) if error is None else steps.throw(error)
        except StopIteration as end:
            report: UndoReport = end.value
            return report
        answer = error = None
        try:
            answer = await _answer(asked)
        except Exception as raised:
            error = raised


async def _answer(asked: Any) -> Any:
    if isinstance(asked, Each):
        try:
            async for item in asked.items:
                if asked.take(item):
                    break
        finally:
            if isinstance(asked.items, AsyncGenerator):  # one that is left early must be closed
                await asked.items.aclose()
        return None
    if hasattr(asked, "__aiter__"):
        return [item async for item in asked]
    return await asked


def run_steps_nowait(steps: Steps) -> UndoReport:
    """Run the steps on a blocking store."""
    answer: Any = None
    error: Exception | None = None
    while True:
        try:
            asked = steps.send(answer) if error is None else steps.throw(error)
        except StopIteration as end:
            report: UndoReport = end.value
            return report
        answer = error = None
        if isinstance(asked, Each):
            any(map(asked.take, asked.items))
        else:
            answer = list(asked) if isinstance(asked, Iterator) else asked
