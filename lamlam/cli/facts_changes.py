"""The command ``changes``: what was changed, when and by whom."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamlam.cli.facts_options import Json, OfNamespace, WriteMemory, namespace_of
from lamlam.cli.facts_stores import own_store, read_where
from lamlam.cli.output import as_json as json_text
from lamlam.cli.output import print_json, printable_line, shortened, stderr_console

if TYPE_CHECKING:
    from lamlam.memory_backends.model.facts import Namespace
    from lamlam.memory_backends.model.operations import Change
    from lamlam.memory_backends.sync import SyncFactStore

NOT_FOUND = 1
_POINT = "DATE|REVISION"
_POLL_S = 1.0


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(epilog='Example: lamlam facts changes --since "30 November 2026"')(changes)


def changes(
    memory: WriteMemory = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar=_POINT,
            help="From this date on, or after this revision; default: from the first one.",
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar=_POINT,
            help="To the end of this day, month or year, or up to this revision; default: now.",
        ),
    ] = None,
    namespace: OfNamespace = None,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow",
            help="Go on with what is committed from now on, until Ctrl-C; with --json one object"
            " a line.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what commits changed, oldest first, when, and by whom. Exit status 1 if nothing.

    With --follow it shows what is changed from now on, or first what was changed --since.
    A date is 2026-11-30, 2026-11, "30 November 2026" or a time with its zone, of UTC otherwise.
    A number is a revision; one of four digits that the store has not reached is a year.
    """
    space = None if namespace is None else namespace_of(namespace)
    with own_store(memory, read_only=True) as store:
        first, last = bounds(store, since, until)
        if follow:
            check_followed(store, until)
            tell = _print_json_lines if as_json else print_changes
            for new in followed(store, first if since else last, space, wait):
                tell(new)
                sys.stdout.flush()
            return
        read = read_where(memory, store)
        found = _upto_revision(store.changes(first, namespace=space), last)
        if as_json:
            given = [change_as_json(change) for change in found]
            n_changes = len(given)
            print_json({"since": int(first), "until": int(last), "changes": given})
        else:
            n_changes = print_changes(found)
    if not n_changes:
        if not as_json:
            said = f"nothing was changed after revision {first} and up to {last} {read}"
            stderr_console().print(printable_line(said), soft_wrap=True)
        raise typer.Exit(NOT_FOUND)


def check_followed(store: SyncFactStore, until: str | None) -> None:
    """Check that a store can be followed.

    Raises:
        UsageError: it has an end, or shows only what this process commits.
    """
    from lamlam.errors import UsageError
    from lamlam.memory_backends.model.capabilities import Capability

    if until is not None:
        raise UsageError("--follow has no end", hint="leave out --until")
    if Capability.MULTIPROCESS not in store.capabilities:
        raise UsageError(
            "this memory is read once, so nothing new is ever seen in it",
            hint="follow a fact file (.db) or a store on a server",
        )


def followed(
    store: SyncFactStore, first: int, namespace: Namespace | None, wait: Callable[[], object]
) -> Iterator[list[Change]]:
    """Yield what was changed after a revision, then what is changed from now on, for ever.

    Args:
        wait: called between two looks.
    """
    while True:
        reached = int(store.info().revision)
        if reached > first:
            found = list(store.changes(first, namespace=namespace))
            # What was committed after the number was read may be among them.
            first = max([reached, *(int(one.revision) for one in found)])
            if found:
                yield found
        wait()


def wait() -> None:
    """Wait a second for commits."""
    time.sleep(_POLL_S)


def _print_json_lines(found: Iterable[Change]) -> None:
    for change in found:
        typer.echo(json_text(change_as_json(change)))


def bounds(store: SyncFactStore, since: str | None, until: str | None) -> tuple[int, int]:
    """Return the revision after which the changes begin that two options name, and the last one.

    Raises:
        UsageError: one names neither a date nor a revision.
    """
    info = store.info()
    first = info.changes_since if since is None else _before(store, since, "--since")
    last = int(info.revision) if until is None else _upto(store, until)
    return max(int(first), 0), int(last)


def _upto_revision(found: Iterable[Change], last: int) -> Iterator[Change]:
    for change in found:
        if change.revision > last:
            return
        yield change


def _before(store: SyncFactStore, text: str, option: str) -> int:
    """Return the last revision before what is named."""
    number = _revision(store, text)
    return store.revision_at(_moment(text, option)) if number is None else number


def _upto(store: SyncFactStore, text: str) -> int:
    """Return the last revision of what is named: dates include their last moment."""
    number = _revision(store, text)
    if number is not None:
        return number
    from lamlam.errors import BadFact
    from lamlam.memory_backends.model.values import PartialDate

    try:
        date = PartialDate.parse(text)
    except BadFact:
        return store.revision_at(_moment(text, "--until"))
    if (date.year, date.month or 12, date.day or 31) >= (9999, 12, 31):
        return int(store.info().revision)
    return store.revision_at(_day_after(date))


def _day_after(date: Any) -> Any:  # Any: dates are imported where they are used
    """Return the first date behind a day, month or year, of the same kind."""
    from datetime import date as calendar_day
    from datetime import timedelta

    from lamlam.memory_backends.model.values import PartialDate

    if date.month is None:
        return PartialDate(date.year + 1)
    if date.day is None:
        return PartialDate(date.year + date.month // 12, date.month % 12 + 1)
    if date.year < 1:
        return date  # long before any commit
    day = calendar_day(date.year, date.month, date.day) + timedelta(days=1)
    return PartialDate(day.year, day.month, day.day)


def _revision(store: SyncFactStore, text: str) -> int | None:
    """Return the revision that a text names; ``None``: it names a date."""
    number = text.partition("@")[0]
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    reached = int(store.info().revision)
    return None if len(number) == 4 and int(number) > reached else int(number)


def _moment(text: str, option: str) -> Any:  # Any: a moment, as `revision_at` takes it
    from lamlam.errors import UsageError
    from lamlam.memory_backends.model.timestamps import as_moment

    try:
        return as_moment(text)
    except Exception as error:
        hint = getattr(error, "hint", None)
        hint = f"{hint or 'give a date'}; or give a revision"
        raise UsageError(f"{option}: {error}", hint=hint) from error


def change_as_json(change: Change) -> dict[str, Any]:
    """Return one change with its commit; keys that do not apply to its kind are left out."""
    from lamlam.cli.facts_output import fact_as_json, when_as_json

    figures: dict[str, Any] = {
        "revision": int(change.revision),
        "at": when_as_json(change.at),
        "actor": change.actor,
        "kind": change.kind,
        "namespace": list(change.namespace),
    }
    if change.fact is not None:
        figures |= {"entity": change.entity, "fact": fact_as_json(change.fact)}
    elif change.alias is not None:
        figures |= {"entity": change.entity, "alias": change.alias}
    elif change.rule is not None:
        rule = change.rule
        figures["rule"] = {
            "relation": rule.name,
            "cardinality": rule.cardinality,
            "type": rule.value_type and rule.value_type.value,
            "inverse": rule.inverse,
        }
    else:
        figures |= {"entity_id": change.entity_id, "fact_ids": list(change.fact_ids)}
    return figures


def print_changes(found: Iterable[Change]) -> int:
    """Print a line for each commit and one for each of its changes; return how many changes."""
    from lamlam.cli.facts_output import commit_line

    n_changes, last = 0, -1
    for change in found:
        n_changes += 1
        if change.revision != last:
            last = change.revision
            line = commit_line(change.revision, change.at, change.actor)
            typer.echo(shortened(printable_line(line)))
        typer.echo(f"  {shortened(printable_line(said_of(change)))}")
    return n_changes


def said_of(change: Change) -> str:
    """Return one change in words."""
    from lamlam.cli.facts_output import period

    space = f"  [{'/'.join(change.namespace)}]" if change.namespace else ""
    fact = change.fact
    if fact is not None:
        holds = f" ({period(fact)})" if period(fact) else ""
        return f"{change.kind}: {fact.entity} | {fact.relation} | {fact.surface}{holds}{space}"
    if change.rule is not None:
        rule = change.rule
        parts = [rule.name, rule.cardinality, rule.value_type and rule.value_type.value]
        parts.append(rule.inverse and f"inverse {rule.inverse}")
        return f"rule: {' | '.join(part for part in parts if part)}"
    if change.alias is not None:
        named = {"no_alias": "alias removed", "split": "split from"}.get(change.kind, change.kind)
        return f"{named}: {change.entity} | {change.alias}{space}"
    n = len(change.fact_ids)
    gone = f"{n} fact{'' if n == 1 else 's'} of an entity" if n else "an entity"
    return f"erased: {gone}{space}"
