"""The command ``undo``: take back what a commit did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from lamlam.cli.facts_options import Actor, Json, WriteMemory
from lamlam.cli.facts_stores import own_store
from lamlam.cli.output import print_figures, print_json, printable_line, shortened

if TYPE_CHECKING:
    from lamlam.memory_backends.model.operations import Op

NOT_FOUND = 1


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(epilog="Example: lamlam facts undo 12 --dry-run")(undo)


def undo(
    revision: Annotated[int, typer.Argument(help="Of the commit; `facts changes` lists them.")],
    memory: WriteMemory = None,
    later: Annotated[
        str,
        typer.Option(
            "--later",
            help="What changed again since: refuse (the default), skip (leave it as it is),"
            " or restore (make it as it was before).",
        ),
    ] = "refuse",
    force: Annotated[bool, typer.Option("--force", help="The same as --later restore.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and change nothing.")
    ] = False,
    actor: Actor = None,
    as_json: Json = False,
) -> None:
    """Take back what a commit did, by a new commit; the history keeps both.

    What it added ends, what it ended or replaced is there again; aliases, merges and first rules
    too. An erasure cannot be undone. Exit status 1 if all is as it was before already.
    """
    from lamlam.errors import CannotUndo, UsageError
    from lamlam.memory_backends.model.operations import Later

    if force and later not in ("refuse", "restore"):
        raise UsageError(f"--force is --later restore, not {later}", hint="leave out one of them")
    choice: Later | None = next((one for one in get_args(Later) if one == later), None)
    if choice is None:
        raise UsageError(f"--later must be refuse, skip or restore, got {later[:40]!r}")
    if force:
        choice = "restore"
    with own_store(memory, read_only=dry_run) as store:
        try:
            report = store.undo(revision, later=choice, dry_run=dry_run, actor=actor)
        except CannotUndo as error:
            raise _with_options(error) from None
        now = int(store.info().revision)
    ops = [said_of(op) for op in report.ops]
    figures: dict[str, Any] = {"undone": report.undone, "revision": now, "dry_run": dry_run}
    if as_json:
        facts = report.commit.facts if report.commit is not None else 0
        print_json({**figures, "changed": facts, "operations": ops, "left": list(report.left)})
    else:
        done = "would be done" if dry_run else "done"
        print_figures({"revision": now, "operations": f"{len(ops)} {done}"})
        for line in ops:
            typer.echo(f"  {shortened(printable_line(line))}")
        for line in report.left:
            typer.echo(f"  left: {shortened(printable_line(line))}")
    if not ops:
        raise typer.Exit(NOT_FOUND)


def _with_options(error: Exception) -> Exception:
    """Return the error with a hint in the words of the command."""
    from lamlam.errors import CannotUndo

    hint = getattr(error, "hint", None)
    if hint and "later=" in hint:
        hint = "undo these first, or add --later skip (leaves them) or --later restore"
    return CannotUndo(str(error), hint=hint)


def said_of(op: Op) -> str:
    """Return an operation in words."""
    from lamlam.memory_backends.model import operations as model

    match op:
        case model.Assert(fact):
            return f"assert: {fact.entity} | {fact.relation} | {fact.surface}"
        case model.Retract():
            value = "" if op.value is None else f" | {op.value}"
            return f"retract: {op.entity} | {op.relation}{value}"
        case model.AddAlias(entity, alias):
            return f"add alias: {entity} | {alias}"
        case model.RemoveAlias(entity, alias):
            return f"remove alias: {entity} | {alias}"
        case model.MergeEntities(kept, merged):
            return f"merge: {kept} | {merged}"
        case model.SplitEntities(kept, merged):
            return f"split: {kept} | {merged}"
        case model.DefineRelation(rule):
            return f"rule: {rule.name} | {rule.cardinality}"
        case _:
            return type(op).__name__
