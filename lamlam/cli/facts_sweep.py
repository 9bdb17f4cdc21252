"""The command ``sweep``: end the facts whose period has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamlam.cli.facts_options import Json, OfNamespace, WriteMemory, namespace_of
from lamlam.cli.facts_stores import own_store
from lamlam.cli.output import print_figures, print_json, printable_line, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lamlam.memory_backends.model.facts import Fact

NOT_FOUND = 1


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(epilog="Example: lamlam facts sweep --namespace users/7")(sweep)


def sweep(
    memory: WriteMemory = None,
    namespace: OfNamespace = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="DATE", help="What has ended by this moment; default: now."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what has expired, and change nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """End facts whose period has ended, in one commit; the history keeps them. Exit 1 if none.

    Expired facts are hidden without it. Questions about their time (facts get --at) find them
    until then, and no longer afterwards: --namespace keeps terms of office out of it.
    """
    from lamlam.cli.facts_output import fact_as_json
    from lamlam.memory_backends.model.timestamps import as_moment

    space = None if namespace is None else namespace_of(namespace)
    now = None if at is None else as_moment(at)
    with own_store(memory, read_only=dry_run) as store:
        if dry_run:
            revision, ended = store.info().revision, list(store.expired(namespace=space, now=now))
        else:
            commit = store.sweep(namespace=space, now=now)
            revision, ended = commit.revision, list(commit.ended)
    figures: dict[str, Any] = {"revision": int(revision), "facts": len(ended), "dry_run": dry_run}
    if as_json:
        print_json({**figures, "ended": [fact_as_json(fact) for fact in ended]})
    else:
        said = "expired, nothing changed" if dry_run else "ended"
        print_figures({"revision": figures["revision"], "facts": f"{len(ended)} {said}"})
        _print_each(ended)
    if not ended:
        raise typer.Exit(NOT_FOUND)


def _print_each(facts: Iterable[Fact]) -> None:
    from lamlam.cli.facts_output import period

    for fact in facts:
        line = f"{fact.entity} | {fact.relation} | {fact.surface} ({period(fact)})"
        typer.echo(f"  {shortened(printable_line(line))}")
