"""The command ``verify``: is a fact file whole, and the one that was handed on?"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lamlam.cli.facts_options import Json
from lamlam.cli.output import print_json, printable_line, stderr_console
from lamlam.progress_bars import progress_bar

DAMAGED = 1


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(epilog="Example: lamlam facts verify facts.db")(verify)


def verify(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A fact file, its sqlite URL, or bundled.")
    ],
    write_manifest: Annotated[
        bool,
        typer.Option(
            "--write-manifest",
            help="If it is whole, write its hash and counts to FILE.manifest.json.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Check a whole fact file, part by part, and its hash if a manifest is beside it.

    Exit 0 if it is whole, 1 if it is damaged or another one than its manifest says, 2 if it is no
    fact file or could not be read. Nothing but a manifest is written.
    """
    from lamlam.memory_backends.open import verify_file

    with progress_bar() as bar:
        task = bar.add_task("verifying", total=None)

        def show(part: str, done: int, total: int) -> None:
            bar.update(task, description=part, completed=done, total=total)

        verdicts, written = verify_file(file, write_manifest=write_manifest, on_verify=show)
    is_whole = all(verdict.is_whole for verdict in verdicts)
    if as_json:
        parts: dict[str, Any] = {
            one.part: {"whole": one.is_whole, "seen": one.seen, "faults": list(one.faults)}
            for one in verdicts
        }
        print_json(
            {
                "file": file,
                "whole": is_whole,
                "parts": parts,
                "manifest": None if written is None else str(written),
            }
        )
    else:
        for verdict in verdicts:
            typer.echo(printable_line(f"{'ok' if verdict.is_whole else 'BAD'} {verdict}"))
        if written is not None:
            stderr_console().print(printable_line(f"written: {written}"), soft_wrap=True)
    if not is_whole:
        raise typer.Exit(DAMAGED)
